/* SPDX-License-Identifier: MIT
 * What a step does beside: zeroing gradients, writing a bf16 copy of the parameters. In a step
 * of one pass it follows piece by piece while they are in the cache, else in a pass of its own.
 */
#include "opt/opt.h"

#include <string.h>

/* Elements between two visits: a few arrays of this length fit into the second-level cache,
 * and the step's constants are worked out seldom enough. */
enum {
    PIECE = 4096
};

void uns_bind_extras(uns_optimizer *optimizer, uns_tensors g, const uns_step_extras *extras) {
    optimizer->extras = extras && (extras->zero_gradients || extras->copies);
    for (size_t i = 0; optimizer->extras && i < optimizer->block_count; i++) {
        uns_block_state *block = &optimizer->blocks[i];
        block->g_out = extras->zero_gradients ? g.data[i] : NULL;
        block->copy = extras->copies ? extras->copies[i] : NULL;
        block->one_pass = false;
    }
}

static void finish(const uns_optimizer *optimizer, const uns_block_state *block, size_t begin,
                   size_t end) {
    const size_t width = uns_dtype_size(uns_layout_dtype(optimizer->layout));
    if (block->copy)
        optimizer->kernels->f32_to_bf16(end - begin, (const float *)block->x_out + begin,
                                        block->copy + begin);
    if (block->g_out)
        memset((char *)block->g_out + begin * width, 0, (end - begin) * width);
}

bool uns_fuse_item(uns_optimizer *optimizer, size_t index) {
    const uns_item *item = &optimizer->items[index];
    uns_block_state *block = &optimizer->blocks[item->block];
    if (!optimizer->extras)
        return uns_fuse_range(optimizer, item->block, item->begin, item->end);
    if (!block->one_pass)
        return false;
    for (size_t begin = item->begin; begin < item->end; begin += PIECE) {
        const size_t end = item->end - begin < PIECE ? item->end : begin + PIECE;
        uns_fuse_range(optimizer, item->block, begin, end);
        finish(optimizer, block, begin, end);
    }
    return true;
}

static void finish_item(uns_optimizer *optimizer, void *user, size_t index) {
    const uns_item *item = &optimizer->items[index];
    const uns_block_state *block = &optimizer->blocks[item->block];
    (void)user;
    if (!block->one_pass)
        finish(optimizer, block, item->begin, item->end);
}

void uns_finish_extras(uns_optimizer *optimizer) {
    if (optimizer->extras)
        uns_for_items(optimizer, finish_item, NULL);
}
