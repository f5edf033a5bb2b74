/* SPDX-License-Identifier: MIT
 * A symmetric operator known only by its products with vectors: the Hessian at one point, say.
 * Instruments that need nothing else take this, so that they work without a problem.
 */
#ifndef UNSADDLE_OPERATOR_H
#define UNSADDLE_OPERATOR_H

#include <stddef.h>
#include <unsaddle/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where products come from, best first. What follows from them can be no better. */
typedef enum uns_rung {
    UNS_RUNG_BEST = -1,    /* as a wish: the best that there is */
    UNS_RUNG_EXACT,        /* exact up to rounding */
    UNS_RUNG_COMPLEX_STEP, /* imaginary part of a gradient: exact up to rounding and O(h²) */
    UNS_RUNG_DIFFERENCES,  /* central differences of gradients: neither linear nor symmetric */
    UNS_RUNG_COUNT
} uns_rung;

/* "exact", "complex step", "differences"; never NULL. Static storage. */
UNS_API const char *uns_rung_text(uns_rung rung);

/* H, d × d. Called from the calling thread only, one product at a time. */
typedef struct uns_operator {
    size_t size;      /* sizeof(uns_operator) */
    size_t dimension; /* d >= 1 */
    void *self;       /* passed to product, borrowed */
    /* out = H·v; v and out do not overlap, both of d doubles, aligned to 64. Returns UNS_OK,
     * or any other status, which ends the instrument with that status. The same bits for the
     * same v, where three-term runs are to find witnesses. */
    uns_status (*product)(void *self, const double *v, double *out);
    uns_rung rung;
    double error; /* ‖E‖ where product gives (H + E)·v; beyond rounding, so 0 for exact ones */
} uns_operator;

#ifdef __cplusplus
}
#endif
#endif
