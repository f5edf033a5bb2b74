/* SPDX-License-Identifier: MIT
 * The Hessian of a problem at one point as an operator: exact products where the problem has
 * them, else a complex step of the gradient, else central differences. Of the whole objective
 * or of one batch.
 */
#ifndef UNS_HESSIAN_H
#define UNS_HESSIAN_H

#include <unsaddle/operator.h>
#include <unsaddle/problem.h>

typedef struct uns_hessian {
    uns_context *context;
    const uns_problem *problem;
    const uns_batch *batch; /* NULL: the whole objective; may be changed between products */
    size_t dimension, blocks;
    void *memory;
    void **pointers[3]; /* one a block, for x, v and out */
    double *x;          /* [d] in block order */
    double *near[2];    /* [d] a point beside x; the gradient there */
    void *scratch;      /* the problem's, for batches up to that of open */
    double step;        /* of differences, along a unit vector; 0: no differences */
    int64_t gradients;  /* made so far */
    uns_operator op;    /* products; self is this struct, which must not move */
} uns_hessian;

/* The parameter "rung": auto, exact, complex-step, differences. */
extern const uns_named uns_rung_wishes[];

/* Copies x (one replica). `batch_size` is the largest batch to come, 0: only the whole. `rung`:
 * a uns_rung, or UNS_RUNG_BEST; UNS_ERROR_UNAVAILABLE where the problem has it not. For
 * differences it walks a ladder of steps with `probe` directions: 32 gradients. Memory: 3
 * vectors, 3 more on the ladder, and the problem's scratch. On failure nothing is left to
 * close. */
UNS_NODISCARD uns_status uns_hessian_open(uns_context *context, const uns_problem *problem,
                                          uns_const_tensors x, const uns_batch *batch,
                                          size_t batch_size, int rung, uns_key probe,
                                          uns_hessian *hessian);
void uns_hessian_close(uns_hessian *hessian);

/* Gradient at x on the batch in force. */
UNS_NODISCARD uns_status uns_hessian_gradient(uns_hessian *hessian, double *gradient);

/* out = H·v by central differences with the step `h` along v/‖v‖, whatever the problem has. */
UNS_NODISCARD uns_status uns_hessian_difference(uns_hessian *hessian, double h, const double *v,
                                                double *out);

#endif
