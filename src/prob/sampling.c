/* SPDX-License-Identifier: MIT
 * How the built-in problems turn a batch's key into samples; see sampling.h.
 */
#include "prob/sampling.h"

#include <math.h>
#include <string.h>

#include "kern/kern.h"

const uns_named uns_sampling_names[] = {
    {"independent", UNS_SAMPLING_INDEPENDENT},
    {"shuffled", UNS_SAMPLING_SHUFFLED},
    {NULL, 0},
};

uint32_t uns_sampling_index(uns_sampling sampling, const uns_batch *batch, size_t replica,
                            uint64_t n, size_t i) {
    if (batch->indices || sampling == UNS_SAMPLING_SHUFFLED)
        return uns_batch_sample(batch, replica, n, i);
    uns_key key = batch->key;
    key.replica += (uint32_t)replica;
    return uns_random_below(key, (uint32_t)i, n);
}

double uns_sampling_share(uns_sampling sampling, uint64_t n, size_t batch) {
    double size = (double)batch;
    if (sampling == UNS_SAMPLING_INDEPENDENT)
        return 1.0 / size;
    if (n < 2)
        return 0.0;
    /* whole epochs within the batch add no noise */
    double rest = (double)(batch % n);
    return rest * ((double)n - rest) / (((double)n - 1.0) * size * size);
}

void uns_gaussian_mean(const uns_kernels *kernels, const uns_batch *batch, size_t width,
                       size_t replicas, double *out) {
    kernels->normal_rows(batch->key, 0, width, replicas, out);
    if (batch->size > 1)
        kernels->of[UNS_F64].scale(width * replicas, 1.0 / sqrt((double)batch->size), out, out);
}

void uns_gaussian_shift(const uns_kernels *kernels, const uns_batch *batch, size_t width,
                        double *work, double *shift) {
    double *sum = work, *deviates = work + width;
    memset(sum, 0, width * sizeof *sum);
    for (size_t i = 0; i < batch->size; i++) {
        kernels->normal(batch->key, (uint32_t)(width * (i + 1)), width, deviates);
        kernels->axpy(width, 1.0, deviates, sum);
    }
    uns_gaussian_mean(kernels, batch, width, 1, shift);
    kernels->axpy(width, -1.0 / (double)batch->size, sum, shift);
}

void uns_gaussian_sample(const uns_kernels *kernels, const uns_batch *batch, size_t width,
                         size_t i, const double *shift, double *out) {
    kernels->normal(batch->key, (uint32_t)(width * (i + 1)), width, out);
    kernels->axpy(width, 1.0, shift, out);
}
