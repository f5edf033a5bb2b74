/* SPDX-License-Identifier: MIT
 * Spectra by shape; see the header.
 */
#include "shapes.h"

#include <math.h>

const char *const shape_names[SHAPES] = {"even",      "semicircle", "dense low edge", "bulk",
                                         "chebyshev", "edge",       "isolated"};

#define PI 3.14159265358979323846

/* The u-quantile of the semicircle law on [0, 1], by bisection. */
static double semicircle(double u) {
    double low = 0.0, high = 1.0;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high), y = 2.0 * middle - 1.0;
        double share = 0.5 + (y * sqrt(1.0 - y * y) + asin(y)) / PI;
        *(share < u ? &low : &high) = middle;
    }
    return low;
}

static double value(shape kind, double u, size_t i, size_t steps) {
    switch (kind) {
    case SHAPE_SEMICIRCLE:
        return semicircle(u);
    case SHAPE_DENSE_LOW:
        return u * u;
    case SHAPE_BULK:
        return u < 0.9 ? 0.02 * u / 0.9 : 0.02 + 0.98 * (u - 0.9) / 0.1;
    case SHAPE_CHEBYSHEV: {
        double c = cos((double)(i % steps) * PI / (double)(2 * steps - 2));
        return c * c;
    }
    case SHAPE_EDGE:
        return u < 0.1 ? 1e-4 * u : 0.1 + 0.9 * (u - 0.1) / 0.9;
    case SHAPE_ISOLATED:
        return i == 0 ? 0.0 : 0.1 + 0.9 * u;
    default:
        return u;
    }
}

void shape_fill(shape kind, size_t d, double low, size_t steps, double *lambda) {
    if (steps > d)
        steps = d;
    for (size_t i = 0; i < d; i++)
        lambda[i] = low + value(kind, (double)i / (double)(d - 1), i, steps);
}

static uns_status product(void *self, const double *v, double *out) {
    shape_diagonal *diagonal = self;
    diagonal->products++;
    for (size_t i = 0; i < diagonal->dimension; i++)
        out[i] = diagonal->lambda[i] * v[i];
    return UNS_OK;
}

uns_operator shape_operator(shape_diagonal *diagonal) {
    return (uns_operator){
        sizeof(uns_operator), diagonal->dimension, diagonal, product, UNS_RUNG_EXACT, 0.0};
}
