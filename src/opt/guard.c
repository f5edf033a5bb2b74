/* SPDX-License-Identifier: MIT
 * Slot 0: who steps (finite gradients), by how much gradients are cut, and the guarded gradient
 *   g ← clip_norm(clip_value(g / unscale)) + λx.
 *
 * Finiteness and norms take one pass over the gradients; its sums are formed over items, hence
 * the same bits for any number of threads.
 */
#include "opt/opt.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const void *unscaled_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                  size_t begin, size_t n, void *buffer) {
    const void *g = uns_wide_gradient(optimizer, block, begin, n, buffer);
    if (optimizer->unscale == 1.0)
        return g;
    optimizer->kernel->scale(n, 1.0 / optimizer->unscale, g, buffer);
    return buffer;
}

/* Unscaled and cut entry by entry: what norms are of. */
static const void *clamped_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                 size_t begin, size_t n, void *buffer) {
    const void *g = unscaled_chunk(optimizer, block, begin, n, buffer);
    double limit = optimizer->groups[block->group].spec.clip_value;
    if (isfinite(limit)) {
        optimizer->kernel->clamp(n, limit, g, buffer);
        g = buffer;
    }
    return g;
}

static bool is_checked(const uns_optimizer *optimizer, const uns_block_state *block) {
    return optimizer->groups[block->group].spec.nonfinite != UNS_NONFINITE_IGNORE;
}

/* A chunk to be tested for finiteness. Scales of 1 and more shrink it, by factors other than 0:
 * g is finite where g / unscale is, so that the product need not be formed. */
static const void *tested_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                size_t begin, size_t n, void *buffer) {
    if (optimizer->unscale < 1.0)
        return unscaled_chunk(optimizer, block, begin, n, buffer);
    return uns_wide_gradient(optimizer, block, begin, n, buffer);
}

/* A chunk is checked and summed up while it is in the first-level cache. */
static void survey_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                         size_t n) {
    const uns_block_state *block = &optimizer->blocks[optimizer->items[item].block];
    double buffer[UNS_CHUNK];
    (void)user;
    if (is_checked(optimizer, block) &&
        optimizer->kernel->nonfinite(n, tested_chunk(optimizer, block, begin, n, buffer)))
        optimizer->bad_items[item] = 1;
    if (optimizer->groups[block->group].clipping)
        optimizer->partials[item] +=
            optimizer->kernel->square(n, clamped_chunk(optimizer, block, begin, n, buffer));
}

static void mark(uns_optimizer *optimizer, const uns_group *group, size_t replica) {
    optimizer->active[replica] = 0;
    if (group->spec.nonfinite == UNS_NONFINITE_STOP)
        optimizer->stopped[replica] = 1;
}

static void survey_one(uns_optimizer *optimizer, bool clipping) {
    memset(optimizer->bad_items, 0, optimizer->item_count);
    memset(optimizer->partials, 0, optimizer->item_count * sizeof *optimizer->partials);
    uns_for_chunks(optimizer, survey_chunk, NULL);
    for (size_t i = 0; i < optimizer->item_count; i++)
        if (optimizer->bad_items[i])
            mark(optimizer,
                 &optimizer->groups[optimizer->blocks[optimizer->items[i].block].group], 0);
    if (clipping)
        uns_sum_partials(optimizer, optimizer->norms[0]);
}

/* Some replicas, whole rows of all or a part of one row. */
static void check_rows(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                       size_t n) {
    const uns_block_state *block = &optimizer->blocks[optimizer->items[item].block];
    size_t replicas = optimizer->replicas, first = begin % replicas;
    size_t here = n < replicas ? n : replicas;
    double buffer[UNS_CHUNK];
    (void)user;
    if (!is_checked(optimizer, block))
        return;
    memset(optimizer->bad + first, 0, here);
    optimizer->kernel->nonfinite_rows(n / here, here,
                                      tested_chunk(optimizer, block, begin, n, buffer),
                                      optimizer->bad + first);
    for (size_t r = first; r < first + here; r++)
        if (optimizer->bad[r])
            mark(optimizer, &optimizer->groups[block->group], r);
}

/* Several replicas: the same, but who is not finite is asked only where somebody is not. */
static void survey_rows(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                        size_t n) {
    const size_t index = optimizer->items[item].block;
    const uns_block_state *block = &optimizer->blocks[index];
    double buffer[UNS_CHUNK];
    (void)user;
    if (is_checked(optimizer, block) &&
        optimizer->kernel->nonfinite(n, tested_chunk(optimizer, block, begin, n, buffer)))
        optimizer->bad_items[item] = 1;
    if (optimizer->groups[block->group].clipping)
        uns_add_squares(optimizer, index, begin, n,
                        clamped_chunk(optimizer, block, begin, n, buffer), optimizer->norms[0]);
}

/* Replicas share their sums between the items of a block, which then go in order. */
static void survey_replicas(uns_optimizer *optimizer, bool clipping) {
    memset(optimizer->bad_items, 0, optimizer->item_count);
    if (clipping) {
        memset(optimizer->norms[0], 0,
               optimizer->block_count * optimizer->replicas * sizeof *optimizer->norms[0]);
        uns_for_chunks_in_order(optimizer, survey_rows, NULL);
    } else {
        uns_for_chunks(optimizer, survey_rows, NULL);
    }
    for (size_t i = 0; i < optimizer->item_count; i++)
        if (optimizer->bad_items[i])
            uns_item_chunks(optimizer, i, check_rows, NULL);
}

/* Norms beyond the range of squares (f64 only) are formed of g·2⁻⁶⁰⁰ or g·2⁶⁰⁰: powers of two
 * known beforehand, so that no largest entry need be found and no bit is lost to them. */
enum {
    SHIFT = 600
};

static const void *shifted_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                 size_t begin, size_t n, void *buffer, int shift) {
    if (!optimizer->groups[block->group].clipping)
        return NULL;
    const void *g = clamped_chunk(optimizer, block, begin, n, buffer);
    optimizer->kernel->scale(n, ldexp(1.0, shift), g, buffer);
    return buffer;
}

static const void *lowered_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                 size_t begin, size_t n, void *buffer) {
    return shifted_chunk(optimizer, block, begin, n, buffer, -SHIFT);
}

static const void *raised_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                                size_t begin, size_t n, void *buffer) {
    return shifted_chunk(optimizer, block, begin, n, buffer, SHIFT);
}

static double group_square(const uns_optimizer *optimizer, const uns_group *group,
                           const double *sums, size_t r) {
    double square = 0.0;
    for (size_t i = group->first; i < group->first + group->count; i++)
        if (optimizer->blocks[optimizer->order[i]].present)
            square += sums[optimizer->order[i] * optimizer->replicas + r];
    return square;
}

/* 0: Σ g² will do; else the sign of the power of two. Below 2⁻⁹⁰⁰ squares begin to vanish; f32
 * squares stay far above that, or are 0. */
static int range_of(const uns_optimizer *optimizer, size_t r, double square) {
    if (optimizer->dtype != UNS_F64 || !optimizer->active[r])
        return 0;
    return isinf(square) ? -1 : square < 0x1p-900;
}

/* Forms the sums that some replica needs, norms[1] of lowered and norms[2] of raised numbers.
 * Which ones depends on the gradients alone. */
static void survey_far(uns_optimizer *optimizer) {
    bool low = false, high = false;
    for (size_t i = 0; i < optimizer->group_count; i++)
        for (size_t r = 0; optimizer->groups[i].clipping && r < optimizer->replicas; r++) {
            double square =
                group_square(optimizer, &optimizer->groups[i], optimizer->norms[0], r);
            int range = range_of(optimizer, r, square);
            low = low || range > 0;
            high = high || range < 0;
        }
    if (high)
        uns_squares(optimizer, lowered_chunk, optimizer->norms[1]);
    if (low)
        uns_squares(optimizer, raised_chunk, optimizer->norms[2]);
}

static double clip_factor(const uns_optimizer *optimizer, const uns_group *group, size_t r) {
    double limit = group->spec.clip_norm;
    double square = group_square(optimizer, group, optimizer->norms[0], r);
    int range = range_of(optimizer, r, square);
    if (range) {
        double far = group_square(optimizer, group, optimizer->norms[range < 0 ? 1 : 2], r);
        double factor = far > 0.0 ? ldexp(limit / sqrt(far), range * SHIFT) : 1.0;
        return factor < 1.0 ? factor : 1.0;
    }
    double norm = sqrt(square);
    return norm > limit ? limit / norm : 1.0;
}

/* Steps flush a factor below the least normal number, and the gradient would vanish: one so far
 * beyond its clip counts as not finite. */
static void clip_replica(uns_optimizer *optimizer, uns_group *group, size_t r) {
    double least = optimizer->dtype == UNS_F64 ? DBL_MIN : FLT_MIN;
    group->clip_factor[r] = clip_factor(optimizer, group, r);
    if (group->clip_factor[r] < least && group->spec.nonfinite != UNS_NONFINITE_IGNORE)
        mark(optimizer, group, r);
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
        (optimizer->replicas > 1 ? survey_replicas : survey_one)(optimizer, clipping);
    if (clipping)
        survey_far(optimizer);
    for (size_t i = 0; i < optimizer->group_count; i++)
        for (size_t r = 0; optimizer->groups[i].clipping && r < optimizer->replicas; r++)
            clip_replica(optimizer, &optimizer->groups[i], r);
}

/* A replica that stopped earlier sits out too, and is not counted as skipped. */
bool uns_guard(uns_optimizer *optimizer, bool counting) {
    size_t stepping = 0;
    for (size_t r = 0; r < optimizer->replicas; r++)
        optimizer->active[r] = !optimizer->stopped[r];
    const uint64_t mode = uns_flush_enter();
    survey(optimizer);
    uns_flush_restore(mode);
    for (size_t r = 0; r < optimizer->replicas; r++) {
        stepping += optimizer->active[r];
        optimizer->skipped += counting && !optimizer->active[r] && !optimizer->stopped[r];
    }
    optimizer->partial = stepping < optimizer->replicas;
    optimizer->in_runs = optimizer->partial && uns_partial_is_long(optimizer);
    return stepping > 0;
}

const void *uns_guard_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                            size_t begin, size_t n, const void *x, void *buffer) {
    const uns_group *group = &optimizer->groups[block->group];
    const void *g = clamped_chunk(optimizer, block, begin, n, buffer);
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
