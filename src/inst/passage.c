/* SPDX-License-Identifier: MIT
 * First passage along one direction: a Markov chain on a grid where a step is a visible part of
 * the way, else the Fokker–Planck equation
 *
 *     ∂p/∂τ = −∂(yp)/∂y + (1/K)·∂²p/∂y²,   τ = t·ln a,  K = (a² − 1)/σ²,   p(±B) = 0
 *
 * by finite volumes and Crank–Nicolson. K is that of forecast.h, F_other added to the drop.
 */
#include "inst/passage.h"

#include "base/base.h"
#include "la/jacobi.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unsaddle/elementary.h>

enum {
    CELLS_PER_SIGMA = 4,
    CELLS_MAX = 400, /* σ = 0.02 */
    CELLS_LEAST = 64,
    SIGMAS = 6,                     /* of a step that a cell's mass is spread over, each way */
    BAND_MAX = 2 * CELLS_LEAST + 1, /* reached at σ = 1/3 */
    DIFFUSION_CELLS = 800,
    STARTUP = 4 /* implicit half steps that damp what the narrow start excites */
};

static const double visible = 0.02, overshoot = 0.5825971579, tau_step = 2e-3;

/* Where the probability passes each q, between `last` at time t − step and `now` at time t. */
typedef struct ladder {
    size_t count, next;
    const double *q;
    double *out, last;
} ladder;

static void climb(ladder *l, double now, double t, double step) {
    for (; l->next < l->count && now >= l->q[l->next]; l->next++)
        l->out[l->next] = t - step * (now - l->q[l->next]) / (now - l->last);
    l->last = fmax(l->last, now);
}

/* The chain */

typedef struct chain {
    size_t cells;
    long half, band; /* band = 2·half + 1 cells, centre in the middle one */
    double width, a, sigma;
    double *kernel; /* [cells][band]: shares of cell j's mass, from first(j) on */
    double *mass, *next;
} chain;

static double cell_edge(const chain *c, long i) {
    return -1.0 + c->width * (double)i;
}

static long first_cell(const chain *c, double centre) {
    return (long)floor((centre + 1.0) / c->width) - c->half;
}

/* Shares of a point's mass at `centre` that the cells of its band get; the first of them. */
static long spread(const chain *c, double centre, double *share) {
    long first = first_cell(c, centre);
    double below = uns_normal_below((cell_edge(c, first) - centre) / c->sigma);
    for (long k = 0; k < c->band; k++) {
        double above = uns_normal_below((cell_edge(c, first + k + 1) - centre) / c->sigma);
        share[k] = above - below;
        below = above;
    }
    return first;
}

static void settle(const chain *c, double mass, long first, const double *share, double *into) {
    for (long k = 0; k < c->band; k++)
        if (first + k >= 0 && first + k < (long)c->cells)
            into[first + k] += mass * share[k];
}

static double middle(const chain *c, size_t j) {
    return cell_edge(c, (long)j) + 0.5 * c->width;
}

static double inside(size_t n, const double *mass, double width) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += mass[i];
    return sum * width;
}

static void run_chain(chain *c, const uns_passage *p, ladder *l) {
    double share[BAND_MAX];
    for (size_t j = 0; j < c->cells; j++)
        (void)spread(c, c->a * middle(c, j), c->kernel + j * (size_t)c->band);
    long first = spread(c, c->a * p->start, share);
    settle(c, 1.0, first, share, c->mass);
    for (int64_t t = 1; t <= p->limit && l->next < l->count; t++) {
        climb(l, 1.0 - inside(c->cells, c->mass, 1.0), (double)t, 1.0);
        memset(c->next, 0, c->cells * sizeof(double));
        for (size_t j = 0; j < c->cells; j++) {
            first = first_cell(c, c->a * middle(c, j));
            settle(c, c->mass[j], first, c->kernel + j * (size_t)c->band, c->next);
        }
        double *swap = c->mass;
        c->mass = c->next;
        c->next = swap;
    }
}

static uns_status by_chain(uns_context *context, const uns_passage *p, ladder *l) {
    double wanted = ceil(2.0 * CELLS_PER_SIGMA / p->sigma);
    chain c = {.cells = CELLS_LEAST, .a = p->a};
    if (wanted > CELLS_LEAST)
        c.cells = wanted < CELLS_MAX ? (size_t)wanted : CELLS_MAX;
    c.width = 2.0 / (double)c.cells;
    double reach = ceil(SIGMAS * p->sigma / c.width);
    c.half = reach < CELLS_LEAST ? (long)reach : CELLS_LEAST;
    c.band = 2 * c.half + 1;
    /* a cell's mass is moved as if it sat in the middle: that adds width²/12 a step */
    c.sigma = sqrt(p->sigma * p->sigma - c.width * c.width / 12.0);
    double *memory = uns_allocate(context, c.cells * ((size_t)c.band + 2) * sizeof(double));
    if (!memory)
        return UNS_ERROR_MEMORY;
    c.kernel = memory;
    c.mass = memory + c.cells * (size_t)c.band;
    c.next = c.mass + c.cells;
    run_chain(&c, p, l);
    uns_release(context, memory);
    return UNS_OK;
}

/* The diffusion */

typedef struct diffusion {
    size_t n;
    double width, barrier, K;
    double *lower, *diagonal, *upper; /* of the generator */
    double *p, *right, *work;
} diffusion;

static void build(diffusion *f) {
    double h = f->width, d = 1.0 / (f->K * h * h);
    for (size_t i = 0; i < f->n; i++) {
        double left = -f->barrier + h * (double)i, right = left + h;
        f->lower[i] = d + 0.5 * left / h;
        f->upper[i] = d - 0.5 * right / h;
        f->diagonal[i] = -2.0 * d - 0.5 * (right - left) / h;
        /* absorbing faces: p = 0 half a cell away */
        f->diagonal[i] -= i == 0 ? d - 0.5 * left / h : 0.0;
        f->diagonal[i] -= i + 1 == f->n ? d + 0.5 * right / h : 0.0;
    }
}

/* p ← (1 − θ·step·L)⁻¹(1 + (1 − θ)·step·L)p, by elimination. */
static void advance(diffusion *f, double step, double theta) {
    size_t n = f->n;
    double e = (1.0 - theta) * step, g = theta * step, pivot = 0.0;
    for (size_t i = 0; i < n; i++)
        f->right[i] =
            f->p[i] + e * (f->diagonal[i] * f->p[i] + (i ? f->lower[i] * f->p[i - 1] : 0.0) +
                           (i + 1 < n ? f->upper[i] * f->p[i + 1] : 0.0));
    for (size_t i = 0; i < n; i++) {
        double low = i ? -g * f->lower[i] : 0.0;
        pivot = 1.0 - g * f->diagonal[i] - (i ? low * f->work[i - 1] : 0.0);
        f->work[i] = -g * f->upper[i] / pivot;
        f->right[i] = (f->right[i] - (i ? low * f->right[i - 1] : 0.0)) / pivot;
    }
    f->p[n - 1] = f->right[n - 1];
    for (size_t i = n - 1; i-- > 0;)
        f->p[i] = f->right[i] - f->work[i] * f->p[i + 1];
}

/* The law after the short time tau, before anything can have got out. */
static void begin(diffusion *f, double start, double tau) {
    double growth = uns_exp(tau), deviation = sqrt((growth * growth - 1.0) / f->K);
    for (size_t i = 0; i < f->n; i++) {
        double left = -f->barrier + f->width * (double)i - growth * start;
        f->p[i] = (uns_normal_below((left + f->width) / deviation) -
                   uns_normal_below(left / deviation)) /
                  f->width;
    }
}

static void run_diffusion(diffusion *f, const uns_passage *p, ladder *l) {
    double rate = uns_log(p->a), end = (double)p->limit * rate, tau = tau_step;
    build(f);
    begin(f, p->start, tau);
    climb(l, 1.0 - inside(f->n, f->p, f->width), tau / rate, tau / rate);
    for (int k = 0; tau < end && l->next < l->count; k++) {
        bool damped = k < STARTUP;
        double step = damped ? 0.5 * tau_step : tau_step;
        advance(f, step, damped ? 1.0 : 0.5);
        tau += step;
        climb(l, 1.0 - inside(f->n, f->p, f->width), tau / rate, step / rate);
    }
}

static uns_status by_diffusion(uns_context *context, const uns_passage *p, ladder *l) {
    diffusion f = {.n = DIFFUSION_CELLS, .barrier = 1.0 + overshoot * p->sigma};
    f.width = 2.0 * f.barrier / (double)f.n;
    f.K = (p->a * p->a - 1.0) / (p->sigma * p->sigma);
    double *memory = uns_allocate(context, 6 * f.n * sizeof(double));
    if (!memory)
        return UNS_ERROR_MEMORY;
    double **parts[6] = {&f.lower, &f.diagonal, &f.upper, &f.p, &f.right, &f.work};
    for (size_t i = 0; i < 6; i++)
        *parts[i] = memory + i * f.n;
    run_diffusion(&f, p, l);
    uns_release(context, memory);
    return UNS_OK;
}

uns_status uns_passage_quantiles(uns_context *context, const uns_passage *passage, size_t count,
                                 const double *q, double *out) {
    ladder l = {.count = count, .q = q, .out = out};
    for (size_t i = 0; i < count; i++)
        out[i] = NAN;
    return passage->sigma >= visible ? by_chain(context, passage, &l)
                                     : by_diffusion(context, passage, &l);
}
