/* SPDX-License-Identifier: MIT
 * What a preconditioner means for leaving and for staying: from the modes of A^{1/2}HA^{1/2}
 * and the noise along them by the formulas, from the local model where these do not hold.
 */
#include "inst/measure.h"

#include "base/base.h"
#include "inst/metric.h"

#include <math.h>
#include <string.h>

enum {
    REPLICAS = 32,   /* of the local model: quantiles to about a sixth of the spread */
    MODEL_MODES = 4, /* an element of the model costs as much as so many elements */
    ENSEMBLE = 1000, /* replicas of the recursion, where it comes to that */
    LIMIT_LEAST = 10000
};

static double dot(size_t d, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += x[i] * y[i];
    return sum;
}

static int64_t limit_of(const uns_scene *scene, double a_step) {
    int64_t limit = scene->config->limit;
    double most = scene->config->work / fmax(a_step, 1.0);
    if (limit == 0)
        limit = scene->site->steps > LIMIT_LEAST / 10 ? 10 * scene->site->steps : LIMIT_LEAST;
    return (double)limit < most ? limit : (int64_t)fmax(most, 1.0);
}

/* x less its way along the modes that lead down, into spare[0]; their length. */
static double find_saddle(uns_scene *scene, const uns_outlook_ground *ground) {
    double *at = scene->spare[0], square = 0.0;
    size_t d = scene->d;
    memcpy(at, scene->x, d * sizeof *at);
    for (size_t i = 0; i < ground->modes && ground->curvature[i] < 0.0; i++) {
        const double *w = ground->direction + i * d;
        double way = dot(d, w, scene->gradient) / ground->curvature[i];
        for (size_t k = 0; k < d; k++)
            at[k] -= way * w[k];
    }
    for (size_t k = 0; k < d; k++)
        square += (at[k] - scene->x[k]) * (at[k] - scene->x[k]);
    return sqrt(square);
}

/* |f(saddle ± R·A^{1/2}w) − (f(saddle) − Δ)|/Δ, the larger of both sides. */
static uns_status find_bend(uns_scene *scene, const uns_outlook_ground *ground, double top,
                            double drop, double *bend) {
    double reach = sqrt(2.0 * drop / -ground->curvature[0]);
    const double *w = ground->direction;
    *bend = 0.0;
    for (int side = -1; side <= 1; side += 2) {
        double value;
        for (size_t k = 0; k < scene->d; k++)
            scene->spare[1][k] = scene->spare[0][k] + side * reach * w[k];
        UNS_TRY(uns_scene_value(scene, scene->spare[1], &value));
        double off = fabs(value - (top - drop)) / drop;
        *bend = isfinite(off) ? fmax(*bend, off) : 1e300;
    }
    return UNS_OK;
}

static bool axis_alone(size_t d, const double *w) {
    double most = 0.0;
    for (size_t k = 0; k < d; k++)
        most = fmax(most, w[k] * w[k]);
    return most >= 0.999 * dot(d, w, w);
}

/* q = √(mᵀC⁻¹m), m = ∇f at the threshold: C^{-1/2} = A^{1/(2p)}, by products with A^{1/2}. A
 * p whose inverse is not whole has no such product: doubted. */
static uns_status find_pull(uns_scene *scene, const uns_outlook_ground *ground,
                            const uns_spec *spec, double drop, double *pull) {
    double *m = scene->spare[2], *other = scene->spare[3], reach;
    int times = uns_forecast_spec_roots(spec);
    *pull = times < 0 ? 1e300 : 0.0;
    if (times <= 0)
        return UNS_OK;
    reach = sqrt(2.0 * drop / -ground->curvature[0]);
    for (size_t k = 0; k < scene->d; k++)
        other[k] = reach * ground->direction[k];
    UNS_TRY(scene->hessian.op.product(scene->hessian.op.self, other, m));
    for (int i = 0; i < times; i++) {
        UNS_TRY(ground->root->product(ground->root->self, m, other));
        memcpy(m, other, scene->d * sizeof *m);
    }
    *pull = sqrt(dot(scene->d, m, m));
    return UNS_OK;
}

/* The local model's quantiles in place of the formulas', from the present point. */
static uns_status ask_model(uns_scene *scene, const uns_measurement *measurement,
                            const uns_spec *spec, uns_forecast *forecast, int64_t *limit,
                            double *growth) {
    bool elementwise = uns_spec_elementwise(scene->context, spec);
    double cost =
        REPLICAS * MODEL_MODES * (double)scene->d * (elementwise ? 1.0 : (double)scene->d);
    uns_forecast own;
    uns_model_cost spent;
    uns_model_run run = {.size = sizeof run,
                         .spec = *spec,
                         .drop = measurement->value - measurement->target,
                         .limit = limit_of(scene, cost),
                         .replicas = REPLICAS,
                         .first = UINT64_C(1) << 42};
    if (!scene->model || !(run.drop > 0.0) || strcmp(spec->moment, "exact") == 0)
        return UNS_OK;
    uns_status status = uns_model_forecast(scene->model, &run, &own, &spent);
    if (status == UNS_ERROR_UNAVAILABLE || status == UNS_ERROR_RANGE ||
        status == UNS_ERROR_PAIR || status == UNS_ERROR_CALLBACK)
        return UNS_OK; /* the formulas' answer stands, with its doubts; the last: the replicas
                          went where gradients are not finite */
    UNS_TRY(status);
    memcpy(forecast->escape, own.escape, sizeof own.escape);
    forecast->doubts |= own.open;
    forecast->open = own.open;
    forecast->method = UNS_METHOD_MODEL;
    forecast->delay = 0.0;
    *growth = spent.growth;
    *limit = run.limit;
    return UNS_OK;
}

/* The model costs seconds. Unasked it is for the optimizer in use, and at equal floor for
 * elementwise candidates; replicas of a whole structure each take roots of their own. */
static bool wants_model(const uns_scene *scene, const uns_measured_metric *m, bool equal,
                        const uns_forecast *forecast) {
    if (forecast->method == UNS_METHOD_NONE || scene->config->model == UNS_MODEL_NEVER)
        return false;
    return scene->config->model == UNS_MODEL_ALWAYS ||
           ((forecast->open & ~(unsigned)UNS_DOUBT_NOT_REACHED) != 0 &&
            (m->today || (equal && uns_spec_elementwise(scene->context, &m->spec))));
}

/* The forecast of metric m with the step sizes of `spec`. How far one looks ahead depends on
 * what a step costs. */
static uns_status forecast_at(uns_scene *scene, const uns_measurement *measurement,
                              const uns_forecast_site *site, const uns_spec *spec,
                              uns_measured_metric *m, bool equal) {
    uns_forecast *out = equal ? &m->equal : &m->now;
    int64_t *limit = equal ? &m->equal_limit : &m->now_limit;
    uns_forecast_site at = *site;
    at.limit = 1; /* which method it will be, at no cost */
    UNS_TRY(uns_forecast_make(scene->context, spec, &at, out));
    bool replicas = out->method == UNS_METHOD_ENSEMBLE;
    at.limit = *limit = limit_of(scene, replicas ? ENSEMBLE * (double)site->count : 1.0);
    UNS_TRY(uns_forecast_make(scene->context, spec, &at, out));
    if (wants_model(scene, m, equal, out))
        return ask_model(scene, measurement, spec, out, limit, &m->growth);
    return UNS_OK;
}

/* The floor is linear in η to first order, so one division makes it equal. */
static uns_status forecast_equal(uns_scene *scene, const uns_measurement *measurement,
                                 const uns_forecast_site *site, uns_measured_metric *m) {
    uns_spec spec = m->spec;
    double factor = scene->today_floor / m->now.floor;
    if (!(factor > 0.0) || !isfinite(factor))
        return UNS_OK;
    spec.eta *= factor;
    spec.larger_step *= factor;
    if (uns_spec_check(scene->context, &spec) != UNS_OK)
        return UNS_OK;
    m->equal_eta = spec.eta;
    if (m->today) {
        m->equal = m->now;
        m->equal_limit = m->now_limit;
        return UNS_OK;
    }
    return forecast_at(scene, measurement, site, &spec, m, true);
}

static void note_today(uns_scene *scene, const uns_measured_metric *m) {
    if (!m->today)
        return;
    scene->today_trace = m->trace.value;
    scene->today_gamma = m->gamma;
    scene->today_floor = m->now.floor;
}

/* Where the way down begins and how far it goes. */
static uns_status survey_way(uns_scene *scene, const uns_measurement *measurement,
                             const uns_outlook_ground *ground, uns_measured_metric *m,
                             uns_forecast_site *site) {
    double top;
    m->distance = find_saddle(scene, ground);
    UNS_TRY(uns_scene_value(scene, scene->spare[0], &top));
    m->drop = top - measurement->target;
    if (!(m->drop > 0.0))
        m->drop = measurement->value - measurement->target;
    site->drop = m->drop;
    UNS_TRY(find_bend(scene, ground, top, m->drop, &site->bend));
    site->pull_alone =
        strcmp(m->spec.structure, "full") == 0 || axis_alone(scene->d, ground->direction);
    return find_pull(scene, ground, &m->spec, m->drop, &site->pull);
}

uns_status uns_metric_forecast(uns_scene *scene, const uns_measurement *measurement,
                               const uns_outlook_ground *ground, uns_measured_metric *m) {
    double listed = 0.0, slope[UNS_FORECAST_DIMENSION];
    for (size_t i = 0; i < ground->modes; i++) {
        listed += ground->noise[i];
        slope[i] = dot(scene->d, ground->direction + i * scene->d, scene->gradient);
    }
    uns_forecast_site site = {
        .size = sizeof site,
        .count = ground->modes,
        .curvature = ground->curvature,
        .noise = ground->noise,
        .slope = slope,
        .rest_noise = ground->whole ? 0.0 : fmax(m->trace.value - listed, 0.0),
        .drop = 1.0,
        .bend = NAN,
        .seed = (uint64_t)scene->config->seed,
        .together = uns_forecast_spec_together(&m->spec, scene->d, m->matrix)};
    m->gamma = -ground->curvature[0];
    if (scene->leads_down && m->gamma > 0.0)
        UNS_TRY(survey_way(scene, measurement, ground, m, &site));
    UNS_TRY(forecast_at(scene, measurement, &site, &m->spec, m, false));
    note_today(scene, m);
    m->merit = m->gamma / m->trace.value * scene->today_trace / scene->today_gamma;
    return forecast_equal(scene, measurement, &site, m);
}

uns_status uns_metric_model(uns_scene *scene, const uns_measurement *measurement,
                            uns_measured_metric *m) {
    m->now.open = m->now.doubts = UNS_DOUBT_NOT_LINEAR;
    if (!scene->leads_down || scene->config->model == UNS_MODEL_NEVER)
        return UNS_OK;
    return ask_model(scene, measurement, &m->spec, &m->now, &m->now_limit, &m->growth);
}
