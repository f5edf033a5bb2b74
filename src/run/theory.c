/* SPDX-License-Identifier: MIT
 * What the closed forms of forecast.h say about a cell: the median escape step and the floor of
 * the idealized method, whose metric is fixed at its value at the saddle (at the minimum).
 *
 * Nothing is said (NaN) where the metric is not known in closed form, where the problem does
 * not tell its spectra, or where the conditions of the forms fail: an exact evaluation of f at
 * the threshold tells whether that still lies in the quadratic region.
 */
#include "run/work.h"

#include "base/base.h"

#include <math.h>
#include <string.h>
#include <unsaddle/forecast.h>

enum {
    D_MAX = UNS_FORECAST_DIMENSION
};

typedef struct site {
    uns_context *context;
    const uns_cell *cell;
    const uns_problem *problem;
    const uns_problem_ops *ops;
    const void *self;
    size_t d;
    double hessian[D_MAX * D_MAX], noise[D_MAX * D_MAX]; /* noise: of a batch's gradient */
    double root[D_MAX * D_MAX];
    uns_modes modes;
} site;

static bool find_spectra(site *s, uns_point point) {
    if (s->ops->spectra(s->self, point, s->hessian, s->noise) != UNS_OK)
        return false;
    for (size_t i = 0; i < s->d * s->d; i++)
        s->noise[i] /= (double)s->cell->settings.batch;
    return true;
}

/* A^{1/2} where the noise is the site's; false: not known. */
static bool find_metric(site *s) {
    return uns_forecast_root(NULL, &s->cell->spec, s->d, s->noise, NULL, s->root) == UNS_OK;
}

static bool find_modes(site *s) {
    return uns_forecast_modes_dense(NULL, s->d, s->hessian, s->noise, s->root, &s->modes) ==
           UNS_OK;
}

/* f at the start, and `reach` along the way out in both directions. */
static uns_status probe(const site *s, double reach, double *flat, double *scratch,
                        double value[3]) {
    void *blocks[D_MAX];
    uns_layout *layout;
    const uns_settings *settings = &s->cell->settings;
    uns_key key = {(uint64_t)settings->seed, 0, (uint32_t)settings->first_replica,
                   UNS_STREAM_START};
    UNS_TRY(uns_problem_layout(s->context, s->problem, 1, &layout));
    uns_tensors x = {blocks, uns_layout_count(layout)};
    uns_layout_spread(layout, flat, blocks);
    uns_layout_destroy(layout);
    UNS_TRY(s->ops->start(s->self, key, 1, x));
    uns_eval eval = {1, uns_tensors_const(x), NULL, scratch};
    const double at[3] = {0.0, reach, -reach};
    double before = 0.0;
    for (int i = 0; i < 3; before = at[i++]) {
        for (size_t k = 0; k < s->d; k++)
            flat[k] += (at[i] - before) * s->modes.direction[k];
        UNS_TRY(s->ops->value(s->self, &eval, &value[i]));
    }
    return UNS_OK;
}

/* How far f is from a drop of Δ = ½γR² along w, relative to Δ; at the start too, which must be
 * the saddle. NaN: cannot be told. */
static double bend(const site *s, const uns_truth *truth, double drop) {
    double flat[D_MAX] = {0}, value[3];
    size_t bytes = s->ops->scratch ? s->ops->scratch(s->self, 1, 0) : 0;
    double *scratch = uns_allocate(s->context, bytes + 1);
    if (!scratch)
        return NAN;
    uns_status status = probe(s, sqrt(2.0 * drop / s->modes.gamma), flat, scratch, value);
    uns_release(s->context, scratch);
    if (status != UNS_OK || !(fabs(value[0] - truth->start_value) <= 0.01 * drop))
        return NAN;
    return fmax(fabs(value[1] - truth->escape_value), fabs(value[2] - truth->escape_value)) /
           drop;
}

/* Only what the closed form or the recursion says, where nothing is left to doubt. */
static double escape_median(site *s) {
    const uns_settings *settings = &s->cell->settings;
    const uns_spec *spec = &s->cell->spec;
    uns_truth truth;
    uns_forecast forecast;
    uns_problem_truth(s->problem, &truth);
    double drop = truth.start_value - truth.escape_value;
    if (!(drop > 0.0) || !find_modes(s))
        return NAN;
    /* what would take replicas to forecast is not asked for: a run has many cells */
    double eta = uns_forecast_spec_eta(spec, settings->steps);
    if (uns_forecast_doubts(&s->modes, eta, drop) != 0)
        return NAN;
    uns_forecast_site at = uns_forecast_site_of(&s->modes, drop);
    at.limit = settings->steps > 100000 ? 10000000 : 100 * settings->steps;
    if (spec->momentum == UNS_MOMENTUM_NONE && spec->schedule == UNS_SCHEDULE_CONSTANT &&
        spec->larger_step_every == 0)
        at.limit = INT64_C(1) << 53; /* the closed form costs nothing */
    at.bend = bend(s, &truth, drop);
    at.pull =
        uns_forecast_pull(spec, s->d, s->hessian, s->noise, &s->modes, drop, &at.pull_alone);
    if (isnan(at.bend) || uns_forecast_make(s->context, spec, &at, &forecast) != UNS_OK)
        return NAN;
    bool held = (forecast.doubts & ~(unsigned)UNS_DOUBT_NOT_REACHED) == 0;
    return held ? forecast.escape[2] : NAN;
}

void uns_theory_fill(uns_context *context, const uns_cell *cell, const uns_problem *problem,
                     uns_result *result) {
    site s = {.context = context,
              .cell = cell,
              .problem = problem,
              .ops = uns_problem_get_ops(problem),
              .self = uns_problem_self(problem),
              .d = uns_problem_dimension(problem)};
    bool frozen =
        cell->spec.about == UNS_ABOUT_FROZEN && strcmp(cell->spec.moment, "exact") == 0;
    result->escape_theory = result->floor_theory = NAN;
    if (!s.ops->spectra || s.d > D_MAX)
        return;
    bool known = find_spectra(&s, UNS_POINT_START) && find_metric(&s);
    if (known)
        result->escape_theory = escape_median(&s);
    if (frozen && !known)
        return;
    if (find_spectra(&s, UNS_POINT_MINIMUM) && (frozen || find_metric(&s)) && find_modes(&s))
        result->floor_theory =
            uns_forecast_spec_floor(&cell->spec, &s.modes, cell->settings.steps);
}
