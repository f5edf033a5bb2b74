/* SPDX-License-Identifier: MIT
 * Small roots side by side; see root_rows.h. Each matrix is first scaled by a power of two to a
 * largest diagonal element near 1, so that the squares of the rotations cannot overflow.
 */
#include "la/root_rows.h"

#include "base/arena.h"
#include "base/base.h"
#include "kern/kern.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef struct room {
    double *vectors;        /* [n][n][R] */
    double *values, *roots; /* [n][R] */
    double *ones;           /* [n][R] */
    double *down, *up;      /* [R] scale and its inverse */
} room;

static room place(uns_arena *arena, size_t n, size_t replicas) {
    size_t row = uns_size_product(replicas, sizeof(double));
    room my;
    my.vectors = uns_arena_take(arena, uns_size_product(n * n, row));
    my.values = uns_arena_take(arena, uns_size_product(n, row));
    my.roots = uns_arena_take(arena, uns_size_product(n, row));
    my.ones = uns_arena_take(arena, uns_size_product(n, row));
    my.down = uns_arena_take(arena, row);
    my.up = uns_arena_take(arena, row);
    return my;
}

size_t uns_root_rows_scratch(size_t n, size_t replicas) {
    uns_arena arena = {NULL, 0};
    place(&arena, n, replicas);
    return arena.used;
}

static size_t diagonal(size_t i) {
    return i * (i + 1) / 2 + i;
}

/* 2^-e and 2^e for the largest diagonal element, which bounds all others of a semidefinite C.
 */
static void find_scales(size_t n, size_t replicas, const double *c, room *my) {
    for (size_t r = 0; r < replicas; r++) {
        double largest = 0.0;
        int exponent = 0;
        for (size_t i = 0; i < n; i++)
            largest = fmax(largest, fabs(c[diagonal(i) * replicas + r]));
        if (largest > 0.0 && isfinite(largest))
            frexp(largest, &exponent);
        my->down[r] = ldexp(1.0, -exponent);
        my->up[r] = ldexp(1.0, exponent);
    }
}

static void find_bad(size_t rows, size_t replicas, const double *c, uns_small_root *reports) {
    for (size_t r = 0; r < replicas; r++)
        reports[r].bad = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t r = 0; r < replicas; r++)
            reports[r].bad |= !isfinite(c[i * replicas + r]);
}

/* λ below rounding is 0, as in root.h; damped or inside, with ε > 0, only what is negative.
 * Extremes of cC before that, damped. */
static void clear_rounding(size_t n, size_t replicas, const uns_root *root, double *values,
                           uns_small_root *reports) {
    bool kept =
        root->damping > 0.0 || (root->form == UNS_EPSILON_INSIDE && root->epsilon > 0.0);
    for (size_t r = 0; r < replicas; r++) {
        double smallest = INFINITY, largest = 0.0;
        for (size_t i = 0; i < n; i++) {
            smallest = fmin(smallest, values[i * replicas + r]);
            largest = fmax(largest, values[i * replicas + r]);
        }
        double floor = kept ? 0.0 : (double)n * DBL_EPSILON * largest;
        for (size_t i = 0; i < n; i++)
            values[i * replicas + r] =
                (values[i * replicas + r] >= floor ? values[i * replicas + r] : 0.0) +
                root->damping * largest;
        reports[r].smallest = root->correction * (smallest + root->damping * largest);
        reports[r].largest = root->correction * (largest + root->damping * largest);
    }
}

/* A backward error n·2⁻⁵²·λ_max moves the root of the smallest eigenvalue kept by p·(that)/λ.
 */
static void bound_errors(size_t n, size_t replicas, const uns_root *root, const double *values,
                         uns_small_root *reports) {
    double p = root->exponent;
    double epsilon = root->form == UNS_EPSILON_INSIDE ? root->epsilon
                     : root->epsilon > 0.0            ? pow(root->epsilon, 1.0 / p)
                                                      : 0.0;
    for (size_t r = 0; r < replicas; r++) {
        double least = INFINITY;
        for (size_t i = 0; i < n; i++)
            if (values[i * replicas + r] > 0.0 || epsilon > 0.0)
                least = fmin(least, root->correction * values[i * replicas + r] + epsilon);
        double condition = isfinite(least) ? (reports[r].largest + epsilon) / least : 1.0;
        reports[r].error = (double)n * DBL_EPSILON * (1.0 + p * condition);
    }
}

void uns_root_rows(const uns_kernels *kernels, size_t n, size_t replicas, const uns_root *root,
                   double *c, double *r, void *scratch, uns_small_root *reports) {
    const uns_elementwise *kernel = &kernels->of[UNS_F64];
    size_t rows = n * (n + 1) / 2;
    uns_arena arena = {scratch, 0};
    room my = place(&arena, n, replicas);
    find_bad(rows, replicas, c, reports);
    find_scales(n, replicas, c, &my);
    kernel->scale_rows(rows, replicas, my.down, c, c);
    kernels->eigen_rows(n, replicas, c, my.vectors);
    for (size_t i = 0; i < n; i++)
        kernel->scale_rows(1, replicas, my.up, c + diagonal(i) * replicas,
                           my.values + i * replicas);
    clear_rounding(n, replicas, root, my.values, reports);
    bound_errors(n, replicas, root, my.values, reports);
    for (size_t k = 0; k < n * replicas; k++)
        my.ones[k] = 1.0;
    kernel->precondition(n * replicas, root, my.values, my.ones, my.roots);
    memset(r, 0, rows * replicas * sizeof *r);
    for (size_t k = 0; k < n; k++)
        kernels->outer_rows(n, replicas, my.ones, my.roots + k * replicas,
                            my.vectors + k * n * replicas, r);
}
