/* SPDX-License-Identifier: MIT
 * Inverse roots and the errors they report, against double-double arithmetic. `make roots` does
 * the same on thousands of matrices.
 */
#include "base/base.h"
#include "root_trial.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
    SIDE = 24
};

static void need_lapack(void) {
    if (!uns_dense_available())
        cr_skip_test("no LAPACK in this build");
}

static const uns_root plain_half = {.exponent = 0.5, .correction = 1};

typedef struct taken {
    double r[SIDE * SIDE];
    uns_root_report report;
    uns_status status;
} taken;

static taken take(uns_context *context, size_t n, const uns_root *plain, double damping,
                  const double *c) {
    taken t = {.status = UNS_OK};
    uns_root root = *plain;
    root.damping = damping;
    void *scratch = root_aligned(uns_root_scratch(n));
    for (size_t i = 0; i < SIDE * SIDE; i++)
        t.r[i] = -7;
    t.report.iterations = -7;
    t.status = uns_root_dense(context, n, &root, c, t.r, scratch, &t.report);
    free(scratch);
    return t;
}

Test(root, the_oracle_finds_a_root_known_exactly) {
    const double c[4] = {5, 4, 4, 5}, start[4] = {0.6, 0.8, -0.8, 0.6};
    dd r[4];
    truth t = truth_create(2, c, start);
    truth_root(&t, &plain_half, 0, r);
    for (int i = 0; i < 4; i++) {
        dd third = dd_divide(dd_from(i == 0 || i == 3 ? 2 : -1), dd_from(3));
        cr_assert_lt(fabs(dd_subtract(r[i], third).hi), 1e-30);
    }
    truth_destroy(&t);
}

/* RCR = I to some 1e-29 times the condition. */
Test(root, the_oracle_satisfies_the_equation_of_the_root) {
    need_lapack();
    root_bench b = root_bench_create(ROOT_FAMILY_even, 5, SIDE);
    truth_root(&b.truth, &plain_half, 0, b.exact);
    double worst = 0;
    for (size_t i = 0; i < SIDE; i++) {
        dd row[SIDE];
        for (size_t j = 0; j < SIDE; j++) {
            row[j] = dd_from(0);
            for (size_t k = 0; k < SIDE; k++)
                row[j] = dd_add(row[j],
                                dd_multiply(b.exact[i * SIDE + k], dd_from(b.c[k * SIDE + j])));
        }
        for (size_t j = 0; j < SIDE; j++) {
            dd sum = truth_dot(SIDE, row, b.exact + j * SIDE);
            worst = fmax(worst, fabs(dd_subtract(sum, dd_from(i == j)).hi));
        }
    }
    cr_assert_lt(worst, 1e-28 * 1e12);
    root_bench_destroy(&b);
}

typedef struct ratios {
    double of[400];
    size_t count, newton;
} ratios;

static void expect_honest(root_bench *b, root_family family, uint64_t number, ratios *all) {
    for (uint32_t which = 0; which < 4; which++) {
        root_trial t = {.family = family, .number = number};
        root_trial_draw(b, which, &t);
        cr_assert(root_trial_run(b, &t));
        cr_assert(t.report.error >= t.truth / 3,
                  "%s %llu, n = %zu, p = %g, form %d, ε = %g: true error %g, reported %g",
                  root_family_names[family], (unsigned long long)number, t.n, t.root.exponent,
                  (int)t.root.form, t.root.epsilon, t.truth, t.report.error);
        cr_assert(t.condition > 1e6 || t.truth <= 1e-10);
        all->of[all->count++] = t.truth > 0 ? t.report.error / t.truth : INFINITY;
        all->newton += t.report.iterations > 0;
    }
}

static int order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Test(root, roots_are_right_and_say_how_wrong_they_are) {
    need_lapack();
    for (root_family family = 0; family < ROOT_FAMILY_COUNT; family++) {
        ratios all = {.count = 0};
        for (uint64_t k = 0; k < 60; k++) {
            uint64_t number = 1000 * (uint64_t)family + k;
            root_bench b = root_bench_create(family, number, 2 + k / 2);
            expect_honest(&b, family, number, &all);
            root_bench_destroy(&b);
        }
        qsort(all.of, all.count, sizeof *all.of, order);
        double median = all.of[all.count / 2];
        cr_assert(median > 0.1 && median < 10, "%s: %g", root_family_names[family], median);
        cr_assert_geq(all.newton, 20);
    }
}

Test(root, both_methods_agree) {
    need_lapack();
    double c[SIDE * SIDE], r[SIDE * SIDE];
    root_matrix(ROOT_FAMILY_random, 21, SIDE, c);
    double size = c[0];
    void *scratch = root_aligned(uns_root_scratch(SIDE));
    for (int quarter = 0; quarter < 2; quarter++) {
        uns_root root = {quarter ? 0.25 : 0.5, 1e-4 * size, 3, UNS_EPSILON_INSIDE, 0};
        taken t = take(NULL, SIDE, &root, 0, c);
        uns_root_report other;
        cr_assert_eq(uns_root_eigen(NULL, SIDE, &root, c, r, NULL, NULL, scratch, &other),
                     UNS_OK);
        cr_assert(t.report.iterations > 0 && other.iterations == 0);
        double square = 0, norm = 0;
        for (size_t i = 0; i < SIDE * SIDE; i++) {
            square += (r[i] - t.r[i]) * (r[i] - t.r[i]);
            norm += r[i] * r[i];
        }
        cr_assert_leq(sqrt(square / norm), 2 * (t.report.error + other.error));
        cr_assert(fabs(t.report.largest / other.largest - 1) < 0.1);
        cr_assert(other.smallest > 0 && t.report.smallest < 10 * other.smallest + 1e-4 * size);
    }
    free(scratch);
}

Test(root, a_zero_eigenvalue_stays_zero_without_epsilon) {
    need_lapack();
    const double v[3] = {1, -2, 2}, orthogonal[3] = {2, 2, 1};
    double c[9];
    for (int i = 0; i < 9; i++)
        c[i] = v[i / 3] * v[i % 3];
    for (int form = 0; form < 3; form++) {
        uns_root root = {0.5, 0, 1, form, 0};
        taken t = take(NULL, 3, &root, 0, c);
        cr_assert_eq(t.status, UNS_OK);
        for (int i = 0; i < 3; i++) {
            double along = 0, across = 0;
            for (int j = 0; j < 3; j++) {
                along += t.r[3 * i + j] * v[j];
                across += t.r[3 * i + j] * orthogonal[j];
            }
            cr_assert_float_eq(along, v[i] / 3, 1e-15);
            cr_assert_float_eq(across, 0, 1e-15);
        }
    }
    memset(c, 0, sizeof c);
    taken zero = take(NULL, 3, &plain_half, 0, c);
    for (int i = 0; i < 9; i++)
        cr_assert(zero.r[i] == 0);
    cr_assert(zero.report.error == 0);
}

/* Newton–Schulz would take the root of what is left of ε. */
Test(root, a_negative_eigenvalue_counts_as_zero) {
    need_lapack();
    const double below[] = {-1e-6, -0.01, -0.09, -0.3};
    uns_root root = {0.5, 0.1, 1, UNS_EPSILON_INSIDE, 0};
    for (size_t k = 0; k < UNS_COUNT_OF(below); k++) {
        double c[SIDE * SIDE] = {0};
        for (size_t i = 0; i < SIDE; i++)
            c[i * SIDE + i] = i == 3 ? below[k] : 1;
        taken t = take(NULL, SIDE, &root, 0, c);
        cr_assert_eq(t.report.iterations, 0);
        cr_assert_float_eq(t.report.smallest, below[k], 1e-15);
        cr_assert_float_eq(t.r[3 * SIDE + 3], 1 / sqrt(0.1), 1e-14);
    }
}

Test(root, powers_of_two_go_through_exactly) {
    need_lapack();
    double c[SIDE * SIDE], scaled[SIDE * SIDE];
    root_matrix(ROOT_FAMILY_even, 6, SIDE, c);
    for (int kind = 0; kind < 2; kind++) { /* Newton–Schulz, eigen */
        uns_root root = {0.5, kind ? 0 : 1e-3 * c[0], 1, UNS_EPSILON_INSIDE, 0}, other = root;
        taken reference = take(NULL, SIDE, &root, 0, c);
        for (int power = -400; power <= 400; power += 100) {
            for (size_t i = 0; i < SIDE * SIDE; i++)
                scaled[i] = ldexp(c[i], 2 * power);
            other.epsilon = ldexp(root.epsilon, 2 * power);
            taken t = take(NULL, SIDE, &other, 0, scaled);
            cr_assert_eq(t.report.iterations > 0, kind == 0);
            for (size_t i = 0; i < SIDE * SIDE; i++)
                cr_assert(t.r[i] == ldexp(reference.r[i], -power));
            cr_assert_float_eq(t.report.error / reference.report.error, 1, 1e-12);
        }
    }
}

Test(root, exponent_zero_and_sizes_zero_and_one_are_right) {
    need_lapack();
    uns_root root = {0, 0.1, 1, UNS_EPSILON_INSIDE, 0};
    const double c[4] = {3, 1, 1, 2};
    taken t = take(NULL, 2, &root, 0, c);
    cr_assert(t.r[0] == 1 && t.r[1] == 0 && t.r[2] == 0 && t.r[3] == 1);
    cr_assert_eq(take(NULL, 0, &root, 0, c).status, UNS_OK);
    root = (uns_root){0.75, 1, 2, UNS_EPSILON_OUTSIDE, 0};
    cr_assert_float_eq(take(NULL, 1, &root, 0.5, c).r[0], 1 / (pow(9, 0.75) + 1), 1e-15);
}

Test(root, only_the_lower_triangle_is_read_and_the_root_may_lie_on_it) {
    need_lapack();
    double c[SIDE * SIDE], r[SIDE * SIDE];
    root_matrix(ROOT_FAMILY_random, 22, SIDE, c);
    void *scratch = root_aligned(uns_root_scratch(SIDE));
    for (int kind = 0; kind < 2; kind++) {
        uns_root root = {0.5, kind ? 0 : 1e-2 * c[0], 1, UNS_EPSILON_INSIDE, 0};
        taken t = take(NULL, SIDE, &root, 0, c);
        for (size_t i = 0; i < SIDE; i++)
            for (size_t j = 0; j < SIDE; j++)
                r[i * SIDE + j] = j <= i ? c[i * SIDE + j] : NAN;
        uns_root_report report;
        cr_assert_eq(uns_root_dense(NULL, SIDE, &root, r, r, scratch, &report), UNS_OK);
        cr_assert_eq(memcmp(r, t.r, sizeof r), 0);
        for (size_t i = 0; i < SIDE; i++)
            for (size_t j = 0; j < i; j++)
                cr_assert(r[i * SIDE + j] == r[j * SIDE + i]);
    }
    free(scratch);
}

Test(root, eigenpairs_are_handed_out_in_rows) {
    need_lapack();
    double c[SIDE * SIDE], r[SIDE * SIDE], values[SIDE], vectors[SIDE * SIDE];
    root_matrix(ROOT_FAMILY_random, 23, SIDE, c);
    void *scratch = root_aligned(uns_root_scratch(SIDE));
    uns_root_report report;
    uns_root root = {0.5, 0.1 * c[0], 4, UNS_EPSILON_INSIDE, 0};
    cr_assert_eq(uns_root_eigen(NULL, SIDE, &root, c, r, values, vectors, scratch, &report),
                 UNS_OK);
    free(scratch);
    for (size_t m = 0; m < SIDE; m++)
        for (size_t i = 0; i < SIDE; i++) {
            double sum = 0, rooted = 0;
            for (size_t j = 0; j < SIDE; j++) {
                sum += c[i * SIDE + j] * vectors[m * SIDE + j];
                rooted += r[i * SIDE + j] * vectors[m * SIDE + j];
            }
            double v = vectors[m * SIDE + i], f = 1 / sqrt(4 * values[m] + root.epsilon);
            cr_assert_lt(fabs(sum - values[m] * v), 1e-14 * values[SIDE - 1]);
            cr_assert_lt(fabs(rooted - f * v), 1e-13 * f);
        }
    cr_assert(report.largest == 4 * values[SIDE - 1] && report.smallest == 4 * values[0]);
}

/* Guard words behind the scratch, at sizes around all changes of method. */
Test(root, scratch_is_as_large_as_it_says) {
    need_lapack();
    const size_t sizes[] = {1, 2, 3, 17, 63, 64, 65, 127, 128, 129, 150};
    for (size_t k = 0; k < UNS_COUNT_OF(sizes); k++) {
        size_t n = sizes[k], bytes = uns_root_scratch(n);
        double *c = malloc(n * n * sizeof *c);
        unsigned char *scratch = root_aligned(bytes + 64);
        for (int kind = 0; kind < 2; kind++) {
            uns_root root = {0.5, kind, 1, UNS_EPSILON_INSIDE, 0};
            uns_root_report report;
            memset(scratch, 0xa5, bytes + 64);
            root_matrix(ROOT_FAMILY_random, 30 + n, n, c);
            root.epsilon *= c[0];
            cr_assert_eq(uns_root_dense(NULL, n, &root, c, c, scratch, &report), UNS_OK);
            for (size_t i = 0; i < 64; i++)
                cr_assert_eq(scratch[bytes + i], 0xa5, "n = %zu", n);
        }
        free(scratch);
        free(c);
    }
}

static uns_context *open_context(void) {
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    return context;
}

Test(root, a_matrix_that_is_not_finite_is_refused_by_entry) {
    need_lapack();
    uns_context *context = open_context();
    double c[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const double wrong[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < UNS_COUNT_OF(wrong); k++) {
        c[7] = wrong[k];
        taken t = take(context, 3, &plain_half, 0, c);
        cr_assert_eq(t.status, UNS_ERROR_RANGE);
        cr_assert(strstr(uns_context_message(context), "entry (3, 2)"));
        cr_assert(t.r[0] == -7 && t.report.iterations == -7);
    }
    uns_context_destroy(context);
}

Test(root, roots_that_cannot_be_meant_are_refused) {
    need_lapack();
    uns_context *context = open_context();
    const double c[1] = {1};
    const uns_root wrong[] = {{-1, 0, 1, 0, 0},  {NAN, 0, 1, 0, 0},        {0.5, -1, 1, 0, 0},
                              {0.5, 0, 0, 0, 0}, {0.5, INFINITY, 1, 0, 0}, {0.5, 0, 1, 0, NAN}};
    for (size_t k = 0; k < UNS_COUNT_OF(wrong); k++)
        cr_assert_eq(take(context, 1, &wrong[k], wrong[k].damping, c).status,
                     UNS_ERROR_ARGUMENT);
    cr_assert_eq(take(context, 1, &plain_half, -1, c).status, UNS_ERROR_ARGUMENT);
    cr_assert(strstr(uns_context_message(context), "damping -1"));
    uns_context_destroy(context);
}

Test(root, a_build_without_lapack_says_so) {
    if (uns_dense_available())
        cr_skip_test("this build has LAPACK");
    uns_context *context = open_context();
    const double c[1] = {1};
    cr_assert_eq(take(context, 1, &plain_half, 0, c).status, UNS_ERROR_UNAVAILABLE);
    cr_assert(strstr(uns_context_message(context), "LAPACKE"));
    uns_context_destroy(context);
}
