/* SPDX-License-Identifier: MIT
 * Small dense tools: the symmetric eigenproblem by cyclic Jacobi rotations, and the normal
 * distribution. For d up to about a hundred and outside of any loop; not for speed.
 */
#ifndef UNS_JACOBI_H
#define UNS_JACOBI_H

#include <stddef.h>

/* Eigenvalues ascending into values[n], unit eigenvectors into the rows of vectors[n·n], from
 * the symmetric a[n·n], which is overwritten. Backward stable: errors of about n·1e-16·‖a‖. */
void uns_eigen_symmetric(size_t n, double *a, double *values, double *vectors);

/* Φ⁻¹(p) for 0 < p < 1, relative error about 1e-16; −∞ and ∞ at the ends, NaN beyond. */
double uns_normal_quantile(double p);

/* Φ(x), relative error about 1e-14 in either tail. */
double uns_normal_below(double x);

#endif
