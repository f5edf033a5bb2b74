/* SPDX-License-Identifier: MIT
 * Symmetric tridiagonal matrices T_k: diagonal alpha[k], off-diagonal beta[k−1]. Eigenvalues by
 * bisection, vectors by inverse iteration: single ones, cheaply, after every Lanczos step. Not
 * for all eigenpairs of a dense matrix (jacobi.h).
 */
#ifndef UNS_TRIDIAGONAL_H
#define UNS_TRIDIAGONAL_H

#include <stddef.h>

/* A bound of ‖T_k‖: the largest |alpha_i| + beta_{i−1} + beta_i (Gershgorin). */
double uns_tridiagonal_norm(size_t k, const double *alpha, const double *beta);

/* How many eigenvalues lie below x (Sturm): those of a matrix within about 2ε‖T‖ of T. */
size_t uns_tridiagonal_below(size_t k, const double *alpha, const double *beta, double x);

/* The index-th eigenvalue, ascending from 0, to about ε‖T‖. Cost: some 15 passes of k at the
 * ends, 0 and k − 1, else 60. */
double uns_tridiagonal_value(size_t k, const double *alpha, const double *beta, size_t index);

/* A unit eigenvector to an eigenvalue as computed above, orthogonal to the `others` rows of
 * length k in `before` (NULL: none): with eigenvalues ever so close, inverse iteration alone
 * would give the same vector twice. work: 5k doubles. */
void uns_tridiagonal_vector(size_t k, const double *alpha, const double *beta, double value,
                            size_t others, const double *before, double *vector, double *work);

#endif
