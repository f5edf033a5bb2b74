/* SPDX-License-Identifier: MIT
 * Kronecker family: the orthogonal polar factor of the direction itself, R = root(uuᵀ)·u with
 * p = ½, which is what Muon moves along (Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein
 * 2024).
 *
 *   exact    by the root of the smaller Gram matrix; singular values below √(n·2⁻⁵²) of the
 *            largest go to 0, and one of relative size s has the relative error 2⁻⁵²/s²
 *   quintic  X ← u/(‖u‖ + ε), then five times X ← aX + (bXXᵀ + c(XXᵀ)²)X with the published
 *            a, b, c: singular values above 1e-2‖u‖ end between 0.68 and 1.13, no nearer to 1
 */
#include "opt/structure/kron.h"

#include "la/dense.h"
#include "la/root.h"

#include <math.h>
#include <string.h>

static const double quintic[3] = {3.4445, -4.7750, 2.0315};

enum {
    QUINTIC_STEPS = 5
};

/* out = a·x (left) or x·a (right) for the side's n×n a, plus β·out. */
static void multiply(const kron_tile *tile, int side, const double *a, const double *x,
                     size_t ld, double beta, double *out, size_t ld_out) {
    size_t h = tile->rows, w = tile->cols;
    if (side == UNS_KRON_LEFT)
        uns_dense_gemm(false, false, h, w, h, 1.0, a, h, x, ld, beta, out, ld_out);
    else
        uns_dense_gemm(false, false, h, w, w, 1.0, x, ld, a, w, beta, out, ld_out);
}

/* x = u/(‖u‖ + ε), in rows of the tile's own length. */
static void normalize(const kron_tile *tile, const double *u, size_t ld, double epsilon,
                      double *x) {
    double square = 0.0;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++)
            square += u[i * ld + j] * u[i * ld + j];
    double below = sqrt(square) + epsilon, factor = below > 0.0 ? 1.0 / below : 0.0;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++)
            x[i * tile->cols + j] = factor * u[i * ld + j];
}

/* In lane->rect[0] and [1]; returns the one with the result. */
static const double *run_quintic(const uns_structure_site *site, const kron_tile *tile,
                                 int side, kron_lane *lane) {
    size_t n = uns_kron_side(tile, side), other = uns_kron_side(tile, !side);
    size_t area = tile->rows * tile->cols;
    double *x = lane->rect[0], *next = lane->rect[1], *g = lane->square[0],
           *p = lane->square[1];
    for (int step = 0; step < QUINTIC_STEPS; step++) {
        uns_dense_syrk(side == UNS_KRON_RIGHT, n, other, 1.0, x, tile->cols, 0.0, g);
        uns_dense_gemm(false, false, n, n, n, quintic[2], g, n, g, n, 0.0, p, n);
        site->kernels->axpy(n * n, quintic[1], g, p);
        site->kernels->of[UNS_F64].scale(area, quintic[0], x, next);
        multiply(tile, side, p, x, tile->cols, 1.0, next, tile->cols);
        double *swap = x;
        x = next;
        next = swap;
    }
    return x;
}

void uns_kron_polar(const uns_structure_site *site, const uns_root *root, const kron_tile *tile,
                    size_t replica, const void *u, void *d, kron_lane *lane) {
    int side = tile->has[UNS_KRON_LEFT] ? UNS_KRON_LEFT : UNS_KRON_RIGHT;
    size_t n = uns_kron_side(tile, side), other = uns_kron_side(tile, !side), ld, ld_out;
    const double *x = uns_kron_gather(site, tile, replica, u, lane->rect[2], &ld);
    double *out = uns_kron_target(site, tile, d, lane->rect[2], &ld_out);
    const double *result = lane->rect[0];
    if (site->spec->root == UNS_ROOT_QUINTIC) {
        normalize(tile, x, ld, root->epsilon, lane->rect[0]);
        result = run_quintic(site, tile, side, lane);
    } else {
        uns_root_report found = {0};
        uns_root own = *root;
        own.exponent *= tile->share;
        uns_dense_syrk(side == UNS_KRON_RIGHT, n, other, 1.0, x, ld, 0.0, lane->square[0]);
        if (uns_root_dense(site->context, n, &own, lane->square[0], lane->square[1],
                           lane->decomposition, &found) != UNS_OK)
            return; /* u is not finite, and stays so */
        multiply(tile, side, lane->square[1], x, ld, 0.0, lane->rect[0], tile->cols);
        lane->error = found.error > lane->error ? found.error : lane->error;
    }
    lane->taken++;
    for (size_t i = 0; i < tile->rows; i++)
        memcpy(out + i * ld_out, result + i * tile->cols, tile->cols * sizeof *out);
    uns_kron_scatter(site, tile, replica, out, d);
}
