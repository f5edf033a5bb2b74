/* SPDX-License-Identifier: MIT
 * The mean of the local model: a block Krylov space of the Hessian at x₀. A block, because at a
 * saddle with several like directions (matrix factorization has one for each column) a single
 * start sees one of each kind.
 */
#include "inst/model.h"

#include "base/base.h"
#include "la/jacobi.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 8,
    MEAN_DRAWS = 64,
    PRODUCTS_LEAST = 8,
    P_MAX = UNS_MODEL_PRODUCTS
};

/* Ritz pairs nearer to the rest's curvature than this part of the largest are rest. */
static const double bulk = 0.03;

static double dot(size_t d, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Orthonormal against `count` rows; false: nothing is left of v. Twice is enough. */
static bool orthonormal(size_t d, size_t count, const double *rows, double *v) {
    double before = sqrt(dot(d, v, v));
    for (int pass = 0; pass < 2; pass++)
        for (size_t j = 0; j < count; j++) {
            double part = dot(d, rows + j * d, v);
            for (size_t i = 0; i < d; i++)
                v[i] -= part * rows[j * d + i];
        }
    double length = sqrt(dot(d, v, v));
    if (!(length > 1e-8 * before))
        return false;
    for (size_t i = 0; i < d; i++)
        v[i] /= length;
    return true;
}

/* Without the whole gradient, the mean of draws that no forecast uses. Its error acts as a
 * force that is not there, which is why it is doubted. */
static uns_status average_draws(uns_model *m) {
    double *g = uns_allocate(m->context, m->d * sizeof *g);
    uns_status status = g ? UNS_OK : UNS_ERROR_MEMORY;
    for (uint64_t k = 0; k < MEAN_DRAWS && status == UNS_OK; k++) {
        status = m->sampler.gradient(m->sampler.self, m->x, UINT64_C(1) << 40 | k, g);
        for (size_t i = 0; i < m->d; i++)
            m->mean[i] += g[i] / MEAN_DRAWS;
    }
    uns_release(m->context, g);
    m->drawn = MEAN_DRAWS;
    return status;
}

static uns_status evaluate_mean(uns_model *m) {
    if (!m->sampler.whole)
        return average_draws(m);
    m->wholes = 1;
    return m->sampler.whole(m->sampler.self, m->x, m->mean);
}

/* The gradient, then random directions. */
static size_t start_block(uns_model *m, double *rows, size_t room) {
    size_t count = 0;
    for (uint64_t i = 0; i <= BLOCK && count < room && count < m->d; i++) {
        uns_key key = {m->seed, i, 0, UNS_STREAM_FORECAST};
        double *v = rows + count * m->d;
        if (i == 0)
            memcpy(v, m->mean, m->d * sizeof *v);
        else
            uns_random_normal(key, 0, m->d, v);
        count += dot(m->d, v, v) > 0.0 && orthonormal(m->d, count, rows, v);
    }
    return count;
}

/* Each row's product gives its column of the projected Hessian, and, made orthonormal, a new
 * row. Stops at `room` rows, or when nothing new comes. */
static uns_status grow(uns_model *m, double *rows, size_t room, double *work, double *projected,
                       size_t *total) {
    size_t known = start_block(m, rows, room);
    for (size_t k = 0; k < known; k++) {
        UNS_TRY(m->sampler.product(m->sampler.self, m->x, rows + k * m->d, work));
        m->products++;
        for (size_t j = 0; j <= k; j++)
            projected[j * P_MAX + k] = dot(m->d, rows + j * m->d, work);
        if (!isfinite(projected[k * P_MAX + k]))
            return uns_fail(m->context, UNS_ERROR_CALLBACK,
                            "local model: a product is not finite");
        if (known < room && known < m->d) {
            memcpy(rows + known * m->d, work, m->d * sizeof *work);
            known += orthonormal(m->d, known, rows, rows + known * m->d);
        }
    }
    *total = known;
    return UNS_OK;
}

static void sort_out(uns_model *m, size_t total, const double *values, const double *ritz,
                     const double *rows) {
    double scale = fmax(fabs(values[0]), fabs(values[total - 1]));
    m->rest = total < m->d ? values[total / 2] : 0.0;
    for (size_t i = 0; i < total; i++) {
        if (fabs(values[i] - m->rest) <= bulk * scale)
            continue;
        double *v = m->vectors + m->modes * m->d;
        memset(v, 0, m->d * sizeof *v);
        for (size_t j = 0; j < total; j++)
            for (size_t c = 0; c < m->d; c++)
                v[c] += ritz[i * total + j] * rows[j * m->d + c];
        m->curvature[m->modes++] = values[i];
    }
    for (size_t i = 0; i < m->modes; i++)
        for (size_t c = 0; c < m->d; c++)
            m->transposed[c * m->modes + i] = m->vectors[i * m->d + c];
}

static uns_status find_modes(uns_model *m) {
    static const size_t share = 3; /* two thirds of the products now, the rest for a(ρ) */
    double projected[P_MAX * P_MAX] = {0.0}, small[P_MAX * P_MAX], values[P_MAX];
    double ritz[P_MAX * P_MAX];
    size_t room = m->allowed - m->allowed / share, total = 0;
    double *rows = uns_allocate(m->context, (room + 1) * m->d * sizeof *rows);
    if (!rows)
        return UNS_ERROR_MEMORY;
    uns_status status = grow(m, rows, room, rows + room * m->d, projected, &total);
    if (status == UNS_OK) {
        for (size_t i = 0; i < total; i++)
            for (size_t j = 0; j < total; j++)
                small[i * total + j] = projected[i < j ? i * P_MAX + j : j * P_MAX + i];
        uns_eigen_symmetric(total, small, values, ritz);
        sort_out(m, total, values, ritz, rows);
    }
    uns_release(m->context, rows);
    return status;
}

/* x₀ less what lies along the ways down: u_i = v_iᵀ∇f/b_i. */
static void find_saddle(uns_model *m) {
    memcpy(m->saddle, m->x, m->d * sizeof *m->x);
    for (size_t i = 0; i < m->modes && m->curvature[i] < 0.0; i++) {
        const double *v = m->vectors + i * m->d;
        double way = dot(m->d, v, m->mean) / m->curvature[i];
        for (size_t c = 0; c < m->d; c++)
            m->saddle[c] -= way * v[c];
    }
}

static uns_status build(uns_model *m, const uns_model_config *config) {
    size_t d = m->d;
    m->memory = uns_allocate(m->context, uns_size_product(3 + 2 * P_MAX, d * sizeof(double)));
    m->blocks = uns_allocate(m->context, config->count * sizeof *m->blocks);
    if (!m->memory || !m->blocks)
        return UNS_ERROR_MEMORY;
    memcpy(m->blocks, config->blocks, config->count * sizeof *m->blocks);
    m->x = m->memory;
    m->mean = m->x + d;
    m->saddle = m->mean + d;
    m->vectors = m->saddle + d;
    m->transposed = m->vectors + P_MAX * d;
    memcpy(m->x, config->x, d * sizeof *m->x);
    UNS_TRY(evaluate_mean(m));
    UNS_TRY(find_modes(m));
    find_saddle(m);
    return UNS_OK;
}

static uns_status check(uns_context *context, const uns_model_config *config) {
    size_t d = 0;
    for (size_t i = 0; i < config->count; i++)
        d += config->blocks[i].rows * config->blocks[i].cols;
    if (d == 0 || d != config->sampler->dimension)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "local model: the blocks have %zu elements, the sampler %zu", d,
                        config->sampler->dimension);
    if (config->products &&
        (config->products < PRODUCTS_LEAST || config->products > UNS_MODEL_PRODUCTS))
        return uns_fail(context, UNS_ERROR_ARGUMENT, "local model: %d to %d products, not %zu",
                        PRODUCTS_LEAST, UNS_MODEL_PRODUCTS, config->products);
    if (!config->sampler->product)
        return uns_fail(context, UNS_ERROR_UNAVAILABLE,
                        "local model: the sampler has no Hessian–vector product");
    return UNS_OK;
}

uns_status uns_model_create(uns_context *context, const uns_model_config *config,
                            uns_model **out) {
    UNS_TRY(check(context, config));
    uns_model *m = uns_allocate(context, sizeof *m);
    if (!m)
        return UNS_ERROR_MEMORY;
    m->context = context;
    m->kernels = uns_kernels_of(context);
    m->sampler = *config->sampler;
    m->d = config->sampler->dimension;
    m->count = config->count;
    m->allowed = config->products ? config->products : UNS_MODEL_PRODUCTS;
    m->seed = config->seed;
    uns_status status = build(m, config);
    if (status != UNS_OK) {
        uns_model_destroy(m);
        return status;
    }
    *out = m;
    return UNS_OK;
}

void uns_model_destroy(uns_model *m) {
    if (!m)
        return;
    uns_release(m->context, m->memory);
    uns_release(m->context, m->blocks);
    uns_release(m->context, m);
}

size_t uns_model_curvatures(const uns_model *m, size_t room, double *values) {
    size_t count = m->modes < room ? m->modes : room;
    memcpy(values, m->curvature, count * sizeof *values);
    return count;
}

void uns_model_mean(const uns_model *m, size_t replicas, const double *at, double *offset,
                    double *coordinate, double *out) {
    for (size_t i = 0; i < m->d; i++)
        for (size_t r = 0; r < replicas; r++)
            offset[i * replicas + r] = at[i * replicas + r] - m->x[i];
    m->kernels->matrix_rows(m->modes, m->d, replicas, m->vectors, offset, coordinate);
    for (size_t i = 0; i < m->modes; i++)
        for (size_t r = 0; r < replicas; r++)
            coordinate[i * replicas + r] *= m->curvature[i] - m->rest;
    m->kernels->matrix_rows(m->d, m->modes, replicas, m->transposed, coordinate, out);
    for (size_t i = 0; i < m->d; i++)
        for (size_t r = 0; r < replicas; r++)
            out[i * replicas + r] += m->mean[i] + m->rest * offset[i * replicas + r];
}
