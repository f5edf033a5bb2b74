/* SPDX-License-Identifier: MIT
 * How long the optimizer takes to leave from where a survey is made, its metric staying as it
 * is now, and what of that is in doubt. The formulas: docs/theory.md, "Stalls".
 */
#include "run/survey.h"

#include "base/base.h"

#include <math.h>
#include <string.h>
#include <unsaddle/forecast.h>

/* The way out as the formulas take it. */
typedef struct way {
    double gamma, variance, eta; /* −λ_min(B), s², the constant step */
    double offset, pull; /* |wᵀz| here; √(mᵀC⁻¹m) for wᵀz = 1, m = ∇f there */
    bool alone;          /* ΔT holds */
} way;

static double dot(const uns_survey *s, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t i = 0; i < s->slice->work->dimension; i++)
        sum += a[i] * b[i];
    return sum;
}

/* What the noise adds up to along w by the time it has grown into the distance: the walk
 * wᵀz(t)·a^−t has variance σ² = ηs²/(2γ) in the end. As a length along v. */
static uns_status find_floor(uns_survey *s, const way *at, uns_finding *out) {
    double growth = 2.0 + at->eta * at->gamma;
    UNS_TRY(uns_survey_apply(s, UNS_PRODUCT_A_SQRT, s->w, s->work[0]));
    UNS_TRY(uns_survey_apply(s, UNS_PRODUCT_A_INVERSE, s->work[0], s->work[1]));
    out->kick = s->plan.clearance * sqrt(at->eta / (growth * at->gamma));
    out->floor = out->kick * sqrt(fmax(at->variance, 0.0)) / fabs(dot(s, s->work[1], s->v));
    return UNS_OK;
}

static bool axis_alone(const uns_survey *s, const double *direction) {
    double most = 0.0;
    for (size_t i = 0; i < s->slice->work->dimension; i++)
        most = fmax(most, direction[i] * direction[i]);
    return most >= 0.999 * dot(s, direction, direction);
}

/* m = HA^{1/2}w = −γA^{-1/2}w, so that C^{-1/2}m = A^{k/2}m takes k − 1 products with A^{1/2}.
 */
static uns_status find_pull(uns_survey *s, const uns_spec *spec, way *at) {
    int times = uns_forecast_spec_roots(spec);
    UNS_TRY(uns_survey_apply(s, UNS_PRODUCT_A_SQRT, s->w, s->work[0]));
    at->offset = fabs(dot(s, s->work[0], s->g)) / at->gamma;
    at->pull = times < 0 ? 1e300 : 0.0;
    at->alone =
        times == 2 && (strcmp(spec->structure, "full") == 0 || axis_alone(s, s->work[0]));
    if (times <= 0)
        return UNS_OK;
    memcpy(s->work[0], s->w, s->slice->work->dimension * sizeof *s->w);
    for (int i = 1; i < times; i++) {
        UNS_TRY(uns_survey_apply(s, UNS_PRODUCT_A_SQRT, s->work[0], s->work[1]));
        memcpy(s->work[0], s->work[1], s->slice->work->dimension * sizeof *s->w);
    }
    at->pull = at->gamma * sqrt(dot(s, s->work[0], s->work[0]));
    return UNS_OK;
}

static unsigned doubts_of(const uns_survey *s, const way *at, double trace, double drop,
                          double other, double pull) {
    const uns_work *work = s->slice->work;
    const uns_spec *spec = &work->cell->spec;
    unsigned doubts = uns_forecast_spec_doubts(
        spec,
        uns_forecast_spec_together(spec, work->dimension, work->footprint.structure.largest));
    if (!(at->variance > 1e-14 * trace))
        doubts |= UNS_DOUBT_NO_SADDLE;
    if (!(4.0 * drop >= 30.0 * at->eta * at->variance))
        doubts |= UNS_DOUBT_SMALL_DROP;
    if (!(other <= 0.2 * drop))
        doubts |= UNS_DOUBT_OTHER_MODES;
    if (!(at->eta * at->gamma <= 0.05))
        doubts |= UNS_DOUBT_LARGE_STEP;
    if (!at->alone && !(pull < 0.5))
        doubts |= UNS_DOUBT_MEAN_GRADIENT;
    return doubts;
}

/* ΔT from here on: of the whole way, less what is behind. */
static double delay_of(const way *at, double radius) {
    if (!at->alone || at->pull == 0.0)
        return 0.0;
    return uns_forecast_delay(at->gamma, at->eta, at->pull * radius) -
           uns_forecast_delay(at->gamma, at->eta, at->pull * at->offset);
}

static void forecast(const uns_survey *s, const way *at, double trace, uns_finding *out) {
    static const double quantiles[3] = {0.05, 0.5, 0.95};
    double drop = out->reading.drop, other = 0.25 * at->eta * fmax(trace - at->variance, 0.0);
    /* F_other has to be made up for, but for what the other modes hold already */
    double needed = drop + other - out->held;
    double radius = sqrt(at->offset * at->offset + 2.0 * fmax(needed, 0.0) / at->gamma);
    for (int i = 0; i < 3; i++)
        out->reading.leave[i] =
            needed > 0.0 ? uns_forecast_escape_from(at->gamma, at->variance, at->eta, needed,
                                                    0.0, at->offset, quantiles[i]) +
                               delay_of(at, radius)
                         : 0.0;
    out->reading.doubts = doubts_of(s, at, trace, drop, other, at->pull * radius);
}

uns_status uns_survey_leave(uns_survey *s, bool known, double gamma,
                            const uns_noise_report *report, uns_finding *out) {
    const uns_spec *spec = &s->slice->work->cell->spec;
    bool predicts = s->plan.forecast && known && gamma > 0.0;
    const uns_noise *noise = s->noise[1] && s->metric ? s->noise[1] : s->noise[0];
    way at = {.gamma = gamma, .eta = uns_forecast_spec_eta(spec, out->reading.step)};
    if (!(out->reading.curvature + out->reading.residual < 0.0))
        return UNS_OK;
    out->slope = dot(s, s->v, s->g);
    if (!predicts)
        return uns_survey_room(s, out);
    at.variance = uns_noise_direction(noise, 0).variance.value;
    UNS_TRY(find_floor(s, &at, out));
    UNS_TRY(find_pull(s, spec, &at));
    UNS_TRY(uns_survey_room(s, out));
    if (out->reading.drop > 0.0)
        forecast(s, &at, report->trace.value, out);
    return UNS_OK;
}
