/* SPDX-License-Identifier: MIT
 * A short Lanczos run with full reorthogonalisation and all its Ritz pairs: for instruments
 * that want an operator on a small subspace, not a bound.
 */
#ifndef UNS_KRYLOV_H
#define UNS_KRYLOV_H

#include <unsaddle/noise.h>
#include <unsaddle/random.h>

enum {
    UNS_KRYLOV_STEPS = 64
};

/* `steps` <= UNS_KRYLOV_STEPS products at most; fewer when the space is exhausted. basis: steps
 * × d, filled with orthonormal rows; values ascending; vectors: row i the i-th Ritz vector's
 * coordinates in the basis, `*count` each. Starts along `start` (d, NULL: drawn from `key`).
 * residual[i] (NULL: not wanted): ‖Hy − θy‖ of Ritz pair i. Fails with the operator's status.
 */
uns_status uns_krylov(const uns_metric *op, const double *start, uns_key key, size_t steps,
                      double *basis, double *work, double *values, double *vectors,
                      double *residual, size_t *count);

#endif
