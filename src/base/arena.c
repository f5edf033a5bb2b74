/* SPDX-License-Identifier: MIT
 * The arena: hands out parts of one allocation, or adds up their sizes.
 */
#include "base/arena.h"

#include <stdint.h>

void *uns_arena_take(uns_arena *arena, size_t bytes) {
    if (arena->used == SIZE_MAX || bytes > SIZE_MAX - 64 - arena->used) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    size_t place = arena->used;
    arena->used += (bytes + 63) & ~(size_t)63;
    return arena->base ? arena->base + place : NULL;
}
