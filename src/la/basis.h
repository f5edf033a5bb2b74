/* SPDX-License-Identifier: MIT
 * An orthonormal basis that grows: vectors of d doubles, taken from the context in chunks, so
 * that a run that stops early has not paid for its whole budget.
 */
#ifndef UNS_BASIS_H
#define UNS_BASIS_H

#include <stddef.h>
#include <unsaddle/context.h>

#include "kern/kern.h"

typedef struct uns_basis {
    uns_context *context;
    const uns_kernels *kernels;
    size_t dimension, stride; /* stride: dimension rounded up to 64 bytes */
    size_t capacity;          /* vectors it may come to hold */
    size_t held;              /* vectors there is memory for */
    double **vectors;         /* [capacity], the first `held` of them there */
} uns_basis;

/* No vectors yet; memory of one pointer a vector of `capacity`. */
UNS_NODISCARD uns_status uns_basis_open(uns_context *context, size_t dimension, size_t capacity,
                                        uns_basis *basis);
void uns_basis_close(uns_basis *basis);

/* Sees to it that vector `index` < capacity is there. Grows by 16 vectors or 1 MiB, whichever
 * is less, but one at least. */
UNS_NODISCARD uns_status uns_basis_reach(uns_basis *basis, size_t index);

/* Bytes taken for vectors so far. */
size_t uns_basis_bytes(const uns_basis *basis);

/* w ← w minus its parts along vectors 0 ... count−1 (modified Gram–Schmidt); returns the sum of
 * the squares of these parts. Cost: 4·count·d operations. */
double uns_basis_remove(const uns_basis *basis, size_t count, double *w);

/* out = Σ_i s[i]·vector i. */
void uns_basis_combine(const uns_basis *basis, size_t count, const double *s, double *out);

/* Replaces vectors 0 ... kept−1 by combinations of the first `count`: new vector i has the
 * coefficients of row i of rows[kept × count]. In place. work: kept·64 doubles. */
void uns_basis_rotate(uns_basis *basis, size_t count, size_t kept, const double *rows,
                      double *work);

#endif
