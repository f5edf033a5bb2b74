/* SPDX-License-Identifier: MIT
 * Slot 0: who steps (finite gradients), by how much gradients are cut, and the guarded gradient
 *   g ← clip_norm(clip_value(g / unscale)) + λx.
 *
 * Finiteness and norms take one pass over the gradients; its sums are formed over items, hence
 * the same bits for any number of threads.
 */
#include "opt/opt.h"

#include <math.h>
#include <string.h>

static const void *unscaled_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                  size_t begin, size_t n, void *buffer) {
    const void *g = uns_wide_gradient(optimizer, block, begin, n, buffer);
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

static bool is_checked(const uns_optimizer *optimizer, const uns_block_state *block) {
    return optimizer->groups[block->group].spec.nonfinite != UNS_NONFINITE_IGNORE;
}

/* One replica: a chunk is checked and summed up while it is in the first-level cache. */
static void survey_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                         size_t n) {
    const uns_block_state *block = &optimizer->blocks[optimizer->items[item].block];
    double buffer[UNS_CHUNK];
    (void)user;
    if (is_checked(optimizer, block) &&
        optimizer->kernel->nonfinite(n, uns_wide_gradient(optimizer, block, begin, n, buffer)))
        optimizer->bad_items[item] = 1;
    if (optimizer->groups[block->group].clipping)
        optimizer->partials[item] +=
            optimizer->kernel->square(n, unscaled_chunk(optimizer, block, begin, n, buffer));
}

static void mark(uns_optimizer *optimizer, const uns_block_state *block, size_t replica) {
    optimizer->active[replica] = 0;
    if (optimizer->groups[block->group].spec.nonfinite == UNS_NONFINITE_STOP)
        optimizer->stopped[replica] = 1;
}

static void survey_one(uns_optimizer *optimizer, bool clipping) {
    memset(optimizer->bad_items, 0, optimizer->item_count);
    memset(optimizer->partials, 0, optimizer->item_count * sizeof *optimizer->partials);
    uns_for_chunks(optimizer, survey_chunk, NULL);
    for (size_t i = 0; i < optimizer->item_count; i++)
        if (optimizer->bad_items[i])
            mark(optimizer, &optimizer->blocks[optimizer->items[i].block], 0);
    if (clipping)
        uns_sum_partials(optimizer, optimizer->norms[0]);
}

static void check_rows(uns_optimizer *optimizer, const uns_block_state *block) {
    size_t replicas = optimizer->replicas;
    memset(optimizer->bad, 0, replicas);
    optimizer->kernel->nonfinite_rows(block->elements / replicas, replicas, block->g,
                                      optimizer->bad);
    for (size_t r = 0; r < replicas; r++)
        if (optimizer->bad[r])
            mark(optimizer, block, r);
}

/* Replicas share their sums between items, which then go in order. */
static void survey_replicas(uns_optimizer *optimizer, bool clipping) {
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_block_state *block = &optimizer->blocks[i];
        if (block->present && is_checked(optimizer, block))
            check_rows(optimizer, block);
    }
    if (clipping)
        uns_squares(optimizer, unscaled_chunk, optimizer->norms[0]);
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

static void survey(uns_optimizer *optimizer) {
    bool clipping = false, checking = false;
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group *group = &optimizer->groups[i];
        group->clipping = isfinite(group->spec.clip_norm);
        clipping = clipping || group->clipping;
        checking = checking || group->spec.nonfinite != UNS_NONFINITE_IGNORE;
    }
    if (clipping || checking)
        (optimizer->replicas == 1 ? survey_one : survey_replicas)(optimizer, clipping);
    for (size_t i = 0; i < optimizer->group_count; i++)
        if (optimizer->groups[i].clipping)
            group_clip_factor(optimizer, &optimizer->groups[i]);
}

/* A replica that stopped earlier sits out too, and is not counted as skipped. */
bool uns_guard(uns_optimizer *optimizer, bool counting) {
    size_t stepping = 0;
    for (size_t r = 0; r < optimizer->replicas; r++)
        optimizer->active[r] = !optimizer->stopped[r];
    survey(optimizer);
    for (size_t r = 0; r < optimizer->replicas; r++) {
        stepping += optimizer->active[r];
        optimizer->skipped += counting && !optimizer->active[r] && !optimizer->stopped[r];
    }
    optimizer->partial = stepping < optimizer->replicas;
    return stepping > 0;
}

const void *uns_guard_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                            size_t begin, size_t n, const void *x, void *buffer) {
    const uns_group *group = &optimizer->groups[block->group];
    const void *g = unscaled_chunk(optimizer, block, begin, n, buffer);
    if (group->clipping) {
        uns_scale_replicas(optimizer, group->clip_factor, begin, n, g, buffer);
        g = buffer;
    }
    if (group->spec.decay != 0.0 && group->spec.decay_form == UNS_DECAY_L2) {
        optimizer->kernel->mix(n, 1.0, g, group->spec.decay, x, buffer);
        g = buffer;
    }
    return g;
}
