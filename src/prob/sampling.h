/* SPDX-License-Identifier: MIT
 * How the built-in problems turn a batch's key into samples: indices of a finite sum, drawn
 * independently or shuffled, and the single Gaussians behind a Gaussian batch mean.
 */
#ifndef UNS_PROB_SAMPLING_H
#define UNS_PROB_SAMPLING_H

#include <unsaddle/problem.h>

struct uns_kernels;

/* independent  every sample uniform, with replacement: noise is white over the steps, as the
 *              theory of escape and floor assumes
 * shuffled     uns_batch_sample: each epoch visits every sample once, so that the noise of an
 *              epoch cancels; much less of it reaches a slow escape direction */
typedef enum uns_sampling {
    UNS_SAMPLING_INDEPENDENT,
    UNS_SAMPLING_SHUFFLED
} uns_sampling;

extern const uns_named uns_sampling_names[];

/* The i-th sample of the batch for this replica; batch->indices go before either way. */
uint32_t uns_sampling_index(uns_sampling sampling, const uns_batch *batch, size_t replica,
                            uint64_t n, size_t i);

/* Covariance of a batch mean over the covariance of one sample: 1/B independent; shuffled
 * (n−B)/((n−1)B), exact for batches that do not straddle two epochs. */
double uns_sampling_share(uns_sampling sampling, uint64_t n, size_t batch);

/* A Gaussian batch of B is one draw z/√B (indices 0 ... width−1 of the key), not B of them.
 * out[j·R + r] = that mean, for `width` deviates of R replicas. */
void uns_gaussian_mean(const struct uns_kernels *kernels, const uns_batch *batch, size_t width,
                       size_t replicas, double *out);

/* The samples behind that mean, for one replica: sample i is e_i + shift with e_i deviates at
 * indices width·(i+1) ..., shift = z/√B − mean(e). A Gaussian mean is independent of the
 * deviations from it, so these are exactly iid N(0, 1) and their mean is the batch's.
 * uns_gaussian_shift needs 2·width doubles of `work`. */
void uns_gaussian_shift(const struct uns_kernels *kernels, const uns_batch *batch, size_t width,
                        double *work, double *shift);
void uns_gaussian_sample(const struct uns_kernels *kernels, const uns_batch *batch,
                         size_t width, size_t i, const double *shift, double *out);

#endif
