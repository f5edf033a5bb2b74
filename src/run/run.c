/* SPDX-License-Identifier: MIT
 * The main job: config → batch → gradient → moment, structure, step → instruments → record.
 *
 * This file is the loop itself. How cells are cut and spread over threads is spread.c, what the
 * instruments do is watch.c, how problems come to be is prepare.c, what becomes of the figures
 * is gather.c and record.c.
 */
#include "run/demand.h"
#include "run/record.h"
#include "run/slice.h"

#include "base/base.h"
#include "base/machine.h"

/* W gradients observed at the starting point, before the first move. */
static uns_status burn_in(uns_slice *slice, uns_shift *shift) {
    int64_t length = uns_spec_burn_in(slice->context, &slice->work->cell->spec);
    for (int64_t i = 0; i < length && !uns_slice_over(slice, shift); i++) {
        uns_batch batch = uns_slice_batch(slice, i, UNS_STREAM_BURN_IN);
        UNS_TRY(uns_slice_gradient(slice, &batch));
        UNS_TRY(uns_optimizer_observe(slice->optimizer, uns_tensors_const(slice->x),
                                      uns_tensors_const(slice->g)));
    }
    return UNS_OK;
}

/* THE loop. */
static uns_status run_steps(uns_slice *slice, uns_shift *shift) {
    UNS_TRY(burn_in(slice, shift));
    for (int64_t t = 1; !uns_slice_over(slice, shift); t++) {
        uns_batch batch = uns_slice_batch(slice, t - 1, UNS_STREAM_GRADIENT);
        UNS_TRY(uns_slice_gradient(slice, &batch));
        UNS_TRY(uns_optimizer_step(slice->optimizer, slice->x, uns_tensors_const(slice->g)));
        UNS_TRY(uns_slice_watch(slice, t));
        uns_slice_record(slice, t);
        UNS_TRY(uns_slice_read(slice, t));
        UNS_TRY(uns_slice_stall(slice, t));
    }
    return uns_slice_finish(slice);
}

uns_status uns_run_slice(uns_context *context, uns_work *work, size_t index, uns_shift *shift) {
    uns_slice slice;
    UNS_TRY(uns_slice_open(context, work, index, &slice));
    uns_status status = run_steps(&slice, shift);
    if (status == UNS_OK)
        status = uns_optimizer_structure_report(slice.optimizer, 0, &work->structure[index]);
    if (slice.interrupted)
        atomic_store(&work->interrupted, true);
    int64_t left = work->cell->settings.steps - slice.moves;
    atomic_fetch_add(&shift->spared, (uint64_t)left * slice.replicas);
    uns_slice_close(&slice);
    return status;
}

/* Problems, works, all slices, results: everything of a run but its memory. */
static uns_status carry_out(uns_record *record, const uns_cell *const *cells,
                            const uns_run_config *config, uns_cast *cast, uns_work *works) {
    uns_context *context = record->context;
    uns_demand demand;
    uns_demand_open(context, &demand);
    for (size_t i = 0; i < record->count; i++) {
        UNS_TRY(uns_cast_prepare(cast, cells[i], &works[i]));
        uns_demand_add(&demand, &works[i]);
    }
    UNS_TRY(uns_demand_check(&demand, uns_machine_memory()));
    for (size_t i = 0; config->footprint && i < record->count; i++)
        config->footprint(config->footprint_user, &works[i].footprint);
    for (size_t i = 0; i < record->count; i++)
        UNS_TRY(uns_work_furnish(context, &works[i]));
    UNS_TRY(uns_spread(context, works, record->count, config));
    for (size_t i = 0; i < record->count; i++) {
        UNS_TRY(uns_gather(context, &works[i], &record->results[i]));
        uns_theory_fill(context, cells[i], works[i].problem, &record->results[i]);
    }
    return UNS_OK;
}

uns_status uns_run_cells(uns_context *context, const uns_cell *const *cells, size_t count,
                         const char *text, const uns_run_config *config, uns_record **out) {
    static const uns_run_config plain = {.size = sizeof plain};
    uns_record *record;
    UNS_TRY(uns_record_create(context, count, text, &record));
    uns_cast cast;
    uns_work *works = uns_allocate(context, uns_size_product(count + 1, sizeof *works));
    uns_status status = uns_cast_open(context, count, &cast);
    if (!works)
        status = UNS_ERROR_MEMORY;
    if (status == UNS_OK)
        status = carry_out(record, cells, config ? config : &plain, &cast, works);
    for (size_t i = 0; works && i < count; i++)
        uns_work_release(context, &works[i]);
    uns_cast_close(&cast);
    uns_release(context, works);
    if (status != UNS_OK)
        uns_record_destroy(record);
    else
        *out = record;
    return status;
}

uns_status uns_run(uns_context *context, const uns_plan *plan, const uns_run_config *config,
                   uns_record **out) {
    size_t count = uns_plan_count(plan);
    const uns_cell **cells = uns_allocate(context, (count + 1) * sizeof *cells);
    if (!cells)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        cells[i] = uns_plan_cell(plan, i);
    uns_status status =
        uns_run_cells(context, cells, count, uns_plan_resolved(plan), config, out);
    uns_release(context, cells);
    return status;
}
