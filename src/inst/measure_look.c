/* SPDX-License-Identifier: MIT
 * One preconditioner at the point: its range, the noise before and after it, the spectrum in
 * its metric, and how well its Ĝ is estimated. What A is made of and what judges it are
 * different draws.
 */
#include "inst/measure.h"

#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MODES_LEAST = 4, /* listed in a forecast, and all that lead down beside */
    SETTLE_MOST = 100000
};

/* Where the draws of today's optimizer begin, far from those of the measurement. */
static const uint64_t own_draws = UINT64_C(1) << 40;

typedef struct look {
    uns_scene *scene;
    uns_measurement *measurement;
    uns_measured_metric *metric;
    uns_settled settled;
    uns_settled_view a_view, root_view, c_view;
    uns_operator a, root, c;
    size_t modes, kept;    /* of A^{1/2}HA^{1/2}; all that are known, those in the forecast */
    double *values, *rest; /* [modes]; residuals */
    double *direction;     /* [1 + kept][d]: v, then A^{1/2}w_i */
    uns_noise *before, *after, *half;
} look;

static uns_measured nothing(void) {
    uns_measured none = {NAN, NAN};
    return none;
}

/* Gradients that the optimizer in use remembers. */
static size_t remembered(uns_scene *scene) {
    uns_spec spec = *scene->site->spec;
    spec.burn_in = UNS_BURN_IN_AUTO;
    int64_t count = scene->config->settle;
    if (count == 0)
        count = uns_spec_burn_in(scene->context, &spec);
    if (count == 0)
        count = strcmp(spec.moment, "exact") == 0 ? 1 : scene->config->draws;
    return (size_t)(count < SETTLE_MOST ? count : SETTLE_MOST);
}

static uns_status settle(look *l) {
    uns_scene *scene = l->scene;
    const uns_measure_site *site = scene->site;
    size_t draws = (size_t)scene->config->draws;
    uns_spec spec = l->metric->today
                        ? *site->spec
                        : uns_candidate_settling(l->scene->context, &l->metric->spec, draws);
    uns_settling settling = {.context = scene->context,
                             .problem = site->problem,
                             .layout = scene->layout,
                             .spec = &spec,
                             .batch = site->batch,
                             .scratch = scene->scratch,
                             .sampler = &scene->sampler,
                             .x = scene->x,
                             .first = l->metric->today ? own_draws : 0,
                             .count = l->metric->today ? remembered(scene) : draws + 1,
                             .g = scene->spare[0]};
    if (l->metric->today && site->optimizer)
        return uns_settle_on(scene->context, scene->layout, site->optimizer, &l->settled);
    l->metric->observed = (int64_t)settling.count;
    return uns_settle(&settling, &l->settled);
}

static void make_operators(look *l) {
    size_t d = l->scene->d;
    l->a_view = (uns_settled_view){&l->settled, UNS_PRODUCT_A};
    l->root_view = (uns_settled_view){&l->settled, UNS_PRODUCT_A_SQRT};
    l->c_view = (uns_settled_view){&l->settled, UNS_PRODUCT_C};
    l->a = uns_operator_settled(&l->a_view, d);
    l->root = uns_operator_settled(&l->root_view, d);
    l->c = uns_operator_settled(&l->c_view, d);
}

static uns_status find_range(look *l) {
    uns_scene *scene = l->scene;
    return uns_settled_range(&l->settled, &l->metric->spec, (uint64_t)scene->config->seed,
                             scene->spare, &l->metric->least, &l->metric->norm);
}

static uns_status take_room(look *l) {
    uns_scene *scene = l->scene;
    size_t d = scene->d, ends = (size_t)scene->config->ends;
    size_t products = (size_t)scene->config->products;
    bool whole = d <= UNS_CURVATURE_DENSE && d <= products;
    l->metric->whole = whole;
    l->modes = whole ? d : 2 * ends;
    l->values = uns_allocate(scene->context, 2 * l->modes * sizeof *l->values);
    l->direction =
        uns_allocate(scene->context, uns_size_product(1 + l->modes, d * sizeof(double)));
    l->rest = l->values + l->modes;
    return l->values && l->direction ? UNS_OK : UNS_ERROR_MEMORY;
}

/* The spectrum of A^{1/2}HA^{1/2}; its lowest directions in x after v. */
static uns_status find_modes(look *l) {
    uns_scene *scene = l->scene;
    size_t d = scene->d, ends = (size_t)scene->config->ends;
    uns_sandwich sandwich = {&l->root,
                             &scene->hessian.op,
                             sqrt(l->metric->norm),
                             {scene->spare[2], scene->spare[3]}};
    uns_operator b = uns_operator_sandwich(&sandwich);
    bool whole = l->metric->whole;
    uns_curvature_plan plan = {sizeof plan,
                               whole ? d : ends,
                               whole ? 0 : ends,
                               (size_t)scene->config->products,
                               1e-6,
                               (uint64_t)scene->config->seed};
    uns_curvature found;
    UNS_TRY(uns_curvature_find(scene->context, &b, &plan, l->values, l->rest, l->direction + d,
                               &found));
    l->metric->lowest = found.smallest < ends ? found.smallest : ends;
    l->metric->highest = whole ? l->metric->lowest : found.largest;
    for (size_t i = 0; i < l->metric->lowest; i++)
        l->metric->low[i] = l->values[i];
    for (size_t i = 0; i < l->metric->highest; i++)
        l->metric->high[i] = whole ? l->values[d - 1 - i] : l->values[ends + i];
    while (l->kept < found.smallest && (l->kept < MODES_LEAST || l->values[l->kept] < 0.0))
        l->kept++;
    memcpy(l->direction, scene->way, d * sizeof(double));
    for (size_t i = 1; i <= l->kept; i++) {
        memcpy(scene->spare[0], l->direction + i * d, d * sizeof(double));
        UNS_TRY(l->root.product(l->root.self, scene->spare[0], scene->spare[1]));
        memcpy(l->direction + i * d, scene->spare[1], d * sizeof(double));
    }
    return UNS_OK;
}

/* Whether Ĝ can be held against G as a matrix. */
static bool judged_whole(const look *l) {
    return uns_spec_estimates(&l->metric->spec) && !l->metric->spec.centred &&
           !uns_spec_elementwise(l->scene->context, &l->metric->spec);
}

static uns_status measure_noise(look *l) {
    uns_scene *scene = l->scene;
    size_t draws = (size_t)scene->config->draws, pairs = (size_t)scene->config->pairs;
    uns_noise_config before = {.size = sizeof before,
                               .dimension = scene->d,
                               .pairs = l->metric->today ? pairs : 0,
                               .directions = 1 + l->kept,
                               .direction = l->direction,
                               .estimate = judged_whole(l) ? &l->c : NULL};
    uns_noise_config after = {.size = sizeof after,
                              .dimension = scene->d,
                              .pairs = pairs,
                              .directions = 1,
                              .direction = l->direction,
                              .metric = &l->a};
    uns_noise_config half = {.size = sizeof half, .dimension = scene->d, .metric = &l->root};
    UNS_TRY(uns_noise_create(scene->context, &before, &l->before));
    UNS_TRY(uns_noise_create(scene->context, &after, &l->after));
    UNS_TRY(uns_noise_create(scene->context, &half, &l->half));
    uns_noise *all[3] = {l->before, l->after, l->half};
    return uns_noise_measure(scene->context, &scene->sampler, scene->x, draws + 1, draws, 3,
                             all);
}

/* diag Ĝ; of a centred one ∇f∇fᵀ is put back. */
static uns_status judge_diagonal(look *l) {
    double *c = l->scene->spare[1];
    UNS_TRY(uns_settled_diagonal(&l->settled, UNS_PRODUCT_C, l->scene->spare[0], c));
    for (size_t i = 0; l->metric->spec.centred && i < l->scene->d; i++)
        c[i] += l->scene->gradient[i] * l->scene->gradient[i];
    l->metric->estimate_error = uns_noise_diagonal_error(l->before, c);
    return UNS_OK;
}

static uns_status read_noise(look *l) {
    uns_measured_metric *m = l->metric;
    uns_noise_report before, half;
    UNS_TRY(uns_noise_read(l->before, &before));
    UNS_TRY(uns_noise_read(l->after, &m->step));
    UNS_TRY(uns_noise_read(l->half, &half));
    m->trace = half.trace;
    m->way = uns_noise_direction(l->after, 0);
    m->estimate_error = judged_whole(l) ? before.estimate_error : nothing();
    if (uns_spec_estimates(&m->spec) && uns_spec_elementwise(l->scene->context, &m->spec))
        UNS_TRY(judge_diagonal(l));
    if (!m->today)
        return UNS_OK;
    uns_measurement *all = l->measurement;
    all->noise = before;
    all->way = uns_noise_direction(l->before, 0);
    all->pairs = (size_t)l->scene->config->pairs;
    for (size_t i = 0; i < all->pairs; i++)
        all->variance[i] = uns_noise_value(l->before, i);
    return UNS_OK;
}

static uns_status foresee(look *l) {
    uns_scene *scene = l->scene;
    double *noise = uns_allocate(scene->context, (l->kept + 1) * sizeof *noise);
    if (!noise)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < l->kept; i++) {
        uns_measured variance = uns_noise_direction(l->before, 1 + i).variance;
        noise[i] = fmax(variance.value, 0.0);
        if (i == 0)
            l->metric->way_noise = variance;
    }
    uns_outlook_ground ground = {
        &l->root, l->kept, l->values, l->direction + scene->d, noise, l->kept == scene->d};
    uns_status status = uns_metric_forecast(scene, l->measurement, &ground, l->metric);
    uns_release(scene->context, noise);
    return status;
}

static uns_status look_at(look *l) {
    make_operators(l);
    UNS_TRY(find_range(l));
    UNS_TRY(take_room(l));
    UNS_TRY(find_modes(l));
    UNS_TRY(measure_noise(l));
    UNS_TRY(read_noise(l));
    return foresee(l);
}

static void close_look(look *l) {
    uns_context *context = l->scene->context;
    uns_noise_destroy(l->before);
    uns_noise_destroy(l->after);
    uns_noise_destroy(l->half);
    uns_release(context, l->values);
    uns_release(context, l->direction);
    uns_settled_close(&l->settled);
}

static void blank(uns_measured_metric *m) {
    m->least = m->norm = m->gamma = m->distance = m->drop = m->merit = m->equal_eta =
        m->growth = NAN;
    m->trace = m->estimate_error = m->way_noise = nothing();
    m->way = (uns_noise_along){nothing(), nothing(), nothing()};
    m->now.floor = m->equal.floor = NAN;
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++)
        m->now.escape[i] = m->equal.escape[i] = NAN;
}

/* The plain noise alone, where the optimizer in use has no metric. */
static uns_status look_without(look *l) {
    uns_scene *scene = l->scene;
    uns_measurement *all = l->measurement;
    uns_noise_config config = {.size = sizeof config,
                               .dimension = scene->d,
                               .pairs = (size_t)scene->config->pairs,
                               .directions = 1,
                               .direction = scene->way};
    size_t draws = (size_t)scene->config->draws;
    UNS_TRY(uns_noise_create(scene->context, &config, &l->before));
    UNS_TRY(uns_noise_measure(scene->context, &scene->sampler, scene->x, draws + 1, draws, 1,
                              &l->before));
    UNS_TRY(uns_noise_read(l->before, &all->noise));
    all->way = uns_noise_direction(l->before, 0);
    all->pairs = config.pairs;
    for (size_t i = 0; i < all->pairs; i++)
        all->variance[i] = uns_noise_value(l->before, i);
    return uns_metric_model(scene, all, l->metric);
}

uns_status uns_metric_look(uns_scene *scene, uns_measurement *measurement,
                           uns_measured_metric *metric) {
    look l = {.scene = scene, .measurement = measurement, .metric = metric};
    l.settled.context = scene->context;
    blank(metric);
    if (metric->reason[0] && !metric->today)
        return UNS_OK;
    uns_status status = settle(&l);
    if (status == UNS_OK) {
        metric->known = true;
        status = look_at(&l);
    } else if (status == UNS_ERROR_UNAVAILABLE || status == UNS_ERROR_RANGE) {
        snprintf(metric->reason, sizeof metric->reason, "%s",
                 uns_context_message(scene->context));
        status = metric->today ? look_without(&l) : UNS_OK;
    }
    close_look(&l);
    return status;
}
