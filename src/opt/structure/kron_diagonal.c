/* SPDX-License-Identifier: MIT
 * Kronecker family: blocks that keep their diagonal, by the elementwise kernels in f64, all
 * replicas at once. Damped as matrices are: by their largest eigenvalue, which is an entry.
 */
#include "opt/root_number.h"
#include "opt/structure/kron.h"
#include "opt/structure/wide.h"

#include <math.h>
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

/* One tile on its way to d. C is the moment's, less a mean's square where there is one, or with
 * `direct` u² itself. */
typedef struct action {
    const uns_structure_site *site;
    const kron_tile *tile;
    uns_root own;
    double k; /* of the mean */
    bool direct;
    const void *mean, *u;
} action;

/* n entries of C from `at` on, in place or in `room`. */
static const double *entries(const action *my, size_t at, size_t n, double *room) {
    const uns_elementwise *kernel = &my->site->kernels->of[UNS_F64];
    double wide[CHUNK];
    if (my->direct) {
        const double *u = uns_wide(my->site, my->u, at, n, wide);
        for (size_t i = 0; i < n; i++)
            room[i] = u[i] * u[i];
        return room;
    }
    if (!my->mean)
        return my->tile->moment + at;
    const double *m = uns_wide(my->site, my->mean, at, n, wide);
    kernel->variance(n, my->k, my->tile->moment + at, m, room);
    return room;
}

/* most[r]: the largest entry of replica r. */
static void find_largest(const action *my, double *most) {
    size_t n = elements_of(my->site, my->tile), replicas = my->site->replicas;
    double room[CHUNK];
    memset(most, 0, replicas * sizeof *most);
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t here = n - at < CHUNK ? n - at : CHUNK;
        const double *c = entries(my, at, here, room);
        for (size_t i = 0; i < here; i++)
            most[(at + i) % replicas] = fmax(most[(at + i) % replicas], c[i]);
    }
}

static void act(const action *my, double *most, void *d) {
    size_t n = elements_of(my->site, my->tile), replicas = my->site->replicas;
    double room[CHUNK], moment[CHUNK];
    bool damped = my->own.damping > 0.0;
    if (damped)
        find_largest(my, most);
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t here = n - at < CHUNK ? n - at : CHUNK;
        const double *c = entries(my, at, here, moment);
        const double *u = uns_wide(my->site, my->u, at, here, room);
        for (size_t i = 0; damped && i < here; i++)
            moment[i] = uns_damped(&my->own, c[i], most[(at + i) % replicas]);
        my->site->kernels->of[UNS_F64].precondition(here, &my->own, damped ? moment : c, u,
                                                    room);
        uns_narrow(my->site, room, at, here, d);
    }
}

void uns_kron_diagonal_apply(const uns_structure_site *site, const kron_tile *tile,
                             const uns_root *root, const void *mean, const void *u, void *d,
                             double *row) {
    action my = {site, tile, *root, root->correction, false, mean, u};
    my.own.exponent *= tile->share;
    my.own.correction = mean ? 1.0 : root->correction;
    act(&my, row, d);
}

void uns_kron_diagonal_direct(const uns_structure_site *site, const kron_tile *tile,
                              const uns_root *root, const void *u, void *d, double *row) {
    size_t n = elements_of(site, tile);
    double room[CHUNK];
    action my = {site, tile, *root, 1.0, true, NULL, u};
    my.own.exponent *= tile->share;
    if (root->damping > 0.0) {
        act(&my, row, d);
        return;
    }
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t here = n - at < CHUNK ? n - at : CHUNK;
        const double *x = uns_wide(site, u, at, here, room);
        site->kernels->of[UNS_F64].precondition_signal(here, &my.own, x, x, room);
        uns_narrow(site, room, at, here, d);
    }
}
