/* SPDX-License-Identifier: MIT
 * What bundling is measured against: the same kernels on the same tensors, with the threads
 * called together for each tensor, as a loop over tensors with a parallel loop inside does.
 */
#include "bench/bench.h"

#include "base/pool.h"

typedef struct part_job {
    uns_optimizer *optimizer;
    size_t block, parts;
    unsigned char done[256];
} part_job;

/* Borders at multiples of 256 elements. */
static void run_part(void *user, size_t part) {
    part_job *job = user;
    const size_t all = job->optimizer->blocks[job->block].elements;
    const size_t length = (all / job->parts + 255) / 256 * 256;
    const size_t begin = part * length < all ? part * length : all;
    const size_t end = part + 1 < job->parts && begin + length < all ? begin + length : all;
    const uint64_t mode = uns_flush_enter();
    job->done[part] = uns_fuse_range(job->optimizer, job->block, begin, end);
    uns_flush_restore(mode);
}

bool uns_bench_step_apart(uns_optimizer *optimizer) {
    part_job job = {optimizer, 0, (size_t)uns_context_threads(optimizer->context), {0}};
    bool done = true;
    for (job.block = 0; job.block < optimizer->block_count; job.block++) {
        uns_pool_run(uns_context_pool(optimizer->context), job.parts, run_part, &job);
        done = done && job.done[0];
    }
    return done;
}
