/* SPDX-License-Identifier: MIT
 * Dense pieces: a snapshot of A and C, and products with it. A is kept by its eigenvectors, so
 * that A^{1/2} and A⁻¹ cost what A costs; both leave out what A sends to 0.
 *
 * Of each piece: replica by replica, dense: vectors (rows) n², values n, C packed; diagonal: A,
 * C.
 */
#include "opt/root_number.h"
#include "opt/structure/dense_parts.h"

#include "base/base.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static size_t doubles_of(const dense_piece *piece) {
    size_t n = piece->n;
    return piece->dense ? n * n + n + uns_triangle(n) : 2 * n;
}

size_t uns_dense_metric_bytes(const uns_structure_site *site) {
    const dense_work *work = site->scratch;
    size_t sum = 0; /* at most thrice the state, which has been allocated */
    for (size_t k = 0; k < work->count; k++)
        sum += doubles_of(&work->pieces[k]);
    return uns_size_product(uns_size_product(sum, site->replicas), sizeof(double));
}

/* Eigenvalues of A below the rounding of the largest are 0. */
static void clear_rounding(size_t n, double *values) {
    double largest = 0.0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(values[i]));
    for (size_t i = 0; i < n; i++)
        if (!(values[i] > (double)n * DBL_EPSILON * largest))
            values[i] = 0.0;
}

static uns_status open_dense(const uns_structure_site *site, const dense_piece *piece,
                             const uns_root *root, size_t r, double *out) {
    const dense_work *work = site->scratch;
    size_t n = piece->n, replicas = site->replicas;
    double *vectors = out, *values = out + n * n, *c = values + n;
    uns_dense_unpack(work, piece, replicas, r, root->correction, vectors);
    double k = uns_dense_root_of(work, root).correction;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            c[uns_triangle(i) + j] = k * vectors[i * n + j];
    UNS_TRY(uns_dense_decompose(site, piece, root, r, vectors, values));
    clear_rounding(n, values);
    return UNS_OK;
}

static void open_diagonal(const uns_structure_site *site, const dense_piece *piece,
                          const uns_root *root, size_t r, double *out) {
    const dense_work *work = site->scratch;
    uns_root own = uns_dense_root_of(work, root);
    double largest = 0.0, *moment = out + piece->n;
    for (size_t i = 0; i < piece->n; i++) {
        size_t at = i * site->replicas + r;
        double c = piece->c[at], k = root->correction;
        if (work->mean) {
            double mean = k * work->mean[piece->begin * site->replicas + at];
            c = fmax(k * c - mean * mean, 0.0);
        }
        moment[i] = c;
        largest = fmax(largest, c);
    }
    for (size_t i = 0; i < piece->n; i++) {
        out[i] = uns_root_number(&own, uns_damped(&own, moment[i], largest));
        moment[i] *= own.correction;
    }
}

uns_status uns_dense_metric_open(const uns_structure_site *site, const void *state,
                                 const uns_root *root, uns_const_tensors mean, size_t first,
                                 size_t count, void *metric) {
    const dense_work *work = site->scratch;
    double *out = metric;
    (void)state, (void)mean;
    for (size_t k = 0; k < work->count; k++)
        for (size_t r = first; r < first + count; r++) {
            const dense_piece *piece = &work->pieces[k];
            if (piece->dense)
                UNS_TRY(open_dense(site, piece, root, r, out));
            else
                open_diagonal(site, piece, root, r, out);
            out += doubles_of(piece);
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

static void multiply_powers(const uns_kernels *kernels, size_t n, uns_product product,
                            const double *vectors, const double *x, double *out) {
    const double *values = vectors + n * n;
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const double *row = vectors + i * n;
        kernels->axpy(n, power(product, values[i]) * kernels->dot(n, row, x), row, out);
    }
}

static void multiply_moment(const uns_kernels *kernels, size_t n, const double *packed,
                            const double *x, double *out) {
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const double *row = packed + uns_triangle(i);
        out[i] += kernels->dot(i + 1, row, x);
        kernels->axpy(i, x[i], row, out);
    }
}

/* x and y are one replica's numbers in the piece, site->replicas apart. */
static void multiply_dense(const uns_structure_site *site, size_t n, uns_product product,
                           const double *metric, const double *x, double *y) {
    const dense_work *work = site->scratch;
    double *from = work->room[0], *to = work->room[1];
    for (size_t i = 0; i < n; i++)
        from[i] = x[i * site->replicas];
    if (product == UNS_PRODUCT_C)
        multiply_moment(site->kernels, n, metric + n * n + n, from, to);
    else
        multiply_powers(site->kernels, n, product, metric, from, to);
    for (size_t i = 0; i < n; i++)
        y[i * site->replicas] = to[i];
}

static void multiply_diagonal(const uns_structure_site *site, size_t n, uns_product product,
                              const double *metric, const double *x, double *y) {
    for (size_t i = 0; i < n; i++) {
        double a = product == UNS_PRODUCT_C ? metric[n + i] : power(product, metric[i]);
        y[i * site->replicas] = a * x[i * site->replicas];
    }
}

uns_status uns_dense_product(const uns_structure_site *site, const void *metric,
                             uns_product product, uns_const_tensors in, uns_tensors out) {
    dense_work *work = site->scratch;
    size_t replicas = site->replicas;
    const double *flat = uns_dense_gather(site, in, work->u), *at = metric;
    for (size_t k = 0; k < work->count; k++)
        for (size_t r = 0; r < replicas; r++) {
            const dense_piece *piece = &work->pieces[k];
            size_t from = piece->begin * replicas + r;
            if (piece->dense)
                multiply_dense(site, piece->n, product, at, flat + from, work->out + from);
            else
                multiply_diagonal(site, piece->n, product, at, flat + from, work->out + from);
            at += doubles_of(piece);
        }
    uns_dense_scatter(site, work->out, out);
    return UNS_OK;
}
