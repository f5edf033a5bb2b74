/* SPDX-License-Identifier: MIT
 * Diagonal metrics, and the range of any metric: λ_min(A) and ‖A‖.
 */
#include "inst/krylov.h"

#include "base/base.h"

#include <math.h>

static uns_status product_diagonal(void *self, const double *v, double *out) {
    const uns_diagonal *diagonal = self;
    for (size_t i = 0; i < diagonal->dimension; i++)
        out[i] = diagonal->values[i] * v[i];
    return UNS_OK;
}

uns_metric uns_metric_diagonal(const uns_diagonal *diagonal) {
    uns_metric metric = {.size = sizeof metric,
                         .dimension = diagonal->dimension,
                         .self = (void *)(uintptr_t)diagonal,
                         .product = product_diagonal};
    return metric;
}

static void range_of_diagonal(const uns_diagonal *diagonal, double *lowest, double *highest) {
    double low = INFINITY, high = 0.0;
    for (size_t i = 0; i < diagonal->dimension; i++) {
        low = fmin(low, diagonal->values[i]);
        high = fmax(high, fabs(diagonal->values[i]));
    }
    *lowest = low;
    *highest = high;
}

uns_status uns_metric_range(uns_context *context, const uns_metric *metric, size_t products,
                            uint64_t seed, double *lowest, double *highest) {
    double values[UNS_KRYLOV_STEPS], vectors[UNS_KRYLOV_STEPS * UNS_KRYLOV_STEPS];
    uns_key key = {seed, 0, 0, UNS_STREAM_NOISE};
    size_t count, d = metric->dimension;
    if (metric->product == product_diagonal) {
        range_of_diagonal(metric->self, lowest, highest);
        return UNS_OK;
    }
    if (products == 0 || products > UNS_KRYLOV_STEPS)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "a metric's range takes 1 to %d products",
                        UNS_KRYLOV_STEPS);
    double *memory = uns_allocate(context, uns_size_product(products + 1, d * sizeof *memory));
    if (!memory)
        return UNS_ERROR_MEMORY;
    uns_status status = uns_krylov(metric, NULL, key, products, memory, memory + products * d,
                                   values, vectors, NULL, &count);
    uns_release(context, memory);
    if (status != UNS_OK)
        return status;
    *lowest = values[0];
    *highest = fmax(fabs(values[0]), fabs(values[count - 1]));
    return UNS_OK;
}
