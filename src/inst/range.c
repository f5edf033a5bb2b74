/* SPDX-License-Identifier: MIT
 * Diagonal operators, and the range of any: λ_min(A) and ‖A‖.
 */
#include <unsaddle/noise.h>

#include "base/base.h"
#include "la/extreme.h"

#include <math.h>

static uns_status product_diagonal(void *self, const double *v, double *out) {
    const uns_diagonal *diagonal = self;
    for (size_t i = 0; i < diagonal->dimension; i++)
        out[i] = diagonal->values[i] * v[i];
    return UNS_OK;
}

uns_operator uns_operator_diagonal(const uns_diagonal *diagonal) {
    uns_operator op = {.size = sizeof op,
                       .dimension = diagonal->dimension,
                       .self = (void *)(uintptr_t)diagonal,
                       .product = product_diagonal,
                       .rung = UNS_RUNG_EXACT};
    return op;
}

static void range_of_diagonal(const uns_diagonal *diagonal, double *lowest, double *norm) {
    double low = INFINITY, high = 0.0;
    for (size_t i = 0; i < diagonal->dimension; i++) {
        low = fmin(low, diagonal->values[i]);
        high = fmax(high, fabs(diagonal->values[i]));
    }
    *lowest = low;
    *norm = high;
}

uns_status uns_operator_range(uns_context *context, const uns_operator *op, size_t products,
                              uint64_t seed, double *lowest, double *norm) {
    size_t ends = op->dimension > 1 ? 2 : 1;
    double values[2], residuals[2];
    uns_extremes found;
    if (op->product == product_diagonal) {
        range_of_diagonal(op->self, lowest, norm);
        return UNS_OK;
    }
    if (products == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "a range takes at least 1 product");
    uns_extreme_plan plan = {.smallest = 1,
                             .largest = ends - 1,
                             .tolerance = 1e-10,
                             .products = products,
                             .basis = products,
                             .key = {seed, 0, 0, UNS_STREAM_NOISE}};
    UNS_TRY(uns_lanczos_extremes(context, op, &plan, values, residuals, NULL, &found));
    double high = found.found_largest ? values[1] : values[0];
    *lowest = values[0];
    *norm = fmax(fabs(values[0]), fabs(high));
    return UNS_OK;
}
