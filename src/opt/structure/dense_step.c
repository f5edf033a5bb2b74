/* SPDX-License-Identifier: MIT
 * Dense pieces: what every step does. C takes in a signal, the oracle's C is taken over, and
 * R·u. What is refreshed when: dense_refresh.c.
 */
#include "opt/structure/dense_parts.h"

#include <math.h>
#include <string.h>

static bool all_active(const uns_structure_site *site) {
    return !memchr(site->active, 0, site->replicas);
}

/* What stays out counts as s = 0 with a = 1, b = 0: its C and ḡ are left as they are. */
static void fill_coeffs(const uns_structure_site *site, dense_work *work, const uns_coeffs *k) {
    for (size_t r = 0; r < site->replicas; r++) {
        work->a[r] = site->active[r] ? k->a : 1.0;
        work->b[r] = site->active[r] ? k->b : 0.0;
    }
}

static void keep_signal(const uns_structure_site *site, dense_work *work, uns_const_tensors s) {
    size_t replicas = site->replicas;
    const double *flat = uns_dense_gather(site, s, work->signal);
    if (flat != work->signal)
        memcpy(work->signal, flat, work->d * replicas * sizeof *flat);
    if (all_active(site))
        return;
    for (size_t r = 0; r < replicas; r++)
        for (size_t i = 0; i < work->d && !site->active[r]; i++)
            work->signal[i * replicas + r] = 0.0;
}

static void average(const uns_structure_site *site, const dense_work *work) {
    size_t replicas = site->replicas;
    for (size_t i = 0; i < work->d; i++)
        for (size_t r = 0; r < replicas; r++) {
            double *mean = &work->mean[i * replicas + r];
            *mean = work->a[r] * *mean + work->b[r] * work->signal[i * replicas + r];
        }
}

typedef struct rows_job {
    const uns_structure_site *site;
    const uns_coeffs *k;
    const double *s;
    double *c;
    size_t n;
} rows_job;

static void accumulate_strip(void *user, size_t strip) {
    const rows_job *my = user;
    const uns_elementwise *kernel = &my->site->kernels->of[UNS_F64];
    uint64_t mode = uns_flush_enter();
    size_t end = uns_dense_strip(my->n, strip + 1);
    for (size_t i = uns_dense_strip(my->n, strip); i < end; i++) {
        double *row = my->c + uns_triangle(i);
        kernel->mix(i + 1, my->k->a, row, my->k->b * my->s[i], my->s, row);
    }
    uns_flush_restore(mode);
}

static void accumulate(const uns_structure_site *site, const dense_work *work,
                       const dense_piece *piece, const uns_coeffs *k) {
    const double *s = work->signal + piece->begin * site->replicas;
    if (site->replicas > 1 || piece->n <= UNS_DENSE_SMALL) {
        site->kernels->outer_rows(piece->n, site->replicas, work->a, work->b, s, piece->c);
        return;
    }
    rows_job job = {site, k, s, piece->c, piece->n};
    uns_dense_for_strips(site, piece->n, accumulate_strip, &job);
}

/* H ← √a·H ± √b·s, or s − ḡ, with signs of their own for each probe: over the signs E HHᵀ is
 * C. */
static void mix_probes(const uns_structure_site *site, dense_work *work,
                       const dense_piece *piece, const uns_coeffs *k) {
    size_t n = piece->n, replicas = site->replicas;
    const uns_elementwise *kernel = &site->kernels->of[UNS_F64];
    double *h = piece->c + uns_triangle(n) * replicas;
    const double *s = uns_dense_deviation(site, work, piece);
    double keep = sqrt(k->a), take = sqrt(fmax(k->b, 0.0));
    bool all = all_active(site);
    for (size_t p = 0; p < UNS_DENSE_PROBES; p++, h += n * replicas) {
        double own = take * uns_dense_sign(p, work->head->version);
        if (all)
            kernel->mix(n * replicas, keep, h, own, s, h);
        for (size_t i = 0; i < n * replicas && !all; i++)
            if (site->active[i % replicas])
                h[i] = keep * h[i] + own * s[i];
    }
}

static void accumulate_diagonal(const uns_structure_site *site, const dense_work *work,
                                const dense_piece *piece) {
    size_t replicas = site->replicas;
    for (size_t i = 0; i < piece->n; i++)
        for (size_t r = 0; r < replicas; r++) {
            double s = work->signal[(piece->begin + i) * replicas + r];
            double *c = &piece->c[i * replicas + r];
            *c = work->a[r] * *c + work->b[r] * s * s;
        }
}

/* What a root knows of C fades by k. */
static void fade(const uns_structure_site *site, const dense_piece *piece, double k) {
    for (size_t r = 0; r < site->replicas; r++)
        if (site->active[r])
            piece->marks[r].kept *= k;
    for (size_t r = 0; piece->later && r < site->replicas; r++)
        if (site->active[r])
            piece->later[r].kept *= k;
}

static void add_increment(const uns_structure_site *site, const dense_piece *piece, double e) {
    for (size_t i = 0; i < piece->n; i++) {
        double *row = piece->c + (piece->dense ? uns_triangle(i) + i : i) * site->replicas;
        for (size_t r = 0; r < site->replicas; r++)
            row[r] += site->active[r] ? e : 0.0;
    }
}

uns_status uns_dense_observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                             uns_const_tensors s) {
    dense_work *work = site->scratch;
    dense_head *head = state;
    fill_coeffs(site, work, k);
    keep_signal(site, work, s);
    if (work->mean)
        average(site, work);
    for (size_t i = 0; i < work->count; i++) {
        const dense_piece *piece = &work->pieces[i];
        if (piece->dense)
            accumulate(site, work, piece, k);
        else
            accumulate_diagonal(site, work, piece);
        if (piece->dense && piece->n > UNS_DENSE_TINY)
            mix_probes(site, work, piece, k);
        if (piece->dense)
            fade(site, piece, k->a);
        if (k->e != 0.0)
            add_increment(site, piece, k->e);
    }
    head->signalled = ++head->version;
    head->weight = k->a * head->weight + k->b;
    head->square = k->a * k->a * head->square + k->b * k->b;
    head->latest = k->b;
    head->correction = k->c;
    return UNS_OK;
}

/* dense: [R][d][d] over the group's vector. It is known, not estimated: no Σw². */
uns_status uns_dense_adopt(const uns_structure_site *site, void *state, const double *dense) {
    const dense_work *work = site->scratch;
    dense_head *head = state;
    size_t replicas = site->replicas, d = work->d;
    for (size_t r = 0; r < replicas; r++)
        for (size_t k = 0; k < work->count && site->active[r]; k++) {
            const dense_piece *piece = &work->pieces[k];
            for (size_t i = 0, at = r; i < piece->n; i++) {
                const double *row = dense + (r * d + piece->begin + i) * d + piece->begin;
                for (size_t j = piece->dense ? 0 : i; j <= i; j++, at += replicas)
                    piece->c[at] = row[j];
            }
        }
    head->version++;
    head->weight = head->correction = 1.0;
    head->square = 0.0;
    for (size_t k = 0; k < work->count; k++)
        if (work->pieces[k].dense)
            fade(site, &work->pieces[k], 0.0);
    return UNS_OK;
}

static bool any_cut(const uns_structure_site *site, const dense_work *work,
                    const dense_piece *piece) {
    bool any = false;
    for (size_t r = 0; r < site->replicas; r++)
        any = any || (site->active[r] && piece->marks[r].cut == work->head->version);
    return any;
}

/* d ← d − κ·v·(vᵀu)/(sᵀv): R − κ·Rs(Rs)ᵀ/(sᵀRs) is positive semidefinite for κ ≤ 1 and takes
 * s to (1 − κ)Rs; 1 − κ = (1 + b·sᵀC⁻¹s)^-p is what a root with s in it would make of it. */
static void cut_back(const uns_structure_site *site, dense_work *work, const dense_piece *piece,
                     const double *u) {
    size_t n = piece->n, replicas = site->replicas, from = piece->begin * replicas;
    const double *s = uns_dense_deviation(site, work, piece);
    double *v = work->v + from;
    if (work->fresh != work->head->version)
        uns_dense_multiply(site, n, piece->r, s, work->strip, v);
    uns_dense_dots(n, replicas, v, u + from, work->a);
    uns_dense_dots(n, replicas, v, s, work->b);
    for (size_t r = 0; r < replicas; r++) {
        const dense_mark *mark = &piece->marks[r];
        bool now = site->active[r] && mark->cut == work->head->version && work->b[r] > 0.0;
        work->a[r] = now ? mark->share * work->a[r] / work->b[r] : 0.0;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < replicas; r++)
            work->out[from + i * replicas + r] -= work->a[r] * v[i * replicas + r];
}

uns_status uns_dense_precondition(const uns_structure_site *site, void *state,
                                  uns_const_tensors u, uns_tensors d) {
    dense_work *work = site->scratch;
    const dense_head *head = state;
    size_t replicas = site->replicas;
    const double *flat = uns_dense_gather(site, u, work->u), *out = work->out;
    bool known = work->fresh == head->version && !work->mean &&
                 memcmp(flat, work->signal, work->d * replicas * sizeof *flat) == 0;
    for (size_t k = 0; k < work->count; k++) {
        const dense_piece *piece = &work->pieces[k];
        size_t from = piece->begin * replicas;
        bool measured = known && piece->n > UNS_DENSE_TINY;
        if (piece->dense && !measured)
            uns_dense_multiply(site, piece->n, piece->r, flat + from, work->strip,
                               work->out + from);
        else if (piece->dense)
            memcpy(work->out + from, work->v + from, piece->n * replicas * sizeof *out);
        if (piece->dense && any_cut(site, work, piece))
            cut_back(site, work, piece, flat);
        for (size_t i = 0; !piece->dense && i < piece->n * replicas; i++)
            work->out[from + i] = piece->r[i] * flat[from + i];
    }
    uns_dense_scatter(site, out, d);
    return UNS_OK;
}
