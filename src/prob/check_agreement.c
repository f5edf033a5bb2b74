/* SPDX-License-Identifier: MIT
 * The exact part of the self-check: gradient and product against differences, replicas against
 * single runs, samples against their batch.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "la/complex_step.h"
#include "prob/check.h"

enum {
    COORDINATES = 32, /* directions along axes: all of them up to this d */
    DIRECTIONS = 8,   /* dense directions on a batch */
    FEW = 2           /* dense directions on the whole of a large finite sum */
};

/* Steps of UNS_STREAM_CHECK for what is not a batch. */
static const uint64_t step_axis = (uint64_t)1 << 43;
static const uint64_t step_indices = (uint64_t)1 << 42;

static double norm(size_t n, const double *x) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static double dot(size_t n, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Largest |x − y| over the largest |y|; NaN where either has one. */
static double distance(size_t n, const double *x, const double *y) {
    double gap = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        double here = fabs(x[i] - y[i]);
        gap = here > gap || isnan(here) ? here : gap;
        size = fmax(size, fabs(y[i]));
    }
    return gap == 0.0 ? 0.0 : gap / fmax(size, DBL_MIN);
}

/* A maximum that a NaN survives, so that it fails the check. */
static void keep_worst(double *error, double candidate) {
    if (isnan(*error) || candidate > *error || isnan(candidate))
        *error = isnan(*error) ? NAN : candidate;
}

/* Direction number i: an axis first, dense ones after them. */
static void choose_direction(const uns_check *check, size_t axes, size_t i, double *v) {
    if (i >= axes) {
        uns_check_direction(check, i - axes, v);
        return;
    }
    uns_key key = {check->seed, step_axis, 0, UNS_STREAM_CHECK};
    memset(v, 0, check->d * sizeof *v);
    v[check->d <= COORDINATES ? i : uns_random_below(key, (uint32_t)i, check->d)] = 1.0;
}

/* Differences: five points, so that the error is h⁴/30 of the fifth derivative beside
 * 2e-13·|f|/h·1e-3 of rounding, both below 1e-8 for functions of ordinary scale. */

static double spacing(const uns_check *check) {
    double size = 1.0;
    for (size_t i = 0; i < check->d; i++)
        size = fmax(size, fabs(check->point[i]));
    return 1e-3 * size;
}

static const double *shifted(uns_check *check, double step) {
    for (size_t i = 0; i < check->d; i++)
        check->moved[i] = check->point[i] + step * check->direction[i];
    return check->moved;
}

static uns_status slope_along(uns_check *check, const uns_batch *batch, double *slope) {
    double h = spacing(check), f[4];
    const double at[4] = {-2.0, -1.0, 1.0, 2.0};
    for (size_t i = 0; i < 4; i++)
        UNS_TRY(uns_check_value(check, &check->one, batch, shifted(check, at[i] * h), &f[i]));
    *slope = (8.0 * (f[2] - f[1]) - (f[3] - f[0])) / (12.0 * h);
    return UNS_OK;
}

/* The same for the gradient, into check->sum. */
static uns_status bend_along(uns_check *check, const uns_batch *batch) {
    double h = spacing(check);
    const double at[4] = {-2.0, -1.0, 1.0, 2.0}, weight[4] = {1.0, -8.0, 8.0, -1.0};
    memset(check->sum, 0, check->d * sizeof *check->sum);
    for (size_t i = 0; i < 4; i++) {
        UNS_TRY(uns_check_gradient(check, &check->one, batch, shifted(check, at[i] * h),
                                   check->low));
        for (size_t k = 0; k < check->d; k++)
            check->sum[k] += weight[i] / (12.0 * h) * check->low[k];
    }
    return UNS_OK;
}

/* How many axes and dense directions: few where a whole objective is dear. */
static void count_directions(const uns_check *check, const uns_batch *batch, size_t *axes,
                             size_t *dense) {
    bool dear = !batch && check->samples > UNS_CHECK_WHOLE;
    *axes = dear ? 0 : check->d < COORDINATES ? check->d : COORDINATES;
    *dense = dear ? FEW : DIRECTIONS;
}

static uns_status check_gradient(uns_check *check, const uns_batch *batch, double *error) {
    size_t axes, dense;
    double f;
    count_directions(check, batch, &axes, &dense);
    UNS_TRY(uns_check_value(check, &check->one, batch, check->point, &f));
    UNS_TRY(uns_check_gradient(check, &check->one, batch, check->point, check->gradient));
    double size = norm(check->d, check->gradient) + 1e-6 * fabs(f) + DBL_MIN;
    for (size_t i = 0; i < axes + dense; i++) {
        double slope;
        choose_direction(check, axes, i, check->direction);
        UNS_TRY(slope_along(check, batch, &slope));
        keep_worst(error,
                   fabs(slope - dot(check->d, check->gradient, check->direction)) / size);
    }
    return UNS_OK;
}

/* A product, or what stands in for it. */
typedef uns_status multiply(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                            const double *x, const double *v, double *out);

/* y = hv is made in check->low. */
static uns_status multiply_imaginary(uns_check *check, uns_check_lane *lane,
                                     const uns_batch *batch, const double *x, const double *v,
                                     double *out) {
    double step = uns_complex_step(check->d, v, check->low);
    uns_eval eval = uns_check_eval(check, lane, batch, x);
    uns_layout_spread(lane->layout, check->low, lane->v);
    uns_layout_spread(lane->layout, out, lane->out);
    uns_const_tensors from = {(const void *const *)lane->v, check->blocks};
    UNS_TRY(check->ops->imaginary(check->self, &eval, from,
                                  (uns_tensors){lane->out, check->blocks}));
    for (size_t k = 0; k < check->d; k++)
        out[k] /= step;
    return UNS_OK;
}

static uns_status check_product(uns_check *check, const uns_batch *batch, multiply *product,
                                double *error) {
    size_t axes, dense;
    count_directions(check, batch, &axes, &dense);
    UNS_TRY(uns_check_gradient(check, &check->one, batch, check->point, check->gradient));
    double floor = 1e-6 * norm(check->d, check->gradient) + DBL_MIN;
    for (size_t i = 0; i < axes + dense; i++) {
        choose_direction(check, axes, i, check->direction);
        UNS_TRY(bend_along(check, batch));
        UNS_TRY(
            product(check, &check->one, batch, check->point, check->direction, check->high));
        double size = norm(check->d, check->high) + floor;
        for (size_t k = 0; k < check->d; k++)
            check->sum[k] -= check->high[k];
        keep_worst(error, norm(check->d, check->sum) / size);
    }
    return UNS_OK;
}

static uns_status check_symmetry(uns_check *check, const uns_batch *batch, double *error) {
    uns_check_direction(check, 0, check->direction);
    uns_check_direction(check, 1, check->other);
    UNS_TRY(uns_check_product(check, &check->one, batch, check->point, check->direction,
                              check->low));
    UNS_TRY(
        uns_check_product(check, &check->one, batch, check->point, check->other, check->high));
    double gap =
        dot(check->d, check->other, check->low) - dot(check->d, check->direction, check->high);
    double size = norm(check->d, check->low) + norm(check->d, check->high) + DBL_MIN;
    keep_worst(error, fabs(gap) / size);
    return UNS_OK;
}

uns_status uns_check_differences(uns_check *check, uns_problem_report *report) {
    uns_batch drawn = uns_check_draw(check, 0, 0);
    const uns_batch *batches[] = {&drawn, NULL};
    report->gradient_error = 0.0;
    for (size_t i = 0; i < UNS_COUNT_OF(batches); i++)
        UNS_TRY(check_gradient(check, batches[i], &report->gradient_error));
    report->imaginary_error = check->ops->imaginary ? 0.0 : NAN;
    for (size_t i = 0; check->ops->imaginary && i < UNS_COUNT_OF(batches); i++)
        UNS_TRY(check_product(check, batches[i], multiply_imaginary, &report->imaginary_error));
    if (!check->ops->product)
        return UNS_OK;
    report->product_error = report->symmetry_error = 0.0;
    for (size_t i = 0; i < UNS_COUNT_OF(batches); i++) {
        UNS_TRY(check_product(check, batches[i], uns_check_product, &report->product_error));
        UNS_TRY(check_symmetry(check, batches[i], &report->symmetry_error));
    }
    return UNS_OK;
}

/* Replicas */

/* Replica r of the lane `many` at point + r/R of a direction, and the direction turned. */
static void scatter_points(uns_check *check) {
    size_t replicas = check->many.replicas;
    uns_check_direction(check, 2, check->direction);
    for (size_t k = 0; k < check->d; k++)
        for (size_t r = 0; r < replicas; r++) {
            double share = (double)r / (double)replicas;
            check->points[k * replicas + r] = check->point[k] + share * check->direction[k];
        }
}

static void gather(const uns_check *check, const double *wide, size_t r, double *out) {
    for (size_t k = 0; k < check->d; k++)
        out[k] = wide[k * check->many.replicas + r];
}

/* Compares replica r of the lane with the same replica alone. */
static uns_status check_replica(uns_check *check, bool whole, size_t r, double *error) {
    uns_batch drawn = uns_check_draw(check, 3, (uint32_t)r);
    const uns_batch *batch = whole ? NULL : &drawn;
    double f;
    gather(check, check->points, r, check->moved);
    UNS_TRY(uns_check_value(check, &check->one, batch, check->moved, &f));
    keep_worst(error, distance(1, &check->values[r], &f));
    UNS_TRY(uns_check_gradient(check, &check->one, batch, check->moved, check->low));
    gather(check, check->gradients, r, check->high);
    keep_worst(error, distance(check->d, check->high, check->low));
    if (!check->ops->product)
        return UNS_OK;
    UNS_TRY(
        uns_check_product(check, &check->one, batch, check->moved, check->moved, check->low));
    gather(check, check->products, r, check->high);
    keep_worst(error, distance(check->d, check->high, check->low));
    return UNS_OK;
}

static uns_status check_lanes(uns_check *check, bool whole, double *error) {
    uns_check_lane *many = &check->many;
    uns_batch drawn = uns_check_draw(check, 3, 0);
    const uns_batch *batch = whole ? NULL : &drawn;
    UNS_TRY(uns_check_value(check, many, batch, check->points, check->values));
    UNS_TRY(uns_check_gradient(check, many, batch, check->points, check->gradients));
    if (check->ops->product)
        UNS_TRY(uns_check_product(check, many, batch, check->points, check->points,
                                  check->products));
    size_t picks[] = {0, 1, many->replicas - 1};
    for (size_t i = 0; i < UNS_COUNT_OF(picks); i++)
        UNS_TRY(check_replica(check, whole, picks[i], error));
    return UNS_OK;
}

uns_status uns_check_replicas(uns_check *check, uns_problem_report *report) {
    report->replica_error = 0.0;
    scatter_points(check);
    UNS_TRY(check_lanes(check, false, &report->replica_error));
    if (check->samples > UNS_CHECK_WHOLE)
        return UNS_OK;
    return check_lanes(check, true, &report->replica_error);
}

/* Samples one by one */

static uns_status check_rows(uns_check *check, double *error) {
    uns_batch batch = uns_check_draw(check, 5, 2);
    uns_eval eval = uns_check_eval(check, &check->one, &batch, check->point);
    UNS_TRY(check->ops->per_sample(check->self, &eval, check->rows));
    UNS_TRY(uns_check_gradient(check, &check->one, &batch, check->point, check->gradient));
    memset(check->sum, 0, check->d * sizeof *check->sum);
    for (size_t i = 0; i < UNS_CHECK_BATCH; i++)
        for (size_t k = 0; k < check->d; k++)
            check->sum[k] += check->rows[i * check->d + k] / UNS_CHECK_BATCH;
    keep_worst(error, distance(check->d, check->sum, check->gradient));
    return UNS_OK;
}

/* A batch given by indices is the mean of its samples. */
static uns_status check_singles(uns_check *check, double *error) {
    uns_key key = {check->seed, step_indices, 0, UNS_STREAM_CHECK};
    memset(check->sum, 0, check->d * sizeof *check->sum);
    for (size_t i = 0; i < UNS_CHECK_BATCH; i++) {
        check->indices[i] = uns_random_below(key, (uint32_t)i, check->samples);
        uns_batch single = {key, 1, &check->indices[i]};
        UNS_TRY(uns_check_gradient(check, &check->one, &single, check->point, check->low));
        for (size_t k = 0; k < check->d; k++)
            check->sum[k] += check->low[k] / UNS_CHECK_BATCH;
    }
    uns_batch batch = {key, UNS_CHECK_BATCH, check->indices};
    UNS_TRY(uns_check_gradient(check, &check->one, &batch, check->point, check->gradient));
    keep_worst(error, distance(check->d, check->sum, check->gradient));
    return UNS_OK;
}

/* All samples together are the whole, for gradient and value alike. */
static uns_status check_all(uns_check *check, double *error) {
    for (size_t i = 0; i < check->samples; i++)
        check->indices[i] = (uint32_t)i;
    uns_batch all = uns_check_draw(check, 0, 0);
    all.size = (size_t)check->samples;
    all.indices = check->indices;
    double each, whole;
    UNS_TRY(uns_check_value(check, &check->one, &all, check->point, &each));
    UNS_TRY(uns_check_value(check, &check->one, NULL, check->point, &whole));
    keep_worst(error, distance(1, &each, &whole));
    UNS_TRY(uns_check_gradient(check, &check->one, &all, check->point, check->low));
    UNS_TRY(uns_check_gradient(check, &check->one, NULL, check->point, check->gradient));
    keep_worst(error, distance(check->d, check->low, check->gradient));
    return UNS_OK;
}

uns_status uns_check_samples(uns_check *check, uns_problem_report *report) {
    if (check->ops->per_sample || check->samples)
        report->per_sample_error = 0.0;
    if (check->ops->per_sample)
        UNS_TRY(check_rows(check, &report->per_sample_error));
    if (!check->samples)
        return UNS_OK;
    UNS_TRY(check_singles(check, &report->per_sample_error));
    if (check->samples > UNS_CHECK_WHOLE)
        return UNS_OK;
    return check_all(check, &report->per_sample_error);
}
