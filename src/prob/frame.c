/* SPDX-License-Identifier: MIT
 * Eigen-coordinates and Gaussian noise of chosen spectra; see frame.h.
 */
#include "prob/frame.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

#include "base/base.h"
#include "kern/kern.h"

enum {
    ROTATED_MAX = 1024 /* Gram–Schmidt costs 4d³: a second or two here */
};

/* Steps of the problem stream, one a construction. */
enum {
    DRAW_HESSIAN,
    DRAW_NOISE
};

const uns_named uns_rotation_names[] = {
    {"none", UNS_ROTATION_NONE}, {"random", UNS_ROTATION_RANDOM}, {NULL, 0}};
const uns_named uns_noise_rotation_names[] = {{"none", UNS_ROTATION_NONE},
                                              {"random", UNS_ROTATION_RANDOM},
                                              {"aligned", UNS_ROTATION_ALIGNED},
                                              {NULL, 0}};
const uns_named uns_frame_words[] = {{"auto", 0}, {NULL, 0}};

double uns_spectrum_even(double from, double to, size_t i, size_t n) {
    return n < 2 ? from : from + (to - from) * (double)i / (double)(n - 1);
}

double uns_spectrum_log(double from, double to, size_t i, size_t n) {
    return n < 2 ? from : from * uns_pow(to / from, (double)i / (double)(n - 1));
}

static double *doubles(uns_frame *frame, size_t rows, size_t cols) {
    size_t count = uns_size_product(rows, cols);
    return uns_allocate(frame->context, uns_size_product(count, sizeof(double)));
}

static uns_status check_lists(uns_frame *frame, const uns_frame_config *config) {
    const struct {
        const char *name;
        size_t count;
    } lists[] = {{"hessian", config->hessian.count}, {"noise", config->noise.count}};
    for (size_t i = 0; i < UNS_COUNT_OF(lists); i++)
        if (lists[i].count && lists[i].count != frame->d)
            return uns_fail(frame->context, UNS_ERROR_RANGE,
                            "%s: the list has %zu values, but d is %zu", lists[i].name,
                            lists[i].count, frame->d);
    bool rotated = config->rotation == UNS_ROTATION_RANDOM ||
                   config->noise_rotation == UNS_ROTATION_RANDOM;
    if (rotated && frame->d > ROTATED_MAX)
        return uns_fail(frame->context, UNS_ERROR_RANGE,
                        "d: %zu is too large for random rotations (at most %d); set rotation "
                        "and noise_rotation to none",
                        frame->d, ROTATED_MAX);
    return UNS_OK;
}

uns_status uns_frame_open(uns_context *context, const uns_frame_config *config, size_t auto_d,
                          uns_frame *frame) {
    frame->context = context;
    frame->kernels = uns_kernels_of(context);
    frame->seed = (uint64_t)config->seed;
    frame->d = (size_t)config->d;
    if (!frame->d)
        frame->d = config->hessian.count ? config->hessian.count : config->noise.count;
    if (!frame->d)
        frame->d = auto_d;
    UNS_TRY(check_lists(frame, config));
    frame->curvature = doubles(frame, frame->d, 1);
    if (!frame->curvature)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < config->hessian.count; i++)
        frame->curvature[i] = config->hessian.value[i];
    return UNS_OK;
}

void uns_frame_close(uns_frame *frame) {
    double *owned[] = {frame->curvature, frame->vectors,  frame->basis,     frame->factor,
                       frame->deviation, frame->variance, frame->covariance};
    for (size_t i = 0; i < UNS_COUNT_OF(owned); i++)
        uns_release(frame->context, owned[i]);
}

/* Makes row i orthogonal to the rows before it and of length 1. Twice is enough: one pass
 * leaves 1e-16·(length lost), which is tiny for Gaussian rows except the last few. */
static void orthonormalize(const uns_kernels *kernels, size_t d, double *rows, size_t i) {
    double *row = rows + i * d;
    for (int pass = 0; pass < 2; pass++)
        for (size_t j = 0; j < i; j++)
            kernels->axpy(d, -kernels->dot(d, rows + j * d, row), rows + j * d, row);
    kernels->of[UNS_F64].scale(d, 1.0 / sqrt(kernels->dot(d, row, row)), row, row);
}

void uns_rotation_rows(const uns_kernels *kernels, uns_key key, size_t count, size_t d,
                       double *rows) {
    uns_random_normal(key, 0, count * d, rows);
    for (size_t i = 0; i < count; i++)
        orthonormalize(kernels, d, rows, i);
}

static double *draw_rotation(uns_frame *frame, uint64_t which) {
    double *rows = doubles(frame, frame->d, frame->d);
    uns_key key = {frame->seed, which, 0, UNS_STREAM_PROBLEM};
    if (rows)
        uns_rotation_rows(frame->kernels, key, frame->d, frame->d, rows);
    return rows;
}

static uns_status draw_basis(uns_frame *frame) {
    size_t d = frame->d;
    frame->vectors = draw_rotation(frame, DRAW_HESSIAN);
    frame->basis = doubles(frame, d, d);
    if (!frame->vectors || !frame->basis)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            frame->basis[j * d + i] = frame->vectors[i * d + j];
    return UNS_OK;
}

/* factor column j = √σ_j·Qᵀp_j, p_j the noise's eigenvectors (rows; NULL: the axes). */
static void fill_factor(uns_frame *frame, const double *rows) {
    size_t d = frame->d;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            double overlap;
            if (rows && frame->vectors)
                overlap = frame->kernels->dot(d, frame->vectors + i * d, rows + j * d);
            else
                overlap = rows ? rows[j * d + i] : frame->vectors[i * d + j];
            frame->factor[i * frame->draws + j] = overlap * frame->deviation[j];
        }
}

/* The projection takes row `starved` away; a deviate of its own brings `starve` back. */
static void starve_factor(uns_frame *frame, size_t starved, double starve) {
    size_t d = frame->d, draws = frame->draws;
    memset(frame->factor + starved * draws, 0, draws * sizeof(double));
    for (size_t i = 0; i < d; i++)
        frame->factor[i * draws + d] = i == starved ? sqrt(starve) : 0.0;
}

static uns_status build_factor(uns_frame *frame, int rotation, size_t starved, double starve) {
    frame->draws = frame->d + (starve >= 0.0);
    frame->factor = doubles(frame, frame->d, frame->draws);
    double *rows = NULL;
    if (rotation == UNS_ROTATION_RANDOM)
        rows = draw_rotation(frame, DRAW_NOISE);
    if (!frame->factor || (rotation == UNS_ROTATION_RANDOM && !rows)) {
        uns_release(frame->context, rows);
        return UNS_ERROR_MEMORY;
    }
    fill_factor(frame, rows);
    if (starve >= 0.0)
        starve_factor(frame, starved, starve);
    uns_release(frame->context, rows);
    return UNS_OK;
}

/* Σ = SSᵀ with S = Q·factor, in x. */
static uns_status build_covariance(uns_frame *frame) {
    size_t d = frame->d, draws = frame->draws;
    frame->covariance = doubles(frame, d, d);
    double *root = doubles(frame, d, draws), *plain = doubles(frame, d, draws);
    bool complete = frame->covariance && root && plain;
    if (complete) {
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < draws; j++)
                plain[i * draws + j] = frame->factor ? frame->factor[i * draws + j]
                                                     : (i == j ? frame->deviation[i] : 0.0);
        uns_frame_leave(frame, draws, plain, root);
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < d; j++)
                frame->covariance[i * d + j] =
                    frame->kernels->dot(draws, root + i * draws, root + j * draws);
    }
    uns_release(frame->context, root);
    uns_release(frame->context, plain);
    return complete ? UNS_OK : UNS_ERROR_MEMORY;
}

static uns_status build_noise(uns_frame *frame, const uns_frame_config *config) {
    size_t d = frame->d;
    frame->deviation = doubles(frame, d, 1);
    frame->variance = doubles(frame, d, 1);
    if (!frame->deviation || !frame->variance)
        return UNS_ERROR_MEMORY;
    frame->draws = d;
    for (size_t i = 0; i < d; i++)
        frame->deviation[i] =
            sqrt(config->noise.count
                     ? config->noise.value[i]
                     : uns_spectrum_log(config->noise_low, config->noise_high, i, d));
    return UNS_OK;
}

uns_status uns_frame_draw(uns_frame *frame, const uns_frame_config *config, size_t starved,
                          double starve) {
    bool rotated = config->rotation == UNS_ROTATION_RANDOM;
    int noise = config->noise_rotation;
    UNS_TRY(build_noise(frame, config));
    if (rotated)
        UNS_TRY(draw_basis(frame));
    if (noise == UNS_ROTATION_RANDOM || (noise == UNS_ROTATION_NONE && rotated))
        UNS_TRY(build_factor(frame, noise, starved, starve));
    else if (starve >= 0.0)
        frame->deviation[starved] = sqrt(starve);
    if (rotated || frame->factor)
        UNS_TRY(build_covariance(frame));
    for (size_t i = 0; i < frame->d; i++)
        frame->variance[i] = frame->covariance ? frame->covariance[i * frame->d + i]
                                               : frame->deviation[i] * frame->deviation[i];
    return UNS_OK;
}

void uns_frame_enter(const uns_frame *frame, size_t replicas, const double *x, double *y) {
    if (frame->vectors)
        frame->kernels->matrix_rows(frame->d, frame->d, replicas, frame->vectors, x, y);
    else
        memcpy(y, x, frame->d * replicas * sizeof *y);
}

void uns_frame_leave(const uns_frame *frame, size_t replicas, const double *y, double *x) {
    if (frame->basis)
        frame->kernels->matrix_rows(frame->d, frame->d, replicas, frame->basis, y, x);
    else
        memcpy(x, y, frame->d * replicas * sizeof *x);
}

void uns_frame_noise(const uns_frame *frame, size_t replicas, const double *deviates,
                     double *z) {
    const uns_kernels *kernels = frame->kernels;
    if (frame->factor) {
        kernels->matrix_rows(frame->d, frame->draws, replicas, frame->factor, deviates, z);
        return;
    }
    for (size_t i = 0; i < frame->d; i++)
        kernels->of[UNS_F64].scale(replicas, frame->deviation[i], deviates + i * replicas,
                                   z + i * replicas);
}

static void moment_diagonal(const uns_frame *frame, size_t replicas, double share,
                            const double *g, double *out) {
    for (size_t i = 0; i < frame->d; i++)
        for (size_t k = i * replicas; k < (i + 1) * replicas; k++)
            out[k] = share * frame->variance[i] + (g ? g[k] * g[k] : 0.0);
}

static double covariance_at(const uns_frame *frame, size_t i, size_t j) {
    if (frame->covariance)
        return frame->covariance[i * frame->d + j];
    return i == j ? frame->variance[i] : 0.0;
}

static void moment_dense(const uns_frame *frame, size_t replicas, double share, const double *g,
                         double *out) {
    size_t d = frame->d;
    for (size_t r = 0; r < replicas; r++)
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < d; j++)
                out[(r * d + i) * d + j] =
                    share * covariance_at(frame, i, j) +
                    (g ? g[i * replicas + r] * g[j * replicas + r] : 0.0);
}

void uns_frame_moment(const uns_frame *frame, size_t replicas, double share, const double *g,
                      uns_shape shape, double *out) {
    if (shape == UNS_SHAPE_DIAGONAL)
        moment_diagonal(frame, replicas, share, g, out);
    else
        moment_dense(frame, replicas, share, g, out);
}

void uns_frame_add_dense(const uns_frame *frame, const double *values, double *out) {
    size_t d = frame->d;
    for (size_t i = 0; i < d && !frame->basis; i++)
        out[i * d + i] += values[i];
    for (size_t i = 0; i < d && frame->basis; i++)
        for (size_t j = 0; j < d; j++) {
            const double *left = frame->basis + i * d, *right = frame->basis + j * d;
            double sum = 0.0;
            for (size_t k = 0; k < d; k++)
                sum += left[k] * right[k] * values[k];
            out[i * d + j] += sum;
        }
}

void uns_frame_add_diagonal(const uns_frame *frame, size_t stride, const double *values,
                            double *out) {
    size_t d = frame->d;
    for (size_t i = 0; i < d; i++) {
        double sum = frame->basis ? 0.0 : values[i];
        for (size_t k = 0; k < d && frame->basis; k++) {
            double weight = frame->basis[i * d + k];
            sum += weight * weight * values[k];
        }
        out[i * stride] += sum;
    }
}

void uns_frame_covariance(const uns_frame *frame, double *out) {
    moment_dense(frame, 1, 1.0, NULL, out);
}
