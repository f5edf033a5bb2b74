/* SPDX-License-Identifier: MIT
 * The lower bound of λ_min that a Lanczos run carries with it, and how many products it can
 * need at most.
 *
 * Let q_1 = b be the unit start, φ_j the orthonormal polynomials of the run, q_{j+1} =
 * φ_j(H)·b. For the unit eigenvector v of λ_min the q's, being orthonormal, have Σ_j
 * (vᵀq_{j+1})² <= 1, that is
 *
 *     (vᵀb)²·S_k(λ_min) <= 1,     S_k(x) = Σ_{j=0..k} φ_j(x)²,
 *
 * and S_k falls strictly as x rises to the smallest Ritz value. So where |vᵀb| >= t, λ_min
 * lies at or above the x with S_k(x) = 1/t², for all k at once. Its last summand alone is the
 * bound of van Dorsselaer, Hochstenbach and van der Vorst (2000), "Computing probabilistic
 * bounds for extreme eigenvalues of symmetric matrices with the Lanczos method"; all of them
 * cost nothing more and bound the number of products: S_k is the largest p(x)²/‖p(H)b‖² of all
 * polynomials p of degree k, the Chebyshev polynomial among them.
 */
#ifndef UNS_LOWER_BOUND_H
#define UNS_LOWER_BOUND_H

#include <stddef.h>
#include <stdint.h>

/* S_k(x) from alpha[k] and beta[k], whose last entry couples to q_{k+1}; infinity where a beta
 * is 0 or the sum overflows. 0 where x is not below all eigenvalues of T_k: nothing is known
 * there. */
double uns_christoffel_sum(size_t k, const double *alpha, const double *beta, double x);

/* The largest x with S_k(x) >= sum, rounded down by at most about ε‖T‖; sum > 1. */
double uns_christoffel_root(size_t k, const double *alpha, const double *beta, double sum);

/* The k by which S_k(x) >= 1/t² whatever the start and the spectrum, when x lies ratio·spread
 * below λ_min: the least with T_k(1 + 2·ratio) >= 1/t, T_k Chebyshev's polynomial. At most
 * 2^53. */
int64_t uns_christoffel_budget(double t, double ratio);

#endif
