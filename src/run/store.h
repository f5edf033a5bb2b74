/* SPDX-License-Identifier: MIT
 * Grow-only storage: pieces of memory taken one by one and released all at once, so that a
 * reader that fails half-way has one thing to clean up. Not for anything that lives and dies
 * by itself, and not for a step (uns_arena).
 */
#ifndef UNS_STORE_H
#define UNS_STORE_H

#include "base/base.h"

typedef struct uns_store {
    uns_context *context;
    struct uns_store_chunk *chunks;
    size_t used, room; /* of the newest chunk */
} uns_store;

/* `bytes` of zeroed memory aligned to 16; NULL with the context's message set. */
void *uns_store_take(uns_store *store, size_t bytes);

/* A copy of `length` bytes with a final NUL. */
char *uns_store_text(uns_store *store, const char *text, size_t length);

/* As sprintf into memory of the right size. */
char *uns_store_format(uns_store *store, const char *format, ...) UNS_PRINTF(2, 3);

/* The array `items` of `count` elements, moved when needed so that one more fits. Grow it by
 * one at a time only: the capacity is worked out from `count`. */
void *uns_store_grown(uns_store *store, void *items, size_t count, size_t item_size);

/* Releases every piece. The store can be used again. */
void uns_store_release(uns_store *store);

#endif
