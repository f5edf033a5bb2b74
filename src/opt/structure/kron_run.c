/* SPDX-License-Identifier: MIT
 * Kronecker family: from tensors to tiles and back, jobs over the pool, and the factors' own
 * recursion.
 */
#include "opt/structure/kron.h"

#include "base/base.h"
#include "base/machine.h"
#include "base/pool.h"
#include "la/dense.h"

#include <string.h>

static bool in_place(const uns_structure_site *site) {
    return site->dtype == UNS_F64 && site->replicas == 1;
}

/* Element (0, 0) of the tile in replica 0, and the stride of rows. */
static size_t first_of(const uns_structure_site *site, const kron_tile *tile, size_t *row) {
    *row = site->blocks[tile->block]->cols * site->replicas;
    return tile->row * *row + tile->col * site->replicas;
}

const double *uns_kron_gather(const uns_structure_site *site, const kron_tile *tile,
                              size_t replica, const void *block, double *room, size_t *ld) {
    size_t row, first = first_of(site, tile, &row);
    *ld = in_place(site) ? row : tile->cols;
    if (in_place(site))
        return (const double *)block + first;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++) {
            size_t at = first + replica + i * row + j * site->replicas;
            room[i * tile->cols + j] = site->dtype == UNS_F64 ? ((const double *)block)[at]
                                                              : ((const float *)block)[at];
        }
    return room;
}

double *uns_kron_target(const uns_structure_site *site, const kron_tile *tile, void *block,
                        double *room, size_t *ld) {
    size_t row, first = first_of(site, tile, &row);
    *ld = in_place(site) ? row : tile->cols;
    return in_place(site) ? (double *)block + first : room;
}

void uns_kron_scatter(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                      const double *from, void *block) {
    size_t row, first = first_of(site, tile, &row);
    if (in_place(site))
        return;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++) {
            size_t at = first + replica + i * row + j * site->replicas;
            if (site->dtype == UNS_F64)
                ((double *)block)[at] = from[i * tile->cols + j];
            else
                ((float *)block)[at] = (float)from[i * tile->cols + j];
        }
}

typedef struct run {
    const uns_structure_site *site;
    const kron_work *work;
    uns_kron_task *task;
    const void *user;
    size_t count;
    atomic_size_t next;
} run;

static void run_lane(void *user, size_t index) {
    run *my = user;
    const kron_work *work = my->work;
    uint64_t mode = uns_flush_enter();
    for (size_t k; (k = atomic_fetch_add(&my->next, 1)) < my->count;) {
        size_t job = work->jobs[k], pair = job / UNS_KRON_SIDES;
        my->task(my->site, my->user, &work->tiles[pair / my->site->replicas],
                 pair % my->site->replicas, (int)(job % UNS_KRON_SIDES), &work->lane[index]);
    }
    uns_flush_restore(mode);
}

/* Several jobs may concern one replica, so it is marked by one thread. */
static void fail_broken(const uns_structure_site *site, size_t job) {
    const kron_work *work = site->scratch;
    size_t pair = job / UNS_KRON_SIDES, replica = pair % site->replicas;
    const kron_tile *tile = &work->tiles[pair / site->replicas];
    for (int side = 0; tile->marks && side < UNS_KRON_SIDES; side++) {
        bool *broken = &tile->marks[replica].broken[side];
        site->failed[replica] |= *broken;
        *broken = false;
    }
}

uns_status uns_kron_run(const uns_structure_site *site, size_t count, uns_kron_task *task,
                        const void *user) {
    const kron_work *work = site->scratch;
    run my = {site, work, task, user, count, 0};
    size_t lanes = count < work->lanes ? count : work->lanes;
    uns_status status = UNS_OK;
    for (size_t k = 0; k < lanes; k++) {
        work->lane[k].taken = 0;
        work->lane[k].error = 0.0;
        work->lane[k].status = UNS_OK;
    }
    uns_pool_run(uns_context_pool(site->context), lanes, run_lane, &my);
    for (size_t k = 0; k < count; k++)
        fail_broken(site, work->jobs[k]);
    for (size_t k = 0; k < lanes; k++) {
        const kron_lane *lane = &work->lane[k];
        work->head->roots += lane->taken;
        work->head->error = lane->error > work->head->error ? lane->error : work->head->error;
        status = lane->status != UNS_OK ? lane->status : status;
    }
    return status;
}

uns_status uns_kron_run_roots(const uns_structure_site *site, size_t count, uns_kron_task *task,
                              const void *user) {
    if (count == 0)
        return UNS_OK;
    double before = uns_machine_seconds();
    uns_status status = uns_kron_run(site, count, task, user);
    *site->root_seconds += uns_machine_seconds() - before;
    return status;
}

size_t uns_kron_list(const uns_structure_site *site, const void *const *blocks) {
    const kron_work *work = site->scratch;
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const kron_tile *tile = &work->tiles[i];
        size_t replicas = tile->diagonal ? 1 : site->replicas;
        for (size_t r = 0; blocks[tile->block] && r < replicas; r++)
            if (tile->diagonal || site->active[r])
                work->jobs[count++] = (i * site->replicas + r) * UNS_KRON_SIDES;
    }
    return count;
}

bool uns_kron_count(const uns_structure_site *site, kron_mark *mark, const uns_coeffs *k) {
    if (mark->sampled == mark->observed) {
        mark->a = 1.0;
        mark->b = mark->e = 0.0;
    }
    mark->observed++;
    mark->a = k->a * mark->a;
    mark->b = k->a * mark->b + k->b;
    mark->e = k->a * mark->e + k->e;
    if (!uns_kron_due(mark->observed, mark->sampled, site->spec->structure_every))
        return false;
    mark->sampled = mark->observed;
    mark->samples++;
    mark->weight = mark->a * mark->weight + mark->b;
    mark->square = mark->a * mark->a * mark->square + mark->b * mark->b;
    return true;
}

void uns_kron_accumulate(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                         int side, const void *block, kron_lane *lane) {
    const kron_mark *mark = &tile->marks[replica];
    double *factor = uns_kron_at(tile->factor, tile, side, replica);
    size_t n = uns_kron_side(tile, side), other = uns_kron_side(tile, !side), ld;
    const double *s = uns_kron_gather(site, tile, replica, block, lane->rect[0], &ld);
    uns_dense_syrk(side == UNS_KRON_RIGHT, n, other, mark->b, s, ld, mark->a, factor);
    for (size_t i = 0; mark->e != 0.0 && i < n; i++)
        factor[i * n + i] += mark->e;
}
