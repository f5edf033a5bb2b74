/* SPDX-License-Identifier: MIT
 * A finished cell's figures, replica by replica, made into its result.
 */
#include "run/escape.h"
#include "run/work.h"

#include "base/base.h"

#include <math.h>

static uns_stop stop_reason(const uns_work *work, int64_t diverged) {
    if (diverged > 0)
        return UNS_STOP_DIVERGED;
    return atomic_load(&work->interrupted) ? UNS_STOP_INTERRUPTED : UNS_STOP_STEPS;
}

/* Slices in order: the sums do not depend on who was first. */
static uns_row_sum add_slices(const uns_work *work, size_t row) {
    uns_row_sum sum = {0};
    for (size_t i = 0; i < work->slices; i++) {
        const uns_row_sum *part = &work->sums[i * work->rows + row];
        sum.value += part->value;
        sum.gradient += part->gradient;
        sum.reached += part->reached;
        sum.running += part->running;
        sum.escaped += part->escaped;
    }
    return sum;
}

/* Rows that nobody reached, or nobody running, are left out. */
static uns_status gather_rows(uns_context *context, const uns_work *work, uns_result *result) {
    uns_metric_row *rows =
        uns_allocate(context, uns_size_product(work->rows + 1, sizeof *rows));
    if (!rows)
        return UNS_ERROR_MEMORY;
    result->metrics = rows;
    for (size_t i = 0; i < work->rows; i++) {
        uns_row_sum sum = add_slices(work, i);
        double running = (double)sum.running;
        double share = (double)sum.escaped / (double)sum.reached;
        if (sum.running > 0)
            rows[result->rows++] =
                (uns_metric_row){.step = uns_work_row_step(work, i),
                                 .value = sum.value / running,
                                 .gradient = sum.gradient / running,
                                 .escaped = isnan(work->truth.escape_value) ? NAN : share};
    }
    return UNS_OK;
}

/* Moves taken, by the replica that took most and by all together. */
static double count_moves(const uns_work *work, uns_result *result) {
    double all = 0.0;
    for (int64_t r = 0; r < result->replicas; r++) {
        result->diverged += work->diverged[r];
        result->steps = work->seen[r] > result->steps ? work->seen[r] : result->steps;
        all += (double)work->seen[r];
    }
    return all;
}

/* A diverged replica stays among those at risk to the end: its divergence is no news about when
 * the others escape, and it must not raise their share. */
static void hold_diverged(uns_work *work) {
    for (int64_t r = 0; r < work->cell->settings.replicas; r++)
        if (work->diverged[r])
            work->seen[r] = work->cell->settings.steps;
}

static uns_status gather_escapes(uns_context *context, uns_work *work, uns_result *result) {
    hold_diverged(work);
    if (!isnan(work->truth.escape_value))
        UNS_TRY(uns_escape_fill(context, (size_t)result->replicas, work->escape, work->seen,
                                result));
    result->escape_steps = work->escape;
    work->escape = NULL;
    return UNS_OK;
}

/* Pieces are the same in every slice. */
static void add_structures(const uns_work *work, uns_structure_report *sum) {
    *sum = work->footprint.structure;
    sum->bytes = sum->scratch = 0;
    for (size_t i = 0; i < work->slices; i++) {
        const uns_structure_report *part = &work->structure[i];
        sum->bytes += part->bytes;
        sum->scratch += part->scratch;
        sum->roots += part->roots;
        sum->seconds += part->seconds;
        sum->error = i == 0 ? part->error : fmax(part->error, sum->error);
    }
}

/* Readings that were taken, replica by replica. */
static uns_status gather_readings(uns_context *context, const uns_work *work,
                                  uns_result *result) {
    size_t n = (size_t)result->replicas,
           read = (size_t)work->cell->settings.instruments.replicas;
    size_t room = work->reading ? uns_size_product(read < n ? read : n, work->readings) : 0;
    uns_reading *rows = uns_allocate(context, uns_size_product(room + 1, sizeof *rows));
    if (!rows)
        return UNS_ERROR_MEMORY;
    result->reading = rows;
    for (size_t i = 0; i < room; i++)
        if (work->reading[i].step > 0)
            rows[result->readings++] = work->reading[i];
    return UNS_OK;
}

static uns_status gather_episodes(uns_context *context, const uns_work *work,
                                  uns_result *result) {
    size_t n = (size_t)result->replicas, most = (size_t)work->cell->settings.stall.most;
    size_t room = 0;
    for (size_t r = 0; work->episodes && r < n; r++)
        room += work->episodes[r];
    uns_episode *rows = uns_allocate(context, uns_size_product(room + 1, sizeof *rows));
    if (!rows)
        return UNS_ERROR_MEMORY;
    result->episode = rows;
    for (size_t r = 0; work->episodes && r < n; r++)
        for (size_t i = 0; i < work->episodes[r]; i++)
            rows[result->episodes++] = work->episode[r * most + i];
    return UNS_OK;
}

uns_status uns_gather(uns_context *context, uns_work *work, uns_result *result) {
    size_t n = (size_t)work->cell->settings.replicas;
    result->cell = work->cell;
    result->replicas = (int64_t)n;
    double moves = count_moves(work, result);
    result->stop = stop_reason(work, result->diverged);
    result->floor = uns_estimate_ratio(n, work->floor_sum, work->floor_count);
    result->final_value = uns_estimate_mean(n, work->last_value, NULL).mean;
    result->final_accuracy = work->accuracy;
    result->wall_s = atomic_load(&work->end_s) - atomic_load(&work->begin_s);
    result->steps_per_second = result->wall_s > 0.0 ? moves / result->wall_s : NAN;
    add_structures(work, &result->structure);
    if (work->reached) {
        result->dimension = work->dimension;
        result->point = work->point;
        work->point = NULL;
    }
    UNS_TRY(gather_rows(context, work, result));
    UNS_TRY(gather_readings(context, work, result));
    UNS_TRY(gather_episodes(context, work, result));
    return gather_escapes(context, work, result);
}
