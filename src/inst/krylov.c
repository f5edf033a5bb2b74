/* SPDX-License-Identifier: MIT
 * Lanczos with full reorthogonalisation.
 */
#include "inst/krylov.h"

#include "base/base.h"
#include "la/jacobi.h"

#include <math.h>
#include <string.h>

static double dot(size_t d, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += x[i] * y[i];
    return sum;
}

static void axpy(size_t d, double a, const double *x, double *y) {
    for (size_t i = 0; i < d; i++)
        y[i] += a * x[i];
}

/* Twice is enough (Kahan, Parlett): what is left is orthogonal to rounding. */
static double clean(size_t d, size_t count, const double *basis, double *v) {
    for (int pass = 0; pass < 2; pass++)
        for (size_t j = 0; j < count; j++)
            axpy(d, -dot(d, basis + j * d, v), basis + j * d, v);
    return sqrt(dot(d, v, v));
}

/* The projected matrix is filled from the products themselves and symmetrised, so that slightly
 * asymmetric products (differences) do no harm. */
uns_status uns_krylov(const uns_metric *op, const double *start, uns_key key, size_t steps,
                      double *basis, double *work, double *values, double *vectors,
                      double *residual, size_t *count) {
    double t[UNS_KRYLOV_STEPS * UNS_KRYLOV_STEPS] = {0.0}, length, scale = 0.0;
    size_t d = op->dimension, k = 0;
    if (start)
        memcpy(basis, start, d * sizeof *basis);
    else
        uns_random_normal(key, 0, d, basis);
    length = sqrt(dot(d, basis, basis));
    while (k < steps && k < d && length > 1e-10 * scale && length > 0.0) {
        double *v = basis + k * d;
        for (size_t i = 0; i < d; i++)
            v[i] /= length;
        UNS_TRY(op->product(op->self, v, work));
        for (size_t j = 0; j <= k; j++)
            t[j * steps + k] = dot(d, basis + j * d, work);
        scale = fmax(scale, sqrt(dot(d, work, work)));
        length = clean(d, ++k, basis, work);
        if (k < steps && k < d)
            memcpy(basis + k * d, work, d * sizeof *work);
    }
    double small[UNS_KRYLOV_STEPS * UNS_KRYLOV_STEPS];
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            small[i * k + j] = i <= j ? t[i * steps + j] : t[j * steps + i];
    uns_eigen_symmetric(k, small, values, vectors);
    for (size_t i = 0; residual && i < k; i++)
        residual[i] = length * fabs(vectors[i * k + k - 1]);
    *count = k;
    return UNS_OK;
}
