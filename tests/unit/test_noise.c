/* SPDX-License-Identifier: MIT
 * The noise instrument on problems whose G and Σ are known: unbiased at the smallest number of
 * draws, errors that are what they say, the Monte-Carlo rate, and every figure at its limit.
 */
#include "base/base.h"
#include "support/failing_memory.h"
#include "support/problem_bench.h"

#include <unsaddle/noise.h>

#define NEAR(a, b, relative)                                                                   \
    cr_expect(fabs((a) - (b)) <= (relative)*fabs(b), "%s is %.9g, not %.9g", #a, (double)(a),  \
              (double)(b))

enum {
    D = 6,
    FIGURES = 8
};

static uns_context *context;
static uns_problem *problem;
static uns_problem_sampler *source;
static uns_sampler sampler;
static double hessian[D * D], sigma[D * D], x[D], mean[D];

/* A rotated saddle with noise log-even from 0.01 to 1, at a point where ‖∇f‖² and tr Σ are of a
 * size. */
static void open_saddle(void) {
    context = open_context();
    problem = make(context, "saddle", "d=6 negative=-0.5 confinement=none");
    cr_assert_eq(uns_problem_sampler_create(context, problem, 1, 1, &source), UNS_OK);
    sampler = uns_problem_sampler_view(source);
    const uns_problem_ops *ops = uns_problem_get_ops(problem);
    cr_assert_eq(ops->spectra(uns_problem_self(problem), UNS_POINT_START, hessian, sigma),
                 UNS_OK);
    for (size_t i = 0; i < D; i++)
        x[i] = 1.2 - 0.4 * (double)i;
    cr_assert_eq(sampler.whole(sampler.self, x, mean), UNS_OK);
}

static void close_saddle(void) {
    uns_problem_sampler_destroy(source);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

TestSuite(noise, .init = open_saddle, .fini = close_saddle);

static uns_noise *instrument(const uns_noise_config *extra) {
    uns_noise_config config = *extra;
    uns_noise *noise = NULL;
    config.size = sizeof config;
    config.dimension = D;
    cr_assert_eq(uns_noise_create(context, &config, &noise), UNS_OK, "%s",
                 uns_context_message(context));
    return noise;
}

static uns_noise_report measure(uns_noise *noise, uint64_t first, size_t draws) {
    uns_noise_report report;
    cr_assert_eq(uns_noise_measure(context, &sampler, x, first, draws, 1, &noise), UNS_OK);
    cr_assert_eq(uns_noise_read(noise, &report), UNS_OK);
    return report;
}

static double form(const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j < D; j++)
            sum += v[i] * sigma[i * D + j] * v[j];
    return sum;
}

static double trace_of_sigma(void) {
    double sum = 0.0;
    for (size_t i = 0; i < D; i++)
        sum += sigma[i * D + i];
    return sum;
}

static double square_of(const double *v, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sum;
}

static const double way[D] = {1.0, -1.0, 0.5, 0.0, 0.0, 2.0};

/* Measured figures with their true values, taken from one measurement. */
static void figures_of(uns_noise *noise, uint64_t first, size_t draws,
                       uns_measured measured[FIGURES], double truth[FIGURES]) {
    uns_noise_report r = measure(noise, first, draws);
    uns_noise_along along = uns_noise_direction(noise, 0);
    double trace = trace_of_sigma(), gradient = square_of(mean, D), slope = 0.0;
    for (size_t i = 0; i < D; i++)
        slope += way[i] * mean[i];
    const uns_measured all[FIGURES] = {
        r.trace,        r.second_trace, r.gradient_square,         r.square,
        along.variance, along.slope,    uns_noise_value(noise, 0), uns_noise_value(noise, 1)};
    const double right[FIGURES] = {trace,
                                   trace + gradient,
                                   gradient,
                                   square_of(sigma, D * D),
                                   form(way),
                                   slope,
                                   form(uns_noise_vector(noise, 0)),
                                   form(uns_noise_vector(noise, 1))};
    for (size_t i = 0; i < FIGURES; i++) {
        measured[i] = all[i];
        truth[i] = right[i];
    }
}

static const uns_noise_config two_pairs = {.pairs = 2, .directions = 1, .direction = way};

/* At 64 draws, the fewest there may be: 600 times over the mean is the truth to 4 of its
 * standard errors, and the stated errors are the actual ones. */
Test(noise, figures_are_unbiased_and_their_errors_honest) {
    enum {
        TIMES = 600
    };
    double sum[FIGURES] = {0.0}, square[FIGURES] = {0.0}, stated[FIGURES] = {0.0};
    uns_noise *noise = instrument(&two_pairs);
    for (uint64_t i = 0; i < TIMES; i++) {
        uns_measured m[FIGURES];
        double truth[FIGURES];
        figures_of(noise, i * 64, 64, m, truth);
        for (size_t k = 0; k < FIGURES; k++) {
            double miss = m[k].value - truth[k];
            sum[k] += miss;
            square[k] += miss * miss;
            stated[k] += m[k].error * m[k].error;
        }
    }
    for (size_t k = 0; k < FIGURES; k++) {
        double deviation = sqrt(square[k] / TIMES), bias = sum[k] / TIMES;
        cr_expect(fabs(bias) < 4.0 * deviation / sqrt(TIMES), "figure %zu: bias %g of %g", k,
                  bias, deviation);
        double claimed = sqrt(stated[k] / TIMES);
        cr_expect(claimed > 0.75 * deviation && claimed < 1.35 * deviation,
                  "figure %zu: claims %g, is %g", k, claimed, deviation);
    }
    uns_noise_destroy(noise);
}

/* Nine times the draws, a third of the error. */
Test(noise, errors_fall_at_the_monte_carlo_rate) {
    enum {
        TIMES = 120
    };
    double square[2][FIGURES] = {{0.0}};
    uns_noise *noise = instrument(&two_pairs);
    for (uint64_t i = 0; i < TIMES; i++)
        for (int large = 0; large < 2; large++) {
            size_t draws = large ? 4608 : 512;
            uns_measured m[FIGURES];
            double truth[FIGURES];
            figures_of(noise, 1000000 + i * draws, draws, m, truth);
            for (size_t k = 0; k < FIGURES; k++)
                square[large][k] += (m[k].value - truth[k]) * (m[k].value - truth[k]);
        }
    for (size_t k = 0; k < FIGURES; k++) {
        double rate = sqrt(square[0][k] / square[1][k]);
        cr_expect(rate > 2.3 && rate < 3.9, "figure %zu: %g", k, rate);
    }
    uns_noise_destroy(noise);
}

Test(noise, all_eigenpairs_give_the_condition) {
    uns_noise_config config = {.pairs = D};
    uns_noise *noise = instrument(&config);
    uns_noise_report r = measure(noise, 0, 8192);
    for (size_t i = 0; i < D; i++) {
        uns_measured value = uns_noise_value(noise, i);
        double right = pow(10.0, -2.0 * (double)i / (D - 1));
        cr_expect(fabs(value.value - right) < 5.0 * value.error, "%zu: %g +- %g, not %g", i,
                  value.value, value.error, right);
        NEAR(square_of(uns_noise_vector(noise, i), D), 1.0, 1e-12);
    }
    cr_expect(fabs(r.condition.value - 100.0) < 4.0 * r.condition.error);
    cr_expect(r.condition.error < 6.0);
    NEAR(r.top.value, D / trace_of_sigma(), 0.05);
    double t = trace_of_sigma();
    cr_expect(fabs(r.rank.value - t * t / square_of(sigma, D * D)) < 4.0 * r.rank.error);
    NEAR(r.scale.value, t / square_of(mean, D), 0.2);
    uns_noise_destroy(noise);
}

/* y ← A·v for A = Σ^{-½}, dense. */
static uns_status whiten(void *self, const double *v, double *out) {
    const double *a = self;
    for (size_t i = 0; i < D; i++) {
        out[i] = 0.0;
        for (size_t j = 0; j < D; j++)
            out[i] += a[i * D + j] * v[j];
    }
    return UNS_OK;
}

/* Σ^{-½} by Denman and Beavers' iteration, Y → Σ^½, Z → Σ^{-½}; plain Gauss–Jordan inverses. */
static void invert(const double *a, double *out) {
    double w[D][2 * D];
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j < 2 * D; j++)
            w[i][j] = j < D ? a[i * D + j] : (double)(j - D == i);
    for (size_t k = 0; k < D; k++) {
        double pivot = w[k][k];
        for (size_t j = 0; j < 2 * D; j++)
            w[k][j] /= pivot;
        for (size_t i = 0; i < D; i++) {
            double factor = w[i][k];
            for (size_t j = 0; i != k && j < 2 * D; j++)
                w[i][j] -= factor * w[k][j];
        }
    }
    for (size_t i = 0; i < D * D; i++)
        out[i] = w[i / D][D + i % D];
}

static void inverse_root(const double *a, double *z) {
    double y[D * D], yi[D * D], zi[D * D];
    memcpy(y, a, sizeof y);
    for (size_t i = 0; i < D * D; i++)
        z[i] = (double)(i / D == i % D);
    for (int round = 0; round < 40; round++) {
        invert(y, yi);
        invert(z, zi);
        for (size_t i = 0; i < D * D; i++) {
            y[i] = 0.5 * (y[i] + zi[i]);
            z[i] = 0.5 * (z[i] + yi[i]);
        }
    }
}

Test(noise, whitened_noise_is_isotropic) {
    double a[D * D], low, high;
    inverse_root(sigma, a);
    uns_operator metric = {.size = sizeof metric, .dimension = D, .self = a, .product = whiten};
    uns_noise_config before = {.pairs = D}, after = {.pairs = D, .metric = &metric};
    uns_noise *noises[2] = {instrument(&before), instrument(&after)};
    uns_noise_report r[2];
    cr_assert_eq(uns_noise_measure(context, &sampler, x, 7, 4096, 2, noises), UNS_OK);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(uns_noise_read(noises[i], &r[i]), UNS_OK);
    cr_expect(r[0].rank.value < 3.0 && fabs(r[1].rank.value - D) < 4.0 * r[1].rank.error);
    cr_expect(r[1].rank.error < 0.2 && r[1].condition.value < 1.4);
    NEAR(r[1].trace.value, (double)D, 0.05);
    NEAR(r[1].top.value, 1.0, 0.12);
    cr_assert_eq(uns_operator_range(context, &metric, D, 1, &low, &high), UNS_OK);
    NEAR(low, 1.0, 1e-9);
    NEAR(high, 10.0, 1e-9);
    uns_noise_destroy(noises[0]);
    uns_noise_destroy(noises[1]);
}

Test(noise, diagonal_metrics_tell_their_range) {
    const double a[D] = {3.0, 0.5, 2.0, 7.0, 1.0, 1.0};
    double low, high;
    uns_diagonal diagonal = {D, a};
    uns_operator metric = uns_operator_diagonal(&diagonal);
    cr_assert_eq(uns_operator_range(context, &metric, 0, 1, &low, &high), UNS_OK);
    cr_expect_eq(low, 0.5);
    cr_expect_eq(high, 7.0);
}

/* An estimate that is right is off by nothing, one that is double by one, whole or diagonal. */
Test(noise, estimates_are_held_against_fresh_draws) {
    double second[D * D], twice[D * D], diagonal[D];
    for (size_t i = 0; i < D * D; i++) {
        second[i] = sigma[i] + mean[i / D] * mean[i % D];
        twice[i] = 2.0 * second[i];
    }
    uns_operator right = {.size = sizeof right,
                          .dimension = D,
                          .self = second,
                          .product = whiten},
                 wrong = {
                     .size = sizeof wrong, .dimension = D, .self = twice, .product = whiten};
    uns_noise_config configs[2] = {{.estimate = &right}, {.estimate = &wrong}};
    for (int i = 0; i < 2; i++) {
        uns_noise *noise = instrument(&configs[i]);
        uns_noise_report r = measure(noise, 3, 8192);
        cr_expect(fabs(r.estimate_error.value - i) < 4.0 * r.estimate_error.error + 0.01,
                  "%g +- %g", r.estimate_error.value, r.estimate_error.error);
        cr_expect(r.estimate_error.error < 0.3);
        for (size_t k = 0; k < D; k++)
            diagonal[k] = (i + 1) * second[k * D + k];
        uns_measured error = uns_noise_diagonal_error(noise, diagonal);
        cr_expect(fabs(error.value - i) < 4.0 * error.error + 1e-3, "%g +- %g", error.value,
                  error.error);
        uns_noise_destroy(noise);
    }
}

Test(noise, diagonals_are_those_of_the_moments) {
    double covariance[D], second[D], average[D];
    uns_noise_config config = {.pairs = 0};
    uns_noise *noise = instrument(&config);
    uns_noise_report r = measure(noise, 5, 20000);
    uns_noise_diagonal(noise, covariance, second, average);
    for (size_t i = 0; i < D; i++) {
        NEAR(covariance[i], sigma[i * D + i], 0.06);
        NEAR(second[i], sigma[i * D + i] + mean[i] * mean[i], 0.06);
        cr_expect(fabs(average[i] - mean[i]) < 0.03);
    }
    cr_expect(isnan(r.norm.value) && isnan(r.condition.value) && isnan(r.estimate_error.value));
    cr_expect(r.largest > 1.0 && r.largest < 10.0);
    uns_noise_destroy(noise);
}

/* g_i = (1 + x_i)·n_i: diag G = (1 + x)², whose change from 0 to 0.1 is 0.21 in each. */
static uns_status scaled_noise(void *self, const double *at, uint64_t number, double *out) {
    (void)self;
    uns_random_normal((uns_key){4, number, 0, UNS_STREAM_USER}, 0, D, out);
    for (size_t i = 0; i < D; i++)
        out[i] *= 1.0 + at[i];
    return UNS_OK;
}

Test(noise, lipschitz_quotient_of_the_second_moment) {
    uns_sampler own = {.size = sizeof own, .dimension = D, .gradient = scaled_noise};
    double far[D], near[D] = {0.0};
    for (size_t i = 0; i < D; i++)
        far[i] = 0.1;
    uns_noise_config config = {.pairs = 0};
    uns_noise *a = instrument(&config), *b = instrument(&config);
    cr_assert_eq(uns_noise_measure(context, &own, near, 0, 4096, 1, &a), UNS_OK);
    cr_assert_eq(uns_noise_measure(context, &own, far, 0, 4096, 1, &b), UNS_OK);
    uns_measured quotient = uns_noise_lipschitz(a, b, 0.1 * sqrt(D));
    cr_expect(fabs(quotient.value - 2.1) < 4.0 * quotient.error);
    cr_expect(quotient.error < 0.05, "%g", quotient.error);
    uns_noise_destroy(a);
    uns_noise_destroy(b);
}

/* A stream of its own: the draws are the problem's batches under UNS_STREAM_NOISE. */
Test(noise, samplers_draw_from_their_own_stream) {
    double drawn[D], same[D], run[D];
    cr_assert_eq(sampler.gradient(sampler.self, x, 9, drawn), UNS_OK);
    uns_batch batch = {{1, 9, 0, UNS_STREAM_NOISE}, 1, NULL};
    gradient_at(problem, 1, x, &batch, same);
    batch.key.stream = UNS_STREAM_GRADIENT;
    gradient_at(problem, 1, x, &batch, run);
    cr_expect_arr_eq(drawn, same, sizeof drawn);
    cr_expect_neq(drawn[0], run[0]);
}

Test(noise, misuse_is_refused_with_a_reason) {
    uns_noise_config config = {.size = sizeof config, .dimension = D, .pairs = D + 1};
    uns_noise *noise = NULL;
    uns_noise_report report;
    cr_expect_eq(uns_noise_create(context, &config, &noise), UNS_ERROR_ARGUMENT);
    config.pairs = 0;
    cr_assert_eq(uns_noise_create(context, &config, &noise), UNS_OK);
    cr_expect_eq(uns_noise_add(noise, mean), UNS_ERROR_STATE);
    cr_expect_eq(uns_noise_begin(noise, 63), UNS_ERROR_ARGUMENT);
    cr_assert_eq(uns_noise_begin(noise, 64), UNS_OK);
    cr_expect_eq(uns_noise_read(noise, &report), UNS_ERROR_STATE);
    const double bad[D] = {NAN};
    cr_expect_eq(uns_noise_add(noise, bad), UNS_ERROR_CALLBACK);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(uns_noise_add(noise, mean), UNS_OK);
    cr_expect_eq(uns_noise_add(noise, mean), UNS_ERROR_STATE);
    cr_expect_eq(uns_noise_read(noise, &report), UNS_OK);
    NEAR(report.gradient_square.value, square_of(mean, D), 1e-12);
    cr_expect(fabs(report.trace.value) < 1e-12);
    uns_noise_destroy(noise);
}

static uns_status scale_all(void *self, const double *v, double *out) {
    (void)self;
    for (size_t i = 0; i < D; i++)
        out[i] = 2.0 * v[i];
    return UNS_OK;
}

static uns_status measure_all(uns_context *where) {
    double low, high;
    uns_sampler own = {.size = sizeof own, .dimension = D, .gradient = scaled_noise};
    uns_operator metric = {
        .size = sizeof metric, .dimension = D, .self = NULL, .product = scale_all};
    uns_noise_config config = {.size = sizeof config,
                               .dimension = D,
                               .pairs = 3,
                               .directions = 1,
                               .direction = way,
                               .estimate = &metric};
    uns_noise *noise = NULL;
    UNS_TRY(uns_noise_create(where, &config, &noise));
    uns_status status = uns_noise_measure(where, &own, way, 0, 64, 1, &noise);
    uns_noise_destroy(noise);
    return status == UNS_OK ? uns_operator_range(where, &metric, 4, 1, &low, &high) : status;
}

Test(noise, every_failing_allocation_is_survived) {
    failing_memory memory = {0, 0};
    uns_context *where = failing_context(&memory);
    expect_survived(where, &memory, measure_all);
    uns_context_destroy(where);
    cr_expect_eq(memory.live, 0);
}
