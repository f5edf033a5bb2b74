/* SPDX-License-Identifier: MIT
 * A private diagonal moment in the Kronecker eigenbasis (SOAP; Vyas, Morwani, Zhao, Kwun,
 * Shapira, Brandfonbrener, Janson, Kakade 2024): with factors L, M as in kron.c and
 * eigenvectors E, F of theirs in rows,
 *
 *     V ← aV + b·(E S Fᵀ)² + e,     D = Eᵀ( root(V)·(E U Fᵀ) )F,
 *
 * the squares and the root entry by entry, with the whole exponent. The first observation only
 * opens: the basis is that of the factors after it, and V starts with the second. Every
 * `refresh` observations the basis is renewed before a signal enters V, from the factors
 * without it: by eigen-decomposition, or by one power step E ← orthonormal basis of EL (basis =
 * qr), rows and V sorted by diag(ELEᵀ) first. V is carried over as it is.
 */
#include "opt/builtin.h"
#include "opt/structure/kron.h"

#include "base/base.h"
#include "la/dense.h"

#include <math.h>
#include <string.h>

static double *moment_of(const kron_tile *tile, size_t replica) {
    return tile->moment + replica * tile->rows * tile->cols;
}

/* E x Fᵀ, or back Eᵀ x F; by way of t, in t or out. */
static double *rotate(const kron_tile *tile, size_t replica, bool back, const double *x,
                      size_t ld, double *t, double *out) {
    size_t h = tile->rows, w = tile->cols;
    double *in = NULL;
    if (tile->has[UNS_KRON_LEFT]) {
        const double *e = uns_kron_at(tile->root, tile, UNS_KRON_LEFT, replica);
        uns_dense_gemm(back, false, h, w, h, 1.0, e, h, x, ld, 0.0, t, w);
        x = in = t;
        ld = w;
    }
    if (tile->has[UNS_KRON_RIGHT]) {
        const double *f = uns_kron_at(tile->root, tile, UNS_KRON_RIGHT, replica);
        uns_dense_gemm(false, !back, h, w, w, 1.0, x, ld, f, w, 0.0, out, w);
        in = out;
    }
    return in;
}

static bool all_finite(size_t count, const double *x) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static void swap_rows(size_t n, double *a, double *b) {
    for (size_t i = 0; i < n; i++) {
        double kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

uns_status uns_kron_decompose(size_t n, const double *factor, double *basis, void *room) {
    double *values = room;
    memcpy(basis, factor, n * n * sizeof *basis);
    uns_status status = uns_dense_eigen(n, basis, values, values + (n + 7) / 8 * 8);
    for (size_t i = 0; i < n / 2 && status == UNS_OK; i++)
        swap_rows(n, basis + i * n, basis + (n - 1 - i) * n);
    return status;
}

/* order: rows of E by descending diag(ELEᵀ), given p = EL; true where that changes anything. */
static bool sort_rows(size_t n, const double *e, const double *p, double *value,
                      size_t *order) {
    bool changed = false;
    for (size_t i = 0; i < n; i++) {
        double here = 0.0;
        for (size_t j = 0; j < n; j++)
            here += e[i * n + j] * p[i * n + j];
        size_t at = i;
        for (; at > 0 && value[at - 1] < here; at--) {
            value[at] = value[at - 1];
            order[at] = order[at - 1];
        }
        value[at] = here;
        order[at] = i;
        changed = changed || at != i;
    }
    return changed;
}

/* V with its rows or columns in a new order. */
static void reorder_moment(const kron_tile *tile, int side, const size_t *order, double *v,
                           double *room) {
    size_t h = tile->rows, w = tile->cols;
    memcpy(room, v, h * w * sizeof *v);
    for (size_t i = 0; i < h; i++)
        for (size_t j = 0; j < w; j++)
            v[i * w + j] =
                side == UNS_KRON_LEFT ? room[order[i] * w + j] : room[i * w + order[j]];
}

static uns_status power_step(const kron_tile *tile, size_t replica, int side,
                             const double *factor, double *basis, kron_lane *lane) {
    size_t n = uns_kron_side(tile, side), *order = lane->decomposition;
    double *value = (double *)(void *)(order + n), *p = lane->square[0];
    uns_dense_gemm(false, false, n, n, n, 1.0, basis, n, factor, n, 0.0, p, n);
    if (sort_rows(n, basis, p, value, order))
        reorder_moment(tile, side, order, moment_of(tile, replica), lane->rect[0]);
    for (size_t i = 0; i < n; i++)
        memcpy(basis + i * n, p + order[i] * n, n * sizeof *basis);
    return uns_dense_orthogonal(n, basis, lane->decomposition);
}

/* user: bool, the first basis of all. Both sides, for they share V. */
static void renew_basis(const uns_structure_site *site, const void *user, const kron_tile *tile,
                        size_t replica, int unused, kron_lane *lane) {
    bool by_power = !*(const bool *)user && site->spec->basis == UNS_BASIS_QR;
    (void)unused;
    for (int side = 0; side < UNS_KRON_SIDES; side++) {
        size_t n = uns_kron_side(tile, side);
        if (!tile->has[side])
            continue;
        const double *factor = uns_kron_at(tile->factor, tile, side, replica);
        double *basis = uns_kron_at(tile->root, tile, side, replica);
        if (!all_finite(n * n, factor)) {
            tile->marks[replica].broken[side] = true;
            return;
        }
        uns_status status = by_power
                                ? power_step(tile, replica, side, factor, basis, lane)
                                : uns_kron_decompose(n, factor, basis, lane->decomposition);
        if (status != UNS_OK)
            lane->status = uns_fail(site->context, status,
                                    "structure '%s': the eigenvectors of a factor of %zu rows "
                                    "did not converge",
                                    site->spec->structure, n);
        lane->taken++;
    }
}

/* Tiles with factors of which something has been observed, and whose basis is due. */
static size_t list_due(const uns_structure_site *site, uns_const_tensors s, bool first) {
    const kron_work *work = site->scratch;
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const kron_tile *tile = &work->tiles[i];
        for (size_t r = 0; s.data[tile->block] && !tile->diagonal && r < site->replicas; r++) {
            kron_mark *mark = &tile->marks[r];
            bool due = mark->observed - mark->taken >= (uint64_t)site->spec->refresh;
            due = first ? mark->taken == 0 && mark->observed > 0 : mark->taken > 0 && due;
            if (!due || !site->active[r])
                continue;
            mark->taken = mark->observed;
            work->jobs[count++] = (i * site->replicas + r) * UNS_KRON_SIDES;
        }
    }
    return count;
}

typedef struct observation {
    const uns_coeffs *k;
    uns_const_tensors s;
    bool opened;
} observation;

/* V, then the factors. */
static void observe_tile(const uns_structure_site *site, const void *user,
                         const kron_tile *tile, size_t replica, int unused, kron_lane *lane) {
    const observation *my = user;
    const void *s = my->s.data[tile->block];
    (void)unused;
    if (tile->diagonal) {
        if (my->opened)
            uns_kron_diagonal_observe(site, tile, my->k, s);
        return;
    }
    kron_mark *mark = &tile->marks[replica];
    if (mark->taken > 0) {
        size_t ld;
        const double *x = uns_kron_gather(site, tile, replica, s, lane->rect[0], &ld);
        double *turned = rotate(tile, replica, false, x, ld, lane->rect[1], lane->rect[2]);
        site->kernels->of[UNS_F64].accumulate(tile->rows * tile->cols, my->k->a, my->k->b,
                                              my->k->e, turned, moment_of(tile, replica));
    }
    if (uns_kron_count(site, mark, my->k))
        for (int side = 0; side < UNS_KRON_SIDES; side++)
            if (tile->has[side])
                uns_kron_accumulate(site, tile, replica, side, s, lane);
}

static uns_status observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                          uns_const_tensors s) {
    kron_head *head = state;
    uns_status status = UNS_OK;
    for (int first = 0; first < 2 && status == UNS_OK; first++) {
        bool opening = first == 1;
        status = uns_kron_run_roots(site, list_due(site, s, opening), renew_basis, &opening);
    }
    observation my = {k, s, head->opened};
    if (status == UNS_OK)
        status = uns_kron_run(site, uns_kron_list(site, s.data), observe_tile, &my);
    head->opened = true;
    return status;
}

static uns_status refresh(const uns_structure_site *site, void *state, const uns_root *root,
                          uns_const_tensors mean, uint64_t t) {
    kron_work *work = site->scratch;
    (void)state, (void)mean, (void)t;
    work->root = *root;
    return UNS_OK;
}

typedef struct directions {
    uns_const_tensors u;
    uns_tensors d;
} directions;

/* V, or V with the share of its largest entry added that the root's damping says, in room. */
static const double *damped(size_t count, const double *v, const uns_root *root, double *room) {
    double most = 0.0;
    if (root->damping == 0.0)
        return v;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, v[i]);
    for (size_t i = 0; i < count; i++)
        room[i] = v[i] + root->damping * most;
    return room;
}

static void precondition_tile(const uns_structure_site *site, const void *user,
                              const kron_tile *tile, size_t replica, int unused,
                              kron_lane *lane) {
    const directions *my = user;
    const uns_root *root = &((const kron_work *)site->scratch)->root;
    const void *u = my->u.data[tile->block];
    void *d = my->d.data[tile->block];
    size_t ld, ld_out, w = tile->cols;
    (void)unused;
    if (tile->diagonal) {
        uns_kron_diagonal_apply(site, tile, root, NULL, u, d, lane->row);
        return;
    }
    const double *x = uns_kron_gather(site, tile, replica, u, lane->rect[0], &ld);
    double *turned = rotate(tile, replica, false, x, ld, lane->rect[1], lane->rect[2]);
    const double *v = damped(tile->rows * w, moment_of(tile, replica), root, lane->rect[0]);
    site->kernels->of[UNS_F64].precondition(tile->rows * w, root, v, turned, turned);
    double *other = turned == lane->rect[1] ? lane->rect[2] : lane->rect[1];
    double *result = rotate(tile, replica, true, turned, w, lane->rect[0], other);
    double *out = uns_kron_target(site, tile, d, result, &ld_out);
    for (size_t i = 0; i < tile->rows && out != result; i++)
        memcpy(out + i * ld_out, result + i * w, w * sizeof *out);
    uns_kron_scatter(site, tile, replica, result, d);
}

static uns_status precondition(const uns_structure_site *site, void *state, uns_const_tensors u,
                               uns_tensors d) {
    (void)state;
    directions my = {u, d};
    return uns_kron_run(site, uns_kron_list(site, u.data), precondition_tile, &my);
}

const uns_structure_ops uns_structure_kron_eigen = {
    .size = sizeof(uns_structure_ops),
    .name = "kron-eigen",
    .summary = "a diagonal in the eigenbasis of Kronecker factors",
    .needs_lapack = true,
    .elements = uns_no_elements,
    .bytes = uns_kron_bytes,
    .prepare = uns_kron_prepare,
    .observe = observe,
    .refresh = refresh,
    .precondition = precondition,
    .refreshes = true,
    .check = uns_kron_check,
    .scratch = uns_kron_scratch,
    .product = uns_kron_product,
    .metric_bytes = uns_kron_metric_bytes,
    .metric_open = uns_kron_metric_open,
    .report = uns_kron_report,
    .opening = 1,
    .damps = true,
};
