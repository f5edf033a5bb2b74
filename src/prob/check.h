/* SPDX-License-Identifier: MIT
 * The self-check's workshop: evaluations on flat vectors and the buffers behind them. Shared by
 * check.c (differences, replicas, per-sample) and check_sampling.c (statistics); not for
 * others.
 */
#ifndef UNS_PROB_CHECK_H
#define UNS_PROB_CHECK_H

#include <unsaddle/problem.h>

enum {
    UNS_CHECK_BATCH = 4,
    UNS_CHECK_WHOLE = 4096, /* finite sums up to here are checked sample by sample */
    UNS_CHECK_DENSE = 64,   /* dense second moments are checked up to this d */
    UNS_CHECK_FORMS = 8     /* random directions in which second moments are checked */
};

/* Evaluation of R replicas: the layout and its block pointers. */
typedef struct uns_check_lane {
    size_t replicas;
    uns_layout *layout;
    void **x, **v, **out;
} uns_check_lane;

typedef struct uns_check {
    uns_context *context;
    const uns_problem_ops *ops;
    const void *self;
    uint64_t seed;
    uint64_t samples; /* 0: an expectation */
    size_t d, blocks;
    uns_check_lane one, many;
    void *scratch;
    void *memory;                           /* all that follows */
    double *point;                          /* [d] where the check is made */
    double *moved, *direction, *other;      /* [d] */
    double *gradient, *low, *high, *sum;    /* [d] */
    double *points, *gradients, *products;  /* [d·R] of the lane `many` */
    double *values;                         /* [R] */
    double *rows;                           /* UNS_CHECK_BATCH × d */
    double *whole, *forms, *stats, *claims; /* check_sampling.c */
    double *moment;                         /* d·R, or R·d·d up to UNS_CHECK_DENSE */
    uint32_t *indices;                      /* UNS_CHECK_WHOLE or fewer */
} uns_check;

/* Statistics of one functional of the gradient; check_sampling.c keeps one for each coordinate
 * and each of the UNS_CHECK_FORMS directions. */
enum {
    UNS_CHECK_STATS = 5 /* Σδ, Σδ², Σδ⁴, Σq², Σq⁴ of deviation δ and value q */
};

uns_status uns_check_value(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                           const double *x, double *f);
uns_status uns_check_gradient(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                              const double *x, double *g);
uns_status uns_check_product(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                             const double *x, const double *v, double *out);
/* The evaluation that the ops see; x in block order, replicas innermost. */
uns_eval uns_check_eval(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                        const double *x);

/* A batch of the check's stream: step numbers it, replica is its first. */
uns_batch uns_check_draw(const uns_check *check, uint64_t step, uint32_t replica);

/* A random unit vector, number `which`. */
void uns_check_direction(const uns_check *check, uint64_t which, double *v);

/* The parts of the check; each fills its entries of the report. */
uns_status uns_check_differences(uns_check *check, uns_problem_report *report);
uns_status uns_check_replicas(uns_check *check, uns_problem_report *report);
uns_status uns_check_samples(uns_check *check, uns_problem_report *report);
uns_status uns_check_sampling(uns_check *check, uns_problem_report *report);

#endif
