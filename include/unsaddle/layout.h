/* SPDX-License-Identifier: MIT
 * The layout: ordered blocks (tensors) of parameters, their groups and the replica count. It
 * holds no data: every call takes one pointer per block, so callers keep their own tensors.
 */
#ifndef UNSADDLE_LAYOUT_H
#define UNSADDLE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <unsaddle/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum uns_dtype {
    UNS_F32,
    UNS_F64,
    UNS_BF16, /* the upper half of an f32, in a uint16_t */
    UNS_Q8    /* of state views only: 8-bit codes, see uns_state_view */
} uns_dtype;

/* Bytes of one element: 4, 8, 2 or 1. */
UNS_API size_t uns_dtype_size(uns_dtype dtype);

/* One tensor of parameters: rows × cols, row-major; a vector is n × 1. */
typedef struct uns_block {
    const char *name; /* copied by uns_layout_create; NULL: "block<i>" */
    size_t rows, cols;
    size_t group; /* index of the spec that governs it, from 0 */
} uns_block;

typedef struct uns_layout_config {
    size_t size;     /* sizeof(uns_layout_config) */
    uns_dtype dtype; /* of parameters and gradients; not UNS_Q8 */
    size_t replicas; /* R >= 1 independent copies, innermost: element k of replica r is at
                        k·R + r of its block */
    size_t count;    /* blocks, >= 1 */
    const uns_block *blocks;
} uns_layout_config;

typedef struct uns_layout uns_layout;

/* Copies the description. UNS_ERROR_ARGUMENT: no blocks, an empty block, a product beyond
 * SIZE_MAX/8, groups that leave a gap. */
UNS_NODISCARD UNS_API uns_status uns_layout_create(uns_context *context,
                                                   const uns_layout_config *config,
                                                   uns_layout **out);
UNS_API void uns_layout_destroy(uns_layout *layout);

UNS_API uns_dtype uns_layout_dtype(const uns_layout *layout);
UNS_API size_t uns_layout_replicas(const uns_layout *layout);
UNS_API size_t uns_layout_count(const uns_layout *layout);      /* blocks */
UNS_API size_t uns_layout_groups(const uns_layout *layout);     /* groups */
UNS_API size_t uns_layout_parameters(const uns_layout *layout); /* d: elements of one replica */
UNS_API const uns_block *uns_layout_block(const uns_layout *layout, size_t index);

/* A borrowed view: one pointer per block, each to rows·cols·R elements of the layout's dtype.
 */
typedef struct uns_tensors {
    void *const *data; /* data[i] may be NULL where a function says so */
    size_t count;
} uns_tensors;

/* The same, read only. */
typedef struct uns_const_tensors {
    const void *const *data;
    size_t count;
} uns_const_tensors;

/* Fills pointers[0..count) with the blocks' places in one flat buffer, in block order. */
UNS_API void uns_layout_spread(const uns_layout *layout, void *flat, void **pointers);

/* The read-only view of a writable one. */
static inline uns_const_tensors uns_tensors_const(uns_tensors tensors) {
    uns_const_tensors view = {(const void *const *)tensors.data, tensors.count};
    return view;
}

#ifdef __cplusplus
}
#endif
#endif
