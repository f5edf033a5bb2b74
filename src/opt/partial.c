/* SPDX-License-Identifier: MIT
 * Steps that some replicas sit out: what they leave as it is. Kernels know nothing of it: they
 * work on the stretches of replicas that step where those are long, and on all of a chunk
 * otherwise, after which the others get their old values back.
 */
#include "opt/opt.h"

#include <string.h>

/* Stretches shorter than this cost more in calls than old values do. */
enum {
    LONG = 64
};

/* Runs of replicas that step, the last and the first of a row being neighbours. */
bool uns_partial_is_long(const uns_optimizer *optimizer) {
    size_t runs = 0, replicas = optimizer->replicas;
    for (size_t r = 0; r < replicas; r++)
        runs += optimizer->active[r] && !optimizer->active[r ? r - 1 : replicas - 1];
    return replicas >= LONG * runs;
}

/* The first replica from r on that steps or does not; R if there is none. */
static size_t next_replica(const uns_optimizer *optimizer, size_t r, int steps) {
    const unsigned char *at = memchr(optimizer->active + r, steps, optimizer->replicas - r);
    return at ? (size_t)(at - optimizer->active) : optimizer->replicas;
}

/* The same for elements: rows go on after one another. */
static size_t next_element(const uns_optimizer *optimizer, size_t begin, int steps) {
    const size_t replicas = optimizer->replicas, r = begin % replicas;
    size_t found = next_replica(optimizer, r, steps);
    if (found == replicas)
        found += next_replica(optimizer, 0, steps);
    return begin - r + found;
}

bool uns_partial_next(const uns_optimizer *optimizer, size_t from, size_t end, size_t *first,
                      size_t *last) {
    *first = next_element(optimizer, from, 1);
    if (*first >= end)
        return false;
    *last = next_element(optimizer, *first, 0);
    *last = *last < end ? *last : end;
    return true;
}

void uns_unmoved_keep(const uns_optimizer *optimizer, size_t n, uns_unmoved *unmoved) {
    for (size_t i = 0; i < unmoved->count; i++)
        memcpy(unmoved->old[i], unmoved->array[i], n * optimizer->width);
}

/* Who steps, element by element from `begin` on: as many as there are replicas, and then copies
 * of what is there. */
static void spread_active(const uns_optimizer *optimizer, size_t begin, size_t n,
                          uint32_t *steps) {
    const size_t replicas = optimizer->replicas;
    size_t done = 0;
    for (size_t r = begin % replicas; done < replicas && done < n;
         r = r + 1 < replicas ? r + 1 : 0)
        steps[done++] = optimizer->active[r];
    for (size_t some; done < n; done += some) {
        some = n - done < done ? n - done : done;
        memcpy(steps + done, steps, some * sizeof *steps);
    }
}

static void select_f32(size_t n, const uint32_t *steps, const float *old, float *restrict now) {
    for (size_t k = 0; k < n; k++) {
        const float moved = now[k], before = old[k];
        now[k] = steps[k] ? moved : before;
    }
}

static void select_f64(size_t n, const uint32_t *steps, const double *old,
                       double *restrict now) {
    for (size_t k = 0; k < n; k++) {
        const double moved = now[k], before = old[k];
        now[k] = steps[k] ? moved : before;
    }
}

void uns_unmoved_restore(const uns_optimizer *optimizer, size_t begin, size_t n,
                         const uns_unmoved *unmoved) {
    uint32_t steps[UNS_CHUNK];
    spread_active(optimizer, begin, n, steps);
    for (size_t i = 0; i < unmoved->count; i++)
        if (optimizer->dtype == UNS_F64)
            select_f64(n, steps, unmoved->old[i], unmoved->array[i]);
        else
            select_f32(n, steps, (const float *)(const void *)unmoved->old[i],
                       unmoved->array[i]);
}
