/* SPDX-License-Identifier: MIT
 * Sums of squares over blocks, and scaling replica by replica: the two operations of a step
 * that are not elementwise.
 */
#include "opt/opt.h"

#include <string.h>

void uns_add_squares(const uns_optimizer *optimizer, size_t block, size_t begin, size_t n,
                     const void *x, double *sums) {
    size_t replicas = optimizer->replicas;
    sums += block * replicas;
    if (n < replicas)
        optimizer->kernel->square_rows(1, n, x, sums + begin % replicas);
    else
        optimizer->kernel->square_rows(n / replicas, replicas, x, sums);
}

typedef struct square_job {
    uns_chunk_source *source;
    double *sums;
} square_job;

static void square_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                         size_t n) {
    const square_job *job = user;
    double buffer[UNS_CHUNK];
    size_t index = optimizer->items[item].block, replicas = optimizer->replicas;
    const void *x = job->source(optimizer, &optimizer->blocks[index], begin, n, buffer);
    if (!x)
        return;
    if (replicas == 1)
        optimizer->partials[item] += optimizer->kernel->square(n, x);
    else
        uns_add_squares(optimizer, index, begin, n, x, job->sums);
}

void uns_sum_partials(const uns_optimizer *optimizer, double *sums) {
    memset(sums, 0, optimizer->block_count * sizeof *sums);
    for (size_t i = 0; i < optimizer->item_count; i++)
        sums[optimizer->items[i].block] += optimizer->partials[i];
}

/* Items write their own partial sums, so their order of execution is free; replicas share their
 * sums between the items of a block, so theirs is not. */
void uns_squares(uns_optimizer *optimizer, uns_chunk_source *source, double *sums) {
    square_job job = {source, sums};
    if (optimizer->replicas > 1) {
        memset(sums, 0, optimizer->block_count * optimizer->replicas * sizeof *sums);
        uns_for_chunks_in_order(optimizer, square_chunk, &job);
        return;
    }
    memset(optimizer->partials, 0, optimizer->item_count * sizeof *optimizer->partials);
    uns_for_chunks(optimizer, square_chunk, &job);
    uns_sum_partials(optimizer, sums);
}

void uns_scale_replicas(const uns_optimizer *optimizer, const double *k, size_t begin, size_t n,
                        const void *in, void *out) {
    size_t replicas = optimizer->replicas;
    if (replicas == 1)
        optimizer->kernel->scale(n, k[0], in, out);
    else if (n < replicas)
        optimizer->kernel->scale_rows(1, n, k + begin % replicas, in, out);
    else
        optimizer->kernel->scale_rows(n / replicas, replicas, k, in, out);
}
