/* SPDX-License-Identifier: MIT
 * The metric of a spec in closed form: A^{1/2} from Σ or G, and what the mean gradient does to
 * it on the way out. Dense, for at most UNS_FORECAST_DIMENSION dimensions.
 */
#include <unsaddle/forecast.h>

#include "base/base.h"
#include "inst/metric.h"
#include "la/jacobi.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

enum {
    D_MAX = UNS_FORECAST_DIMENSION
};

static bool is(const char *name, const char *other) {
    return strcmp(name, other) == 0;
}

/* Whether the spec's moment leaves ∇f∇fᵀ out. */
static bool centred(const uns_spec *spec) {
    return spec->centred ||
           (is(spec->moment, "exact") && spec->about != UNS_ABOUT_SECOND_MOMENT);
}

bool uns_spec_linear(const uns_spec *spec) {
    return spec->signal == UNS_SIGNAL_GRADIENT && spec->scale == UNS_SCALE_NONE &&
           spec->decay == 0.0 && spec->ceiling == UNS_CEILING_NONE && !spec->rectify &&
           spec->increment == 0.0 && !(spec->clip_norm < INFINITY) &&
           !(spec->clip_value < INFINITY) && spec->momentum != UNS_MOMENTUM_LION;
}

/* A factor of m rows sees the d/m columns of every gradient: m²/d parameters to a column. */
size_t uns_forecast_spec_together(const uns_spec *spec, size_t dimension, size_t largest) {
    if (is(spec->structure, "full") || is(spec->structure, "lowrank"))
        return dimension;
    if (is(spec->structure, "block") && largest > 0)
        return largest;
    if (strncmp(spec->structure, "kron", 4) == 0 && largest * largest > dimension)
        return (largest * largest + dimension - 1) / dimension;
    return 1;
}

bool uns_spec_settled(const uns_spec *spec, size_t together) {
    double beta = uns_spec_beta(spec), forgotten = (1.0 - beta) / (1.0 + beta);
    return is(spec->structure, "identity") || is(spec->moment, "exact") ||
           is(spec->moment, "mean") ||
           (is(spec->moment, "ema") && ((double)together + 1.0) * forgotten <= 0.06);
}

unsigned uns_forecast_spec_doubts(const uns_spec *spec, size_t together) {
    return (uns_spec_settled(spec, together) ? 0 : UNS_DOUBT_ONLINE) |
           (uns_spec_linear(spec) ? 0 : UNS_DOUBT_NOT_LINEAR);
}

int uns_forecast_spec_roots(const uns_spec *spec) {
    double factors = is(spec->structure, "kron") ? 2.0 : 1.0;
    double times = 1.0 / (spec->exponent * factors);
    if (is(spec->structure, "identity") || centred(spec))
        return 0;
    return fabs(times - round(times)) <= 1e-9 && times <= 8.0 ? (int)round(times) : -1;
}

/* √ of (c + ε)^-p or (c^p + ε)^-1; 0 where that is not finite. */
static double root_of(const uns_spec *spec, double c) {
    double inside = uns_pow(fmax(c, 0.0) + spec->epsilon, spec->exponent);
    double outside = uns_pow(fmax(c, 0.0), spec->exponent) + spec->epsilon;
    double a = 1.0 / (spec->epsilon_form == UNS_EPSILON_INSIDE ? inside : outside);
    return isfinite(a) ? sqrt(a) : 0.0;
}

static uns_status no_direction(uns_context *context) {
    return uns_fail(context, UNS_ERROR_UNAVAILABLE,
                    "forecast: a direction without noise has no metric at epsilon = 0");
}

static uns_status diagonal_root(uns_context *context, const uns_spec *spec, size_t d,
                                const double *moment, double *root) {
    memset(root, 0, d * d * sizeof *root);
    for (size_t i = 0; i < d; i++) {
        root[i * d + i] = root_of(spec, moment[i * d + i]);
        if (!(root[i * d + i] > 0.0))
            return no_direction(context);
    }
    return UNS_OK;
}

static uns_status full_root(uns_context *context, const uns_spec *spec, size_t d,
                            double *moment, double *root) {
    double values[D_MAX], vectors[D_MAX * D_MAX];
    uns_eigen_symmetric(d, moment, values, vectors);
    memset(root, 0, d * d * sizeof *root);
    for (size_t k = 0; k < d; k++) {
        double value = values[k] > 1e-14 * values[d - 1] ? values[k] : 0.0;
        double scale = root_of(spec, value + spec->damping * values[d - 1]);
        if (!(scale > 0.0))
            return no_direction(context);
        for (size_t i = 0; i < d * d; i++)
            root[i] += scale * vectors[k * d + i / d] * vectors[k * d + i % d];
    }
    return UNS_OK;
}

uns_status uns_forecast_root(uns_context *context, const uns_spec *spec, size_t d,
                             const double *noise, const double *gradient, double *root) {
    double moment[D_MAX * D_MAX];
    bool identity = is(spec->structure, "identity");
    if (d == 0 || d > D_MAX)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "a forecast takes 1 to %d dimensions, not %zu", D_MAX, d);
    if (!uns_spec_linear(spec))
        return uns_fail(
            context, UNS_ERROR_UNAVAILABLE,
            "forecast: clipping, decay, trust ratios, ceilings and the like leave no "
            "metric in closed form");
    if (!uns_spec_settled(spec, uns_forecast_spec_together(spec, d, 0)))
        return uns_fail(context, UNS_ERROR_UNAVAILABLE,
                        "forecast: the moment '%s' tends to no known matrix, or remembers too "
                        "few gradients to be near it",
                        spec->moment);
    for (size_t i = 0; i < d * d; i++) {
        double square = gradient && !centred(spec) ? gradient[i / d] * gradient[i % d] : 0.0;
        moment[i] = identity ? (double)(i / d == i % d) : noise[i] + square;
        root[i] = moment[i];
    }
    if (identity)
        return UNS_OK;
    if (is(spec->structure, "diagonal"))
        return diagonal_root(context, spec, d, moment, root);
    if (is(spec->structure, "full"))
        return full_root(context, spec, d, moment, root);
    return uns_fail(context, UNS_ERROR_UNAVAILABLE,
                    "forecast: the structure '%s' has no metric in closed form; use a local "
                    "model",
                    spec->structure);
}

/* mᵀΣ⁻¹m by Σ's eigenpairs; of its diagonal. */
static double against(size_t d, const double *noise, const double *m) {
    double work[D_MAX * D_MAX], values[D_MAX], vectors[D_MAX * D_MAX], sum = 0.0;
    memcpy(work, noise, d * d * sizeof *work);
    uns_eigen_symmetric(d, work, values, vectors);
    for (size_t k = 0; k < d; k++) {
        double along = 0.0;
        for (size_t i = 0; i < d; i++)
            along += vectors[k * d + i] * m[i];
        sum += along * along / values[k];
    }
    return sum;
}

static double against_diagonal(size_t d, const double *noise, const double *m) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += m[i] == 0.0 ? 0.0 : m[i] * m[i] / noise[i * d + i];
    return sum;
}

static bool along_axis(const uns_modes *modes) {
    double square = 0.0, most = 0.0;
    for (size_t i = 0; i < modes->count; i++) {
        double v = modes->direction[i];
        square += v * v;
        most = fmax(most, v * v);
    }
    return most >= 0.999 * square;
}

double uns_forecast_pull(const uns_spec *spec, size_t d, const double *hessian,
                         const double *noise, const uns_modes *modes, double drop,
                         bool *alone) {
    double m[D_MAX] = {0}, radius = sqrt(2.0 * drop / modes->gamma);
    bool full = is(spec->structure, "full");
    if (alone)
        *alone = full || along_axis(modes);
    if (is(spec->structure, "identity") || centred(spec) || !(modes->gamma > 0.0))
        return 0.0;
    for (size_t i = 0; i < d; i++) /* ∇f = H·(R·A^{1/2}w) */
        for (size_t j = 0; j < d; j++)
            m[i] += hessian[i * d + j] * (radius * modes->direction[j]);
    return sqrt(full ? against(d, noise, m) : against_diagonal(d, noise, m));
}
