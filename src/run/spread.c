/* SPDX-License-Identifier: MIT
 * All slices of all cells over the context's threads, with the clock and the progress.
 *
 * Which thread runs a slice, and when, is left to chance; nothing that is kept depends on it.
 * Progress is told from the calling thread only: it works like the others, and when nothing is
 * left to begin it waits for those under way, telling how they get on.
 */
#include "run/work.h"

#include "base/base.h"
#include "base/pool.h"

#include <math.h>
#include <time.h>

#define PROGRESS_S 0.1

typedef struct spread {
    uns_context *context;
    uns_work *works;
    size_t count, slices;
    atomic_size_t next, done; /* slices begun, ended */
    uns_shift shift;
} spread;

double uns_clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *uns_thread_mark(void) {
    static _Thread_local const char mark = 0;
    return &mark;
}

static void tell(uns_shift *shift) {
    double now = uns_clock_s();
    if (!shift->config->progress || now - shift->told_s < PROGRESS_S)
        return;
    double taken = (double)atomic_load_explicit(&shift->taken, memory_order_relaxed);
    double spared = (double)atomic_load_explicit(&shift->spared, memory_order_relaxed);
    uns_progress progress = {.done = fmin((taken + spared) / shift->budget, 1.0),
                             .wall_s = now - shift->start_s,
                             .rate = taken / (now - shift->start_s),
                             .cells_done = atomic_load(&shift->cells_done),
                             .cells = shift->cells,
                             .label = shift->label,
                             .value = shift->value};
    shift->told_s = now;
    shift->config->progress(shift->config->user, &progress);
}

static bool stopped(uns_shift *shift) {
    return atomic_load_explicit(&shift->failed, memory_order_relaxed) ||
           (shift->config->interrupt && *shift->config->interrupt);
}

bool uns_shift_poll(uns_shift *shift, uint64_t replica_steps, const char *label, double value) {
    atomic_fetch_add_explicit(&shift->taken, replica_steps, memory_order_relaxed);
    if (uns_thread_mark() == shift->caller) {
        shift->label = label;
        if (!isnan(value))
            shift->value = value;
        tell(shift);
    }
    return stopped(shift);
}

/* The work and the slice in it behind a running number. */
static uns_work *find_slice(spread *all, size_t number, size_t *slice) {
    uns_work *work = all->works;
    for (; number >= work->slices; work++)
        number -= work->slices;
    *slice = number;
    return work;
}

static void mark_begin(uns_work *work, double now) {
    double none = 0.0;
    atomic_compare_exchange_strong(&work->begin_s, &none, now);
}

/* The latest end wins. */
static void mark_end(uns_work *work, double now) {
    double end = atomic_load(&work->end_s);
    while (end < now && !atomic_compare_exchange_weak(&work->end_s, &end, now))
        ;
}

uns_status uns_run_blame(uns_context *context, uns_status status, const char *place) {
    if (!*uns_context_message(context))
        (void)uns_fail(context, status, "%s", uns_status_text(status));
    return place ? uns_fail_at(context, status, "%s", place) : status;
}

/* Says in which cell, and where that stands. */
static uns_status blame(uns_context *context, uns_status status, const uns_cell *cell) {
    (void)uns_run_blame(context, status, cell->label);
    return uns_run_blame(context, status, cell->optimizer_place);
}

static void run_one(spread *all, size_t number) {
    size_t slice;
    uns_work *work = find_slice(all, number, &slice);
    uns_shift *shift = &all->shift;
    if (stopped(shift)) {
        atomic_store(&work->interrupted, true);
    } else {
        mark_begin(work, uns_clock_s());
        uns_status status = uns_run_slice(all->context, work, slice, shift);
        mark_end(work, uns_clock_s());
        if (status != UNS_OK && !atomic_exchange(&shift->failed, true))
            work->status = blame(all->context, status, work->cell);
    }
    if (atomic_fetch_sub(&work->left, 1) == 1)
        atomic_fetch_add(&shift->cells_done, 1);
    atomic_fetch_add(&all->done, 1);
}

/* Only slices begun by a live thread are waited for, so this ends even where the pool runs all
 * tasks in the calling thread. */
static void wait_for_others(spread *all) {
    const struct timespec nap = {0, 2 * 1000 * 1000};
    while (atomic_load(&all->done) < all->slices) {
        nanosleep(&nap, NULL);
        tell(&all->shift);
    }
}

static void work_on(void *user, size_t task) {
    spread *all = user;
    (void)task;
    for (size_t i; (i = atomic_fetch_add(&all->next, 1)) < all->slices;)
        run_one(all, i);
    if (uns_thread_mark() == all->shift.caller)
        wait_for_others(all);
}

static size_t count_workers(const spread *all) {
    size_t workers = (size_t)uns_context_threads(all->context);
    for (size_t i = 0; i < all->count; i++) {
        int64_t asked = all->works[i].cell->settings.threads;
        if (asked > 0 && (size_t)asked < workers)
            workers = (size_t)asked;
    }
    return workers < all->slices ? workers : all->slices;
}

uns_status uns_spread(uns_context *context, uns_work *works, size_t count,
                      const uns_run_config *config) {
    spread all = {.context = context, .works = works, .count = count};
    uns_shift *shift = &all.shift;
    shift->config = config;
    shift->caller = uns_thread_mark();
    shift->start_s = shift->told_s = uns_clock_s();
    shift->cells = count;
    shift->label = count ? works[0].cell->label : "";
    shift->value = NAN;
    for (size_t i = 0; i < count; i++) {
        const uns_settings *settings = &works[i].cell->settings;
        all.slices += works[i].slices;
        shift->budget += (double)settings->steps * (double)settings->replicas;
    }
    uns_pool_run(uns_context_pool(context), count_workers(&all), work_on, &all);
    for (size_t i = 0; i < count; i++)
        UNS_TRY(works[i].status);
    return UNS_OK;
}
