/* SPDX-License-Identifier: MIT
 * What the built-in problems claim to know about themselves: minima, start values, spectra,
 * escape thresholds, frozen noise.
 */
#include "support/problem_bench.h"

#include "prob/eigenvalues.h"
#include "prob/sampling.h"

Test(truth, of_saddle2d_is_the_published_minimum) {
    uns_context *context = open_context();
    uns_problem *problem = make(context, "saddle2d", "");
    uns_truth truth;
    uns_problem_truth(problem, &truth);
    double x[2] = {0.0, pow(0.01, 0.125)}, g[2];
    cr_expect(fabs(truth.minimum + 0.012649) < 5e-7, "%.17g", truth.minimum);
    cr_expect(fabs(value_at(problem, x) - truth.minimum) < 1e-17);
    gradient_at(problem, 1, x, NULL, g);
    cr_expect(fabs(g[1]) < 1e-16 && g[0] == 0.0);
    cr_expect_eq(truth.escape_value, 0.5 * truth.minimum);
    cr_expect_eq(truth.start_value, 0.0);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

/* Plain descent on the whole objective from the start, nudged; returns f and leaves x. */
static double descend(uns_problem *problem, double eta, int steps, double *x) {
    size_t d = uns_problem_dimension(problem);
    double *g = malloc(d * sizeof *g), *nudge = malloc(d * sizeof *nudge);
    uns_key key = {3, 0, 0, UNS_STREAM_START};
    const uns_problem_ops *ops = uns_problem_get_ops(problem);
    cr_assert_eq(ops->start(uns_problem_self(problem), key, 1, (uns_tensors){(void *[]){x}, 1}),
                 UNS_OK);
    key.step = 1;
    uns_random_normal(key, 0, d, nudge);
    for (size_t k = 0; k < d; k++)
        x[k] += 0.01 * nudge[k];
    for (int t = 0; t < steps; t++) {
        gradient_at(problem, 1, x, NULL, g);
        for (size_t k = 0; k < d; k++)
            x[k] -= eta * g[k];
    }
    free(g);
    free(nudge);
    return value_at(problem, x);
}

Test(truth, minima_are_where_descent_ends) {
    static const struct {
        const char *name, *pairs;
        double eta;
    } cases[] = {
        {"saddle2d", "", 0.2},
        {"saddle", "", 0.2},
        {"saddle", "confinement=quartic rotation=none", 0.2},
        {"saddle", "hessian=0.5,-0.2,-0.1,1", 0.2},
        {"saddle", "hessian=0.5,-0.2,-0.1,1 confinement=quartic", 0.2},
        {"quadratic", "optimum=3 condition=10", 0.5},
        {"quadratic", "optimum=3 condition=10 rotation=none", 0.5},
        {"matrix-factorization", "", 10},
        {"matrix-factorization", "width=1", 10},
        {"matrix-factorization", "width=5", 10},
        {"matrix-factorization", "n=10 noise=0.3", 5},
        {"matrix-factorization", "n=10 noise=0.3 width=10", 5},
    };
    uns_context *context = open_context();
    double x[200];
    for (size_t i = 0; i < UNS_COUNT_OF(cases); i++) {
        uns_problem *problem = make(context, cases[i].name, cases[i].pairs);
        uns_truth truth;
        uns_problem_truth(problem, &truth);
        double f = descend(problem, cases[i].eta, 3000, x);
        cr_expect(fabs(f - truth.minimum) < 1e-8, "%s %s: ends at %.10g, claimed %.10g",
                  cases[i].name, cases[i].pairs, f, truth.minimum);
        uns_problem_destroy(problem);
    }
    uns_context_destroy(context);
}

Test(truth, start_values_are_the_value_at_the_start) {
    uns_context *context = open_context();
    for (size_t i = 0; i < UNS_COUNT_OF(variants); i++) {
        uns_problem *problem = make(context, variants[i].name, variants[i].pairs);
        size_t d = uns_problem_dimension(problem);
        double *x = calloc(d, sizeof *x);
        uns_truth truth;
        uns_problem_truth(problem, &truth);
        const uns_problem_ops *ops = uns_problem_get_ops(problem);
        if (strcmp(ops->name, "matrix-factorization") != 0) /* starts beside its saddle, 0 */
            cr_assert_eq(ops->start(uns_problem_self(problem), (uns_key){1, 0, 0, 1}, 1,
                                    (uns_tensors){(void *[]){x}, 1}),
                         UNS_OK);
        cr_expect(fabs(value_at(problem, x) - truth.start_value) < 1e-14, "%s %s",
                  variants[i].name, variants[i].pairs);
        free(x);
        uns_problem_destroy(problem);
    }
    uns_context_destroy(context);
}

/* H·e_k from product against the k-th column of a claimed Hessian. */
static void expect_hessian(uns_problem *problem, const double *x, const double *claimed,
                           double tolerance) {
    size_t d = uns_problem_dimension(problem);
    double axis[64] = {0}, column[64];
    for (size_t k = 0; k < d; k++) {
        axis[k] = 1.0;
        product_at(problem, x, axis, column);
        axis[k] = 0.0;
        for (size_t i = 0; i < d; i++)
            cr_expect(fabs(column[i] - claimed[i * d + k]) < tolerance, "%zu %zu: %g, %g", i, k,
                      column[i], claimed[i * d + k]);
    }
}

Test(truth, spectra_are_the_hessian_at_start_and_minimum) {
    static const struct variant cases[] = {
        {"saddle2d", ""},
        {"saddle", ""},
        {"saddle", "confinement=quartic noise_rotation=aligned"},
        {"saddle", "rotation=none noise_rotation=none"},
        {"quadratic", "optimum=3 condition=10"},
    };
    uns_context *context = open_context();
    static double hessian[64 * 64], noise[64 * 64];
    double x[64] = {0};
    for (size_t i = 0; i < UNS_COUNT_OF(cases); i++) {
        uns_problem *problem = make(context, cases[i].name, cases[i].pairs);
        const uns_problem_ops *ops = uns_problem_get_ops(problem);
        const void *self = uns_problem_self(problem);
        memset(x, 0, sizeof x);
        cr_assert_eq(ops->spectra(self, UNS_POINT_START, hessian, noise), UNS_OK);
        expect_hessian(problem, x, hessian, 1e-14);
        descend(problem, 0.2, 3000, x);
        cr_assert_eq(ops->spectra(self, UNS_POINT_MINIMUM, hessian, noise), UNS_OK);
        expect_hessian(problem, x, hessian, 1e-9);
        uns_problem_destroy(problem);
    }
    uns_context_destroy(context);
}

static void expect_values(size_t n, double *matrix, const double *expected) {
    double values[64];
    uns_symmetric_eigenvalues(n, matrix, values);
    for (size_t i = 0; i < n; i++)
        cr_expect(fabs(values[i] - expected[i]) < 1e-13, "%zu: %.17g, not %.17g", i, values[i],
                  expected[i]);
}

Test(truth, rotations_keep_the_chosen_spectra) {
    uns_context *context = open_context();
    uns_problem *problem = make(context, "saddle", "hessian=1,-0.1,0.5 noise=4,0,0.25");
    double hessian[9], noise[9];
    cr_assert_eq(uns_problem_get_ops(problem)->spectra(uns_problem_self(problem),
                                                       UNS_POINT_START, hessian, noise),
                 UNS_OK);
    cr_expect(fabs(hessian[1]) > 1e-3 && fabs(noise[1]) > 1e-3, "not rotated");
    expect_values(3, hessian, (const double[]){1, 0.5, -0.1});
    expect_values(3, noise, (const double[]){4, 0.25, 0});
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

Test(truth, starving_leaves_the_chosen_noise_along_the_escape_direction) {
    enum {
        d = 10
    };
    uns_context *context = open_context();
    uns_problem *problem = make(context, "saddle", "starve=0.003");
    double hessian[d * d], noise[d * d], u[d] = {0.3, 0.2, 0.1, 0.7, 0.4}, v[d];
    cr_assert_eq(uns_problem_get_ops(problem)->spectra(uns_problem_self(problem),
                                                       UNS_POINT_START, hessian, noise),
                 UNS_OK);
    for (int t = 0; t < 200; t++) { /* power iteration on I − H: gap 1.1 to 0.7 */
        double square = 0.0;
        for (size_t i = 0; i < d; i++) {
            v[i] = u[i];
            for (size_t j = 0; j < d; j++)
                v[i] -= hessian[i * d + j] * u[j];
            square += v[i] * v[i];
        }
        for (size_t i = 0; i < d; i++)
            u[i] = v[i] / sqrt(square);
    }
    for (size_t i = 0; i < d; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < d; j++)
            sum += noise[i * d + j] * u[j];
        cr_expect(fabs(sum - 0.003 * u[i]) < 1e-14, "%zu: %g", i, sum - 0.003 * u[i]);
    }
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

Test(truth, a_factorization_has_escaped_halfway_down_from_its_start) {
    uns_context *context = open_context();
    uns_problem *problem = make(context, "matrix-factorization", "noise=0.1");
    uns_truth truth;
    uns_problem_truth(problem, &truth);
    cr_assert(truth.minimum > 0.0 && truth.start_value > truth.minimum);
    cr_expect(fabs(truth.escape_value - (truth.start_value + truth.minimum) / 2) < 1e-15);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

/* Over all pairs out of six samples. */
Test(truth, a_shuffled_batch_has_its_share_of_the_covariance) {
    const double x[6] = {1.0, -2.0, 0.5, 3.0, 0.0, -1.25};
    double mean = 0.0, square = 0.0, pairs = 0.0;
    for (int i = 0; i < 6; i++)
        mean += x[i] / 6;
    for (int i = 0; i < 6; i++)
        square += (x[i] - mean) * (x[i] - mean) / 6;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            pairs += pow(0.5 * (x[i] + x[j]) - mean, 2) / 15;
    cr_expect(fabs(uns_sampling_share(UNS_SAMPLING_SHUFFLED, 6, 2) - pairs / square) < 1e-15);
    cr_expect_eq(uns_sampling_share(UNS_SAMPLING_SHUFFLED, 6, 12), 0.0);
    cr_expect_eq(uns_sampling_share(UNS_SAMPLING_INDEPENDENT, 6, 2), 0.5);
}

Test(truth, drop_decides_what_counts_as_escaped) {
    static const struct {
        const char *pairs;
        double escape;
    } cases[] = {{"confinement=none", -0.05},
                 {"confinement=none drop=0.2", -0.2},
                 {"drop=0.01", -0.01},
                 {"hessian=1,-0.4 confinement=quartic", -0.005}};
    uns_context *context = open_context();
    for (size_t i = 0; i < UNS_COUNT_OF(cases); i++) {
        uns_problem *problem = make(context, "saddle", cases[i].pairs);
        uns_truth truth;
        uns_problem_truth(problem, &truth);
        cr_expect(fabs(truth.escape_value - cases[i].escape) < 1e-17, "%s: %g", cases[i].pairs,
                  truth.escape_value);
        uns_problem_destroy(problem);
    }
    uns_context_destroy(context);
}

Test(truth, frozen_noise_is_the_noise_at_the_start) {
    enum {
        d = 4
    };
    uns_context *context = open_context();
    uns_problem *problem = make(context, "quadratic", "d=4 multiplicative=0.5 optimum=1");
    double x[d], away[d] = {5, 5, 5, 5}, here[d], frozen[d];
    const uns_problem_ops *ops = uns_problem_get_ops(problem);
    const void *self = uns_problem_self(problem);
    cr_assert_eq(ops->start(self, (uns_key){0, 0, 0, 0}, 1, (uns_tensors){(void *[]){x}, 1}),
                 UNS_OK);
    bench b;
    bench_open(&b, problem, 1, x, NULL);
    cr_assert_eq(ops->second_moment(self, &b.eval, 3, UNS_ABOUT_COVARIANCE, UNS_SHAPE_DIAGONAL,
                                    (uns_tensors){(void *[]){here}, 1}),
                 UNS_OK);
    b.x[0] = away;
    cr_assert_eq(ops->second_moment(self, &b.eval, 3, UNS_ABOUT_FROZEN, UNS_SHAPE_DIAGONAL,
                                    (uns_tensors){(void *[]){frozen}, 1}),
                 UNS_OK);
    for (size_t i = 0; i < d; i++)
        cr_expect(fabs(here[i] - frozen[i]) < 1e-14);
    bench_close(&b);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

Test(eigenvalues, of_a_known_matrix_come_out_in_order) {
    /* second differences: 2 − 2 cos(kπ/6) */
    double a[25] = {0}, expected[5];
    for (size_t i = 0; i < 5; i++) {
        a[6 * i] = 2.0;
        if (i < 4)
            a[6 * i + 1] = a[6 * i + 5] = -1.0;
        expected[i] = 2.0 - 2.0 * cos((double)(5 - i) * acos(-1.0) / 6.0);
    }
    expect_values(5, a, expected);
}
