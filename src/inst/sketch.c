/* SPDX-License-Identifier: MIT
 * The streaming sketch of a sum of outer products.
 */
#include "inst/sketch.h"

#include "la/jacobi.h"

#include <string.h>

enum {
    KEEP_MAX = 64,
    ROWS_MAX = KEEP_MAX + UNS_SKETCH_BUFFER
};

size_t uns_sketch_size(size_t dimension, size_t keep) {
    return dimension * (keep + UNS_SKETCH_BUFFER);
}

static double *row(const uns_sketch *s, size_t i) {
    return s->rows + i * s->dimension;
}

double *uns_sketch_next(uns_sketch *s) {
    return row(s, s->kept + s->waiting);
}

static double dot(size_t n, const double *x, const double *y) {
    double lane[4] = {0.0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            lane[k] += x[i + k] * y[i + k];
    for (; i < n; i++)
        lane[0] += x[i] * y[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* rows ← Uᵀ·rows for the `keep` top eigenvectors U of the Gram matrix, a column at a time. */
static void rotate(uns_sketch *s, size_t total, size_t keep, const double *vectors) {
    for (size_t c = 0; c < s->dimension; c++) {
        double old[ROWS_MAX];
        for (size_t i = 0; i < total; i++)
            old[i] = row(s, i)[c];
        for (size_t k = 0; k < keep; k++)
            row(s, k)[c] = dot(total, vectors + (total - 1 - k) * total, old);
    }
}

void uns_sketch_close(uns_sketch *s) {
    double gram[ROWS_MAX * ROWS_MAX], values[ROWS_MAX], vectors[ROWS_MAX * ROWS_MAX];
    size_t total = s->kept + s->waiting;
    if (s->waiting == 0)
        return;
    for (size_t i = 0; i < total; i++)
        for (size_t j = 0; j <= i; j++)
            gram[i * total + j] = gram[j * total + i] = dot(s->dimension, row(s, i), row(s, j));
    uns_eigen_symmetric(total, gram, values, vectors);
    size_t keep = total < s->keep ? total : s->keep;
    rotate(s, total, keep, vectors);
    s->kept = keep;
    s->waiting = 0;
}

void uns_sketch_added(uns_sketch *s) {
    s->waiting++;
    if (s->waiting == UNS_SKETCH_BUFFER)
        uns_sketch_close(s);
}
