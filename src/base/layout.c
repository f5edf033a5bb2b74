/* SPDX-License-Identifier: MIT
 * The layout: a checked copy of the blocks' description.
 */
#include "base/base.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unsaddle/layout.h>

enum {
    NAME_SIZE = 64
};

struct uns_layout {
    uns_context *context;
    uns_dtype dtype;
    size_t replicas, count, groups, parameters;
    uns_block *blocks;
    char (*names)[NAME_SIZE];
};

size_t uns_dtype_size(uns_dtype dtype) {
    static const size_t sizes[] = {[UNS_F32] = 4, [UNS_F64] = 8, [UNS_BF16] = 2, [UNS_Q8] = 1};
    return sizes[dtype];
}

static uns_status check_blocks(uns_context *context, const uns_layout_config *config,
                               size_t *groups, size_t *parameters) {
    size_t total = 0, highest = 0;
    for (size_t i = 0; i < config->count; i++) {
        const uns_block *block = &config->blocks[i];
        size_t n = uns_size_product(block->rows, block->cols);
        if (n == 0)
            return uns_fail(context, UNS_ERROR_ARGUMENT, "layout: block %zu is empty", i);
        if (n > SIZE_MAX / 8 / config->replicas - total)
            return uns_fail(context, UNS_ERROR_ARGUMENT, "layout: block %zu is too large", i);
        total += n;
        if (block->group > highest)
            highest = block->group;
    }
    for (size_t group = 0; group <= highest; group++) {
        size_t i = 0;
        while (i < config->count && config->blocks[i].group != group)
            i++;
        if (i == config->count)
            return uns_fail(context, UNS_ERROR_ARGUMENT, "layout: no block is in group %zu",
                            group);
    }
    *groups = highest + 1;
    *parameters = total;
    return UNS_OK;
}

static void copy_blocks(uns_layout *layout, const uns_block *blocks) {
    for (size_t i = 0; i < layout->count; i++) {
        layout->blocks[i] = blocks[i];
        if (blocks[i].name)
            snprintf(layout->names[i], NAME_SIZE, "%s", blocks[i].name);
        else
            snprintf(layout->names[i], NAME_SIZE, "block%zu", i);
        layout->blocks[i].name = layout->names[i];
    }
}

uns_status uns_layout_create(uns_context *context, const uns_layout_config *config,
                             uns_layout **out) {
    if (!context || !config || config->size != sizeof *config || !out || !config->count ||
        !config->blocks || !config->replicas || (unsigned)config->dtype > UNS_BF16)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "layout: needs a size, a dtype, at least one block and one replica");
    size_t groups = 0, parameters = 0;
    UNS_TRY(check_blocks(context, config, &groups, &parameters));
    size_t head = (sizeof(uns_layout) + 63) & ~(size_t)63;
    size_t table = (config->count * sizeof(uns_block) + 63) & ~(size_t)63;
    unsigned char *memory = uns_allocate(context, head + table + config->count * NAME_SIZE);
    if (!memory)
        return UNS_ERROR_MEMORY;
    uns_layout *layout = (uns_layout *)memory;
    *layout = (uns_layout){.context = context,
                           .dtype = config->dtype,
                           .replicas = config->replicas,
                           .count = config->count,
                           .groups = groups,
                           .parameters = parameters,
                           .blocks = (uns_block *)(memory + head),
                           .names = (void *)(memory + head + table)};
    copy_blocks(layout, config->blocks);
    *out = layout;
    return UNS_OK;
}

void uns_layout_destroy(uns_layout *layout) {
    if (layout)
        uns_release(layout->context, layout);
}

uns_dtype uns_layout_dtype(const uns_layout *layout) {
    return layout->dtype;
}

size_t uns_layout_replicas(const uns_layout *layout) {
    return layout->replicas;
}

size_t uns_layout_count(const uns_layout *layout) {
    return layout->count;
}

size_t uns_layout_groups(const uns_layout *layout) {
    return layout->groups;
}

size_t uns_layout_parameters(const uns_layout *layout) {
    return layout->parameters;
}

const uns_block *uns_layout_block(const uns_layout *layout, size_t index) {
    return index < layout->count ? &layout->blocks[index] : NULL;
}

void uns_layout_spread(const uns_layout *layout, void *flat, void **pointers) {
    unsigned char *place = flat;
    for (size_t i = 0; i < layout->count; i++) {
        pointers[i] = place;
        place += layout->blocks[i].rows * layout->blocks[i].cols * layout->replicas *
                 uns_dtype_size(layout->dtype);
    }
}
