/* SPDX-License-Identifier: MIT
 * Making optimizers: resolving specs, adding up the state, taking it in one allocation, and
 * growing by new blocks.
 */
#include "base/base.h"
#include "la/dense.h"
#include "opt/opt.h"

#include <string.h>

bool uns_group_is_staged(const uns_group *group) {
    return !group->structure->elementwise || uns_scale_has_ratio(&group->spec);
}

bool uns_spec_keeps(const uns_group *group, uns_piece piece) {
    const uns_spec *spec = &group->spec;
    bool whole = !group->structure->elementwise;
    switch (piece) {
    case UNS_PIECE_MOMENT:
        return !whole && !group->moment->memoryless;
    case UNS_PIECE_MOMENTUM:
        return spec->momentum != UNS_MOMENTUM_NONE;
    case UNS_PIECE_MEAN:
        return spec->centred && !group->structure->keeps_mean;
    case UNS_PIECE_CEILING:
        return spec->ceiling != UNS_CEILING_NONE;
    case UNS_PIECE_STEPS_SQUARE:
        return spec->scale == UNS_SCALE_ADADELTA;
    case UNS_PIECE_GRAFT:
        return spec->scale == UNS_SCALE_GRAFT;
    case UNS_PIECE_BELOW:
        return group->bf16 && spec->rounding == UNS_ROUNDING_MASTER;
    case UNS_PIECE_SIGNAL:
        return whole;
    case UNS_PIECE_DIRECTION:
        return uns_group_is_staged(group);
    case UNS_PIECE_COUNT:
        break;
    }
    return false;
}

/* Elements of a piece over all replicas; 0: not kept. */
static size_t piece_elements(const uns_optimizer *optimizer, size_t index, uns_piece piece) {
    const uns_group *group = &optimizer->groups[optimizer->blocks[index].group];
    const uns_block *block = uns_layout_block(optimizer->layout, index);
    if (!uns_spec_keeps(group, piece))
        return 0;
    if (piece == UNS_PIECE_MOMENT)
        return group->structure->elements(&group->spec, block) * optimizer->replicas;
    return optimizer->blocks[index].elements;
}

size_t uns_piece_bytes(const uns_optimizer *optimizer, size_t block, uns_piece piece) {
    const size_t n = piece_elements(optimizer, block, piece);
    switch (uns_piece_form(&optimizer->groups[optimizer->blocks[block].group], piece)) {
    case UNS_FORM_BF16:
    case UNS_FORM_HALF:
        return n * sizeof(uint16_t);
    case UNS_FORM_Q8:
    case UNS_FORM_Q8_SIGNED:
        return n + (n + 255) / 256;
    case UNS_FORM_PLAIN:
        break;
    }
    return n * optimizer->width;
}

/* The oracle's d×d a replica. */
static size_t dense_bytes(const uns_optimizer *optimizer) {
    size_t d = uns_layout_parameters(optimizer->layout);
    size_t square = uns_size_product(uns_size_product(d, d), sizeof(double));
    return uns_size_product(square, optimizer->replicas);
}

/* Hands out the state; the same walk measures it (arena->base NULL). */
static void place_state(uns_optimizer *optimizer, uns_arena *arena) {
    for (size_t i = 0; i < optimizer->block_count; i++)
        for (int p = 0; p < UNS_PIECE_COUNT; p++) {
            size_t bytes = uns_piece_bytes(optimizer, i, (uns_piece)p);
            if (bytes)
                optimizer->blocks[i].piece[p] = uns_arena_take(arena, bytes);
        }
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group *group = &optimizer->groups[i];
        if (group->structure_bytes)
            group->structure_state = uns_arena_take(arena, group->structure_bytes);
        if (group->scratch_bytes)
            group->structure_scratch = uns_arena_take(arena, group->scratch_bytes);
        if (group->moment->oracle && !group->structure->elementwise)
            optimizer->oracle_dense = uns_arena_take(arena, dense_bytes(optimizer));
    }
}

/* Hands out the books: everything whose size does not depend on the specs. */
static void place_books(uns_optimizer *optimizer, uns_arena *arena) {
    size_t replicas = optimizer->replicas, blocks = optimizer->block_count;
    size_t norms = uns_size_product(blocks, replicas) * sizeof(double);
    optimizer->groups = uns_arena_take(arena, optimizer->group_count * sizeof(uns_group));
    optimizer->blocks = uns_arena_take(arena, blocks * sizeof(uns_block_state));
    optimizer->order = uns_arena_take(arena, blocks * sizeof(size_t));
    optimizer->items = uns_arena_take(arena, optimizer->item_count * sizeof(uns_item));
    optimizer->tasks = uns_arena_take(arena, (optimizer->item_count + 1) * sizeof(size_t));
    optimizer->partials = uns_arena_take(arena, optimizer->item_count * sizeof(double));
    optimizer->bad_items = uns_arena_take(arena, optimizer->item_count);
    optimizer->stopped = uns_arena_take(arena, replicas);
    optimizer->bad = uns_arena_take(arena, replicas);
    optimizer->active = uns_arena_take(arena, replicas);
    optimizer->failed = uns_arena_take(arena, replicas);
    optimizer->norms[0] = uns_arena_take(arena, norms);
    optimizer->norms[1] = uns_arena_take(arena, norms);
    optimizer->norms[2] = uns_arena_take(arena, norms);
    optimizer->oracle_views = uns_arena_take(arena, blocks * sizeof(void *));
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group group = {0};
        group.blocks = uns_arena_take(arena, blocks * sizeof *group.blocks);
        for (size_t k = 0; k < UNS_COUNT_OF(group.views); k++)
            group.views[k] = uns_arena_take(arena, blocks * sizeof(void *));
        group.clip_factor = uns_arena_take(arena, replicas * sizeof(double));
        if (arena->base)
            optimizer->groups[i] = group;
    }
}

static uns_status open_books(uns_context *context, const uns_layout *layout,
                             uns_optimizer **out) {
    const uns_dtype stored = uns_layout_dtype(layout);
    const uns_dtype dtype = stored == UNS_BF16 ? UNS_F32 : stored;
    uns_optimizer blank = {.context = context,
                           .layout = layout,
                           .kernels = uns_kernels_of(context),
                           .replicas = uns_layout_replicas(layout),
                           .width = uns_dtype_size(dtype),
                           .stored = stored,
                           .dtype = dtype,
                           .group_count = uns_layout_groups(layout),
                           .block_count = uns_layout_count(layout),
                           .item_count = uns_count_items(layout, UNS_ITEM),
                           .chunk = UNS_CHUNK,
                           .unscale = 1.0};
    blank.kernel = &blank.kernels->of[dtype];
    uns_arena arena = {NULL, 0};
    place_books(&blank, &arena);
    blank.books = uns_allocate(context, arena.used);
    uns_optimizer *optimizer = uns_allocate(context, sizeof blank);
    if (!blank.books || !optimizer) {
        uns_release(context, blank.books);
        uns_release(context, optimizer);
        return UNS_ERROR_MEMORY;
    }
    *optimizer = blank;
    arena = (uns_arena){blank.books, 0};
    place_books(optimizer, &arena);
    uns_fill_items(optimizer, UNS_ITEM);
    memset(optimizer->active, 1, optimizer->replicas);
    *out = optimizer;
    return UNS_OK;
}

static void list_blocks(uns_optimizer *optimizer) {
    size_t placed = 0;
    for (size_t g = 0; g < optimizer->group_count; g++) {
        uns_group *group = &optimizer->groups[g];
        group->first = placed;
        for (size_t i = 0; i < optimizer->block_count; i++) {
            const uns_block *block = uns_layout_block(optimizer->layout, i);
            if (block->group != g)
                continue;
            optimizer->order[placed++] = i;
            group->blocks[group->count++] = block;
            optimizer->blocks[i].group = g;
            optimizer->blocks[i].elements = block->rows * block->cols * optimizer->replicas;
            optimizer->blocks[i].counts.product = 1.0;
        }
    }
}

static uns_status check_oracle(const uns_optimizer *optimizer, const uns_group *group) {
    if (!group->moment->oracle)
        return UNS_OK;
    if (!optimizer->oracle.second_moment)
        return uns_fail(optimizer->context, UNS_ERROR_UNAVAILABLE,
                        "moment 'exact' needs an oracle, and this problem offers no second "
                        "moment; use moment 'ema' instead");
    if (!group->structure->elementwise && !group->structure->adopt)
        return uns_fail(optimizer->context, UNS_ERROR_PAIR,
                        "moment 'exact' does not go with structure '%s'",
                        group->structure->name);
    if (!group->structure->elementwise && optimizer->group_count > 1)
        return uns_fail(optimizer->context, UNS_ERROR_PAIR,
                        "moment 'exact' with structure '%s' needs all blocks in one group: the "
                        "oracle knows one matrix over all of them",
                        group->structure->name);
    return UNS_OK;
}

/* What roundings and reduced state need of the layout. */
static uns_status check_narrow(const uns_optimizer *optimizer, const uns_group *group) {
    const uns_spec *spec = &group->spec;
    const bool is_f64 = uns_layout_dtype(optimizer->layout) == UNS_F64;
    const char *mend = NULL;
    if (is_f64 && spec->state != UNS_STATE_AUTO)
        mend =
            "state=f32, bf16 and q8 are for layouts of f32 or bf16, and this one is f64; set "
            "state=auto";
    else if (spec->rounding != UNS_ROUNDING_MASTER && !group->bf16)
        mend = "rounding=random has no effect on parameters that are not bf16; set "
               "rounding=master";
    else if (uns_group_is_narrow(group) && optimizer->replicas > 1)
        mend = "bf16 parameters and reduced state go with one replica; use an f32 layout with "
               "state=auto for more";
    else if (group->bf16 && group->moment->oracle)
        mend = "moment 'exact' does not go with bf16 parameters; use an f32 layout";
    return mend ? uns_fail(optimizer->context, UNS_ERROR_PAIR, "%s", mend) : UNS_OK;
}

/* What a whole structure needs of the build and of the group's shape, and its sizes. */
static uns_status measure_structure(uns_optimizer *optimizer, uns_group *group) {
    const uns_structure_ops *structure = group->structure;
    if (structure->needs_lapack && !uns_dense_available())
        return uns_fail(optimizer->context, UNS_ERROR_UNAVAILABLE,
                        "structure '%s' needs LAPACK, which this build does not have; install "
                        "OpenBLAS and LAPACKE and build again, or use structure 'diagonal'",
                        structure->name);
    if (structure->check)
        UNS_TRY(structure->check(&group->site));
    group->structure_bytes = structure->bytes(&group->site);
    if (structure->scratch)
        group->scratch_bytes = structure->scratch(&group->site);
    return UNS_OK;
}

static uns_status resolve_group(uns_optimizer *optimizer, uns_group *group,
                                const uns_spec *spec) {
    uns_context *context = optimizer->context;
    const void *moment = NULL, *structure = NULL;
    UNS_TRY(uns_spec_check(context, spec));
    UNS_TRY(uns_context_find(context, UNS_KIND_MOMENT, spec->moment, &moment));
    UNS_TRY(uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &structure));
    group->spec = *spec;
    group->moment = moment;
    group->structure = structure;
    group->has_root = spec->exponent != 0.0;
    group->bf16 = uns_layout_dtype(optimizer->layout) == UNS_BF16;
    UNS_TRY(check_oracle(optimizer, group));
    UNS_TRY(check_narrow(optimizer, group));
    group->site = (uns_structure_site){.context = context,
                                       .kernels = optimizer->kernels,
                                       .spec = &group->spec,
                                       .dtype = optimizer->dtype,
                                       .replicas = optimizer->replicas,
                                       .count = group->count,
                                       .blocks = group->blocks,
                                       .active = optimizer->active,
                                       .failed = optimizer->failed,
                                       .root_seconds = &group->root_seconds};
    return group->structure->elementwise ? UNS_OK : measure_structure(optimizer, group);
}

static uns_status measure(uns_optimizer *optimizer, const uns_optimizer_config *config) {
    optimizer->oracle = config->oracle;
    optimizer->seed = config->seed;
    list_blocks(optimizer);
    for (size_t i = 0; i < optimizer->group_count; i++)
        UNS_TRY(resolve_group(optimizer, &optimizer->groups[i], &config->specs[i]));
    uns_arena arena = {NULL, 0};
    place_state(optimizer, &arena);
    optimizer->state_bytes = arena.used;
    if (arena.used == SIZE_MAX)
        return uns_fail(
            optimizer->context, UNS_ERROR_MEMORY,
            "the optimizer's state for %zu parameters, replicas: %zu, is larger than "
            "memory can be; use a structure that keeps less, such as 'diagonal'",
            uns_layout_parameters(optimizer->layout), optimizer->replicas);
    return UNS_OK;
}

static void fill_narrow(const uns_optimizer *optimizer, const uns_block_state *block,
                        float value) {
    float same[UNS_CHUNK];
    for (size_t i = 0; i < UNS_CHUNK; i++)
        same[i] = value;
    for (size_t begin = 0; begin < block->elements; begin += UNS_CHUNK) {
        const size_t left = block->elements - begin, n = left < UNS_CHUNK ? left : UNS_CHUNK;
        uns_narrow_piece(optimizer, block, UNS_PIECE_MOMENT, begin, n, same);
    }
}

static void fill(const uns_optimizer *optimizer, void *piece, size_t elements, double value) {
    for (size_t i = 0; i < elements; i++) {
        if (optimizer->width == sizeof(float))
            ((float *)piece)[i] = (float)value;
        else
            ((double *)piece)[i] = value;
    }
}

/* C₀ = initial·I. */
static void start_moments(const uns_optimizer *optimizer, const uns_block_state *block) {
    static const uns_piece started[] = {UNS_PIECE_MOMENT, UNS_PIECE_GRAFT};
    const uns_group *group = &optimizer->groups[block->group];
    const double initial = group->spec.initial;
    for (size_t i = 0; i < UNS_COUNT_OF(started) && initial != 0.0; i++) {
        if (!block->piece[started[i]])
            continue;
        if (uns_piece_form(group, started[i]) == UNS_FORM_PLAIN)
            fill(optimizer, block->piece[started[i]], block->elements, initial);
        else
            fill_narrow(optimizer, block, (float)initial);
    }
}

static uns_status take_state(uns_optimizer *optimizer) {
    optimizer->state = uns_allocate(optimizer->context, optimizer->state_bytes);
    if (!optimizer->state)
        return uns_fail_at(optimizer->context, UNS_ERROR_MEMORY,
                           "optimizer state for %zu parameters, replicas: %zu, structure '%s'",
                           uns_layout_parameters(optimizer->layout), optimizer->replicas,
                           optimizer->groups[0].spec.structure);
    uns_arena arena = {optimizer->state, 0};
    place_state(optimizer, &arena);
    for (size_t i = 0; i < optimizer->block_count; i++)
        start_moments(optimizer, &optimizer->blocks[i]);
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group *group = &optimizer->groups[i];
        group->site.scratch = group->structure_scratch;
        if (!group->structure->elementwise)
            UNS_TRY(group->structure->prepare(&group->site, group->structure_state));
    }
    return UNS_OK;
}

static uns_status check_config(uns_context *context, const uns_optimizer_config *config) {
    if (!context || !config || config->size != sizeof *config || !config->layout ||
        !config->specs)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "optimizer: needs a layout and specs");
    if (config->count != uns_layout_groups(config->layout))
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "optimizer: the layout has %zu groups, but %zu specs are given",
                        uns_layout_groups(config->layout), config->count);
    return UNS_OK;
}

void uns_optimizer_destroy(uns_optimizer *optimizer) {
    if (!optimizer)
        return;
    for (size_t i = 0; i < optimizer->group_count; i++) {
        const uns_group *group = &optimizer->groups[i];
        if (group->site.scratch && group->structure->quit)
            group->structure->quit(&group->site);
    }
    uns_release(optimizer->context, optimizer->state);
    uns_release(optimizer->context, optimizer->books);
    uns_release(optimizer->context, optimizer);
}

/* An optimizer whose sizes are known and whose state is not there. */
static uns_status open_measured(uns_context *context, const uns_optimizer_config *config,
                                uns_optimizer **out) {
    uns_optimizer *optimizer = NULL;
    UNS_TRY(check_config(context, config));
    UNS_TRY(open_books(context, config->layout, &optimizer));
    uns_status status = measure(optimizer, config);
    if (status != UNS_OK) {
        uns_optimizer_destroy(optimizer);
        return status;
    }
    *out = optimizer;
    return UNS_OK;
}

uns_status uns_optimizer_create(uns_context *context, const uns_optimizer_config *config,
                                uns_optimizer **out) {
    uns_optimizer *optimizer;
    UNS_TRY(open_measured(context, config, &optimizer));
    uns_status status = take_state(optimizer);
    if (status != UNS_OK) {
        uns_optimizer_destroy(optimizer);
        return status;
    }
    *out = optimizer;
    return UNS_OK;
}

uns_status uns_optimizer_bytes(uns_context *context, const uns_optimizer_config *config,
                               size_t *bytes) {
    uns_optimizer *optimizer;
    UNS_TRY(open_measured(context, config, &optimizer));
    *bytes = optimizer->state_bytes;
    uns_optimizer_destroy(optimizer);
    return UNS_OK;
}

uns_status uns_optimizer_survey(uns_context *context, const uns_optimizer_config *config,
                                size_t group, uns_structure_report *report) {
    uns_optimizer *optimizer;
    UNS_TRY(open_measured(context, config, &optimizer));
    uns_status status = uns_optimizer_structure_report(optimizer, group, report);
    uns_optimizer_destroy(optimizer);
    return status;
}
