/* SPDX-License-Identifier: MIT
 * The fixed cut of all blocks into items, of items into chunks, and their bundling into tasks.
 * It depends on the layout alone, never on the number of threads, so that sums over items are
 * the same bits always. An item never crosses a block; a task may hold many small blocks.
 */
#include "base/pool.h"
#include "opt/opt.h"

static size_t item_length(size_t replicas, size_t longest) {
    return replicas <= longest ? longest / replicas * replicas : replicas;
}

static size_t elements_of(const uns_layout *layout, size_t block) {
    const uns_block *b = uns_layout_block(layout, block);
    return b->rows * b->cols * uns_layout_replicas(layout);
}

size_t uns_count_items(const uns_layout *layout, size_t longest) {
    size_t length = item_length(uns_layout_replicas(layout), longest), count = 0;
    for (size_t i = 0; i < uns_layout_count(layout); i++)
        count += (elements_of(layout, i) + length - 1) / length;
    return count;
}

void uns_fill_items(uns_optimizer *optimizer, size_t longest) {
    size_t length = item_length(optimizer->replicas, longest), count = 0, task = longest;
    optimizer->task_count = 0;
    for (size_t i = 0; i < optimizer->block_count; i++) {
        size_t n = elements_of(optimizer->layout, i);
        for (size_t begin = 0; begin < n; begin += length) {
            size_t end = n - begin < length ? n : begin + length;
            if (task >= longest) {
                optimizer->tasks[optimizer->task_count++] = count;
                task = 0;
            }
            task += end - begin;
            optimizer->items[count++] = (uns_item){i, begin, end};
        }
    }
    optimizer->tasks[optimizer->task_count] = count;
}

/* A chunk is a whole number of replica rows, or a part of one where a row is longer. */
static size_t chunk_end(const uns_optimizer *optimizer, const uns_item *item, size_t begin) {
    size_t replicas = optimizer->replicas, chunk = optimizer->chunk, end;
    if (replicas <= chunk) {
        end = begin + chunk / replicas * replicas;
    } else {
        size_t row_end = (begin / replicas + 1) * replicas;
        end = row_end - begin < chunk ? row_end : begin + chunk;
    }
    return end < item->end ? end : item->end;
}

void uns_item_chunks(uns_optimizer *optimizer, size_t index, uns_chunk_work *work, void *user) {
    const uns_item *item = &optimizer->items[index];
    for (size_t begin = item->begin; begin < item->end;) {
        size_t end = chunk_end(optimizer, item, begin);
        work(optimizer, user, index, begin, end - begin);
        begin = end;
    }
}

typedef struct job {
    uns_optimizer *optimizer;
    uns_item_work *work;
    void *user;
} job;

static void run_task(void *user, size_t task) {
    const job *my = user;
    uns_optimizer *optimizer = my->optimizer;
    uint64_t mode = uns_flush_enter();
    for (size_t i = optimizer->tasks[task]; i < optimizer->tasks[task + 1]; i++)
        if (optimizer->blocks[optimizer->items[i].block].present)
            my->work(optimizer, my->user, i);
    uns_flush_restore(mode);
}

void uns_for_items(uns_optimizer *optimizer, uns_item_work *work, void *user) {
    job my = {optimizer, work, user};
    if (optimizer->task_count > 2) {
        uns_pool_run(uns_context_pool(optimizer->context), optimizer->task_count, run_task,
                     &my);
        return;
    }
    for (size_t task = 0; task < optimizer->task_count; task++)
        run_task(&my, task);
}

typedef struct chunk_job {
    uns_chunk_work *work;
    void *user;
} chunk_job;

static void run_chunks(uns_optimizer *optimizer, void *user, size_t item) {
    const chunk_job *my = user;
    uns_item_chunks(optimizer, item, my->work, my->user);
}

void uns_for_chunks(uns_optimizer *optimizer, uns_chunk_work *work, void *user) {
    chunk_job my = {work, user};
    uns_for_items(optimizer, run_chunks, &my);
}

/* A task that begins with a block, and those after it that go on with one. */
static void run_blocks(void *user, size_t task) {
    const job *my = user;
    const uns_optimizer *optimizer = my->optimizer;
    if (optimizer->items[optimizer->tasks[task]].begin != 0)
        return;
    do
        run_task(user, task++);
    while (task < optimizer->task_count && optimizer->items[optimizer->tasks[task]].begin != 0);
}

void uns_for_chunks_in_order(uns_optimizer *optimizer, uns_chunk_work *work, void *user) {
    chunk_job chunks = {work, user};
    job my = {optimizer, run_chunks, &chunks};
    if (optimizer->task_count > 2) {
        uns_pool_run(uns_context_pool(optimizer->context), optimizer->task_count, run_blocks,
                     &my);
        return;
    }
    for (size_t task = 0; task < optimizer->task_count; task++)
        run_task(&my, task);
}
