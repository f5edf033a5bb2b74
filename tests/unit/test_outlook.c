/* SPDX-License-Identifier: MIT
 * Whole forecasts: each method against drawn trajectories of the recursion written out here,
 * the candidates against the numbers of the theory, flags.
 */
#include "base/base.h"
#include "inst/passage.h"
#include "la/jacobi.h"
#include "support/failing_memory.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unsaddle/forecast.h>
#include <unsaddle/random.h>

#define NEAR(a, b, relative)                                                                   \
    cr_expect(fabs((a) - (b)) <= (relative)*fabs(b), "%s is %.9g, not %.9g", #a, (double)(a),  \
              (double)(b))

enum {
    REPLICAS = 2000,
    MODES_MAX = 4
};

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(outlook, .init = open_context, .fini = close_context);

static uns_spec spec_of(const char *preset, const char *pairs) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, pairs), UNS_OK, "%s",
                 uns_context_message(context));
    return spec;
}

static uns_forecast forecast_at(const uns_spec *spec, const uns_forecast_site *site) {
    uns_forecast out;
    cr_assert_eq(uns_forecast_make(context, spec, site, &out), UNS_OK, "%s",
                 uns_context_message(context));
    return out;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Heavy ball, plainly: m ← μm + bx + ξ, x ← x − η_t m in every mode, until f < −Δ. */
static void draw_escapes(const uns_spec *spec, const uns_forecast_site *site, double *times) {
    double mu = spec->momentum == UNS_MOMENTUM_HEAVY ? spec->mu : 0.0;
    for (uint32_t r = 0; r < REPLICAS; r++) {
        double x[MODES_MAX] = {0}, m[MODES_MAX] = {0}, draw[MODES_MAX], f = 0.0;
        for (size_t i = 0; site->slope && i < site->count; i++)
            x[i] = site->slope[i] / site->curvature[i];
        uint64_t t = 0;
        while (f >= -site->drop) {
            uns_key key = {5, t, r, UNS_STREAM_USER};
            double eta = uns_spec_eta(spec, ++t);
            uns_random_normal(key, 0, site->count, draw);
            f = 0.0;
            for (size_t i = 0; i < site->count; i++) {
                m[i] = mu * m[i] + site->curvature[i] * x[i] + sqrt(site->noise[i]) * draw[i];
                x[i] -= eta * m[i];
                f += 0.5 * site->curvature[i] * x[i] * x[i];
            }
        }
        times[r] = (double)t;
    }
    qsort(times, REPLICAS, sizeof *times, ascending);
}

static void expect_drawn(const uns_spec *spec, const uns_forecast_site *site,
                         uns_forecast_method method, double tolerance) {
    static double times[REPLICAS];
    uns_forecast forecast = forecast_at(spec, site);
    draw_escapes(spec, site, times);
    cr_expect_eq(forecast.method, method, "%s", uns_forecast_method_text(forecast.method));
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++) {
        double drawn = times[(size_t)(uns_forecast_quantiles()[i] * REPLICAS)];
        cr_expect(fabs(forecast.escape[i] / drawn - 1.0) < tolerance, "%g: %g, drawn %g",
                  uns_forecast_quantiles()[i], forecast.escape[i], drawn);
    }
    cr_expect_eq(forecast.open, 0, "%u", forecast.open);
}

static const double two[2] = {-0.3, 1.0}, two_noise[2] = {0.1, 0.1};

static uns_forecast_site site_of(size_t count, const double *curvature, const double *noise,
                                 double drop) {
    uns_forecast_site site = {.size = sizeof site,
                              .count = count,
                              .curvature = curvature,
                              .noise = noise,
                              .drop = drop,
                              .bend = NAN,
                              .limit = 100000,
                              .seed = 1};
    return site;
}

Test(outlook, closed_form_meets_drawn_escapes) {
    uns_spec spec = spec_of("sgd", "eta=1e-2");
    uns_forecast_site site = site_of(2, two, two_noise, 0.05);
    expect_drawn(&spec, &site, UNS_METHOD_CLOSED, 0.06);
}

Test(outlook, recursion_follows_momentum_and_larger_steps) {
    uns_spec spec = spec_of("momentum", "eta=1e-3 larger_step.size=5e-3 larger_step.every=7");
    uns_forecast_site site = site_of(2, two, two_noise, 0.05);
    expect_drawn(&spec, &site, UNS_METHOD_RECURSION, 0.06);
}

Test(outlook, recursion_follows_schedules) {
    uns_spec spec = spec_of("sgd", "eta=3e-2 schedule=inverse_time schedule.factor=1e-3 "
                                   "warmup=50");
    uns_forecast_site site = site_of(2, two, two_noise, 0.2);
    expect_drawn(&spec, &site, UNS_METHOD_RECURSION, 0.06);
}

Test(outlook, recursion_starts_where_the_iterate_is) {
    const double slope[2] = {-0.06, 0.1}; /* 0.2 from the saddle, R = 0.58 */
    uns_spec spec = spec_of("sgd", "eta=1e-2");
    uns_forecast_site site = site_of(2, two, two_noise, 0.05);
    site.slope = slope;
    expect_drawn(&spec, &site, UNS_METHOD_RECURSION, 0.06);
}

Test(outlook, small_drops_are_first_passages) {
    for (double eta = 0.02; eta < 0.7; eta *= 3.0) { /* K = 20, 6.7, 2.2, 0.7: both grids */
        char pairs[32];
        snprintf(pairs, sizeof pairs, "eta=%g", eta);
        uns_spec spec = spec_of("sgd", pairs);
        uns_forecast_site site = site_of(1, two, two_noise, 0.01);
        uns_forecast forecast = forecast_at(&spec, &site);
        static double times[REPLICAS];
        draw_escapes(&spec, &site, times);
        cr_expect_eq(forecast.method, UNS_METHOD_PASSAGE);
        for (size_t i = 1; i < UNS_FORECAST_QUANTILES; i++) {
            double drawn = times[(size_t)(uns_forecast_quantiles()[i] * REPLICAS)];
            cr_expect(fabs(forecast.escape[i] - drawn) < 0.05 * drawn + 1.0, "%g: %g, drawn %g",
                      eta, forecast.escape[i], drawn);
        }
    }
}

/* The two grids against each other, where either will do. */
Test(outlook, chain_and_diffusion_agree) {
    const double q[3] = {0.05, 0.5, 0.95};
    double coarse[3], fine[3];
    uns_passage at = {1.002, 0.0201, 0.3, 100000}, below = {1.002, 0.0199, 0.3, 100000};
    cr_assert_eq(uns_passage_quantiles(context, &at, 3, q, coarse), UNS_OK);
    cr_assert_eq(uns_passage_quantiles(context, &below, 3, q, fine), UNS_OK);
    for (int i = 0; i < 3; i++)
        NEAR(fine[i], coarse[i], 0.02); /* the noise differs by 1 %, its variance by 2 % */
}

Test(outlook, several_ways_out_and_high_modes_are_drawn) {
    const double ways[3] = {-0.3, -0.3, 1.0}, noise[3] = {0.1, 0.1, 0.1};
    const double high[3] = {-0.3, 1.0, 1.0}, loud[3] = {0.01, 1.0, 1.0};
    uns_spec spec = spec_of("sgd", "eta=1e-2"), heavy = spec_of("momentum", "eta=3e-3");
    uns_forecast_site site = site_of(3, ways, noise, 0.05);
    expect_drawn(&spec, &site, UNS_METHOD_ENSEMBLE, 0.08);
    site = site_of(3, high, loud, 0.01);
    expect_drawn(&spec, &site, UNS_METHOD_ENSEMBLE, 0.08);
    site = site_of(2, two, two_noise, 0.01);
    expect_drawn(&heavy, &site, UNS_METHOD_ENSEMBLE, 0.08);
}

Test(outlook, what_no_method_makes_good_stays_open) {
    uns_spec spec = spec_of("sgd", "eta=1e-2");
    uns_forecast_site site = site_of(2, two, two_noise, 0.05);
    site.bend = 0.2;
    cr_expect_eq(forecast_at(&spec, &site).open, UNS_DOUBT_CURVED);
    site.bend = 0.05;
    site.limit = 100;
    uns_forecast late = forecast_at(&spec, &site);
    cr_expect_eq(late.open, UNS_DOUBT_NOT_REACHED);
    cr_expect(isnan(late.escape[2]));
    site.limit = 100000;
    spec = spec_of("idealized", "eta=1e-3");
    site.pull = 2.0;
    cr_expect_eq(forecast_at(&spec, &site).open, UNS_DOUBT_MEAN_GRADIENT);
    site.pull_alone = true;
    uns_forecast delayed = forecast_at(&spec, &site);
    cr_expect_eq(delayed.open, 0);
    NEAR(delayed.delay, uns_forecast_delay(0.3, 1e-3, 2.0), 1e-12);
    site.pull = 0.0;
    spec = spec_of("rmsprop", "beta=0.5");
    cr_expect_eq(forecast_at(&spec, &site).open & UNS_DOUBT_ONLINE, UNS_DOUBT_ONLINE);
    spec = spec_of("rmsprop-full",
                   "beta.rule=fixed beta=0.9"); /* 19 gradients for two parameters */
    cr_expect_eq(forecast_at(&spec, &site).open, UNS_DOUBT_ONLINE);
    spec = spec_of("rmsprop-full", "beta.rule=fixed beta=0.99");
    cr_expect_eq(forecast_at(&spec, &site).open, 0);
    site.together = 30; /* modes that are not listed count */
    cr_expect_eq(forecast_at(&spec, &site).open, UNS_DOUBT_ONLINE);
    site.together = 0;
    spec = spec_of("sgd", "eta=1e-2 clip.norm=1");
    cr_expect_eq(forecast_at(&spec, &site).open, UNS_DOUBT_NOT_LINEAR);
    cr_expect_eq(uns_forecast_spec_doubts(&spec, 1), UNS_DOUBT_NOT_LINEAR);
    const double minimum[2] = {0.1, 1.0};
    site = site_of(2, minimum, two_noise, 0.05);
    cr_expect_eq(forecast_at(&spec, &site).open, UNS_DOUBT_NO_SADDLE);
}

Test(outlook, a_spec_says_what_it_estimates_as_one) {
    uns_spec full = spec_of("rmsprop-full", ""), kron = full, block = full, low = full;
    strcpy(kron.structure, "kron");
    strcpy(block.structure, "block");
    strcpy(low.structure, "lowrank");
    cr_expect_eq(uns_forecast_spec_together(&full, 30, 0), 30);
    cr_expect_eq(uns_forecast_spec_together(&low, 30, 0), 30);
    cr_expect_eq(uns_forecast_spec_together(&block, 30, 8), 8);
    cr_expect_eq(uns_forecast_spec_together(&kron, 30, 30), 30); /* a column at a time */
    cr_expect_eq(uns_forecast_spec_together(&kron, 60, 20), 7);  /* three */
    cr_expect_eq(uns_forecast_spec_together(&kron, 30, 0), 1);
    kron.exponent = 0.25;
    cr_expect_eq(uns_forecast_spec_roots(&full), 2);
    cr_expect_eq(uns_forecast_spec_roots(&kron), 2);
    full.exponent = 0.3;
    cr_expect_eq(uns_forecast_spec_roots(&full), -1);
    full.centred = true;
    cr_expect_eq(uns_forecast_spec_roots(&full), 0);
}

Test(outlook, bad_sites_are_refused_with_a_reason) {
    const double down[2] = {1.0, -0.3}, none[2] = {0.1, -0.1};
    uns_spec spec = spec_of("sgd", "");
    uns_forecast out;
    uns_forecast_site site = site_of(2, down, two_noise, 0.05);
    cr_expect_eq(uns_forecast_make(context, &spec, &site, &out), UNS_ERROR_ARGUMENT);
    site = site_of(2, two, none, 0.05);
    cr_expect_eq(uns_forecast_make(context, &spec, &site, &out), UNS_ERROR_ARGUMENT);
    site = site_of(2, two, two_noise, 0.0);
    cr_expect_eq(uns_forecast_make(context, &spec, &site, &out), UNS_ERROR_ARGUMENT);
    site = site_of(0, two, two_noise, 0.05);
    cr_expect_eq(uns_forecast_make(context, &spec, &site, &out), UNS_ERROR_ARGUMENT);
    cr_expect_str_not_empty(uns_context_message(context));
}

/* Floors with larger steps: the covariance iterated over many periods. */
Test(outlook, floors_with_larger_steps_are_means_over_a_period) {
    const double hessian[1] = {0.7}, noise[1] = {0.3};
    uns_modes low;
    cr_assert_eq(uns_forecast_modes(context, 1, hessian, noise, NULL, &low), UNS_OK);
    uns_spec spec = spec_of("sgd", "eta=1e-2 larger_step.size=0.3 larger_step.every=9");
    double variance = 0.0, sum = 0.0;
    for (uint64_t t = 1; t <= 90000; t++) {
        double eta = uns_spec_eta(&spec, t), a = 1.0 - eta * 0.7;
        variance = a * a * variance + eta * eta * 0.3;
        sum += t > 81000 ? 0.5 * 0.7 * variance / 9000.0 : 0.0;
    }
    NEAR(uns_forecast_spec_floor(&spec, &low, 1000), sum, 1e-9);
}

/* The paper's saddle: at an equal floor the diagonal metric escapes about 11 times sooner (the
 * merit γ_A/tr(AΣ) is 9.2 times larger), the full matrix alike because the axes are the modes.
 */
Test(outlook, candidates_are_brought_to_one_floor) {
    const double hessian[4] = {1.0, 0.0, 0.0, -0.1}, noise[4] = {1.0, 0.0, 0.0, 0.01};
    const double lowest[4] = {1.0, 0.0, 0.0, 0.8};
    const uns_candidate candidates[4] = {{"identity", 0.5, true, NULL},
                                         {"diagonal", 0.5, true, NULL},
                                         {"full", 0.5, true, NULL},
                                         {"diagonal", 0.5, false, NULL}};
    uns_forecast_point point = {.size = sizeof point,
                                .dimension = 2,
                                .hessian = hessian,
                                .noise = noise,
                                .drop = 0.5 * 0.012649110640673518,
                                .minimum_hessian = lowest,
                                .limit = 1000000};
    uns_spec spec = spec_of("sgd", "eta=1e-3");
    uns_comparison out[4];
    cr_assert_eq(uns_forecast_compare(context, &spec, &point, 4, candidates, out), UNS_OK);
    NEAR(out[0].equal_eta, 1e-3, 1e-12);
    NEAR(out[0].today.escape[2], 43315.0, 1e-3);
    NEAR(out[1].merit, (1.0 / 1.1) / (0.1 / 1.01), 1e-6);
    NEAR(out[1].equal.floor, out[0].today.floor, 1e-8);
    NEAR(out[2].equal.escape[2], out[1].equal.escape[2], 1e-3);
    NEAR(out[1].today.escape[2], 3175.0, 0.01);
    cr_expect(out[0].equal.escape[2] / out[1].equal.escape[2] > 9.0);
    NEAR(out[3].today.escape[2] - out[1].today.escape[2], out[3].today.delay, 0.05);
    cr_expect(out[3].today.delay > 20.0);
}

/* The full root is that of the rotated diagonal. */
Test(outlook, full_metric_turns_with_the_noise) {
    const double c = 0.6, s = 0.8, v[2] = {1.0, 0.01};
    double noise[4], root[4];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            double q[2][2] = {{c, s}, {-s, c}};
            noise[2 * i + j] = v[0] * q[0][i] * q[0][j] + v[1] * q[1][i] * q[1][j];
        }
    uns_spec spec = spec_of("idealized", "about=covariance");
    snprintf(spec.structure, sizeof spec.structure, "full");
    cr_assert_eq(uns_forecast_root(context, &spec, 2, noise, NULL, root), UNS_OK);
    double along = c * (root[0] * c + root[1] * s) + s * (root[2] * c + root[3] * s);
    NEAR(along, 1.0, 1e-12); /* 1^-¼ */
    double across = -s * (-root[0] * s + root[1] * c) + c * (-root[2] * s + root[3] * c);
    NEAR(across, pow(0.01, -0.25), 1e-12);
    snprintf(spec.structure, sizeof spec.structure, "scalar");
    cr_expect_eq(uns_forecast_root(context, &spec, 2, noise, NULL, root),
                 UNS_ERROR_UNAVAILABLE);
}

/* Passage by chain and by diffusion, ensemble, comparison. */
static uns_status forecast_all(uns_context *where) {
    static const double ways[2] = {-0.3, -0.3}, hessian[4] = {-0.3, 0, 0, 1},
                        noise[4] = {0.1, 0, 0, 0.1};
    static const uns_candidate candidate = {"diagonal", 0.5, true, NULL};
    uns_spec spec;
    uns_forecast out;
    uns_comparison compared;
    cr_assert_eq(uns_spec_preset(where, "sgd", &spec), UNS_OK);
    const double etas[3] = {2e-2, 0.2, 0.02}, drops[3] = {0.01, 0.01, 0.05};
    for (int i = 0; i < 3; i++) {
        uns_forecast_site site =
            site_of(i < 2 ? 1 : 2, i < 2 ? two : ways, two_noise, drops[i]);
        spec.eta = etas[i];
        UNS_TRY(uns_forecast_make(where, &spec, &site, &out));
    }
    uns_forecast_point point = {.size = sizeof point,
                                .dimension = 2,
                                .hessian = hessian,
                                .noise = noise,
                                .drop = 0.05,
                                .limit = 1000};
    return uns_forecast_compare(where, &spec, &point, 1, &candidate, &compared);
}

Test(outlook, every_failing_allocation_is_survived) {
    failing_memory memory = {0, 0};
    uns_context *where = failing_context(&memory);
    expect_survived(where, &memory, forecast_all);
    uns_context_destroy(where);
    cr_expect_eq(memory.live, 0);
}

Test(outlook, normal_distribution_is_that_of_the_tables) {
    NEAR(uns_normal_below(-1.0), 0.15865525393145705, 1e-14);
    NEAR(uns_normal_below(-2.4999), 0.0062114208, 1e-6);
    NEAR(uns_normal_below(-2.5), 0.006209665325776132, 1e-13);
    NEAR(uns_normal_below(-10.0), 7.619853024160527e-24, 1e-12);
    NEAR(1.0 - uns_normal_below(3.0), 0.0013498980316300933, 1e-12);
    for (double p = 0.01; p < 1.0; p += 0.07)
        NEAR(uns_normal_below(uns_normal_quantile(p)), p, 1e-13);
}
