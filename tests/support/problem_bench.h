/* SPDX-License-Identifier: MIT
 * What the tests of problems share: creating one from "key=value ..." and evaluating it at a
 * point, and the list of variants that properties are run over.
 */
#ifndef UNS_TEST_PROBLEM_BENCH_H
#define UNS_TEST_PROBLEM_BENCH_H

#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/problems.h>

static inline uns_context *open_context(void) {
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK, "%s", uns_context_message(context));
    return context;
}

/* Creates `name` with "key=value ..." over the defaults. */
static inline uns_status try_problem(uns_context *context, const char *name, const char *pairs,
                                     uns_problem **out) {
    const void *entry = NULL;
    UNS_TRY(uns_context_find(context, UNS_KIND_PROBLEM, name, &entry));
    const uns_param_table *table = ((const uns_problem_ops *)entry)->params;
    void *config = malloc(table->config_size);
    uns_status status = uns_param_defaults(context, table, config);
    if (status == UNS_OK)
        status = uns_param_assign(context, table, config, pairs);
    if (status == UNS_OK)
        status = uns_problem_create(context, name, config, out);
    free(config);
    return status;
}

static inline uns_problem *make(uns_context *context, const char *name, const char *pairs) {
    uns_problem *problem = NULL;
    cr_assert_eq(try_problem(context, name, pairs, &problem), UNS_OK, "%s %s: %s", name, pairs,
                 uns_context_message(context));
    return problem;
}

/* One-block problems only, R replicas at x. */
typedef struct bench {
    uns_problem *problem;
    const uns_problem_ops *ops;
    const void *self;
    const void *x[1];
    uns_eval eval;
} bench;

static inline void bench_open(bench *b, uns_problem *problem, size_t replicas, const double *x,
                              const uns_batch *batch) {
    *b = (bench){problem, uns_problem_get_ops(problem), uns_problem_self(problem), {x}, {0}};
    size_t size = batch ? batch->size : 0;
    size_t bytes = b->ops->scratch ? b->ops->scratch(b->self, replicas, size) : 0;
    b->eval =
        (uns_eval){replicas, {b->x, 1}, batch, aligned_alloc(64, (bytes + 127) / 64 * 64)};
}

static inline void bench_close(bench *b) {
    free(b->eval.scratch);
}

static inline void gradient_at(uns_problem *problem, size_t replicas, const double *x,
                               const uns_batch *batch, double *g) {
    bench b;
    bench_open(&b, problem, replicas, x, batch);
    cr_assert_eq(b.ops->gradient(b.self, &b.eval, (uns_tensors){(void *[]){g}, 1}), UNS_OK);
    bench_close(&b);
}

static inline double value_at(uns_problem *problem, const double *x) {
    bench b;
    double f = NAN;
    bench_open(&b, problem, 1, x, NULL);
    cr_assert_eq(b.ops->value(b.self, &b.eval, &f), UNS_OK);
    bench_close(&b);
    return f;
}

static inline void product_at(uns_problem *problem, const double *x, const double *v,
                              double *out) {
    bench b;
    bench_open(&b, problem, 1, x, NULL);
    cr_assert_eq(b.ops->product(b.self, &b.eval, (uns_const_tensors){(const void *[]){v}, 1},
                                (uns_tensors){(void *[]){out}, 1}),
                 UNS_OK);
    bench_close(&b);
}

static const struct variant {
    const char *name, *pairs;
} variants[] = {
    {"saddle2d", "noise=finite"},
    {"saddle2d", "noise=finite samples=3"},
    {"saddle2d", "noise=finite samples=48 sampling=shuffled"},
    {"saddle2d", "noise=finite samples=5000"},
    {"saddle", "d=1"},
    {"saddle", "d=2 rotation=none noise_rotation=none confinement=none"},
    {"saddle", "rotation=none"},
    {"saddle", "noise_rotation=none"},
    {"saddle", "noise_rotation=aligned starve=0.003"},
    {"saddle", "starve=0.003 confinement=none"},
    {"saddle", "starve=0"},
    {"saddle", "rotation=none noise_rotation=none starve=0.003"},
    {"saddle", "hessian=2,-1,-0.5 noise=1,0,3 confinement=quartic"},
    {"saddle", "d=70 seed=9"},
    {"saddle", "d=1200 rotation=none noise_rotation=none"},
    {"quadratic", "multiplicative=0.5 optimum=2"},
    {"quadratic", "rotation=none noise_rotation=none multiplicative=1"},
    {"quadratic", "hessian=1,0,3 noise_rotation=aligned noise=0,1,2"},
    {"quadratic", "d=5 spacing=even condition=10 rotation=none"},
    {"matrix-factorization", "noise=0.3"},
    {"matrix-factorization", "width=1 start_scale=0.1"},
    {"matrix-factorization", "width=5 sampling=shuffled"},
    {"matrix-factorization", "n=4 rank=4 spectrum=4,3,2,1"},
    {"matrix-factorization", "n=64 rank=2"},
    {"matrix-factorization", "n=70 rank=2"},
};

#endif
