/* SPDX-License-Identifier: MIT
 * Kronecker factors (Shampoo; Gupta, Koren, Singer 2018): for a block of signals S,
 *
 *     L ← aL + b·SSᵀ + eI,  M ← aM + b·SᵀS + eI,  D = root(L)·U·root(M),
 *
 * the root of slot 4 with the exponent p for each factor; one factor alone with side left,
 * right or smaller. Where a block keeps fewer factors than were asked for, those left take the
 * exponents of the others over (kron.h has the rule). The left factor of a column is its full
 * second moment.
 *
 * With structure.every = k only every k-th signal enters, in the weight of the k: it stands for
 * them. Centred, L − ḠḠᵀ and M − ḠᵀḠ. A moment without memory about the direction itself keeps
 * nothing: D is U's polar factor (kron_polar.c).
 */
#include "opt/structure/kron.h"
#include "opt/builtin.h"

#include "base/base.h"
#include "la/dense.h"
#include "la/root.h"

#include <float.h>
#include <string.h>

static size_t push_sides(const uns_structure_site *site, size_t tile, size_t r, size_t count) {
    const kron_work *work = site->scratch;
    for (size_t side = 0; side < UNS_KRON_SIDES; side++)
        if (work->tiles[tile].has[side])
            work->jobs[count++] = (tile * site->replicas + r) * UNS_KRON_SIDES + side;
    return count;
}

typedef struct observation {
    const uns_coeffs *k;
    uns_const_tensors s;
} observation;

static void observe_side(const uns_structure_site *site, const void *user,
                         const kron_tile *tile, size_t replica, int side, kron_lane *lane) {
    const observation *my = user;
    const void *s = my->s.data[tile->block];
    if (tile->diagonal)
        uns_kron_diagonal_observe(site, tile, my->k, s);
    else
        uns_kron_accumulate(site, tile, replica, side, s, lane);
}

static uns_status observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                          uns_const_tensors s) {
    const kron_work *work = site->scratch;
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < work->count && !work->kind.direct; i++) {
        const kron_tile *tile = &work->tiles[i];
        if (!s.data[tile->block])
            continue;
        if (tile->diagonal)
            work->jobs[count++] = i * site->replicas * UNS_KRON_SIDES;
        for (size_t r = 0; r < site->replicas && !tile->diagonal; r++)
            if (site->active[r] && uns_kron_count(site, &tile->marks[r], k))
                count = push_sides(site, i, r, count);
    }
    observation my = {k, s};
    return uns_kron_run(site, count, observe_side, &my);
}

const double *uns_kron_moment(const uns_structure_site *site, const kron_tile *tile,
                              size_t replica, int side, double k, double *own_k,
                              kron_lane *lane) {
    const kron_work *work = site->scratch;
    const double *factor = uns_kron_at(tile->factor, tile, side, replica);
    size_t n = uns_kron_side(tile, side), other = uns_kron_side(tile, !side), ld;
    *own_k = k;
    if (!work->mean.data)
        return factor;
    const double *m =
        uns_kron_gather(site, tile, replica, work->mean.data[tile->block], lane->rect[0], &ld);
    site->kernels->of[UNS_F64].scale(n * n, k, factor, lane->square[0]);
    uns_dense_syrk(side == UNS_KRON_RIGHT, n, other, -k * k, m, ld, 1.0, lane->square[0]);
    *own_k = 1.0;
    return lane->square[0];
}

uns_status uns_kron_take_root(const uns_structure_site *site, const uns_root *root,
                              const kron_tile *tile, size_t replica, int side, double *out,
                              kron_lane *lane, bool *blind) {
    uns_root own = *root;
    uns_root_report found = {0};
    size_t n = uns_kron_side(tile, side);
    own.exponent *= tile->share;
    const double *c =
        uns_kron_moment(site, tile, replica, side, root->correction, &own.correction, lane);
    uns_status status =
        uns_root_dense(site->context, n, &own, c, out, lane->decomposition, &found);
    lane->error = found.error > lane->error ? found.error : lane->error;
    *blind = root->epsilon == 0.0 &&
             !(found.smallest > 4.0 * (double)n * DBL_EPSILON * found.largest);
    return status;
}

static void refresh_side(const uns_structure_site *site, const void *unused,
                         const kron_tile *tile, size_t replica, int side, kron_lane *lane) {
    const kron_work *work = site->scratch;
    kron_mark *mark = &tile->marks[replica];
    double *out = uns_kron_at(tile->root, tile, side, replica);
    (void)unused;
    uns_status status = uns_kron_take_root(site, &work->root, tile, replica, side, out, lane,
                                           &mark->blind[side]);
    mark->broken[side] = status == UNS_ERROR_RANGE;
    if (status != UNS_OK && status != UNS_ERROR_RANGE)
        lane->status = status;
    if (status != UNS_OK)
        return;
    lane->taken++;
    if (site->spec->refresh == UNS_REFRESH_ADAPTIVE) {
        bool centred = work->mean.data != NULL; /* then the moment is where it was made */
        uns_kron_probe(
            site, tile, replica, side, centred ? 1.0 : work->root.correction,
            centred ? lane->square[0] : uns_kron_at(tile->factor, tile, side, replica), lane);
    }
}

static bool is_due(const uns_spec *spec, const kron_mark *mark) {
    if (spec->refresh != UNS_REFRESH_ADAPTIVE)
        return uns_kron_due(mark->observed, mark->taken, spec->refresh);
    bool blind = mark->blind[UNS_KRON_LEFT] || mark->blind[UNS_KRON_RIGHT];
    return uns_kron_due(mark->observed, mark->taken, INT64_MAX) || mark->drifted ||
           (blind && mark->observed > mark->taken);
}

/* Roots are taken of factors that are up to date only, so that c is their own correction. */
static size_t list_due(const uns_structure_site *site, bool changed) {
    const kron_work *work = site->scratch;
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++)
        for (size_t r = 0; r < site->replicas && !work->tiles[i].diagonal; r++) {
            kron_mark *mark = &work->tiles[i].marks[r];
            bool due = mark->sampled == mark->observed && is_due(site->spec, mark);
            if (!site->active[r] || mark->observed == 0 || !(due || changed))
                continue;
            mark->taken = mark->observed;
            count = push_sides(site, i, r, count);
        }
    return count;
}

static uns_status refresh(const uns_structure_site *site, void *state, const uns_root *root,
                          uns_const_tensors mean, uint64_t t) {
    kron_work *work = site->scratch;
    kron_head *head = state;
    (void)t;
    bool changed = root->exponent != head->root.exponent ||
                   root->epsilon != head->root.epsilon || root->form != head->root.form ||
                   root->damping != head->root.damping;
    work->root = head->root = *root;
    work->mean = mean;
    if (work->kind.direct)
        return UNS_OK;
    if (site->spec->refresh == UNS_REFRESH_ADAPTIVE)
        UNS_TRY(uns_kron_look(site, root));
    return uns_kron_run_roots(site, list_due(site, changed), refresh_side, NULL);
}

static void copy_rows(size_t rows, size_t cols, const double *from, double *to, size_t ld) {
    for (size_t i = 0; i < rows; i++)
        memcpy(to + i * ld, from + i * cols, cols * sizeof *to);
}

static void apply_roots(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                        const void *u, void *d, kron_lane *lane) {
    size_t h = tile->rows, w = tile->cols, ld, ld_out;
    const double *x = uns_kron_gather(site, tile, replica, u, lane->rect[0], &ld);
    double *out = uns_kron_target(site, tile, d, lane->rect[1], &ld_out), *t = lane->rect[2];
    const double *left =
        tile->has[UNS_KRON_LEFT] ? uns_kron_at(tile->root, tile, UNS_KRON_LEFT, replica) : NULL;
    const double *right = tile->has[UNS_KRON_RIGHT]
                              ? uns_kron_at(tile->root, tile, UNS_KRON_RIGHT, replica)
                              : NULL;
    if (left)
        uns_dense_gemm(false, false, h, w, h, 1.0, left, h, x, ld, 0.0, t, w);
    else
        uns_dense_gemm(false, false, h, w, w, 1.0, x, ld, right, w, 0.0, t, w);
    if (left && right)
        uns_dense_gemm(false, false, h, w, w, 1.0, t, w, right, w, 0.0, out, ld_out);
    else
        copy_rows(h, w, t, out, ld_out);
    uns_kron_scatter(site, tile, replica, out, d);
}

typedef struct directions {
    uns_const_tensors u;
    uns_tensors d;
} directions;

static void precondition_tile(const uns_structure_site *site, const void *user,
                              const kron_tile *tile, size_t replica, int side,
                              kron_lane *lane) {
    const directions *my = user;
    const kron_work *work = site->scratch;
    const void *u = my->u.data[tile->block];
    void *d = my->d.data[tile->block];
    (void)side;
    if (work->kind.direct && tile->diagonal)
        uns_kron_diagonal_direct(site, tile, &work->root, u, d, lane->row);
    else if (work->kind.direct)
        uns_kron_polar(site, &work->root, tile, replica, u, d, lane);
    else if (tile->diagonal)
        uns_kron_diagonal_apply(site, tile, &work->root,
                                work->mean.data ? work->mean.data[tile->block] : NULL, u, d,
                                lane->row);
    else
        apply_roots(site, tile, replica, u, d, lane);
}

static uns_status precondition(const uns_structure_site *site, void *state, uns_const_tensors u,
                               uns_tensors d) {
    const kron_work *work = site->scratch;
    (void)state;
    directions my = {u, d};
    size_t count = uns_kron_list(site, u.data);
    return work->kind.direct ? uns_kron_run_roots(site, count, precondition_tile, &my)
                             : uns_kron_run(site, count, precondition_tile, &my);
}

/* Σ_j dense[(i, j), (k, j)] of the tile: E[SSᵀ] exactly; or the other side's. */
static void trace_out(const uns_structure_site *site, const kron_tile *tile, size_t begin,
                      size_t d, const double *dense, int side, double *factor) {
    size_t n = uns_kron_side(tile, side), other = uns_kron_side(tile, !side);
    size_t cols = site->blocks[tile->block]->cols;
    size_t step = side == UNS_KRON_LEFT ? cols : 1, along = side == UNS_KRON_LEFT ? 1 : cols;
    size_t first = begin + tile->row * cols + tile->col;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            double sum = 0.0;
            for (size_t j = 0; j < other; j++)
                sum += dense[(first + i * step + j * along) * d + first + k * step + j * along];
            factor[i * n + k] = sum;
        }
}

static void adopt_tile(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                       size_t begin, size_t d, const double *dense) {
    kron_mark *mark = &tile->marks[replica];
    mark->sampled = ++mark->observed;
    for (size_t i = 0; tile->diagonal && i < tile->rows * tile->cols; i++)
        tile->moment[i * site->replicas + replica] = dense[(begin + i) * d + begin + i];
    for (int side = 0; side < UNS_KRON_SIDES; side++)
        if (tile->has[side])
            trace_out(site, tile, begin, d, dense, side,
                      uns_kron_at(tile->factor, tile, side, replica));
}

/* dense: [R][d][d] over the group's vector. */
static uns_status adopt(const uns_structure_site *site, void *state, const double *dense) {
    const kron_work *work = site->scratch;
    size_t d = 0;
    (void)state;
    for (size_t i = 0; i < site->count; i++)
        d += site->blocks[i]->rows * site->blocks[i]->cols;
    for (size_t i = 0, begin = 0, block = 0; i < work->count; i++) {
        const kron_tile *tile = &work->tiles[i];
        for (; block < tile->block; block++)
            begin += site->blocks[block]->rows * site->blocks[block]->cols;
        for (size_t r = 0; r < site->replicas; r++)
            if (site->active[r])
                adopt_tile(site, tile, r, begin, d, dense + r * d * d);
    }
    return UNS_OK;
}

const uns_structure_ops uns_structure_kron = {
    .size = sizeof(uns_structure_ops),
    .name = "kron",
    .summary = "Kronecker factors: a matrix for the rows and one for the columns of each layer",
    .needs_lapack = true,
    .elements = uns_no_elements,
    .bytes = uns_kron_bytes,
    .prepare = uns_kron_prepare,
    .observe = observe,
    .refresh = refresh,
    .precondition = precondition,
    .product = uns_kron_product,
    .adopt = adopt,
    .refreshes = true,
    .check = uns_kron_check,
    .scratch = uns_kron_scratch,
    .metric_bytes = uns_kron_metric_bytes,
    .metric_open = uns_kron_metric_open,
    .report = uns_kron_report,
    .damps = true,
};
