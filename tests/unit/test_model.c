/* SPDX-License-Identifier: MIT
 * The local model: against the closed form where that holds, what it finds and what it costs,
 * its parts, and that it says what it cannot know. Against runs: tests/long/model.c.
 */
#include "inst/model.h"
#include "la/dense.h"
#include "support/failing_memory.h"
#include "support/problem_bench.h"

#include <unsaddle/model.h>

#define NEAR(a, b, relative)                                                                   \
    cr_expect(fabs((a) - (b)) <= (relative)*fabs(b), "%s is %.9g, not %.9g", #a, (double)(a),  \
              (double)(b))

enum {
    D = 8
};

static uns_context *context;
static uns_problem *problem;
static uns_problem_sampler *source;
static uns_sampler counted;
static struct { size_t gradients, wholes, products; } calls;
static double x[D];

static uns_status count_gradient(void *self, const double *at, uint64_t number, double *out) {
    uns_sampler sampler = uns_problem_sampler_view(self);
    calls.gradients++;
    return sampler.gradient(self, at, number, out);
}

static uns_status count_whole(void *self, const double *at, double *out) {
    uns_sampler sampler = uns_problem_sampler_view(self);
    calls.wholes++;
    return sampler.whole(self, at, out);
}

static uns_status count_product(void *self, const double *at, const double *v, double *out) {
    uns_sampler sampler = uns_problem_sampler_view(self);
    calls.products++;
    return sampler.product(self, at, v, out);
}

static void open_saddle(void) {
    context = open_context();
    problem = make(context, "saddle",
                   "hessian=-0.5,-0.5,0.3,0.4,0.5,0.6,0.7,1 "
                   "noise=0.1,0.02,0.05,0.1,0.03,0.02,0.1,0.1 noise_rotation=aligned");
    cr_assert_eq(uns_problem_sampler_create(context, problem, 1, 1, &source), UNS_OK);
    counted = (uns_sampler){.size = sizeof counted,
                            .dimension = D,
                            .self = source,
                            .gradient = count_gradient,
                            .whole = count_whole,
                            .product = count_product};
    memset(x, 0, sizeof x);
    memset(&calls, 0, sizeof calls);
}

static void close_saddle(void) {
    uns_problem_sampler_destroy(source);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

TestSuite(model, .init = open_saddle, .fini = close_saddle);

static uns_status try_model(const uns_sampler *sampler, size_t products, uns_model **out) {
    static const uns_block block = {"x", D, 1, 0};
    uns_model_config config = {.size = sizeof config,
                               .sampler = sampler,
                               .x = x,
                               .count = 1,
                               .blocks = &block,
                               .products = products,
                               .seed = 3};
    return uns_model_create(context, &config, out);
}

static uns_model_run run_of(const char *preset, const char *keys) {
    uns_model_run run = {.size = sizeof run, .drop = 0.02, .limit = 20000};
    cr_assert_eq(uns_spec_preset(context, preset, &run.spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &run.spec, keys), UNS_OK);
    return run;
}

static uns_forecast forecast_with(const uns_sampler *sampler, const uns_model_run *run,
                                  uns_model_cost *cost) {
    uns_model *model = NULL;
    uns_forecast out;
    cr_assert_eq(try_model(sampler, 0, &model), UNS_OK, "%s", uns_context_message(context));
    cr_assert_eq(uns_model_forecast(model, run, &out, cost), UNS_OK, "%s",
                 uns_context_message(context));
    uns_model_destroy(model);
    return out;
}

static uns_forecast known_forecast(const uns_spec *spec, double drop) {
    const uns_problem_ops *ops = uns_problem_get_ops(problem);
    double hessian[D * D], noise[D * D];
    uns_modes modes;
    uns_forecast out;
    cr_assert_eq(ops->spectra(uns_problem_self(problem), UNS_POINT_START, hessian, noise),
                 UNS_OK);
    cr_assert_eq(uns_forecast_modes(context, D, hessian, noise, NULL, &modes), UNS_OK);
    uns_forecast_site site = uns_forecast_site_of(&modes, drop);
    cr_assert_eq(uns_forecast_make(context, spec, &site, &out), UNS_OK);
    return out;
}

/* The deviation of the escape is about a third of its median: 4 % from 128 replicas, and the
 * noise along two ways is known to 18 %, which is 3 % more. */
Test(model, sgd_and_momentum_meet_what_is_known) {
    const char *presets[2] = {"sgd", "momentum"}, *keys[2] = {"eta=1e-2", "eta=1e-3"};
    for (int i = 0; i < 2; i++) {
        uns_model_run run = run_of(presets[i], keys[i]);
        uns_forecast known = known_forecast(&run.spec, run.drop);
        uns_forecast found = forecast_with(&counted, &run, NULL);
        cr_expect_eq(found.open, 0, "%u", found.open);
        cr_expect_eq(found.method, UNS_METHOD_MODEL);
        NEAR(found.escape[2], known.escape[2], 0.12);
        NEAR(found.escape[0], known.escape[0], 0.2);
        NEAR(found.gamma, 0.5, 1e-9);
    }
}

Test(model, both_ways_out_of_a_double_one_are_found) {
    double values[D];
    uns_model *model = NULL;
    cr_assert_eq(try_model(&counted, 0, &model), UNS_OK);
    cr_assert_eq(uns_model_curvatures(model, D, values), D);
    NEAR(values[0], -0.5, 1e-9);
    NEAR(values[1], -0.5, 1e-9);
    NEAR(values[7], 1.0, 1e-9);
    cr_expect_eq(uns_model_curvatures(model, 1, values), 1);
    uns_model_destroy(model);
}

Test(model, budgets_are_kept_and_told) {
    uns_model_cost cost;
    uns_model_run run = run_of("rmsprop", "eta=1e-3 beta=0.99");
    (void)forecast_with(&counted, &run, &cost);
    cr_expect_eq(cost.gradients, calls.gradients);
    cr_expect_eq(cost.wholes, calls.wholes);
    cr_expect_eq(cost.products, calls.products);
    cr_expect(cost.gradients <= UNS_MODEL_GRADIENTS);
    cr_expect(cost.products + cost.wholes <= UNS_MODEL_PRODUCTS);
    memset(&calls, 0, sizeof calls);
    run.gradients = 40;
    (void)forecast_with(&counted, &run, &cost);
    cr_expect(calls.gradients <= 40, "%zu", calls.gradients);
}

Test(model, forecasts_are_the_same_bits_each_time) {
    uns_model_run run = run_of("adam", "eta=2e-3 beta=0.99");
    uns_forecast a = forecast_with(&counted, &run, NULL),
                 b = forecast_with(&counted, &run, NULL);
    cr_expect_arr_eq(a.escape, b.escape, sizeof a.escape);
}

Test(model, what_is_not_known_is_flagged) {
    uns_sampler blind = counted;
    uns_model_run run = run_of("sgd", "eta=1e-2");
    blind.whole = NULL;
    uns_model_cost cost;
    cr_expect(forecast_with(&blind, &run, &cost).open & UNS_DOUBT_MEAN_GRADIENT);
    cr_expect(cost.gradients <= UNS_MODEL_GRADIENTS);
    run.limit = 5;
    cr_expect(forecast_with(&counted, &run, NULL).open & UNS_DOUBT_NOT_REACHED);
}

/* One of both ways down bends, f += BEND·x₀⁴/4, so that no a(ρ) is true of both. */
#define BEND 12.0

static uns_status bent_gradient(void *self, const double *at, uint64_t number, double *out) {
    uns_status status = count_gradient(self, at, number, out);
    out[0] += BEND * at[0] * at[0] * at[0];
    return status;
}

static uns_status bent_whole(void *self, const double *at, double *out) {
    uns_status status = count_whole(self, at, out);
    out[0] += BEND * at[0] * at[0] * at[0];
    return status;
}

Test(model, a_way_down_that_bends_is_flagged_by_how_far_f_fell) {
    uns_sampler bent = counted;
    uns_model_cost cost;
    uns_model_run run = run_of("sgd", "eta=1e-2");
    bent.gradient = bent_gradient;
    bent.whole = bent_whole;
    uns_forecast far = forecast_with(&bent, &run, &cost);
    cr_expect(far.open & UNS_DOUBT_CURVED && cost.bend > 0.5, "%u, a %g", far.open, cost.bend);
    run.drop /= 20.0;
    uns_forecast near = forecast_with(&bent, &run, &cost);
    cr_expect_eq(near.open, 0, "%u, a %g", near.open, cost.bend);
}

Test(model, bad_requests_are_refused_with_a_reason) {
    uns_model *model = NULL;
    uns_sampler without = counted;
    uns_forecast out;
    without.product = NULL;
    cr_expect_eq(try_model(&without, 0, &model), UNS_ERROR_UNAVAILABLE);
    cr_expect_eq(try_model(&counted, 7, &model), UNS_ERROR_ARGUMENT);
    without = counted;
    without.dimension = D + 1;
    cr_expect_eq(try_model(&without, 0, &model), UNS_ERROR_ARGUMENT);
    cr_assert_eq(try_model(&counted, 8, &model), UNS_OK);
    uns_model_run run = run_of("sgd", "");
    run.drop = 0.0;
    cr_expect_eq(uns_model_forecast(model, &run, &out, NULL), UNS_ERROR_ARGUMENT);
    run = run_of("idealized", "");
    cr_expect_eq(uns_model_forecast(model, &run, &out, NULL), UNS_ERROR_UNAVAILABLE);
    run = run_of("sgd", "");
    run.gradients = 201;
    cr_expect_eq(uns_model_forecast(model, &run, &out, NULL), UNS_ERROR_ARGUMENT);
    cr_expect_str_not_empty(uns_context_message(context));
    uns_model_destroy(model);
}

/* Rows whose squared length is 3 + 5ρ² times a unit-mean deviate. */
Test(model, variance_is_fitted_in_the_distance) {
    static double rows[UNS_MODEL_GRADIENTS * D];
    uns_pool pool = {.d = D, .count = UNS_MODEL_GRADIENTS, .rows = rows};
    for (size_t k = 0; k < pool.count; k++) {
        pool.rho[k] = 0.1 + 0.02 * (double)k;
        double v = sqrt((3.0 + 5.0 * pool.rho[k] * pool.rho[k]) / D);
        uns_random_normal((uns_key){1, k, 0, UNS_STREAM_USER}, 0, D, rows + k * D);
        for (size_t i = 0; i < D; i++)
            rows[k * D + i] *= v;
    }
    uns_pool_fit(&pool);
    NEAR(uns_pool_variance(&pool, 0.2), 3.2, 0.3);
    NEAR(uns_pool_variance(&pool, 2.0), 23.0, 0.1);
    NEAR(uns_pool_variance(&pool, 4.0), 83.0, 0.1);
}

/* The resampled rows have mean 0 and the rows' variance; like coordinates come out alike,
 * unlike ones stay apart. */
Test(model, pools_are_centred_and_smoothed) {
    static double rows[UNS_MODEL_GRADIENTS * D], ready[UNS_MODEL_POOL * D], spread[D];
    uns_pool pool = {.d = D, .count = 100, .rows = rows, .ready = ready, .spread = spread};
    for (size_t k = 0; k < pool.count; k++) {
        pool.rho[k] = 1.0;
        uns_random_normal((uns_key){1, k, 0, UNS_STREAM_USER}, 0, D, rows + k * D);
        for (size_t i = 0; i < D / 2; i++)
            rows[k * D + i] = 0.01 * rows[k * D + i] + 7.0;
    }
    uns_pool_fit(&pool);
    uns_pool_prepare(&pool, 1.0, false);
    cr_expect(pool.even);
    double scale = uns_pool_variance(&pool, 1.0);
    for (size_t i = 0; i < D; i++) {
        double mean = 0.0, sum = 0.0;
        for (size_t k = 0; k < pool.usable; k++) {
            mean += ready[k * D + i] / (double)pool.usable;
            sum += ready[k * D + i] * ready[k * D + i] / (double)pool.usable;
        }
        cr_expect(fabs(mean) < 1e-12);
        NEAR(sum * scale, i < D / 2 ? 1e-4 : 1.0, 0.35);
        NEAR(sqrt(sum), spread[i], 1e-9);
    }
}

Test(model, noise_that_is_one_sided_stays_so) {
    static double rows[UNS_MODEL_GRADIENTS * D], ready[UNS_MODEL_POOL * D], spread[D];
    uns_pool pool = {.d = D, .count = 100, .rows = rows, .ready = ready, .spread = spread};
    for (size_t k = 0; k < pool.count; k++) {
        pool.rho[k] = 1.0;
        uns_random_normal((uns_key){1, k, 0, UNS_STREAM_USER}, 0, D, rows + k * D);
        for (size_t i = 0; i < D; i++)
            rows[k * D + i] *= rows[k * D + i];
    }
    uns_pool_fit(&pool);
    uns_pool_prepare(&pool, 1.0, false);
    cr_expect_not(pool.even);
}

/* The median from 32 replicas at the start of a saddle; nothing may be in doubt. */
static double median_at(const char *keys, const char *preset, const char *spec, uint64_t seed) {
    uns_problem_sampler *draws;
    uns_model *model;
    uns_forecast out;
    uns_truth truth;
    uns_problem *saddle = make(context, "saddle", keys);
    double origin[64] = {0.0};
    uns_block block = {"x", uns_problem_dimension(saddle), 1, 0};
    cr_assert_eq(uns_problem_sampler_create(context, saddle, 1, seed, &draws), UNS_OK);
    uns_sampler sampler = uns_problem_sampler_view(draws);
    uns_model_config config = {.size = sizeof config,
                               .sampler = &sampler,
                               .x = origin,
                               .count = 1,
                               .blocks = &block,
                               .seed = seed};
    cr_assert_eq(uns_model_create(context, &config, &model), UNS_OK);
    uns_model_run run = run_of(preset, spec);
    uns_problem_truth(saddle, &truth);
    run.drop = truth.start_value - truth.escape_value;
    run.replicas = 32;
    cr_assert_eq(uns_model_forecast(model, &run, &out, NULL), UNS_OK);
    cr_expect_eq(out.open, 0, "%u", out.open);
    uns_model_destroy(model);
    uns_problem_sampler_destroy(draws);
    uns_problem_destroy(saddle);
    return out.escape[2];
}

/* 200 and 100 runs took 6103 and 486 steps in the median. Rows that happen to be one-sided made
 * 3090 of the one, noise apart for each coordinate 775 of the other. */
Test(model, a_starved_way_out_is_neither_pushed_along_nor_fed) {
    double pushed = 0.0, fed = 0.0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        pushed += median_at("d=10 starve=0.003 confinement=power10 negative=-0.3", "rmsprop",
                            "eta=1e-3 beta=0", seed) /
                  4.0;
        if (!uns_dense_available())
            fed += 486.0 / 4.0;
        else
            fed += median_at("d=30 starve=0.003 confinement=none drop=0.05 negative=-0.3",
                             "rmsprop-full", "eta=1e-3 beta.rule=fixed beta=0.945 centred=true",
                             seed) /
                   4.0;
    }
    NEAR(pushed, 6103.0, 0.2);
    NEAR(fed, 486.0, 0.2);
}

Test(model, profiles_integrate_what_they_say) {
    uns_profile profile = {.count = 0};
    NEAR(uns_profile_height(&profile, 3.0), 1.0, 1e-15);
    uns_profile_add(&profile, 2.0, 0.5);
    uns_profile_add(&profile, 1.0, 0.9);
    NEAR(uns_profile_slope(&profile, 0.5), 0.95, 1e-15);
    NEAR(uns_profile_slope(&profile, 1.5), 0.7, 1e-15);
    NEAR(uns_profile_slope(&profile, 9.0), 0.5, 1e-15);
    double sum = 0.0;
    for (int i = 0; i < 30000; i++) {
        double r = (i + 0.5) * 1e-4;
        sum += uns_profile_slope(&profile, r) * r * 1e-4;
    }
    NEAR(uns_profile_height(&profile, 3.0), 2.0 * sum / 9.0, 1e-7);
}

/* Its own sampler: f = −½x₁² + ½x₂², noise that needs no memory. */
static uns_status plain_gradient(void *self, const double *at, uint64_t number, double *out) {
    (void)self;
    uns_random_normal((uns_key){1, number, 0, UNS_STREAM_USER}, 0, 2, out);
    out[0] -= at[0];
    out[1] += at[1];
    return UNS_OK;
}

static uns_status plain_whole(void *self, const double *at, double *out) {
    (void)self;
    out[0] = -at[0];
    out[1] = at[1];
    return UNS_OK;
}

static uns_status plain_product(void *self, const double *at, const double *v, double *out) {
    (void)at;
    return plain_whole(self, v, out);
}

static uns_status make_and_run(uns_context *where) {
    static const uns_block block = {"x", 2, 1, 0};
    static const double origin[2] = {0.0, 0.0};
    uns_sampler sampler = {sizeof sampler, 2, NULL, plain_gradient, plain_whole, plain_product};
    uns_model_config config = {
        .size = sizeof config, .sampler = &sampler, .x = origin, .count = 1, .blocks = &block};
    uns_model_run run = {.size = sizeof run, .drop = 0.5, .limit = 50, .replicas = 16};
    uns_model *model = NULL;
    uns_forecast out;
    cr_assert_eq(uns_spec_preset(where, "rmsprop", &run.spec), UNS_OK);
    UNS_TRY(uns_model_create(where, &config, &model));
    uns_status status = uns_model_forecast(model, &run, &out, NULL);
    uns_model_destroy(model);
    return status;
}

Test(model, every_failing_allocation_is_survived) {
    failing_memory memory = {0, 0};
    uns_context *where = failing_context(&memory);
    expect_survived(where, &memory, make_and_run);
    uns_context_destroy(where);
    cr_expect_eq(memory.live, 0);
}
