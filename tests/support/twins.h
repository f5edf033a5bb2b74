/* SPDX-License-Identifier: MIT
 * Two optimizers on one ill-conditioned problem, each fed with the gradient at its own x, and
 * how far their trajectories come apart.
 *
 *   g(x) = B(diag(h)Bᵀx + ξ_t),   B d × m with orthogonal columns in random directions, the
 * j-th of length 10^{−3j/(m−1)}
 *
 * so that the noise has rank m, condition 1e6 on its range, and no axis of the coordinates for
 * an eigenvector.
 */
#ifndef UNS_TEST_TWINS_H
#define UNS_TEST_TWINS_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/random.h>

typedef struct twins_problem {
    size_t d, m, split; /* parameters; rank; parameters in the first of two blocks */
    double *b;          /* [d][m] */
    double *inner;      /* [m] */
} twins_problem;

typedef struct twin {
    uns_layout *layout;
    uns_optimizer *optimizer;
    double *x, *g;
} twin;

static inline double twins_dot(const twins_problem *p, size_t j, size_t k) {
    double sum = 0.0;
    for (size_t i = 0; i < p->d; i++)
        sum += p->b[i * p->m + j] * p->b[i * p->m + k];
    return sum;
}

/* Column j ← column j + factor·column k. */
static inline void twins_add(twins_problem *p, size_t j, double factor, size_t k) {
    for (size_t i = 0; i < p->d; i++)
        p->b[i * p->m + j] += factor * p->b[i * p->m + k];
}

static inline void twins_open(twins_problem *p, size_t d, size_t m) {
    *p = (twins_problem){.d = d, .m = m, .split = d / 3};
    p->b = malloc(d * m * sizeof *p->b);
    p->inner = malloc(m * sizeof *p->inner);
    if (!p->b || !p->inner)
        abort();
    uns_random_normal((uns_key){.seed = 11, .stream = UNS_STREAM_USER}, 0, d * m, p->b);
    for (size_t j = 0; j < m; j++) {
        for (size_t k = 0; k < j; k++)
            twins_add(p, j, -twins_dot(p, j, k) / twins_dot(p, k, k), k);
        double length = pow(10.0, -3.0 * (double)j / (double)(m > 1 ? m - 1 : 1));
        twins_add(p, j, length / sqrt(twins_dot(p, j, j)) - 1.0, j);
    }
}

static inline void twins_close(twins_problem *p) {
    free(p->b);
    free(p->inner);
}

static inline void twins_gradient(const twins_problem *p, uint64_t t, const double *x,
                                  double *g) {
    uns_key key = {.seed = 12, .step = t, .stream = UNS_STREAM_USER};
    uns_random_normal(key, 0, p->m, p->inner);
    for (size_t j = 0; j < p->m; j++) {
        double slope = 0.0;
        for (size_t i = 0; i < p->d; i++)
            slope += p->b[i * p->m + j] * x[i];
        p->inner[j] += (j % 2 ? 0.3 : -0.05) * slope;
    }
    for (size_t i = 0; i < p->d; i++) {
        g[i] = 0.0;
        for (size_t j = 0; j < p->m; j++)
            g[i] += p->b[i * p->m + j] * p->inner[j];
    }
}

static inline bool twin_open(twin *one, const twins_problem *p, uns_context *context,
                             const char *values) {
    uns_spec spec;
    const uns_block blocks[] = {{"a", p->split, 1, 0}, {"b", p->d - p->split, 1, 0}};
    const uns_layout_config shape = {sizeof shape, UNS_F64, 1, 2, blocks};
    *one = (twin){NULL, NULL, calloc(p->d, sizeof(double)), calloc(p->d, sizeof(double))};
    if (!one->x || !one->g || uns_param_defaults(context, uns_spec_table(), &spec) != UNS_OK ||
        uns_param_assign(context, uns_spec_table(), &spec, values) != UNS_OK ||
        uns_layout_create(context, &shape, &one->layout) != UNS_OK)
        return false;
    const uns_optimizer_config config = {
        .size = sizeof config, .layout = one->layout, .count = 1, .specs = &spec};
    return uns_optimizer_create(context, &config, &one->optimizer) == UNS_OK;
}

static inline void twin_close(twin *one) {
    uns_optimizer_destroy(one->optimizer);
    uns_layout_destroy(one->layout);
    free(one->x);
    free(one->g);
}

static inline bool twin_step(twin *one, const twins_problem *p, uint64_t t) {
    twins_gradient(p, t, one->x, one->g);
    void *x[] = {one->x, one->x + p->split};
    const void *g[] = {one->g, one->g + p->split};
    return uns_optimizer_step(one->optimizer, (uns_tensors){x, 2}, (uns_const_tensors){g, 2}) ==
           UNS_OK;
}

/* Largest |x_i − y_i| over the largest |x_i| of any coordinate so far, over all steps; both
 * start at 0. Infinity, with the context's message, when a spec is refused. */
static inline double twins_apart(uns_context *context, const twins_problem *p, uint64_t steps,
                                 const char *left, const char *right) {
    twin a, b;
    double worst = 0.0, largest = 0.0;
    bool ready = twin_open(&a, p, context, left);
    ready = twin_open(&b, p, context, right) && ready;
    for (uint64_t t = 0; ready && t < steps; t++) {
        ready = twin_step(&a, p, t) && twin_step(&b, p, t);
        double apart = 0.0;
        for (size_t i = 0; i < p->d; i++) {
            largest = fmax(largest, fabs(a.x[i]));
            apart = fabs(a.x[i] - b.x[i]) <= apart ? apart : fabs(a.x[i] - b.x[i]);
        }
        worst = apart / largest <= worst ? worst : apart / largest; /* NaN stays */
    }
    twin_close(&a);
    twin_close(&b);
    return ready && largest > 0.0 ? worst : (double)INFINITY;
}

#endif
