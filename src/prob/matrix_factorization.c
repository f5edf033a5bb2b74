/* SPDX-License-Identifier: MIT
 * Symmetric matrix factorization: f(U) = (1/4n²)‖UUᵀ − M‖² over U of n × width,
 * M = Σ nλ_k q_kq_kᵀ + symmetric Gaussian noise. A finite sum over the n² entries; sample (i,
 * j) is
 *
 *     f_ij(U) = ¼e²,  e = u_i·u_j − M_ij;   gradient ½e·u_j in row i, ½e·u_i in row j
 *
 * U = 0 is a strict saddle (Hessian −M/n² on every column) with no gradient noise at all; runs
 * start near it. Every second-order stationary point is global when width >= rank and M is
 * noiseless (Ge, Lee, Ma 2016; Bhojanapalli, Neyshabur, Srebro 2016).
 */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "kern/kern.h"
#include "prob/builtin.h"
#include "prob/eigenvalues.h"
#include "prob/factorization.h"
#include "prob/frame.h"

enum {
    EIGENVALUES_MAX = 256, /* 8 sweeps of n³: under a second */
    DRAW_VECTORS = 0,
    DRAW_NOISE = 1
};

typedef struct factorization_config {
    int64_t n, rank, width;
    uns_reals spectrum;
    double condition, noise, start_scale;
    int sampling;
    int64_t seed;
} factorization_config;

static const uns_named width_words[] = {{"auto", 0}, {NULL, 0}};

#define FIELD(name) offsetof(factorization_config, name)
static const uns_param rows[] = {
    {"n", NULL, UNS_PARAM_COUNT, FIELD(n), 1, 4096, 0, NULL, "20", "", "rows of U and of M"},
    {"rank", NULL, UNS_PARAM_COUNT, FIELD(rank), 1, UNS_REALS_MAX, 0, NULL, "3", "",
     "rank of M without its noise"},
    {"width", NULL, UNS_PARAM_COUNT, FIELD(width), 1, 4096, 0, width_words, "auto", "",
     "columns of U; auto: rank"},
    {"spectrum", NULL, UNS_PARAM_REALS, FIELD(spectrum), 0, 1e100, UNS_OPEN_LOW, NULL, "", "",
     "the eigenvalues of M divided by n, largest first; empty: evenly from 1 to 1/condition"},
    {"condition", NULL, UNS_PARAM_REAL, FIELD(condition), 1, 1e100, 0, NULL, "2", "",
     "largest over smallest non-zero eigenvalue of M"},
    {"noise", NULL, UNS_PARAM_REAL, FIELD(noise), 0, 1e100, 0, NULL, "0", "",
     "standard deviation of the noise in each entry of M"},
    {"start_scale", NULL, UNS_PARAM_REAL, FIELD(start_scale), 0, 1e100, 0, NULL, "1e-3", "",
     "standard deviation of the entries of U at the start; 0 is the saddle itself, which no "
     "gradient leaves"},
    {"sampling", NULL, UNS_PARAM_CHOICE, FIELD(sampling), 0, 0, 0, uns_sampling_names,
     "independent", "", "entries drawn with replacement, or every entry once an epoch"},
    {"seed", NULL, UNS_PARAM_COUNT, FIELD(seed), 0, 9007199254740992.0, 0, NULL, "1", "",
     "seed of M"},
};
#undef FIELD

static const uns_param_table table = {"problem 'matrix-factorization'",
                                      sizeof(factorization_config), UNS_COUNT_OF(rows), rows};

static double spectrum_at(const factorization_config *config, size_t k) {
    double lambda = config->spectrum.count ? config->spectrum.value[k]
                                           : uns_spectrum_even(1.0, 1.0 / config->condition, k,
                                                               (size_t)config->rank);
    return (double)config->n * lambda;
}

static uns_status check(uns_context *context, const factorization_config *config) {
    if (config->rank > config->n)
        return uns_fail(context, UNS_ERROR_RANGE, "rank: %lld is more than n = %lld",
                        (long long)config->rank, (long long)config->n);
    if (config->spectrum.count && config->spectrum.count != (size_t)config->rank)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "spectrum: the list has %zu values, but rank is %lld",
                        config->spectrum.count, (long long)config->rank);
    for (size_t k = 1; k < config->spectrum.count; k++)
        if (config->spectrum.value[k] > config->spectrum.value[k - 1])
            return uns_fail(context, UNS_ERROR_RANGE, "spectrum: put the largest value first");
    return UNS_OK;
}

static void add_signal(uns_factorization *self, const double *vectors) {
    size_t n = self->n;
    for (size_t k = 0; k < self->rank; k++)
        for (size_t i = 0; i < n; i++)
            self->kernels->axpy(n, self->spectrum[k] * vectors[k * n + i], vectors + k * n,
                                self->matrix + i * n);
}

static void add_noise(uns_factorization *self, const factorization_config *config) {
    size_t n = self->n;
    uns_key key = {(uint64_t)config->seed, DRAW_NOISE, 0, UNS_STREAM_PROBLEM};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double deviate;
            uns_random_normal(key, (uint32_t)(i * n + j), 1, &deviate);
            self->matrix[i * n + j] += config->noise * deviate;
            self->matrix[j * n + i] = self->matrix[i * n + j];
        }
}

static uns_status draw_matrix(uns_factorization *self, const factorization_config *config) {
    size_t n = self->n;
    self->matrix = uns_allocate(self->context, n * n * sizeof(double));
    double *vectors = uns_allocate(self->context, self->rank * n * sizeof(double));
    if (self->matrix && vectors) {
        uns_key key = {(uint64_t)config->seed, DRAW_VECTORS, 0, UNS_STREAM_PROBLEM};
        uns_rotation_rows(self->kernels, key, self->rank, n, vectors);
        add_signal(self, vectors);
        add_noise(self, config); /* with noise 0 this still makes M symmetric to the bit */
    }
    uns_release(self->context, vectors);
    return self->matrix && vectors ? UNS_OK : UNS_ERROR_MEMORY;
}

/* The best UUᵀ keeps the `width` largest positive eigenvalues of M (Eckart–Young). */
static double unreachable(const double *values, size_t count, size_t width) {
    double sum = 0.0;
    for (size_t k = 0; k < count; k++)
        if (k >= width || values[k] <= 0.0)
            sum += values[k] * values[k];
    return sum;
}

static uns_status settle_truth(uns_factorization *self, double noise) {
    size_t n = self->n;
    double scale = 0.25 / ((double)n * (double)n);
    self->start_value = scale * self->kernels->dot(n * n, self->matrix, self->matrix);
    self->minimum = NAN;
    if (noise == 0.0) {
        self->minimum = scale * unreachable(self->spectrum, self->rank, self->width);
    } else if (n <= EIGENVALUES_MAX) {
        double *work = uns_allocate(self->context, (n + 1) * n * sizeof(double));
        if (!work)
            return UNS_ERROR_MEMORY;
        memcpy(work, self->matrix, n * n * sizeof(double));
        uns_symmetric_eigenvalues(n, work, work + n * n);
        self->minimum = scale * unreachable(work + n * n, n, self->width);
        uns_release(self->context, work);
    }
    return UNS_OK;
}

static uns_status build(uns_factorization *self, const factorization_config *config) {
    UNS_TRY(check(self->context, config));
    self->kernels = uns_kernels_of(self->context);
    self->n = (size_t)config->n;
    self->rank = (size_t)config->rank;
    self->width = config->width ? (size_t)config->width : self->rank;
    self->block = (uns_block){"U", self->n, self->width, 0};
    self->sampling = (uns_sampling)config->sampling;
    self->start_scale = config->start_scale;
    for (size_t k = 0; k < self->rank; k++)
        self->spectrum[k] = spectrum_at(config, k);
    UNS_TRY(draw_matrix(self, config));
    return settle_truth(self, config->noise);
}

static void destroy(void *raw) {
    uns_factorization *self = raw;
    uns_release(self->context, self->matrix);
    uns_release(self->context, self);
}

static uns_status create(uns_context *context, const void *config, void **out) {
    uns_factorization *self = uns_allocate(context, sizeof *self);
    if (!self)
        return UNS_ERROR_MEMORY;
    self->context = context;
    uns_status status = build(self, config);
    if (status != UNS_OK) {
        destroy(self);
        return status;
    }
    *out = self;
    return UNS_OK;
}

static size_t blocks(const void *raw, const uns_block **out) {
    *out = &((const uns_factorization *)raw)->block;
    return 1;
}

/* Only second_moment uses it: the mean gradient. */
static size_t scratch(const void *raw, size_t replicas, size_t batch) {
    const uns_factorization *self = raw;
    (void)batch;
    return self->n * self->width * replicas * sizeof(double);
}

static uns_status start(const void *raw, uns_key key, size_t replicas, uns_tensors x) {
    const uns_factorization *self = raw;
    size_t d = self->n * self->width;
    self->kernels->normal_rows(key, 0, d, replicas, x.data[0]);
    self->kernels->of[UNS_F64].scale(d * replicas, self->start_scale, x.data[0], x.data[0]);
    return UNS_OK;
}

static uint64_t samples(const void *raw) {
    const uns_factorization *self = raw;
    return (uint64_t)self->n * self->n;
}

/* Escaped: half-way down from the saddle. */
static void truth(const void *raw, uns_truth *out) {
    const uns_factorization *self = raw;
    out->minimum = self->minimum;
    out->start_value = self->start_value;
    out->escape_value = 0.5 * (self->start_value + self->minimum);
}

const uns_problem_ops uns_matrix_factorization = {
    .size = sizeof(uns_problem_ops),
    .name = "matrix-factorization",
    .summary = "symmetric matrix factorization from sampled entries",
    .params = &table,
    .create = create,
    .destroy = destroy,
    .blocks = blocks,
    .scratch = scratch,
    .start = start,
    .value = uns_factorization_value,
    .gradient = uns_factorization_gradient,
    .product = uns_factorization_product,
    .per_sample = uns_factorization_per_sample,
    .second_moment = uns_factorization_second_moment,
    .truth = truth,
    .samples = samples,
};
