/* SPDX-License-Identifier: MIT
 * Escape statistics: means, Kaplan–Meier quantiles, floors, each with a 95 % interval.
 *
 * Kaplan & Meier 1958; Greenwood 1926 for the variance; Brookmeyer & Crowley 1982 on the
 * log(−log) scale for quantiles (as R's survfit with conf.type = "log-log"); the floor is a
 * ratio estimator with replicas as clusters (Cochran, Sampling Techniques, §6).
 */
#include "run/escape.h"

#include "base/base.h"

#include <math.h>
#include <stdlib.h>
#include <unsaddle/elementary.h>

static const double normal_point = 1.959963984540054; /* Φ⁻¹(0.975) */

/* Product of up to a million factors: rounding stays well below this. */
static const double tie = 1e-9;

typedef struct sighting {
    int64_t time;
    int event;
} sighting;

/* By time; at a tie escapes first. */
static int compare_sightings(const void *a, const void *b) {
    const sighting *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return y->event - x->event;
}

static void product_limit(size_t n, const sighting *seen, uns_survival *s) {
    double share = 1.0, greenwood = 0.0;
    for (size_t i = 0, next; i < n; i = next) {
        size_t events = 0, risk = n - i;
        for (next = i; next < n && seen[next].time == seen[i].time; next++)
            events += (size_t)seen[next].event;
        if (events == 0)
            continue;
        share = events == risk ? 0.0 : share * ((double)(risk - events) / (double)risk);
        greenwood += (double)events / ((double)risk * (double)(risk - events));
        s->time[s->count] = (double)seen[i].time;
        s->share[s->count] = share;
        s->greenwood[s->count++] = greenwood;
    }
}

uns_status uns_survival_create(uns_context *context, size_t n, const int64_t *escape,
                               const int64_t *seen, uns_survival *out) {
    sighting *all = uns_allocate(context, uns_size_product(n + 1, sizeof *all));
    double *numbers = uns_allocate(context, uns_size_product(3 * n + 1, sizeof *numbers));
    if (!all || !numbers) {
        uns_release(context, all);
        uns_release(context, numbers);
        return UNS_ERROR_MEMORY;
    }
    for (size_t i = 0; i < n; i++)
        all[i] = (sighting){escape[i] > 0 ? escape[i] : seen[i], escape[i] > 0};
    qsort(all, n, sizeof *all, compare_sightings);
    *out = (uns_survival){0, numbers, numbers + n, numbers + 2 * n};
    product_limit(n, all, out);
    uns_release(context, all);
    return UNS_OK;
}

void uns_survival_release(uns_context *context, uns_survival *survival) {
    uns_release(context, survival->time);
    *survival = (uns_survival){0};
}

double uns_survival_quantile(const uns_survival *s, double q) {
    for (size_t i = 0; i < s->count; i++) {
        if (s->share[i] > 1.0 - q + tie)
            continue;
        bool even = s->share[i] >= 1.0 - q - tie && i + 1 < s->count;
        return even ? 0.5 * (s->time[i] + s->time[i + 1]) : s->time[i];
    }
    return NAN;
}

/* Ends of the interval of the share after event i: share^exp(±z·se), se the deviation of
 * log(−log share). Nothing can be said once the share is 0. */
static void share_interval(const uns_survival *s, size_t i, double *low, double *high) {
    double log_share = uns_log(s->share[i]);
    double spread = normal_point * sqrt(s->greenwood[i]) / fabs(log_share);
    *low = uns_exp(log_share * uns_exp(spread));
    *high = uns_exp(log_share * uns_exp(-spread));
}

void uns_survival_interval(const uns_survival *s, double q, double *low, double *high) {
    *low = *high = NAN;
    for (size_t i = 0; i < s->count && s->share[i] > 0.0 && isnan(*high); i++) {
        double least, most;
        share_interval(s, i, &least, &most);
        if (isnan(*low) && least <= 1.0 - q)
            *low = s->time[i];
        if (most <= 1.0 - q)
            *high = s->time[i];
    }
}

double uns_student_point(size_t freedom) {
    static const double small[3] = {12.706204736432095, 4.302652729911275, 3.182446305284263};
    if (freedom == 0)
        return NAN;
    if (freedom <= UNS_COUNT_OF(small))
        return small[freedom - 1];
    /* Cornish–Fisher: Abramowitz & Stegun 26.7.5 */
    double z = normal_point, z2 = z * z, v = (double)freedom;
    double a = z * (z2 + 1.0) / 4.0, b = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    double c = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    double d = z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92160.0;
    return z + (a + (b + (c + d / v) / v) / v) / v;
}

static uns_estimate estimate_around(double mean, double error, size_t n) {
    double reach = n > 1 ? uns_student_point(n - 1) * error : NAN;
    uns_estimate estimate = {mean, mean - reach, mean + reach};
    return estimate;
}

uns_estimate uns_estimate_mean(size_t n, const double *values, double *deviation) {
    double sum = 0.0, squares = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            count++;
        }
    double mean = count ? sum / (double)count : NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            squares += (values[i] - mean) * (values[i] - mean);
    double spread = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
    if (deviation)
        *deviation = spread;
    return estimate_around(mean, spread / sqrt((double)count), count);
}

uns_estimate uns_estimate_ratio(size_t n, const double *sum, const double *count) {
    double top = 0.0, bottom = 0.0, squares = 0.0;
    size_t clusters = 0;
    for (size_t i = 0; i < n; i++) {
        top += sum[i];
        bottom += count[i];
        clusters += count[i] > 0.0;
    }
    double mean = bottom > 0.0 ? top / bottom : NAN;
    for (size_t i = 0; i < n; i++) {
        double rest = sum[i] - mean * count[i];
        squares += count[i] > 0.0 ? rest * rest : 0.0;
    }
    double m = (double)clusters;
    double error = clusters > 1 ? sqrt(squares * m / (m - 1.0)) / bottom : NAN;
    return estimate_around(mean, error, clusters);
}

/* Quantiles, with the interval of the median. */
static void fill_quantiles(const uns_survival *survival, uns_result *result) {
    static const double q[4] = {0.05, 0.25, 0.75, 0.95};
    for (size_t i = 0; i < UNS_COUNT_OF(q); i++)
        result->escape_quantile[i] = uns_survival_quantile(survival, q[i]);
    result->escape_median = uns_survival_quantile(survival, 0.5);
    uns_survival_interval(survival, 0.5, &result->escape_median_low,
                          &result->escape_median_high);
}

uns_status uns_escape_fill(uns_context *context, size_t n, const int64_t *escape,
                           const int64_t *seen, uns_result *result) {
    uns_survival survival;
    double *values = uns_allocate(context, uns_size_product(n + 1, sizeof *values));
    if (!values)
        return UNS_ERROR_MEMORY;
    result->escaped = 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = escape[i] > 0 ? (double)escape[i] : NAN;
        result->escaped += escape[i] > 0;
    }
    result->escape_mean = uns_estimate_mean(n, values, &result->escape_deviation);
    uns_release(context, values);
    UNS_TRY(uns_survival_create(context, n, escape, seen, &survival));
    fill_quantiles(&survival, result);
    uns_survival_release(context, &survival);
    return UNS_OK;
}
