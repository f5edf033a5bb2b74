/* SPDX-License-Identifier: MIT
 * The matrix of a factorization problem, and what is summed over its entries. Making the matrix
 * is matrix_factorization.c, the sums are factorization.c.
 */
#ifndef UNS_PROB_FACTORIZATION_H
#define UNS_PROB_FACTORIZATION_H

#include <unsaddle/problem.h>

#include "kern/kern.h"
#include "prob/sampling.h"

typedef struct uns_factorization {
    uns_context *context;
    const uns_kernels *kernels;
    uns_block block;
    size_t n, rank, width;
    uns_sampling sampling;
    double start_scale;
    double *matrix;                 /* M, n×n */
    double start_value, minimum;    /* f(0); NaN: not known */
    double spectrum[UNS_REALS_MAX]; /* nλ_k */
} uns_factorization;

uns_status uns_factorization_value(const void *raw, const uns_eval *eval, double *f);
uns_status uns_factorization_gradient(const void *raw, const uns_eval *eval, uns_tensors out);
uns_status uns_factorization_product(const void *raw, const uns_eval *eval, uns_const_tensors v,
                                     uns_tensors out);
uns_status uns_factorization_per_sample(const void *raw, const uns_eval *eval, double *out);
uns_status uns_factorization_second_moment(const void *raw, const uns_eval *eval, size_t batch,
                                           uns_about about, uns_shape shape, uns_tensors out);

#endif
