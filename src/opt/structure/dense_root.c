/* SPDX-License-Identifier: MIT
 * Dense pieces: taking roots, side by side on the pool: tiny pieces some thirty replicas at a
 * time (root_rows.h), others one by one (root.h). After one of these, probes z measure what it
 * has made of C: W = Rz, Y = (cC)W, and with M = R(cC)R, which is I for p = ½ and ε = 0,
 * tr M, tr M², tr M³ ~ |z|², zᵀMz, |Mz|² (after Hutchinson 1990).
 *
 * z = √c·RH with H the signals in C, summed up with signs: E zzᵀ = M over the signs, and z
 * turns with the parameters, as fixed probes would not. An oracle's C has no signals; for it z
 * is a vector of fixed signs, and what is measured n, tr M, tr M².
 */
#include "opt/structure/dense_parts.h"

#include "base/base.h"
#include "base/machine.h"
#include "la/dense.h"
#include "la/root.h"
#include "la/root_rows.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <unsaddle/elementary.h>

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* For pieces up to n, tiny ones among them. */
static dense_lane place_lane(uns_arena *arena, size_t n) {
    size_t tiny = n < UNS_DENSE_TINY ? n : UNS_DENSE_TINY;
    size_t square = uns_size_product(uns_size_product(n, n), sizeof(double));
    size_t matrix = larger(square, uns_triangle(tiny) * UNS_DENSE_BATCH * sizeof(double));
    size_t vector = larger(n, tiny * UNS_DENSE_BATCH) * sizeof(double);
    size_t root = larger(uns_root_scratch(n), uns_dense_eigen_bytes(n));
    dense_lane my = {0};
    my.c = uns_arena_take(arena, matrix);
    my.r = uns_arena_take(arena, matrix);
    my.z = uns_arena_take(arena, vector);
    my.w = uns_arena_take(arena, vector);
    my.y = uns_arena_take(arena, vector);
    my.m = uns_arena_take(arena, vector);
    my.h = uns_arena_take(arena, uns_size_product(UNS_DENSE_PROBES, n * sizeof(double)));
    my.root = uns_arena_take(arena, larger(root, uns_root_rows_scratch(tiny, UNS_DENSE_BATCH)));
    return my;
}

size_t uns_dense_lane_bytes(size_t n) {
    uns_arena arena = {NULL, 0};
    place_lane(&arena, n);
    return arena.used;
}

dense_lane uns_dense_lane(const dense_work *work, size_t k, size_t n) {
    uns_arena arena = {work->lane + k * work->lane_bytes, 0};
    return place_lane(&arena, n);
}

static double centred_entry(const double *mean, size_t replicas, double k, size_t i, size_t j,
                            double c) {
    return k * c - (k * mean[i * replicas]) * (k * mean[j * replicas]);
}

void uns_dense_unpack(const dense_work *work, const dense_piece *piece, size_t replicas,
                      size_t r, double k, double *full) {
    const double *from = piece->c + r;
    const double *mean = work->mean ? work->mean + piece->begin * replicas + r : NULL;
    for (size_t i = 0; i < piece->n; i++)
        for (size_t j = 0; j <= i; j++, from += replicas) {
            full[i * piece->n + j] =
                mean ? centred_entry(mean, replicas, k, i, j, *from) : *from;
        }
}

void uns_dense_pack_moment(const dense_work *work, const dense_piece *piece, size_t replicas,
                           size_t r, double k) {
    const double *mean = work->mean ? work->mean + piece->begin * replicas + r : NULL;
    size_t at = r, end = uns_dense_rows(piece->n) * replicas;
    for (size_t i = 0; i < piece->n; i++)
        for (size_t j = 0; j <= i; j++, at += replicas)
            piece->later_c[at] =
                mean ? centred_entry(mean, replicas, k, i, j, piece->c[at]) : piece->c[at];
    for (; at < end; at += replicas)
        piece->later_c[at] = mean ? sqrt(k) * piece->c[at] : piece->c[at];
}

void uns_dense_load(size_t n, size_t replicas, size_t r, const double *packed,
                    const dense_lane *my) {
    packed += r;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++, packed += replicas)
            my->c[i * n + j] = *packed;
    for (size_t i = 0; i < UNS_DENSE_PROBES * n; i++, packed += replicas)
        my->h[i] = *packed;
}

uns_root uns_dense_root_of(const dense_work *work, const uns_root *root) {
    uns_root own = *root;
    if (work->mean)
        own.correction = 1.0;
    return own;
}

static void pack(size_t n, size_t replicas, const double *full, double *packed) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++, packed += replicas)
            *packed = full[i * n + j];
}

double uns_dense_sign(uint64_t k, uint64_t i) {
    uint64_t x = (k << 32 ^ i) * 0x9E3779B97F4A7C15u + 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (x ^ (x >> 31)) >> 63 ? -1.0 : 1.0;
}

static double dot(size_t n, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static void scale(size_t n, double k, double *x) {
    for (size_t i = 0; i < n; i++)
        x[i] *= k;
}

/* z of probe p. */
static void make_probe(size_t n, size_t p, double k, const dense_lane *my) {
    const double *h = my->h + p * n;
    uns_dense_symv(n, my->r, h, my->z);
    scale(n, sqrt(k), my->z);
    if (dot(n, h, h) == 0.0)
        for (size_t i = 0; i < n; i++)
            my->z[i] = uns_dense_sign(p, i);
}

/* lane->c is scaled by k for cC. */
static void probe(const dense_piece *piece, size_t replicas, size_t r, double k,
                  const dense_lane *my) {
    size_t n = piece->n;
    dense_mark *mark = &piece->marks[r];
    mark->trace = mark->size = mark->third = 0.0;
    for (size_t p = 0; p < UNS_DENSE_PROBES; p++) {
        make_probe(n, p, k, my);
        uns_dense_symv(n, my->r, my->z, my->w);
        uns_dense_symv(n, my->c, my->w, my->y);
        scale(n, k, my->y);
        uns_dense_symv(n, my->r, my->y, my->m);
        mark->trace += dot(n, my->z, my->z) / UNS_DENSE_PROBES;
        mark->size += dot(n, my->z, my->m) / UNS_DENSE_PROBES;
        mark->third += dot(n, my->m, my->m) / UNS_DENSE_PROBES;
        for (size_t i = 0; i < n; i++) {
            piece->w[(p * n + i) * replicas + r] = my->w[i];
            piece->y[(p * n + i) * replicas + r] = my->y[i];
        }
    }
}

/* M where C is singular: what the probes see of it is rounding, R being 1/ε on the null space.
 * All of it is taken to be what it is at the largest eigenvalue; at p = ½ that is 1. */
static void expect_moment(const dense_piece *piece, size_t r, const uns_root *root,
                          double largest) {
    double m = largest > 0.0 ? uns_pow(largest, 1.0 - 2.0 * root->exponent) : 1.0;
    piece->marks[r].trace = (double)piece->n * m;
    piece->marks[r].size = (double)piece->n * m * m;
    piece->marks[r].third = (double)piece->n * m * m * m;
}

/* Jobs that are done together: one, or those of a tiny piece. */
typedef struct root_jobs {
    const uns_structure_site *site;
    const dense_work *work;
    const uns_root *root;
    bool late;    /* of later_c */
    size_t count; /* units: jobs[units[k]] ... jobs[units[k + 1] − 1] */
    atomic_size_t next;
    dense_lane *lanes;
} root_jobs;

uns_status uns_dense_root_into(uns_context *context, const dense_piece *to, size_t replicas,
                               size_t r, const uns_root *root, bool probed, dense_lane *my) {
    uns_root_report report = {0};
    UNS_TRY(uns_root_dense(context, to->n, root, my->c, my->r, my->root, &report));
    pack(to->n, replicas, my->r, to->r + r);
    dense_mark *mark = &to->marks[r];
    double floor = (double)to->n * DBL_EPSILON * report.largest;
    *mark = (dense_mark){.kept = 1.0};
    for (size_t i = 0; i < to->n; i++)
        mark->level += root->correction * my->c[i * to->n + i];
    bool singular = !(report.smallest > 4.0 * floor);
    mark->blind = root->epsilon == 0.0 && singular;
    if (probed)
        probe(to, replicas, r, root->correction, my);
    if (singular)
        expect_moment(to, r, root, report.largest);
    my->error = report.error > my->error ? report.error : my->error;
    my->taken++;
    return UNS_OK;
}

/* Of C now; what it says is of now too. */
static uns_status take_now(const root_jobs *jobs, const dense_piece *piece, size_t r,
                           dense_lane *my) {
    const dense_work *work = jobs->work;
    const uns_structure_site *site = jobs->site;
    uns_root root = uns_dense_root_of(work, jobs->root);
    size_t replicas = site->replicas;
    const double *h = piece->c + uns_triangle(piece->n) * replicas + r;
    double k = work->mean ? sqrt(jobs->root->correction) : 1.0;
    uns_dense_unpack(work, piece, replicas, r, jobs->root->correction, my->c);
    for (size_t i = 0; i < UNS_DENSE_PROBES * piece->n; i++)
        my->h[i] = k * h[i * replicas];
    UNS_TRY(uns_dense_root_into(site->context, piece, site->replicas, r, &root,
                                site->spec->refresh == UNS_REFRESH_ADAPTIVE, my));
    dense_mark *mark = &piece->marks[r];
    mark->taken = work->head->version;
    mark->weight = work->head->weight;
    mark->square = work->head->square;
    return UNS_OK;
}

/* A C that is not finite has no root, and no later signal mends it: the replica is reported. */
static void take_root(const root_jobs *jobs, size_t job, dense_lane *my) {
    const uns_structure_site *site = jobs->site;
    size_t r = job % site->replicas;
    const dense_piece *piece = &jobs->work->pieces[job / site->replicas];
    uns_status status =
        jobs->late ? uns_dense_take_kept(site, piece, r, my) : take_now(jobs, piece, r, my);
    if (status == UNS_ERROR_RANGE)
        site->failed[r] = 1;
    else if (status != UNS_OK)
        my->status = status;
}

/* The units' columns of a packed array of all replicas, into columns of their own, and back. */
static void collect(size_t rows, size_t replicas, size_t count, const size_t *jobs,
                    const double *from, double *to) {
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < count; k++)
            to[i * count + k] = from[i * replicas + jobs[k] % replicas];
}

static void distribute(size_t rows, size_t replicas, size_t count, const size_t *jobs,
                       const double *from, double *to) {
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < count; k++)
            to[i * replicas + jobs[k] % replicas] = from[i * count + k];
}

/* C ← kC − k²ḡḡᵀ */
static void centre_tiny(const root_jobs *jobs, const dense_piece *piece, size_t count,
                        const size_t *units, const dense_lane *my) {
    const dense_work *work = jobs->work;
    size_t replicas = jobs->site->replicas, n = piece->n;
    double keep[UNS_DENSE_BATCH], take[UNS_DENSE_BATCH], k = jobs->root->correction;
    for (size_t i = 0; i < count; i++) {
        keep[i] = k;
        take[i] = -k * k;
    }
    collect(n, replicas, count, units, work->mean + piece->begin * replicas, my->w);
    jobs->site->kernels->outer_rows(n, count, keep, take, my->w, my->c);
}

static void take_tiny(const root_jobs *jobs, size_t count, const size_t *units,
                      dense_lane *my) {
    const uns_structure_site *site = jobs->site;
    const dense_work *work = jobs->work;
    size_t replicas = site->replicas;
    const dense_piece *piece = &work->pieces[units[0] / replicas];
    size_t rows = uns_triangle(piece->n);
    uns_root root = uns_dense_root_of(work, jobs->root);
    uns_small_root reports[UNS_DENSE_BATCH];
    collect(rows, replicas, count, units, piece->c, my->c);
    if (work->mean)
        centre_tiny(jobs, piece, count, units, my);
    uns_root_rows(site->kernels, piece->n, count, &root, my->c, my->r, my->root, reports);
    distribute(rows, replicas, count, units, my->r, piece->r);
    for (size_t k = 0; k < count; k++) {
        piece->marks[units[k] % replicas].taken = work->head->version;
        if (reports[k].bad)
            site->failed[units[k] % replicas] = 1;
        else
            my->error = reports[k].error > my->error ? reports[k].error : my->error;
    }
    my->taken += count;
}

static void run_lane(void *user, size_t index) {
    root_jobs *jobs = user;
    const dense_work *work = jobs->work;
    dense_lane *my = &jobs->lanes[index];
    size_t unit;
    uint64_t mode = uns_flush_enter();
    while ((unit = atomic_fetch_add(&jobs->next, 1)) < jobs->count) {
        const size_t *first = &work->jobs[work->units[unit]];
        if (work->pieces[*first / jobs->site->replicas].n <= UNS_DENSE_TINY)
            take_tiny(jobs, work->units[unit + 1] - work->units[unit], first, my);
        else
            take_root(jobs, *first, my);
    }
    uns_flush_restore(mode);
}

/* Jobs come piece by piece; those of a tiny one go together. */
static size_t cut_units(const uns_structure_site *site, size_t count) {
    const dense_work *work = site->scratch;
    size_t units = 0, at = 0;
    while (at < count) {
        size_t piece = work->jobs[at] / site->replicas, end = at + 1;
        size_t most = work->pieces[piece].n <= UNS_DENSE_TINY ? UNS_DENSE_BATCH : 1;
        while (end < count && end - at < most && work->jobs[end] / site->replicas == piece)
            end++;
        work->units[units++] = at;
        at = end;
    }
    work->units[units] = count;
    return units;
}

uns_status uns_dense_take_roots(const uns_structure_site *site, const uns_root *root,
                                size_t count) {
    enum {
        LANES = 256 /* as many threads as a context may have */
    };
    const dense_work *work = site->scratch;
    dense_head *head = work->head;
    dense_lane lanes[LANES];
    size_t units = cut_units(site, count), largest = 0;
    size_t used = units < work->lanes ? units : work->lanes;
    for (size_t k = 0; k < count; k++) {
        size_t n = work->pieces[work->jobs[k] / site->replicas].n;
        largest = n > largest ? n : largest;
    }
    for (size_t k = 0; k < used; k++)
        lanes[k] = uns_dense_lane(work, k, largest);
    root_jobs jobs = {site, work, root, root == NULL, units, 0, lanes};
    double before = uns_machine_seconds();
    uns_pool_run(uns_context_pool(site->context), used, run_lane, &jobs);
    *site->root_seconds += uns_machine_seconds() - before;
    uns_status status = UNS_OK;
    for (size_t k = 0; k < used; k++) {
        head->error = lanes[k].error > head->error ? lanes[k].error : head->error;
        head->roots += lanes[k].taken;
        status = lanes[k].status != UNS_OK ? lanes[k].status : status;
    }
    return status;
}

/* R ← R − κ·vvᵀ/(sᵀv), v = Rs, where the step is shortened (dense_step.c). */
static void cut_back(const dense_work *work, const dense_piece *piece, size_t replicas,
                     size_t r, double *full, const dense_lane *my) {
    const dense_mark *mark = &piece->marks[r];
    size_t n = piece->n, from = piece->begin * replicas + r;
    if (mark->cut != work->head->version)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t at = from + i * replicas;
        my->z[i] = work->signal[at] - (work->mean ? work->mean[at] : 0.0);
    }
    uns_dense_symv(n, full, my->z, my->w);
    double along = dot(n, my->z, my->w);
    for (size_t i = 0; i < n && along > 0.0; i++)
        for (size_t j = 0; j <= i; j++)
            full[i * n + j] -= mark->share / along * my->w[i] * my->w[j];
}

uns_status uns_dense_decompose(const uns_structure_site *site, const dense_piece *piece,
                               const uns_root *root, size_t r, double *vectors,
                               double *values) {
    const dense_work *work = site->scratch;
    size_t n = piece->n, replicas = site->replicas;
    dense_lane my = uns_dense_lane(work, 0, n);
    const double *from = piece->r + r;
    if (piece->marks[r].taken == 0) {
        uns_root own = uns_dense_root_of(work, root);
        uns_root_report report;
        uns_dense_unpack(work, piece, replicas, r, root->correction, my.c);
        UNS_TRY(uns_root_dense(site->context, n, &own, my.c, vectors, my.root, &report));
    } else {
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++, from += replicas)
                vectors[i * n + j] = *from;
        cut_back(work, piece, replicas, r, vectors, &my);
    }
    uns_status status = uns_dense_eigen(n, vectors, values, my.root);
    if (status != UNS_OK)
        return uns_fail(site->context, status,
                        "metric: the eigenvalues of a %zu×%zu preconditioner did not converge",
                        n, n);
    return UNS_OK;
}
