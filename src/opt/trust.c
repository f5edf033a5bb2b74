/* SPDX-License-Identifier: MIT
 * The trust ratio of slot 6, a block and replica at a time (You, Gitman, Ginsburg 2017; You et
 * al. 2020): d ← d·κ‖x‖/(‖d‖ + ε), and d as it is where either norm is 0. LARS as published has
 * the sum ‖d‖ + λ‖x‖ below, and λx joins d only afterwards.
 */
#include "opt/opt.h"

#include <math.h>

static const void *x_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                           size_t begin, size_t n, void *buffer) {
    (void)n;
    (void)buffer;
    return uns_at(optimizer, block->x, begin);
}

static const void *d_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                           size_t begin, size_t n, void *buffer) {
    (void)n;
    (void)buffer;
    return block->d ? uns_at(optimizer, block->d, begin)
                    : x_chunk(optimizer, block, begin, n, buffer);
}

static void scale_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                        size_t n) {
    const double *ratios = user;
    size_t index = optimizer->items[item].block;
    const uns_block_state *block = &optimizer->blocks[index];
    const uns_spec *spec = &optimizer->groups[block->group].spec;
    if (!uns_spec_trusts(spec))
        return;
    void *d = uns_at(optimizer, block->d, begin);
    if (spec->scale == UNS_SCALE_TRUST_SUM && spec->decay != 0.0)
        optimizer->kernel->mix(n, 1.0, d, spec->decay, uns_at(optimizer, block->x, begin), d);
    uns_scale_replicas(optimizer, ratios + index * optimizer->replicas, begin, n, d, d);
}

static double ratio(const uns_spec *spec, double x_square, double d_square) {
    if (x_square == 0.0 || d_square == 0.0)
        return 1.0;
    double x = sqrt(x_square), below = sqrt(d_square) + spec->trust_epsilon;
    if (spec->scale == UNS_SCALE_TRUST_SUM)
        below += spec->decay * x;
    return spec->trust * x / below;
}

void uns_scale_trust(uns_optimizer *optimizer) {
    double *x = optimizer->norms[0], *d = optimizer->norms[1];
    uns_squares(optimizer, x_chunk, x);
    uns_squares(optimizer, d_chunk, d);
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_spec *spec = &optimizer->groups[optimizer->blocks[i].group].spec;
        for (size_t r = 0; r < optimizer->replicas; r++) {
            size_t k = i * optimizer->replicas + r;
            d[k] = ratio(spec, x[k], d[k]);
        }
    }
    uns_for_chunks(optimizer, scale_chunk, d);
}
