/* SPDX-License-Identifier: MIT
 * Before the first step: the problems of a run's cells, each made once, and whether each cell's
 * optimizer can be made on its problem. What cannot be made is reported where it stands in the
 * plan. Nothing here runs.
 */
#include "run/demand.h"

#include "base/base.h"
#include "base/machine.h"

#include <string.h>

/* A problem and the first cell that asked for it. */
struct uns_cast_member {
    const uns_cell *cell;
    uns_problem *problem;
};

uns_status uns_cast_open(uns_context *context, size_t cells, uns_cast *cast) {
    *cast = (uns_cast){.context = context};
    cast->members = uns_allocate(context, uns_size_product(cells + 1, sizeof *cast->members));
    return cast->members ? UNS_OK : UNS_ERROR_MEMORY;
}

void uns_cast_close(uns_cast *cast) {
    for (size_t i = 0; i < cast->count; i++)
        uns_problem_destroy(cast->members[i].problem);
    uns_release(cast->context, cast->members);
    *cast = (uns_cast){0};
}

static bool same_problem(const uns_cell *a, const uns_cell *b, size_t config_size) {
    if (strcmp(a->problem, b->problem) != 0)
        return false;
    if (!a->problem_config || !b->problem_config)
        return a->problem_config == b->problem_config;
    return memcmp(a->problem_config, b->problem_config, config_size) == 0;
}

/* The problem of an earlier cell with the same name and config, else a new one. */
static uns_status find_problem(uns_cast *cast, const uns_cell *cell,
                               const uns_problem **problem) {
    const void *entry;
    UNS_TRY(uns_context_find(cast->context, UNS_KIND_PROBLEM, cell->problem, &entry));
    const uns_param_table *params = ((const uns_problem_ops *)entry)->params;
    size_t i = 0;
    while (i < cast->count &&
           !same_problem(cast->members[i].cell, cell, params ? params->config_size : 0))
        i++;
    struct uns_cast_member *member = &cast->members[i];
    if (i == cast->count) {
        UNS_TRY(uns_problem_create(cast->context, cell->problem, cell->problem_config,
                                   &member->problem));
        member->cell = cell;
        cast->count++;
    }
    *problem = member->problem;
    return UNS_OK;
}

uns_status uns_cast_prepare(uns_cast *cast, const uns_cell *cell, uns_work *work) {
    const uns_problem *problem = NULL;
    uns_status status = find_problem(cast, cell, &problem);
    if (status != UNS_OK)
        return uns_run_blame(cast->context, status, cell->problem_place);
    uns_work_outline(cell, problem, work);
    status = uns_slice_measure(cast->context, work);
    return status == UNS_OK ? UNS_OK
                            : uns_run_blame(cast->context, status, cell->optimizer_place);
}

uns_status uns_run_check(uns_context *context, const uns_plan *plan, uns_footprint_visit *visit,
                         void *user) {
    uns_cast cast;
    uns_demand demand;
    size_t count = uns_plan_count(plan);
    uns_demand_open(context, &demand);
    uns_status status = uns_cast_open(context, count, &cast);
    for (size_t i = 0; i < count && status == UNS_OK; i++) {
        uns_work work = {0};
        status = uns_cast_prepare(&cast, uns_plan_cell(plan, i), &work);
        if (status == UNS_OK)
            uns_demand_add(&demand, &work);
        if (status == UNS_OK && visit)
            visit(user, &work.footprint);
    }
    if (status == UNS_OK)
        status = uns_demand_check(&demand, uns_machine_memory());
    uns_cast_close(&cast);
    return status;
}
