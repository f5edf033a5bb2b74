/* SPDX-License-Identifier: MIT
 * Kronecker family: blocks that keep their diagonal, by the elementwise kernels in f64, all
 * replicas at once.
 */
#include "opt/structure/kron.h"
#include "opt/structure/wide.h"

#include <string.h>

enum {
    CHUNK = 512
};

static size_t elements_of(const uns_structure_site *site, const kron_tile *tile) {
    return tile->rows * tile->cols * site->replicas;
}

/* Lets the chunk's moment run on and gives the replicas that sit out their old values back. */
static void accumulate(const uns_structure_site *site, const uns_coeffs *k, size_t at, size_t n,
                       const double *s, double *moment) {
    double old[CHUNK];
    memcpy(old, moment, n * sizeof *old);
    site->kernels->of[UNS_F64].accumulate(n, k->a, k->b, k->e, s, moment);
    for (size_t i = 0; i < n; i++)
        if (!site->active[(at + i) % site->replicas])
            moment[i] = old[i];
}

void uns_kron_diagonal_observe(const uns_structure_site *site, const kron_tile *tile,
                               const uns_coeffs *k, const void *s) {
    size_t n = elements_of(site, tile);
    double room[CHUNK];
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t here = n - at < CHUNK ? n - at : CHUNK;
        accumulate(site, k, at, here, uns_wide(site, s, at, here, room), tile->moment + at);
    }
}

void uns_kron_diagonal_apply(const uns_structure_site *site, const kron_tile *tile,
                             const uns_root *root, const void *mean, const void *u, void *d) {
    const uns_elementwise *kernel = &site->kernels->of[UNS_F64];
    size_t n = elements_of(site, tile);
    double room[CHUNK], variance[CHUNK];
    uns_root own = *root;
    own.exponent *= tile->share;
    own.correction = mean ? 1.0 : root->correction;
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t here = n - at < CHUNK ? n - at : CHUNK;
        const double *c = tile->moment + at;
        if (mean) {
            const double *m = uns_wide(site, mean, at, here, room);
            kernel->variance(here, root->correction, c, m, variance);
            c = variance;
        }
        kernel->precondition(here, &own, c, uns_wide(site, u, at, here, room), room);
        uns_narrow(site, room, at, here, d);
    }
}

void uns_kron_diagonal_direct(const uns_structure_site *site, const kron_tile *tile,
                              const uns_root *root, const void *u, void *d) {
    size_t n = elements_of(site, tile);
    double room[CHUNK];
    uns_root own = *root;
    own.exponent *= tile->share;
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t here = n - at < CHUNK ? n - at : CHUNK;
        const double *x = uns_wide(site, u, at, here, room);
        site->kernels->of[UNS_F64].precondition_signal(here, &own, x, x, room);
        uns_narrow(site, room, at, here, d);
    }
}
