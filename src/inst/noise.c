/* SPDX-License-Identifier: MIT
 * The noise instrument's stream: every draw goes by once and leaves its traces in sums.
 */
#include "inst/noise.h"

#include "base/base.h"
#include "la/jacobi.h"

#include <math.h>
#include <string.h>

enum {
    GROUP_STEP = 2 * UNS_NOISE_GROUPS, /* so that every group has whole pairs of draws */
    PROBES = 64,       /* of ‖Ĉ‖_F² in many dimensions: to √2/8 at worst */
    EXACT_PROBES = 512 /* dimensions up to which it is exact */
};

size_t uns_noise_group(const uns_noise *n, size_t draw) {
    return draw / (n->draws / UNS_NOISE_GROUPS);
}

static double dot(size_t d, const double *x, const double *y) {
    double lane[4] = {0.0};
    size_t i = 0;
    for (; i + 4 <= d; i += 4)
        for (size_t k = 0; k < 4; k++)
            lane[k] += x[i + k] * y[i + k];
    for (; i < d; i++)
        lane[0] += x[i] * y[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

static uns_status check(uns_context *context, const uns_noise_config *config) {
    size_t d = config->dimension;
    if (d == 0 || config->pairs > d || config->pairs > UNS_NOISE_PAIRS)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "noise: %zu eigenpairs of %zu dimensions; at most %d and no more than "
                        "dimensions",
                        config->pairs, d, UNS_NOISE_PAIRS);
    if ((config->metric && config->metric->dimension != d) ||
        (config->estimate && config->estimate->dimension != d))
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "noise: a metric has another dimension than the draws, %zu", d);
    return UNS_OK;
}

static size_t vectors_of(const uns_noise_config *config) {
    size_t windows = config->estimate ? 2 : 1;
    return 2 * UNS_NOISE_PARTS + 3 + windows * UNS_NOISE_WINDOW +
           uns_sketch_size(1, config->pairs);
}

static uns_status take_memory(uns_noise *n) {
    size_t d = n->stride, projections = n->config.directions + n->config.pairs + 1;
    n->memory = uns_allocate(n->context, uns_size_product(vectors_of(&n->config), d * 8));
    n->along = uns_allocate(n->context, projections * sizeof *n->along);
    n->length = uns_allocate(n->context, (n->config.directions + 1) * sizeof *n->length);
    if (!n->memory || !n->along || !n->length)
        return UNS_ERROR_MEMORY;
    n->mean = n->memory;
    n->square = n->mean + UNS_NOISE_PARTS * d;
    n->previous = n->square + UNS_NOISE_PARTS * d;
    n->fed = n->previous + d;
    n->top = n->fed + d;
    n->difference = n->top + d;
    n->sketch.rows = n->difference + UNS_NOISE_WINDOW * d;
    n->recent =
        n->config.estimate ? n->sketch.rows + uns_sketch_size(d, n->config.pairs) : NULL;
    return UNS_OK;
}

uns_status uns_noise_create(uns_context *context, const uns_noise_config *config,
                            uns_noise **out) {
    UNS_TRY(check(context, config));
    uns_noise *n = uns_allocate(context, sizeof *n);
    if (!n)
        return UNS_ERROR_MEMORY;
    n->context = context;
    n->config = *config;
    n->d = config->dimension;
    n->stride = (n->d + 7) / 8 * 8;
    uns_status status = take_memory(n);
    if (status != UNS_OK) {
        uns_noise_destroy(n);
        return status;
    }
    *out = n;
    return UNS_OK;
}

void uns_noise_destroy(uns_noise *n) {
    if (!n)
        return;
    uns_release(n->context, n->memory);
    uns_release(n->context, n->along);
    uns_release(n->context, n->length);
    uns_release(n->context, n);
}

static uns_status probe(uns_noise *n, double *length) {
    UNS_TRY(n->config.estimate->product(n->config.estimate->self, n->previous, n->fed));
    *length = dot(n->d, n->fed, n->fed);
    return UNS_OK;
}

/* ‖Ĉ‖_F² = Σ‖Ĉe_i‖², or E‖Ĉz‖² over normal z. */
static uns_status probe_estimate(uns_noise *n) {
    double sum = 0.0, squares = 0.0, length;
    bool exact = n->d <= EXACT_PROBES;
    size_t count = exact ? n->d : PROBES;
    for (size_t i = 0; i < count; i++) {
        uns_key key = {0, UINT64_C(1) << 55 | i, 0, UNS_STREAM_NOISE};
        if (exact)
            memset(n->previous, 0, n->d * sizeof *n->previous);
        else
            uns_random_normal(key, 0, n->d, n->previous);
        if (exact)
            n->previous[i] = 1.0;
        UNS_TRY(probe(n, &length));
        sum += length;
        squares += length * length;
    }
    double mean = sum / (double)count;
    n->estimate_square = exact ? sum : mean;
    n->estimate_spread = sqrt(fmax(squares / PROBES - mean * mean, 0.0) / PROBES);
    if (exact)
        n->estimate_spread = 0.0;
    return UNS_OK;
}

uns_status uns_noise_begin(uns_noise *n, size_t draws) {
    size_t projections = n->config.directions + n->config.pairs + 1;
    double *rows = n->sketch.rows;
    if (draws < UNS_NOISE_DRAWS)
        return uns_fail(n->context, UNS_ERROR_ARGUMENT, "noise: %zu draws; at least %d", draws,
                        UNS_NOISE_DRAWS);
    n->draws = (draws + GROUP_STEP - 1) / GROUP_STEP * GROUP_STEP;
    n->taken = n->differences = n->recents = 0;
    n->largest = 0.0;
    memset(n->memory, 0, vectors_of(&n->config) * n->stride * sizeof *n->memory);
    memset(n->along, 0, projections * sizeof *n->along);
    n->norm = n->products = n->draw_products = n->estimate = (uns_sums){{0}, {0}, {0}};
    n->sketch = (uns_sketch){n->d, n->config.pairs, 0, 0, rows};
    for (size_t i = 0; i < n->config.directions; i++) {
        const double *w = n->config.direction + i * n->d;
        n->length[i] = dot(n->d, w, w);
    }
    return n->config.estimate ? probe_estimate(n) : UNS_OK;
}

static void add(uns_sums *sums, size_t group, double value) {
    sums->count[group] += 1.0;
    sums->first[group] += value;
    sums->second[group] += value * value;
}

/* Σ of squared products with the window's members that lie in the same group. */
static void meet(const uns_noise *n, uns_sums *sums, size_t group, const double *window,
                 size_t known, const double *v) {
    size_t count = known < UNS_NOISE_WINDOW ? known : UNS_NOISE_WINDOW;
    for (size_t i = 0; i < count; i++) {
        double product = dot(n->d, window + i * n->stride, v);
        add(sums, group, product * product);
    }
}

/* δ = (g − g')/√2 has mean 0 and covariance Σ: no mean need be known. */
static void add_difference(uns_noise *n, size_t group, const double *y) {
    double *slot = n->difference + (n->differences % UNS_NOISE_WINDOW) * n->stride;
    double *delta = n->previous; /* becomes the difference in place */
    for (size_t i = 0; i < n->d; i++)
        delta[i] = (y[i] - delta[i]) * 0.70710678118654752440;
    meet(n, &n->products, group, n->difference, n->differences, delta);
    memcpy(slot, delta, n->d * sizeof *slot);
    n->differences++;
    if (n->taken < n->draws / 2 && n->config.pairs > 0) {
        memcpy(uns_sketch_next(&n->sketch), delta, n->d * sizeof *delta);
        uns_sketch_added(&n->sketch);
    }
}

static uns_status add_estimate(uns_noise *n, size_t group, const double *y) {
    double *slot = n->recent + (n->recents % UNS_NOISE_WINDOW) * n->stride;
    meet(n, &n->draw_products, group, n->recent, n->recents, y);
    n->recents++;
    UNS_TRY(n->config.estimate->product(n->config.estimate->self, y, slot));
    add(&n->estimate, group, dot(n->d, y, slot));
    memcpy(slot, y, n->d * sizeof *slot);
    return UNS_OK;
}

static void add_vectors(uns_noise *n, size_t part, const double *y) {
    double *mean = n->mean + part * n->stride, *square = n->square + part * n->stride;
    for (size_t i = 0; i < n->d; i++) {
        mean[i] += y[i];
        square[i] += y[i] * y[i];
    }
}

static void add_projections(uns_noise *n, size_t group, const double *y) {
    size_t given = n->config.directions, pairs = n->config.pairs;
    for (size_t i = 0; i < given; i++)
        add(&n->along[i], group, dot(n->d, n->config.direction + i * n->d, y));
    if (n->taken < n->draws / 2 || pairs == 0)
        return;
    for (size_t i = 0; i < n->sketch.kept; i++)
        add(&n->along[given + i], group, dot(n->d, n->sketch.rows + i * n->d, y));
    add(&n->along[given + pairs], group, dot(n->d, n->top, y));
}

/* The top vector of diag(λ) + ccᵀ in the span of the sketch's k unit rows and the rest of the
 * mean, c the mean's coordinates. */
static void find_top(uns_noise *n, const double *lambda) {
    double c[UNS_NOISE_PAIRS + 1], a[(UNS_NOISE_PAIRS + 1) * (UNS_NOISE_PAIRS + 1)];
    double values[UNS_NOISE_PAIRS + 1], vectors[(UNS_NOISE_PAIRS + 1) * (UNS_NOISE_PAIRS + 1)];
    size_t k = n->sketch.kept, size = k + 1, half = n->draws / 2;
    double *rest = n->top;
    memset(rest, 0, n->d * sizeof *rest);
    for (size_t p = 0; p < UNS_NOISE_PARTS / 2; p++)
        for (size_t i = 0; i < n->d; i++)
            rest[i] += n->mean[p * n->stride + i] / (double)half;
    for (size_t j = 0; j < k; j++) {
        c[j] = dot(n->d, rest, n->sketch.rows + j * n->d);
        for (size_t i = 0; i < n->d; i++)
            rest[i] -= c[j] * n->sketch.rows[j * n->d + i];
    }
    c[k] = sqrt(dot(n->d, rest, rest));
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            a[i * size + j] = c[i] * c[j] + (i == j && i < k ? lambda[i] : 0.0);
    uns_eigen_symmetric(size, a, values, vectors);
    const double *top = vectors + (size - 1) * size;
    for (size_t i = 0; i < n->d; i++) {
        double sum = c[k] > 0.0 ? top[k] * rest[i] / c[k] : 0.0;
        for (size_t j = 0; j < k; j++)
            sum += top[j] * n->sketch.rows[j * n->d + i];
        rest[i] = sum;
    }
}

/* From the first half to the second: the eigenvectors are what they are now. */
static void turn(uns_noise *n) {
    double lambda[UNS_NOISE_PAIRS] = {0.0};
    if (n->config.pairs == 0)
        return;
    uns_sketch_close(&n->sketch);
    for (size_t i = 0; i < n->sketch.kept; i++) {
        double *row = n->sketch.rows + i * n->d, square = dot(n->d, row, row);
        lambda[i] = square / (0.25 * (double)n->draws);
        for (size_t j = 0; j < n->d; j++)
            row[j] = square > 0.0 ? row[j] / sqrt(square) : 0.0;
    }
    find_top(n, lambda);
}

static void finish(uns_noise *n) {
    for (size_t p = 0; p < UNS_NOISE_PARTS; p++)
        for (size_t q = 0; q < UNS_NOISE_PARTS; q++)
            n->gram[p * UNS_NOISE_PARTS + q] =
                dot(n->d, n->mean + p * n->stride, n->mean + q * n->stride);
}

static uns_status add_fed(uns_noise *n, const double *y) {
    size_t group = uns_noise_group(n, n->taken);
    double square = dot(n->d, y, y);
    if (!isfinite(square))
        return uns_fail(n->context, UNS_ERROR_CALLBACK, "noise: draw %zu is not finite",
                        n->taken);
    if (n->taken == n->draws / 2)
        turn(n);
    if (n->taken % (n->draws / UNS_NOISE_GROUPS) == 0)
        n->differences = n->recents = 0;
    n->largest = fmax(n->largest, sqrt(square));
    add(&n->norm, group, square);
    add_vectors(n, group / 2, y);
    add_projections(n, group, y);
    if (n->config.estimate)
        UNS_TRY(add_estimate(n, group, y));
    if (n->taken % 2)
        add_difference(n, group, y);
    else
        memcpy(n->previous, y, n->d * sizeof *y);
    n->taken++;
    if (n->taken == n->draws)
        finish(n);
    return UNS_OK;
}

uns_status uns_noise_add(uns_noise *n, const double *g) {
    if (n->draws == 0 || n->taken == n->draws)
        return uns_fail(n->context, UNS_ERROR_STATE,
                        "noise: more draws than were begun with, %zu", n->draws);
    if (!n->config.metric)
        return add_fed(n, g);
    UNS_TRY(n->config.metric->product(n->config.metric->self, g, n->fed));
    return add_fed(n, n->fed);
}

uns_status uns_noise_measure(uns_context *context, const uns_sampler *sampler, const double *x,
                             uint64_t first, size_t draws, size_t count,
                             uns_noise *const *noises) {
    double *g = uns_allocate(context, uns_size_product(sampler->dimension, sizeof *g));
    uns_status status = g ? UNS_OK : UNS_ERROR_MEMORY;
    for (size_t i = 0; i < count && status == UNS_OK; i++)
        status = uns_noise_begin(noises[i], draws);
    size_t whole = (draws + GROUP_STEP - 1) / GROUP_STEP * GROUP_STEP;
    for (size_t k = 0; k < whole && status == UNS_OK; k++) {
        status = sampler->gradient(sampler->self, x, first + k, g);
        for (size_t i = 0; i < count && status == UNS_OK; i++)
            status = uns_noise_add(noises[i], g);
    }
    uns_release(context, g);
    return status;
}
