/* SPDX-License-Identifier: MIT
 * Looking into and changing an optimizer between steps: state views, specs, replicas' fate.
 */
#include "base/base.h"
#include "opt/opt.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const char *const piece_names[UNS_PIECE_COUNT] = {
    "moment", "momentum",       "mean", "ceiling", "steps_square",
    "graft",  "parameters_low", NULL,   NULL};

static const char structure_name[] = "structure";

static bool shows_structure(const uns_optimizer *optimizer, size_t block) {
    const uns_group *group = &optimizer->groups[optimizer->blocks[block].group];
    return group->structure_bytes && optimizer->order[group->first] == block;
}

size_t uns_optimizer_state_count(const uns_optimizer *optimizer, size_t block) {
    size_t count = 0;
    if (block >= optimizer->block_count)
        return 0;
    for (int p = 0; p < UNS_PIECE_COUNT; p++)
        count += piece_names[p] && optimizer->blocks[block].piece[p];
    return count + shows_structure(optimizer, block);
}

static uns_state_view view_of(uns_optimizer *optimizer, size_t block, int p) {
    uns_block_state *state = &optimizer->blocks[block];
    const uns_group *group = &optimizer->groups[state->group];
    bool whole = p == UNS_PIECE_COUNT;
    uns_state_view view = {.dtype = optimizer->dtype};
    view.name = whole ? structure_name : piece_names[p];
    view.data = whole ? group->structure_state : state->piece[p];
    view.count = whole ? group->structure_bytes : state->elements;
    if (whole)
        return view;
    switch (uns_piece_form(group, (uns_piece)p)) {
    case UNS_FORM_PLAIN:
        break;
    case UNS_FORM_BF16:
    case UNS_FORM_HALF:
        view.dtype = UNS_BF16;
        break;
    case UNS_FORM_Q8:
    case UNS_FORM_Q8_SIGNED:
        view.dtype = UNS_Q8;
        view.count = uns_piece_bytes(optimizer, block, (uns_piece)p);
        break;
    }
    return view;
}

uns_status uns_optimizer_state_at(uns_optimizer *optimizer, size_t block, size_t index,
                                  uns_state_view *view) {
    if (index >= uns_optimizer_state_count(optimizer, block))
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                        "state: block %zu has no piece %zu", block, index);
    int p = 0;
    for (size_t seen = 0; p < UNS_PIECE_COUNT; p++)
        if (piece_names[p] && optimizer->blocks[block].piece[p] && seen++ == index)
            break;
    *view = view_of(optimizer, block, p);
    return UNS_OK;
}

typedef struct block_names {
    uns_optimizer *optimizer;
    size_t block;
} block_names;

static const char *name_at(const void *user, size_t index) {
    const block_names *names = user;
    uns_state_view view;
    if (index >= uns_optimizer_state_count(names->optimizer, names->block))
        return NULL;
    return uns_optimizer_state_at(names->optimizer, names->block, index, &view) == UNS_OK
               ? view.name
               : NULL;
}

uns_status uns_optimizer_state(uns_optimizer *optimizer, size_t block, const char *name,
                               uns_state_view *view) {
    block_names names = {optimizer, block};
    const char *found;
    for (size_t i = 0; (found = name_at(&names, i)); i++)
        if (strcmp(found, name) == 0)
            return uns_optimizer_state_at(optimizer, block, i, view);
    const char *nearest = uns_nearest_name(name, name_at, &names);
    return uns_fail(optimizer->context, UNS_ERROR_NAME, "state: block %zu has no '%s'%s%s%s",
                    block, name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                    nearest ? "'?" : "");
}

uns_status uns_optimizer_counts(const uns_optimizer *optimizer, size_t block,
                                uns_block_counts *counts) {
    if (block >= optimizer->block_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT, "there is no block %zu", block);
    *counts = optimizer->blocks[block].counts;
    return UNS_OK;
}

uns_status uns_optimizer_set_counts(uns_optimizer *optimizer, size_t block,
                                    const uns_block_counts *counts) {
    if (block >= optimizer->block_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT, "there is no block %zu", block);
    optimizer->blocks[block].counts = *counts;
    return UNS_OK;
}

uns_status uns_group_get(const uns_optimizer *optimizer, size_t group, uns_spec *spec) {
    if (group >= optimizer->group_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT, "there is no group %zu", group);
    *spec = optimizer->groups[group].spec;
    return UNS_OK;
}

/* What of a spec decides which state there is. */
static const char *changed_state(const uns_spec *a, const uns_spec *b) {
    if (strcmp(a->moment, b->moment) != 0)
        return "moment";
    if (strcmp(a->structure, b->structure) != 0)
        return "structure";
    if ((a->momentum == UNS_MOMENTUM_NONE) != (b->momentum == UNS_MOMENTUM_NONE))
        return "momentum";
    if (a->centred != b->centred)
        return "centred";
    if ((a->ceiling == UNS_CEILING_NONE) != (b->ceiling == UNS_CEILING_NONE))
        return "ceiling";
    if (a->scale != b->scale)
        return "scale";
    if (a->state != b->state)
        return "state";
    if (a->rounding != b->rounding)
        return "rounding";
    if (a->structure_block != b->structure_block)
        return "structure.block";
    if (a->structure_cap != b->structure_cap)
        return "structure.cap";
    if (a->structure_over != b->structure_over)
        return "structure.over";
    if (a->structure_rank != b->structure_rank)
        return "structure.rank";
    if (a->structure_window != b->structure_window)
        return "structure.window";
    if ((a->refresh_lag > 0) != (b->refresh_lag > 0))
        return "refresh.lag";
    if (a->structure_side != b->structure_side)
        return "structure.side";
    if (a->signal != b->signal && strcmp(a->moment, "latest") == 0)
        return "signal";
    return NULL;
}

uns_status uns_group_set(uns_optimizer *optimizer, size_t group, const uns_spec *spec) {
    if (group >= optimizer->group_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT, "there is no group %zu", group);
    uns_group *target = &optimizer->groups[group];
    const char *changed = changed_state(&target->spec, spec);
    if (changed)
        return uns_fail(optimizer->context, UNS_ERROR_PAIR,
                        "group %zu: '%s' decides the state and cannot change between steps; "
                        "create a new optimizer",
                        group, changed);
    UNS_TRY(uns_spec_check(optimizer->context, spec));
    target->spec = *spec;
    target->has_root = spec->exponent != 0.0;
    return UNS_OK;
}

uns_status uns_optimizer_structure_report(const uns_optimizer *optimizer, size_t group,
                                          uns_structure_report *report) {
    if (group >= optimizer->group_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT, "there is no group %zu", group);
    const uns_group *of = &optimizer->groups[group];
    uns_structure_report filled = {.bytes = of->structure_bytes,
                                   .scratch = of->scratch_bytes,
                                   .seconds = of->root_seconds};
    if (of->structure->report)
        of->structure->report(&of->site, of->structure_state, &filled);
    *report = filled;
    return UNS_OK;
}

uns_status uns_optimizer_unscale(uns_optimizer *optimizer, double scale) {
    bool wide = optimizer->dtype == UNS_F64;
    double factor = wide ? 1.0 / scale : (float)(1.0 / scale);
    if (!(factor >= (wide ? DBL_MIN : FLT_MIN)) || !isfinite(factor))
        return uns_fail(optimizer->context, UNS_ERROR_RANGE,
                        "unscale: the scale must be positive and its reciprocal a normal "
                        "number of %s, not 1/%g",
                        wide ? "f64" : "f32", scale);
    optimizer->unscale = scale;
    return UNS_OK;
}

bool uns_optimizer_stopped(const uns_optimizer *optimizer, size_t replica) {
    return replica < optimizer->replicas && optimizer->stopped[replica];
}

uns_status uns_optimizer_set_stopped(uns_optimizer *optimizer, size_t replica, bool stopped) {
    if (replica >= optimizer->replicas)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT, "there is no replica %zu",
                        replica);
    optimizer->stopped[replica] = stopped;
    return UNS_OK;
}

uint64_t uns_optimizer_skipped(const uns_optimizer *optimizer) {
    return optimizer->skipped;
}
