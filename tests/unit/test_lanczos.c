/* SPDX-License-Identifier: MIT
 * Lanczos and what it stands on: the law of a random start, tridiagonal eigenpairs, the lower
 * bound of λ_min, eigenpairs with and without restarts.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "la/extreme.h"
#include "la/lower_bound.h"
#include "la/sphere.h"
#include "la/tridiagonal.h"

enum {
    ROOM = 400
};

/* diag(λ), with one rank-one term 1·1ᵀ·c/d to make it dense. fail_at: product that fails. */
typedef struct matrix {
    size_t d;
    double lambda[ROOM], c;
    long products, fail_at;
    bool poison; /* fail by NaN instead of a status */
} matrix;

static uns_status product(void *self, const double *v, double *out) {
    matrix *m = self;
    double sum = 0.0;
    m->products++;
    if (m->products == m->fail_at && !m->poison)
        return UNS_ERROR_UNAVAILABLE;
    for (size_t i = 0; i < m->d; i++)
        sum += v[i];
    for (size_t i = 0; i < m->d; i++)
        out[i] = m->lambda[i] * v[i] + m->c * sum / (double)m->d;
    if (m->products == m->fail_at)
        out[m->d / 2] = NAN;
    return UNS_OK;
}

static uns_operator operator_of(matrix *m) {
    return (uns_operator){sizeof(uns_operator), m->d, m, product, UNS_RUNG_EXACT, 0.0};
}

static void fill_evenly(matrix *m, size_t d, double low, double high) {
    *m = (matrix){.d = d};
    for (size_t i = 0; i < d; i++)
        m->lambda[i] = low + (high - low) * (double)i / (double)(d - 1);
}

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_open(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

static const uns_key key = {7, 0, 0, UNS_STREAM_CURVATURE};

static bool near(double value, double expected, double relative) {
    return fabs(value - expected) <= relative * fabs(expected);
}

/* Made once by mpmath with 30 digits, from the density and the regularised incomplete beta. */
Test(sphere, quantiles_agree_with_a_multiprecision_reference) {
    static const struct {
        size_t d;
        double p, t;
    } table[] = {
        {2, 0.1, 0.15643446504023088},           {4, 0.001, 0.00078539824414299289},
        {7, 0.5, 0.28112767042070582},           {10, 0.9, 0.52140436474283315},
        {16, 0.998, 0.69395944574594415},        {40, 0.5, 0.10837829977520447},
        {50, 0.01, 0.0017996520728766478},       {255, 0.1, 0.0078923355367630367},
        {256, 0.1, 0.007876815246931596},        {257, 0.001, 7.840868738232774e-5},
        {5000, 0.001, 1.7727202383419023e-5},    {100000, 1e-6, 3.9633570228714187e-9},
        {10000000, 0.01, 3.9634313602186954e-6}, {10000000, 1e-12, 3.9633275948555892e-16},
        {1000000000, 0.1, 3.9737607020293401e-6}};
    for (size_t i = 0; i < UNS_COUNT_OF(table); i++) {
        double t = uns_sphere_quantile(table[i].d, table[i].p);
        cr_expect(near(t, table[i].t, 3e-14), "d %zu p %g: %.17g, not %.17g", table[i].d,
                  table[i].p, t, table[i].t);
    }
}

Test(sphere, small_dimensions_have_their_closed_forms) {
    cr_expect_eq(uns_sphere_quantile(1, 0.1), 1.0);
    for (double p = 1e-12; p < 0.99; p = p < 0.01 ? 10.0 * p : p + 0.1) {
        cr_expect(near(uns_sphere_quantile(2, p), sin(p * acos(0.0)), 1e-14), "d 2, p %g", p);
        cr_expect(near(uns_sphere_quantile(3, p), p, 1e-14), "d 3, p %g", p);
    }
}

Test(sphere, student_quantiles_agree_with_a_multiprecision_reference) {
    cr_expect(near(uns_student_quantile(1, 0.75), 1.0, 1e-13));
    cr_expect(near(uns_student_quantile(2, 0.9), 1.8856180831641267, 1e-13));
    cr_expect(near(uns_student_quantile(7, 0.999), 4.7852896286383333, 1e-13));
    cr_expect(near(uns_student_quantile(31, 0.999), 3.3748992804233019, 1e-13));
    cr_expect(near(uns_student_quantile(10, 0.025), -2.2281388519862748, 1e-13));
    cr_expect_eq(uns_student_quantile(5, 0.5), 0.0);
}

Test(tridiagonal, eigenvalues_of_the_second_difference_are_known) {
    double alpha[100], beta[100], pi = 2.0 * acos(0.0);
    for (size_t i = 0; i < 100; i++)
        alpha[i] = 2.0, beta[i] = 1.0;
    for (size_t i = 0; i < 100; i++) {
        double s = sin(0.5 * pi * (double)(i + 1) / 101.0), value = 4.0 * s * s;
        cr_expect(fabs(uns_tridiagonal_value(100, alpha, beta, i) - value) < 2e-15);
        cr_expect_eq(uns_tridiagonal_below(100, alpha, beta, value + 1e-9), i + 1);
    }
}

/* Entries of T over 30 magnitudes, or alike, or with links so weak that T falls apart. */
static void draw_tridiagonal(uint32_t number, size_t k, double *alpha, double *beta) {
    uns_key own = {number, 1, 0, UNS_STREAM_USER};
    uns_random_normal(own, 0, (uint32_t)k, alpha);
    own.step++;
    uns_random_normal(own, 0, (uint32_t)k, beta);
    for (size_t i = 0; i < k; i++) {
        double power = (double)i * (number % 3 == 1 ? 1.0 : number % 3 == 2 ? -1.0 : 0.0);
        alpha[i] *= pow(10.0, power);
        beta[i] = fabs(beta[i]) * pow(10.0, number % 5 == 0 ? -200.0 : power);
    }
}

Test(tridiagonal, ends_are_right_by_the_sturm_count_whatever_the_grading) {
    double alpha[30], beta[30];
    for (uint32_t number = 0; number < 600; number++) {
        size_t k = 1 + number % 30;
        draw_tridiagonal(number, k, alpha, beta);
        double norm = uns_tridiagonal_norm(k, alpha, beta), reach = 4.0 * DBL_EPSILON * norm;
        double low = uns_tridiagonal_value(k, alpha, beta, 0);
        double high = uns_tridiagonal_value(k, alpha, beta, k - 1);
        cr_expect_eq(uns_tridiagonal_below(k, alpha, beta, low - reach), 0, "%u", number);
        cr_expect_geq(uns_tridiagonal_below(k, alpha, beta, low + reach), 1, "%u", number);
        cr_expect_lt(uns_tridiagonal_below(k, alpha, beta, high - reach), k, "%u", number);
        cr_expect_eq(uns_tridiagonal_below(k, alpha, beta, high + reach), k, "%u", number);
    }
}

Test(tridiagonal, vectors_of_a_pair_as_close_as_rounding_are_orthogonal) {
    enum {
        N = 21
    }; /* Wilkinson's W21+: its two largest eigenvalues differ by 7e-14 */
    double alpha[N], beta[N], rows[2 * N], work[5 * N], along = 0.0;
    for (size_t i = 0; i < N; i++)
        alpha[i] = fabs((double)i - 10.0), beta[i] = 1.0;
    for (size_t i = 0; i < 2; i++) {
        double value = uns_tridiagonal_value(N, alpha, beta, N - 1 - i), residual = 0.0;
        uns_tridiagonal_vector(N, alpha, beta, value, i, rows, rows + i * N, work);
        for (size_t j = 0; j < N; j++) {
            const double *v = rows + i * N;
            double left = j > 0 ? v[j - 1] : 0.0, right = j + 1 < N ? v[j + 1] : 0.0;
            residual += pow(left + (alpha[j] - value) * v[j] + right, 2.0);
        }
        cr_expect_lt(sqrt(residual), 1e-13);
    }
    for (size_t j = 0; j < N; j++)
        along += rows[j] * rows[N + j];
    cr_expect_lt(fabs(along), 1e-14);
}

Test(tridiagonal, one_by_one_and_zero_are_matrices_too) {
    double alpha[2] = {-3.0, 0.0}, beta[2] = {0.0, 0.0}, vector[1], work[5];
    cr_expect_eq(uns_tridiagonal_value(1, alpha, beta, 0), -3.0);
    uns_tridiagonal_vector(1, alpha, beta, -3.0, 0, NULL, vector, work);
    cr_expect_eq(fabs(vector[0]), 1.0);
    cr_expect_eq(uns_tridiagonal_value(1, alpha + 1, beta, 0), 0.0);
}

/* λ_min >= the root with t = |vᵀb| exactly, for every k: no probability in it. */
Test(lower_bound, holds_for_every_k_when_the_start_is_known, .init = open_context,
     .fini = close_context) {
    matrix m;
    uns_lanczos l;
    double start[60];
    for (uint32_t seed = 0; seed < 20; seed++) {
        fill_evenly(&m, 60, -1.0, 2.0);
        m.lambda[0] = -1.3;
        uns_operator op = operator_of(&m);
        cr_assert_eq(uns_lanczos_open(context, &op, 60, &l), UNS_OK);
        uns_random_normal((uns_key){seed, 0, 0, UNS_STREAM_USER}, 0, 60, start);
        cr_assert_eq(uns_lanczos_begin(&l, start, key), UNS_OK);
        double t = fabs(l.basis.vectors[0][0]), before = -INFINITY;
        while (!l.exhausted) {
            cr_assert_eq(uns_lanczos_step(&l), UNS_OK);
            double low = uns_christoffel_root(l.steps, l.alpha, l.beta, 1.0 / (t * t));
            cr_expect_leq(low, -1.3 + 1e-12, "seed %u, k %zu: %.17g", seed, l.steps, low);
            cr_expect_geq(low, before - 1e-12, "the bound only rises");
            before = low;
        }
        cr_expect_gt(before, -1.3 - 1e-9, "exhausted, it is exact");
        uns_lanczos_close(&l);
    }
}

Test(lower_bound, is_reached_within_the_budget_from_every_start, .init = open_context,
     .fini = close_context) {
    matrix m;
    uns_lanczos l;
    for (uint32_t seed = 0; seed < 10; seed++) {
        fill_evenly(&m, ROOM, 0.0, 1.0);
        uns_operator op = operator_of(&m);
        uns_key start = {seed, 0, 0, UNS_STREAM_USER};
        double t = 1e-6, ratio = 0.003 * (seed + 1.0);
        int64_t budget = uns_christoffel_budget(t, ratio);
        cr_assert_eq(uns_lanczos_open(context, &op, ROOM, &l), UNS_OK);
        cr_assert_eq(uns_lanczos_begin(&l, NULL, start), UNS_OK);
        while ((int64_t)l.steps < budget && !l.exhausted)
            cr_assert_eq(uns_lanczos_step(&l), UNS_OK);
        cr_expect_geq(uns_christoffel_sum(l.steps, l.alpha, l.beta, -ratio), 1.0 / (t * t));
        uns_lanczos_close(&l);
    }
}

Test(lower_bound, budget_is_where_the_chebyshev_polynomial_reaches_1_over_t) {
    for (double t = 0.5; t > 1e-12; t *= 0.1)
        for (double ratio = 1.0; ratio > 1e-8; ratio *= 0.1) {
            double k = (double)uns_christoffel_budget(t, ratio), y = acosh(1.0 + 2.0 * ratio);
            cr_expect_geq(cosh(k * y), (1.0 - 1e-7) / t, "t %g ratio %g", t, ratio);
            cr_expect_lt(cosh((k - 1.0) * y), (1.0 + 1e-7) / t, "t %g ratio %g", t, ratio);
        }
    cr_expect_eq(uns_christoffel_budget(1.0, 0.1), 1);
    cr_expect_eq(uns_christoffel_budget(1e-6, INFINITY), 1, "no spread, one product");
    cr_expect_eq(uns_christoffel_budget(1e-6, 1e-60), INT64_C(9007199254740992));
}

/* So the bound is as good as any that goes by |vᵀb|: T_{k+1} with the one last entry that makes
 * x an eigenvalue is what an operator with that mass at x has. */
Test(lower_bound, an_operator_with_the_same_run_has_that_mass_there) {
    enum {
        K = 6
    };
    for (uint32_t number = 3; number < 60; number += 3) {
        double alpha[K + 1], beta[K + 1], vector[K + 1], work[5 * (K + 1)], pivot = 1.0;
        if (number % 5 == 0)
            continue;
        draw_tridiagonal(number, K, alpha, beta);
        double x = uns_tridiagonal_value(K, alpha, beta, 0) - 0.05 * number;
        double mass = 1.0 / uns_christoffel_sum(K, alpha, beta, x);
        for (size_t i = 0; i < K; i++)
            pivot = (alpha[i] - x) - (i > 0 ? beta[i - 1] * beta[i - 1] / pivot : 0.0);
        alpha[K] = x + beta[K - 1] * beta[K - 1] / pivot;
        cr_expect_float_eq(uns_tridiagonal_value(K + 1, alpha, beta, 0), x, 1e-12);
        uns_tridiagonal_vector(K + 1, alpha, beta, x, 0, NULL, vector, work);
        cr_expect(near(vector[0] * vector[0], mass, 1e-9), "%g, not %g", vector[0] * vector[0],
                  mass);
    }
}

Test(lower_bound, says_nothing_above_the_smallest_ritz_value) {
    double alpha[2] = {1.0, 2.0}, beta[2] = {0.5, 0.1};
    double value = uns_tridiagonal_value(2, alpha, beta, 0);
    cr_expect_eq(uns_christoffel_sum(2, alpha, beta, value + 1e-12), 0.0);
    cr_expect_gt(uns_christoffel_sum(2, alpha, beta, value - 1e-12), 1.0);
    beta[1] = 0.0;
    cr_expect(isinf(uns_christoffel_sum(2, alpha, beta, 0.0)));
}

static double worst_overlap(const uns_basis *basis, size_t count) {
    double worst = 0.0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) {
            double dot =
                basis->kernels->dot(basis->dimension, basis->vectors[i], basis->vectors[j]);
            worst = fmax(worst, fabs(dot - (i == j ? 1.0 : 0.0)));
        }
    return worst;
}

Test(lanczos, basis_stays_orthonormal_to_the_end, .init = open_context, .fini = close_context) {
    matrix m;
    uns_lanczos l;
    fill_evenly(&m, 200, 1e-3, 1.0);
    m.lambda[199] = 1e6; /* its Ritz value converges at once: the three-term basis is lost */
    uns_operator op = operator_of(&m);
    cr_assert_eq(uns_lanczos_open(context, &op, 200, &l), UNS_OK);
    cr_assert_eq(uns_lanczos_begin(&l, NULL, key), UNS_OK);
    while (!l.exhausted)
        cr_assert_eq(uns_lanczos_step(&l), UNS_OK);
    cr_expect(l.full);
    cr_expect_lt(worst_overlap(&l.basis, l.steps), 1e-13);
    uns_lanczos_close(&l);
}

Test(lanczos, space_is_exhausted_after_as_many_steps_as_distinct_eigenvalues,
     .init = open_context, .fini = close_context) {
    matrix m;
    uns_lanczos l;
    fill_evenly(&m, 300, 0.0, 1.0);
    for (size_t i = 0; i < 300; i++)
        m.lambda[i] = (double)(i % 5);
    uns_operator op = operator_of(&m);
    cr_assert_eq(uns_lanczos_open(context, &op, 300, &l), UNS_OK);
    cr_assert_eq(uns_lanczos_begin(&l, NULL, key), UNS_OK);
    while (!l.exhausted)
        cr_assert_eq(uns_lanczos_step(&l), UNS_OK);
    cr_expect_eq(l.steps, 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect(fabs(uns_tridiagonal_value(5, l.alpha, l.beta, i) - (double)i) < 1e-13);
    uns_lanczos_close(&l);
}

Test(lanczos, two_runs_in_turns_are_the_same_bits_as_alone, .init = open_context,
     .fini = close_context) {
    matrix m[2];
    uns_lanczos l[3];
    fill_evenly(&m[0], 50, 0.0, 1.0);
    fill_evenly(&m[1], 70, -1.0, 1.0);
    uns_operator op[2] = {operator_of(&m[0]), operator_of(&m[1])};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(uns_lanczos_open(context, &op[i % 2], 40, &l[i]), UNS_OK);
        cr_assert_eq(uns_lanczos_begin(&l[i], NULL, key), UNS_OK);
    }
    for (int step = 0; step < 30; step++)
        cr_assert(uns_lanczos_step(&l[0]) == UNS_OK && uns_lanczos_step(&l[1]) == UNS_OK);
    for (int step = 0; step < 30; step++)
        cr_assert_eq(uns_lanczos_step(&l[2]), UNS_OK);
    cr_expect_eq(memcmp(l[0].alpha, l[2].alpha, 30 * sizeof(double)), 0);
    cr_expect_eq(memcmp(l[0].beta, l[2].beta, 30 * sizeof(double)), 0);
    for (int i = 0; i < 3; i++)
        uns_lanczos_close(&l[i]);
}

Test(lanczos, vectors_beyond_the_basis_are_made_again, .init = open_context,
     .fini = close_context) {
    matrix m;
    uns_lanczos full, small;
    double value[2], v[2][120];
    fill_evenly(&m, 120, 0.0, 1.0);
    m.lambda[0] = -0.2;
    uns_operator op = operator_of(&m);
    cr_assert_eq(uns_lanczos_open(context, &op, 120, &full), UNS_OK);
    cr_assert_eq(uns_lanczos_open(context, &op, 1, &small), UNS_OK);
    cr_assert_eq(uns_lanczos_begin(&full, NULL, key), UNS_OK);
    cr_assert_eq(uns_lanczos_begin(&small, NULL, key), UNS_OK);
    for (int step = 0; step < 12; step++)
        cr_assert(uns_lanczos_step(&full) == UNS_OK && uns_lanczos_step(&small) == UNS_OK);
    cr_expect(full.full && !small.full);
    cr_assert_eq(uns_lanczos_lowest(&full, &value[0], v[0]), UNS_OK);
    cr_assert_eq(uns_lanczos_lowest(&small, &value[1], v[1]), UNS_OK);
    cr_expect_eq(small.products, 12 + 11);
    cr_expect(fabs(value[0] - value[1]) < 1e-12);
    double sign = v[0][0] * v[1][0] > 0.0 ? 1.0 : -1.0, apart = 0.0;
    for (size_t i = 0; i < 120; i++)
        apart = fmax(apart, fabs(v[0][i] - sign * v[1][i]));
    cr_expect_lt(apart, 1e-9);
    cr_assert(uns_lanczos_step(&full) == UNS_OK && uns_lanczos_step(&small) == UNS_OK);
    cr_expect(fabs(full.alpha[12] - small.alpha[12]) < 1e-9, "the run goes on from there");
    uns_lanczos_close(&full);
    uns_lanczos_close(&small);
}

Test(lanczos, failing_and_poisoned_products_end_it_with_their_status, .init = open_context,
     .fini = close_context) {
    matrix m;
    uns_lanczos l;
    for (int poison = 0; poison < 2; poison++) {
        fill_evenly(&m, 20, 0.0, 1.0);
        m.fail_at = 3;
        m.poison = poison;
        uns_operator op = operator_of(&m);
        cr_assert_eq(uns_lanczos_open(context, &op, 20, &l), UNS_OK);
        cr_assert_eq(uns_lanczos_begin(&l, NULL, key), UNS_OK);
        cr_expect_eq(uns_lanczos_step(&l), UNS_OK);
        cr_expect_eq(uns_lanczos_step(&l), UNS_OK);
        cr_expect_eq(uns_lanczos_step(&l), poison ? UNS_ERROR_CALLBACK : UNS_ERROR_UNAVAILABLE);
        cr_expect(strstr(uns_context_message(context), poison ? "finite" : "not available"));
        uns_lanczos_close(&l);
    }
}

/* ‖Hv − θv‖ */
static double residual_of(matrix *m, double value, const double *v) {
    double out[ROOM], sum = 0.0;
    cr_assert_eq(product(m, v, out), UNS_OK);
    for (size_t i = 0; i < m->d; i++)
        sum += (out[i] - value * v[i]) * (out[i] - value * v[i]);
    return sqrt(sum);
}

static void check_extremes(matrix *m, size_t basis) {
    double values[5], residuals[5], vectors[5 * ROOM];
    uns_operator op = operator_of(m);
    uns_extreme_plan plan = {3, 2, 1e-8, 5000, basis, NULL, key};
    uns_extremes found;
    cr_assert_eq(uns_lanczos_extremes(context, &op, &plan, values, residuals, vectors, &found),
                 UNS_OK);
    cr_expect(found.converged && found.found_smallest == 3 && found.found_largest == 2);
    for (size_t i = 0; i < 5; i++) {
        double residual = residual_of(m, values[i], vectors + i * m->d);
        cr_expect_lt(residual, 1.1e-8 * found.spread);
        cr_expect_lt(fabs(residual - residuals[i]), 1e-12 * found.spread, "it knows its own");
    }
    cr_expect(values[0] < values[1] && values[1] < values[2] && values[3] > values[4]);
    cr_expect_leq(found.bytes, (basis + 16) * 8 * ((m->d + 7) / 8 * 8));
}

Test(extremes, eigenpairs_at_both_ends_reach_their_residual, .init = open_context,
     .fini = close_context) {
    matrix m;
    fill_evenly(&m, ROOM, -1.0, 1.0);
    m.c = 0.3;
    check_extremes(&m, 5000);
    check_extremes(&m, 40);
    check_extremes(&m, 12);
}

Test(extremes, restarts_find_the_same_values, .init = open_context, .fini = close_context) {
    matrix m;
    double value[2], residual;
    uns_extremes found;
    fill_evenly(&m, 300, 0.0, 1.0);
    m.lambda[7] = -0.05;
    uns_operator op = operator_of(&m);
    for (int i = 0; i < 2; i++) {
        uns_extreme_plan plan = {1, 0, 1e-9, 3000, i ? 8 : 3000, NULL, key};
        cr_assert_eq(
            uns_lanczos_extremes(context, &op, &plan, &value[i], &residual, NULL, &found),
            UNS_OK);
        cr_expect(found.converged);
        cr_expect(fabs(value[i] - -0.05) < 1e-14);
    }
}

Test(extremes, multiple_eigenvalue_is_found_once, .init = open_context, .fini = close_context) {
    matrix m = {.d = 30};
    double values[3], residuals[3];
    uns_extremes found;
    for (size_t i = 0; i < 30; i++)
        m.lambda[i] = 2.5;
    uns_operator op = operator_of(&m);
    uns_extreme_plan plan = {2, 1, 1e-9, 100, 100, NULL, key};
    cr_assert_eq(uns_lanczos_extremes(context, &op, &plan, values, residuals, NULL, &found),
                 UNS_OK);
    cr_expect(found.converged && found.found_smallest == 1 && found.found_largest == 0);
    cr_expect(near(values[0], 2.5, 1e-15));
    cr_expect_eq(found.products, 1);
}

Test(extremes, budget_spent_is_said_and_no_error, .init = open_context, .fini = close_context) {
    matrix m;
    double value, residual;
    uns_extremes found;
    fill_evenly(&m, 300, 0.0, 1.0);
    uns_operator op = operator_of(&m);
    uns_extreme_plan plan = {1, 0, 1e-12, 17, 10, NULL, key};
    cr_assert_eq(uns_lanczos_extremes(context, &op, &plan, &value, &residual, NULL, &found),
                 UNS_OK);
    cr_expect(!found.converged);
    cr_expect_eq(found.products, 17);
    cr_expect_gt(value, 0.0);
}

Test(extremes, impossible_plans_are_refused, .init = open_context, .fini = close_context) {
    matrix m;
    double values[50], residuals[50];
    uns_extremes found;
    fill_evenly(&m, 20, 0.0, 1.0);
    uns_operator op = operator_of(&m);
    const uns_extreme_plan plans[] = {{0, 0, 1e-6, 100, 100, NULL, key},
                                      {11, 10, 1e-6, 100, 100, NULL, key},
                                      {1, 0, 0.0, 100, 100, NULL, key},
                                      {1, 0, 1e-6, 0, 100, NULL, key},
                                      {2, 2, 1e-6, 100, 6, NULL, key}};
    for (size_t i = 0; i < UNS_COUNT_OF(plans); i++)
        cr_expect_eq(
            uns_lanczos_extremes(context, &op, &plans[i], values, residuals, NULL, &found),
            UNS_ERROR_RANGE, "plan %zu", i);
}
