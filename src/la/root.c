/* SPDX-License-Identifier: MIT
 * Roots: checks what is given, brings it to entries near 1 and picks the method.
 */
#include "la/root.h"
#include "base/base.h"
#include "la/dense.h"
#include "la/root_parts.h"

#include <math.h>
#include <string.h>

enum {
    /* At the crossover, an eigen-decomposition with its correction takes the time of some
     * this/n products: 1600/n with OpenBLAS's kernels for AVX2, 3300/n with those for AVX-512.
     */
    PRODUCTS_OF_EIGEN = 2400
};

size_t uns_root_scratch(size_t n) {
    size_t eigen = uns_root_eigen_bytes(n), newton = uns_root_newton_bytes(n);
    return eigen > newton ? eigen : newton;
}

static bool within(double x, double least) {
    return x >= least && x < INFINITY;
}

static uns_status check_root(uns_context *context, const uns_root *root) {
    if (!uns_dense_available())
        return uns_fail(
            context, UNS_ERROR_UNAVAILABLE,
            "roots of matrices need OpenBLAS and LAPACKE, which this build has not");
    if (within(root->exponent, 0) && within(root->epsilon, 0) && within(root->damping, 0) &&
        within(root->correction, 0) && root->correction > 0)
        return UNS_OK;
    return uns_fail(context, UNS_ERROR_ARGUMENT,
                    "root: exponent %g, epsilon %g and damping %g must be finite and not below "
                    "0, and the correction %g above it",
                    root->exponent, root->epsilon, root->damping, root->correction);
}

/* The largest |entry| of the lower triangle into *largest; a non-finite one is refused. */
static uns_status find_largest(uns_context *context, size_t n, const double *c,
                               double *largest) {
    *largest = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double size = fabs(c[i * n + j]);
            if (!(size < INFINITY))
                return uns_fail(
                    context, UNS_ERROR_RANGE,
                    "root of a %zu×%zu matrix: entry (%zu, %zu) is %g, so a gradient "
                    "that was observed was not finite or its square overflowed",
                    n, n, i + 1, j + 1, c[i * n + j]);
            *largest = size > *largest ? size : *largest;
        }
    return UNS_OK;
}

/* A power of two near `largest`, whose inverse is a number too. */
static double scale_of(double largest) {
    int exponent;
    (void)frexp(largest, &exponent);
    return largest > 0 ? ldexp(1, exponent < -1000  ? -1000
                                  : exponent > 1000 ? 1000
                                                    : exponent)
                       : 1;
}

static void put_identity(size_t n, double *r) {
    memset(r, 0, n * n * sizeof *r);
    for (size_t i = 0; i < n; i++)
        r[i * n + i] = 1;
}

static uns_status take(uns_context *context, root_task *task, bool pairs_wanted) {
    double largest;
    UNS_TRY(check_root(context, task->root));
    UNS_TRY(find_largest(context, task->n, task->c, &largest));
    if (task->n == 0 || (task->root->exponent == 0 && !pairs_wanted)) {
        *task->report = (uns_root_report){0};
        put_identity(task->n, task->r);
        return UNS_OK;
    }
    task->scale = scale_of(largest);
    task->worth = PRODUCTS_OF_EIGEN;
    if (!pairs_wanted && uns_root_by_newton(task))
        return UNS_OK;
    uns_status status = uns_root_by_eigen(task);
    if (status != UNS_OK)
        return uns_fail(context, status, "root: the eigen-solver failed on a %zu×%zu matrix",
                        task->n, task->n);
    return UNS_OK;
}

uns_status uns_root_dense(uns_context *context, size_t n, const uns_root *root, const double *c,
                          double *r, void *scratch, uns_root_report *report) {
    root_task task = {.n = n,
                      .root = root,
                      .damping = root->damping,
                      .c = c,
                      .r = r,
                      .scratch = scratch,
                      .report = report};
    return take(context, &task, false);
}

uns_status uns_root_eigen(uns_context *context, size_t n, const uns_root *root, const double *c,
                          double *r, double *values, double *vectors, void *scratch,
                          uns_root_report *report) {
    root_task task = {.n = n,
                      .root = root,
                      .damping = root->damping,
                      .c = c,
                      .r = r,
                      .values = values,
                      .vectors = vectors,
                      .scratch = scratch,
                      .report = report};
    return take(context, &task, true);
}
