/* SPDX-License-Identifier: MIT
 * A growing orthonormal basis. Not an eigensolver: lanczos.c decides what goes in.
 */
#include "la/basis.h"

#include "base/base.h"

#include <string.h>

enum {
    CHUNK_VECTORS = 16,
    CHUNK_BYTES = 1 << 20,
    STRIP = 64, /* coordinates rotated at a time: kept·64 doubles stay in the cache */
    ALIGN = 8   /* doubles in 64 bytes */
};

static size_t chunk_vectors(const uns_basis *basis) {
    size_t fit = CHUNK_BYTES / (basis->stride * sizeof(double));
    return fit < 1 ? 1 : fit > CHUNK_VECTORS ? CHUNK_VECTORS : fit;
}

uns_status uns_basis_open(uns_context *context, size_t dimension, size_t capacity,
                          uns_basis *basis) {
    *basis = (uns_basis){.context = context,
                         .kernels = uns_kernels_of(context),
                         .dimension = dimension,
                         .stride = (dimension + ALIGN - 1) / ALIGN * ALIGN,
                         .capacity = capacity};
    basis->vectors = uns_allocate(context, uns_size_product(capacity + 1, sizeof(double *)));
    return basis->vectors ? UNS_OK : UNS_ERROR_MEMORY;
}

void uns_basis_close(uns_basis *basis) {
    for (size_t i = 0; i < basis->held; i += chunk_vectors(basis))
        uns_release(basis->context, basis->vectors[i]);
    uns_release(basis->context, basis->vectors);
    *basis = (uns_basis){.context = basis->context};
}

uns_status uns_basis_reach(uns_basis *basis, size_t index) {
    while (basis->held <= index) {
        size_t count = chunk_vectors(basis);
        if (count > basis->capacity - basis->held)
            count = basis->capacity - basis->held;
        size_t bytes = uns_size_product(count, uns_size_product(basis->stride, sizeof(double)));
        double *chunk = uns_allocate(basis->context, bytes);
        if (!chunk)
            return UNS_ERROR_MEMORY;
        for (size_t i = 0; i < count; i++)
            basis->vectors[basis->held + i] = chunk + i * basis->stride;
        basis->held += count;
    }
    return UNS_OK;
}

size_t uns_basis_bytes(const uns_basis *basis) {
    return basis->held * basis->stride * sizeof(double);
}

double uns_basis_remove(const uns_basis *basis, size_t count, double *w) {
    const uns_kernels *kernels = basis->kernels;
    double squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        double along = kernels->dot(basis->dimension, basis->vectors[i], w);
        kernels->axpy(basis->dimension, -along, basis->vectors[i], w);
        squares += along * along;
    }
    return squares;
}

void uns_basis_combine(const uns_basis *basis, size_t count, const double *s, double *out) {
    memset(out, 0, basis->dimension * sizeof *out);
    for (size_t i = 0; i < count; i++)
        basis->kernels->axpy(basis->dimension, s[i], basis->vectors[i], out);
}

void uns_basis_rotate(uns_basis *basis, size_t count, size_t kept, const double *rows,
                      double *work) {
    for (size_t from = 0; from < basis->dimension; from += STRIP) {
        size_t left = basis->dimension - from, n = left < STRIP ? left : STRIP;
        memset(work, 0, kept * STRIP * sizeof *work);
        for (size_t j = 0; j < count; j++)
            for (size_t i = 0; i < kept; i++)
                basis->kernels->axpy(n, rows[i * count + j], basis->vectors[j] + from,
                                     work + i * STRIP);
        for (size_t i = 0; i < kept; i++)
            memcpy(basis->vectors[i] + from, work + i * STRIP, n * sizeof *work);
    }
}
