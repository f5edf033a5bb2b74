/* SPDX-License-Identifier: MIT
 * Slot 0: who steps (finite gradients), by how much gradients are cut, and the guarded gradient
 *   g ← clip_norm(clip_value(g / unscale)) + λx.
 */
#include "opt/opt.h"

#include <math.h>
#include <string.h>

static void mark_bad(uns_optimizer *optimizer, const uns_block_state *block) {
    const uns_elementwise *kernel = optimizer->kernel;
    size_t replicas = optimizer->replicas;
    bool stop = optimizer->groups[block->group].spec.nonfinite == UNS_NONFINITE_STOP;
    memset(optimizer->bad, 0, replicas);
    if (replicas == 1)
        optimizer->bad[0] = kernel->nonfinite(block->elements, block->g) != 0;
    else
        kernel->nonfinite_rows(block->elements / replicas, replicas, block->g, optimizer->bad);
    for (size_t r = 0; r < replicas; r++) {
        if (!optimizer->bad[r])
            continue;
        optimizer->active[r] = 0;
        if (stop)
            optimizer->stopped[r] = 1;
    }
}

/* A replica that stopped earlier sits out too, and is not counted as skipped. */
bool uns_guard_finite(uns_optimizer *optimizer, bool counting) {
    size_t stepping = 0;
    for (size_t r = 0; r < optimizer->replicas; r++)
        optimizer->active[r] = !optimizer->stopped[r];
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_block_state *block = &optimizer->blocks[i];
        int policy = optimizer->groups[block->group].spec.nonfinite;
        if (block->present && policy != UNS_NONFINITE_IGNORE)
            mark_bad(optimizer, block);
    }
    for (size_t r = 0; r < optimizer->replicas; r++) {
        stepping += optimizer->active[r];
        optimizer->skipped += counting && !optimizer->active[r] && !optimizer->stopped[r];
    }
    optimizer->partial = stepping < optimizer->replicas;
    return stepping > 0;
}

static const void *unscaled_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                  size_t begin, size_t n, void *buffer) {
    const void *g = uns_at(optimizer, block->g, begin);
    double limit = optimizer->groups[block->group].spec.clip_value;
    if (optimizer->unscale != 1.0) {
        optimizer->kernel->scale(n, 1.0 / optimizer->unscale, g, buffer);
        g = buffer;
    }
    if (isfinite(limit)) {
        optimizer->kernel->clamp(n, limit, g, buffer);
        g = buffer;
    }
    return g;
}

static void group_clip_factor(uns_optimizer *optimizer, uns_group *group) {
    const double *sums = optimizer->norms[0];
    for (size_t r = 0; r < optimizer->replicas; r++) {
        double square = 0.0;
        for (size_t i = group->first; i < group->first + group->count; i++)
            if (optimizer->blocks[optimizer->order[i]].present)
                square += sums[optimizer->order[i] * optimizer->replicas + r];
        double norm = sqrt(square), limit = group->spec.clip_norm;
        group->clip_factor[r] = norm > limit ? limit / norm : 1.0;
    }
}

void uns_guard_clip(uns_optimizer *optimizer) {
    bool any = false;
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group *group = &optimizer->groups[i];
        group->clipping = isfinite(group->spec.clip_norm);
        any = any || group->clipping;
    }
    if (!any)
        return;
    uns_squares(optimizer, unscaled_chunk, optimizer->norms[0]);
    for (size_t i = 0; i < optimizer->group_count; i++)
        if (optimizer->groups[i].clipping)
            group_clip_factor(optimizer, &optimizer->groups[i]);
}

const void *uns_guard_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                            size_t begin, size_t n, void *buffer) {
    const uns_group *group = &optimizer->groups[block->group];
    const void *g = unscaled_chunk(optimizer, block, begin, n, buffer);
    if (group->clipping) {
        uns_scale_replicas(optimizer, group->clip_factor, begin, n, g, buffer);
        g = buffer;
    }
    if (group->spec.decay != 0.0 && group->spec.decay_form == UNS_DECAY_L2) {
        optimizer->kernel->mix(n, 1.0, g, group->spec.decay, uns_at(optimizer, block->x, begin),
                               buffer);
        g = buffer;
    }
    return g;
}
