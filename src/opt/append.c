/* SPDX-License-Identifier: MIT
 * Growing an optimizer by blocks: a new one is made for the longer layout, the old state is
 * copied over, and the two change places, so that a failure leaves everything as it was.
 */
#include "base/base.h"
#include "opt/opt.h"

#include <string.h>

static bool same_block(const uns_block *a, const uns_block *b) {
    return a->rows == b->rows && a->cols == b->cols && a->group == b->group;
}

static uns_status check_layout(const uns_optimizer *optimizer, const uns_layout *layout,
                               size_t count) {
    uns_context *context = optimizer->context;
    if (!layout || uns_layout_dtype(layout) != uns_layout_dtype(optimizer->layout) ||
        uns_layout_replicas(layout) != optimizer->replicas ||
        uns_layout_count(layout) < optimizer->block_count)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "append: the new layout must continue the present one");
    for (size_t i = 0; i < optimizer->block_count; i++)
        if (!same_block(uns_layout_block(layout, i), uns_layout_block(optimizer->layout, i)))
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "append: block %zu differs from the present layout's", i);
    if (uns_layout_groups(layout) != optimizer->group_count + count)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "append: the new layout has %zu new groups, but %zu specs are given",
                        uns_layout_groups(layout) - optimizer->group_count, count);
    for (size_t i = optimizer->block_count; i < uns_layout_count(layout); i++) {
        size_t group = uns_layout_block(layout, i)->group;
        if (group < optimizer->group_count && !optimizer->groups[group].structure->elementwise)
            return uns_fail(
                context, UNS_ERROR_PAIR,
                "append: structure '%s' is whole and cannot grow; put the new block "
                "into a group of its own",
                optimizer->groups[group].structure->name);
    }
    return UNS_OK;
}

static void copy_block(const uns_optimizer *from, uns_optimizer *to, size_t index) {
    uns_block_state *old = &from->blocks[index], *new = &to->blocks[index];
    for (int p = 0; p < UNS_PIECE_COUNT; p++)
        if (old->piece[p])
            memcpy(new->piece[p], old->piece[p], uns_piece_bytes(from, index, (uns_piece)p));
    new->counts = old->counts;
}

static void copy_state(const uns_optimizer *from, uns_optimizer *to) {
    for (size_t i = 0; i < from->block_count; i++)
        copy_block(from, to, i);
    for (size_t i = 0; i < from->group_count; i++) {
        if (from->groups[i].structure_bytes)
            memcpy(to->groups[i].structure_state, from->groups[i].structure_state,
                   from->groups[i].structure_bytes);
        to->groups[i].root_seconds = from->groups[i].root_seconds;
    }
    memcpy(to->stopped, from->stopped, from->replicas);
    memcpy(to->active, from->active, from->replicas);
    to->unscale = from->unscale;
    to->seed = from->seed;
    to->skipped = from->skipped;
}

static uns_status grow(uns_optimizer *optimizer, const uns_layout *layout, uns_spec *all,
                       size_t count, const uns_spec *specs) {
    for (size_t i = 0; i < optimizer->group_count; i++)
        all[i] = optimizer->groups[i].spec;
    if (count)
        memcpy(all + optimizer->group_count, specs, count * sizeof *specs);
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = layout,
                                   .count = optimizer->group_count + count,
                                   .specs = all,
                                   .oracle = optimizer->oracle};
    uns_optimizer *grown = NULL;
    UNS_TRY(uns_optimizer_create(optimizer->context, &config, &grown));
    copy_state(optimizer, grown);
    uns_optimizer old = *optimizer;
    *optimizer = *grown;
    *grown = old;
    uns_optimizer_destroy(grown);
    return UNS_OK;
}

uns_status uns_optimizer_append(uns_optimizer *optimizer, const uns_layout *layout,
                                size_t count, const uns_spec *specs) {
    UNS_TRY(check_layout(optimizer, layout, count));
    uns_spec *all =
        uns_allocate(optimizer->context, (optimizer->group_count + count) * sizeof *all);
    if (!all)
        return UNS_ERROR_MEMORY;
    uns_status status = grow(optimizer, layout, all, count, specs);
    uns_release(optimizer->context, all);
    return status;
}
