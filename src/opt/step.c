/* SPDX-License-Identifier: MIT
 * A step: guard, the stages over all chunks, and the counts. The halves are the same code with
 * fewer passes. What whole structures and oracles do in it: whole.c.
 */
#include "base/base.h"
#include "opt/opt.h"

#include <string.h>

enum {
    ALL_PASSES = UNS_PASS_OBSERVE | UNS_PASS_PRECONDITION | UNS_PASS_SCALE | UNS_PASS_ADVANCE
};

static uns_status check_tensors(const uns_optimizer *optimizer, const char *call,
                                size_t x_count, const void *const *x, size_t g_count) {
    if (x_count != optimizer->block_count || g_count != optimizer->block_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                        "%s: the layout has %zu blocks; x has %zu, the other %zu", call,
                        optimizer->block_count, x_count, g_count);
    for (size_t i = 0; i < x_count; i++)
        if (!x[i])
            return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                            "%s: x of block '%s' is NULL", call,
                            uns_layout_block(optimizer->layout, i)->name);
    return UNS_OK;
}

static void bind(uns_optimizer *optimizer, uns_const_tensors x, uns_const_tensors g,
                 void *const *x_out, void *const *d) {
    for (size_t i = 0; i < optimizer->block_count; i++) {
        uns_block_state *block = &optimizer->blocks[i];
        block->g = g.data[i];
        block->present = g.data[i] != NULL;
        block->x = x.data[i];
        block->x_out = x_out ? x_out[i] : NULL;
        block->d = d ? d[i] : block->piece[UNS_PIECE_DIRECTION];
    }
}

/* The numbers of this step from another block of the group, where they are the same: powers
 * cost a hundred nanoseconds, more than a step of a small block. */
static bool take_numbers(const uns_group *group, uns_block_state *block) {
    const uns_block_state *twin = group->twin;
    const uns_block_counts *a = &block->counts, *b = &group->twin_counts;
    if (!twin || a->observed != b->observed || a->moved != b->moved || a->product != b->product)
        return false;
    block->coeffs = twin->coeffs;
    block->root = twin->root;
    memcpy(block->momentum_row, twin->momentum_row, sizeof twin->momentum_row);
    block->eta = twin->eta;
    block->counts.product = twin->counts.product;
    return true;
}

/* The numbers of this step for one block. Observation t includes the one under way. */
static void prepare_block(const uns_optimizer *optimizer, uns_block_state *block,
                          unsigned passes) {
    const uns_group *group = &optimizer->groups[block->group];
    const uns_spec *spec = &group->spec;
    bool observing = (passes & UNS_PASS_OBSERVE) != 0;
    passes &= group->allowed;
    uint64_t t = group->structure->elementwise ? block->counts.observed
                                               : uns_group_observed(optimizer, group);
    t += observing;
    group->moment->coeffs(spec, uns_moment_time(group, t), &block->coeffs);
    bool corrected = spec->centred || spec->ceiling == UNS_CEILING_CORRECTED;
    block->root = (uns_root){spec->exponent, spec->epsilon, corrected ? 1.0 : block->coeffs.c,
                             spec->epsilon_form, 0.0};
    double product = block->counts.product;
    uns_spec_momentum_row(spec, block->counts.moved + 1, &product, block->momentum_row);
    unsigned turn =
        spec->momentum_at == UNS_PLACE_FIRST ? UNS_PASS_PRECONDITION : UNS_PASS_ADVANCE;
    if (passes & turn)
        block->counts.product = product;
    block->eta = uns_spec_eta(spec, block->counts.moved + 1);
}

/* A structure that is only being opened observes and does no more. */
static void prepare_group(const uns_optimizer *optimizer, uns_group *group, unsigned passes) {
    uint64_t opening = group->structure->opening;
    bool observing = (passes & UNS_PASS_OBSERVE) != 0;
    group->twin = NULL;
    group->allowed = opening && uns_group_observed(optimizer, group) + observing <= opening
                         ? UNS_PASS_OBSERVE
                         : ALL_PASSES;
}

static void prepare_blocks(uns_optimizer *optimizer, unsigned passes) {
    for (size_t i = 0; i < optimizer->group_count; i++)
        prepare_group(optimizer, &optimizer->groups[i], passes);
    for (size_t i = 0; i < optimizer->block_count; i++) {
        uns_block_state *block = &optimizer->blocks[i];
        uns_group *group = &optimizer->groups[block->group];
        if (!block->present || take_numbers(group, block))
            continue;
        group->twin_counts = block->counts;
        prepare_block(optimizer, block, passes);
        group->twin = block;
    }
}

/* A whole structure has one C, so its blocks share one count of observations. */
static void count(uns_optimizer *optimizer, unsigned passes) {
    for (size_t i = 0; i < optimizer->block_count; i++) {
        uns_block_state *block = &optimizer->blocks[i];
        const uns_group *group = &optimizer->groups[block->group];
        bool observes = group->structure->elementwise
                            ? block->present
                            : uns_group_present(optimizer, group) != NULL;
        block->counts.observed += observes && (passes & UNS_PASS_OBSERVE);
        block->counts.moved += block->present && (passes & group->allowed & UNS_PASS_ADVANCE);
    }
}

static void run_front(uns_optimizer *optimizer, void *user, size_t index) {
    const uns_plan_of_step *plan = user;
    if (plan->passes != ALL_PASSES || !uns_fuse_item(optimizer, index))
        uns_item_chunks(optimizer, index, uns_step_chunk, user);
}

static uns_status run_stages(uns_optimizer *optimizer, unsigned passes) {
    uns_plan_of_step plan = {passes, UNS_STAGE_FRONT};
    bool staged = false, whole = false, ratio = false, graft = false;
    for (size_t i = 0; i < optimizer->group_count; i++) {
        const uns_group *group = &optimizer->groups[i];
        staged = staged || uns_group_is_staged(group);
        whole = whole || !group->structure->elementwise;
        ratio = ratio || uns_scale_has_ratio(&group->spec);
        graft = graft || group->spec.scale == UNS_SCALE_GRAFT;
    }
    uns_for_items(optimizer, run_front, &plan);
    if (graft && (passes & UNS_PASS_SCALE))
        uns_scale_graft(optimizer);
    for (size_t i = 0; whole && i < optimizer->group_count; i++)
        if (!optimizer->groups[i].structure->elementwise)
            UNS_TRY(uns_run_structure(optimizer, &optimizer->groups[i],
                                      passes & optimizer->groups[i].allowed));
    plan.stage = UNS_STAGE_SCALE;
    if (whole && (passes & UNS_PASS_SCALE))
        uns_for_chunks(optimizer, uns_step_chunk, &plan);
    if (ratio && (passes & UNS_PASS_SCALE))
        uns_scale_ratio(optimizer);
    plan.stage = UNS_STAGE_ADVANCE;
    if (staged && (passes & UNS_PASS_ADVANCE))
        uns_for_chunks(optimizer, uns_step_chunk, &plan);
    return UNS_OK;
}

static void choose_one_pass(uns_optimizer *optimizer) {
    for (size_t i = 0; optimizer->extras && i < optimizer->block_count; i++)
        if (optimizer->blocks[i].present)
            optimizer->blocks[i].one_pass = uns_fuse_range(optimizer, i, 0, 0);
}

static uns_status run_passes(uns_optimizer *optimizer, unsigned passes) {
    prepare_blocks(optimizer, passes);
    if (passes == ALL_PASSES)
        choose_one_pass(optimizer);
    UNS_TRY(run_stages(optimizer, passes));
    count(optimizer, passes);
    return UNS_OK;
}

/* From bound tensors to counts. The oracle comes before anything is changed, and in the
 * caller's mode of arithmetic; what this thread does itself is flushed like what the pool does.
 */
static uns_status run_step(uns_optimizer *optimizer, uns_const_tensors x, unsigned passes) {
    if (passes & UNS_PASS_OBSERVE)
        UNS_TRY(uns_ask_oracles(optimizer, x));
    const uint64_t mode = uns_flush_enter();
    const uns_status status = run_passes(optimizer, passes);
    uns_flush_restore(mode);
    return status;
}

static uns_status check_extras(const uns_optimizer *optimizer, const uns_step_extras *extras) {
    if (extras && extras->size != sizeof *extras)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                        "step: the extras' size is wrong");
    if (extras && extras->copies && uns_layout_dtype(optimizer->layout) != UNS_F32)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                        "step: copies in bf16 are written of f32 parameters only");
    return UNS_OK;
}

static uns_status step(uns_optimizer *optimizer, uns_const_tensors x) {
    if (uns_guard(optimizer, true))
        UNS_TRY(run_step(optimizer, x, ALL_PASSES));
    uns_finish_extras(optimizer);
    return UNS_OK;
}

uns_status uns_optimizer_step_and(uns_optimizer *optimizer, uns_tensors x, uns_tensors g,
                                  const uns_step_extras *extras) {
    uns_const_tensors now = uns_tensors_const(x);
    UNS_TRY(check_tensors(optimizer, "step", x.count, now.data, g.count));
    UNS_TRY(check_extras(optimizer, extras));
    bind(optimizer, now, uns_tensors_const(g), x.data, NULL);
    uns_bind_extras(optimizer, g, extras);
    return step(optimizer, now);
}

uns_status uns_optimizer_step(uns_optimizer *optimizer, uns_tensors x, uns_const_tensors g) {
    uns_const_tensors now = uns_tensors_const(x);
    UNS_TRY(check_tensors(optimizer, "step", x.count, now.data, g.count));
    bind(optimizer, now, g, x.data, NULL);
    optimizer->extras = false;
    return step(optimizer, now);
}

uns_status uns_optimizer_observe(uns_optimizer *optimizer, uns_const_tensors x,
                                 uns_const_tensors g) {
    UNS_TRY(check_tensors(optimizer, "observe", x.count, x.data, g.count));
    bind(optimizer, x, g, NULL, NULL);
    if (!uns_guard(optimizer, true))
        return UNS_OK;
    return run_step(optimizer, x, UNS_PASS_OBSERVE);
}

static bool never_observed(const uns_optimizer *optimizer) {
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_block_state *block = &optimizer->blocks[i];
        const uns_group *group = &optimizer->groups[block->group];
        bool kept = block->piece[UNS_PIECE_MOMENT] || group->structure_state;
        if (block->present && kept && block->counts.observed == 0)
            return true;
    }
    return false;
}

/* The directions of all blocks, or of those whose structure is not yet open. */
static void zero_directions(uns_optimizer *optimizer, bool all) {
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_block_state *block = &optimizer->blocks[i];
        bool open = optimizer->groups[block->group].allowed & UNS_PASS_PRECONDITION;
        if (block->present && (all || !open))
            memset(block->d, 0, block->elements * optimizer->width);
    }
}

uns_status uns_optimizer_direction(uns_optimizer *optimizer, uns_const_tensors x,
                                   uns_const_tensors g, uns_tensors d) {
    UNS_TRY(check_tensors(optimizer, "direction", x.count, x.data, g.count));
    for (size_t i = 0; i < optimizer->block_count; i++)
        if (d.count != optimizer->block_count || (g.data[i] && !d.data[i]))
            return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                            "direction: d needs a buffer for every block with a gradient");
    bind(optimizer, x, g, NULL, d.data);
    if (never_observed(optimizer))
        return uns_fail(optimizer->context, UNS_ERROR_STATE,
                        "direction: nothing has been observed yet; call observe first");
    if (!uns_guard(optimizer, false)) {
        zero_directions(optimizer, true);
        return UNS_OK;
    }
    UNS_TRY(run_step(optimizer, x, UNS_PASS_PRECONDITION | UNS_PASS_SCALE));
    zero_directions(optimizer, false);
    return UNS_OK;
}

uns_status uns_optimizer_advance(uns_optimizer *optimizer, uns_tensors x, uns_tensors d) {
    uns_const_tensors now = uns_tensors_const(x);
    UNS_TRY(check_tensors(optimizer, "advance", x.count, now.data, d.count));
    bind(optimizer, now, uns_tensors_const(d), x.data, d.data);
    if (!memchr(optimizer->active, 1, optimizer->replicas))
        return UNS_OK;
    return run_step(optimizer, now, UNS_PASS_ADVANCE);
}
