/* SPDX-License-Identifier: MIT
 * Roots of symmetric positive semidefinite matrices: R = root(C) as slot 4 of spec.h defines
 * it, in f64 (in f32 no digit is left at condition 1e10), with an error estimate for each.
 *
 *     inside       R = (cC + δI + εI)^-p
 *     outside      R = ((cC + δI)^p + εI)^-1
 *     uncorrected  R = c^-p ((C + δI/c)^p + εI)^-1       δ = damping·λ_max(cC)
 *
 * Small matrices of moderate condition go by scaled coupled Newton–Schulz (root_newton.c), the
 * others by eigen-decomposition and one correction from its measured residual (root_eigen.c).
 * Both measure their error by products more exact than f64; see docs/theory.md, Roots.
 */
#ifndef UNS_LA_ROOT_H
#define UNS_LA_ROOT_H

#include <unsaddle/structure.h>

/* What a root cost and how good it is. */
typedef struct uns_root_report {
    double error; /* estimate of ‖R̂ − R‖/‖R‖, Frobenius; 1: no digit is known */
    double largest,
        smallest;   /* extreme eigenvalues of cC + δI; two digits from Newton–Schulz */
    int iterations; /* Newton–Schulz steps; 0: eigen-decomposition */
} uns_root_report;

/* Bytes of scratch for one n×n root, to be aligned to 64: 3n² doubles and a little; 4n² where
 * Newton–Schulz may be taken. */
size_t uns_root_scratch(size_t n);

/* r = root(C) for the n×n row-major symmetric C: its lower triangle is read, r is full and
 * exactly symmetric; r may be c.
 *
 * Eigenvalues of C below n·2⁻⁵²·λ_max are taken for rounding and count as 0, where at ε = 0 a
 * zero stays zero in R. With damping, or with ε inside, only those below −n·2⁻⁵²·λ_max do.
 *
 * UNS_ERROR_RANGE: C is not finite (the message names the entry); UNS_ERROR_ARGUMENT: exponent,
 * ε, correction or damping out of range; UNS_ERROR_UNAVAILABLE: no LAPACK; UNS_ERROR_STATE: the
 * eigen-solver failed. On failure r and *report are untouched.
 * Cost: 9 to 16 n³ flops by eigen-decomposition and 13 n³ for correction and estimate, which
 * run at the speed of gemm. No allocation; any thread, one scratch each. */
UNS_NODISCARD uns_status uns_root_dense(uns_context *context, size_t n, const uns_root *root,
                                        const double *c, double *r, void *scratch,
                                        uns_root_report *report);

/* The same, always by eigen-decomposition, with the eigenpairs of C handed out: values
 * ascending (n), row i of `vectors` (n×n) the unit vector of values[i]; either may be NULL.
 * Neither may overlap r or c. */
UNS_NODISCARD uns_status uns_root_eigen(uns_context *context, size_t n, const uns_root *root,
                                        const double *c, double *r, double *values,
                                        double *vectors, void *scratch,
                                        uns_root_report *report);

#endif
