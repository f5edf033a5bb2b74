/* SPDX-License-Identifier: MIT
 * Moments: how the second moment C is accumulated from signals s. A moment says, step by step,
 * the coefficients of C ← aC + b·ssᵀ + eI, or gives an elementwise fold of its own.
 */
#ifndef UNSADDLE_MOMENT_H
#define UNSADDLE_MOMENT_H

#include <stdbool.h>
#include <unsaddle/layout.h>
#include <unsaddle/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Coefficients of observation t: C ← aC + b·ssᵀ + eI. The root sees cC; c corrects the bias.
 * The direction is ρ·R·u, and u itself (unscaled) while ρ = 0. */
typedef struct uns_coeffs {
    double a, b, c, e, rho;
} uns_coeffs;

/* Vector loops behind the built-in folds; opaque to plug-ins. */
struct uns_kernels;

typedef struct uns_moment_ops {
    size_t size; /* sizeof(uns_moment_ops) */
    const char *name;
    const char *summary;
    bool oracle;     /* C is handed over by the caller's second_moment, no gradient enters */
    bool memoryless; /* a = 0: C = ssᵀ of this step alone, nothing is stored */
    /* REQUIRED. Coefficients of observation t = 1, 2, ...; pure. */
    void (*coeffs)(const uns_spec *spec, uint64_t t, uns_coeffs *out);
    /* OPTIONAL; NULL: the affine update above. c[i] ← fold(c[i], s[i]) for n elements of dtype;
     * elementwise structures only. Must give the same result for any split of n. */
    void (*fold)(const struct uns_kernels *kernels, uns_dtype dtype, const uns_coeffs *coeffs,
                 size_t n, const void *s, void *c);
    /* OPTIONAL; NULL: no further conditions. UNS_ERROR_RANGE or UNS_ERROR_PAIR with message. */
    uns_status (*check)(uns_context *context, const uns_spec *spec);
    bool windowed; /* C is of the last spec.structure_window signals: needs retire */
} uns_moment_ops;

#ifdef __cplusplus
}
#endif
#endif
