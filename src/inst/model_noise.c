/* SPDX-License-Identifier: MIT
 * The noise of the local model: deviations drawn along the replicas' way, resampled; and the
 * profile a(ρ) of the mean.
 */
#include "inst/model.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

enum {
    FIT_ROUNDS = 200
};

static double square(size_t d, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += v[i] * v[i];
    return sum;
}

double uns_pool_variance(const uns_pool *pool, double rho) {
    return pool->level + pool->growth * rho * rho;
}

/* ‖n‖² has mean p + qρ²: noise linear in the way from the saddle, on top of what it is there.
 * p and q by the multiplicative updates that raise the likelihood of Gamma-distributed ‖n‖²
 * whatever its shape (Févotte, Bertin, Durrieu 2009, of Itakura–Saito's divergence). */
void uns_pool_fit(uns_pool *pool) {
    double length[UNS_MODEL_GRADIENTS], mean = 0.0, far = 0.0;
    for (size_t k = 0; k < pool->count; k++) {
        length[k] = square(pool->d, pool->rows + k * pool->d);
        mean += length[k] / (double)pool->count;
        far += pool->rho[k] * pool->rho[k] / (double)pool->count;
    }
    pool->level = 0.5 * mean;
    pool->growth = far > 0.0 ? 0.5 * mean / far : 0.0;
    for (int round = 0; round < FIT_ROUNDS && mean > 0.0; round++) {
        double top[2] = {0.0, 0.0}, bottom[2] = {0.0, 0.0};
        for (size_t k = 0; k < pool->count; k++) {
            double square = pool->rho[k] * pool->rho[k],
                   v = uns_pool_variance(pool, pool->rho[k]);
            top[0] += length[k] / (v * v);
            top[1] += length[k] * square / (v * v);
            bottom[0] += 1.0 / v;
            bottom[1] += square / v;
        }
        pool->level *= top[0] / bottom[0];
        pool->growth *= bottom[1] > 0.0 ? top[1] / bottom[1] : 0.0;
    }
}

static void centre(uns_pool *pool) {
    double n = (double)pool->usable;
    for (size_t i = 0; i < pool->d; i++) {
        double mean = 0.0;
        for (size_t k = 0; k < pool->usable; k++)
            mean += pool->ready[k * pool->d + i] / n;
        for (size_t k = 0; k < pool->usable; k++)
            pool->ready[k * pool->d + i] -= mean;
    }
}

/* Whether the rows' signs are no more one-sided than a fair coin's: their sum has mean square n
 * for even noise, less where rows are centred (1 − 2/π of it if normal). An adaptive step is
 * odd in g but not linear, so that rows which happen to be one-sided are a force for it,
 * centred as they are; noise that is one-sided is, rightly. */
static bool is_even(const uns_pool *pool) {
    double sum = 0.0, count = 0.0;
    for (size_t i = 0; i < pool->d; i++) {
        double excess = 0.0, rows = 0.0;
        for (size_t k = 0; k < pool->usable; k++) {
            double v = pool->ready[k * pool->d + i];
            excess += v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0;
            rows += v != 0.0;
        }
        sum += rows > 0.0 ? excess * excess / rows : 0.0;
        count += rows > 0.0;
    }
    return sum <= count;
}

/* Mean square of a coordinate, and its relative sampling variance. */
static double coordinate(const uns_pool *pool, size_t i, double *scatter) {
    double n = (double)pool->usable, second = 0.0, fourth = 0.0;
    for (size_t k = 0; k < pool->usable; k++) {
        double v = pool->ready[k * pool->d + i];
        second += v * v / (n - 1.0);
        fourth += v * v * v * v / n;
    }
    *scatter = second > 0.0 ? fmax(fourth / (second * second) - 1.0, 0.0) / n : 0.0;
    return second;
}

/* How much of the scatter of the coordinates' log-variances, with this mean, is their own and
 * not sampling's. */
static double own_scatter(uns_pool *pool, double *mean) {
    double count = 0.0, square = 0.0, scatter = 0.0;
    *mean = 0.0;
    for (size_t i = 0; i < pool->d; i++) {
        double own, v = coordinate(pool, i, &own);
        pool->spread[i] = v;
        if (!(v > 0.0))
            continue;
        count += 1.0;
        *mean += uns_log(v);
        square += uns_log(v) * uns_log(v);
        scatter += own;
    }
    pool->scatter = count > 0.0 ? scatter / count : 0.0;
    *mean = count > 0.0 ? *mean / count : 0.0;
    double among = count > 0.0 ? square / count - *mean * *mean : 0.0;
    return among > 0.0 ? fmax(1.0 - pool->scatter / among, 0.0) : 1.0;
}

/* The coordinates' variances, drawn towards one another by as much of their scatter as sampling
 * explains: an adaptive method's step is convex in them, so that their errors would not average
 * out. Empirical Bayes on their logarithms; their sum stays. Not where the whole matrix counts
 * (leave): it would turn a starved direction. */
static void smooth(uns_pool *pool, bool leave) {
    double mean, kept = own_scatter(pool, &mean), before = 0.0, after = 0.0;
    double n = (double)pool->usable;
    kept = leave ? 1.0 : kept;
    for (size_t i = 0; i < pool->d; i++) {
        double v = pool->spread[i];
        before += v;
        after += v > 0.0 ? uns_exp(mean + kept * (uns_log(v) - mean)) : 0.0;
    }
    for (size_t i = 0; i < pool->d; i++) {
        double v = pool->spread[i], to = 0.0;
        if (v > 0.0)
            to = uns_exp(mean + kept * (uns_log(v) - mean)) * before / after;
        double factor = v > 0.0 ? sqrt(to / v * n / (n - 1.0)) : 0.0;
        for (size_t k = 0; k < pool->usable; k++)
            pool->ready[k * pool->d + i] *= factor;
        pool->spread[i] = sqrt(to);
    }
}

/* The part of the off-diagonal's square that is sampling error: Schäfer and Strimmer 2005, "A
 * shrinkage approach to large-scale covariance matrix estimation", for covariances, with the
 * rows' own products in place of the sum over all entries:
 *   Σ_{i≠j} Var(s_ij) / Σ_{i≠j} s_ij²,  both by traces. */
static double shrinkage(const uns_pool *pool) {
    double n = (double)pool->usable, fourth = 0.0, cross = 0.0, diagonal = 0.0, own = 0.0;
    for (size_t k = 0; k < pool->usable; k++) {
        const double *v = pool->ready + k * pool->d;
        double s = square(pool->d, v);
        fourth += s * s / n;
        for (size_t i = 0; i < pool->d; i++)
            own += v[i] * v[i] * v[i] * v[i] / n;
        for (size_t l = 0; l < pool->usable; l++) {
            double p = 0.0;
            for (size_t i = 0; i < pool->d; i++)
                p += v[i] * pool->ready[l * pool->d + i];
            cross += p * p / (n * n); /* tr S² */
        }
    }
    for (size_t i = 0; i < pool->d; i++)
        diagonal += pool->spread[i] * pool->spread[i] * pool->spread[i] * pool->spread[i];
    double off = cross - diagonal, error = (fourth - own - off) / (n - 1.0);
    return off > 0.0 ? fmin(fmax(error / off, 0.0), 1.0) : 1.0;
}

/* The rows whose ρ is nearest, as indices. */
static void nearest(uns_pool *pool, double rho, size_t *chosen) {
    unsigned char taken[UNS_MODEL_GRADIENTS] = {0};
    for (size_t n = 0; n < pool->usable; n++) {
        size_t best = 0;
        double least = INFINITY;
        for (size_t k = 0; k < pool->count; k++) {
            double ratio = pool->rho[k] > rho ? pool->rho[k] / rho : rho / pool->rho[k];
            if (!taken[k] && ratio < least) {
                least = ratio;
                best = k;
            }
        }
        taken[best] = 1;
        chosen[n] = best;
    }
}

void uns_pool_prepare(uns_pool *pool, double rho, bool whole_structure) {
    size_t chosen[UNS_MODEL_POOL];
    size_t most = whole_structure ? UNS_MODEL_POOL : UNS_MODEL_NEAR;
    pool->usable = pool->count < most ? pool->count : most;
    pool->at = rho;
    nearest(pool, rho, chosen);
    for (size_t n = 0; n < pool->usable; n++) {
        const double *row = pool->rows + chosen[n] * pool->d;
        double scale = sqrt(uns_pool_variance(pool, pool->rho[chosen[n]]));
        for (size_t i = 0; i < pool->d; i++)
            pool->ready[n * pool->d + i] = scale > 0.0 ? row[i] / scale : 0.0;
    }
    centre(pool);
    pool->even = is_even(pool);
    pool->blur = 0.0;
    if (pool->even && !whole_structure) /* Silverman's rule, but for its factor 1.06 */
        pool->blur = uns_pow((double)pool->usable, -0.2);
    smooth(pool, whole_structure);
    /* the inverse root of what n rows span is too large by d/(2n) on average */
    pool->share = whole_structure && pool->usable < 8 * pool->d ? shrinkage(pool) : 0.0;
}

void uns_pool_look(uns_pool *pool, const uns_model *m) {
    pool->ways = 0;
    while (pool->share > 0.0 && pool->ways < m->modes && m->curvature[pool->ways] < 0.0) {
        const double *v = m->vectors + pool->ways * m->d;
        double rows = 0.0, apart = 0.0;
        for (size_t k = 0; k < pool->usable; k++) {
            double along = 0.0;
            for (size_t i = 0; i < m->d; i++)
                along += v[i] * pool->ready[k * m->d + i];
            rows += along * along / (double)pool->usable;
        }
        for (size_t i = 0; i < m->d; i++)
            apart += v[i] * v[i] * pool->spread[i] * pool->spread[i];
        pool->way[pool->ways++] = apart > 0.0 ? sqrt(rows / apart) : 1.0;
    }
}

/* Kept by ρ ascending; two at one place differ by less than either is known. */
void uns_profile_add(uns_profile *p, double rho, double a) {
    size_t i = p->count;
    if (p->count == UNS_MODEL_STAGES)
        return;
    for (; i > 0 && p->rho[i - 1] > rho; i--) {
        p->rho[i] = p->rho[i - 1];
        p->a[i] = p->a[i - 1];
    }
    p->rho[i] = rho;
    p->a[i] = a;
    p->count++;
}

/* Linear between stages, 1 up to ρ = 0, level beyond the last. */
double uns_profile_slope(const uns_profile *p, double rho) {
    double from = 0.0, a = 1.0;
    for (size_t i = 0; i < p->count; i++) {
        if (rho < p->rho[i])
            return a + (p->a[i] - a) * (rho - from) / (p->rho[i] - from);
        from = p->rho[i];
        a = p->a[i];
    }
    return a;
}

/* ∫ a r dr over a stretch where a is linear. */
static double moment(double from, double to, double a, double b) {
    double tilt = to > from ? (b - a) / (to - from) : 0.0, start = a - tilt * from;
    return start * (to * to - from * from) / 2.0 +
           tilt * (to * to * to - from * from * from) / 3.0;
}

double uns_profile_height(const uns_profile *p, double rho) {
    double from = 0.0, a = 1.0, sum = 0.0;
    for (size_t i = 0; i < p->count && p->rho[i] < rho; i++) {
        sum += moment(from, p->rho[i], a, p->a[i]);
        from = p->rho[i];
        a = p->a[i];
    }
    sum += moment(from, rho, a, uns_profile_slope(p, rho));
    return rho > 0.0 ? 2.0 * sum / (rho * rho) : 1.0;
}
