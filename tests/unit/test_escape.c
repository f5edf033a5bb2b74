/* SPDX-License-Identifier: MIT
 * Statistics of escapes: Kaplan–Meier against published and hand-worked tables, intervals
 * against how often they hold the truth.
 */
#include "base/base.h"
#include "run/escape.h"

#include <criterion/criterion.h>
#include <math.h>
#include <unsaddle/elementary.h>
#include <unsaddle/random.h>

#define NEAR(a, b, tolerance)                                                                  \
    cr_expect(fabs((a) - (b)) <= (tolerance), "%s is %.9g, not %.9g", #a, (double)(a),         \
              (double)(b))

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_open(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(escape, .init = open_context, .fini = close_context);

/* Times > 0 escaped, < 0 censored at −time. */
static uns_result fill(size_t n, const int64_t *times) {
    int64_t escape[64], seen[64];
    uns_result result = {0};
    for (size_t i = 0; i < n; i++) {
        escape[i] = times[i] > 0 ? times[i] : -1;
        seen[i] = times[i] > 0 ? 1000 : -times[i];
    }
    cr_assert_eq(uns_escape_fill(context, n, escape, seen, &result), UNS_OK);
    return result;
}

static uns_survival survive(size_t n, const int64_t *times) {
    int64_t escape[64], seen[64];
    uns_survival survival;
    for (size_t i = 0; i < n; i++) {
        escape[i] = times[i] > 0 ? times[i] : -1;
        seen[i] = times[i] > 0 ? 1000 : -times[i];
    }
    cr_assert_eq(uns_survival_create(context, n, escape, seen, &survival), UNS_OK);
    return survival;
}

Test(escape, uncensored_quantiles_are_the_samples) {
    const int64_t odd[5] = {9, 2, 4, 7, 1}, even[4] = {4, 1, 2, 8};
    uns_result result = fill(5, odd);
    cr_expect_eq(result.escape_median, 4.0);
    cr_expect_eq(result.escape_quantile[0], 1.0);
    cr_expect_eq(result.escape_quantile[1], 2.0);
    cr_expect_eq(result.escape_quantile[2], 7.0);
    cr_expect_eq(result.escape_quantile[3], 9.0);
    cr_expect_eq(fill(4, even).escape_median, 3.0);
}

Test(escape, mean_and_deviation_are_over_the_escaped) {
    const int64_t times[6] = {10, 20, 30, -100, 40, -100};
    uns_result result = fill(6, times);
    cr_expect_eq(result.escaped, 4);
    NEAR(result.escape_mean.mean, 25.0, 1e-12);
    NEAR(result.escape_deviation, sqrt(500.0 / 3.0), 1e-12);
    double reach = 3.182446305284263 * sqrt(500.0 / 3.0) / 2.0;
    NEAR(result.escape_mean.low, 25.0 - reach, 1e-9);
    NEAR(result.escape_mean.high, 25.0 + reach, 1e-9);
}

/* Remission times of 21 patients under 6-MP: Freireich et al. 1963, with the estimates and
 * standard errors printed by Kalbfleisch & Prentice. */
Test(escape, kaplan_meier_gives_the_published_table) {
    const int64_t times[21] = {6,   6,   6,   -6, 7,  -9,  10,  -10, -11, 13, 16,
                               -17, -19, -20, 22, 23, -25, -32, -32, -34, -35};
    const double when[7] = {6, 7, 10, 13, 16, 22, 23};
    const double share[7] = {0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448};
    const double error[7] = {0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346};
    uns_survival survival = survive(21, times);
    double low, high;
    cr_assert_eq(survival.count, 7);
    for (size_t i = 0; i < 7; i++) {
        cr_expect_eq(survival.time[i], when[i]);
        NEAR(survival.share[i], share[i], 5e-4);
        NEAR(survival.share[i] * sqrt(survival.greenwood[i]), error[i], 5e-5);
    }
    cr_expect_eq(uns_survival_quantile(&survival, 0.5), 23.0);
    uns_survival_interval(&survival, 0.5, &low, &high);
    cr_expect_eq(low, 13.0);
    cr_expect(isnan(high));
    uns_survival_release(context, &survival);
}

/* S falls to 4/5, then a fifth leaves, 4/5·2/3 = 8/15, and 0 at the last. */
Test(escape, censored_replicas_leave_the_risk_set) {
    const int64_t times[5] = {1, -2, 3, -4, 5};
    uns_survival survival = survive(5, times);
    cr_assert_eq(survival.count, 3);
    NEAR(survival.share[0], 0.8, 1e-15);
    NEAR(survival.share[1], 8.0 / 15.0, 1e-15);
    cr_expect_eq(survival.share[2], 0.0);
    cr_expect_eq(uns_survival_quantile(&survival, 0.25), 3.0);
    cr_expect_eq(uns_survival_quantile(&survival, 0.5), 5.0);
    uns_survival_release(context, &survival);
}

Test(escape, a_quantile_out_of_reach_is_nan) {
    const int64_t some[4] = {5, -10, -10, -10}, none[3] = {-10, -10, -10};
    uns_result result = fill(4, some);
    cr_expect(isnan(result.escape_median));
    cr_expect_eq(result.escape_quantile[0], 5.0);
    result = fill(3, none);
    cr_expect_eq(result.escaped, 0);
    cr_expect(isnan(result.escape_mean.mean) && isnan(result.escape_median));
    cr_expect(isnan(result.escape_quantile[0]) && isnan(result.escape_deviation));
}

Test(escape, one_replica_has_a_mean_and_no_interval) {
    const int64_t times[1] = {17};
    uns_result result = fill(1, times);
    cr_expect_eq(result.escape_mean.mean, 17.0);
    cr_expect_eq(result.escape_median, 17.0);
    cr_expect(isnan(result.escape_mean.low) && isnan(result.escape_deviation));
}

Test(escape, student_points_are_those_of_the_tables) {
    const size_t freedom[6] = {1, 3, 4, 10, 30, 100};
    const double point[6] = {12.7062047, 3.1824463, 2.7764451, 2.2281389, 2.0422725, 1.9839715};
    for (size_t i = 0; i < 6; i++)
        NEAR(uns_student_point(freedom[i]) / point[i], 1.0, 5e-4);
    NEAR(uns_student_point(1000000000), 1.959963984540054, 1e-8);
}

/* Clusters of equal size: the mean of the cluster means, and its standard error. */
Test(escape, floors_of_equal_clusters_are_means_of_means) {
    const double sum[4] = {10.0, 14.0, 0.0, 18.0}, count[4] = {2.0, 2.0, 0.0, 2.0};
    uns_estimate floor = uns_estimate_ratio(4, sum, count);
    NEAR(floor.mean, 7.0, 1e-12);
    NEAR(floor.high - floor.mean, 4.302652729911275 * 2.0 / sqrt(3.0), 1e-9);
    NEAR(floor.mean - floor.low, floor.high - floor.mean, 1e-12);
}

Test(escape, floors_without_a_settled_replica_are_nan) {
    const double zero[3] = {0.0, 0.0, 0.0};
    uns_estimate floor = uns_estimate_ratio(3, zero, zero);
    cr_expect(isnan(floor.mean) && isnan(floor.low) && isnan(floor.high));
}

/* Trials of an interval; a share outside the range has probability below 1e-6 at 95 %. */
enum {
    TRIALS = 2000,
    SIZE = 60
};

static void expect_nominal(int held, const char *what) {
    double share = (double)held / TRIALS;
    cr_expect(share > 0.925 && share < 0.975, "%s: %.4f", what, share);
}

static void draw_uniform(int trial, uint32_t which, size_t n, double *out) {
    uns_key key = {11, (uint64_t)trial, which, UNS_STREAM_USER};
    uns_random_uniform(key, 0, n, out);
}

/* Exponential times of mean 1000, censored uniformly on 0..3000: about a third. */
Test(escape, median_intervals_hold_the_truth_at_the_nominal_rate) {
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double life[SIZE], leave[SIZE];
        int64_t escape[SIZE], seen[SIZE];
        uns_result result = {0};
        draw_uniform(trial, 0, SIZE, life);
        draw_uniform(trial, 1, SIZE, leave);
        for (size_t i = 0; i < SIZE; i++) {
            double time = ceil(-1000.0 * uns_log(life[i])), end = ceil(3000.0 * leave[i]);
            escape[i] = time <= end ? (int64_t)time : -1;
            seen[i] = (int64_t)end;
        }
        cr_assert_eq(uns_escape_fill(context, SIZE, escape, seen, &result), UNS_OK);
        double truth = 1000.0 * 0.69314718;
        held += result.escape_median_low <= truth && !(result.escape_median_high < truth);
    }
    expect_nominal(held, "median");
}

Test(escape, mean_intervals_hold_the_truth_at_the_nominal_rate) {
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double values[6];
        uns_key key = {12, (uint64_t)trial, 0, UNS_STREAM_USER};
        uns_random_normal(key, 0, 6, values);
        uns_estimate mean = uns_estimate_mean(6, values, NULL);
        held += mean.low <= 0.0 && mean.high >= 0.0;
    }
    expect_nominal(held, "mean");
}

/* Pairs within a replica share a level: an interval over pairs would hold the truth half as
 * often as this one must. Cluster sizes differ. */
Test(escape, floor_intervals_hold_the_truth_at_the_nominal_rate) {
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double level[SIZE], share[SIZE], sum[SIZE], count[SIZE];
        uns_key key = {13, (uint64_t)trial, 0, UNS_STREAM_USER};
        uns_random_normal(key, 0, SIZE, level);
        draw_uniform(trial, 2, SIZE, share);
        for (size_t i = 0; i < SIZE; i++) {
            count[i] = floor(100.0 * share[i]);
            sum[i] = count[i] * (3.0 + level[i]);
        }
        uns_estimate floor = uns_estimate_ratio(SIZE, sum, count);
        held += floor.low <= 3.0 && floor.high >= 3.0;
    }
    expect_nominal(held, "floor");
}
