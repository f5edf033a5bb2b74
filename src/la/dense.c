/* SPDX-License-Identifier: MIT
 * The parts of dense.h that are the same with and without OpenBLAS.
 */
#include "la/dense.h"

enum {
    TILE = 16 /* a tile of rows and one of columns stay in the first-level cache */
};

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

void uns_dense_mirror(size_t n, double *c) {
    for (size_t top = 0; top < n; top += TILE)
        for (size_t left = 0; left <= top; left += TILE)
            for (size_t i = top; i < smaller(top + TILE, n); i++)
                for (size_t j = left; j < smaller(left + TILE, i); j++)
                    c[j * n + i] = c[i * n + j];
}
