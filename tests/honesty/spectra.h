/* SPDX-License-Identifier: MIT
 * Symmetric operators with chosen eigenvalues: a diagonal between a few reflections, O(d) a
 * product; and the families of spectra that the certificate is tried on.
 */
#ifndef UNS_SPECTRA_H
#define UNS_SPECTRA_H

#include <stdbool.h>
#include <unsaddle/operator.h>
#include <unsaddle/random.h>

enum {
    SPECTRA_REFLECTIONS = 2,
    SPECTRA_ROOM = 5000 /* the largest d */
};

/* H = P₁P₂·diag(λ)·P₂P₁, P = I − 2uuᵀ; diag(λ) alone where `reflections` is 0. */
typedef struct spectra_matrix {
    size_t dimension;
    int reflections;
    double lambda[SPECTRA_ROOM];
    double u[SPECTRA_REFLECTIONS][SPECTRA_ROOM];
} spectra_matrix;

uns_operator spectra_operator(spectra_matrix *matrix);

/* Where the rest of the spectrum lies beside the lowest eigenvalue. All within [low, low + 1].
 */
typedef enum spectra_family {
    SPECTRA_WORST, /* at the extrema of the Chebyshev polynomial T_{2k−1}, as in the proof of
                      Kuczyński and Woźniakowski that their rate cannot be improved */
    SPECTRA_CLUSTERS, /* in one to six clusters of no or small width */
    SPECTRA_AXES,     /* axis-aligned: no reflections; evenly at random, or in clusters */
    SPECTRA_FAMILIES
} spectra_family;

extern const char *const spectra_names[SPECTRA_FAMILIES];

/* A matrix with λ_min = `lowest`·τ simple, all else above `lowest`·τ + τ/50, drawn by `key`:
 * dimension, positions, rotation. Family AXES puts λ_min on an axis other than the first. */
void spectra_draw(spectra_family family, double tau, double lowest, uns_key key,
                  spectra_matrix *matrix);

/* A uniform deviate in (0, 1): number `index` of the key. */
double spectra_uniform(uns_key key, uint32_t index);

#endif
