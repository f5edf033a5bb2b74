/* SPDX-License-Identifier: MIT
 * Kronecker factors with refresh = adaptive: whether a factor's root has drifted. As for dense
 * pieces (dense_refresh.c), with F₀ the factor that R was taken of and k, k₀ the corrections,
 *
 *     ‖R(kF − k₀F₀)R‖² > tolerance² · Σw²/(Σw)² · ((tr M)² + ‖M‖²)/m,     M = R(k₀F₀)R,
 *
 * the right side being the estimation error of the same quantity from signals of m independent
 * normal rows (or columns): a root need not be more exact than the estimate it is taken of.
 * Norms and traces by probes z of fixed signs (Hutchinson 1990).
 */
#include "opt/structure/kron.h"

#include "la/dense.h"

#include <string.h>

enum {
    LOOKS = 16 /* looks at the drift in one effective memory (Σw)²/Σw² */
};

static const double least_error = 0.01; /* drift let pass where the factor is known exactly */

/* ±1: the top bit of a SplitMix64 output (Steele, Lea, Flood 2014). Constants, no random
 * numbers of the run. */
static double sign_at(size_t probe, size_t i) {
    uint64_t x =
        ((uint64_t)probe << 32 | (uint64_t)i) * 0x9E3779B97F4A7C15u + 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (x ^ (x >> 31)) >> 63 ? -1.0 : 1.0;
}

/* W then Y of one probe, n each. */
static double *probe_at(const kron_tile *tile, int side, size_t replica, size_t probe) {
    size_t n = uns_kron_side(tile, side);
    return tile->probes[side] + (replica * UNS_KRON_PROBES + probe) * 2 * n;
}

void uns_kron_probe(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                    int side, double k, const double *moment, kron_lane *lane) {
    size_t n = uns_kron_side(tile, side);
    const double *root = uns_kron_at(tile->root, tile, side, replica);
    double *z = lane->decomposition, *m = z + n, trace = 0.0, size = 0.0;
    for (size_t p = 0; p < UNS_KRON_PROBES; p++) {
        double *w = probe_at(tile, side, replica, p), *y = w + n;
        for (size_t i = 0; i < n; i++)
            z[i] = sign_at(p, i);
        uns_dense_symv(n, root, z, w);
        uns_dense_symv(n, moment, w, y);
        site->kernels->of[UNS_F64].scale(n, k, y, y);
        uns_dense_symv(n, root, y, m);
        trace += site->kernels->dot(n, z, m) / UNS_KRON_PROBES;
        size += site->kernels->dot(n, m, m) / UNS_KRON_PROBES;
    }
    tile->marks[replica].trace[side] = trace;
    tile->marks[replica].size[side] = size;
}

static bool side_drifted(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                         int side, double correction, kron_lane *lane) {
    const kron_mark *mark = &tile->marks[replica];
    size_t n = uns_kron_side(tile, side);
    double k, drift = 0.0, *x = lane->decomposition, *out = x + n;
    const double *moment = uns_kron_moment(site, tile, replica, side, correction, &k, lane);
    for (size_t p = 0; p < UNS_KRON_PROBES; p++) {
        const double *w = probe_at(tile, side, replica, p), *y = w + n;
        uns_dense_symv(n, moment, w, x);
        site->kernels->of[UNS_F64].mix(n, k, x, -1.0, y, x);
        uns_dense_symv(n, uns_kron_at(tile->root, tile, side, replica), x, out);
        drift += site->kernels->dot(n, out, out) / UNS_KRON_PROBES;
    }
    double trace = mark->trace[side], size = mark->size[side];
    double share = mark->square / (mark->weight * mark->weight);
    double error = share * (trace * trace + size) / (double)uns_kron_side(tile, !side);
    double least = least_error * least_error * size;
    double tolerance = site->spec->refresh_tolerance;
    return !(drift <= tolerance * tolerance * (error > least ? error : least));
}

/* Looks fall on multiples of a power of two, so that they need no memory of the last one. */
static bool looks_now(const kron_mark *mark) {
    uint64_t period = 1;
    double memory = mark->square > 0.0 ? mark->weight * mark->weight / mark->square : 0.0;
    while ((double)(2 * period) * LOOKS <= memory)
        period *= 2;
    return (mark->samples & (period - 1)) == 0;
}

static void look(const uns_structure_site *site, const void *user, const kron_tile *tile,
                 size_t replica, int unused, kron_lane *lane) {
    const uns_root *root = user;
    kron_mark *mark = &tile->marks[replica];
    (void)unused;
    for (int side = 0; side < UNS_KRON_SIDES && !mark->drifted; side++)
        mark->drifted =
            tile->has[side] && side_drifted(site, tile, replica, side, root->correction, lane);
}

uns_status uns_kron_look(const uns_structure_site *site, const uns_root *root) {
    const kron_work *work = site->scratch;
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++)
        for (size_t r = 0; r < site->replicas && !work->tiles[i].diagonal; r++) {
            kron_mark *mark = &work->tiles[i].marks[r];
            bool fresh = mark->sampled == mark->observed && mark->observed > mark->taken;
            mark->drifted = false;
            if (site->active[r] && fresh && mark->taken > 0 && looks_now(mark))
                work->jobs[count++] = (i * site->replicas + r) * UNS_KRON_SIDES;
        }
    return uns_kron_run(site, count, look, root);
}
