/* SPDX-License-Identifier: MIT
 * Eigenvalues of a small symmetric matrix, for truths that are settled once at create.
 */
#ifndef UNS_PROB_EIGENVALUES_H
#define UNS_PROB_EIGENVALUES_H

#include <stddef.h>

/* Cyclic Jacobi: a (n×n, symmetric) is overwritten; values descend. Cost: about 8·4n³. */
void uns_symmetric_eigenvalues(size_t n, double *a, double *values);

#endif
