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
#include <unsaddle/elementary.h>
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
    double metric[D_MAX];
    uns_modes modes;
} site;

/* Slots that leave the step a fixed A times the gradient. */
static bool plain(const uns_spec *spec) {
    return spec->signal == UNS_SIGNAL_GRADIENT && spec->scale == UNS_SCALE_NONE &&
           spec->decay == 0.0 && spec->ceiling == UNS_CEILING_NONE && !spec->rectify &&
           spec->increment == 0.0 && isinf(spec->clip_norm) && isinf(spec->clip_value) &&
           spec->momentum != UNS_MOMENTUM_LION;
}

/* Whether C tends to the second moment itself. The moving average must be long enough to be
 * near it: at β = 0.9 its relative deviation is 0.3 already. */
static bool averages(const uns_spec *spec) {
    return strcmp(spec->moment, "exact") == 0 || strcmp(spec->moment, "mean") == 0 ||
           (strcmp(spec->moment, "ema") == 0 && uns_spec_beta(spec) >= 0.9);
}

/* (c + ε)^-p or (c^p + ε)^-1; 0 where that is not finite. */
static double root_of(const uns_spec *spec, double c) {
    double inside = uns_pow(c + spec->epsilon, spec->exponent);
    double outside = uns_pow(c, spec->exponent) + spec->epsilon;
    double r = 1.0 / (spec->epsilon_form == UNS_EPSILON_INSIDE ? inside : outside);
    return isfinite(r) ? r : 0.0;
}

/* The diagonal of A where the noise is the site's; false: not known. */
static bool find_metric(site *s) {
    const uns_spec *spec = &s->cell->spec;
    bool identity = strcmp(spec->structure, "identity") == 0;
    if (!plain(spec) || (!identity && strcmp(spec->structure, "diagonal") != 0))
        return false;
    if (!identity && !averages(spec))
        return false;
    for (size_t i = 0; i < s->d; i++) {
        s->metric[i] = identity ? 1.0 : root_of(spec, s->noise[i * s->d + i]);
        if (!(s->metric[i] > 0.0))
            return false;
    }
    return true;
}

static bool find_spectra(site *s, uns_point point) {
    if (s->ops->spectra(s->self, point, s->hessian, s->noise) != UNS_OK)
        return false;
    for (size_t i = 0; i < s->d * s->d; i++)
        s->noise[i] /= (double)s->cell->settings.batch;
    return true;
}

static bool find_modes(site *s) {
    return uns_forecast_modes(NULL, s->d, s->hessian, s->noise, s->metric, &s->modes) == UNS_OK;
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

/* The run starts at the saddle, and a drop of Δ along w is one of ½γR², each within 10 % of Δ.
 */
static bool quadratic_region(const site *s, const uns_truth *truth, double drop) {
    double flat[D_MAX] = {0}, value[3];
    size_t bytes = s->ops->scratch ? s->ops->scratch(s->self, 1, 0) : 0;
    double *scratch = uns_allocate(s->context, bytes + 1);
    if (!scratch)
        return false;
    uns_status status = probe(s, sqrt(2.0 * drop / s->modes.gamma), flat, scratch, value);
    uns_release(s->context, scratch);
    return status == UNS_OK && fabs(value[0] - truth->start_value) <= 0.01 * drop &&
           fabs(value[1] - truth->escape_value) <= 0.1 * drop &&
           fabs(value[2] - truth->escape_value) <= 0.1 * drop;
}

/* Whether the way out is one coordinate's alone, so that a diagonal metric sees one dimension.
 */
static bool along_axis(const site *s) {
    double square = 0.0, most = 0.0;
    for (size_t i = 0; i < s->d; i++) {
        double v = s->modes.direction[i];
        square += v * v;
        most = fmax(most, v * v);
    }
    return most >= 0.999 * square;
}

/* Steps lost to the mean gradient in G = Σ + ∇f∇fᵀ, q = γR/s at the threshold. Known in one
 * dimension for the inverse root; elsewhere nothing is said once q is not small. */
static double delay(const site *s, double eta, double drop) {
    const uns_spec *spec = &s->cell->spec;
    if (strcmp(spec->structure, "identity") == 0 || spec->centred ||
        (strcmp(spec->moment, "exact") == 0 && spec->about != UNS_ABOUT_SECOND_MOMENT))
        return 0.0;
    double q = sqrt(2.0 * drop * s->modes.gamma / s->modes.noise[0]);
    if (spec->exponent == 0.5 && along_axis(s))
        return uns_forecast_delay(s->modes.gamma, eta, q);
    return q < 0.5 ? 0.0 : NAN;
}

static double escape_median(site *s) {
    const uns_settings *settings = &s->cell->settings;
    const uns_spec *spec = &s->cell->spec;
    uns_truth truth;
    uns_problem_truth(s->problem, &truth);
    double drop = truth.start_value - truth.escape_value;
    if (!(drop > 0.0) || !find_modes(s))
        return NAN;
    double eta = uns_forecast_spec_eta(spec, settings->steps);
    if (uns_forecast_doubts(&s->modes, eta, drop) != 0)
        return NAN;
    if (spec->larger_step_every > 0 && !(spec->larger_step * s->modes.gamma <= 0.05))
        return NAN;
    if (!quadratic_region(s, &truth, drop))
        return NAN;
    int64_t limit = settings->steps > 100000 ? 10000000 : 100 * settings->steps;
    return uns_forecast_spec_escape(spec, &s->modes, drop, 0.5, limit) + delay(s, eta, drop);
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
