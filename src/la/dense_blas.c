/* SPDX-License-Identifier: MIT
 * dense.h by OpenBLAS and LAPACKE. A row-major symmetric matrix is its own column-major one
 * with the triangles exchanged, which saves LAPACKE's transposed copies (and their allocation).
 */
#include "la/dense.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdint.h>
#include <unsaddle/context.h>

bool uns_dense_available(void) {
    return true;
}

const char *uns_context_blas(const uns_context *context) {
    (void)context;
    return openblas_get_corename();
}

static CBLAS_TRANSPOSE side(bool transpose) {
    return transpose ? CblasTrans : CblasNoTrans;
}

void uns_dense_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                    double alpha, const double *a, size_t lda, const double *b, size_t ldb,
                    double beta, double *c, size_t ldc) {
    if (m == 0 || n == 0)
        return;
    cblas_dgemm(CblasRowMajor, side(transpose_a), side(transpose_b), (blasint)m, (blasint)n,
                (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void uns_dense_syrk(bool transpose, size_t n, size_t k, double alpha, const double *x,
                    size_t ldx, double beta, double *c) {
    if (n == 0)
        return;
    cblas_dsyrk(CblasRowMajor, CblasLower, side(transpose), (blasint)n, (blasint)k, alpha, x,
                (blasint)ldx, beta, c, (blasint)n);
    uns_dense_mirror(n, c);
}

void uns_dense_symv(size_t n, const double *a, const double *x, double *y) {
    cblas_dsymv(CblasRowMajor, CblasLower, (blasint)n, 1, a, (blasint)n, x, 1, 0, y, 1);
}

bool uns_dense_cholesky(size_t n, double *a) {
    return n == 0 ||
           LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)n) == 0;
}

/* dsyevd's own formulas: 1 + 6n + 2n² doubles and 3 + 5n integers. */
static size_t double_count(size_t n) {
    return 1 + 6 * n + 2 * n * n;
}

static size_t integer_count(size_t n) {
    return 3 + 5 * n;
}

size_t uns_dense_eigen_bytes(size_t n) {
    return double_count(n) * sizeof(double) + integer_count(n) * sizeof(lapack_int);
}

/* dsyevd's vectors are orthogonal to some 4e-15, but in rare cases (eigenvalues in two groups
 * far apart, one in hundreds of them) to 1e-10 only: then a ← (3I − aaᵀ)a/2 squares that. */
static void orthogonalize(size_t n, double *a, double *work) {
    double *defect = work, *change = work + n * n, worst = 0;
    uns_dense_syrk(false, n, n, -0.5, a, n, 0, defect);
    for (size_t i = 0; i < n; i++)
        defect[i * n + i] += 0.5;
    for (size_t i = 0; i < n * n; i++)
        worst = fmax(worst, fabs(defect[i]));
    if (worst < 0x1p-47)
        return;
    uns_dense_gemm(false, false, n, n, n, 1, defect, n, a, n, 0, change, n);
    for (size_t i = 0; i < n * n; i++)
        a[i] += change[i];
}

uns_status uns_dense_eigen(size_t n, double *a, double *values, void *work) {
    if (n == 0)
        return UNS_OK;
    if (double_count(n) > INT32_MAX)
        return UNS_ERROR_RANGE;
    lapack_int order = (lapack_int)n;
    double *doubles = work;
    lapack_int *integers = (lapack_int *)(void *)(doubles + double_count(n));
    lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', order, a, order, values,
                                          doubles, (lapack_int)double_count(n), integers,
                                          (lapack_int)integer_count(n));
    if (info != 0)
        return UNS_ERROR_STATE;
    orthogonalize(n, a, doubles);
    return UNS_OK;
}

enum {
    QR_PANEL = 64 /* at least LAPACK's own block size */
};

size_t uns_dense_orthogonal_bytes(size_t n) {
    return n * (QR_PANEL + 1) * sizeof(double);
}

uns_status uns_dense_orthogonal(size_t n, double *a, void *work) {
    if (n == 0)
        return UNS_OK;
    if (n * QR_PANEL > INT32_MAX)
        return UNS_ERROR_RANGE;
    lapack_int order = (lapack_int)n, size = (lapack_int)(n * QR_PANEL);
    double *scales = work, *room = scales + n;
    lapack_int info =
        LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, order, order, a, order, scales, room, size);
    if (info == 0)
        info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, order, order, order, a, order, scales,
                                   room, size);
    return info == 0 ? UNS_OK : UNS_ERROR_STATE;
}
