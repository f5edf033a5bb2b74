/* SPDX-License-Identifier: MIT
 * The scene of a measurement: the problem at a point, flat and aligned, with its gradient, its
 * Hessian and its draws.
 */
#include "inst/measure.h"

#include "base/arena.h"
#include "base/base.h"

#include <math.h>
#include <string.h>

static size_t scratch_bytes(const uns_measure_site *site) {
    const uns_problem_ops *ops = uns_problem_get_ops(site->problem);
    if (!ops->scratch)
        return 1;
    size_t whole = ops->scratch(uns_problem_self(site->problem), 1, 0);
    size_t batch = ops->scratch(uns_problem_self(site->problem), 1, site->batch);
    return (whole > batch ? whole : batch) + 1;
}

static void place(uns_scene *s, uns_arena *arena) {
    size_t bytes = uns_size_product(s->d, sizeof(double));
    s->x = uns_arena_take(arena, bytes);
    s->gradient = uns_arena_take(arena, bytes);
    s->way = uns_arena_take(arena, bytes);
    for (size_t i = 0; i < UNS_COUNT_OF(s->spare); i++)
        s->spare[i] = uns_arena_take(arena, bytes);
    for (size_t i = 0; i < UNS_COUNT_OF(s->blocks); i++)
        s->blocks[i] = uns_arena_take(
            arena, uns_size_product(uns_layout_count(s->layout), sizeof(void *)));
    s->scratch = uns_arena_take(arena, scratch_bytes(s->site));
}

static uns_status copy_point(uns_scene *s) {
    uns_const_tensors x = s->site->x;
    if (x.count != uns_layout_count(s->layout))
        return uns_fail(s->context, UNS_ERROR_ARGUMENT,
                        "%zu tensors for a problem of %zu blocks", x.count,
                        uns_layout_count(s->layout));
    uns_layout_spread(s->layout, s->x, s->blocks[0]);
    for (size_t i = 0; i < x.count; i++) {
        const uns_block *block = uns_layout_block(s->layout, i);
        memcpy(s->blocks[0][i], x.data[i], block->rows * block->cols * sizeof(double));
    }
    return UNS_OK;
}

static uns_status open_parts(uns_scene *s) {
    uint64_t seed = (uint64_t)s->config->seed;
    uns_arena arena = {NULL, 0};
    UNS_TRY(uns_problem_layout(s->context, s->site->problem, 1, &s->layout));
    place(s, &arena);
    arena.base = s->memory = uns_allocate(s->context, arena.used);
    if (!s->memory)
        return UNS_ERROR_MEMORY;
    arena.used = 0;
    place(s, &arena);
    UNS_TRY(copy_point(s));
    UNS_TRY(uns_problem_sampler_create(s->context, s->site->problem, s->site->batch, seed,
                                       &s->source));
    s->sampler = uns_problem_sampler_view(s->source);
    uns_key probe = {seed, UINT64_C(1) << 32, 0, UNS_STREAM_CURVATURE};
    UNS_TRY(uns_hessian_open(s->context, s->site->problem, s->site->x, NULL, 0, s->config->rung,
                             probe, &s->hessian));
    return uns_hessian_gradient(&s->hessian, s->gradient);
}

uns_status uns_scene_open(uns_context *context, const uns_measure_site *site,
                          const uns_measure_config *config, uns_scene *scene) {
    *scene = (uns_scene){.context = context,
                         .site = site,
                         .config = config,
                         .d = uns_problem_dimension(site->problem),
                         .today_trace = NAN,
                         .today_gamma = NAN,
                         .today_floor = NAN};
    uns_status status = open_parts(scene);
    if (status != UNS_OK)
        uns_scene_close(scene);
    return status;
}

void uns_scene_close(uns_scene *s) {
    uns_model_destroy(s->model);
    if (s->hessian.memory)
        uns_hessian_close(&s->hessian);
    uns_problem_sampler_destroy(s->source);
    uns_layout_destroy(s->layout);
    uns_release(s->context, s->memory);
    *s = (uns_scene){.context = s->context};
}

uns_status uns_scene_value(uns_scene *s, const double *x, double *value) {
    uns_layout_spread(s->layout, (void *)(uintptr_t)x, s->blocks[0]);
    uns_eval eval = {
        1, {(const void *const *)s->blocks[0], uns_layout_count(s->layout)}, NULL, s->scratch};
    return uns_problem_get_ops(s->site->problem)
        ->value(uns_problem_self(s->site->problem), &eval, value);
}
