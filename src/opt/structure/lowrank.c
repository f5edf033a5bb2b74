/* SPDX-License-Identifier: MIT
 * Low rank: C = GWGᵀ + δI from r columns G, over all blocks of the group together.
 *
 * With the moment `window` the columns are the last r signals: GGT (Agarwal, Bullins, Chen,
 * Hazan, Singh, Zhang, Zhang 2019, "Efficient Full-Matrix Adaptive Regularization"). With any
 * other moment they are a sketch: when r columns are held, the eigenvectors of the larger half
 * take their place, all eigenvalues shrunk by σ (frequent directions: Liberty 2013; robust:
 * Luo, Chen, Zhang, Li, Zhang 2019), see uns_complement.
 *
 * With K = W^{1/2}GᵀGW^{1/2} = VΛVᵀ and F = GW^{1/2}VΛ^{-1/2}, orthonormal,
 *     R·u = f(δ)·u + F·(f(Λ + δ) − f(δ))·Fᵀu,      f the root of slot 4, at any p and ε.
 * GᵀG is kept and Gᵀs is its new column; so a step reads G twice: for Gᵀs and Gᵀu, and for G·w.
 * Eigenvalues below r·2⁻⁵²·λ_max are rounding and count as 0.
 *
 * Where d <= r, C itself is kept, d×d (of a window: summed up anew at every root).
 *
 * State, with columns in the layout's type and the rest in f64, R replicas:
 *   roots; marks[R]; weights[R][r]; GᵀG or C [R]; columns[r][d·R], with ḡ before them if
 * centred
 */
#include "base/arena.h"
#include "base/base.h"
#include "la/dense.h"
#include "opt/builtin.h"
#include "opt/structure/lowrank_parts.h"

#include <math.h>
#include <string.h>

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool is_windowed(const uns_structure_site *site) {
    const void *moment = NULL;
    return uns_context_find(site->context, UNS_KIND_MOMENT, site->spec->moment, &moment) ==
               UNS_OK &&
           ((const uns_moment_ops *)moment)->windowed;
}

static lowrank_shape shape_of(const uns_structure_site *site) {
    lowrank_shape shape = {.replicas = site->replicas, .centred = site->spec->centred};
    for (size_t i = 0; i < site->count; i++)
        shape.d += site->blocks[i]->rows * site->blocks[i]->cols;
    shape.windowed = is_windowed(site);
    size_t rank =
        (size_t)(shape.windowed ? site->spec->structure_window : site->spec->structure_rank);
    shape.exact = shape.d <= rank;
    shape.columns = shape.exact && !shape.windowed ? 0 : rank;
    shape.slots = shape.columns + shape.centred;
    shape.order = shape.exact ? shape.d : shape.slots;
    if (shape.exact)
        shape.gram = shape.windowed ? 0 : uns_size_product(shape.d, shape.d);
    else
        shape.gram = uns_size_product(rank, rank);
    return shape;
}

static uns_status check(const uns_structure_site *site) {
    lowrank_shape shape = shape_of(site);
    if (shape.order > UNS_LOWRANK_LIMIT)
        return uns_fail(site->context, UNS_ERROR_RANGE,
                        "structure 'lowrank': an eigenproblem of order %zu at every step takes "
                        "more time than there is (at most %d); lower structure.%s",
                        shape.order, UNS_LOWRANK_LIMIT, shape.windowed ? "window" : "rank");
    return UNS_OK;
}

static double *take(uns_arena *arena, size_t a, size_t b) {
    return uns_arena_take(arena, uns_size_product(uns_size_product(a, b), sizeof(double)));
}

static void place_state(const uns_structure_site *site, uns_arena *arena, lowrank_work *work) {
    const lowrank_shape *shape = &work->shape;
    size_t elements = uns_size_product(shape->d, shape->replicas);
    size_t bytes = uns_size_product(elements, uns_dtype_size(site->dtype));
    work->roots = uns_arena_take(arena, sizeof *work->roots);
    work->marks = uns_arena_take(arena, shape->replicas * sizeof *work->marks);
    work->weights = take(arena, shape->columns, shape->replicas);
    work->gram = take(arena, shape->gram, shape->replicas);
    work->columns = uns_arena_take(arena, uns_size_product(shape->slots, bytes));
}

static size_t bytes(const uns_structure_site *site) {
    uns_arena arena = {NULL, 0};
    lowrank_work work = {.shape = shape_of(site)};
    place_state(site, &arena, &work);
    return arena.used;
}

/* Rows of replicas in a strip. */
static size_t strip_rows(size_t replicas) {
    return replicas < UNS_LOWRANK_STRIP ? UNS_LOWRANK_STRIP / replicas : 1;
}

static size_t count_strips(const uns_structure_site *site) {
    size_t rows = strip_rows(site->replicas), count = 0;
    for (size_t i = 0; i < site->count; i++)
        count += (site->blocks[i]->rows * site->blocks[i]->cols + rows - 1) / rows;
    return count;
}

static void cut_strips(const uns_structure_site *site, lowrank_strip *strips) {
    size_t length = strip_rows(site->replicas) * site->replicas, count = 0, offset = 0;
    for (size_t i = 0; i < site->count; i++) {
        size_t elements = site->blocks[i]->rows * site->blocks[i]->cols * site->replicas;
        for (size_t begin = 0; begin < elements; begin += length)
            strips[count++] =
                (lowrank_strip){i, begin, offset + begin, smaller(length, elements - begin)};
        offset += elements;
    }
}

static void place_lane(const lowrank_shape *shape, uns_arena *arena, lowrank_lane *lane) {
    size_t order = shape->order, panel = UNS_LOWRANK_PANEL;
    bool sketch = !shape->exact && !shape->windowed;
    lane->square = take(arena, order, order);
    lane->other = shape->centred ? take(arena, order, order) : NULL;
    lane->values = take(arena, order, 1);
    lane->vector[0] = take(arena, order, 1);
    lane->vector[1] = take(arena, order, 1);
    lane->rows[0] = sketch ? take(arena, shape->columns, panel) : NULL;
    lane->rows[1] = sketch ? take(arena, panel, 1) : NULL;
    lane->eigen = uns_arena_take(arena, uns_dense_eigen_bytes(order));
}

static size_t lane_bytes(const lowrank_shape *shape) {
    uns_arena arena = {NULL, 0};
    lowrank_lane lane;
    place_lane(shape, &arena, &lane);
    return arena.used;
}

lowrank_lane uns_lowrank_lane(const lowrank_work *work, size_t index) {
    uns_arena arena = {work->lane + index * work->lane_bytes, 0};
    lowrank_lane lane;
    place_lane(&work->shape, &arena, &lane);
    return lane;
}

static void place_work(const uns_structure_site *site, uns_arena *arena, lowrank_work *work) {
    const lowrank_shape *shape = &work->shape;
    size_t replicas = shape->replicas, order = shape->order;
    bool alone = replicas == 1;
    work->strip_count = count_strips(site);
    work->strips = uns_arena_take(arena, work->strip_count * sizeof *work->strips);
    work->partials = alone ? take(arena, work->strip_count, 2 * shape->slots) : NULL;
    work->wide = alone || shape->exact ? NULL : take(arena, shape->d, replicas);
    work->sums[0] = take(arena, shape->slots, replicas);
    work->sums[1] = take(arena, shape->slots, replicas);
    work->weighting = take(arena, shape->slots, replicas);
    work->full = uns_arena_take(arena, replicas);
    work->root = uns_arena_take(arena, replicas * sizeof *work->root);
    work->basis = take(arena, uns_size_product(order, order), replicas);
    work->values = take(arena, order, replicas);
    work->gains = take(arena, order, replicas);
    work->lanes = (size_t)uns_context_threads(site->context);
    work->lane_bytes = lane_bytes(shape);
    work->lane = uns_arena_take(arena, uns_size_product(work->lanes, work->lane_bytes));
}

static size_t scratch(const uns_structure_site *site) {
    uns_arena arena = {NULL, 0};
    lowrank_work work = {.shape = shape_of(site)};
    uns_arena_take(&arena, sizeof work);
    place_work(site, &arena, &work);
    return arena.used;
}

static uns_status prepare(const uns_structure_site *site, void *state) {
    uns_arena arena = {site->scratch, 0}, held = {state, 0};
    lowrank_work *work = uns_arena_take(&arena, sizeof *work);
    work->shape = shape_of(site);
    place_work(site, &arena, work);
    place_state(site, &held, work);
    cut_strips(site, work->strips);
    for (size_t r = 0; r < site->replicas; r++)
        work->marks[r].complement = site->spec->initial;
    return UNS_OK;
}

static void report(const uns_structure_site *site, const void *state,
                   uns_structure_report *out) {
    lowrank_shape shape = shape_of(site);
    out->dense = shape.exact;
    out->largest = shape.exact ? shape.d : 0;
    out->rank = shape.columns ? shape.columns : shape.d; /* a window's are all held */
    if (!state)
        return;
    out->roots = *((const lowrank_work *)site->scratch)->roots;
    out->error = (double)NAN; /* of the small eigenproblem there is no estimate */
}

const uns_structure_ops uns_structure_lowrank = {
    .size = sizeof(uns_structure_ops),
    .name = "lowrank",
    .summary = "r columns and a multiple of I: a window of signals, or a sketch",
    .needs_lapack = true,
    .elements = uns_no_elements,
    .bytes = bytes,
    .prepare = prepare,
    .observe = uns_lowrank_observe,
    .refresh = uns_lowrank_refresh,
    .precondition = uns_lowrank_precondition,
    .product = uns_lowrank_product,
    .retire = uns_lowrank_retire,
    .keeps_mean = true,
    .check = check,
    .scratch = scratch,
    .metric_bytes = uns_lowrank_metric_bytes,
    .metric_open = uns_lowrank_metric_open,
    .report = report,
};
