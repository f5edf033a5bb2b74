/* SPDX-License-Identifier: MIT
 * Mean tests on samples: what a problem seen through samples says of ‖∇f‖ and of vᵀHv, each
 * with its limits. Samples are drawn afresh, from UNS_STREAM_CERTIFICATE.
 */
#ifndef UNS_FRESH_H
#define UNS_FRESH_H

#include "inst/hessian.h"

/* A mean, its standard error and one-sided Student limits, each at the level asked for. */
typedef struct uns_mean_test {
    double mean, error, low, high;
} uns_mean_test;

/* Batches of the two tests. */
enum {
    UNS_FRESH_PAIRS = 8,
    UNS_FRESH_BATCHES = 32
};

/* ‖∇f‖² from `samples` samples, as the mean of g_{2i}·g_{2i+1} over 8 pairs of independent
 * batches: unbiased, while ‖g‖² of one batch is too large by tr Σ / size. work: 2d doubles. */
UNS_NODISCARD uns_status uns_fresh_gradient(uns_hessian *hessian, size_t samples, uns_key key,
                                            double level, double *work, uns_mean_test *test);

/* vᵀHv of a unit v from `samples` samples in 32 batches. work: d doubles. */
UNS_NODISCARD uns_status uns_fresh_curvature(uns_hessian *hessian, size_t samples, uns_key key,
                                             double level, const double *v, double *work,
                                             uns_mean_test *test);

#endif
