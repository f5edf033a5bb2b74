/* SPDX-License-Identifier: MIT
 * A forecast by the local model, in two passes. A few replicas find out how far and how long
 * the way is, with a third of the gradients at evenly growing distances; then all of them walk,
 * with the rest of the gradients at even times: that is where the steps are spent.
 */
#include "inst/model.h"

#include "base/base.h"
#include "inst/recursion.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

enum {
    REPLICAS = 128,
    REPLICAS_WHOLE = 64, /* of a whole structure, whose steps are dear */
    SCOUTS_SHARE = 4,    /* of them in the first pass */
    GRADIENTS_LEAST = 32,
    SCOUT_STAGES = 4,
    STAGES = 8,
    EXITS =
        4, /* replicas whose fall is measured where they leave, by so many whole gradients */
    NODES = 2
};

/* f may be off by this part of Δ where the model leaves, and the model's own drop may have been
 * stretched by that part, before the way is called beyond the quadratic region. */
static const double most_off = 0.1, most_stretch = 0.15;

/* Relative standard error of a median of the model, somewhat above what was counted over the
 * settings of tests/long/model.c: replicas of one model do not see it. */
static const double own_error = 0.06;

typedef struct survey {
    uns_model *model;
    const uns_model_run *run;
    size_t gradients, drawn, wholes, allowed;
    double *memory, *at, *truth;
    double least;
    double stretch; /* what the model must fall for f to fall by Δ, over Δ */
    size_t exits;   /* measured in the second pass */
    double off;     /* how far f's fall is from Δ where the model has fallen so, over Δ */
    bool whole_structure;
    uns_pool pool;
    uns_profile profile;
} survey;

static uns_status open_survey(survey *s) {
    size_t d = s->model->d, rows = UNS_MODEL_GRADIENTS + UNS_MODEL_POOL + 3;
    s->memory = uns_allocate(s->model->context, uns_size_product(rows, d * sizeof(double)));
    if (!s->memory)
        return UNS_ERROR_MEMORY;
    s->pool.d = d;
    s->pool.rows = s->memory;
    s->pool.ready = s->pool.rows + UNS_MODEL_GRADIENTS * d;
    s->pool.spread = s->pool.ready + UNS_MODEL_POOL * d;
    s->at = s->pool.spread + d;
    s->truth = s->at + d;
    return UNS_OK;
}

/* Replicas still on their way, evenly over their numbers. */
static size_t choose(const uns_walkers *w, size_t wanted, size_t *chosen) {
    size_t alive = w->replicas - w->escaped, count = 0, seen = 0;
    for (size_t r = 0; r < w->replicas && count < wanted; r++) {
        if (w->gone[r])
            continue;
        if (alive <= wanted || seen * wanted >= count * alive)
            chosen[count++] = r;
        seen++;
    }
    return count;
}

static void go_to(const survey *s, const uns_walkers *w, size_t r) {
    for (size_t i = 0; i < w->d; i++)
        s->at[i] = w->x[i * w->replicas + r];
}

/* The whole gradient on the straight line from x₀ to replica r, `part` of the way along: how
 * much of the quadratic mean is left there. *fall: the slope down along the line. */
static uns_status look_along(survey *s, const uns_walkers *w, size_t r, double part,
                             double *fall) {
    const uns_model *m = s->model;
    double with = 0.0, own = 0.0, square = 0.0;
    *fall = 0.0;
    for (size_t i = 0; i < w->d; i++)
        s->at[i] = m->x[i] + part * (w->x[i * w->replicas + r] - m->x[i]);
    UNS_TRY(m->sampler.whole(m->sampler.self, s->at, s->truth));
    s->wholes++;
    for (size_t i = 0; i < w->d; i++) {
        double quadratic = m->mean[i] + part * (w->mean[i * w->replicas + r] - m->mean[i]);
        double away = s->at[i] - m->saddle[i];
        with += quadratic * s->truth[i];
        own += quadratic * quadratic;
        square += away * away;
        *fall -= s->truth[i] * (w->x[i * w->replicas + r] - m->x[i]);
    }
    if (own > 0.0)
        uns_profile_add(&s->profile, fmax(sqrt(square), w->least), with / own);
    return UNS_OK;
}

static uns_status measure_mean(survey *s, const uns_walkers *w, size_t r) {
    double fall;
    if (!s->model->sampler.whole || s->wholes + EXITS * NODES > s->allowed)
        return UNS_OK;
    return look_along(s, w, r, 1.0, &fall);
}

/* How far f itself has fallen where the latest replica left, over how far the model has; 1 if
 * that is not known. Two nodes of Gauss and Legendre are exact where f is quartic on the line.
 */
static uns_status measure_exit(survey *s, const uns_walkers *w, double *fell) {
    static const double node[NODES] = {0.21132486540518712, 0.78867513459481288};
    double sum = 0.0, fall;
    *fell = 1.0;
    if (!s->model->sampler.whole || s->wholes + NODES > s->allowed)
        return UNS_OK;
    for (int k = 0; k < NODES; k++) {
        UNS_TRY(look_along(s, w, w->latest, node[k], &fall));
        sum += fall / NODES;
    }
    s->exits++;
    *fell = sum / w->fallen;
    return UNS_OK;
}

static uns_status draw_at(survey *s, const uns_walkers *w, size_t r) {
    const uns_sampler *sampler = &s->model->sampler;
    double *row = s->pool.rows + s->pool.count * w->d;
    double a = uns_profile_slope(&s->profile, w->rho[r]);
    go_to(s, w, r);
    UNS_TRY(sampler->gradient(sampler->self, s->at, s->run->first + s->drawn++, row));
    for (size_t i = 0; i < w->d; i++) {
        row[i] -= a * w->mean[i * w->replicas + r];
        if (!isfinite(row[i]))
            return uns_fail(s->model->context, UNS_ERROR_CALLBACK,
                            "local model: a gradient is not finite");
    }
    s->pool.rho[s->pool.count++] = w->rho[r];
    return UNS_OK;
}

/* True gradients where the replicas are now: `draws` of them, and two whole ones. */
static uns_status refresh(survey *s, const uns_walkers *w, size_t draws) {
    size_t chosen[UNS_MODEL_GRADIENTS], left = s->gradients - s->drawn;
    draws = draws < left ? draws : left;
    size_t count = choose(w, draws, chosen);
    if (count == 0)
        return UNS_OK;
    UNS_TRY(measure_mean(s, w, chosen[0]));
    if (count > 1)
        UNS_TRY(measure_mean(s, w, chosen[count / 2]));
    for (size_t k = 0; k < draws; k++) /* of few replicas, several each */
        UNS_TRY(draw_at(s, w, chosen[k % count]));
    uns_pool_fit(&s->pool);
    s->pool.at = 0.0; /* to be prepared anew */
    return UNS_OK;
}

/* Once the replicas are a tenth farther on, other rows are the nearest. */
static void keep_ready(survey *s, const uns_walkers *w) {
    double rho = uns_walkers_rho(w);
    if (rho > 0.0 && !(s->pool.at > 0.0 && rho < 1.1 * s->pool.at && rho > s->pool.at / 1.1)) {
        uns_pool_prepare(&s->pool, rho, w->whole_structure);
        uns_pool_look(&s->pool, s->model);
    }
}

static uns_walkers walkers_of(survey *s, size_t replicas, uint32_t number) {
    uns_walkers w = {.model = s->model,
                     .spec = &s->run->spec,
                     .pool = &s->pool,
                     .profile = &s->profile,
                     .replicas = replicas,
                     .number = number,
                     .drop = s->run->drop * s->stretch,
                     .least = s->least,
                     .whole_structure = s->whole_structure};
    return w;
}

/* Where the replicas will be when they are out, for spacing the first draws: along the way of
 * least curvature, or by the gradient alone. */
static double way_out(const survey *s) {
    const uns_model *m = s->model;
    double slope = 0.0;
    for (size_t i = 0; i < m->d; i++)
        slope += m->mean[i] * m->mean[i];
    if (m->modes && m->curvature[0] < 0.0)
        return sqrt(2.0 * s->run->drop / -m->curvature[0]);
    return slope > 0.0 ? s->run->drop / sqrt(slope) : 1.0;
}

/* The first pass: draws at x₀ and at SCOUT_STAGES distances; *steps: until half are out. */
static uns_status scout(survey *s, uns_walkers *w, int64_t *steps) {
    size_t budget = s->gradients / 3, first = budget / 2;
    double here = w->rho[0], far = fmax(way_out(s), 2.0 * here);
    double factor = uns_pow(far / here, 1.0 / (SCOUT_STAGES + 0.5)), next = here * factor;
    UNS_TRY(refresh(s, w, first));
    keep_ready(s, w);
    UNS_TRY(uns_walkers_observe(w));
    int64_t t = 0;
    while (t < s->run->limit && 2 * w->escaped < w->replicas) {
        UNS_TRY(uns_walkers_step(w, (uint64_t)++t));
        double rho = uns_walkers_rho(w);
        if (rho >= next && s->drawn < budget) {
            UNS_TRY(refresh(s, w, (budget - first) / SCOUT_STAGES));
            next = fmax(next, rho) * factor;
        }
        keep_ready(s, w);
    }
    *steps = t;
    if (w->escaped) {
        double fell;
        UNS_TRY(measure_exit(s, w, &fell));
        s->exits = 0;
        s->stretch = 1.0 / fmin(fmax(fell, 0.8), 1.25);
    }
    return UNS_OK;
}

/* At every other quantile. */
static uns_status check_exit(survey *s, const uns_walkers *w, size_t quantile) {
    double fell;
    if (quantile % 2)
        return UNS_OK;
    UNS_TRY(measure_exit(s, w, &fell));
    s->off = fmax(s->off, fabs(fell * s->stretch - 1.0));
    return UNS_OK;
}

/* The second pass: all replicas, draws at STAGES times that the first one foresaw. */
static uns_status walk(survey *s, uns_walkers *w, int64_t foreseen, uns_forecast *out,
                       int64_t *steps) {
    const double *q = uns_forecast_quantiles();
    size_t next = 0, each = (s->gradients - s->drawn + STAGES - 1) / STAGES;
    int64_t stage = 0;
    keep_ready(s, w);
    UNS_TRY(uns_walkers_observe(w));
    for (int64_t t = 1; t <= s->run->limit && next < UNS_FORECAST_QUANTILES; t++) {
        UNS_TRY(uns_walkers_step(w, (uint64_t)t));
        double share = (double)w->escaped / (double)w->replicas;
        for (; next < UNS_FORECAST_QUANTILES && share >= q[next]; next++) {
            out->escape[next] = (double)t;
            UNS_TRY(check_exit(s, w, next));
        }
        if ((double)t * STAGES >= ((double)stage + 0.5) * (double)foreseen && stage < STAGES) {
            UNS_TRY(refresh(s, w, each));
            stage++;
        }
        keep_ready(s, w);
        *steps += 1;
    }
    return UNS_OK;
}

/* Whether f falls otherwise than the model, or nobody has looked. */
static bool leaves_quadratic(const survey *s, double last, const uns_forecast *out) {
    bool unseen = s->exits == 0 && s->model->sampler.whole && !isnan(out->escape[0]);
    return unseen || s->off > most_off || fabs(s->stretch - 1.0) > most_stretch ||
           uns_profile_slope(&s->profile, last) < 0.5;
}

/* With a sum steps shrink as 1/√t and the way out takes t ~ |A|⁻²: errors of A count twice. */
static bool estimated(const uns_spec *spec) {
    return strcmp(spec->structure, "identity") != 0;
}

static void conclude(const survey *s, double last, uns_forecast *out) {
    const uns_model *m = s->model;
    double farthest = 0.0;
    for (size_t k = 0; k < s->pool.count; k++)
        farthest = fmax(farthest, s->pool.rho[k]);
    if (!(m->modes && m->curvature[0] < 0.0))
        out->open |= UNS_DOUBT_NO_SADDLE;
    if (!m->sampler.whole)
        out->open |= UNS_DOUBT_MEAN_GRADIENT;
    if (last > 2.0 * farthest)
        out->open |= UNS_DOUBT_FAR_NOISE;
    if (estimated(&s->run->spec) &&
        (s->pool.scatter > 0.2 || strcmp(s->run->spec.moment, "sum") == 0))
        out->open |= UNS_DOUBT_ONLINE;
    if (leaves_quadratic(s, last, out))
        out->open |= UNS_DOUBT_CURVED;
    if (isnan(out->escape[UNS_FORECAST_QUANTILES - 1]))
        out->open |= UNS_DOUBT_NOT_REACHED;
    out->doubts = out->open;
}

/* The quantiles of the replicas, wider in quadrature by the model's own error and by that of
 * their median, 1.25σ/√R, σ by the quartiles. */
static void widen(size_t replicas, uns_forecast *out) {
    static const double normal[UNS_FORECAST_QUANTILES] = {-1.6449, -0.6745, 0.0, 0.6745,
                                                          1.6449};
    double median = out->escape[UNS_FORECAST_QUANTILES / 2], own = own_error * median;
    double quartiles = out->escape[3] - out->escape[1];
    if (!isnan(quartiles))
        own = hypot(own, 1.2533 / 1.349 * quartiles / sqrt((double)replicas));
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES && !isnan(median); i++) {
        if (isnan(out->escape[i]))
            continue;
        double way = hypot(out->escape[i] - median, normal[i] * own);
        out->escape[i] = fmax(round(median + copysign(way, normal[i])), 1.0);
    }
    out->escape[UNS_FORECAST_QUANTILES / 2] = median;
}

static uns_status pass(survey *s, size_t replicas, uint32_t number, int64_t *foreseen,
                       uns_forecast *out, int64_t *steps, double *last) {
    uns_walkers w = walkers_of(s, replicas, number);
    uns_status status = uns_walkers_open(&w);
    if (status == UNS_OK)
        status = out ? walk(s, &w, *foreseen, out, steps) : scout(s, &w, foreseen);
    if (status == UNS_OK)
        *last = uns_walkers_rho(&w);
    uns_walkers_close(&w);
    return status;
}

static uns_status check(uns_model *m, const uns_model_run *run) {
    if (!(run->drop > 0.0) || run->limit < 1)
        return uns_fail(m->context, UNS_ERROR_ARGUMENT,
                        "local model: the drop and the limit of steps must be above 0");
    if (run->gradients &&
        (run->gradients < GRADIENTS_LEAST || run->gradients > UNS_MODEL_GRADIENTS))
        return uns_fail(m->context, UNS_ERROR_ARGUMENT,
                        "local model: %d to %d gradients, not %zu", GRADIENTS_LEAST,
                        UNS_MODEL_GRADIENTS, run->gradients);
    if (run->replicas > 10000)
        return uns_fail(m->context, UNS_ERROR_ARGUMENT,
                        "local model: at most 10000 replicas, not %zu", run->replicas);
    return UNS_OK;
}

static uns_forecast empty_forecast(const uns_model *model, const uns_model_run *run) {
    uns_forecast forecast = {.method = UNS_METHOD_MODEL,
                             .floor = NAN,
                             .gamma = model->modes ? -model->curvature[0] : NAN,
                             .eta = uns_steps_of(&run->spec, 0).growth,
                             .K = NAN,
                             .other = NAN};
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++)
        forecast.escape[i] = NAN;
    return forecast;
}

static uns_status both_passes(survey *s, uns_forecast *out, uns_model_cost *cost) {
    int64_t foreseen = 0, steps = 0;
    double last = 0.0;
    UNS_TRY(
        uns_structure_is_whole(s->model->context, s->run->spec.structure, &s->whole_structure));
    UNS_TRY(open_survey(s));
    s->least = 1e-3 * way_out(s);
    size_t replicas = s->run->replicas;
    if (replicas == 0)
        replicas = s->whole_structure ? REPLICAS_WHOLE : REPLICAS;
    size_t scouts = (replicas + SCOUTS_SHARE - 1) / SCOUTS_SHARE;
    UNS_TRY(pass(s, scouts, 0, &foreseen, NULL, NULL, &last));
    UNS_TRY(pass(s, replicas, 1, &foreseen, out, &steps, &last));
    widen(replicas, out);
    conclude(s, last > 0.0 ? last : s->pool.at, out);
    last = last > 0.0 ? last : s->pool.at;
    *cost = (uns_model_cost){s->drawn + s->model->drawn,
                             s->wholes + s->model->wholes,
                             s->model->products,
                             steps,
                             s->pool.growth * last * last / uns_pool_variance(&s->pool, last),
                             uns_profile_slope(&s->profile, last)};
    return UNS_OK;
}

uns_status uns_model_forecast(uns_model *model, const uns_model_run *run, uns_forecast *out,
                              uns_model_cost *cost) {
    UNS_TRY(check(model, run));
    survey s = {.model = model,
                .run = run,
                .stretch = 1.0,
                .gradients = run->gradients ? run->gradients : UNS_MODEL_GRADIENTS,
                .allowed = model->allowed - model->products - model->wholes};
    s.gradients -= s.gradients > 2 * model->drawn ? model->drawn : s.gradients / 2;
    uns_forecast forecast = empty_forecast(model, run);
    uns_model_cost spent;
    uns_status status = both_passes(&s, &forecast, &spent);
    uns_release(model->context, s.memory);
    if (status != UNS_OK)
        return status;
    *out = forecast;
    if (cost)
        *cost = spent;
    return UNS_OK;
}
