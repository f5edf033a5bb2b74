/* SPDX-License-Identifier: MIT
 * Forecasts of the escape step and of the floor for a fixed preconditioner, from H and Σ.
 *
 * Not a simulation and not a bound: along the escape direction the iterate is a linear
 * recursion with additive noise, and what is computed is the law of that recursion. The
 * derivation is the project's own (docs/theory.md), in the setting of Staib et al. 2019.
 */
#include <unsaddle/forecast.h>

#include "base/base.h"
#include "inst/recursion.h"
#include "la/jacobi.h"

#include <float.h>
#include <math.h>
#include <unsaddle/elementary.h>

enum {
    D_MAX = UNS_FORECAST_DIMENSION
};

static uns_status check_input(uns_context *context, size_t d, const double *hessian,
                              const double *noise) {
    if (d == 0 || d > D_MAX)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "a forecast takes 1 to %d dimensions, not %zu", D_MAX, d);
    for (size_t i = 0; i < d * d; i++)
        if (!isfinite(hessian[i]) || !isfinite(noise[i]))
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "forecast: element (%zu, %zu) is not finite", i / d, i % d);
    return UNS_OK;
}

static double quadratic_form(size_t d, const double *matrix, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            sum += v[i] * matrix[i * d + j] * v[j];
    return sum;
}

/* B = A^{1/2}HA^{1/2}, H symmetrised. */
static void sandwich(size_t d, const double *hessian, const double *root, double *b) {
    double half[D_MAX * D_MAX];
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < d; k++)
                sum += root[i * d + k] * (0.5 * (hessian[k * d + j] + hessian[j * d + k]));
            half[i * d + j] = sum;
        }
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < d; k++)
                sum += half[i * d + k] * root[j * d + k];
            b[i * d + j] = b[j * d + i] = sum;
        }
}

uns_status uns_forecast_modes_dense(uns_context *context, size_t d, const double *hessian,
                                    const double *noise, const double *root, uns_modes *modes) {
    double b[D_MAX * D_MAX], vectors[D_MAX * D_MAX], identity[D_MAX * D_MAX] = {0};
    UNS_TRY(check_input(context, d, hessian, noise));
    for (size_t i = 0; i < d; i++)
        identity[i * d + i] = 1.0;
    root = root ? root : identity;
    for (size_t i = 0; i < d * d; i++)
        if (!isfinite(root[i]))
            return uns_fail(context, UNS_ERROR_ARGUMENT, "forecast: the metric is not finite");
    sandwich(d, hessian, root, b);
    *modes = (uns_modes){.count = d};
    uns_eigen_symmetric(d, b, modes->curvature, vectors);
    for (size_t i = 0; i < d; i++) {
        double along[D_MAX] = {0}; /* A^{1/2} times the mode */
        for (size_t j = 0; j < d; j++)
            for (size_t k = 0; k < d; k++)
                along[j] += root[j * d + k] * vectors[i * d + k];
        modes->noise[i] = fmax(quadratic_form(d, noise, along), 0.0);
        modes->trace += modes->noise[i];
        for (size_t j = 0; i == 0 && j < d; j++)
            modes->direction[j] = along[j];
    }
    modes->gamma = -modes->curvature[0];
    return UNS_OK;
}

uns_status uns_forecast_modes(uns_context *context, size_t d, const double *hessian,
                              const double *noise, const double *metric, uns_modes *modes) {
    double root[D_MAX * D_MAX] = {0};
    UNS_TRY(check_input(context, d, hessian, noise));
    for (size_t i = 0; i < d; i++) {
        if (metric && !(metric[i] > 0.0 && isfinite(metric[i])))
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "forecast: element %zu of the metric is not above 0", i);
        root[i * d + i] = metric ? sqrt(metric[i]) : 1.0;
    }
    return uns_forecast_modes_dense(context, d, hessian, noise, root, modes);
}

unsigned uns_forecast_doubts(const uns_modes *modes, double eta, double drop) {
    double gamma = modes->gamma, noise = modes->noise[0];
    /* below 1e-14 of the trace wᵀΣw is what rounding left */
    if (!(gamma > 0.0 && noise > 1e-14 * modes->trace))
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

/* P(|wᵀz| >= R) when the growth a^t has come to e^u. */
static double share_beyond(double u, double offset, double radius, double kick) {
    double growth = uns_exp(u), mean = offset * growth;
    double sigma = kick * sqrt(growth * growth - 1.0);
    if (!(sigma > 0.0))
        return mean >= radius ? 1.0 : 0.0;
    return uns_normal_below((mean - radius) / sigma) +
           uns_normal_below((-mean - radius) / sigma);
}

double uns_forecast_escape_from(double gamma, double noise, double eta, double drop,
                                double other, double offset, double quantile) {
    double straight = uns_forecast_escape(gamma, noise, eta, drop, other, quantile);
    if (isnan(straight) || !(offset >= 0.0))
        return NAN;
    double a = log_one_plus(eta * gamma), growth = eta * gamma * (2.0 + eta * gamma);
    double radius = sqrt(offset * offset + 2.0 * (drop + other) / gamma);
    double kick = eta * sqrt(noise / growth);
    /* without noise at t = u/a; with it, no later than where the mean alone is 8σ beyond */
    double low = 0.0, high = uns_log(9.0 + radius / fmax(offset, kick));
    double before = low, missing = -quantile, now = high, excess;
    while ((excess = share_beyond(now, offset, radius, kick) - quantile) < 0.0 && now < 600.0)
        high = now += now;
    /* secant steps within the limits, a halving now and then: 10 shares where halving takes 60
     */
    for (int i = 0; i < 90; i++) {
        double next = now - excess * (now - before) / (excess - missing);
        if (i % 4 == 3 || !(next > low && next < high))
            next = 0.5 * (low + high);
        if (fabs(next - now) <= 1e-15 * high)
            break;
        before = now, missing = excess, now = next;
        excess = share_beyond(now, offset, radius, kick) - quantile;
        *(excess >= 0.0 ? &high : &low) = now;
    }
    return now / a;
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

double uns_forecast_spec_eta(const uns_spec *spec, int64_t moves) {
    uns_walk walk;
    uns_walk_begin(&walk, spec, moves > 0 ? (uint64_t)moves - 1 : 0);
    uns_walk_next(&walk);
    return spec->eta * (walk.row[1] + walk.row[0] * walk.row[3] / (1.0 - walk.row[2]));
}

double uns_forecast_spec_escape(const uns_spec *spec, const uns_modes *modes, double drop,
                                double quantile, int64_t limit) {
    uns_forecast_site site = uns_forecast_site_of(modes, drop);
    double out = NAN;
    if (uns_spec_uniform(spec))
        return uns_forecast_escape(modes->gamma, modes->noise[0], spec->eta, drop,
                                   uns_forecast_other(modes, spec->eta), quantile);
    if (!(modes->gamma > 0.0 && modes->noise[0] > 0.0 && drop > 0.0))
        return NAN;
    if (!(quantile > 0.0 && quantile < 1.0))
        return NAN;
    site.limit = limit;
    uns_recursion_escape(spec, &site, 1, &quantile, &out);
    return out;
}

double uns_forecast_spec_floor(const uns_spec *spec, const uns_modes *modes, int64_t moves) {
    double sum = 0.0;
    if (!uns_spec_steady(spec) || modes->curvature[0] < -flat(modes))
        return NAN;
    if (uns_spec_uniform(spec))
        return uns_forecast_floor(modes, spec->eta);
    uint64_t before = moves > 0 ? (uint64_t)moves - 1 : 0;
    for (size_t i = 0; i < modes->count; i++)
        if (modes->curvature[i] > flat(modes))
            sum += uns_stationary_energy(spec, modes->curvature[i], modes->noise[i], before);
    return sum;
}
