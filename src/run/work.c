/* SPDX-License-Identifier: MIT
 * A cell before it runs: how it is cut into slices, what is watched when, room for the figures.
 */
#include "run/work.h"

#include "base/arena.h"
#include "base/base.h"

#include <math.h>
#include <string.h>

enum {
    SLICE_MAX = 256,    /* x, g, state of saddle2d: 20 KiB, well inside L1 */
    VALUES_MAX = 100,   /* evaluations of a large sum's whole objective */
    POINT_MAX = 1 << 20 /* numbers of a final point that are written as text */
};

/* Replicas of a slice: equal parts of at most 256, whole vectors. Narrower ones, for the sake
 * of more threads, cost more than they gain: a step has 0.5 µs of its own, as much as 60
 * replicas. */
static size_t slice_width(size_t replicas) {
    size_t slices = (replicas + SLICE_MAX - 1) / SLICE_MAX;
    size_t width = (replicas + slices - 1) / slices;
    return (width + 15) / 16 * 16;
}

size_t uns_work_first(const uns_work *work, size_t slice) {
    return slice * work->width;
}

size_t uns_work_replicas(const uns_work *work, size_t slice) {
    size_t left = (size_t)work->cell->settings.replicas - uns_work_first(work, slice);
    return left < work->width ? left : work->width;
}

/* ⌊(row + 1)·steps/rows⌋ without overflow. */
int64_t uns_work_row_step(const uns_work *work, size_t row) {
    int64_t steps = work->cell->settings.steps, rows = (int64_t)work->rows;
    int64_t i = (int64_t)row + 1;
    return i * (steps / rows) + i * (steps % rows) / rows;
}

/* Spreads `values` over the rows; the last row always has one. */
bool uns_work_row_valued(const uns_work *work, size_t row) {
    return (row + 1) * work->values / work->rows > row * work->values / work->rows;
}

/* Rows with exact f. A pass over a large finite sum is dear, so at most two in an epoch, at
 * least four, at most VALUES_MAX: then they stay below the cost of the training itself, unless
 * the run is shorter than two epochs. */
static size_t count_values(const uns_work *work, uint64_t samples) {
    const uns_settings *settings = &work->cell->settings;
    if (samples == 0 || work->watch_from <= settings->steps)
        return work->rows;
    double values = 2.0 * (double)settings->steps * (double)settings->batch / (double)samples;
    values = values < 4.0 ? 4.0 : values > VALUES_MAX ? VALUES_MAX : values;
    return values < (double)work->rows ? (size_t)values : work->rows;
}

/* With a criterion exact f is wanted at every step; for the floor alone, over the last fifth,
 * and of a finite sum only at the rows. */
static void decide_watch(uns_work *work) {
    const uns_settings *settings = &work->cell->settings;
    uint64_t samples = uns_problem_samples(work->problem);
    uns_problem_truth(work->problem, &work->truth);
    work->watch_from = work->floor_from = INT64_MAX;
    if (!isnan(work->truth.minimum))
        work->floor_from = settings->steps - settings->steps / 5 + 1;
    if (!isnan(work->truth.escape_value))
        work->watch_from = 1;
    else if (samples == 0)
        work->watch_from = work->floor_from;
    work->rows =
        (size_t)(settings->records < settings->steps ? settings->records : settings->steps);
    work->values = count_values(work, samples);
}

/* Without a context nothing is taken and all is added up. */
typedef struct purse {
    uns_context *context;
    uns_arena sum;
    bool whole;
} purse;

static void *take(purse *from, size_t count, size_t size) {
    size_t bytes = uns_size_product(count + 1, size);
    uns_arena_take(&from->sum, bytes);
    void *memory = from->context ? uns_allocate(from->context, bytes) : NULL;
    from->whole = from->whole && memory;
    return memory;
}

void uns_work_outline(const uns_cell *cell, const uns_problem *problem, uns_work *work) {
    size_t n = (size_t)cell->settings.replicas;
    work->cell = cell;
    work->problem = problem;
    work->accuracy = NAN;
    work->dimension = uns_problem_dimension(problem);
    work->width = slice_width(n);
    work->slices = (n + work->width - 1) / work->width;
    decide_watch(work);
    work->reading_every = uns_reading_every(work);
    if (work->reading_every > 0)
        work->readings = (size_t)(cell->settings.steps / work->reading_every);
    atomic_init(&work->left, work->slices);
}

/* Room for every reading there will be, and for every episode there may be. */
static void furnish_instruments(purse *from, uns_work *work) {
    const uns_settings *settings = &work->cell->settings;
    size_t n = (size_t)settings->replicas, read = (size_t)settings->instruments.replicas;
    if (work->readings > 0)
        work->reading = take(from, uns_size_product(read < n ? read : n, work->readings),
                             sizeof *work->reading);
    if (settings->stall.every == 0)
        return;
    work->episode =
        take(from, uns_size_product(n, (size_t)settings->stall.most), sizeof *work->episode);
    work->episodes = take(from, n, sizeof *work->episodes);
}

static void furnish(purse *from, uns_work *work) {
    size_t n = (size_t)work->cell->settings.replicas;
    work->escape = take(from, n, sizeof(int64_t));
    work->seen = take(from, n, sizeof(int64_t));
    work->floor_sum = take(from, n, sizeof(double));
    work->floor_count = take(from, n, sizeof(double));
    work->last_value = take(from, n, sizeof(double));
    work->diverged = take(from, n, 1);
    if (work->dimension <= POINT_MAX)
        work->point = take(from, work->dimension, sizeof(double));
    work->sums = take(from, uns_size_product(work->slices, work->rows), sizeof(uns_row_sum));
    work->structure = take(from, work->slices, sizeof(uns_structure_report));
    furnish_instruments(from, work);
}

size_t uns_work_bytes(const uns_work *work) {
    purse none = {0};
    uns_work outlined = {.cell = work->cell,
                         .dimension = work->dimension,
                         .slices = work->slices,
                         .rows = work->rows,
                         .readings = work->readings};
    furnish(&none, &outlined);
    return none.sum.used;
}

uns_status uns_work_furnish(uns_context *context, uns_work *work) {
    size_t n = (size_t)work->cell->settings.replicas;
    purse from = {.context = context, .whole = true};
    furnish(&from, work);
    for (size_t r = 0; from.whole && r < n; r++) {
        work->escape[r] = -1;
        work->last_value[r] = NAN;
    }
    return from.whole ? UNS_OK : UNS_ERROR_MEMORY;
}

void uns_work_release(uns_context *context, uns_work *work) {
    uns_release(context, work->escape);
    uns_release(context, work->seen);
    uns_release(context, work->floor_sum);
    uns_release(context, work->floor_count);
    uns_release(context, work->last_value);
    uns_release(context, work->diverged);
    uns_release(context, work->point);
    uns_release(context, work->sums);
    uns_release(context, work->structure);
    uns_release(context, work->reading);
    uns_release(context, work->episode);
    uns_release(context, work->episodes);
    memset(work, 0, sizeof *work);
}
