/* SPDX-License-Identifier: MIT
 * The linear recursion of every listed mode, drawn and not averaged.
 */
#include "inst/ensemble.h"

#include "base/base.h"
#include "inst/recursion.h"

#include <math.h>
#include <unsaddle/random.h>

enum {
    REPLICAS = 1000,
    REPLICAS_LEAST = 200,
    BUDGET = 100000000 /* normal deviates, 10 ns each */
};

typedef struct ensemble {
    const uns_forecast_site *site;
    size_t replicas, escaped;
    double *x, *m, *draw; /* [modes][replicas] */
    double *f;            /* [replicas]; infinite once out */
    double rest;
} ensemble;

static void place(ensemble *e) {
    const uns_forecast_site *site = e->site;
    for (size_t i = 0; site->slope && i < site->count; i++)
        for (size_t r = 0; site->curvature[i] != 0.0 && r < e->replicas; r++)
            e->x[i * e->replicas + r] = site->slope[i] / site->curvature[i];
}

static void step_mode(ensemble *e, size_t i, const uns_walk *walk) {
    uns_linear step = uns_linear_of(e->site->curvature[i], walk->eta, walk->row);
    double deviation = sqrt(e->site->noise[i]), half = 0.5 * e->site->curvature[i];
    double *x = e->x + i * e->replicas, *m = e->m + i * e->replicas;
    const double *draw = e->draw + i * e->replicas;
    for (size_t r = 0; r < e->replicas; r++) {
        double noise = deviation * draw[r];
        double moved = step.m[0] * x[r] + step.m[1] * m[r] + step.v[0] * noise;
        m[r] = step.m[2] * x[r] + step.m[3] * m[r] + step.v[1] * noise;
        x[r] = moved;
        e->f[r] += half * moved * moved;
    }
}

/* Counts those that are out after this step. */
static void look(ensemble *e, unsigned char *out) {
    for (size_t r = 0; r < e->replicas; r++) {
        if (!out[r] && e->f[r] < -e->site->drop) {
            out[r] = 1;
            e->escaped++;
        }
        e->f[r] = e->rest;
    }
}

static void walk_on(ensemble *e, const uns_spec *spec, unsigned char *gone, size_t count,
                    const double *q, double *out) {
    const uns_forecast_site *site = e->site;
    uns_walk walk;
    size_t next = 0;
    uns_walk_begin(&walk, spec, site->moves);
    for (size_t r = 0; r < e->replicas; r++)
        e->f[r] = e->rest;
    for (int64_t t = 1; t <= site->limit && next < count; t++) {
        uns_key key = {site->seed, (uint64_t)t, 0, UNS_STREAM_FORECAST};
        uns_walk_next(&walk);
        uns_random_normal(key, 0, site->count * e->replicas, e->draw);
        for (size_t i = 0; i < site->count; i++)
            step_mode(e, i, &walk);
        look(e, gone);
        double reached = (double)e->escaped / (double)e->replicas;
        for (; next < count && reached >= q[next]; next++)
            out[next] = (double)t;
    }
}

/* As many as a second allows, by the recursion's idea of the 95 % quantile. */
static size_t affordable(const uns_spec *spec, const uns_forecast_site *site) {
    const double late = 0.95;
    double steps = NAN;
    uns_recursion_escape(spec, site, 1, &late, &steps);
    if (isnan(steps))
        steps = (double)site->limit;
    double replicas = BUDGET / (steps * (double)site->count);
    return replicas < REPLICAS_LEAST ? REPLICAS_LEAST
                                     : (size_t)fmin(replicas, (double)REPLICAS);
}

uns_status uns_ensemble_escape(uns_context *context, const uns_spec *spec,
                               const uns_forecast_site *site, size_t count, const double *q,
                               double *out) {
    ensemble e = {.site = site, .replicas = affordable(spec, site)};
    size_t flat = site->count * e.replicas;
    double *memory = uns_allocate(context, (3 * flat + e.replicas) * sizeof(double));
    unsigned char *gone = uns_allocate(context, e.replicas);
    for (size_t i = 0; i < count; i++)
        out[i] = NAN;
    if (memory && gone) {
        e.x = memory;
        e.m = e.x + flat;
        e.draw = e.m + flat;
        e.f = e.draw + flat;
        e.rest = uns_steps_of(spec, site->moves).noise * site->rest_noise / 4.0;
        place(&e);
        walk_on(&e, spec, gone, count, q, out);
    }
    bool whole = memory && gone;
    uns_release(context, gone);
    uns_release(context, memory);
    return whole ? UNS_OK : UNS_ERROR_MEMORY;
}
