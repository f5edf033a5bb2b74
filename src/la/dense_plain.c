/* SPDX-License-Identifier: MIT
 * dense.h in plain loops, for builds without OpenBLAS: right, slow, and without an
 * eigen-solver, so that uns_dense_available is false.
 */
#include "la/dense.h"

#include <math.h>
#include <unsaddle/context.h>

bool uns_dense_available(void) {
    return false;
}

const char *uns_context_blas(const uns_context *context) {
    (void)context;
    return "none";
}

static double dot(size_t k, const double *x, size_t x_step, const double *y, size_t y_step) {
    double sum = 0;
    for (size_t l = 0; l < k; l++)
        sum += x[l * x_step] * y[l * y_step];
    return sum;
}

void uns_dense_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                    double alpha, const double *a, size_t lda, const double *b, size_t ldb,
                    double beta, double *c, size_t ldc) {
    size_t a_row = transpose_a ? 1 : lda, a_step = transpose_a ? lda : 1;
    size_t b_column = transpose_b ? ldb : 1, b_step = transpose_b ? 1 : ldb;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double product = alpha * dot(k, a + i * a_row, a_step, b + j * b_column, b_step);
            double *out = c + i * ldc + j;
            *out = beta == 0 ? product : product + beta * *out;
        }
}

void uns_dense_syrk(bool transpose, size_t n, size_t k, double alpha, const double *x,
                    size_t ldx, double beta, double *c) {
    size_t row = transpose ? 1 : ldx, step = transpose ? ldx : 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double product = alpha * dot(k, x + i * row, step, x + j * row, step);
            double *out = c + i * n + j;
            *out = beta == 0 ? product : product + beta * *out;
        }
    uns_dense_mirror(n, c);
}

void uns_dense_symv(size_t n, const double *a, const double *x, double *y) {
    for (size_t i = 0; i < n; i++) {
        double sum = dot(i + 1, a + i * n, 1, x, 1);
        for (size_t j = i + 1; j < n; j++)
            sum += a[j * n + i] * x[j];
        y[i] = sum;
    }
}

bool uns_dense_cholesky(size_t n, double *a) {
    for (size_t j = 0; j < n; j++) {
        double *row = a + j * n, pivot = row[j] - dot(j, row, 1, row, 1);
        if (!(pivot > 0))
            return false;
        row[j] = sqrt(pivot);
        for (size_t i = j + 1; i < n; i++)
            a[i * n + j] = (a[i * n + j] - dot(j, a + i * n, 1, row, 1)) / row[j];
    }
    return true;
}

size_t uns_dense_eigen_bytes(size_t n) {
    (void)n;
    return 0;
}

uns_status uns_dense_eigen(size_t n, double *a, double *values, void *work) {
    (void)n;
    (void)a;
    (void)values;
    (void)work;
    return UNS_ERROR_UNAVAILABLE;
}

size_t uns_dense_orthogonal_bytes(size_t n) {
    (void)n;
    return 0;
}

uns_status uns_dense_orthogonal(size_t n, double *a, void *work) {
    (void)n;
    (void)a;
    (void)work;
    return UNS_ERROR_UNAVAILABLE;
}
