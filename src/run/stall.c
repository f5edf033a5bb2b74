/* SPDX-License-Identifier: MIT
 * The cheap test: has f stopped falling, and is the gradient small against its noise? f is
 * exact or on a fixed sample set; gradients are drawn afresh, at one place, in two halves,
 * whose product is an unbiased ‖∇f‖². All replicas of the slice at once.
 */
#include "run/stall.h"

#include "base/arena.h"
#include "base/base.h"

#include <math.h>
#include <string.h>

enum {
    LANES = 8,
    LONGEST_PAUSE = 20 /* doublings */
};

static const uns_stall *settings_of(const uns_slice *s) {
    return &s->work->cell->settings.stall;
}

static void carve(uns_slice *s, uns_stall_watch *w, uns_arena *arena) {
    size_t row = s->replicas * sizeof(double);
    size_t flat = uns_size_product(uns_layout_parameters(s->layout), row);
    size_t pointers = uns_layout_count(s->layout) * sizeof(void *);
    double **const rows[] = {&w->value, &w->lowest, &w->highest,
                             &w->inner, &w->square, &w->goal};
    for (int i = 0; i < 2; i++) {
        w->half[i] = uns_arena_take(arena, flat);
        w->half_blocks[i] = uns_arena_take(arena, pointers);
    }
    for (size_t i = 0; i < UNS_COUNT_OF(rows); i++)
        *rows[i] = uns_arena_take(arena, row);
    w->wait = uns_arena_take(arena, s->replicas * sizeof(int64_t));
    w->pause = uns_arena_take(arena, s->replicas);
}

static uns_status open_watch(uns_slice *s, uns_stall_watch *w) {
    const uns_stall *stall = settings_of(s);
    uns_arena arena = {NULL, 0};
    carve(s, w, &arena);
    w->memory = uns_allocate(s->context, arena.used);
    if (!w->memory)
        return UNS_ERROR_MEMORY;
    arena = (uns_arena){(unsigned char *)w->memory, 0};
    carve(s, w, &arena);
    for (size_t r = 0; r < s->replicas; r++) {
        w->goal[r] = w->highest[r] = -INFINITY;
        w->lowest[r] = INFINITY;
    }
    w->samples = uns_survey_samples(s->work->problem, stall->samples);
    return UNS_OK;
}

uns_status uns_stall_open(uns_slice *s) {
    if (settings_of(s)->every == 0)
        return UNS_OK;
    uns_stall_watch *w = uns_allocate(s->context, sizeof *w);
    if (!w)
        return UNS_ERROR_MEMORY;
    s->stall = w;
    uns_status status = open_watch(s, w);
    if (status != UNS_OK)
        uns_stall_close(s);
    return status;
}

size_t uns_stall_bytes(uns_slice *s) {
    uns_arena arena = {NULL, 0};
    uns_stall_watch measured = {0};
    if (settings_of(s)->every > 0)
        carve(s, &measured, &arena);
    return arena.used;
}

void uns_stall_close(uns_slice *s) {
    uns_stall_watch *w = s->stall;
    if (!w)
        return;
    uns_survey_close(&w->survey);
    uns_release(s->context, w->memory);
    uns_release(s->context, w);
    s->stall = NULL;
}

size_t uns_stall_samples(const uns_work *work) {
    const uns_stall *stall = &work->cell->settings.stall;
    return stall->every ? uns_survey_samples(work->problem, stall->samples) : 0;
}

static uns_episode *last_episode(const uns_slice *s, size_t r) {
    size_t replica = s->first + r, most = (size_t)settings_of(s)->most;
    return &s->work->episode[replica * most + s->work->episodes[replica] - 1];
}

/* Lanes of doubles vectorise, as in watch.c: this may be asked at every step. */
static bool any_left(size_t n, const double *restrict value, const double *restrict goal) {
    double lane[LANES] = {0.0}, left = 0.0;
    size_t r = 0;
    for (; r + LANES <= n; r += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += value[r + k] <= goal[r + k] ? 1.0 : 0.0;
    for (; r < n; r++)
        left += value[r] <= goal[r] ? 1.0 : 0.0;
    for (size_t k = 0; k < LANES; k++)
        left += lane[k];
    return left > 0.0;
}

/* Episodes whose drop has been seen are left. */
static void close_episodes(uns_slice *s, const double *value, int64_t t) {
    uns_stall_watch *w = s->stall;
    if (!any_left(s->replicas, value, w->goal))
        return;
    for (size_t r = 0; r < s->replicas; r++) {
        if (!(value[r] <= w->goal[r]))
            continue;
        uns_episode *episode = last_episode(s, r);
        episode->left = t - episode->step;
        w->goal[r] = -INFINITY;
        w->pause[r] = 0;
        w->wait[r] = t + settings_of(s)->every;
        w->open--;
    }
}

static uns_status evaluate(uns_slice *s, int64_t t) {
    uns_stall_watch *w = s->stall;
    uns_batch set = uns_slice_batch(s, INT64_C(1) << 40, UNS_STREAM_STALL);
    set.size = w->samples;
    if (!w->samples && s->valued == t) {
        for (size_t r = 0; r < s->replicas; r++)
            w->value[r] = s->value[r];
        return UNS_OK;
    }
    uns_eval eval = {s->replicas, uns_tensors_const(s->x), w->samples ? &set : NULL,
                     s->scratch};
    return s->ops->value(s->self, &eval, w->value);
}

/* Not below the lowest by a share of its size or of its range. A fall takes back the pauses. */
static bool on_plateau(const uns_slice *s, size_t r) {
    uns_stall_watch *w = s->stall;
    double f = w->value[r], range = w->highest[r] - w->lowest[r];
    double share = settings_of(s)->plateau * fmax(fabs(f), range);
    bool flat = w->lowest[r] - f <= share;
    if (!flat)
        w->pause[r] = 0;
    return flat;
}

static bool is_candidate(const uns_slice *s, size_t r, int64_t t) {
    const uns_stall_watch *w = s->stall;
    size_t replica = s->first + r;
    bool waits = w->goal[r] > -INFINITY && !last_episode(s, r)->acted;
    return w->tests >= 2 && !s->work->diverged[replica] && !waits && t >= w->wait[r] &&
           (int64_t)s->work->episodes[replica] < settings_of(s)->most &&
           isfinite(w->value[r]) && on_plateau(s, r);
}

static void note_values(uns_slice *s) {
    uns_stall_watch *w = s->stall;
    for (size_t r = 0; r < s->replicas; r++) {
        w->lowest[r] = fmin(w->lowest[r], w->value[r]);
        w->highest[r] = fmax(w->highest[r], w->value[r]);
    }
}

/* Rows of n replicas; restrict, so that they are worked on side by side. */
static void add_row(size_t n, const double *restrict g, double *restrict half,
                    double *restrict square) {
    for (size_t r = 0; r < n; r++) {
        half[r] += g[r];
        square[r] += g[r] * g[r];
    }
}

static void multiply_row(size_t n, const double *restrict a, const double *restrict b,
                         double *restrict inner) {
    for (size_t r = 0; r < n; r++)
        inner[r] += a[r] * b[r];
}

/* The window: gradients drawn at one place. g of the run is spent by now. */
static uns_status draw_window(uns_slice *s) {
    uns_stall_watch *w = s->stall;
    int64_t window = settings_of(s)->window;
    size_t n = s->replicas, flat = uns_layout_parameters(s->layout) * n;
    const double *g = s->g.data[0]; /* the blocks lie one after the other */
    memset(w->half[0], 0, flat * sizeof *w->half[0]);
    memset(w->half[1], 0, flat * sizeof *w->half[1]);
    memset(w->square, 0, n * sizeof *w->square);
    memset(w->inner, 0, n * sizeof *w->inner);
    for (int64_t i = 0; i < window; i++) {
        uns_batch batch = uns_slice_batch(s, w->tests * window + i, UNS_STREAM_STALL);
        UNS_TRY(uns_slice_gradient(s, &batch));
        for (size_t k = 0; k < flat; k += n)
            add_row(n, g + k, w->half[i % 2] + k, w->square);
    }
    for (size_t k = 0; k < flat; k += n)
        multiply_row(n, w->half[0] + k, w->half[1] + k, w->inner);
    return UNS_OK;
}

static uns_status look(uns_slice *s, size_t r, int64_t t) {
    const uns_stall *stall = settings_of(s);
    uns_stall_watch *w = s->stall;
    double n = (double)stall->window, gradient = 4.0 * w->inner[r] / (n * n);
    double noise = w->square[r] / n - gradient;
    if (!(gradient <= stall->ratio * noise || gradient <= stall->tau_g * stall->tau_g))
        return UNS_OK;
    if (w->goal[r] > -INFINITY) { /* the step taken was in vain */
        w->goal[r] = -INFINITY;
        w->open--;
    }
    return uns_episode_begin(s, w, r, t, gradient, noise);
}

static uns_status test(uns_slice *s, int64_t t) {
    uns_stall_watch *w = s->stall;
    bool drawn = false;
    UNS_TRY(evaluate(s, t));
    w->tests++;
    close_episodes(s, w->value, t);
    for (size_t r = 0; r < s->replicas; r++) {
        if (!is_candidate(s, r, t))
            continue;
        if (!drawn)
            UNS_TRY(draw_window(s));
        drawn = true;
        UNS_TRY(look(s, r, t));
    }
    note_values(s);
    return UNS_OK;
}

uns_status uns_slice_stall(uns_slice *s, int64_t t) {
    uns_stall_watch *w = s->stall;
    if (!w)
        return UNS_OK;
    if (t % settings_of(s)->every == 0)
        return test(s, t);
    if (w->open > 0 && !w->samples && s->valued == t)
        close_episodes(s, s->value, t);
    return UNS_OK;
}

/* What was in vain is asked again after twice as long. */
void uns_stall_pause(uns_slice *s, size_t r, int64_t t) {
    uns_stall_watch *w = s->stall;
    w->wait[r] = t + (settings_of(s)->every << w->pause[r]);
    w->pause[r] += w->pause[r] < LONGEST_PAUSE;
}
