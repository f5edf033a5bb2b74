/* SPDX-License-Identifier: MIT
 * Grow-only storage in chunks from the context's allocator; see store.h.
 */
#include "run/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    CHUNK_HEAD = 64,
    CHUNK_LEAST = 16384,
    PIECE_ALIGN = 16
};

struct uns_store_chunk {
    struct uns_store_chunk *next;
};

static uns_status add_chunk(uns_store *store, size_t bytes) {
    size_t room = bytes > CHUNK_LEAST ? bytes : CHUNK_LEAST;
    struct uns_store_chunk *chunk = uns_allocate(store->context, CHUNK_HEAD + room);
    if (!chunk)
        return UNS_ERROR_MEMORY;
    chunk->next = store->chunks;
    store->chunks = chunk;
    store->used = 0;
    store->room = room;
    return UNS_OK;
}

void *uns_store_take(uns_store *store, size_t bytes) {
    if (bytes > SIZE_MAX / 2) {
        uns_fail(store->context, UNS_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    bytes = (bytes + PIECE_ALIGN - 1) / PIECE_ALIGN * PIECE_ALIGN;
    if ((!store->chunks || bytes > store->room - store->used) &&
        add_chunk(store, bytes) != UNS_OK)
        return NULL;
    void *piece = (unsigned char *)store->chunks + CHUNK_HEAD + store->used;
    store->used += bytes;
    return piece;
}

char *uns_store_text(uns_store *store, const char *text, size_t length) {
    char *copy = uns_store_take(store, length + 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *uns_store_format(uns_store *store, const char *format, ...) {
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    char *text = length < 0 ? NULL : uns_store_take(store, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(list);
    return text;
}

void *uns_store_grown(uns_store *store, void *items, size_t count, size_t item_size) {
    bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!full)
        return items;
    size_t capacity = count == 0 ? 4 : 2 * count;
    void *moved = uns_store_take(store, uns_size_product(capacity, item_size));
    if (moved && count)
        memcpy(moved, items, count * item_size);
    return moved;
}

void uns_store_release(uns_store *store) {
    while (store->chunks) {
        struct uns_store_chunk *next = store->chunks->next;
        uns_release(store->context, store->chunks);
        store->chunks = next;
    }
    store->used = store->room = 0;
}
