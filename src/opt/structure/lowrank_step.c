/* SPDX-License-Identifier: MIT
 * Low rank: slots 3 to 5, the members of the table that a step calls.
 */
#include "opt/root_number.h"
#include "opt/structure/lowrank_parts.h"

#include "base/base.h"
#include "base/machine.h"

#include <string.h>

uns_status uns_lowrank_retire(const uns_structure_site *site, void *state) {
    const lowrank_work *work = site->scratch;
    size_t columns = work->shape.columns;
    (void)state;
    for (size_t r = 0; r < site->replicas; r++)
        if (site->active[r] && work->marks[r].held == columns)
            work->weights[r * columns + work->marks[r].next] = 0.0;
    return UNS_OK;
}

/* Everything held grows older by one observation. */
static void age(const uns_structure_site *site, const uns_coeffs *k) {
    const lowrank_work *work = site->scratch;
    size_t columns = work->shape.columns, gram = work->shape.gram;
    for (size_t r = 0; r < site->replicas; r++) {
        if (!site->active[r])
            continue;
        lowrank_mark *mark = &work->marks[r];
        mark->complement = k->a * mark->complement + k->e;
        for (size_t q = 0; q < columns; q++)
            work->weights[r * columns + q] *= k->a;
        for (size_t i = 0; work->shape.exact && i < gram; i++)
            work->gram[r * gram + i] *= k->a;
    }
}

/* ḡ ← aḡ + bs, element by element because a replica may sit out. */
static void follow_mean(const uns_structure_site *site, const uns_coeffs *k,
                        uns_const_tensors s) {
    const lowrank_work *work = site->scratch;
    uns_dtype dtype = site->dtype;
    for (size_t index = 0; index < work->strip_count; index++) {
        const lowrank_strip *strip = &work->strips[index];
        const void *from = s.data[strip->block];
        void *mean = uns_lowrank_at(site, work, 0, strip);
        for (size_t i = 0; i < strip->n; i++) {
            double taken = from ? k->b * uns_lowrank_get(dtype, from, strip->begin + i) : 0.0;
            double kept = k->a * uns_lowrank_get(dtype, mean, i);
            if (site->active[i % site->replicas])
                uns_lowrank_put(dtype, mean, i, kept + taken);
        }
    }
}

/* C ← C + b·ssᵀ, lower triangle, where C itself is kept. */
static void add_outer(const uns_structure_site *site, double b, uns_const_tensors s) {
    const lowrank_work *work = site->scratch;
    size_t d = work->shape.d;
    double *signal = uns_lowrank_lane(work, 0).vector[0];
    for (size_t r = 0; r < site->replicas; r++) {
        if (!site->active[r])
            continue;
        double *c = work->gram + r * work->shape.gram;
        uns_lowrank_gather(site, s, r, signal);
        for (size_t i = 0; i < d; i++)
            site->kernels->axpy(i + 1, b * signal[i], signal, c + i * d);
    }
}

/* Whether all replicas write, and to the same slot. */
static bool is_uniform(const uns_structure_site *site, const lowrank_work *work) {
    for (size_t r = 0; r < site->replicas; r++)
        if (!site->active[r] || work->marks[r].next != work->marks[0].next)
            return false;
    return true;
}

typedef struct storing {
    const uns_structure_site *site;
    uns_const_tensors s;
    bool uniform;
} storing;

static void store_strip(void *user, size_t index) {
    const storing *my = user;
    const uns_structure_site *site = my->site;
    const lowrank_work *work = site->scratch;
    const lowrank_strip *strip = &work->strips[index];
    size_t first = uns_lowrank_first(work), width = uns_dtype_size(site->dtype);
    const char *s = my->s.data[strip->block];
    if (my->uniform) {
        void *to = uns_lowrank_at(site, work, first + work->marks[0].next, strip);
        if (s)
            memcpy(to, s + strip->begin * width, strip->n * width);
        else
            memset(to, 0, strip->n * width);
        return;
    }
    for (size_t i = 0; i < strip->n; i++) {
        size_t r = i % site->replicas;
        void *to = uns_lowrank_at(site, work, first + work->marks[r].next, strip);
        if (site->active[r])
            uns_lowrank_put(site->dtype, to, i,
                            s ? uns_lowrank_get(site->dtype, s, strip->begin + i) : 0.0);
    }
}

static void store_signal(const uns_structure_site *site, double b, uns_const_tensors s) {
    lowrank_work *work = site->scratch;
    size_t columns = work->shape.columns;
    storing job = {site, s, is_uniform(site, work)};
    uns_lowrank_run(site, work->shape.d * site->replicas, work->strip_count, store_strip, &job);
    for (size_t r = 0; r < site->replicas; r++) {
        lowrank_mark *mark = &work->marks[r];
        if (!site->active[r])
            continue;
        work->weights[r * columns + mark->next] = b;
        mark->held += mark->held == mark->next;
    }
}

/* Gᵀs is the new row and column of GᵀG. */
static void border_gram(const uns_structure_site *site) {
    lowrank_work *work = site->scratch;
    size_t columns = work->shape.columns, first = uns_lowrank_first(work);
    for (size_t r = 0; r < site->replicas; r++) {
        double *gram = work->gram + r * work->shape.gram;
        size_t q = work->marks[r].next;
        for (size_t j = 0; site->active[r] && j < work->marks[r].held; j++)
            gram[q * columns + j] = gram[j * columns + q] =
                work->sums[0][(first + j) * site->replicas + r];
    }
}

static void turn_ring(const uns_structure_site *site) {
    const lowrank_work *work = site->scratch;
    for (size_t r = 0; r < site->replicas; r++)
        if (site->active[r])
            work->marks[r].next = (work->marks[r].next + 1) % work->shape.columns;
}

/* One pass for the new column of GᵀG and, where it is known, for Gᵀu. */
static void project(const uns_structure_site *site, uns_const_tensors s) {
    lowrank_work *work = site->scratch;
    const uns_const_tensors x[2] = {s, site->ahead};
    bool both = site->ahead.data && site->ahead.data != s.data;
    uns_lowrank_project(site, uns_lowrank_most(work), both ? 2 : 1, x, work->sums);
    if (site->ahead.data && !both)
        memcpy(work->sums[1], work->sums[0],
               uns_lowrank_most(work) * site->replicas * sizeof(double));
    border_gram(site);
}

uns_status uns_lowrank_observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                               uns_const_tensors s) {
    lowrank_work *work = site->scratch;
    (void)state;
    if (!work->shape.exact && !work->shape.windowed)
        UNS_TRY(uns_lowrank_shrink(site));
    age(site, k);
    if (work->shape.centred)
        follow_mean(site, k, s);
    if (work->shape.exact && !work->shape.windowed) {
        add_outer(site, k->b, s);
        return UNS_OK;
    }
    store_signal(site, k->b, s);
    if (!work->shape.exact)
        project(site, s);
    turn_ring(site);
    return UNS_OK;
}

typedef struct rooting {
    const uns_structure_site *site;
    const uns_root *root;
} rooting;

static void take_root(const uns_structure_site *site, const uns_root *root, size_t r,
                      const lowrank_lane *lane) {
    lowrank_work *work = site->scratch;
    size_t order = work->shape.order;
    work->root[r] = (lowrank_root){0, 0, 0.0};
    if (!site->active[r])
        return;
    if (!uns_lowrank_decompose(site, root, r, lane)) {
        work->root[r] = (lowrank_root){0, 0, 0.0};
        site->failed[r] = 1;
        return;
    }
    uns_root own = uns_lowrank_root_of(work, root);
    double complement = uns_lowrank_complement(work, root, r);
    double base = work->shape.exact ? 0.0 : uns_root_number(&own, complement);
    work->root[r].base = base;
    for (size_t i = 0; i < work->root[r].rows; i++)
        work->gains[r * order + i] =
            uns_root_number(&own, work->values[r * order + i] + complement) - base;
}

static void take_roots(void *user, size_t index) {
    const rooting *my = user;
    const lowrank_work *work = my->site->scratch;
    lowrank_lane lane = uns_lowrank_lane(work, index);
    for (size_t r = index; r < work->shape.replicas; r += work->lanes)
        take_root(my->site, my->root, r, &lane);
}

uns_status uns_lowrank_refresh(const uns_structure_site *site, void *state,
                               const uns_root *root, uns_const_tensors mean, uint64_t t) {
    lowrank_work *work = site->scratch;
    rooting job = {site, root};
    size_t order = work->shape.order;
    double before = uns_machine_seconds();
    (void)state, (void)mean, (void)t;
    if (work->shape.centred && !work->shape.exact)
        uns_lowrank_project_mean(site);
    uns_lowrank_run(site, (site->replicas - 1) * order * order * order,
                    work->lanes < site->replicas ? work->lanes : site->replicas, take_roots,
                    &job);
    for (size_t r = 0; r < site->replicas; r++)
        *work->roots += site->active[r] != 0;
    *site->root_seconds += uns_machine_seconds() - before;
    return UNS_OK;
}

/* w from y = Gᵀu, replica by replica; slots that a replica does not use get 0. */
static void weigh(const uns_structure_site *site, size_t count) {
    lowrank_work *work = site->scratch;
    size_t order = work->shape.order, replicas = site->replicas;
    lowrank_lane lane = uns_lowrank_lane(work, 0);
    for (size_t r = 0; r < replicas; r++) {
        const lowrank_root *root = &work->root[r];
        for (size_t j = 0; j < root->order; j++)
            lane.vector[0][j] = work->sums[1][j * replicas + r];
        uns_lowrank_small(site, root, work->basis + r * order * order, work->gains + r * order,
                          lane.vector[0], lane.vector[1]);
        for (size_t j = 0; j < count; j++)
            work->weighting[j * replicas + r] = j < root->order ? lane.vector[1][j] : 0.0;
    }
}

typedef struct acting {
    const uns_structure_site *site;
    uns_const_tensors u;
    uns_tensors d;
} acting;

static void act_exact(void *user, size_t index) {
    const acting *my = user;
    lowrank_work *work = my->site->scratch;
    lowrank_lane lane = uns_lowrank_lane(work, index);
    size_t order = work->shape.order;
    for (size_t r = index; r < work->shape.replicas; r += work->lanes) {
        if (!my->site->active[r])
            continue;
        uns_lowrank_gather(my->site, my->u, r, lane.vector[0]);
        uns_lowrank_small(my->site, &work->root[r], work->basis + r * order * order,
                          work->gains + r * order, lane.vector[0], lane.vector[1]);
        uns_lowrank_scatter(my->site, lane.vector[1], r, my->d);
    }
}

uns_status uns_lowrank_precondition(const uns_structure_site *site, void *state,
                                    uns_const_tensors u, uns_tensors d) {
    lowrank_work *work = site->scratch;
    size_t order = work->shape.order, lanes = work->lanes;
    (void)state;
    if (work->shape.exact) {
        acting job = {site, u, d};
        uns_lowrank_run(site, (site->replicas - 1) * order * order,
                        lanes < site->replicas ? lanes : site->replicas, act_exact, &job);
        return UNS_OK;
    }
    size_t count = uns_lowrank_most(work);
    if (!site->ahead.data)
        uns_lowrank_project(site, count, 1, &u, &work->sums[1]);
    weigh(site, count);
    uns_lowrank_combine(site, count, u, d);
    return UNS_OK;
}
