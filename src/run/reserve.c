/* SPDX-License-Identifier: MIT
 * The reserve: pieces are handed out one after the other; once all are back it begins anew.
 * What does not fit comes from the parent, so that a reserve too small costs time, not a run.
 */
#include "run/reserve.h"

#include "base/base.h"

enum {
    CONTEXT_BYTES = 1 << 14 /* a context of one thread, with its built-in names */
};

static void *take(void *user, size_t bytes, size_t align) {
    uns_reserve *r = user;
    size_t place = (r->used + align - 1) / align * align;
    if (place > r->room || bytes > r->room - place)
        return uns_allocate(r->parent, bytes);
    r->used = place + bytes;
    r->live++;
    return r->block + place;
}

static void give(void *user, void *memory) {
    uns_reserve *r = user;
    const unsigned char *piece = memory;
    if (piece < r->block || piece >= r->block + r->room) {
        uns_release(r->parent, memory);
        return;
    }
    if (--r->live == 0)
        r->used = r->fixed;
}

uns_status uns_reserve_open(uns_context *parent, size_t bytes, uns_reserve *r) {
    *r = (uns_reserve){.parent = parent, .room = bytes + CONTEXT_BYTES};
    r->block = bytes < r->room ? uns_allocate(parent, r->room) : NULL;
    if (!r->block)
        return UNS_ERROR_MEMORY;
    uns_context_config config = {.size = sizeof config,
                                 .allocate = take,
                                 .release = give,
                                 .user = r,
                                 .threads = 1,
                                 .isa = uns_context_isa_mask(parent)};
    uns_status status = uns_context_create(&config, &r->context);
    if (status != UNS_OK) {
        uns_release(parent, r->block);
        *r = (uns_reserve){0};
        return status;
    }
    r->fixed = r->used;
    r->live = 0;
    return UNS_OK;
}

void uns_reserve_close(uns_reserve *r) {
    if (!r->block)
        return;
    r->live = SIZE_MAX; /* the context gives its own pieces back: nothing begins anew */
    uns_context_destroy(r->context);
    uns_release(r->parent, r->block);
    *r = (uns_reserve){0};
}

uns_status uns_reserve_report(uns_reserve *r, uns_status status) {
    if (status == UNS_OK)
        return UNS_OK;
    return uns_fail(r->parent, status, "%s", uns_context_message(r->context));
}
