/* SPDX-License-Identifier: MIT
 * Forecasts of the escape step and of the floor for a fixed preconditioner, from H and Σ.
 *
 * Not a simulation and not a bound: along the escape direction the iterate is a linear
 * recursion with additive noise, and what is computed is the law of that recursion. The
 * derivation is the project's own (docs/theory.md), in the setting of Staib et al. 2019.
 */
#include <unsaddle/forecast.h>

#include "base/base.h"
#include "la/jacobi.h"

#include <float.h>
#include <math.h>
#include <unsaddle/elementary.h>

enum {
    D_MAX = UNS_FORECAST_DIMENSION
};

static uns_status check_input(uns_context *context, size_t d, const double *hessian,
                              const double *noise, const double *metric) {
    if (d == 0 || d > D_MAX)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "a forecast takes 1 to %d dimensions, not %zu", D_MAX, d);
    for (size_t i = 0; i < d * d; i++)
        if (!isfinite(hessian[i]) || !isfinite(noise[i]))
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "forecast: element (%zu, %zu) is not finite", i / d, i % d);
    for (size_t i = 0; metric && i < d; i++)
        if (!(metric[i] > 0.0) || !isfinite(metric[i]))
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "forecast: element %zu of the metric is not above 0", i);
    return UNS_OK;
}

/* s² = vᵀ·A^{1/2}ΣA^{1/2}·v, root the diagonal of A^{1/2}. */
static double noise_along(size_t d, const double *noise, const double *root, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            sum += (v[i] * root[i]) * noise[i * d + j] * (root[j] * v[j]);
    return fmax(sum, 0.0);
}

uns_status uns_forecast_modes(uns_context *context, size_t d, const double *hessian,
                              const double *noise, const double *metric, uns_modes *modes) {
    double b[D_MAX * D_MAX], vectors[D_MAX * D_MAX], root[D_MAX];
    UNS_TRY(check_input(context, d, hessian, noise, metric));
    for (size_t i = 0; i < d; i++)
        root[i] = metric ? sqrt(metric[i]) : 1.0;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            b[i * d + j] =
                root[i] * (0.5 * (hessian[i * d + j] + hessian[j * d + i])) * root[j];
    *modes = (uns_modes){.count = d};
    uns_eigen_symmetric(d, b, modes->curvature, vectors);
    for (size_t i = 0; i < d; i++) {
        modes->noise[i] = noise_along(d, noise, root, vectors + i * d);
        modes->direction[i] = root[i] * vectors[i];
        modes->trace += root[i] * noise[i * d + i] * root[i];
    }
    modes->gamma = -modes->curvature[0];
    return UNS_OK;
}

unsigned uns_forecast_doubts(const uns_modes *modes, double eta, double drop) {
    double gamma = modes->gamma, noise = modes->noise[0];
    if (!(gamma > 0.0 && noise > 0.0))
        return UNS_DOUBT_NO_SADDLE;
    unsigned doubts = 0;
    if (!(4.0 * drop >= 30.0 * eta * noise))
        doubts |= UNS_DOUBT_SMALL_DROP;
    if (!(uns_forecast_other(modes, eta) <= 0.2 * drop))
        doubts |= UNS_DOUBT_OTHER_MODES;
    if (!(eta * gamma <= 0.05))
        doubts |= UNS_DOUBT_LARGE_STEP;
    if (modes->count > 1 && modes->curvature[1] < -0.5 * gamma)
        doubts |= UNS_DOUBT_SECOND_WAY;
    return doubts;
}

double uns_forecast_other(const uns_modes *modes, double eta) {
    double sum = 0.0;
    for (size_t i = 1; i < modes->count; i++)
        if (modes->curvature[i] > 0.0)
            sum += modes->noise[i];
    return eta * sum / 4.0;
}

/* ln(1 + x) without loss for small x: Kahan's correction of the rounded argument. */
static double log_one_plus(double x) {
    double y = 1.0 + x;
    return y == 1.0 ? x : uns_log(y) * (x / (y - 1.0));
}

double uns_forecast_escape(double gamma, double noise, double eta, double drop, double other,
                           double quantile) {
    if (!(gamma > 0.0 && noise > 0.0 && eta > 0.0 && drop > 0.0 && other >= 0.0))
        return NAN;
    if (!(quantile > 0.0 && quantile < 1.0))
        return NAN;
    double z = uns_normal_quantile(1.0 - 0.5 * quantile);
    double radius_square = 2.0 * (drop + other) / gamma;
    double growth = eta * gamma * (2.0 + eta * gamma); /* a² − 1 */
    double ratio = growth * (radius_square / (z * z)) / (eta * eta * noise);
    return log_one_plus(ratio) / (2.0 * log_one_plus(eta * gamma));
}

double uns_forecast_escape_mean(double gamma, double noise, double eta, double drop,
                                double other) {
    return uns_forecast_escape(gamma, noise, eta, drop, other, 0.5) +
           0.241 / log_one_plus(eta * gamma);
}

double uns_forecast_escape_deviation(double gamma, double eta) {
    return gamma > 0.0 && eta > 0.0 ? 1.111 / log_one_plus(eta * gamma) : NAN;
}

double uns_forecast_delay(double gamma, double eta, double q) {
    double root = sqrt(1.0 + q * q), rest = q * q / (1.0 + root); /* rest = root − 1 */
    return (rest - log_one_plus(0.5 * rest)) / (eta * gamma);
}

/* A b_i this far below b_max counts as 0: a flat direction, which f does not see. */
static double flat(const uns_modes *modes) {
    return 1e-9 * fmax(fabs(modes->curvature[modes->count - 1]), fabs(modes->curvature[0]));
}

double uns_forecast_floor(const uns_modes *modes, double eta) {
    double sum = 0.0;
    if (modes->curvature[0] < -flat(modes))
        return NAN;
    for (size_t i = 0; i < modes->count; i++) {
        double b = modes->curvature[i];
        if (b <= flat(modes))
            continue;
        if (!(eta * b < 2.0))
            return NAN;
        sum += eta * modes->noise[i] / (4.0 * (1.0 - 0.5 * eta * b));
    }
    return sum;
}

/* One mode under momentum: (x, m) ← M·(x, m) + v·ξ with u = γm + δg, m ← αm + βg, g = bx + ξ,
 * x ← x − ηu. */
typedef struct linear {
    double m[4], v[2];
} linear;

/* var(x), cov(x, m), var(m) */
typedef struct moments {
    double xx, xm, mm;
} moments;

static linear linear_step(double b, double eta, const double row[4]) {
    linear step = {{1.0 - eta * row[1] * b, -eta * row[0], row[3] * b, row[2]},
                   {-eta * row[1], row[3]}};
    return step;
}

static moments propagate(const linear *l, moments p, double noise) {
    const double *m = l->m, *v = l->v;
    moments next = {m[0] * m[0] * p.xx + 2.0 * m[0] * m[1] * p.xm + m[1] * m[1] * p.mm +
                        noise * v[0] * v[0],
                    m[0] * m[2] * p.xx + (m[0] * m[3] + m[1] * m[2]) * p.xm +
                        m[1] * m[3] * p.mm + noise * v[0] * v[1],
                    m[2] * m[2] * p.xx + 2.0 * m[2] * m[3] * p.xm + m[3] * m[3] * p.mm +
                        noise * v[1] * v[1]};
    return next;
}

static double determinant(const double a[9]) {
    return a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
           a[2] * (a[3] * a[7] - a[4] * a[6]);
}

/* Both eigenvalues of M inside the unit circle (Jury). */
static bool stable(const linear *l) {
    double trace = l->m[0] + l->m[3], det = l->m[0] * l->m[3] - l->m[1] * l->m[2];
    return fabs(trace) < 1.0 + det && det < 1.0;
}

/* Stationary var(x) of P = MPMᵀ + s²vvᵀ: the first unknown of three linear equations, by
 * Cramer's rule. NaN where nothing is stationary. */
static double stationary(const linear *l, double noise) {
    const double *m = l->m, *v = l->v;
    if (!stable(l))
        return NAN;
    double a[9] = {1.0 - m[0] * m[0],
                   -2.0 * m[0] * m[1],
                   -m[1] * m[1],
                   -m[0] * m[2],
                   1.0 - m[0] * m[3] - m[1] * m[2],
                   -m[1] * m[3],
                   -m[2] * m[2],
                   -2.0 * m[2] * m[3],
                   1.0 - m[3] * m[3]};
    double whole = determinant(a);
    a[0] = noise * v[0] * v[0];
    a[3] = noise * v[0] * v[1];
    a[6] = noise * v[1] * v[1];
    return determinant(a) / whole;
}

/* The row of each move in turn; nadam's product runs along. */
static void momentum_row(const uns_spec *spec, int64_t t, double *product, double row[4]) {
    row[0] = row[2] = row[3] = 0.0;
    row[1] = 1.0;
    if (spec->momentum != UNS_MOMENTUM_NONE)
        uns_spec_momentum_row(spec, (uint64_t)t, product, row);
}

/* The row of one late move alone: nadam's Π μ_i before it is then next to nothing. */
static void late_momentum_row(const uns_spec *spec, int64_t moves, double row[4]) {
    double product = uns_pow(spec->mu, (double)(moves - 1));
    momentum_row(spec, moves, &product, row);
}

double uns_forecast_spec_eta(const uns_spec *spec, int64_t moves) {
    double row[4];
    late_momentum_row(spec, moves, row);
    return spec->eta * (row[1] + row[0] * row[3] / (1.0 - row[2]));
}

static bool constant(const uns_spec *spec) {
    return spec->schedule == UNS_SCHEDULE_CONSTANT && spec->larger_step_every == 0;
}

double uns_forecast_spec_escape(const uns_spec *spec, const uns_modes *modes, double drop,
                                double quantile, int64_t limit) {
    double gamma = modes->gamma, noise = modes->noise[0];
    double other = uns_forecast_other(modes, uns_forecast_spec_eta(spec, limit));
    if (constant(spec) && spec->warmup == 0 && spec->momentum == UNS_MOMENTUM_NONE)
        return uns_forecast_escape(gamma, noise, spec->eta, drop, other, quantile);
    if (!(gamma > 0.0 && noise > 0.0 && drop > 0.0 && quantile > 0.0 && quantile < 1.0))
        return NAN;
    double z = uns_normal_quantile(1.0 - 0.5 * quantile), product = 1.0, row[4];
    double target = 2.0 * (drop + other) / gamma / (z * z), last = 0.0;
    moments p = {0.0, 0.0, 0.0};
    for (int64_t t = 1; t <= limit; t++, last = p.xx) {
        momentum_row(spec, t, &product, row);
        linear step = linear_step(-gamma, uns_spec_eta(spec, (uint64_t)t), row);
        p = propagate(&step, p, noise);
        if (p.xx >= target) /* between the two steps the logarithm is close to linear */
            return last > 0.0 ? (double)t - uns_log(p.xx / target) / uns_log(p.xx / last)
                              : (double)t;
    }
    return NAN;
}

double uns_forecast_spec_floor(const uns_spec *spec, const uns_modes *modes, int64_t moves) {
    double sum = 0.0, row[4];
    if (!constant(spec) || modes->curvature[0] < -flat(modes))
        return NAN;
    if (spec->momentum == UNS_MOMENTUM_NONE)
        return uns_forecast_floor(modes, spec->eta);
    late_momentum_row(spec, moves, row);
    for (size_t i = 0; i < modes->count; i++) {
        double b = modes->curvature[i];
        linear step = linear_step(b, spec->eta, row);
        if (b > flat(modes))
            sum += 0.5 * b * stationary(&step, modes->noise[i]);
    }
    return sum;
}
