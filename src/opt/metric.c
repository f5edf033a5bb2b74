/* SPDX-License-Identifier: MIT
 * Products with A, A^{1/2}, A⁻¹ and C, from a snapshot. Elementwise structures are two numbers
 * a parameter, made here; whole ones make their own (structure.h).
 */
#include <unsaddle/metric.h>

#include "base/base.h"
#include "opt/opt.h"

#include <math.h>

/* One group's part of the snapshot. */
typedef struct part {
    uns_group *group;
    uns_structure_site site; /* with the metric's own replicas */
    void *own;               /* a whole structure's */
    const void **in;
    void **out;
} part;

struct uns_metric {
    uns_optimizer *optimizer;
    size_t first, count;
    part *parts;     /* [groups] */
    double **a, **c; /* [blocks] elementwise: A and C, rows·cols·count each; NULL: not kept */
};

static size_t block_elements(const uns_metric *metric, size_t block) {
    const uns_block *shape = uns_layout_block(metric->optimizer->layout, block);
    return shape->rows * shape->cols * metric->count;
}

static bool keeps_moment(const uns_optimizer *optimizer, size_t block) {
    return optimizer->blocks[block].piece[UNS_PIECE_MOMENT] != NULL;
}

static uns_structure_site site_of(const uns_metric *metric, const uns_group *group) {
    uns_structure_site site = group->site;
    site.replicas = metric->count;
    return site;
}

/* Both passes, as everywhere: measuring, then handing out. */
static void place(uns_metric *metric, uns_arena *arena) {
    uns_optimizer *optimizer = metric->optimizer;
    size_t blocks = optimizer->block_count;
    metric->parts = uns_arena_take(arena, optimizer->group_count * sizeof(part));
    metric->a = uns_arena_take(arena, blocks * sizeof(double *));
    metric->c = uns_arena_take(arena, blocks * sizeof(double *));
    for (size_t i = 0; i < blocks; i++) {
        bool kept = keeps_moment(optimizer, i);
        size_t bytes = kept ? block_elements(metric, i) * sizeof(double) : 0;
        void *a = uns_arena_take(arena, bytes), *c = uns_arena_take(arena, bytes);
        if (arena->base) {
            metric->a[i] = kept ? a : NULL;
            metric->c[i] = kept ? c : NULL;
        }
    }
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group *group = &optimizer->groups[i];
        part mine = {.group = group, .site = site_of(metric, group)};
        if (!group->structure->elementwise)
            mine.own = uns_arena_take(arena, group->structure->metric_bytes(&mine.site));
        mine.in = uns_arena_take(arena, group->count * sizeof(void *));
        mine.out = uns_arena_take(arena, group->count * sizeof(void *));
        if (arena->base)
            metric->parts[i] = mine;
    }
}

static uns_status check_group(uns_optimizer *optimizer, const uns_group *group) {
    const uns_structure_ops *structure = group->structure;
    if (structure->elementwise && !group->moment->memoryless)
        return UNS_OK;
    if (structure->elementwise && structure->elements(&group->spec, group->blocks[0]) > 0)
        return uns_fail(optimizer->context, UNS_ERROR_UNAVAILABLE,
                        "metric: the moment '%s' keeps nothing between steps",
                        group->moment->name);
    if (!structure->elementwise && !structure->product)
        return uns_fail(optimizer->context, UNS_ERROR_UNAVAILABLE,
                        "metric: the structure '%s' gives no products", structure->name);
    return UNS_OK;
}

static uns_status check(uns_optimizer *optimizer, size_t first, size_t count) {
    if (count == 0 || count > optimizer->replicas || first > optimizer->replicas - count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                        "metric: replicas %zu to %zu of %zu", first, first + count - 1,
                        optimizer->replicas);
    for (size_t i = 0; i < optimizer->group_count; i++)
        UNS_TRY(check_group(optimizer, &optimizer->groups[i]));
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_group *group = &optimizer->groups[optimizer->blocks[i].group];
        bool kept = keeps_moment(optimizer, i) || group->structure_state;
        if (kept && uns_group_observed(optimizer, group) == 0)
            return uns_fail(
                optimizer->context, UNS_ERROR_STATE,
                "metric: nothing has been observed yet; call observe or step first");
    }
    return UNS_OK;
}

static double number_at(const uns_optimizer *optimizer, const void *piece, size_t element) {
    return optimizer->width == sizeof(float) ? ((const float *)piece)[element]
                                             : ((const double *)piece)[element];
}

/* The coefficients of the last observation; of the first where the block has seen none. */
static uns_coeffs last_coeffs(const uns_group *group, uint64_t observed) {
    uns_coeffs coeffs;
    group->moment->coeffs(&group->spec, uns_moment_time(group, observed), &coeffs);
    return coeffs;
}

/* What the root sees of elements [begin, begin + n), in `seen`; and the root to take of it. */
static uns_root seen_moment(const uns_optimizer *optimizer, size_t block, size_t begin,
                            size_t n, void *seen) {
    const uns_block_state *state = &optimizer->blocks[block];
    const uns_group *group = &optimizer->groups[state->group];
    uns_coeffs coeffs = last_coeffs(group, state->counts.observed);
    uns_root root = uns_group_root(group, &coeffs);
    const uns_piece kept =
        state->piece[UNS_PIECE_CEILING] ? UNS_PIECE_CEILING : UNS_PIECE_MOMENT;
    const void *c = uns_wide_piece(optimizer, state, kept, begin, n, seen);
    const void *mean = state->piece[UNS_PIECE_MEAN];
    if (mean)
        optimizer->kernel->variance(n, coeffs.c, c, uns_at(optimizer, mean, begin), seen);
    else
        optimizer->kernel->scale(n, 1.0, c, seen);
    if (mean || group->spec.ceiling == UNS_CEILING_CORRECTED)
        root.correction = 1.0;
    return root;
}

/* R applied to ones, by the step's own kernel. */
static void fill_chunk(uns_metric *metric, size_t block, size_t begin, size_t n) {
    const uns_optimizer *optimizer = metric->optimizer;
    size_t replicas = optimizer->replicas;
    double seen[UNS_CHUNK], ones[UNS_CHUNK], r[UNS_CHUNK];
    uns_root root = seen_moment(optimizer, block, begin, n, seen);
    for (size_t k = 0; k < n; k++) {
        if (optimizer->width == sizeof(float))
            ((float *)ones)[k] = 1.0f;
        else
            ones[k] = 1.0;
    }
    optimizer->kernel->precondition(n, &root, seen, ones, r);
    for (size_t k = 0; k < n; k++) {
        size_t row = (begin + k) / replicas, replica = (begin + k) % replicas;
        if (replica < metric->first || replica >= metric->first + metric->count)
            continue;
        size_t at = row * metric->count + replica - metric->first;
        metric->a[block][at] = number_at(optimizer, r, k);
        metric->c[block][at] = root.correction * number_at(optimizer, seen, k);
    }
}

static void fill_block(uns_metric *metric, size_t block) {
    size_t elements = metric->optimizer->blocks[block].elements;
    for (size_t begin = 0; metric->a[block] && begin < elements; begin += UNS_CHUNK)
        fill_chunk(metric, block, begin,
                   elements - begin < UNS_CHUNK ? elements - begin : UNS_CHUNK);
}

static uns_status open_part(uns_metric *metric, part *mine) {
    uns_optimizer *optimizer = metric->optimizer;
    uns_group *group = mine->group;
    if (group->structure->elementwise)
        return UNS_OK;
    uns_coeffs coeffs = last_coeffs(group, uns_group_observed(optimizer, group));
    uns_root root = uns_group_root(group, &coeffs);
    uns_const_tensors mean = {NULL, 0};
    if (group->spec.centred && !group->structure->keeps_mean)
        mean = uns_tensors_const(uns_group_view(optimizer, group, 2, UNS_PIECE_MEAN));
    return group->structure->metric_open(&group->site, group->structure_state, &root, mean,
                                         metric->first, metric->count, mine->own);
}

static uns_status fill(uns_metric *metric) {
    uns_status status = UNS_OK;
    uint64_t mode = uns_flush_enter();
    for (size_t i = 0; i < metric->optimizer->block_count; i++)
        fill_block(metric, i);
    for (size_t i = 0; i < metric->optimizer->group_count && status == UNS_OK; i++)
        status = open_part(metric, &metric->parts[i]);
    uns_flush_restore(mode);
    return status;
}

uns_status uns_metric_create(uns_optimizer *optimizer, size_t first, size_t count,
                             uns_metric **out) {
    UNS_TRY(check(optimizer, first, count));
    uns_metric blank = {.optimizer = optimizer, .first = first, .count = count};
    uns_arena arena = {NULL, 0};
    uns_arena_take(&arena, sizeof blank);
    place(&blank, &arena);
    arena.base = uns_allocate(optimizer->context, arena.used);
    if (!arena.base)
        return UNS_ERROR_MEMORY;
    arena.used = 0;
    uns_metric *metric = uns_arena_take(&arena, sizeof blank);
    *metric = blank;
    place(metric, &arena);
    uns_status status = fill(metric);
    if (status != UNS_OK) {
        uns_metric_destroy(metric);
        return status;
    }
    *out = metric;
    return UNS_OK;
}

uns_status uns_metric_renew(uns_metric *metric, size_t first) {
    UNS_TRY(check(metric->optimizer, first, metric->count));
    metric->first = first;
    return fill(metric);
}

/* The metric is the start of its own allocation. */
void uns_metric_destroy(uns_metric *metric) {
    if (metric)
        uns_release(metric->optimizer->context, metric);
}

static double factor(const uns_metric *metric, size_t block, uns_product product, size_t k) {
    double a = metric->a[block] ? metric->a[block][k] : 1.0;
    switch (product) {
    case UNS_PRODUCT_A:
        return a;
    case UNS_PRODUCT_A_SQRT:
        return sqrt(a);
    case UNS_PRODUCT_A_INVERSE:
        return a > 0.0 ? 1.0 / a : 0.0;
    case UNS_PRODUCT_C:
        break;
    }
    return metric->c[block][k];
}

static void multiply_block(const uns_metric *metric, size_t block, uns_product product,
                           const void *in, void *out) {
    bool single = metric->optimizer->width == sizeof(float);
    for (size_t k = 0; k < block_elements(metric, block); k++) {
        double x = in ? number_at(metric->optimizer, in, k) : 0.0;
        double y = factor(metric, block, product, k) * x;
        if (single)
            ((float *)out)[k] = (float)y;
        else
            ((double *)out)[k] = y;
    }
}

static uns_status multiply_part(const uns_metric *metric, const part *mine, uns_product product,
                                uns_const_tensors in, uns_tensors out) {
    const uns_optimizer *optimizer = metric->optimizer;
    const uns_group *group = mine->group;
    for (size_t i = 0; i < group->count; i++) {
        size_t block = optimizer->order[group->first + i];
        mine->in[i] = in.data[block];
        mine->out[i] = out.data[block];
        if (group->structure->elementwise && out.data[block])
            multiply_block(metric, block, product, in.data[block], out.data[block]);
    }
    if (group->structure->elementwise)
        return UNS_OK;
    return group->structure->product(&mine->site, mine->own, product,
                                     (uns_const_tensors){mine->in, group->count},
                                     (uns_tensors){mine->out, group->count});
}

uns_status uns_metric_product(uns_metric *metric, uns_product product, uns_const_tensors in,
                              uns_tensors out) {
    uns_optimizer *optimizer = metric->optimizer;
    if (in.count != optimizer->block_count || out.count != optimizer->block_count)
        return uns_fail(optimizer->context, UNS_ERROR_ARGUMENT,
                        "metric: the layout has %zu blocks; in has %zu, out %zu",
                        optimizer->block_count, in.count, out.count);
    for (size_t i = 0; i < optimizer->block_count && product == UNS_PRODUCT_C; i++) {
        const uns_group *group = &optimizer->groups[optimizer->blocks[i].group];
        if (group->structure->elementwise && !metric->c[i])
            return uns_fail(optimizer->context, UNS_ERROR_UNAVAILABLE,
                            "metric: structure '%s' keeps no second moment",
                            group->structure->name);
    }
    uns_status status = UNS_OK;
    const uint64_t mode = uns_flush_enter();
    for (size_t i = 0; i < optimizer->group_count && status == UNS_OK; i++)
        status = multiply_part(metric, &metric->parts[i], product, in, out);
    uns_flush_restore(mode);
    return status;
}
