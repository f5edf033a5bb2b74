/* SPDX-License-Identifier: MIT
 * Mean tests on fresh samples. Student's t over batch means; normal enough for means of
 * batches, and no claim for single heavy-tailed samples.
 */
#include "inst/fresh.h"

#include "base/base.h"
#include "la/sphere.h"

#include <math.h>

static double dot(size_t d, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += x[i] * y[i];
    return sum;
}

static uns_mean_test judge(size_t n, const double *y, double level) {
    uns_mean_test test = {0};
    double squares = 0.0;
    for (size_t i = 0; i < n; i++)
        test.mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (y[i] - test.mean) * (y[i] - test.mean);
    test.error = sqrt(squares / (double)(n - 1) / (double)n);
    double reach = uns_student_quantile(n - 1, 1.0 - level) * test.error;
    test.low = test.mean - reach;
    test.high = test.mean + reach;
    return test;
}

/* The i-th of `count` batches that share `samples`, at least one sample each. */
static uns_batch batch_of(size_t samples, size_t count, uns_key key, size_t i) {
    key.step = key.step * count + i;
    size_t size = (samples + count - 1) / count;
    return (uns_batch){key, size < 1 ? 1 : size, NULL};
}

uns_status uns_fresh_gradient(uns_hessian *h, size_t samples, uns_key key, double level,
                              double *work, uns_mean_test *test) {
    double products[UNS_FRESH_PAIRS] = {0};
    const uns_batch *before = h->batch;
    uns_status status = UNS_OK;
    for (size_t i = 0; i < 2 * UNS_FRESH_PAIRS && status == UNS_OK; i++) {
        uns_batch batch = batch_of(samples, 2 * (size_t)UNS_FRESH_PAIRS, key, i);
        h->batch = &batch;
        status = uns_hessian_gradient(h, work + i % 2 * h->dimension);
        if (i % 2 == 1)
            products[i / 2] = dot(h->dimension, work, work + h->dimension);
    }
    h->batch = before;
    if (status == UNS_OK)
        *test = judge(UNS_FRESH_PAIRS, products, level);
    return status;
}

uns_status uns_fresh_curvature(uns_hessian *h, size_t samples, uns_key key, double level,
                               const double *v, double *work, uns_mean_test *test) {
    double curvature[UNS_FRESH_BATCHES] = {0};
    const uns_batch *before = h->batch;
    uns_status status = UNS_OK;
    for (size_t i = 0; i < UNS_FRESH_BATCHES && status == UNS_OK; i++) {
        uns_batch batch = batch_of(samples, UNS_FRESH_BATCHES, key, i);
        h->batch = &batch;
        status = h->op.product(h->op.self, v, work);
        curvature[i] = dot(h->dimension, v, work);
    }
    h->batch = before;
    if (status == UNS_OK)
        *test = judge(UNS_FRESH_BATCHES, curvature, level);
    return status;
}
