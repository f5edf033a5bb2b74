/* SPDX-License-Identifier: MIT
 * Lanczos' process on a symmetric operator, one product a step: H·Q_k = Q_k·T_k + β_k
 * q_{k+1}eᵀ. Re-entrant, all state in one struct; what to conclude from T_k is the caller's.
 *
 * Fully reorthogonalised as long as the basis has room for every vector (k·d doubles); beyond
 * that by the three-term recurrence, which loses orthogonality as soon as a Ritz value has
 * converged: what follows from T_k then holds up to rounding, empirically. Thick restarts (Wu
 * and Simon 2000, "Thick-restart Lanczos method for large symmetric eigenvalue problems") keep
 * within a small basis; they find eigenpairs, but bound nothing.
 */
#ifndef UNS_LANCZOS_H
#define UNS_LANCZOS_H

#include <stdbool.h>
#include <unsaddle/operator.h>
#include <unsaddle/random.h>

#include "la/basis.h"

typedef struct uns_lanczos {
    const uns_operator *op;
    uns_basis basis;
    size_t room;          /* entries that alpha and beta have room for */
    size_t steps;         /* k */
    size_t kept;          /* vectors kept at the last restart, 0 before any */
    double *alpha, *beta; /* [k]; see uns_lanczos_matrix for what a restart makes of them */
    double *spare[2];     /* q_{j+1} for j >= capacity, by j's parity */
    double *work;         /* a product */
    double norm; /* the largest |α| + β + β' seen: estimates ‖H‖ from below, closely */
    double asymmetry; /* sum of squares of what should have been orthogonal already */
    uint64_t products;
    bool full;      /* every vector so far was reorthogonalised against all before it */
    bool exhausted; /* β_k is no more than rounding: the Krylov space is invariant */
} uns_lanczos;

/* Takes memory for 3 vectors and `capacity` pointers; the basis grows later. The
 * operator is borrowed. On failure nothing is left to close. */
UNS_NODISCARD uns_status uns_lanczos_open(uns_context *context, const uns_operator *op,
                                          size_t capacity, uns_lanczos *lanczos);
void uns_lanczos_close(uns_lanczos *lanczos);

/* (Re)starts from `start` (any length but 0), or, where it is NULL, from a direction drawn
 * uniformly by `key`. Counts of products go on. */
UNS_NODISCARD uns_status uns_lanczos_begin(uns_lanczos *lanczos, const double *start,
                                           uns_key key);

/* One product more. Not after `exhausted`. UNS_ERROR_CALLBACK: the product is not finite.
 * Fails with the operator's status too; the run is then to be begun anew. */
UNS_NODISCARD uns_status uns_lanczos_step(uns_lanczos *lanczos);

/* What rounding, the operator's own error and its asymmetry can have moved a Ritz value by:
 * 4kε‖T‖ + ‖E‖ + ‖N‖/√2 in the Frobenius norm, where N, strictly upper triangular, is what
 * reorthogonalising found QᵀHQ to have beside T; for a symmetric H it is rounding only. */
double uns_lanczos_margin(const uns_lanczos *lanczos);

/* out = Σ_j s[j]·q_{j+1} over the k vectors. Those beyond the basis are made again, at one
 * product each and in memory of 2 vectors; the run itself stays as it is. Made again they are
 * the same only if equal v give products of equal bits. UNS_ERROR_* of the operator. */
UNS_NODISCARD uns_status uns_lanczos_combine(uns_lanczos *lanczos, const double *s,
                                             double *out);

/* The smallest Ritz value and the unit Ritz vector to it, before any restart. As combine. */
UNS_NODISCARD uns_status uns_lanczos_lowest(uns_lanczos *lanczos, double *value, double *v);

/* The projection QᵀHQ, dense k × k: after a restart an arrow (kept values on the diagonal,
 * their couplings to vector `kept`) and a tridiagonal rest. */
void uns_lanczos_matrix(const uns_lanczos *lanczos, double *matrix);

/* Thick restart, at k <= capacity: goes on from `kept` < k Ritz pairs, values[i] with rows[i·k]
 * the coefficients of the vector, and q_{k+1}. work: kept·64 doubles. */
void uns_lanczos_restart(uns_lanczos *lanczos, size_t kept, const double *values,
                         const double *rows, double *work);

/* Rayleigh quotient vᵀHv/vᵀv by a fresh product, and a bound of its error: the operator's own
 * and that of two dot products, (d/16 + 8)·ε·‖Hv‖/‖v‖. work: d doubles. */
UNS_NODISCARD uns_status uns_rayleigh(uns_context *context, const uns_operator *op,
                                      const double *v, double *work, double *quotient,
                                      double *error);

#endif
