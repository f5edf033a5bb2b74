/* SPDX-License-Identifier: MIT
 * The memory that a plan will take: as many slices as there are threads, and the figures of all
 * cells. What a slice takes is slice.c's to say. Taken is zeroed, so a system that lends memory
 * it has not got would end the program in the middle of a run; this is told before.
 */
#include "run/demand.h"

#include "base/base.h"

#include <stdio.h>
#include <string.h>

static const double gibi = 1024.0 * 1024 * 1024;

void uns_demand_open(uns_context *context, uns_demand *demand) {
    *demand = (uns_demand){.context = context, .threads = (size_t)uns_context_threads(context)};
}

static bool insert(uns_demand *demand, double bytes) {
    size_t at = demand->slices;
    if (at == UNS_DEMAND_MOST && demand->slice[at - 1] >= bytes)
        return false;
    if (at == UNS_DEMAND_MOST)
        at--;
    else
        demand->slices++;
    for (; at > 0 && demand->slice[at - 1] < bytes; at--)
        demand->slice[at] = demand->slice[at - 1];
    demand->slice[at] = bytes;
    return true;
}

void uns_demand_add(uns_demand *demand, const uns_work *work) {
    const uns_footprint *footprint = &work->footprint;
    size_t asked = (size_t)work->cell->settings.threads;
    if (asked > 0 && asked < demand->threads)
        demand->threads = asked;
    if (demand->slices == 0 || footprint->slice > demand->largest.slice)
        demand->largest = *footprint;
    size_t left = work->slices;
    while (left > 0 && insert(demand, (double)footprint->slice))
        left--;
    demand->figures += (double)footprint->figures;
}

static size_t side_by_side(const uns_demand *demand) {
    return demand->threads < demand->slices ? demand->threads : demand->slices;
}

static bool structure_is(const uns_demand *demand, const char *name) {
    return strcmp(demand->largest.cell->spec.structure, name) == 0;
}

/* What of the structure would make it smaller; NULL: it is not what is large. */
static const char *smaller_structure(const uns_demand *demand) {
    const uns_structure_report *of = &demand->largest.structure;
    if (of->bytes + of->scratch < demand->largest.slice / 4)
        return NULL;
    if (strcmp(demand->largest.cell->spec.moment, "window") == 0)
        return "lower structure.window";
    if (structure_is(demand, "lowrank"))
        return "lower structure.rank";
    if (structure_is(demand, "full"))
        return "take structure=block, kron, lowrank or diagonal";
    if (structure_is(demand, "block"))
        return "lower structure.block or structure.cap, or take structure=lowrank or diagonal";
    if (structure_is(demand, "kron") || structure_is(demand, "kron-eigen"))
        return "lower structure.cap, or take structure=diagonal";
    return "take structure=diagonal";
}

enum {
    TEXT = 320
};

/* What is large, and what would make it smaller. */
static void advise(const uns_demand *demand, double need, char text[TEXT]) {
    const uns_footprint *largest = &demand->largest;
    const char *structure = smaller_structure(demand), *parts[4];
    size_t count = 0;
    if (demand->figures > 0.5 * need) {
        snprintf(text, TEXT,
                 "most is for the figures of each replica: lower replicas, records, "
                 "instruments.replicas or stall.most");
        return;
    }
    if (largest->replicas > 1)
        parts[count++] = "take fewer replicas (up to 256 run side by side)";
    if (side_by_side(demand) > 1)
        parts[count++] = "lower threads";
    if (structure)
        parts[count++] = structure;
    if (count == 0)
        parts[count++] = "take a smaller problem";
    size_t used =
        (size_t)snprintf(text, TEXT, "'%s' takes %.3g GiB for %zu %s", largest->cell->label,
                         (double)largest->slice / gibi, largest->replicas,
                         largest->replicas == 1 ? "replica" : "replicas");
    if (side_by_side(demand) > 1)
        used += (size_t)snprintf(text + used, TEXT - used,
                                 ", and there are %zu threads for as many such parts",
                                 side_by_side(demand));
    for (size_t i = 0; i < count && used < TEXT; i++)
        used +=
            (size_t)snprintf(text + used, TEXT - used, "%s%s", i ? ", or " : ": ", parts[i]);
}

uns_status uns_demand_check(const uns_demand *demand, double available) {
    double need = demand->figures;
    for (size_t i = 0; i < side_by_side(demand); i++)
        need += demand->slice[i];
    if (need <= available)
        return UNS_OK;
    char text[TEXT];
    advise(demand, need, text);
    uns_status status =
        uns_fail(demand->context, UNS_ERROR_RANGE,
                 "at least %.3g GiB of memory are needed, and %.3g GiB are available; %s",
                 need / gibi, available / gibi, text);
    return uns_run_blame(demand->context, status, demand->largest.cell->optimizer_place);
}
