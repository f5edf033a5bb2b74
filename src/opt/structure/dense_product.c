/* SPDX-License-Identifier: MIT
 * Dense pieces: from tensors to the group's vector and back, and products with packed symmetric
 * matrices, large ones over the pool. The cut of the rows is fixed, so that threads change no
 * bits.
 */
#include "opt/structure/dense_parts.h"

#include "base/pool.h"

#include <math.h>
#include <string.h>

static size_t block_size(const uns_structure_site *site, size_t i) {
    return site->blocks[i]->rows * site->blocks[i]->cols * site->replicas;
}

const double *uns_dense_gather(const uns_structure_site *site, uns_const_tensors from,
                               double *room) {
    if (site->count == 1 && site->dtype == UNS_F64 && from.data[0])
        return from.data[0];
    double *to = room;
    for (size_t i = 0; i < site->count; i++) {
        size_t n = block_size(site, i);
        if (!from.data[i])
            memset(to, 0, n * sizeof *to);
        else if (site->dtype == UNS_F64)
            memcpy(to, from.data[i], n * sizeof *to);
        else
            for (size_t k = 0; k < n; k++)
                to[k] = ((const float *)from.data[i])[k];
        to += n;
    }
    return room;
}

void uns_dense_scatter(const uns_structure_site *site, const double *from, uns_tensors to) {
    for (size_t i = 0; i < site->count; i++) {
        size_t n = block_size(site, i);
        if (to.data[i] && site->dtype == UNS_F64)
            memcpy(to.data[i], from, n * sizeof *from);
        for (size_t k = 0; to.data[i] && site->dtype == UNS_F32 && k < n; k++)
            ((float *)to.data[i])[k] = (float)from[k];
        from += n;
    }
}

/* The row from which strip k starts: all strips have about the same area. */
size_t uns_dense_strip(size_t n, size_t k) {
    return (size_t)(sqrt((double)k / UNS_DENSE_STRIPS) * (double)n);
}

void uns_dense_for_strips(const uns_structure_site *site, size_t n, uns_task *task,
                          void *user) {
    if (n >= UNS_DENSE_STRIPED_FROM) {
        uns_pool_run(uns_context_pool(site->context), UNS_DENSE_STRIPS, task, user);
        return;
    }
    for (size_t strip = 0; strip < UNS_DENSE_STRIPS; strip++)
        task(user, strip);
}

typedef struct product_job {
    const uns_kernels *kernels;
    size_t n;
    const double *packed, *x;
    double *strip;
} product_job;

/* Rows of the strip times x, and their columns below the diagonal, into the strip's own sum. */
static void multiply_strip(void *user, size_t strip) {
    const product_job *my = user;
    double *out = my->strip + strip * my->n;
    size_t end = uns_dense_strip(my->n, strip + 1);
    uint64_t mode = uns_flush_enter();
    memset(out, 0, end * sizeof *out);
    for (size_t i = uns_dense_strip(my->n, strip); i < end; i++) {
        const double *row = my->packed + uns_triangle(i);
        out[i] += my->kernels->dot(i + 1, row, my->x);
        my->kernels->axpy(i, my->x[i], row, out);
    }
    uns_flush_restore(mode);
}

static void multiply_large(const uns_structure_site *site, size_t n, const double *packed,
                           const double *x, double *strip, double *out) {
    product_job job = {site->kernels, n, packed, x, strip};
    uns_dense_for_strips(site, n, multiply_strip, &job);
    memset(out, 0, n * sizeof *out);
    for (size_t k = 0; k < UNS_DENSE_STRIPS; k++)
        site->kernels->axpy(uns_dense_strip(n, k + 1), 1.0, strip + k * n, out);
}

void uns_dense_multiply(const uns_structure_site *site, size_t n, const double *packed,
                        const double *x, double *strip, double *out) {
    if (site->replicas > 1 || n <= UNS_DENSE_SMALL)
        site->kernels->symmetric_rows(n, site->replicas, packed, x, out);
    else
        multiply_large(site, n, packed, x, strip, out);
}

void uns_dense_multiply_one(const uns_structure_site *site, size_t n, size_t r,
                            const double *packed, const double *x, double *strip, double *out) {
    size_t replicas = site->replicas;
    if (replicas == 1) {
        uns_dense_multiply(site, n, packed, x, strip, out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const double *at = packed + uns_triangle(i) * replicas + r;
        double sum = 0.0;
        for (size_t j = 0; j < n; j++) {
            sum += *at * x[j * replicas + r];
            at += (j < i ? 1 : j + 1) * replicas;
        }
        out[i * replicas + r] = sum;
    }
}

void uns_dense_dots(size_t n, size_t replicas, const double *x, const double *y, double *acc) {
    memset(acc, 0, replicas * sizeof *acc);
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < replicas; r++)
            acc[r] += x[i * replicas + r] * y[i * replicas + r];
}
