/* SPDX-License-Identifier: MIT
 * Low rank: passes over the columns. A strip of the rows is one task: for a single replica it
 * takes a few columns at a time for all vectors, so that the columns come from memory once.
 * Sums over strips are in the strips' order, whatever the threads.
 */
#include "opt/structure/lowrank_parts.h"

#include <string.h>

enum {
    WORTH = 65536, /* elements from which waking threads pays */
    TILE = 8 /* columns between two vectors: their strips stay in the second-level cache */
};

typedef struct pass {
    const uns_structure_site *site;
    lowrank_work *work;
    const uns_elementwise *kernel;
    size_t count, vectors;
    const uns_const_tensors *x; /* NULL: ḡ */
    double *const *sums;
    uns_const_tensors u;
    uns_tensors d;
} pass;

static pass pass_of(const uns_structure_site *site, size_t count) {
    return (pass){.site = site,
                  .work = site->scratch,
                  .kernel = &site->kernels->of[site->dtype],
                  .count = count};
}

static const void *part(uns_dtype dtype, const void *tensor, size_t element) {
    return (const char *)tensor + element * uns_dtype_size(dtype);
}

/* NULL: 0 in this strip. */
static const void *vector_part(const pass *my, size_t v, const lowrank_strip *strip) {
    if (!my->x)
        return uns_lowrank_at(my->site, my->work, 0, strip);
    const void *tensor = my->x[v].data[strip->block];
    return tensor ? part(my->site->dtype, tensor, strip->begin) : NULL;
}

void uns_lowrank_run(const uns_structure_site *site, size_t elements, size_t count,
                     uns_task *task, void *user) {
    if (elements >= WORTH) {
        uns_pool_run(uns_context_pool(site->context), count, task, user);
        return;
    }
    for (size_t k = 0; k < count; k++)
        task(user, k);
}

static size_t elements_of(const pass *my) {
    return my->count * my->work->shape.d * my->work->shape.replicas;
}

/* Of a strip: the slots' products with the first vector, then with the second. */
static double *partial(const pass *my, size_t strip) {
    return my->work->partials + strip * 2 * my->work->shape.slots;
}

static void project_strip(void *user, size_t index) {
    const pass *my = user;
    const lowrank_strip *strip = &my->work->strips[index];
    const void *x = vector_part(my, 0, strip);
    const void *y = my->vectors > 1 ? vector_part(my, 1, strip) : NULL;
    double *sums = partial(my, index);
    uint64_t mode = uns_flush_enter();
    if (x)
        my->kernel->dots(strip->n, my->count, uns_lowrank_at(my->site, my->work, 0, strip),
                         strip->n, x, y, sums);
    else
        memset(sums, 0, my->vectors * my->count * sizeof *sums);
    uns_flush_restore(mode);
}

static void add_strips(const pass *my) {
    for (size_t v = 0; v < my->vectors; v++) {
        memset(my->sums[v], 0, my->count * sizeof(double));
        for (size_t k = 0; k < my->work->strip_count; k++)
            for (size_t slot = 0; slot < my->count; slot++)
                my->sums[v][slot] += partial(my, k)[v * my->count + slot];
    }
}

/* Replicas: a slot is a task. */
static void project_slot(void *user, size_t slot) {
    const pass *my = user;
    size_t replicas = my->work->shape.replicas;
    uint64_t mode = uns_flush_enter();
    for (size_t v = 0; v < my->vectors; v++) {
        double *sums = my->sums[v] + slot * replicas;
        memset(sums, 0, replicas * sizeof *sums);
        for (size_t k = 0; k < my->work->strip_count; k++) {
            const lowrank_strip *strip = &my->work->strips[k];
            const void *x = vector_part(my, v, strip);
            if (x)
                my->kernel->dot_rows(strip->n / replicas, replicas,
                                     uns_lowrank_at(my->site, my->work, slot, strip), x, sums);
        }
    }
    uns_flush_restore(mode);
}

static void project(pass *my, size_t vectors, double *const *sums) {
    my->vectors = vectors;
    my->sums = sums;
    if (my->work->shape.replicas > 1) {
        uns_lowrank_run(my->site, elements_of(my), my->count, project_slot, my);
        return;
    }
    uns_lowrank_run(my->site, elements_of(my), my->work->strip_count, project_strip, my);
    add_strips(my);
}

void uns_lowrank_project(const uns_structure_site *site, size_t count, size_t vectors,
                         const uns_const_tensors *x, double *const *sums) {
    pass my = pass_of(site, count);
    my.x = x;
    project(&my, vectors, sums);
}

void uns_lowrank_project_mean(const uns_structure_site *site) {
    lowrank_work *work = site->scratch;
    pass my = pass_of(site, uns_lowrank_most(work));
    project(&my, 1, work->sums);
}

static void narrow(uns_dtype dtype, size_t n, const double *from, void *to) {
    for (size_t i = 0; i < n; i++)
        uns_lowrank_put(dtype, to, i, from[i]);
}

static void combine_alone(const pass *my, const lowrank_strip *strip, const void *u, void *d) {
    double wide[UNS_LOWRANK_STRIP];
    double base = my->work->root[0].base;
    for (size_t i = 0; i < strip->n; i++)
        wide[i] = base * uns_lowrank_get(my->site->dtype, u, i);
    my->kernel->combine(strip->n, my->count, uns_lowrank_at(my->site, my->work, 0, strip),
                        strip->n, my->work->weighting, wide);
    narrow(my->site->dtype, strip->n, wide, d);
}

static void combine_replicas(const pass *my, const lowrank_strip *strip, const void *u,
                             void *d) {
    size_t replicas = my->work->shape.replicas;
    double *wide = my->work->wide + strip->offset;
    for (size_t i = 0; i < strip->n; i++)
        wide[i] = my->work->root[i % replicas].base * uns_lowrank_get(my->site->dtype, u, i);
    for (size_t slot = 0; slot < my->count; slot++)
        my->kernel->combine_rows(strip->n / replicas, replicas,
                                 my->work->weighting + slot * replicas,
                                 uns_lowrank_at(my->site, my->work, slot, strip), wide);
    narrow(my->site->dtype, strip->n, wide, d);
}

/* Sums are f64 and rounded once: base·u and the rest may cancel to a ten-thousandth. */
static void combine_strip(void *user, size_t index) {
    const pass *my = user;
    const lowrank_strip *strip = &my->work->strips[index];
    const char *u = my->u.data[strip->block];
    char *d = my->d.data[strip->block];
    if (!u || !d)
        return;
    u += strip->begin * uns_dtype_size(my->site->dtype);
    d += strip->begin * uns_dtype_size(my->site->dtype);
    uint64_t mode = uns_flush_enter();
    if (my->work->shape.replicas > 1)
        combine_replicas(my, strip, u, d);
    else
        combine_alone(my, strip, u, d);
    uns_flush_restore(mode);
}

void uns_lowrank_combine(const uns_structure_site *site, size_t count, uns_const_tensors u,
                         uns_tensors d) {
    pass my = pass_of(site, count);
    my.u = u;
    my.d = d;
    uns_lowrank_run(site, elements_of(&my), my.work->strip_count, combine_strip, &my);
}

void uns_lowrank_gather(const uns_structure_site *site, uns_const_tensors from, size_t r,
                        double *to) {
    for (size_t i = 0; i < site->count; i++) {
        size_t n = site->blocks[i]->rows * site->blocks[i]->cols;
        for (size_t k = 0; k < n; k++)
            to[k] = from.data[i]
                        ? uns_lowrank_get(site->dtype, from.data[i], k * site->replicas + r)
                        : 0.0;
        to += n;
    }
}

void uns_lowrank_scatter(const uns_structure_site *site, const double *from, size_t r,
                         uns_tensors to) {
    for (size_t i = 0; i < site->count; i++) {
        size_t n = site->blocks[i]->rows * site->blocks[i]->cols;
        for (size_t k = 0; to.data[i] && k < n; k++)
            uns_lowrank_put(site->dtype, to.data[i], k * site->replicas + r, from[k]);
        from += n;
    }
}

void uns_lowrank_column(const uns_structure_site *site, size_t slot, size_t r, double *to) {
    const lowrank_work *work = site->scratch;
    size_t replicas = site->replicas;
    for (size_t k = 0; k < work->strip_count; k++) {
        const lowrank_strip *strip = &work->strips[k];
        const void *from = uns_lowrank_at(site, work, slot, strip);
        double *rows = to + strip->offset / replicas;
        for (size_t i = 0; i < strip->n / replicas; i++)
            rows[i] = uns_lowrank_get(site->dtype, from, i * replicas + r);
    }
}
