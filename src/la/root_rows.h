/* SPDX-License-Identifier: MIT
 * Roots of many small symmetric matrices at once, one a replica, replicas innermost: slot 4 of
 * spec.h by Jacobi rotations that run over the replicas (kern.h, eigen_rows). Needs no LAPACK
 * and gives the same bits on every instruction set; for n up to about 16, where a call of
 * LAPACK would cost more than its work. Larger ones: root.h.
 */
#ifndef UNS_LA_ROOT_ROWS_H
#define UNS_LA_ROOT_ROWS_H

#include <stddef.h>
#include <unsaddle/structure.h>

/* Of one replica. */
typedef struct uns_small_root {
    double error; /* bound on ‖R̂ − R‖/‖R‖ to first order, from the condition of C */
    double smallest; /* eigenvalue of cC, damped */
    double largest;
    int bad; /* C was not finite: r is NaN */
} uns_small_root;

/* Bytes of scratch, aligned to 64. */
size_t uns_root_rows_scratch(size_t n, size_t replicas);

/* r = root(C) for packed C (kern.h); c is destroyed. Which eigenvalues count as 0: root.h.
 * reports[replicas]. c and r are distinct. */
void uns_root_rows(const struct uns_kernels *kernels, size_t n, size_t replicas,
                   const uns_root *root, double *c, double *r, void *scratch,
                   uns_small_root *reports);

#endif
