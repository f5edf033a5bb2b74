/* SPDX-License-Identifier: MIT
 * Eigenpairs at both ends of a spectrum, to a residual. Each value is a Ritz value: an upper
 * bound of λ_min, a lower one of λ_max, whatever the residual; for the other side see
 * lower_bound.h.
 */
#ifndef UNS_EXTREME_H
#define UNS_EXTREME_H

#include <stdbool.h>

#include "la/lanczos.h"

/* What is wanted and what it may cost. */
typedef struct uns_extreme_plan {
    size_t smallest, largest; /* pairs at each end; smallest + largest from 1 to d */
    double tolerance;         /* residual ‖Hv − θv‖ <= tolerance·(θ_max − θ_min) */
    uint64_t products;        /* at most, >= 1 */
    size_t basis;        /* vectors kept at most, thick restarts beyond; as many as products
                            never restarts. >= smallest + largest + 3 or >= products; with
                            restarts small: each diagonalises a basis × basis matrix */
    const double *start; /* [d]; NULL: drawn by `key` */
    uns_key key;
} uns_extreme_plan;

/* What came of it. A multiple eigenvalue is found once: then `found` may be less than wanted.
 */
typedef struct uns_extremes {
    size_t found_smallest, found_largest;
    bool converged; /* all of those wanted reached the tolerance, or the space is exhausted */
    uint64_t products;
    double spread; /* θ_max − θ_min */
    size_t bytes;  /* of the basis */
} uns_extremes;

/* values, residuals: [smallest + largest], the smallest ascending, then the largest descending;
 * vectors: the same in rows of d, or NULL. Memory besides: basis·d + 3d doubles, and 2·basis²
 * where it restarts. Budget spent is no error: see `converged`. */
UNS_NODISCARD uns_status uns_lanczos_extremes(uns_context *context, const uns_operator *op,
                                              const uns_extreme_plan *plan, double *values,
                                              double *residuals, double *vectors,
                                              uns_extremes *out);

#endif
