/* SPDX-License-Identifier: MIT
 * What the noise instrument's sums say: unbiased statistics, and their errors by leaving out
 * one group or part at a time (Quenouille 1956, Tukey 1958: the jackknife).
 */
#include "inst/noise.h"

#include "base/base.h"

#include <math.h>

enum {
    GROUPS = UNS_NOISE_GROUPS,
    PARTS = UNS_NOISE_PARTS
};

/* Groups lo ... hi−1 are left out. */
typedef struct cut {
    size_t lo, hi;
} cut;

static const cut none = {0, 0};

static bool out_of(cut c, size_t group) {
    return group >= c.lo && group < c.hi;
}

typedef double statistic(const uns_noise *n, size_t index, cut c);

/* The statistic, and its error from `count` cuts of `width` groups each, from `first` on. */
static uns_measured jackknife(const uns_noise *n, statistic *stat, size_t index, size_t first,
                              size_t width) {
    size_t count = (GROUPS - first) / width;
    double value[GROUPS], mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        cut c = {first + i * width, first + (i + 1) * width};
        value[i] = stat(n, index, c);
        mean += value[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    uns_measured measured = {stat(n, index, none),
                             sqrt(squares * (double)(count - 1) / (double)count)};
    return measured;
}

static uns_measured by_parts(const uns_noise *n, statistic *stat, size_t index) {
    return jackknife(n, stat, index, 0, 2);
}

static uns_measured by_late_groups(const uns_noise *n, statistic *stat, size_t index) {
    return jackknife(n, stat, index, GROUPS / 2, 1);
}

/* a/b of independent numbers. */
static uns_measured ratio(uns_measured a, uns_measured b) {
    double value = a.value / b.value, x = a.error / a.value, y = b.error / b.value;
    uns_measured measured = {value, fabs(value) * sqrt(x * x + y * y)};
    return measured;
}

typedef struct totals {
    double count, first, second;
} totals;

static totals total(const uns_sums *sums, cut c) {
    totals t = {0.0, 0.0, 0.0};
    for (size_t g = 0; g < GROUPS; g++) {
        if (out_of(c, g))
            continue;
        t.count += sums->count[g];
        t.first += sums->first[g];
        t.second += sums->second[g];
    }
    return t;
}

static double mean_of(const uns_sums *sums, cut c) {
    totals t = total(sums, c);
    return t.first / t.count;
}

static double variance_of(const uns_sums *sums, cut c) {
    totals t = total(sums, c);
    return (t.second - t.first * t.first / t.count) / (t.count - 1.0);
}

/* Mean over pairs of different parts of gram[p][q]. */
static double across(const double *gram, cut c) {
    double sum = 0.0, count = 0.0;
    for (size_t p = 0; p < PARTS; p++)
        for (size_t q = 0; q < PARTS; q++) {
            if (p == q || out_of(c, 2 * p) || out_of(c, 2 * q))
                continue;
            sum += gram[p * PARTS + q];
            count += 1.0;
        }
    return sum / count;
}

static double gradient_square(const uns_noise *n, size_t index, cut c) {
    double size = (double)(n->draws / PARTS);
    (void)index;
    return across(n->gram, c) / (size * size);
}

static double second_trace(const uns_noise *n, size_t index, cut c) {
    (void)index;
    return mean_of(&n->norm, c);
}

static double trace(const uns_noise *n, size_t index, cut c) {
    return second_trace(n, index, c) - gradient_square(n, index, c);
}

static double scale(const uns_noise *n, size_t index, cut c) {
    return trace(n, index, c) / gradient_square(n, index, c);
}

static double square(const uns_noise *n, size_t index, cut c) {
    (void)index;
    return mean_of(&n->products, c);
}

static double rank(const uns_noise *n, size_t index, cut c) {
    double t = trace(n, index, c);
    return t * t / square(n, index, c);
}

static double pair_variance(const uns_noise *n, size_t index, cut c) {
    return variance_of(&n->along[n->config.directions + index], c);
}

static double top_second(const uns_noise *n, size_t index, cut c) {
    totals t = total(&n->along[n->config.directions + n->config.pairs], c);
    (void)index;
    return t.second / t.count;
}

static double along_variance(const uns_noise *n, size_t index, cut c) {
    return variance_of(&n->along[index], c);
}

static double along_share(const uns_noise *n, size_t index, cut c) {
    return along_variance(n, index, c) / (n->length[index] * trace(n, index, c));
}

static double along_slope(const uns_noise *n, size_t index, cut c) {
    return mean_of(&n->along[index], c);
}

/* ‖Ĉ − G‖²/‖G‖², Frobenius. */
static double estimate_square(const uns_noise *n, size_t index, cut c) {
    double whole = mean_of(&n->draw_products, c);
    (void)index;
    return (n->estimate_square - 2.0 * mean_of(&n->estimate, c) + whole) / whole;
}

/* √ of a squared number that may come out below 0. */
static uns_measured root(uns_measured squared) {
    double value = sqrt(fmax(squared.value, 0.0));
    uns_measured measured = {value, value > sqrt(squared.error) ? 0.5 * squared.error / value
                                                                : sqrt(squared.error)};
    return measured;
}

static uns_measured condition(const uns_noise *n) {
    uns_measured most = {0.0, 0.0}, least = {INFINITY, 0.0}, nothing = {NAN, NAN};
    if (n->sketch.kept < n->d)
        return nothing;
    for (size_t i = 0; i < n->d; i++) {
        uns_measured v = uns_noise_value(n, i);
        most = v.value > most.value ? v : most;
        least = v.value < least.value ? v : least;
    }
    return ratio(most, least);
}

static void read_pairs(const uns_noise *n, uns_noise_report *r) {
    uns_measured nothing = {NAN, NAN};
    r->norm = r->dimension = r->top = r->condition = nothing;
    if (n->config.pairs == 0)
        return;
    r->norm = by_late_groups(n, top_second, 0);
    r->dimension = ratio(r->second_trace, r->norm);
    r->top = ratio(uns_noise_value(n, 0), r->trace);
    r->top.value *= (double)n->d;
    r->top.error *= (double)n->d;
    r->condition = condition(n);
}

static uns_measured read_estimate(const uns_noise *n) {
    uns_measured nothing = {NAN, NAN};
    if (!n->config.estimate)
        return nothing;
    uns_measured squared = by_parts(n, estimate_square, 0);
    double probes = n->estimate_spread / mean_of(&n->draw_products, none);
    squared.error = sqrt(squared.error * squared.error + probes * probes);
    return root(squared);
}

uns_status uns_noise_read(uns_noise *n, uns_noise_report *out) {
    if (n->draws == 0 || n->taken < n->draws)
        return uns_fail(n->context, UNS_ERROR_STATE, "noise: only %zu of %zu draws are in",
                        n->taken, n->draws);
    uns_noise_report r = {.draws = n->draws, .largest = n->largest};
    r.gradient_square = by_parts(n, gradient_square, 0);
    r.second_trace = by_parts(n, second_trace, 0);
    r.trace = by_parts(n, trace, 0);
    r.scale = by_parts(n, scale, 0);
    if (!(r.gradient_square.value > 0.0))
        r.scale = (uns_measured){INFINITY, INFINITY};
    r.square = by_parts(n, square, 0);
    r.rank = by_parts(n, rank, 0);
    r.rank.value -= r.trace.error * r.trace.error / r.square.value; /* E t² = t² + Var t */
    read_pairs(n, &r);
    r.estimate_error = read_estimate(n);
    *out = r;
    return UNS_OK;
}

const double *uns_noise_vector(const uns_noise *n, size_t i) {
    return i < n->sketch.kept ? n->sketch.rows + i * n->d : NULL;
}

uns_measured uns_noise_value(const uns_noise *n, size_t i) {
    uns_measured nothing = {NAN, NAN};
    return i < n->sketch.kept ? by_late_groups(n, pair_variance, i) : nothing;
}

uns_noise_along uns_noise_direction(const uns_noise *n, size_t i) {
    uns_noise_along along = {by_parts(n, along_variance, i), by_parts(n, along_share, i),
                             by_parts(n, along_slope, i)};
    return along;
}

void uns_noise_diagonal(const uns_noise *n, double *covariance, double *second_moment,
                        double *mean) {
    double count = (double)n->draws;
    for (size_t i = 0; i < n->d; i++) {
        double first = 0.0, second = 0.0;
        for (size_t p = 0; p < PARTS; p++) {
            first += n->mean[p * n->stride + i];
            second += n->square[p * n->stride + i];
        }
        if (covariance)
            covariance[i] = (second - first * first / count) / (count - 1.0);
        if (second_moment)
            second_moment[i] = second / count;
        if (mean)
            mean[i] = first / count;
    }
}

/* Gram matrices of the parts' e_p and of their diag G_p: e_p = c − diag G_p, or the change of
 * diag G_p between two instruments. */
typedef struct grams {
    double error[PARTS * PARTS], moment[PARTS * PARTS];
} grams;

static void add_outer(const double *v, double *gram) {
    for (size_t p = 0; p < PARTS; p++)
        for (size_t q = 0; q < PARTS; q++)
            gram[p * PARTS + q] += v[p] * v[q];
}

static grams grams_of(const uns_noise *n, const double *c, const uns_noise *other) {
    grams g = {{0.0}, {0.0}};
    for (size_t i = 0; i < n->d; i++) {
        double e[PARTS], q[PARTS];
        for (size_t p = 0; p < PARTS; p++) {
            q[p] = n->square[p * n->stride + i] * PARTS / (double)n->draws;
            e[p] =
                (c ? c[i] : other->square[p * n->stride + i] * PARTS / (double)other->draws) -
                q[p];
        }
        add_outer(e, g.error);
        add_outer(q, g.moment);
    }
    return g;
}

/* √(across(error)/across(moment)), or without the division, by leaving out parts. */
static uns_measured distance_of(const grams *g, bool relative) {
    double value[PARTS], mean = 0.0, squares = 0.0;
    for (size_t p = 0; p < PARTS; p++) {
        cut c = {2 * p, 2 * p + 2};
        value[p] = across(g->error, c) / (relative ? across(g->moment, c) : 1.0);
        mean += value[p] / PARTS;
    }
    for (size_t p = 0; p < PARTS; p++)
        squares += (value[p] - mean) * (value[p] - mean);
    uns_measured squared = {across(g->error, none) / (relative ? across(g->moment, none) : 1.0),
                            sqrt(squares * (PARTS - 1) / PARTS)};
    return root(squared);
}

uns_measured uns_noise_diagonal_error(const uns_noise *n, const double *c) {
    grams g = grams_of(n, c, NULL);
    return distance_of(&g, true);
}

uns_measured uns_noise_lipschitz(const uns_noise *at_x0, const uns_noise *at_x1,
                                 double distance) {
    grams g = grams_of(at_x0, NULL, at_x1);
    uns_measured change = distance_of(&g, false);
    change.value /= distance;
    change.error /= distance;
    return change;
}
