/* SPDX-License-Identifier: MIT
 * A whole forecast for a spec at a site: which conditions hold, which method answers, what it
 * leaves open. The mathematics of each method is in its own file.
 */
#include <unsaddle/forecast.h>

#include "base/base.h"
#include "inst/ensemble.h"
#include "inst/metric.h"
#include "inst/passage.h"
#include "inst/recursion.h"

#include <math.h>

static const double quantiles[UNS_FORECAST_QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};

enum {
    LIMIT = 1000000
};

const double *uns_forecast_quantiles(void) {
    return quantiles;
}

const char *uns_forecast_method_text(uns_forecast_method method) {
    static const char *const text[] = {"none",    "closed form", "recursion",
                                       "passage", "ensemble",    "local model"};
    return (size_t)method < UNS_COUNT_OF(text) ? text[method] : "unknown method";
}

uns_forecast_site uns_forecast_site_of(const uns_modes *modes, double drop) {
    uns_forecast_site site = {.size = sizeof site,
                              .count = modes->count,
                              .curvature = modes->curvature,
                              .noise = modes->noise,
                              .drop = drop,
                              .bend = NAN,
                              .limit = LIMIT};
    return site;
}

static uns_status check_site(uns_context *context, const uns_forecast_site *site) {
    if (site->count == 0 || site->count > UNS_FORECAST_DIMENSION)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "a forecast takes 1 to %d modes, not %zu",
                        UNS_FORECAST_DIMENSION, site->count);
    if (!(site->drop > 0.0) || site->limit < 1 || !(site->rest_noise >= 0.0))
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "forecast: the drop and the limit of steps must be above 0");
    for (size_t i = 0; i < site->count; i++) {
        double b = site->curvature[i], slope = site->slope ? site->slope[i] : 0.0;
        if (!isfinite(b) || !isfinite(slope) || !(site->noise[i] >= 0.0))
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "forecast: mode %zu is not finite or has negative noise", i);
        if (i > 0 && b < site->curvature[i - 1])
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "forecast: mode %zu is below the one before it", i);
    }
    return UNS_OK;
}

/* Σ s_i² over the modes of b > 0, listed or not. */
static double waiting_noise(const uns_forecast_site *site) {
    double sum = site->rest_noise;
    for (size_t i = 1; i < site->count; i++)
        sum += site->curvature[i] > 0.0 ? site->noise[i] : 0.0;
    return sum;
}

static unsigned find_doubts(const uns_spec *spec, const uns_forecast_site *site,
                            const uns_steps *steps) {
    double gamma = -site->curvature[0], noise = site->noise[0];
    unsigned doubts = 0;
    if (!(4.0 * site->drop >= 30.0 * steps->noise * noise))
        doubts |= UNS_DOUBT_SMALL_DROP;
    if (!(steps->noise * waiting_noise(site) / 4.0 <= 0.2 * site->drop))
        doubts |= UNS_DOUBT_OTHER_MODES;
    if (!(steps->largest * gamma <= 0.05))
        doubts |= UNS_DOUBT_LARGE_STEP;
    if (site->count > 1 && site->curvature[1] < -0.5 * gamma)
        doubts |= UNS_DOUBT_SECOND_WAY;
    if (site->bend > 0.1)
        doubts |= UNS_DOUBT_CURVED;
    if (site->pull >= 0.5 && !(site->pull_alone && spec->exponent == 0.5))
        doubts |= UNS_DOUBT_MEAN_GRADIENT;
    size_t together =
        site->together ? site->together : uns_forecast_spec_together(spec, site->count, 0);
    return doubts | uns_forecast_spec_doubts(spec, together);
}

/* 0 where the start is the saddle itself. */
static double displacement(const uns_forecast_site *site) {
    return site->slope ? fabs(site->slope[0] / site->curvature[0]) : 0.0;
}

/* Below 1e-14 of the trace the noise along w is what rounding left of none. */
static bool leads_out(const uns_forecast_site *site) {
    double trace = waiting_noise(site) + site->noise[0];
    return site->curvature[0] < 0.0 &&
           (site->noise[0] > 1e-14 * trace || displacement(site) > 0.0);
}

static uns_forecast_method choose(const uns_spec *spec, const uns_forecast_site *site,
                                  unsigned doubts) {
    bool uniform = uns_spec_uniform(spec);
    if (doubts & (UNS_DOUBT_OTHER_MODES | UNS_DOUBT_SECOND_WAY))
        return UNS_METHOD_ENSEMBLE;
    if (doubts & UNS_DOUBT_SMALL_DROP)
        return uniform ? UNS_METHOD_PASSAGE : UNS_METHOD_ENSEMBLE;
    return uniform && displacement(site) == 0.0 ? UNS_METHOD_CLOSED : UNS_METHOD_RECURSION;
}

static void closed(const uns_spec *spec, const uns_forecast_site *site, uns_forecast *out) {
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++)
        out->escape[i] = uns_forecast_escape(out->gamma, site->noise[0], spec->eta, site->drop,
                                             out->other, quantiles[i]);
}

static uns_status passage(uns_context *context, const uns_spec *spec,
                          const uns_forecast_site *site, uns_forecast *out) {
    double radius = sqrt(2.0 * (site->drop + out->other) / out->gamma);
    uns_passage p = {1.0 + spec->eta * out->gamma, spec->eta * sqrt(site->noise[0]) / radius,
                     displacement(site) / radius, site->limit};
    if (p.start >= 1.0) {
        for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++)
            out->escape[i] = 1.0;
        return UNS_OK;
    }
    return uns_passage_quantiles(context, &p, UNS_FORECAST_QUANTILES, quantiles, out->escape);
}

static uns_status find_escape(uns_context *context, const uns_spec *spec,
                              const uns_forecast_site *site, uns_forecast *out) {
    switch (out->method) {
    case UNS_METHOD_CLOSED:
        closed(spec, site, out);
        return UNS_OK;
    case UNS_METHOD_RECURSION:
        uns_recursion_escape(spec, site, UNS_FORECAST_QUANTILES, quantiles, out->escape);
        return UNS_OK;
    case UNS_METHOD_PASSAGE:
        return passage(context, spec, site, out);
    case UNS_METHOD_ENSEMBLE:
        return uns_ensemble_escape(context, spec, site, UNS_FORECAST_QUANTILES, quantiles,
                                   out->escape);
    case UNS_METHOD_NONE:
    case UNS_METHOD_MODEL:
        break;
    }
    return UNS_OK;
}

/* Whole steps, ΔT put on, the limit kept. */
static void finish(const uns_spec *spec, const uns_forecast_site *site, uns_forecast *out) {
    if (site->pull > 0.0 && site->pull_alone && spec->exponent == 0.5)
        out->delay = uns_forecast_delay(out->gamma, out->eta, site->pull);
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++) {
        out->escape[i] = ceil(out->escape[i] + out->delay);
        if (!(out->escape[i] <= (double)site->limit)) {
            out->escape[i] = NAN;
            out->doubts |= UNS_DOUBT_NOT_REACHED;
        }
    }
}

static double find_floor(const uns_spec *spec, const uns_forecast_site *site,
                         const uns_steps *steps) {
    if (site->minimum)
        return uns_forecast_spec_floor(spec, site->minimum, (int64_t)site->moves + 1000);
    if (!uns_spec_steady(spec))
        return NAN;
    double trace = site->rest_noise;
    for (size_t i = 0; i < site->count; i++)
        trace += site->noise[i];
    return steps->noise * trace / 4.0;
}

uns_status uns_forecast_make(uns_context *context, const uns_spec *spec,
                             const uns_forecast_site *site, uns_forecast *out) {
    static const unsigned mended[] = {
        [UNS_METHOD_PASSAGE] = UNS_DOUBT_SMALL_DROP | UNS_DOUBT_LARGE_STEP,
        [UNS_METHOD_RECURSION] = UNS_DOUBT_LARGE_STEP,
        [UNS_METHOD_CLOSED] = UNS_DOUBT_LARGE_STEP,
        [UNS_METHOD_ENSEMBLE] = UNS_DOUBT_SMALL_DROP | UNS_DOUBT_LARGE_STEP |
                                UNS_DOUBT_OTHER_MODES | UNS_DOUBT_SECOND_WAY,
        [UNS_METHOD_MODEL] = 0};
    UNS_TRY(check_site(context, site));
    uns_steps steps = uns_steps_of(spec, site->moves);
    uns_forecast forecast = {.gamma = -site->curvature[0],
                             .eta = steps.growth,
                             .K = 4.0 * site->drop / (steps.noise * site->noise[0]),
                             .other = steps.noise * waiting_noise(site) / 4.0};
    forecast.floor = find_floor(spec, site, &steps);
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++)
        forecast.escape[i] = NAN;
    if (!leads_out(site)) {
        forecast.doubts = forecast.open = UNS_DOUBT_NO_SADDLE;
        *out = forecast;
        return UNS_OK;
    }
    forecast.doubts = find_doubts(spec, site, &steps);
    forecast.method = choose(spec, site, forecast.doubts);
    UNS_TRY(find_escape(context, spec, site, &forecast));
    finish(spec, site, &forecast);
    forecast.open = forecast.doubts & ~mended[forecast.method];
    *out = forecast;
    return UNS_OK;
}
