/* SPDX-License-Identifier: MIT
 * An optimizer on two blocks with reproducible gradients, for tests that compare bits.
 */
#ifndef UNS_TEST_FIXTURE_H
#define UNS_TEST_FIXTURE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/random.h>

#include "la/dense.h"

/* Rows of the two blocks; cols are 3 and 1. */
typedef struct fixture_size {
    size_t first, second, replicas;
    uns_dtype dtype;
} fixture_size;

typedef struct fixture {
    uns_context *context;
    uns_layout *layout;
    uns_optimizer *optimizer;
    fixture_size size;
    size_t elements[2], bytes[2];
    void *x[2], *g[2];
} fixture;

static inline const uns_structure_ops *fixture_structure(uns_context *context,
                                                         const uns_spec *spec) {
    const void *ops = NULL;
    if (uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &ops) != UNS_OK)
        abort();
    return ops;
}

/* False where this build has no LAPACK and the spec needs it. */
static inline bool fixture_can(uns_context *context, const uns_spec *spec) {
    return uns_dense_available() || !fixture_structure(context, spec)->needs_lapack;
}

/* The shape, cut down for structures whose cost grows with the cube of it. */
static inline fixture_size fixture_fit(uns_context *context, const uns_spec *spec,
                                       fixture_size size) {
    if (!fixture_structure(context, spec)->needs_lapack)
        return size;
    size.first = size.first < 24 ? size.first : 24;
    size.second = size.second < 9 ? size.second : 9;
    size.replicas = size.replicas < 40 ? size.replicas : 40;
    return size;
}

static inline double fixture_number(const fixture *f, const void *place, size_t k) {
    if (f->size.dtype == UNS_BF16) {
        const uint32_t bits = (uint32_t)((const uint16_t *)place)[k] << 16;
        float number;
        memcpy(&number, &bits, sizeof number);
        return number;
    }
    return f->size.dtype == UNS_F64 ? ((const double *)place)[k] : ((const float *)place)[k];
}

/* Element k of the blocks one after the other. */
static inline double fixture_x_at(const fixture *f, uns_const_tensors x, size_t k, size_t r) {
    size_t replicas = f->size.replicas, first = f->elements[0] / replicas;
    return k < first ? fixture_number(f, x.data[0], k * replicas + r)
                     : fixture_number(f, x.data[1], (k - first) * replicas + r);
}

/* An oracle for the moment `exact`: 0.1·I + xxᵀ, or its diagonal, whatever is asked about. */
static inline uns_status fixture_oracle(void *self, uns_const_tensors x, uns_about about,
                                        uns_shape shape, uns_tensors out) {
    const fixture *f = self;
    (void)about;
    size_t d = (f->elements[0] + f->elements[1]) / f->size.replicas;
    if (shape == UNS_SHAPE_DENSE) {
        for (size_t k = 0; k < d * d * f->size.replicas; k++) {
            size_t r = k / (d * d), i = k / d % d, j = k % d;
            ((double *)out.data[0])[k] =
                (i == j ? 0.1 : 0.0) + fixture_x_at(f, x, i, r) * fixture_x_at(f, x, j, r);
        }
        return UNS_OK;
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; out.data[i] && k < f->elements[i]; k++) {
            if (f->size.dtype == UNS_F64) {
                double v = ((const double *)x.data[i])[k];
                ((double *)out.data[i])[k] = 0.1 + v * v;
            } else {
                float v = ((const float *)x.data[i])[k];
                ((float *)out.data[i])[k] = 0.1f + v * v;
            }
        }
    return UNS_OK;
}

static inline void fixture_put(const fixture *f, void *place, size_t k, double value) {
    const float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (f->size.dtype == UNS_F64)
        ((double *)place)[k] = value;
    else if (f->size.dtype == UNS_BF16) /* towards 0 */
        ((uint16_t *)place)[k] = (uint16_t)(bits >> 16);
    else
        ((float *)place)[k] = narrow;
}

static inline double fixture_get(const fixture *f, const void *place, size_t k) {
    return fixture_number(f, place, k);
}

/* Gradient of step t: normal deviates of widely differing scale, the same for every fixture of
 * one shape; element k of replica r does not depend on R. */
static inline void fixture_gradient(fixture *f, uint64_t step) {
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < f->elements[i] / f->size.replicas; k++)
            for (size_t r = 0; r < f->size.replicas; r++) {
                uns_key key = {7, step, (uint32_t)r, UNS_STREAM_USER + (uint32_t)i};
                double deviate;
                uns_random_normal(key, (uint32_t)k, 1, &deviate);
                fixture_put(f, f->g[i], k * f->size.replicas + r,
                            deviate * (double)(1 + k % 7) * 0.3);
            }
}

static inline uns_tensors fixture_x(fixture *f) {
    return (uns_tensors){f->x, 2};
}

static inline uns_const_tensors fixture_g(const fixture *f) {
    return (uns_const_tensors){(const void *const *)f->g, 2};
}

/* False when the optimizer could not be made (its message is then in the context). */
static inline bool fixture_open(fixture *f, uns_context *context, const uns_spec *spec,
                                fixture_size size) {
    memset(f, 0, sizeof *f);
    f->context = context;
    f->size = size;
    uns_block blocks[2] = {{"a", size.first, 3, 0}, {"b", size.second, 1, 0}};
    uns_layout_config layout = {sizeof layout, size.dtype, size.replicas, 2, blocks};
    if (uns_layout_create(context, &layout, &f->layout) != UNS_OK)
        return false;
    for (size_t i = 0; i < 2; i++) {
        f->elements[i] = blocks[i].rows * blocks[i].cols * size.replicas;
        f->bytes[i] = f->elements[i] * uns_dtype_size(size.dtype);
        f->x[i] = malloc(f->bytes[i]);
        f->g[i] = malloc(f->bytes[i]);
        for (size_t k = 0; k < f->elements[i]; k++)
            fixture_put(f, f->x[i], k, 0.5 - (double)(k / size.replicas % 5) * 0.2);
    }
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = f->layout,
                                   .count = 1,
                                   .specs = spec,
                                   .oracle = {f, fixture_oracle}};
    return uns_optimizer_create(context, &config, &f->optimizer) == UNS_OK;
}

static inline void fixture_close(fixture *f) {
    uns_optimizer_destroy(f->optimizer);
    uns_layout_destroy(f->layout);
    for (size_t i = 0; i < 2; i++) {
        free(f->x[i]);
        free(f->g[i]);
    }
}

static inline uns_status fixture_step(fixture *f, uint64_t step) {
    fixture_gradient(f, step);
    return uns_optimizer_step(f->optimizer, fixture_x(f), fixture_g(f));
}

static inline bool fixture_same(const fixture *a, const fixture *b) {
    return memcmp(a->x[0], b->x[0], a->bytes[0]) == 0 &&
           memcmp(a->x[1], b->x[1], a->bytes[1]) == 0;
}

#endif
