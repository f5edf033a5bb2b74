/* SPDX-License-Identifier: MIT
 * The instruments of the loop: exact f, escapes, floor, divergence, metrics.
 *
 * The saddle2d kernels cost 5 to 10 ns a replica-step, so that what is done at every step is
 * one pass without branches; everything else happens when that pass has news.
 */
#include "run/slice.h"

#include "base/base.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    LANES = 8,
    STOP_CHECK = 64 /* steps between two looks at the replicas that the optimizer stopped */
};

static uns_status evaluate(uns_slice *s, int64_t t) {
    uns_eval eval = {s->replicas, uns_tensors_const(s->x), NULL, s->scratch};
    if (s->valued == t)
        return UNS_OK;
    UNS_TRY(s->ops->value(s->self, &eval, s->value));
    s->valued = t;
    return UNS_OK;
}

/* A diverged replica is out for good: its escape, if it had one, is no success. */
static void diverge(uns_slice *s, size_t r) {
    uns_work *w = s->work;
    size_t replica = s->first + r;
    w->diverged[replica] = 1;
    w->seen[replica] = s->moves;
    s->escaped -= w->escape[replica] > 0;
    s->running--;
    w->escape[replica] = -1;
    w->floor_sum[replica] = w->floor_count[replica] = 0.0;
    s->low[r] = s->settled[r] = INFINITY; /* never quiet, never settled */
}

/* Replicas with nothing to tell: f finite and not below low. Diverged ones never are. Lanes of
 * doubles, because gcc vectorises these selects but not a sum of comparisons: 0.24 ns a replica
 * instead of 0.6. */
static size_t count_quiet(size_t n, const double *restrict f, const double *restrict low) {
    double lane[LANES] = {0.0}, quiet = 0.0;
    size_t r = 0;
    for (; r + LANES <= n; r += LANES)
        for (size_t k = 0; k < LANES; k++) {
            double above = f[r + k] >= low[r + k] ? 1.0 : 0.0;
            lane[k] += f[r + k] <= DBL_MAX ? above : 0.0;
        }
    for (; r < n; r++)
        quiet += f[r] >= low[r] && f[r] <= DBL_MAX ? 1.0 : 0.0;
    for (size_t k = 0; k < LANES; k++)
        quiet += lane[k];
    return (size_t)quiet;
}

static void look_for_news(uns_slice *s, int64_t t) {
    uns_work *w = s->work;
    if (count_quiet(s->replicas, s->value, s->low) == s->running)
        return;
    for (size_t r = 0; r < s->replicas; r++) {
        if (w->diverged[s->first + r])
            continue;
        if (!(fabs(s->value[r]) <= DBL_MAX)) {
            diverge(s, r);
        } else if (s->value[r] < s->low[r]) {
            w->escape[s->first + r] = t;
            s->low[r] = -DBL_MAX;
            s->settled[r] = (double)t + (double)w->cell->settings.settle;
            s->escaped++;
        }
    }
}

static void add_to_floor(size_t n, double t, double minimum, const double *restrict f,
                         const double *restrict settled, double *restrict sum,
                         double *restrict count) {
    for (size_t r = 0; r < n; r++) {
        double above = f[r] - minimum;
        sum[r] += settled[r] <= t ? above : 0.0;
        count[r] += settled[r] <= t ? 1.0 : 0.0;
    }
}

/* A replica may stop with f still finite, so f alone does not tell. */
static void look_for_stopped(uns_slice *s) {
    for (size_t r = 0; r < s->replicas; r++)
        if (!s->work->diverged[s->first + r] && uns_optimizer_stopped(s->optimizer, r))
            diverge(s, r);
}

static bool value_due(const uns_slice *s, int64_t t) {
    return t >= s->work->watch_from ||
           (t == s->row_step && uns_work_row_valued(s->work, s->row));
}

uns_status uns_slice_watch(uns_slice *s, int64_t t) {
    uns_work *w = s->work;
    s->moves = t;
    if (t % STOP_CHECK == 0 || t == s->row_step || t == w->cell->settings.steps)
        look_for_stopped(s);
    if (!value_due(s, t))
        return UNS_OK;
    UNS_TRY(evaluate(s, t));
    look_for_news(s, t);
    if (t >= w->floor_from)
        add_to_floor(s->replicas, (double)t, w->truth.minimum, s->value, s->settled,
                     w->floor_sum + s->first, w->floor_count + s->first);
    return UNS_OK;
}

/* square[r] ← ‖g‖² of each replica. */
static void square_gradients(uns_slice *s) {
    for (size_t r = 0; r < s->replicas; r++)
        s->square[r] = 0.0;
    for (size_t i = 0; i < s->g.count; i++) {
        const uns_block *block = uns_layout_block(s->layout, i);
        const double *g = s->g.data[i];
        for (size_t k = 0; k < block->rows * block->cols; k++, g += s->replicas)
            for (size_t r = 0; r < s->replicas; r++)
                s->square[r] += g[r] * g[r];
    }
}

void uns_slice_record(uns_slice *s, int64_t t) {
    uns_work *w = s->work;
    if (t != s->row_step)
        return;
    uns_row_sum *row = &w->sums[s->index * w->rows + s->row];
    *row = (uns_row_sum){.value = s->valued == t ? 0.0 : NAN,
                         .reached = (int64_t)s->replicas,
                         .running = (int64_t)s->running,
                         .escaped = (int64_t)s->escaped};
    square_gradients(s);
    for (size_t r = 0; r < s->replicas; r++) {
        if (w->diverged[s->first + r])
            continue;
        row->value += s->value[r];
        row->gradient += sqrt(s->square[r]);
    }
    s->row++;
    s->row_step = s->row < w->rows ? uns_work_row_step(w, s->row) : INT64_MAX;
}

/* Rows that a slice without running replicas did not live to see: reached, nobody running. */
static void close_rows(uns_slice *s) {
    uns_work *w = s->work;
    for (; s->row < w->rows; s->row++)
        w->sums[s->index * w->rows + s->row].reached = (int64_t)s->replicas;
}

/* The cell's first replica on its own; its parameters lie a stride apart. */
static void copy_first(const uns_slice *s, double *flat) {
    const double *x = s->x.data[0]; /* the blocks lie one after the other */
    for (size_t k = 0; k < uns_layout_parameters(s->layout); k++)
        flat[k] = x[k * s->replicas];
}

/* Held-out accuracy at `flat`. */
static uns_status measure_accuracy(uns_slice *s, double *flat) {
    uns_layout *layout = NULL;
    void *pointers = uns_allocate(s->context, s->x.count * sizeof(void *));
    uns_status status = pointers ? UNS_OK : UNS_ERROR_MEMORY;
    if (status == UNS_OK)
        status = uns_problem_layout(s->context, s->work->problem, 1, &layout);
    if (status == UNS_OK) {
        uns_layout_spread(layout, flat, pointers);
        uns_const_tensors one = {pointers, s->x.count};
        uns_eval eval = {1, one, NULL, s->scratch};
        status = s->ops->accuracy(s->self, &eval, &s->work->accuracy);
        uns_layout_destroy(layout);
    }
    uns_release(s->context, pointers);
    return status;
}

/* Where the first replica ended, and how well it classifies there. */
static uns_status finish_first(uns_slice *s) {
    uns_work *w = s->work;
    double *flat = uns_allocate(s->context, uns_size_product(w->dimension, sizeof *flat));
    if (!flat)
        return UNS_ERROR_MEMORY;
    copy_first(s, flat);
    uns_status status = s->ops->accuracy ? measure_accuracy(s, flat) : UNS_OK;
    if (w->point)
        memcpy(w->point, flat, w->dimension * sizeof *flat);
    w->reached = w->point != NULL;
    uns_release(s->context, flat);
    return status;
}

uns_status uns_slice_finish(uns_slice *s) {
    uns_work *w = s->work;
    if (s->running == 0) {
        close_rows(s);
        return UNS_OK;
    }
    UNS_TRY(evaluate(s, s->moves));
    look_for_stopped(s);
    for (size_t r = 0; r < s->replicas; r++) {
        if (!w->diverged[s->first + r] && !isfinite(s->value[r]))
            diverge(s, r);
        if (w->diverged[s->first + r])
            continue;
        w->seen[s->first + r] = s->moves;
        w->last_value[s->first + r] = s->value[r];
    }
    return s->first == 0 && !w->diverged[0] ? finish_first(s) : UNS_OK;
}
