/* SPDX-License-Identifier: MIT
 * Low rank: making room in a sketch. From the eigenpairs (λ_i, v_i) of the weighted Gram matrix
 * the k = ⌊r/2⌋ largest stay, as columns G·diag(√w)·v_i·√((λ_i − σ)/λ_i) of weight 1, and their
 * Gram matrix is diag(λ_i − σ). Once in r − k observations, 2drk operations.
 *
 * Frequent directions: Liberty 2013; with a multiple of I beside it: Luo, Chen, Zhang, Li,
 * Zhang 2019, "Robust Frequent Directions with Application in Online Learning".
 */
#include "opt/structure/lowrank_parts.h"

#include <math.h>
#include <string.h>

/* What an eigenproblem of order n says about one replica. */
typedef struct shrinkage {
    size_t keep;
    double sigma, added;
} shrinkage;

/* values ascending */
static shrinkage shrinkage_of(const uns_structure_site *site, size_t n, const double *values) {
    const lowrank_work *work = site->scratch;
    size_t keep = n / 2;
    double tail = 0.0, next = values[n - 1 - keep];
    for (size_t i = 0; i < n - keep; i++)
        tail += values[i];
    switch ((uns_complement)site->spec->structure_complement) {
    case UNS_COMPLEMENT_MEAN: {
        double sigma = tail / (double)(work->shape.d - keep);
        return (shrinkage){keep, sigma, sigma};
    }
    case UNS_COMPLEMENT_ROBUST:
        return (shrinkage){keep, next, 0.5 * next};
    case UNS_COMPLEMENT_NONE:
        break;
    }
    return (shrinkage){keep, next, 0.0};
}

/* Nothing can be told any more; decompose will find that. */
static void give_up(lowrank_work *work, size_t r) {
    work->marks[r] = (lowrank_mark){0, 0, INFINITY};
    work->full[r] = 0;
}

/* The combinations of replica r's columns into its basis, row by row; its new Gram matrix. */
static void plan(const uns_structure_site *site, size_t r, const lowrank_lane *lane) {
    lowrank_work *work = site->scratch;
    size_t n = work->shape.columns, order = work->shape.order, kept = 0;
    double *combination = work->basis + r * order * order, *gram = work->gram + r * n * n;
    double *weights = work->weights + r * n;
    uns_lowrank_gram(work, r, lane->square);
    if (!uns_lowrank_eigen(n, lane->square, lane->values, 0.0, lane->eigen)) {
        give_up(work, r);
        return;
    }
    shrinkage by = shrinkage_of(site, n, lane->values);
    memset(gram, 0, n * n * sizeof *gram);
    for (size_t i = n; i-- > n - by.keep && lane->values[i] > by.sigma;) {
        double rest = lane->values[i] - by.sigma, factor = sqrt(rest / lane->values[i]);
        for (size_t q = 0; q < n; q++)
            combination[kept * n + q] = lane->square[i * n + q] * sqrt(weights[q]) * factor;
        gram[kept * n + kept] = rest;
        kept++;
    }
    for (size_t q = 0; q < n; q++)
        weights[q] = q < kept ? 1.0 : 0.0;
    work->marks[r] = (lowrank_mark){kept, kept, work->marks[r].complement + by.added};
}

static void plan_lane(void *user, size_t index) {
    const uns_structure_site *site = user;
    const lowrank_work *work = site->scratch;
    lowrank_lane lane = uns_lowrank_lane(work, index);
    for (size_t r = index; r < work->shape.replicas; r += work->lanes)
        if (work->full[r])
            plan(site, r, &lane);
}

/* Rows [begin, begin + n) of a strip for replica r. */
static void recombine(const uns_structure_site *site, size_t r, const lowrank_strip *strip,
                      size_t begin, size_t n, const lowrank_lane *lane) {
    const lowrank_work *work = site->scratch;
    size_t columns = work->shape.columns, order = work->shape.order;
    size_t first = uns_lowrank_first(work), replicas = site->replicas;
    const double *combination = work->basis + r * order * order;
    double *from = lane->rows[0], *row = lane->rows[1];
    for (size_t q = 0; q < columns; q++) {
        const void *column = uns_lowrank_at(site, work, first + q, strip);
        for (size_t i = 0; i < n; i++)
            from[q * UNS_LOWRANK_PANEL + i] =
                uns_lowrank_get(site->dtype, column, (begin + i) * replicas + r);
    }
    for (size_t k = 0; k < work->marks[r].held; k++) {
        void *column = uns_lowrank_at(site, work, first + k, strip);
        memset(row, 0, n * sizeof *row);
        site->kernels->of[UNS_F64].combine(n, columns, from, UNS_LOWRANK_PANEL,
                                           combination + k * columns, row);
        for (size_t i = 0; i < n; i++)
            uns_lowrank_put(site->dtype, column, (begin + i) * replicas + r, row[i]);
    }
}

static void recombine_strip(const uns_structure_site *site, const lowrank_strip *strip,
                            const lowrank_lane *lane) {
    const lowrank_work *work = site->scratch;
    size_t rows = strip->n / site->replicas;
    for (size_t r = 0; r < site->replicas; r++)
        for (size_t i = 0; work->full[r] && i < rows; i += UNS_LOWRANK_PANEL)
            recombine(site, r, strip, i,
                      rows - i < UNS_LOWRANK_PANEL ? rows - i : UNS_LOWRANK_PANEL, lane);
}

static void recombine_lane(void *user, size_t index) {
    const uns_structure_site *site = user;
    const lowrank_work *work = site->scratch;
    lowrank_lane lane = uns_lowrank_lane(work, index);
    uint64_t mode = uns_flush_enter();
    for (size_t k = index; k < work->strip_count; k += work->lanes)
        recombine_strip(site, &work->strips[k], &lane);
    uns_flush_restore(mode);
}

uns_status uns_lowrank_shrink(const uns_structure_site *site) {
    lowrank_work *work = site->scratch;
    size_t columns = work->shape.columns, any = 0, replicas = site->replicas;
    uns_structure_site job = *site;
    for (size_t r = 0; r < replicas; r++)
        any += work->full[r] = site->active[r] && work->marks[r].held == columns;
    if (any == 0)
        return UNS_OK;
    *work->roots += any;
    uns_lowrank_run(site, (any - 1) * columns * columns * columns, work->lanes, plan_lane,
                    &job);
    uns_lowrank_run(site, work->shape.d * replicas * columns, work->lanes, recombine_lane,
                    &job);
    return UNS_OK;
}
