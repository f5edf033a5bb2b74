/* SPDX-License-Identifier: MIT
 * The fixed cut of all blocks into items, and of items into chunks. It depends on the layout
 * alone, never on the number of threads, so that sums over items are the same bits always.
 */
#include "base/pool.h"
#include "opt/opt.h"

/* Elements of an item: enough work (tens of microseconds) to be worth handing to a thread; a
 * multiple of 256. Below twice that in all, threads are not woken. */
enum {
    ITEM = 32768
};

static size_t item_length(size_t replicas) {
    return replicas <= ITEM ? ITEM / replicas * replicas : replicas;
}

static size_t elements_of(const uns_layout *layout, size_t block) {
    const uns_block *b = uns_layout_block(layout, block);
    return b->rows * b->cols * uns_layout_replicas(layout);
}

size_t uns_count_items(const uns_layout *layout) {
    size_t length = item_length(uns_layout_replicas(layout)), count = 0;
    for (size_t i = 0; i < uns_layout_count(layout); i++)
        count += (elements_of(layout, i) + length - 1) / length;
    return count;
}

void uns_fill_items(uns_optimizer *optimizer) {
    size_t length = item_length(optimizer->replicas), count = 0;
    for (size_t i = 0; i < optimizer->block_count; i++) {
        size_t n = elements_of(optimizer->layout, i);
        for (size_t begin = 0; begin < n; begin += length)
            optimizer->items[count++] =
                (uns_item){i, begin, n - begin < length ? n : begin + length};
    }
}

typedef struct job {
    uns_optimizer *optimizer;
    uns_chunk_work *work;
    void *user;
} job;

/* A chunk is a whole number of replica rows, or a part of one where a row is longer. */
static size_t chunk_end(size_t replicas, const uns_item *item, size_t begin) {
    size_t end;
    if (replicas <= UNS_CHUNK) {
        end = begin + UNS_CHUNK / replicas * replicas;
    } else {
        size_t row_end = (begin / replicas + 1) * replicas;
        end = row_end - begin < UNS_CHUNK ? row_end : begin + UNS_CHUNK;
    }
    return end < item->end ? end : item->end;
}

static void run_item(void *user, size_t index) {
    const job *my = user;
    uns_optimizer *optimizer = my->optimizer;
    const uns_item *item = &optimizer->items[index];
    if (!optimizer->blocks[item->block].present)
        return;
    uint64_t mode = uns_flush_enter();
    for (size_t begin = item->begin; begin < item->end;) {
        size_t end = chunk_end(optimizer->replicas, item, begin);
        my->work(optimizer, my->user, index, begin, end - begin);
        begin = end;
    }
    uns_flush_restore(mode);
}

void uns_for_chunks(uns_optimizer *optimizer, uns_chunk_work *work, void *user) {
    job my = {optimizer, work, user};
    size_t elements = uns_layout_parameters(optimizer->layout) * optimizer->replicas;
    if (elements >= 2 * (size_t)ITEM) {
        uns_pool_run(uns_context_pool(optimizer->context), optimizer->item_count, run_item,
                     &my);
        return;
    }
    uns_for_chunks_in_order(optimizer, work, user);
}

void uns_for_chunks_in_order(uns_optimizer *optimizer, uns_chunk_work *work, void *user) {
    job my = {optimizer, work, user};
    for (size_t i = 0; i < optimizer->item_count; i++)
        run_item(&my, i);
}
