/* SPDX-License-Identifier: MIT
 * Spectra on [0, 1] by shape, for what a certificate and an eigenvalue cost. Deterministic; a
 * diagonal is enough, since Lanczos from a random start does not see rotations.
 */
#ifndef UNS_SHAPES_H
#define UNS_SHAPES_H

#include <stddef.h>
#include <unsaddle/operator.h>

typedef enum shape {
    SHAPE_EVEN,       /* evenly spaced */
    SHAPE_SEMICIRCLE, /* quantiles of Wigner's law */
    SHAPE_DENSE_LOW,  /* i² / n²: dense at the lower edge */
    SHAPE_BULK,       /* nine tenths within 0.02, the rest spread evenly: a network's Hessian */
    SHAPE_CHEBYSHEV,  /* at the extrema that make Lanczos slowest */
    SHAPE_EDGE,       /* a tenth of all in a cluster at the lower edge, then a gap of 0.1 */
    SHAPE_ISOLATED,   /* one at 0, then a gap of 0.1 */
    SHAPES
} shape;

extern const char *const shape_names[SHAPES];

/* lambda[d] = low + value of the shape on [0, 1], the least of them low. steps: how many
 * extrema, for CHEBYSHEV, at most d. */
void shape_fill(shape kind, size_t d, double low, size_t steps, double *lambda);

/* diag(lambda) as an operator; borrowed. */
typedef struct shape_diagonal {
    size_t dimension;
    const double *lambda;
    long products;
} shape_diagonal;

uns_operator shape_operator(shape_diagonal *diagonal);

#endif
