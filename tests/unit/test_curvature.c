/* SPDX-License-Identifier: MIT
 * Curvature: eigenpairs at both ends, multiple ones too, through a metric, and the density of a
 * spectrum by stochastic Lanczos quadrature.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/curvature.h>

#include "support/failing_memory.h"

enum {
    ROOM = 256
};

/* Λ behind two reflections; fail_at: the product that is not finite. */
typedef struct matrix {
    size_t d;
    double lambda[ROOM], u[2][ROOM];
    size_t products, fail_at;
} matrix;

static void reflect(size_t d, const double *u, double *v) {
    double along = 0.0, square = 0.0;
    for (size_t i = 0; i < d; i++) {
        along += u[i] * v[i];
        square += u[i] * u[i];
    }
    for (size_t i = 0; i < d; i++)
        v[i] -= 2.0 * along / square * u[i];
}

static uns_status product(void *self, const double *v, double *out) {
    matrix *m = self;
    memcpy(out, v, m->d * sizeof *v);
    reflect(m->d, m->u[0], out);
    reflect(m->d, m->u[1], out);
    for (size_t i = 0; i < m->d; i++)
        out[i] *= m->lambda[i];
    reflect(m->d, m->u[1], out);
    reflect(m->d, m->u[0], out);
    if (++m->products == m->fail_at)
        out[0] = NAN;
    return UNS_OK;
}

static matrix matrix_of(size_t d, double low, double high) {
    matrix m = {.d = d};
    for (size_t i = 0; i < d; i++) {
        m.lambda[i] = low + (high - low) * (double)i / (double)(d - 1);
        m.u[0][i] = sin(1.0 + (double)i);
        m.u[1][i] = cos(2.0 * (double)i);
    }
    return m;
}

static uns_operator operator_of(matrix *m) {
    return (uns_operator){sizeof(uns_operator), m->d, m, product, UNS_RUNG_EXACT, 0.0};
}

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(curvature, .init = open_context, .fini = close_context);

static void check_ends(size_t d, size_t products) {
    matrix m = matrix_of(d, -1.0, 4.0);
    m.lambda[1] = m.lambda[2] = m.lambda[0]; /* thrice */
    uns_operator op = operator_of(&m);
    uns_curvature_plan plan = {sizeof plan, 4, 2, products, 1e-9, 7};
    double values[6], residuals[6], *vectors = calloc(6 * d, sizeof *vectors), image[ROOM];
    const double expected[6] = {m.lambda[0], m.lambda[1],     m.lambda[2],
                                m.lambda[3], m.lambda[d - 1], m.lambda[d - 2]};
    uns_curvature found;
    cr_assert_eq(uns_curvature_find(context, &op, &plan, values, residuals, vectors, &found),
                 UNS_OK, "%s", uns_context_message(context));
    cr_assert_eq(found.smallest, 4);
    cr_assert_eq(found.largest, 2);
    cr_assert(found.converged);
    cr_assert_eq(found.whole, d <= UNS_CURVATURE_DENSE);
    cr_assert_eq(found.products, m.products);
    for (size_t i = 0; i < 6; i++) {
        double rest = 0.0;
        cr_assert_float_eq(values[i], expected[i], 1e-8, "%zu: %g", i, values[i]);
        cr_assert_eq(product(&m, vectors + i * d, image), UNS_OK);
        for (size_t k = 0; k < d; k++)
            rest += pow(image[k] - values[i] * vectors[i * d + k], 2.0);
        cr_assert_leq(sqrt(rest), 1e-6, "residual of %zu: %g", i, sqrt(rest));
    }
    free(vectors);
}

Test(curvature, ends_of_a_small_spectrum_are_exact) {
    check_ends(40, 100);
}

Test(curvature, multiple_eigenvalues_are_found_as_often_as_they_are) {
    check_ends(200, 600);
}

Test(curvature, budgets_are_kept_and_shortfalls_told) {
    matrix m = matrix_of(200, -1.0, 4.0);
    uns_operator op = operator_of(&m);
    uns_curvature_plan plan = {sizeof plan, 2, 1, 14, 1e-9, 7};
    double values[3], residuals[3];
    uns_curvature found;
    cr_assert_eq(uns_curvature_find(context, &op, &plan, values, residuals, NULL, &found), 0);
    cr_assert_not(found.converged);
    cr_assert_leq(found.products, 14);
    cr_assert_gt(values[0], -1.0);
    cr_assert_gt(residuals[0], 1e-6);
}

Test(curvature, a_metric_acts_from_both_sides) {
    enum {
        D = 24
    };
    static _Alignas(64) double work[2][D];
    matrix m = matrix_of(D, -1.0, 2.0);
    double scale[D], values[D], residuals[D], trace = 0.0, expected = 0.0, column[D];
    for (size_t i = 0; i < D; i++)
        scale[i] = 0.5 + 0.1 * (double)i;
    uns_diagonal diagonal = {D, scale};
    uns_operator h = operator_of(&m), s = uns_operator_diagonal(&diagonal);
    uns_sandwich sandwich = {&s, &h, scale[D - 1], {work[0], work[1]}};
    uns_operator b = uns_operator_sandwich(&sandwich);
    uns_curvature_plan plan = {sizeof plan, D, 0, 4 * D, 1e-9, 1};
    uns_curvature found;
    cr_assert_eq(uns_curvature_find(context, &b, &plan, values, residuals, NULL, &found), 0);
    for (size_t i = 0; i < D; i++) {
        double unit[D] = {0.0};
        unit[i] = 1.0;
        cr_assert_eq(product(&m, unit, column), UNS_OK);
        expected += scale[i] * scale[i] * column[i];
        trace += values[i];
    }
    cr_assert_float_eq(trace, expected, 1e-12); /* tr SHS = Σ s_i²H_ii */
}

Test(curvature, density_has_the_moments_and_the_shares_of_the_spectrum) {
    matrix m = matrix_of(200, -1.0, 3.0);
    uns_operator op = operator_of(&m);
    uns_density *density;
    double low, high;
    cr_assert_eq(uns_density_create(context, &op, 24, 40, 3, &density), UNS_OK);
    cr_assert_eq(m.products, 24 * 40);
    for (unsigned power = 1; power <= 4; power++) {
        double exact = 0.0;
        for (size_t i = 0; i < m.d; i++)
            exact += pow(m.lambda[i], power) / (double)m.d;
        uns_measured moment = uns_density_moment(density, power);
        cr_assert_leq(fabs(moment.value - exact), 4.0 * moment.error, "moment %u", power);
        cr_assert_lt(moment.error, 0.1 * exact);
    }
    for (double x = -0.5; x < 3.0; x += 0.5) {
        uns_measured share = uns_density_below(density, x);
        cr_assert_float_eq(share.value, (x + 1.0) / 4.0, 0.04, "below %g: %g", x, share.value);
    }
    uns_density_range(density, &low, &high);
    cr_assert(low > -1.001 && low < -0.9 && high > 2.9 && high < 3.001);
    uns_density_destroy(density);
}

/* Over many densities of one probe each: the mean of the squared error against what the error
 * bars of several probes say. */
Test(curvature, density_is_unbiased_and_its_errors_are_honest) {
    enum {
        TRIALS = 200
    };
    matrix m = matrix_of(60, -0.5, 1.0);
    uns_operator op = operator_of(&m);
    double sum = 0.0, claimed = 0.0, squares = 0.0, exact = 0.25;
    for (uint64_t seed = 0; seed < TRIALS; seed++) {
        uns_density *density;
        cr_assert_eq(uns_density_create(context, &op, 8, 6, seed, &density), UNS_OK);
        uns_measured mean = uns_density_moment(density, 1);
        sum += mean.value - exact;
        squares += (mean.value - exact) * (mean.value - exact);
        claimed += mean.error * mean.error;
        uns_density_destroy(density);
    }
    cr_assert_leq(fabs(sum / TRIALS), 4.0 * sqrt(squares) / TRIALS);
    cr_assert(claimed / squares > 0.8 && claimed / squares < 1.25, "%g", claimed / squares);
}

Test(curvature, density_of_known_eigenvalues_has_no_error) {
    const double values[4] = {-1.0, 0.0, 0.0, 2.0};
    uns_density *density;
    cr_assert_eq(uns_density_of(context, 4, values, &density), UNS_OK);
    cr_assert_eq(uns_density_below(density, 0.0).value, 0.25);
    cr_assert_eq(uns_density_below(density, 1.0).value, 0.75);
    cr_assert_eq(uns_density_moment(density, 2).value, 1.25);
    uns_density_destroy(density);
}

Test(curvature, bad_requests_are_refused_with_a_reason) {
    matrix m = matrix_of(10, -1.0, 1.0);
    uns_operator op = operator_of(&m);
    double values[20], residuals[20];
    uns_curvature found;
    uns_density *density;
    uns_curvature_plan plan = {sizeof plan, 0, 0, 100, 1e-9, 1};
    cr_assert_eq(uns_curvature_find(context, &op, &plan, values, residuals, NULL, &found),
                 UNS_ERROR_ARGUMENT);
    plan.smallest = 11;
    cr_assert_eq(uns_curvature_find(context, &op, &plan, values, residuals, NULL, &found),
                 UNS_ERROR_ARGUMENT);
    plan.smallest = 2;
    plan.products = 7;
    cr_assert_eq(uns_curvature_find(context, &op, &plan, values, residuals, NULL, &found),
                 UNS_ERROR_ARGUMENT);
    cr_assert(strstr(uns_context_message(context), "7 products"));
    plan.products = 40;
    m.fail_at = 3;
    cr_assert_eq(uns_curvature_find(context, &op, &plan, values, residuals, NULL, &found),
                 UNS_ERROR_CALLBACK);
    cr_assert_eq(uns_density_create(context, &op, 0, 4, 1, &density), UNS_ERROR_ARGUMENT);
    cr_assert_eq(uns_density_of(context, 0, values, &density), UNS_ERROR_ARGUMENT);
}
