/* SPDX-License-Identifier: MIT
 * Low rank: the small eigenproblem of one replica, from GᵀG or from C itself.
 *
 * A centred spec takes ḡ in as a column more, with weight −1: over the unit vectors F that span
 * all columns, C − ḡḡᵀ is Λ^{1/2}VᵀJVΛ^{1/2}, J = diag(−1, 1, ..., 1), and a second
 * eigenproblem turns F. What it makes negative is cut to 0, as the diagonal is.
 */
#include "opt/structure/lowrank_parts.h"

#include "la/dense.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    ROUNDINGS = 16 /* of numbers of C's own size, before centring cancels them */
};

double uns_lowrank_floor(size_t n, double largest) {
    return (double)n * DBL_EPSILON * fabs(largest);
}

size_t uns_lowrank_most(const lowrank_work *work) {
    size_t most = 0;
    for (size_t r = 0; r < work->shape.replicas; r++) {
        size_t used = uns_lowrank_used(work, r);
        most = used > most ? used : most;
    }
    return most;
}

uns_root uns_lowrank_root_of(const lowrank_work *work, const uns_root *root) {
    uns_root own = *root;
    if (work->shape.centred)
        own.correction = 1.0;
    return own;
}

double uns_lowrank_complement(const lowrank_work *work, const uns_root *root, size_t r) {
    double complement = work->marks[r].complement;
    return work->shape.centred ? root->correction * complement : complement;
}

void uns_lowrank_gram(const lowrank_work *work, size_t r, double *out) {
    size_t columns = work->shape.columns, n = work->marks[r].held;
    const double *gram = work->gram + r * work->shape.gram;
    const double *weights = work->weights + r * columns;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            out[i * n + j] = sqrt(weights[i]) * sqrt(weights[j]) * gram[i * columns + j];
}

static bool is_finite(size_t n, const double *square) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            if (!isfinite(square[i * n + j]))
                return false;
    return true;
}

bool uns_lowrank_eigen(size_t n, double *square, double *values, double least, void *room) {
    if (!is_finite(n, square) || uns_dense_eigen(n, square, values, room) != UNS_OK)
        return false;
    double own = n ? uns_lowrank_floor(n, values[n - 1]) : 0.0;
    for (size_t i = 0; i < n; i++)
        if (!(values[i] > fmax(own, least)))
            values[i] = 0.0;
    return true;
}

/* C of a window, from its signals: lower triangle. */
static void sum_up(const uns_structure_site *site, size_t r, double *signal, double *c) {
    const lowrank_work *work = site->scratch;
    size_t d = work->shape.d, first = uns_lowrank_first(work);
    memset(c, 0, d * d * sizeof *c);
    for (size_t q = 0; q < work->marks[r].held; q++) {
        double weight = work->weights[r * work->shape.columns + q];
        uns_lowrank_column(site, first + q, r, signal);
        for (size_t i = 0; i < d; i++)
            site->kernels->axpy(i + 1, weight * signal[i], signal, c + i * d);
    }
}

/* kC − (kḡ)(kḡ)ᵀ in place; returns what of it is rounding, by the trace of kC. */
static double centre(const uns_structure_site *site, size_t r, double k, double *mean,
                     double *c) {
    const lowrank_work *work = site->scratch;
    size_t d = work->shape.d;
    double trace = 0.0;
    uns_lowrank_column(site, 0, r, mean);
    for (size_t i = 0; i < d; i++) {
        trace += k * c[i * d + i];
        for (size_t j = 0; j <= i; j++)
            c[i * d + j] = k * c[i * d + j] - k * mean[i] * (k * mean[j]);
    }
    return uns_lowrank_floor(d + ROUNDINGS, trace);
}

static bool decompose_exact(const uns_structure_site *site, const uns_root *root, size_t r,
                            const lowrank_lane *lane, double *basis, double *values) {
    lowrank_work *work = site->scratch;
    size_t d = work->shape.d;
    if (work->shape.windowed)
        sum_up(site, r, lane->vector[0], basis);
    else
        memcpy(basis, work->gram + r * work->shape.gram, d * d * sizeof *basis);
    double least = 0.0;
    if (work->shape.centred)
        least = centre(site, r, root->correction, lane->vector[0], basis);
    work->root[r] = (lowrank_root){.order = d, .rows = d};
    return uns_lowrank_eigen(d, basis, values, least, lane->eigen);
}

/* Unit vectors from eigenvectors: row i times scale_j/√λ_i. Rows of λ = 0 are left out. */
static size_t normalize(size_t n, const double *scale, double *basis, double *values) {
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (values[i] == 0.0)
            continue;
        double length = sqrt(values[i]);
        for (size_t j = 0; j < n; j++)
            basis[rows * n + j] = basis[i * n + j] * (scale[j] / length);
        values[rows++] = values[i];
    }
    return rows;
}

static void fill_scales(const lowrank_work *work, size_t r, double k, double *scale) {
    size_t first = uns_lowrank_first(work);
    const double *weights = work->weights + r * work->shape.columns;
    if (first)
        scale[0] = k;
    for (size_t q = 0; q < work->marks[r].held; q++)
        scale[first + q] = sqrt(first ? k * weights[q] : weights[q]);
}

/* The Gram matrix of kḡ and the weighted signals, of order n. */
static void bordered_gram(const lowrank_work *work, size_t r, const double *scale, size_t n,
                          double *out) {
    size_t columns = work->shape.columns, replicas = work->shape.replicas;
    const double *gram = work->gram + r * work->shape.gram, *mean = work->sums[0];
    for (size_t i = 0; i < n; i++) {
        out[i * n] = scale[i] * scale[0] * mean[i * replicas + r];
        for (size_t j = 1; j <= i; j++)
            out[i * n + j] = scale[i] * scale[j] * gram[(i - 1) * columns + j - 1];
    }
}

/* Λ^{1/2}VᵀJVΛ^{1/2} from the eigenvectors' components in ḡ. */
static void signed_moment(size_t rows, const double *values, const double *mean_part,
                          double *out) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j <= i; j++)
            out[i * rows + j] = sqrt(values[i]) * sqrt(values[j]) *
                                ((i == j ? 1.0 : 0.0) - 2.0 * mean_part[i] * mean_part[j]);
}

/* basis ← turn·basis, through `room`. */
static void turn_basis(const uns_kernels *kernels, size_t rows, size_t n, const double *turn,
                       double *basis, double *room) {
    memset(room, 0, rows * n * sizeof *room);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++)
            kernels->axpy(n, turn[i * rows + j], basis + j * n, room + i * n);
    memcpy(basis, room, rows * n * sizeof *room);
}

static bool decompose_centred(const uns_structure_site *site, const uns_root *root, size_t r,
                              const lowrank_lane *lane, double *basis, double *values) {
    lowrank_work *work = site->scratch;
    size_t n = uns_lowrank_used(work, r);
    double *scale = lane->vector[0], *mean_part = lane->vector[1];
    fill_scales(work, r, root->correction, scale);
    bordered_gram(work, r, scale, n, basis);
    if (!uns_lowrank_eigen(n, basis, values, 0.0, lane->eigen))
        return false;
    double least = uns_lowrank_floor(n + ROUNDINGS, values[n - 1]);
    size_t rows = normalize(n, scale, basis, values);
    for (size_t i = 0; i < rows; i++)
        mean_part[i] = scale[0] > 0.0 ? basis[i * n] * sqrt(values[i]) / scale[0] : 0.0;
    signed_moment(rows, values, mean_part, lane->other);
    if (!uns_lowrank_eigen(rows, lane->other, values, least, lane->eigen))
        return false;
    turn_basis(site->kernels, rows, n, lane->other, basis, lane->square);
    work->root[r] = (lowrank_root){.order = n, .rows = rows};
    return true;
}

static bool decompose_plain(lowrank_work *work, size_t r, const lowrank_lane *lane,
                            double *basis, double *values) {
    size_t n = work->marks[r].held;
    uns_lowrank_gram(work, r, basis);
    if (!uns_lowrank_eigen(n, basis, values, 0.0, lane->eigen))
        return false;
    fill_scales(work, r, 1.0, lane->vector[0]);
    size_t rows = normalize(n, lane->vector[0], basis, values);
    work->root[r] = (lowrank_root){.order = n, .rows = rows};
    return true;
}

bool uns_lowrank_decompose(const uns_structure_site *site, const uns_root *root, size_t r,
                           const lowrank_lane *lane) {
    lowrank_work *work = site->scratch;
    size_t order = work->shape.order;
    double *basis = work->basis + r * order * order, *values = work->values + r * order;
    if (!isfinite(work->marks[r].complement))
        return false;
    if (work->shape.exact)
        return decompose_exact(site, root, r, lane, basis, values);
    if (work->shape.centred)
        return decompose_centred(site, root, r, lane, basis, values);
    return decompose_plain(work, r, lane, basis, values);
}

void uns_lowrank_small(const uns_structure_site *site, const lowrank_root *root,
                       const double *basis, const double *gains, const double *y, double *w) {
    memset(w, 0, root->order * sizeof *w);
    for (size_t i = 0; i < root->rows; i++) {
        const double *row = basis + i * root->order;
        double part = gains[i] * site->kernels->dot(root->order, row, y);
        site->kernels->axpy(root->order, part, row, w);
    }
}
