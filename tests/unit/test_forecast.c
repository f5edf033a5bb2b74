/* SPDX-License-Identifier: MIT
 * Forecasts: the numbers of the saddle experiment, limits, and the exact recursions against
 * plain ones written out here.
 */
#include "base/base.h"
#include "la/jacobi.h"

#include <criterion/criterion.h>
#include <math.h>
#include <unsaddle/forecast.h>
#include <unsaddle/random.h>

#define NEAR(a, b, relative)                                                                   \
    cr_expect(fabs((a) - (b)) <= (relative)*fabs(b), "%s is %.9g, not %.9g", #a, (double)(a),  \
              (double)(b))

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_open(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(forecast, .init = open_context, .fini = close_context);

/* f = ½xᵀHx + b·x + ‖x‖₁₀¹⁰ of the paper: H = diag(1, −0.1), Cov b = diag(1, 0.01); at its
 * minima the second curvature is 0.8. */
static const double noise[4] = {1.0, 0.0, 0.0, 0.01};
static const double ideal[2] = {1.0, 10.0}; /* Σ^-½ */
static const double drop = 0.5 * 0.012649110640673518;

static uns_modes modes_at(double second, const double *metric) {
    const double hessian[4] = {1.0, 0.0, 0.0, second};
    uns_modes modes;
    cr_assert_eq(uns_forecast_modes(context, 2, hessian, noise, metric, &modes), UNS_OK);
    return modes;
}

static double median_at(double eta, const double *metric) {
    uns_modes m = modes_at(-0.1, metric);
    return uns_forecast_escape(m.gamma, m.noise[0], eta, drop, uns_forecast_other(&m, eta),
                               0.5);
}

/* The known ones leave out what the other mode adds to f, half a per cent here. */
Test(forecast, medians_of_the_saddle_experiment_are_the_known_ones) {
    NEAR(uns_forecast_escape(0.1, 0.01, 1e-3, drop, 0.0, 0.5), 43115.0, 2e-4);
    NEAR(uns_forecast_escape(1.0, 0.1, 1e-3, drop, 0.0, 0.5), 3160.0, 1.5e-3);
    NEAR(median_at(1e-3, NULL), 43115.0, 1e-2);
    NEAR(median_at(1e-3, ideal), 3160.0, 1e-2);
    cr_expect(median_at(1e-3, NULL) > 43115.0);
}

Test(forecast, floors_of_the_saddle_experiment_are_the_known_ones) {
    uns_modes plain = modes_at(0.8, NULL), adaptive = modes_at(0.8, ideal);
    NEAR(uns_forecast_floor(&plain, 1e-2), 2.5e-3, 0.02);
    NEAR(uns_forecast_floor(&adaptive, 1e-3), 2.75e-4, 0.01);
    NEAR(uns_forecast_floor(&plain, 1e-6), 1e-6 * 1.01 / 4.0, 1e-6);
    NEAR(plain.trace, 1.01, 1e-15);
    NEAR(adaptive.trace, 1.1, 1e-15);
}

Test(forecast, mean_and_deviation_follow_from_the_growth) {
    uns_modes m = modes_at(-0.1, NULL);
    double other = uns_forecast_other(&m, 1e-3), rate = log1p(1e-4);
    double mean = uns_forecast_escape_mean(m.gamma, m.noise[0], 1e-3, drop, other);
    NEAR(mean - median_at(1e-3, NULL), 0.241 / rate, 1e-9);
    NEAR(uns_forecast_escape_deviation(m.gamma, 1e-3), 1.111 / rate, 1e-12);
}

/* The definition: at T the standard deviation along w times z_q is R. */
Test(forecast, quantiles_solve_the_variance_equation) {
    for (double q = 0.05; q < 1.0; q += 0.15) {
        double eta = 2e-3, gamma = 0.3, s2 = 0.7, other = 1e-4;
        double t = uns_forecast_escape(gamma, s2, eta, 0.05, other, q), a = 1.0 + eta * gamma;
        double variance = eta * eta * s2 * (pow(a, 2.0 * t) - 1.0) / (a * a - 1.0);
        NEAR(variance * pow(uns_normal_quantile(1.0 - q / 2.0), 2.0), 2.0 * 0.0501 / gamma,
             1e-9);
    }
}

/* By definition again: with mean m·a^T and that variance, q of the mass lies beyond R. */
Test(forecast, quantiles_off_the_saddle_solve_their_equation) {
    for (double offset = 0.0; offset < 0.9; offset += 0.2)
        for (double q = 0.05; q < 1.0; q += 0.3) {
            double eta = 2e-3, gamma = 0.3, s2 = 0.7, other = 1e-4, a = 1.0 + eta * gamma;
            double t = uns_forecast_escape_from(gamma, s2, eta, 0.05, other, offset, q);
            double r = sqrt(offset * offset + 2.0 * 0.0501 / gamma), m = offset * pow(a, t);
            double sigma = eta * sqrt(s2 * (pow(a, 2.0 * t) - 1.0) / (a * a - 1.0));
            double share = 0.5 * (erfc((r - m) / (sigma * sqrt(2.0))) +
                                  erfc((r + m) / (sigma * sqrt(2.0))));
            cr_expect_float_eq(share, q, 1e-9, "%g at %g: %g", q, offset, share);
            if (offset == 0.0)
                NEAR(t, uns_forecast_escape(gamma, s2, eta, 0.05, other, q), 1e-9);
        }
    /* far off the noise counts for nothing: R = m·a^T */
    double far = uns_forecast_escape_from(0.1, 1e-12, 1e-3, 1.0, 0.0, 2.0, 0.5);
    NEAR(far, log(sqrt(4.0 + 20.0) / 2.0) / log1p(1e-4), 1e-6);
    cr_expect(isnan(uns_forecast_escape_from(0.1, 1.0, 1e-3, 1.0, 0.0, -1.0, 0.5)));
    cr_expect(isnan(uns_forecast_escape_from(0.1, 1.0, 1e-3, 1.0, 0.0, NAN, 0.5)));
}

Test(forecast, nonsense_gives_nan) {
    cr_expect(isnan(uns_forecast_escape(-0.1, 1, 1e-3, 1, 0, 0.5)));
    cr_expect(isnan(uns_forecast_escape(0.1, 0, 1e-3, 1, 0, 0.5)));
    cr_expect(isnan(uns_forecast_escape(0.1, 1, 1e-3, -1, 0, 0.5)));
    cr_expect(isnan(uns_forecast_escape(0.1, 1, 1e-3, 1, 0, 1.0)));
    cr_expect(isnan(uns_forecast_escape(NAN, 1, 1e-3, 1, 0, 0.5)));
    cr_expect(isnan(uns_forecast_escape_deviation(0.0, 1e-3)));
    uns_modes saddle = modes_at(-0.1, NULL), steep = modes_at(0.8, NULL);
    cr_expect(isnan(uns_forecast_floor(&saddle, 1e-3)));
    cr_expect(isnan(uns_forecast_floor(&steep, 2.1)));
}

Test(forecast, delay_is_quadratic_for_small_and_linear_for_large_q) {
    NEAR(uns_forecast_delay(0.1, 1e-2, 1e-3), 1e-6 / 4e-3, 1e-5);
    NEAR(uns_forecast_delay(0.1, 1e-2, 1e6), 1e6 * 1e3, 1e-4);
    double root = sqrt(1.0 + 1.83 * 1.83);
    NEAR(uns_forecast_delay(1, 1, 1.83), root - 1.0 - log((1.0 + root) / 2.0), 1e-12);
}

Test(forecast, every_broken_condition_is_told) {
    uns_modes m = modes_at(-0.1, NULL), two = modes_at(-0.1, NULL);
    cr_expect_eq(uns_forecast_doubts(&m, 1e-3, drop), 0);
    cr_expect_eq(uns_forecast_doubts(&m, 1e-3, 7.4e-5) & UNS_DOUBT_SMALL_DROP,
                 UNS_DOUBT_SMALL_DROP);
    cr_expect_eq(uns_forecast_doubts(&m, 1e-2, drop), UNS_DOUBT_OTHER_MODES);
    cr_expect_eq(uns_forecast_doubts(&m, 0.51, 1.0), UNS_DOUBT_LARGE_STEP);
    two.curvature[1] = -0.06;
    cr_expect_eq(uns_forecast_doubts(&two, 1e-3, drop), UNS_DOUBT_SECOND_WAY);
    two = modes_at(0.8, NULL);
    cr_expect_eq(uns_forecast_doubts(&two, 1e-3, drop), UNS_DOUBT_NO_SADDLE);
}

/* A rotation of x changes neither spectrum nor noise along the modes. */
Test(forecast, rotated_saddles_have_the_same_modes) {
    double c = 0.6, s = 0.8, b[2] = {1.0, -0.1}, v[2] = {1.0, 0.01}, h[4], n[4];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            double q[2][2] = {{c, s}, {-s, c}}; /* rows: the modes */
            h[2 * i + j] = b[0] * q[0][i] * q[0][j] + b[1] * q[1][i] * q[1][j];
            n[2 * i + j] = v[0] * q[0][i] * q[0][j] + v[1] * q[1][i] * q[1][j];
        }
    uns_modes m;
    cr_assert_eq(uns_forecast_modes(context, 2, h, n, NULL, &m), UNS_OK);
    NEAR(m.gamma, 0.1, 1e-13);
    NEAR(m.noise[0], 0.01, 1e-12);
    NEAR(m.noise[1], 1.0, 1e-13);
    NEAR(m.trace, 1.01, 1e-13);
    NEAR(fabs(m.direction[0]), s, 1e-13);
}

Test(forecast, bad_input_is_refused_with_a_reason) {
    const double hessian[4] = {1.0, 0.0, NAN, 1.0}, zero[2] = {1.0, 0.0};
    uns_modes m;
    cr_expect_eq(uns_forecast_modes(context, 2, hessian, noise, NULL, &m), UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_forecast_modes(context, 2, noise, noise, zero, &m), UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_forecast_modes(context, 65, noise, noise, NULL, &m), UNS_ERROR_ARGUMENT);
    cr_expect_str_not_empty(uns_context_message(context));
}

/* Fields that the forecasts read. */
static uns_spec spec_with(int momentum, double eta, double mu) {
    uns_spec spec = {.eta = eta, .momentum = momentum, .mu = mu};
    return spec;
}

Test(forecast, momentum_of_zero_changes_nothing) {
    uns_modes m = modes_at(-0.1, NULL), low = modes_at(0.8, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_HEAVY, 1e-3, 0.0);
    NEAR(uns_forecast_spec_escape(&spec, &m, drop, 0.5, 1000000), median_at(1e-3, NULL), 1e-5);
    NEAR(uns_forecast_spec_floor(&spec, &low, 1000), uns_forecast_floor(&low, 1e-3), 1e-12);
}

Test(forecast, heavy_ball_acts_as_a_larger_step) {
    uns_modes m = modes_at(-0.1, NULL), low = modes_at(0.8, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_HEAVY, 1e-4, 0.9);
    NEAR(uns_forecast_spec_eta(&spec, 1000), 1e-3, 1e-12);
    NEAR(uns_forecast_spec_escape(&spec, &m, drop, 0.5, 1000000), median_at(1e-3, NULL), 2e-3);
    double floor = 0.0, eta = 1e-3;
    for (int i = 0; i < 2; i++)
        floor += eta * low.noise[i] / (4.0 * (1.0 - 1e-4 * low.curvature[i] / (2.0 * 1.9)));
    NEAR(uns_forecast_spec_floor(&spec, &low, 1000), floor, 1e-9);
}

Test(forecast, averaged_momentum_keeps_the_step) {
    uns_modes m = modes_at(-0.1, NULL), low = modes_at(0.8, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_EMA, 1e-3, 0.9);
    NEAR(uns_forecast_spec_eta(&spec, 1000), 1e-3, 1e-12);
    NEAR(uns_forecast_spec_escape(&spec, &m, drop, 0.5, 1000000), median_at(1e-3, NULL), 1e-2);
    double floor = 0.0, eta = 1e-3;
    for (int i = 0; i < 2; i++)
        floor += eta * low.noise[i] / (4.0 * (1.0 - 1e-4 * low.curvature[i] / (2.0 * 1.9)));
    NEAR(uns_forecast_spec_floor(&spec, &low, 1000), floor, 1e-9);
}

/* In the long run Nadam's two terms weigh the gradient by μ_{t+1} + (1 − μ_t) in all. */
Test(forecast, nadam_keeps_the_step) {
    uns_modes low = modes_at(0.8, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_NADAM, 1e-3, 0.9);
    spec.nadam_psi = 4e-3;
    NEAR(uns_forecast_spec_eta(&spec, 100000), 1e-3, 1e-4);
    NEAR(uns_forecast_spec_floor(&spec, &low, 100000), uns_forecast_floor(&low, 1e-3), 2e-3);
}

/* Nesterov written as in the books, its covariance iterated until it stands still. */
Test(forecast, nesterov_floor_is_the_stationary_covariance) {
    uns_modes low = modes_at(0.8, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_NESTEROV, 1e-2, 0.5);
    double floor = 0.0;
    for (int i = 0; i < 2; i++) {
        double b = low.curvature[i], e = 1e-2, mu = 0.5, xx = 0, xv = 0, vv = 0;
        for (int t = 0; t < 20000; t++) {
            /* v ← μv + g, x ← x − e(g + μv), g = bx + ξ */
            double v2 = mu * mu * vv + 2 * mu * b * xv + b * b * xx + low.noise[i];
            double p = 1 - e * b - e * mu * b, q = -e * mu * mu, r = -e * (1 + mu);
            double x2 = p * p * xx + 2 * p * q * xv + q * q * vv + r * r * low.noise[i];
            double c = p * b * xx + (p * mu + q * b) * xv + q * mu * vv + r * low.noise[i];
            xx = x2;
            xv = c;
            vv = v2;
        }
        floor += 0.5 * b * xx;
    }
    NEAR(uns_forecast_spec_floor(&spec, &low, 1000), floor, 1e-9);
}

Test(forecast, larger_steps_shorten_the_escape) {
    uns_modes m = modes_at(-0.1, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_NONE, 1e-3, 0.0);
    spec.larger_step = 0.02;
    spec.larger_step_every = 100;
    double median = uns_forecast_spec_escape(&spec, &m, drop, 0.5, 1000000);
    cr_expect(median < 0.9 * median_at(1e-3, NULL) && median > 0.5 * median_at(1e-3, NULL));
    spec.larger_step = 1e-3;
    NEAR(uns_forecast_spec_escape(&spec, &m, drop, 0.5, 1000000), median_at(1e-3, NULL), 1e-5);
    cr_expect(isnan(uns_forecast_spec_floor(&spec, &m, 1000)));
}

Test(forecast, escapes_beyond_the_limit_are_nan) {
    uns_modes m = modes_at(-0.1, NULL);
    uns_spec spec = spec_with(UNS_MOMENTUM_HEAVY, 1e-3, 0.0);
    cr_expect(isnan(uns_forecast_spec_escape(&spec, &m, drop, 0.5, 1000)));
}

Test(jacobi, eigenpairs_of_a_random_matrix_have_no_residual) {
    enum {
        N = 64
    };
    static double a[N * N], work[N * N], vectors[N * N];
    double values[N], draws[N * (N + 1) / 2];
    uns_key key = {3, 0, 0, UNS_STREAM_USER};
    uns_random_normal(key, 0, N * (N + 1) / 2, draws);
    for (size_t i = 0, k = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * N + j] = a[j * N + i] = work[i * N + j] = work[j * N + i] = draws[k++];
    uns_eigen_symmetric(N, work, values, vectors);
    for (size_t k = 0; k < N; k++) {
        cr_expect(k == 0 || values[k - 1] <= values[k]);
        for (size_t i = 0; i < N; i++) {
            double residual = -values[k] * vectors[k * N + i], overlap = 0.0;
            for (size_t j = 0; j < N; j++) {
                residual += a[i * N + j] * vectors[k * N + j];
                overlap += vectors[i * N + j] * vectors[k * N + j];
            }
            cr_expect(fabs(residual) < 1e-12, "%g", residual);
            cr_expect(fabs(overlap - (i == k)) < 1e-13, "%g", overlap);
        }
    }
}

Test(jacobi, normal_quantiles_are_those_of_the_tables) {
    NEAR(uns_normal_quantile(0.75), 0.67448975019608174, 1e-15);
    NEAR(uns_normal_quantile(0.975), 1.959963984540054, 1e-15);
    NEAR(uns_normal_quantile(1e-10), -6.361340902404056, 1e-14);
    NEAR(uns_normal_quantile(1e-300), -37.0471, 1e-5);
    cr_expect_eq(uns_normal_quantile(0.5), 0.0);
    cr_expect(isinf(uns_normal_quantile(0.0)) && isnan(uns_normal_quantile(1.5)));
}
