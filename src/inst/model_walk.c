/* SPDX-License-Identifier: MIT
 * The optimizer on the local model: replicas side by side, step by step.
 */
#include "inst/model.h"

#include "base/base.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

/* Streams of random numbers beside the replicas' own, which are numbered from FIRST on. */
enum {
    FRESH = 1,
    FIRST = 2,
    PASS = 1 << 16 /* replica numbers between passes */
};

static size_t share_memory(uns_walkers *w, double *base) {
    size_t flat = w->d * w->replicas, used = 0, n = w->replicas;
    double **parts[] = {&w->x,   &w->g,    &w->mean,   &w->offset, &w->coordinate,
                        &w->rho, &w->size, &w->height, &w->random};
    const size_t sizes[] = {flat, flat, flat, flat, UNS_MODEL_PRODUCTS * n, n, n, n, flat};
    for (size_t i = 0; i < UNS_COUNT_OF(parts); i++) {
        if (base)
            *parts[i] = base + used;
        used += (sizes[i] + 7) / 8 * 8;
    }
    return used;
}

uns_status uns_structure_is_whole(uns_context *context, const char *name, bool *whole) {
    const void *entry;
    UNS_TRY(uns_context_find(context, UNS_KIND_STRUCTURE, name, &entry));
    *whole = !((const uns_structure_ops *)entry)->elementwise;
    return UNS_OK;
}

static uns_status open_optimizer(uns_walkers *w) {
    uns_context *context = w->model->context;
    uns_layout_config shape = {sizeof shape, UNS_F64, w->replicas, w->model->count,
                               w->model->blocks};
    UNS_TRY(uns_layout_create(context, &shape, &w->layout));
    uns_optimizer_config config = {
        .size = sizeof config, .layout = w->layout, .count = 1, .specs = w->spec};
    return uns_optimizer_create(context, &config, &w->optimizer);
}

/* f of the quadratic at the saddle, less f(x₀). */
static double saddle_height(const uns_model *m) {
    double sum = 0.0;
    for (size_t i = 0; i < m->d; i++)
        sum += 0.5 * m->mean[i] * (m->saddle[i] - m->x[i]);
    return sum;
}

uns_status uns_walkers_open(uns_walkers *w) {
    uns_context *context = w->model->context;
    w->d = w->model->d;
    UNS_TRY(open_optimizer(w));
    w->memory = uns_allocate(context, share_memory(w, NULL) * sizeof(double));
    w->x_blocks = uns_allocate(context, 2 * w->model->count * sizeof(void *));
    w->gone = uns_allocate(context, w->replicas);
    if (!w->memory || !w->x_blocks || !w->gone)
        return UNS_ERROR_MEMORY;
    share_memory(w, w->memory);
    w->g_blocks = w->x_blocks + w->model->count;
    uns_layout_spread(w->layout, w->x, w->x_blocks);
    uns_layout_spread(w->layout, w->g, w->g_blocks);
    w->bottom = saddle_height(w->model);
    for (size_t i = 0; i < w->d; i++)
        for (size_t r = 0; r < w->replicas; r++)
            w->x[i * w->replicas + r] = w->model->x[i];
    uns_walkers_look(w);
    return UNS_OK;
}

void uns_walkers_close(uns_walkers *w) {
    uns_context *context = w->model->context;
    uns_optimizer_destroy(w->optimizer);
    uns_layout_destroy(w->layout);
    uns_release(context, w->memory);
    uns_release(context, w->x_blocks);
    uns_release(context, w->gone);
}

void uns_walkers_look(uns_walkers *w) {
    const uns_model *m = w->model;
    size_t n = w->replicas;
    uns_model_mean(m, n, w->x, w->offset, w->coordinate, w->mean);
    memset(w->rho, 0, n * sizeof(double));
    memset(w->height, 0, n * sizeof(double));
    for (size_t i = 0; i < w->d; i++) {
        const double *x = w->x + i * n, *mean = w->mean + i * n, *offset = w->offset + i * n;
        double saddle = m->saddle[i], first = m->mean[i];
        for (size_t r = 0; r < n; r++) {
            double away = x[r] - saddle;
            w->rho[r] += away * away;
            w->height[r] += 0.5 * (mean[r] + first) * offset[r];
        }
    }
    for (size_t r = 0; r < n; r++)
        w->rho[r] = fmax(sqrt(w->rho[r]), w->least);
}

double uns_walkers_rho(const uns_walkers *w) {
    double sum = 0.0, count = 0.0;
    for (size_t r = 0; r < w->replicas; r++)
        if (!w->gone[r]) {
            sum += uns_log(w->rho[r]);
            count += 1.0;
        }
    return count > 0.0 ? uns_exp(sum / count) : 0.0;
}

/* Independent noise along way down j has what the rows have there, not what its coordinates add
 * up to: a starved direction would be fed, and A follow. */
static void keep_way(uns_walkers *w, size_t j, double fresh, size_t r) {
    const double *v = w->model->vectors + j * w->d;
    double along = 0.0, change = fresh * (w->pool->way[j] - 1.0);
    for (size_t i = 0; i < w->d; i++)
        along += v[i] * w->pool->spread[i] * w->random[i * w->replicas + r];
    for (size_t i = 0; i < w->d; i++)
        w->g[i * w->replicas + r] += change * along * v[i];
}

/* g += a row. Even noise takes either sign, and h of a second row (a smoothed bootstrap; Efron
 * 1982, Silverman 1986): a step that saturates feels the noise's density at 0, which a few
 * dozen rows leave to chance. */
static void add_row(uns_walkers *w, uns_key key, double scale, size_t r) {
    const uns_pool *pool = w->pool;
    const double *row = pool->ready + uns_random_below(key, 0, pool->usable) * w->d;
    const double *other = pool->ready + uns_random_below(key, 1, pool->usable) * w->d;
    unsigned signs = pool->even ? uns_random_below(key, 2, 4) : 0;
    double first = signs & 1u ? -scale : scale, second = signs & 2u ? -scale : scale;
    first *= sqrt(1.0 - pool->blur * pool->blur);
    second *= pool->blur;
    for (size_t i = 0; i < w->d; i++)
        w->g[i * w->replicas + r] += first * row[i] + second * other[i];
}

/* g += the deviation that replica r draws. */
static void add_noise(uns_walkers *w, uint64_t t, size_t r) {
    const uns_pool *pool = w->pool;
    uns_key key = {w->model->seed, t, w->number * PASS + FIRST + (uint32_t)r,
                   UNS_STREAM_FORECAST};
    double scale = sqrt(uns_pool_variance(pool, w->rho[r]));
    double fresh = scale * sqrt(pool->share);
    add_row(w, key, scale * sqrt(1.0 - pool->share), r);
    for (size_t i = 0; fresh > 0.0 && i < w->d; i++)
        w->g[i * w->replicas + r] += fresh * pool->spread[i] * w->random[i * w->replicas + r];
    for (size_t j = 0; fresh > 0.0 && j < pool->ways; j++)
        keep_way(w, j, fresh, r);
}

/* g = a(ρ)·mean + √(p + qρ²)·deviation; 0 for those that are out. */
static void draw_gradients(uns_walkers *w, uint64_t t) {
    size_t n = w->replicas;
    for (size_t r = 0; r < n; r++)
        w->size[r] = w->gone[r] ? 0.0 : uns_profile_slope(w->profile, w->rho[r]);
    for (size_t i = 0; i < w->d; i++)
        for (size_t r = 0; r < n; r++)
            w->g[i * n + r] = w->size[r] * w->mean[i * n + r];
    uns_key key = {w->model->seed, t, w->number * PASS + FRESH, UNS_STREAM_FORECAST};
    if (w->pool->share > 0.0)
        uns_random_normal(key, 0, w->d * n, w->random);
    for (size_t r = 0; r < n; r++)
        if (!w->gone[r])
            add_noise(w, t, r);
}

static void count_escapes(uns_walkers *w) {
    for (size_t r = 0; r < w->replicas; r++) {
        double part = uns_profile_height(w->profile, w->rho[r]);
        double f = w->bottom + part * (w->height[r] - w->bottom);
        if (!w->gone[r] && f < -w->drop) {
            w->gone[r] = 1;
            w->latest = r;
            w->fallen = -f;
            w->escaped++;
        }
    }
}

uns_status uns_walkers_observe(uns_walkers *w) {
    int64_t length = uns_spec_burn_in(w->model->context, w->spec);
    uns_const_tensors x = {(const void *const *)w->x_blocks, w->model->count};
    uns_const_tensors g = {(const void *const *)w->g_blocks, w->model->count};
    for (int64_t i = 0; i < length; i++) {
        draw_gradients(w, UINT64_C(1) << 50 | (uint64_t)i);
        UNS_TRY(uns_optimizer_observe(w->optimizer, x, g));
    }
    return UNS_OK;
}

uns_status uns_walkers_step(uns_walkers *w, uint64_t t) {
    uns_tensors x = {w->x_blocks, w->model->count};
    uns_const_tensors g = {(const void *const *)w->g_blocks, w->model->count};
    draw_gradients(w, t);
    UNS_TRY(uns_optimizer_step(w->optimizer, x, g));
    uns_walkers_look(w);
    count_escapes(w);
    return UNS_OK;
}
