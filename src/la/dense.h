/* SPDX-License-Identifier: MIT
 * Dense algebra in f64, row-major, behind plain names: OpenBLAS and LAPACKE where the build has
 * them (dense_blas.c), else plain loops without an eigen-solver (dense_plain.c).
 *
 * Everything runs in the calling thread as long as OpenBLAS is told to use one (the program and
 * Python tell it; the library leaves what belongs to the process alone), so that tasks of our
 * own pool call in here side by side. No function allocates. Results are the same bits from run
 * to run on one machine and core, not across cores.
 */
#ifndef UNS_LA_DENSE_H
#define UNS_LA_DENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <unsaddle/status.h>

/* False: no LAPACK in this build; structures that need it are refused at create. */
bool uns_dense_available(void);

/* c = α·op(a)·op(b) + β·c; c is m×n, inner length k; leading dimensions are row lengths. With
 * β = 0, c need not be set before. */
void uns_dense_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                    double alpha, const double *a, size_t lda, const double *b, size_t ldb,
                    double beta, double *c, size_t ldc);

/* c = α·xxᵀ + β·c for x n×k, or α·xᵀx + β·c for x k×n; c is n×n, full and exactly symmetric
 * (of the old c the lower triangle counts). */
void uns_dense_syrk(bool transpose, size_t n, size_t k, double alpha, const double *x,
                    size_t ldx, double beta, double *c);

/* y = a·x for symmetric n×n a, of which the lower triangle is read. */
void uns_dense_symv(size_t n, const double *a, const double *x, double *y);

/* Copies the lower triangle of n×n c over the upper one. */
void uns_dense_mirror(size_t n, double *c);

/* Cholesky: a = LLᵀ, L into the lower triangle of a (which alone is read; the upper one stays).
 * False: a is not positive definite, up to rounding; a is then spoiled. */
bool uns_dense_cholesky(size_t n, double *a);

/* Eigen-decomposition of symmetric n×n a (lower triangle read): values ascending; row i of a
 * becomes the unit eigenvector of values[i]. `work` has uns_dense_eigen_bytes(n) bytes, aligned
 * to 64. UNS_ERROR_STATE when the iteration does not converge, UNS_ERROR_UNAVAILABLE without
 * LAPACK; no message is set. */
UNS_NODISCARD uns_status uns_dense_eigen(size_t n, double *a, double *values, void *work);
size_t uns_dense_eigen_bytes(size_t n);

/* QR: the rows of n×n a become orthonormal, in the order given and each within the span of
 * those up to it (Householder). `work` has uns_dense_orthogonal_bytes(n) bytes. The statuses of
 * uns_dense_eigen. */
UNS_NODISCARD uns_status uns_dense_orthogonal(size_t n, double *a, void *work);
size_t uns_dense_orthogonal_bytes(size_t n);

#endif
