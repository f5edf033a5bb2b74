/* SPDX-License-Identifier: MIT
 * A streaming sketch of Σ δδᵀ in k vectors: its top eigenpairs without ever holding the matrix.
 * Levy and Lindenbaum 2000, "Sequential Karhunen–Loeve basis extraction": each time the buffer
 * is full, k kept vectors and the buffer are replaced by the k top ones of their span. Exact
 * while what was seen has rank at most k.
 */
#ifndef UNS_SKETCH_H
#define UNS_SKETCH_H

#include <unsaddle/context.h>

enum {
    UNS_SKETCH_BUFFER = 16
};

typedef struct uns_sketch {
    size_t dimension, keep, kept, waiting;
    double *rows; /* keep kept ones, then UNS_SKETCH_BUFFER waiting */
} uns_sketch;

/* Doubles that rows needs. */
size_t uns_sketch_size(size_t dimension, size_t keep);

/* The row to write the next vector into; uns_sketch_added afterwards takes it in. */
double *uns_sketch_next(uns_sketch *sketch);
void uns_sketch_added(uns_sketch *sketch);

/* Takes in what waits. Rows 0 ... kept−1 are orthogonal, by length descending; a row's squared
 * length is its eigenvalue. */
void uns_sketch_close(uns_sketch *sketch);

#endif
