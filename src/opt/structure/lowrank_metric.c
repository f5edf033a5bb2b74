/* SPDX-License-Identifier: MIT
 * Low rank: a snapshot of A and C, and products with it. Both have the eigenvectors F, written
 * out as m vectors of d numbers, and one more eigenvalue for all that is orthogonal to them.
 *
 * Of each replica: m, the eigenvalues of A and of C there and beside, A's and C's values
 * [order] each, F[order][d].
 */
#include "opt/root_number.h"
#include "opt/structure/lowrank_parts.h"

#include "base/base.h"

#include <math.h>
#include <string.h>

typedef struct snapshot {
    double *rows, *base; /* [1], [2]: A and C beside F */
    double *values[2];   /* [order] of A, of C */
    double *vectors;     /* [order][d], and room for one more */
} snapshot;

static size_t doubles_of(const lowrank_shape *shape) {
    return 3 + shape->d + shape->order * (2 + shape->d);
}

static snapshot snapshot_of(const lowrank_shape *shape, const void *metric, size_t index) {
    double *at = (double *)(uintptr_t)metric + index * doubles_of(shape);
    return (snapshot){at, at + 1, {at + 3, at + 3 + shape->order}, at + 3 + 2 * shape->order};
}

size_t uns_lowrank_metric_bytes(const uns_structure_site *site) {
    const lowrank_work *work = site->scratch;
    size_t one = uns_size_product(doubles_of(&work->shape), sizeof(double));
    return uns_size_product(one, site->replicas);
}

/* The rows of the basis as vectors of d numbers, through `column`, room for one. */
static void write_vectors(const uns_structure_site *site, size_t r, double *column,
                          double *vectors) {
    const lowrank_work *work = site->scratch;
    const lowrank_root *root = &work->root[r];
    size_t d = work->shape.d, order = work->shape.order;
    const double *basis = work->basis + r * order * order;
    if (work->shape.exact) {
        memcpy(vectors, basis, d * d * sizeof *vectors);
        return;
    }
    for (size_t j = 0; j < root->order; j++) {
        uns_lowrank_column(site, j, r, column);
        for (size_t i = 0; i < root->rows; i++)
            site->kernels->axpy(d, basis[i * root->order + j], column, vectors + i * d);
    }
}

static void write_values(const lowrank_work *work, const uns_root *root, size_t r,
                         const snapshot *to) {
    uns_root own = uns_lowrank_root_of(work, root);
    const double *values = work->values + r * work->shape.order;
    double complement = uns_lowrank_complement(work, root, r);
    *to->rows = (double)work->root[r].rows;
    if (!work->shape.exact) {
        to->base[0] = uns_root_number(&own, complement);
        to->base[1] = own.correction * complement;
    }
    for (size_t i = 0; i < work->root[r].rows; i++) {
        to->values[0][i] = uns_root_number(&own, values[i] + complement);
        to->values[1][i] = own.correction * (values[i] + complement);
    }
}

uns_status uns_lowrank_metric_open(const uns_structure_site *site, const void *state,
                                   const uns_root *root, uns_const_tensors mean, size_t first,
                                   size_t count, void *metric) {
    lowrank_work *work = site->scratch;
    (void)state, (void)mean;
    if (work->shape.centred && !work->shape.exact)
        uns_lowrank_project_mean(site);
    lowrank_lane lane = uns_lowrank_lane(work, 0);
    for (size_t r = first; r < first + count; r++) {
        if (!uns_lowrank_decompose(site, root, r, &lane))
            return uns_fail(site->context, UNS_ERROR_RANGE,
                            "metric: the second moment of replica %zu is not finite", r);
        snapshot to = snapshot_of(&work->shape, metric, r - first);
        write_values(work, root, r, &to);
        write_vectors(site, r, to.vectors + work->shape.order * work->shape.d, to.vectors);
    }
    return UNS_OK;
}

/* The eigenvalue of the product where A and C have a and c. */
static double power(uns_product product, double a, double c) {
    switch (product) {
    case UNS_PRODUCT_A:
        return a;
    case UNS_PRODUCT_A_SQRT:
        return sqrt(a);
    case UNS_PRODUCT_A_INVERSE:
        return a > 0.0 ? 1.0 / a : 0.0;
    case UNS_PRODUCT_C:
        break;
    }
    return c;
}

/* One replica's numbers of block i, which begin at `offset` of the vectors; in may be NULL. */
static double dot_block(const uns_structure_site *site, size_t i, const double *vector,
                        const void *in, size_t r) {
    double sum = 0.0;
    for (size_t k = 0; in && k < site->blocks[i]->rows * site->blocks[i]->cols; k++)
        sum += vector[k] * uns_lowrank_get(site->dtype, in, k * site->replicas + r);
    return sum;
}

static double dot_vector(const uns_structure_site *site, const double *vector,
                         uns_const_tensors in, size_t r) {
    double sum = 0.0;
    for (size_t i = 0; i < site->count; i++) {
        sum += dot_block(site, i, vector, in.data[i], r);
        vector += site->blocks[i]->rows * site->blocks[i]->cols;
    }
    return sum;
}

/* out_r = base·in_r + Σ_i part_i·F_i, number by number: in and out may be the same. */
static void write_block(const uns_structure_site *site, size_t i, size_t offset,
                        const snapshot *from, const double *part, double base, const void *in,
                        void *out, size_t r) {
    const lowrank_work *work = site->scratch;
    size_t rows = (size_t)*from->rows, d = work->shape.d, replicas = site->replicas;
    for (size_t k = 0; k < site->blocks[i]->rows * site->blocks[i]->cols; k++) {
        double sum = in ? base * uns_lowrank_get(site->dtype, in, k * replicas + r) : 0.0;
        for (size_t j = 0; j < rows; j++)
            sum += part[j] * from->vectors[j * d + offset + k];
        uns_lowrank_put(site->dtype, out, k * replicas + r, sum);
    }
}

static void multiply(const uns_structure_site *site, const snapshot *from, uns_product product,
                     uns_const_tensors in, uns_tensors out, size_t r) {
    const lowrank_work *work = site->scratch;
    double *part = uns_lowrank_lane(work, 0).values;
    double base = power(product, from->base[0], from->base[1]);
    size_t rows = (size_t)*from->rows, offset = 0;
    for (size_t j = 0; j < rows; j++)
        part[j] = (power(product, from->values[0][j], from->values[1][j]) - base) *
                  dot_vector(site, from->vectors + j * work->shape.d, in, r);
    for (size_t i = 0; i < site->count; i++) {
        if (out.data[i])
            write_block(site, i, offset, from, part, base, in.data[i], out.data[i], r);
        offset += site->blocks[i]->rows * site->blocks[i]->cols;
    }
}

uns_status uns_lowrank_product(const uns_structure_site *site, const void *metric,
                               uns_product product, uns_const_tensors in, uns_tensors out) {
    const lowrank_work *work = site->scratch;
    for (size_t r = 0; r < site->replicas; r++) {
        snapshot from = snapshot_of(&work->shape, metric, r);
        multiply(site, &from, product, in, out, r);
    }
    return UNS_OK;
}
