/* SPDX-License-Identifier: MIT
 * Dense algebra against plain sums, in every transposition, and the eigen-solver.
 */
#include "la/dense.h"
#include "root_matrices.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/context.h>

enum {
    M = 7,
    N = 5,
    K = 6,
    LD = 9 /* rows are longer than what is used of them */
};

static void fill(uint64_t number, size_t count, double *x) {
    uns_random_normal(root_key(number), 0, count, x);
}

static double entry(bool transpose, const double *a, size_t i, size_t j) {
    return transpose ? a[j * LD + i] : a[i * LD + j];
}

static void expect_gemm(bool ta, bool tb, double beta) {
    double a[LD * LD], b[LD * LD], c[LD * LD], old[LD * LD];
    fill(1, LD * LD, a);
    fill(2, LD * LD, b);
    fill(3, LD * LD, c);
    memcpy(old, c, sizeof old);
    if (beta == 0)
        c[0] = NAN;
    uns_dense_gemm(ta, tb, M, N, K, 1.5, a, LD, b, LD, beta, c, LD);
    for (size_t i = 0; i < LD; i++)
        for (size_t j = 0; j < LD; j++) {
            double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += entry(ta, a, i, k) * entry(tb, b, k, j);
            double expected =
                i < M && j < N ? 1.5 * sum + beta * old[i * LD + j] : old[i * LD + j];
            cr_assert(fabs(c[i * LD + j] - expected) <= 1e-14 * (1 + fabs(expected)),
                      "(%zu, %zu) with %d, %d, beta %g", i, j, ta, tb, beta);
        }
}

Test(dense, products_are_the_sums_they_stand_for) {
    for (int form = 0; form < 8; form++)
        expect_gemm(form & 1, form & 2, form & 4 ? -0.5 : 0);
}

Test(dense, a_gram_matrix_is_full_and_exactly_symmetric) {
    double x[LD * LD], c[N * N], old[N * N];
    fill(4, LD * LD, x);
    for (int form = 0; form < 4; form++) {
        bool transpose = form & 1;
        double beta = form & 2 ? 0.25 : 0;
        fill(5, N * N, c);
        memcpy(old, c, sizeof old);
        uns_dense_syrk(transpose, N, K, 2, x, LD, beta, c);
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j <= i; j++) {
                double sum = beta * old[i * N + j];
                for (size_t k = 0; k < K; k++)
                    sum += 2 * entry(transpose, x, i, k) * entry(transpose, x, j, k);
                cr_assert_float_eq(c[i * N + j], sum, 1e-13);
                cr_assert(c[i * N + j] == c[j * N + i]);
            }
    }
}

Test(dense, nothing_of_nothing_is_allowed) {
    double x[1] = {1}, c[1] = {7};
    uns_dense_gemm(false, false, 0, 1, 1, 1, x, 1, x, 1, 0, c, 1);
    uns_dense_syrk(false, 0, 1, 1, x, 1, 0, c);
    uns_dense_mirror(0, c);
    cr_assert(c[0] == 7);
    cr_assert(uns_dense_cholesky(0, c));
}

Test(dense, a_symmetric_matrix_is_read_from_its_lower_triangle) {
    double a[N * N], x[N], y[N];
    fill(6, N * N, a);
    fill(7, N, x);
    for (size_t i = 0; i < N; i++)
        for (size_t j = i + 1; j < N; j++)
            a[i * N + j] = NAN;
    uns_dense_symv(N, a, x, y);
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t j = 0; j < N; j++)
            sum += (j <= i ? a[i * N + j] : a[j * N + i]) * x[j];
        cr_assert_float_eq(y[i], sum, 1e-13);
    }
}

Test(dense, mirroring_covers_every_tile) {
    enum {
        SIDE = 50
    };
    static double c[SIDE * SIDE];
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            c[i * SIDE + j] = j <= i ? (double)(i * SIDE + j) : -1;
    uns_dense_mirror(SIDE, c);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < i; j++) {
            cr_assert(c[i * SIDE + j] == (double)(i * SIDE + j));
            cr_assert(c[j * SIDE + i] == (double)(i * SIDE + j));
        }
}

Test(dense, cholesky_factors_what_is_definite_and_refuses_the_rest) {
    double c[N * N], l[N * N];
    root_matrix(ROOT_FAMILY_random, 11, N, c);
    memcpy(l, c, sizeof l);
    cr_assert(uns_dense_cholesky(N, l));
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k <= j; k++)
                sum += l[i * N + k] * l[j * N + k];
            cr_assert(fabs(sum - c[i * N + j]) <= 1e-14 * sqrt(c[i * N + i] * c[j * N + j]));
        }
    double indefinite[4] = {1, 0, 2, 1};
    cr_assert_not(uns_dense_cholesky(2, indefinite));
}

static void *eigen_work(size_t n) {
    return aligned_alloc(64, (uns_dense_eigen_bytes(n) + 127) / 64 * 64);
}

/* Largest |VVᵀ − I|. */
static double defect(size_t n, const double *vectors) {
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? -1 : 0;
            for (size_t k = 0; k < n; k++)
                sum += vectors[i * n + k] * vectors[j * n + k];
            worst = fmax(worst, fabs(sum));
        }
    return worst;
}

Test(dense, eigenvectors_are_the_rows_and_values_ascend) {
    enum {
        SIDE = 40
    };
    static double c[SIDE * SIDE], v[SIDE * SIDE];
    double values[SIDE];
    if (!uns_dense_available())
        cr_skip_test("no LAPACK in this build");
    root_matrix(ROOT_FAMILY_random, 12, SIDE, c);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            v[i * SIDE + j] = j <= i ? c[i * SIDE + j] : NAN;
    void *work = eigen_work(SIDE);
    cr_assert_eq(uns_dense_eigen(SIDE, v, values, work), UNS_OK);
    free(work);
    double largest = values[SIDE - 1];
    for (size_t m = 0; m < SIDE; m++) {
        cr_assert(m == 0 || values[m] >= values[m - 1]);
        for (size_t i = 0; i < SIDE; i++) {
            double sum = -values[m] * v[m * SIDE + i];
            for (size_t j = 0; j < SIDE; j++)
                sum += c[i * SIDE + j] * v[m * SIDE + j];
            cr_assert(fabs(sum) <= 1e-14 * largest);
        }
    }
    cr_assert_lt(defect(SIDE, v), 1e-14);
}

/* LAPACK's divide and conquer alone leaves 2.6e-10 here. */
Test(dense, eigenvectors_stay_orthogonal_where_lapack_lets_them_go) {
    enum {
        SIDE = 160
    };
    static double c[SIDE * SIDE], values[SIDE];
    if (!uns_dense_available())
        cr_skip_test("no LAPACK in this build");
    root_matrix(ROOT_FAMILY_near, (uint64_t)ROOT_FAMILY_near << 32 | 392, SIDE, c);
    void *work = eigen_work(SIDE);
    cr_assert_eq(uns_dense_eigen(SIDE, c, values, work), UNS_OK);
    free(work);
    cr_assert_lt(defect(SIDE, c), 2e-14);
}

Test(dense, the_context_names_the_core_or_none) {
    cr_assert_eq(strcmp(uns_context_blas(NULL), "none") == 0, !uns_dense_available());
    cr_assert_gt(strlen(uns_context_blas(NULL)), 0);
}
