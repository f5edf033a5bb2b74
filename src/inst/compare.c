/* SPDX-License-Identifier: MIT
 * Candidate preconditioners side by side: each one's forecast at today's step size, and at the
 * step size that brings its floor to that of the first.
 */
#include <unsaddle/forecast.h>

#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    D_MAX = UNS_FORECAST_DIMENSION,
    ROUNDS = 60
};

/* What one candidate comes to at the point and at the destination. */
typedef struct entry {
    uns_spec spec;
    uns_modes here, there;
    uns_forecast_site site;
    double slope[D_MAX];
} entry;

/* The spec with the candidate's metric for its own, following Σ or G exactly. */
static uns_spec spec_with(const uns_spec *spec, const uns_candidate *candidate) {
    uns_spec own = *spec;
    snprintf(own.structure, sizeof own.structure, "%s", candidate->structure);
    snprintf(own.moment, sizeof own.moment, "exact");
    own.about = candidate->centred ? UNS_ABOUT_COVARIANCE : UNS_ABOUT_SECOND_MOMENT;
    own.centred = false;
    own.exponent = candidate->exponent;
    return own;
}

/* wᵢᵀA^{1/2}∇f: B's eigenvectors are needed, of which the modes keep only the first; along the
 * others the displacement is left at 0. */
static void find_slope(const uns_forecast_point *point, entry *e) {
    for (size_t i = 0; point->gradient && i < point->dimension; i++)
        e->slope[0] += e->here.direction[i] * point->gradient[i];
    e->site.slope = point->gradient ? e->slope : NULL;
}

static uns_status open_entry(uns_context *context, const uns_spec *spec,
                             const uns_forecast_point *point, const uns_candidate *candidate,
                             entry *e) {
    double own[D_MAX * D_MAX];
    const double *root = candidate->root;
    size_t d = point->dimension;
    memset(e, 0, sizeof *e);
    e->spec = spec_with(spec, candidate);
    if (!root) {
        UNS_TRY(uns_forecast_root(context, &e->spec, d, point->noise, point->gradient, own));
        root = own;
    }
    UNS_TRY(uns_forecast_modes_dense(context, d, point->hessian, point->noise, root, &e->here));
    e->site = uns_forecast_site_of(&e->here, point->drop);
    e->site.limit = point->limit;
    e->site.seed = point->seed;
    find_slope(point, e);
    if (!candidate->root)
        e->site.pull = uns_forecast_pull(&e->spec, d, point->hessian, point->noise, &e->here,
                                         point->drop, &e->site.pull_alone);
    if (!point->minimum_hessian)
        return UNS_OK;
    e->site.minimum = &e->there;
    return uns_forecast_modes_dense(context, d, point->minimum_hessian, point->noise, root,
                                    &e->there);
}

static uns_spec scaled(const uns_spec *spec, double factor) {
    uns_spec out = *spec;
    out.eta *= factor;
    out.larger_step *= factor;
    return out;
}

/* The floor is close to linear in η, so that dividing by the miss closes in. */
static uns_status find_equal(uns_context *context, const entry *e, double floor,
                             uns_comparison *out) {
    double factor = 1.0;
    uns_forecast forecast = out->today;
    out->equal_eta = NAN;
    for (int i = 0; floor > 0.0 && i < ROUNDS; i++) {
        double miss = floor / forecast.floor;
        if (fabs(miss - 1.0) < 1e-9) {
            out->equal = forecast;
            out->equal_eta = e->spec.eta * factor;
            return UNS_OK;
        }
        factor *= isfinite(miss) && miss > 0.0 ? miss : 0.5; /* NaN: beyond stability */
        uns_spec spec = scaled(&e->spec, factor);
        UNS_TRY(uns_forecast_make(context, &spec, &e->site, &forecast));
    }
    return UNS_OK;
}

static uns_status compare_one(uns_context *context, const uns_spec *spec,
                              const uns_forecast_point *point, const uns_candidate *candidate,
                              double *floor, double *merit, uns_comparison *out) {
    entry *e = uns_allocate(context, sizeof *e);
    uns_comparison result = {0};
    if (!e)
        return UNS_ERROR_MEMORY;
    uns_status status = open_entry(context, spec, point, candidate, e);
    if (status == UNS_OK)
        status = uns_forecast_make(context, &e->spec, &e->site, &result.today);
    if (status == UNS_OK) {
        double own = e->here.gamma / e->here.trace;
        if (isnan(*merit)) {
            *floor = result.today.floor;
            *merit = own;
        }
        result.merit = own / *merit;
        result.equal = result.today;
        status = find_equal(context, e, *floor, &result);
    }
    uns_release(context, e);
    if (status == UNS_OK)
        *out = result;
    return status;
}

uns_status uns_forecast_compare(uns_context *context, const uns_spec *spec,
                                const uns_forecast_point *point, size_t count,
                                const uns_candidate *candidates, uns_comparison *out) {
    double floor = NAN, merit = NAN;
    for (size_t i = 0; i < count; i++)
        UNS_TRY(compare_one(context, spec, point, &candidates[i], &floor, &merit, &out[i]));
    return UNS_OK;
}
