/* SPDX-License-Identifier: MIT
 * One arena an object: sizes are added up first, then memory is taken once, then handed out in
 * the same order. The same code does both passes, so that the computed size is the true one.
 */
#ifndef UNS_ARENA_H
#define UNS_ARENA_H

#include <stddef.h>

/* base NULL: measuring, every take returns NULL and only `used` grows. */
typedef struct uns_arena {
    unsigned char *base;
    size_t used;
} uns_arena;

/* `bytes` aligned to 64; used becomes SIZE_MAX, and stays so, on overflow. */
void *uns_arena_take(uns_arena *arena, size_t bytes);

#endif
