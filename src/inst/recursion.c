/* SPDX-License-Identifier: MIT
 * The linear recursion of one mode: exact propagation, stationary state,
 * quantiles of the escape time.
 */
#include "inst/recursion.h"

#include "la/jacobi.h"

#include <math.h>

void uns_walk_begin(uns_walk *walk, const uns_spec *spec, uint64_t moves) {
    *walk = (uns_walk){.spec = spec, .product = 1.0, .row = {0.0, 1.0, 0.0, 0.0}};
    bool nadam = spec->momentum == UNS_MOMENTUM_NADAM || spec->momentum == UNS_MOMENTUM_DOZAT;
    while (nadam && walk->t < moves)
        uns_walk_next(walk); /* Π μ_i has no closed form */
    walk->t = moves;
}

void uns_walk_next(uns_walk *walk) {
    walk->t++;
    walk->eta = uns_spec_eta(walk->spec, walk->t);
    if (walk->spec->momentum != UNS_MOMENTUM_NONE)
        uns_spec_momentum_row(walk->spec, walk->t, &walk->product, walk->row);
}

uns_linear uns_linear_of(double b, double eta, const double row[4]) {
    uns_linear step = {{1.0 - eta * row[1] * b, -eta * row[0], row[3] * b, row[2]},
                       {-eta * row[1], row[3]}};
    return step;
}

void uns_gauss_step(uns_gauss *p, const uns_linear *step, double noise) {
    const double *m = step->m, *v = step->v;
    uns_gauss next = {m[0] * p->x + m[1] * p->m, m[2] * p->x + m[3] * p->m,
                      m[0] * m[0] * p->xx + 2.0 * m[0] * m[1] * p->xm + m[1] * m[1] * p->mm +
                          noise * v[0] * v[0],
                      m[0] * m[2] * p->xx + (m[0] * m[3] + m[1] * m[2]) * p->xm +
                          m[1] * m[3] * p->mm + noise * v[0] * v[1],
                      m[2] * m[2] * p->xx + 2.0 * m[2] * m[3] * p->xm + m[3] * m[3] * p->mm +
                          noise * v[1] * v[1]};
    *p = next;
}

bool uns_spec_steady(const uns_spec *spec) {
    return spec->schedule == UNS_SCHEDULE_CONSTANT;
}

bool uns_spec_uniform(const uns_spec *spec) {
    return uns_spec_steady(spec) && spec->larger_step_every == 0 && spec->warmup == 0 &&
           spec->momentum == UNS_MOMENTUM_NONE;
}

/* Both eigenvalues of M inside the unit circle (Jury). */
static bool stable(const double m[4]) {
    double trace = m[0] + m[3], det = m[0] * m[3] - m[1] * m[2];
    return fabs(trace) < 1.0 + det && det < 1.0;
}

static double determinant(const double a[9]) {
    return a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
           a[2] * (a[3] * a[7] - a[4] * a[6]);
}

/* P = MPMᵀ + Q by Cramer's rule on (xx, xm, mm); q the three elements of Q. */
static uns_gauss stationary(const double m[4], const double q[3]) {
    const double a[9] = {1.0 - m[0] * m[0],
                         -2.0 * m[0] * m[1],
                         -m[1] * m[1],
                         -m[0] * m[2],
                         1.0 - m[0] * m[3] - m[1] * m[2],
                         -m[1] * m[3],
                         -m[2] * m[2],
                         -2.0 * m[2] * m[3],
                         1.0 - m[3] * m[3]};
    double whole = determinant(a), solved[3];
    for (int k = 0; k < 3; k++) {
        double b[9];
        for (int i = 0; i < 9; i++)
            b[i] = i % 3 == k ? q[i / 3] : a[i];
        solved[k] = determinant(b) / whole;
    }
    uns_gauss p = {0.0, 0.0, solved[0], solved[1], solved[2]};
    return p;
}

static void multiply(const double a[4], const double b[4], double out[4]) {
    double c[4] = {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3],
                   a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]};
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

/* One period of the spec seen as one step: its M, and the covariance it makes from nothing. */
typedef struct period {
    uns_linear small, large;
    int64_t length; /* the last step of it is the large one */
    double m[4];
    uns_gauss made;
} period;

static period period_of(const uns_spec *spec, double b, double noise, uint64_t moves) {
    uns_walk walk;
    uns_walk_begin(&walk, spec, moves);
    uns_walk_next(&walk);
    period p = {.length = spec->larger_step_every > 0 ? spec->larger_step_every : 1,
                .m = {1.0, 0.0, 0.0, 1.0}};
    p.small = p.large = uns_linear_of(b, spec->eta, walk.row);
    if (spec->larger_step_every > 0)
        p.large = uns_linear_of(b, spec->larger_step, walk.row);
    for (int64_t i = 1; i <= p.length; i++) {
        const uns_linear *step = i == p.length ? &p.large : &p.small;
        uns_gauss_step(&p.made, step, noise);
        multiply(step->m, p.m, p.m);
    }
    return p;
}

double uns_stationary_energy(const uns_spec *spec, double b, double noise, uint64_t moves) {
    if (!uns_spec_steady(spec))
        return NAN;
    period p = period_of(spec, b, noise, moves);
    if (!stable(p.m))
        return NAN;
    const double q[3] = {p.made.xx, p.made.xm, p.made.mm};
    uns_gauss at = stationary(p.m, q);
    double sum = 0.0;
    for (int64_t i = 1; i <= p.length; i++) {
        uns_gauss_step(&at, i == p.length ? &p.large : &p.small, noise);
        sum += at.xx;
    }
    return 0.5 * b * sum / (double)p.length;
}

uns_steps uns_steps_of(const uns_spec *spec, uint64_t moves) {
    uns_walk walk;
    double memory = spec->momentum == UNS_MOMENTUM_NONE ? 0.0 : ceil(20.0 / (1.0 - spec->mu));
    /* the row in force once a bias correction has run out */
    uns_walk_begin(&walk, spec, moves + (uint64_t)fmin(memory, 1e5));
    uns_walk_next(&walk);
    double gain = walk.row[1] + walk.row[0] * walk.row[3] / (1.0 - walk.row[2]);
    double every = (double)spec->larger_step_every;
    double share = every > 0.0 ? 1.0 / every : 0.0, eta = spec->eta, r = spec->larger_step;
    double mean = (1.0 - share) * eta + share * r;
    double square = (1.0 - share) * eta * eta + share * r * r;
    uns_steps steps = {gain * mean, gain * square / mean,
                       gain * (share > 0.0 ? fmax(eta, r) : eta)};
    return steps;
}

/* P(|N(mean, deviation²)| >= radius). */
static double outside(double mean, double deviation, double radius) {
    if (!(deviation > 0.0))
        return fabs(mean) >= radius ? 1.0 : 0.0;
    return uns_normal_below((mean - radius) / deviation) +
           uns_normal_below((-mean - radius) / deviation);
}

/* What the modes but the lowest hold, and the radius that makes of the lowest. */
static double radius_at(const uns_forecast_site *site, const uns_gauss *modes, double rest) {
    double other = rest;
    for (size_t i = 1; i < site->count; i++)
        if (site->curvature[i] > 0.0)
            other += 0.5 * site->curvature[i] * (modes[i].xx + modes[i].x * modes[i].x);
    return sqrt(2.0 * (site->drop + other) / -site->curvature[0]);
}

static void place(const uns_forecast_site *site, uns_gauss *modes) {
    for (size_t i = 0; site->slope && i < site->count; i++)
        if (site->curvature[i] != 0.0)
            modes[i].x = site->slope[i] / site->curvature[i];
}

/* Flat modes and further ways out do not count for F_other. */
static void propagate(const uns_forecast_site *site, const uns_walk *walk, uns_gauss *modes) {
    for (size_t i = 0; i < site->count; i++) {
        if (i > 0 && site->curvature[i] <= 0.0)
            continue;
        uns_linear step = uns_linear_of(site->curvature[i], walk->eta, walk->row);
        uns_gauss_step(&modes[i], &step, site->noise[i]);
    }
}

void uns_recursion_escape(const uns_spec *spec, const uns_forecast_site *site, size_t count,
                          const double *q, double *out) {
    uns_gauss modes[UNS_FORECAST_DIMENSION] = {{0}};
    uns_walk walk;
    uns_walk_begin(&walk, spec, site->moves);
    double rest = uns_steps_of(spec, site->moves).noise * site->rest_noise / 4.0, best = 0.0;
    size_t next = 0;
    for (size_t i = 0; i < count; i++)
        out[i] = NAN;
    place(site, modes);
    for (int64_t t = 1; t <= site->limit && next < count; t++) {
        uns_walk_next(&walk);
        propagate(site, &walk, modes);
        double radius = radius_at(site, modes, rest), deviation = sqrt(modes[0].xx);
        if (radius - fabs(modes[0].x) > 9.0 * deviation)
            continue;
        double reached = outside(modes[0].x, deviation, radius);
        for (; next < count && reached >= q[next]; next++)
            out[next] = (double)t - (reached - q[next]) / (reached - best);
        best = fmax(best, reached);
    }
}
