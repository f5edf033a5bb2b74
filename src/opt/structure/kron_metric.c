/* SPDX-License-Identifier: MIT
 * Kronecker family: a snapshot of A and C, and products with it.
 *
 * kron: A = R_L ⊗ R_M by the eigenvectors of each root in force, so that A^{1/2} and A⁻¹ cost
 * what A costs; C = (cL) ⊗ (cM)/tr(cL), which is E[ssᵀ] exactly where that is a Kronecker
 * product (one factor alone: cL ⊗ I/w). kron-eigen: both are diagonal in the basis. Where A
 * sends a direction to 0, so do A^{1/2} and A⁻¹.
 */
#include "opt/root_number.h"
#include "opt/structure/kron.h"
#include "opt/structure/wide.h"

#include "base/base.h"
#include "la/dense.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* One tile of one replica in the snapshot, NULL where not kept: vectors in rows; eigenvalues of
 * the root; the factor, scaled for C; and entry by entry A and C. */
typedef struct view {
    double *vectors[UNS_KRON_SIDES], *values[UNS_KRON_SIDES], *factor[UNS_KRON_SIDES];
    double *a, *c;
} view;

static double *take(double **at, size_t count) {
    double *place = *at;
    *at = place ? place + count : NULL;
    return place;
}

/* Hands out the tile's part from *at on; returns its doubles. */
static size_t place_view(const kron_work *work, const kron_tile *tile, double *at, view *out) {
    size_t area = tile->rows * tile->cols, sum = 0;
    *out = (view){.a = NULL};
    for (int side = 0; side < UNS_KRON_SIDES; side++) {
        size_t n = uns_kron_side(tile, side);
        if (!tile->has[side])
            continue;
        out->vectors[side] = take(&at, n * n);
        sum += n * n;
        if (work->kind.eigen)
            continue;
        out->values[side] = take(&at, n);
        out->factor[side] = take(&at, n * n);
        sum += n + n * n;
    }
    if (!tile->diagonal && !work->kind.eigen)
        return sum;
    out->a = take(&at, area);
    out->c = take(&at, area);
    return sum + 2 * area;
}

size_t uns_kron_metric_bytes(const uns_structure_site *site) {
    const kron_work *work = site->scratch;
    size_t sum = 0; /* about as much as the state, which has been allocated */
    view unused;
    for (size_t i = 0; i < work->count; i++)
        sum += place_view(work, &work->tiles[i], NULL, &unused);
    return uns_size_product(uns_size_product(sum, site->replicas), sizeof(double));
}

static void open_entries(const kron_tile *tile, const uns_root *root, size_t stride,
                         const double *moment, const double *mean, const view *to) {
    uns_root own = *root;
    double largest = 0.0;
    own.exponent *= tile->share;
    own.correction = mean ? 1.0 : root->correction;
    for (size_t i = 0; i < tile->rows * tile->cols; i++) {
        double c = moment[i * stride];
        if (mean) {
            double m = root->correction * mean[i];
            c = fmax(root->correction * c - m * m, 0.0);
        }
        to->c[i] = c;
        largest = fmax(largest, c);
    }
    for (size_t i = 0; i < tile->rows * tile->cols; i++) {
        to->a[i] = uns_root_number(&own, uns_damped(&own, to->c[i], largest));
        to->c[i] *= own.correction;
    }
}

/* Eigenvalues below the rounding of the largest are 0. */
static void clear_rounding(size_t n, double *values) {
    double largest = fabs(values[n - 1]);
    for (size_t i = 0; i < n; i++)
        if (!(values[i] > (double)n * DBL_EPSILON * largest))
            values[i] = 0.0;
}

static uns_status open_side(const uns_structure_site *site, const uns_root *root,
                            const kron_tile *tile, size_t replica, int side, const view *to) {
    const kron_work *work = site->scratch;
    kron_lane *lane = &work->lane[0];
    size_t n = uns_kron_side(tile, side);
    double k, trace = 0.0;
    bool blind;
    if (tile->marks[replica].taken > 0)
        memcpy(to->vectors[side], uns_kron_at(tile->root, tile, side, replica),
               n * n * sizeof(double));
    else
        UNS_TRY(uns_kron_take_root(site, root, tile, replica, side, to->vectors[side], lane,
                                   &blind));
    if (uns_dense_eigen(n, to->vectors[side], to->values[side], lane->decomposition) != UNS_OK)
        return uns_fail(site->context, UNS_ERROR_STATE,
                        "metric: the eigenvalues of a %zu×%zu root did not converge", n, n);
    clear_rounding(n, to->values[side]);
    const double *c = uns_kron_moment(site, tile, replica, side, root->correction, &k, lane);
    for (size_t i = 0; i < n; i++)
        trace += k * c[i * n + i];
    /* The trace is once too often where there are two factors. */
    double unit = tile->has[UNS_KRON_LEFT] && tile->has[UNS_KRON_RIGHT]
                      ? (side == UNS_KRON_RIGHT && trace > 0.0 ? k / trace : k)
                      : k / (double)uns_kron_side(tile, !side);
    site->kernels->of[UNS_F64].scale(n * n, unit, c, to->factor[side]);
    return UNS_OK;
}

static uns_status open_basis(const uns_structure_site *site, const kron_tile *tile,
                             size_t replica, const view *to) {
    const kron_work *work = site->scratch;
    for (int side = 0; side < UNS_KRON_SIDES; side++) {
        size_t n = uns_kron_side(tile, side);
        if (!tile->has[side])
            continue;
        if (tile->marks[replica].taken > 0)
            memcpy(to->vectors[side], uns_kron_at(tile->root, tile, side, replica),
                   n * n * sizeof(double));
        else
            UNS_TRY(uns_kron_decompose(n, uns_kron_at(tile->factor, tile, side, replica),
                                       to->vectors[side], work->lane[0].decomposition));
    }
    return UNS_OK;
}

static uns_status open_tile(const uns_structure_site *site, const uns_root *root,
                            const kron_tile *tile, size_t replica, const view *to) {
    const kron_work *work = site->scratch;
    size_t area = tile->rows * tile->cols, ld;
    if (tile->diagonal) {
        const double *mean = NULL;
        if (work->mean.data)
            mean = uns_kron_gather(site, tile, replica, work->mean.data[tile->block], to->c,
                                   &ld); /* c is written behind it */
        open_entries(tile, root, site->replicas, tile->moment + replica, mean, to);
        return UNS_OK;
    }
    if (work->kind.eigen) {
        open_entries(tile, root, 1, tile->moment + replica * area, NULL, to);
        return open_basis(site, tile, replica, to);
    }
    for (int side = 0; side < UNS_KRON_SIDES; side++)
        if (tile->has[side])
            UNS_TRY(open_side(site, root, tile, replica, side, to));
    return UNS_OK;
}

uns_status uns_kron_metric_open(const uns_structure_site *site, const void *state,
                                const uns_root *root, uns_const_tensors mean, size_t first,
                                size_t count, void *metric) {
    kron_work *work = site->scratch;
    double *at = metric;
    (void)state;
    if (work->kind.direct)
        return uns_fail(site->context, UNS_ERROR_UNAVAILABLE,
                        "metric: the moment '%s' keeps nothing between steps",
                        site->spec->moment);
    work->mean = mean;
    for (size_t i = 0; i < work->count; i++)
        for (size_t r = first; r < first + count; r++) {
            view to;
            size_t used = place_view(work, &work->tiles[i], at, &to);
            UNS_TRY(open_tile(site, root, &work->tiles[i], r, &to));
            at += used;
        }
    return UNS_OK;
}

/* The eigenvalue of the product where A's is a. */
static double power(uns_product product, double a) {
    switch (product) {
    case UNS_PRODUCT_A_SQRT:
        return sqrt(a);
    case UNS_PRODUCT_A_INVERSE:
        return a > 0.0 ? 1.0 / a : 0.0;
    case UNS_PRODUCT_A:
    case UNS_PRODUCT_C:
        break;
    }
    return a;
}

/* x ← M x or x Mᵀ for the side's n×n M (transposed: Mᵀ x or x M), through `room`. */
static void multiply(const kron_tile *tile, int side, const double *matrix, bool transposed,
                     double *x, double *room) {
    size_t h = tile->rows, w = tile->cols;
    if (side == UNS_KRON_LEFT)
        uns_dense_gemm(transposed, false, h, w, h, 1.0, matrix, h, x, w, 0.0, room, w);
    else
        uns_dense_gemm(false, !transposed, h, w, w, 1.0, x, w, matrix, w, 0.0, room, w);
    memcpy(x, room, h * w * sizeof *x);
}

static void scale_side(const kron_tile *tile, int side, uns_product product,
                       const double *values, double *x) {
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++)
            x[i * tile->cols + j] *= power(product, values[side == UNS_KRON_LEFT ? i : j]);
}

static void multiply_tile(const kron_work *work, const kron_tile *tile, uns_product product,
                          const view *by, double *x, double *room) {
    bool by_factors = product == UNS_PRODUCT_C && !work->kind.eigen;
    for (int side = 0; side < UNS_KRON_SIDES; side++)
        if (tile->has[side])
            multiply(tile, side, by_factors ? by->factor[side] : by->vectors[side], false, x,
                     room);
    if (by_factors)
        return;
    for (int side = 0; side < UNS_KRON_SIDES; side++)
        if (by->values[side])
            scale_side(tile, side, product, by->values[side], x);
    for (size_t i = 0; by->a && i < tile->rows * tile->cols; i++)
        x[i] *= product == UNS_PRODUCT_C ? by->c[i] : power(product, by->a[i]);
    for (int side = 0; side < UNS_KRON_SIDES; side++)
        if (tile->has[side])
            multiply(tile, side, by->vectors[side], true, x, room);
}

/* A diagonal tile, which is a whole block. */
static void multiply_entries(const uns_structure_site *site, const kron_tile *tile,
                             uns_product product, const view *by, size_t replica,
                             const void *in, void *out) {
    for (size_t i = 0; i < tile->rows * tile->cols; i++) {
        double room, y = product == UNS_PRODUCT_C ? by->c[i] : power(product, by->a[i]);
        size_t at = i * site->replicas + replica;
        y *= in ? *uns_wide(site, in, at, 1, &room) : 0.0;
        uns_narrow(site, &y, at, 1, out);
    }
}

/* The tile's entries into a buffer of its own, whatever the layout; 0 where there are none. */
static double *copy_tile(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                         const void *in, double *room) {
    size_t ld;
    if (!in) {
        memset(room, 0, tile->rows * tile->cols * sizeof *room);
        return room;
    }
    const double *x = uns_kron_gather(site, tile, replica, in, room, &ld);
    for (size_t i = 0; i < tile->rows && x != room; i++)
        memcpy(room + i * tile->cols, x + i * ld, tile->cols * sizeof *room);
    return room;
}

static void store_tile(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                       const double *x, void *out) {
    size_t ld;
    double *to = uns_kron_target(site, tile, out, NULL, &ld);
    for (size_t i = 0; to && i < tile->rows; i++)
        memcpy(to + i * ld, x + i * tile->cols, tile->cols * sizeof *x);
    uns_kron_scatter(site, tile, replica, x, out);
}

uns_status uns_kron_product(const uns_structure_site *site, const void *metric,
                            uns_product product, uns_const_tensors in, uns_tensors out) {
    const kron_work *work = site->scratch;
    double *at = (double *)metric; /* only read */
    const kron_lane *lane = &work->lane[0];
    for (size_t i = 0; i < work->count; i++)
        for (size_t r = 0; r < site->replicas; r++) {
            const kron_tile *tile = &work->tiles[i];
            view by;
            at += place_view(work, tile, at, &by);
            if (!out.data[tile->block])
                continue;
            if (tile->diagonal) {
                multiply_entries(site, tile, product, &by, r, in.data[tile->block],
                                 out.data[tile->block]);
                continue;
            }
            double *x = copy_tile(site, tile, r, in.data[tile->block], lane->rect[0]);
            multiply_tile(work, tile, product, &by, x, lane->rect[1]);
            store_tile(site, tile, r, x, out.data[tile->block]);
        }
    return UNS_OK;
}
