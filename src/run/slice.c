/* SPDX-License-Identifier: MIT
 * A slice's memory, starting point, batches and gradients. What it watches: watch.c.
 */
#include "run/slice.h"

#include "base/arena.h"
#include "base/base.h"

#include <float.h>
#include <math.h>

enum {
    POLL_WORK =
        16384 /* elements of x, or of a matrix, between looks at the clock: 10 µs or more */
};

static uns_key slice_key(const uns_slice *s, int64_t step, uns_stream stream) {
    const uns_settings *settings = &s->work->cell->settings;
    uns_key key = {(uint64_t)settings->seed, (uint64_t)step,
                   (uint32_t)(settings->first_replica + (int64_t)s->first), (uint32_t)stream};
    return key;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t scratch_bytes(const uns_slice *s) {
    size_t batch = (size_t)s->work->cell->settings.batch;
    if (!s->ops->scratch)
        return 1;
    size_t here = larger(s->ops->scratch(s->self, s->replicas, batch),
                         s->ops->scratch(s->self, s->replicas, 0));
    size_t set = uns_stall_samples(s->work);
    if (set > 0)
        here = larger(here, s->ops->scratch(s->self, s->replicas, set));
    return larger(here, larger(s->ops->scratch(s->self, 1, 0), 1));
}

/* Both passes: measuring with arena->base NULL, then handing out. */
static void carve(uns_slice *s, uns_arena *arena, void **x, void **g) {
    size_t blocks = uns_layout_count(s->layout);
    size_t flat = uns_size_product(uns_layout_parameters(s->layout), s->replicas);
    size_t row = s->replicas * sizeof(double);
    s->x_blocks = uns_arena_take(arena, blocks * sizeof(void *));
    s->g_blocks = uns_arena_take(arena, blocks * sizeof(void *));
    s->value = uns_arena_take(arena, row);
    s->low = uns_arena_take(arena, row);
    s->settled = uns_arena_take(arena, row);
    s->square = uns_arena_take(arena, row);
    *x = uns_arena_take(arena, uns_size_product(flat, sizeof(double)));
    *g = uns_arena_take(arena, uns_size_product(flat, sizeof(double)));
    s->scratch = uns_arena_take(arena, scratch_bytes(s));
}

static uns_status take_memory(uns_slice *s) {
    uns_arena arena = {NULL, 0};
    void *x, *g;
    carve(s, &arena, &x, &g);
    arena.base = s->memory = uns_allocate(s->context, arena.used);
    if (!s->memory)
        return UNS_ERROR_MEMORY;
    arena.used = 0;
    carve(s, &arena, &x, &g);
    uns_layout_spread(s->layout, x, s->x_blocks);
    uns_layout_spread(s->layout, g, s->g_blocks);
    s->x = (uns_tensors){s->x_blocks, uns_layout_count(s->layout)};
    s->g = (uns_tensors){s->g_blocks, uns_layout_count(s->layout)};
    return UNS_OK;
}

static uns_status slice_second_moment(void *self, uns_const_tensors x, uns_about about,
                                      uns_shape shape, uns_tensors out) {
    const uns_slice *s = self;
    uns_eval eval = {s->replicas, x, NULL, s->scratch};
    return s->ops->second_moment(s->self, &eval, (size_t)s->work->cell->settings.batch, about,
                                 shape, out);
}

static uns_optimizer_config optimizer_config(uns_slice *s) {
    uns_optimizer_config config = {
        .size = sizeof config, .layout = s->layout, .count = 1, .specs = &s->work->cell->spec};
    if (s->ops->second_moment)
        config.oracle = (uns_oracle){s, slice_second_moment};
    return config;
}

static uns_status make_optimizer(uns_slice *s) {
    uns_optimizer_config config = optimizer_config(s);
    return uns_optimizer_create(s->context, &config, &s->optimizer);
}

/* Without an escape criterion every replica counts for the floor from the start. */
static void reset_watch(uns_slice *s) {
    uns_work *w = s->work;
    bool criterion = !isnan(w->truth.escape_value);
    for (size_t r = 0; r < s->replicas; r++) {
        s->low[r] = criterion ? w->truth.escape_value : -DBL_MAX;
        s->settled[r] = criterion ? INFINITY : 0.0;
        w->escape[s->first + r] = -1;
        w->last_value[s->first + r] = NAN;
    }
    s->running = s->replicas;
    s->valued = -1;
    s->row_step = w->rows ? uns_work_row_step(w, 0) : INT64_MAX;
    size_t step_work = uns_size_product(uns_layout_parameters(s->layout), s->replicas);
    step_work = uns_size_product(step_work, (size_t)w->cell->settings.batch);
    step_work = uns_size_product(step_work, 1 + w->footprint.structure.largest);
    s->poll_every = step_work < POLL_WORK ? (int64_t)(POLL_WORK / step_work) : 1;
}

static uns_status open_parts(uns_slice *s) {
    UNS_TRY(uns_problem_layout(s->context, s->work->problem, s->replicas, &s->layout));
    UNS_TRY(take_memory(s));
    UNS_TRY(make_optimizer(s));
    UNS_TRY(s->ops->start(s->self, slice_key(s, 0, UNS_STREAM_START), s->replicas, s->x));
    reset_watch(s);
    UNS_TRY(uns_reader_open(s));
    return uns_stall_open(s);
}

static uns_slice outline(uns_context *context, uns_work *work, size_t index) {
    return (uns_slice){.context = context,
                       .work = work,
                       .index = index,
                       .first = uns_work_first(work, index),
                       .replicas = uns_work_replicas(work, index),
                       .ops = uns_problem_get_ops(work->problem),
                       .self = uns_problem_self(work->problem)};
}

/* What open_parts takes. */
static void add_up(uns_slice *s, uns_footprint *found) {
    uns_arena arena = {NULL, 0};
    void *x, *g;
    carve(s, &arena, &x, &g);
    uns_arena_take(&arena, found->bytes);
    uns_arena_take(&arena, uns_reader_bytes(s));
    uns_arena_take(&arena, uns_stall_bytes(s));
    found->slice = arena.used;
    found->figures = uns_work_bytes(s->work);
}

uns_status uns_slice_measure(uns_context *context, uns_work *work) {
    uns_slice slice = outline(context, work, 0);
    uns_footprint found = {.cell = work->cell, .replicas = slice.replicas};
    UNS_TRY(uns_problem_layout(context, work->problem, slice.replicas, &slice.layout));
    uns_optimizer_config config = optimizer_config(&slice);
    uns_status status = uns_optimizer_bytes(context, &config, &found.bytes);
    if (status == UNS_OK)
        status = uns_optimizer_survey(context, &config, 0, &found.structure);
    if (status == UNS_OK)
        add_up(&slice, &found);
    work->footprint = found;
    uns_layout_destroy(slice.layout);
    return status;
}

uns_status uns_slice_open(uns_context *context, uns_work *work, size_t index,
                          uns_slice *slice) {
    *slice = outline(context, work, index);
    uns_status status = open_parts(slice);
    if (status != UNS_OK)
        uns_slice_close(slice);
    return status;
}

void uns_slice_close(uns_slice *s) {
    uns_reader_close(s);
    uns_stall_close(s);
    if (s->optimizer)
        uns_optimizer_destroy(s->optimizer);
    if (s->layout)
        uns_layout_destroy(s->layout);
    uns_release(s->context, s->memory);
    s->optimizer = NULL;
    s->layout = NULL;
    s->memory = NULL;
}

uns_batch uns_slice_batch(const uns_slice *s, int64_t number, uns_stream stream) {
    uns_batch batch = {slice_key(s, number, stream), (size_t)s->work->cell->settings.batch,
                       NULL};
    return batch;
}

uns_status uns_slice_gradient(uns_slice *s, const uns_batch *batch) {
    uns_eval eval = {s->replicas, uns_tensors_const(s->x), batch, s->scratch};
    return s->ops->gradient(s->self, &eval, s->g);
}

bool uns_slice_over(uns_slice *s, uns_shift *shift) {
    bool ended = s->running == 0 || s->moves == s->work->cell->settings.steps;
    if (!ended && ++s->quiet < s->poll_every)
        return false;
    s->quiet = 0;
    double value = NAN; /* a mean costs a pass: only as often as the clock is read */
    if (s->valued == s->moves) {
        value = 0.0;
        for (size_t r = 0; r < s->replicas; r++)
            value += s->value[r] / (double)s->replicas;
    }
    uint64_t taken = (uint64_t)(s->moves - s->polled) * s->replicas;
    s->polled = s->moves;
    bool stop = uns_shift_poll(shift, taken, s->work->cell->label, value);
    s->interrupted = stop && !ended;
    return ended || stop;
}
