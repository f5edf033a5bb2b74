/* SPDX-License-Identifier: MIT
 * Roots by symmetric eigen-decomposition, in every form and of every size.
 */
#include "base/arena.h"
#include "la/dense.h"
#include "la/root_parts.h"

#include <float.h>
#include <math.h>

/* The eigen-solver's work lies where the two squares and the panel lie afterwards. */
static size_t carve(size_t n, void *memory, root_pairs *pairs) {
    uns_arena arena = {memory, 0};
    size_t row = n * sizeof(double), square = n * row;
    pairs->vectors = uns_arena_take(&arena, square);
    pairs->values = uns_arena_take(&arena, row);
    pairs->roots = uns_arena_take(&arena, row);
    pairs->slopes = uns_arena_take(&arena, row);
    uns_arena work = arena;
    (void)uns_arena_take(&work, uns_dense_eigen_bytes(n));
    pairs->square[0] = uns_arena_take(&arena, square);
    pairs->square[1] = uns_arena_take(&arena, square);
    pairs->panel = uns_arena_take(&arena, ROOT_PANEL * row);
    return arena.used > work.used ? arena.used : work.used;
}

size_t uns_root_eigen_bytes(size_t n) {
    root_pairs pairs;
    return carve(n, NULL, &pairs);
}

static void report_extremes(const root_task *task, const root_function *f,
                            const double *values) {
    double unit = task->root->correction * task->scale;
    task->report->largest = unit * (values[task->n - 1] + f->shift);
    task->report->smallest = unit * (values[0] + f->shift);
    task->report->iterations = 0;
}

static double unit_of(const root_function *f, size_t n, const double *values) {
    int exponent;
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, uns_root_value(f, values[i]));
    (void)frexp(largest, &exponent);
    return largest > 0 && largest < INFINITY ? ldexp(1, -exponent) : 1;
}

uns_status uns_root_by_eigen(const root_task *task) {
    size_t n = task->n;
    root_pairs pairs;
    (void)carve(n, task->scratch, &pairs);
    if (task->vectors)
        pairs.vectors = task->vectors;
    uns_root_scaled_copy(task, pairs.vectors);
    uns_status status = uns_dense_eigen(n, pairs.vectors, pairs.values, pairs.square[0]);
    if (status != UNS_OK)
        return status;
    double top = pairs.values[n - 1] > 0 ? pairs.values[n - 1] : 0;
    root_function f = {task->root, task->scale, 1, task->damping * top,
                       (double)n * DBL_EPSILON * top};
    f.unit = unit_of(&f, n, pairs.values);
    for (size_t i = 0; i < n; i++)
        pairs.roots[i] = uns_root_value(&f, pairs.values[i]);
    report_extremes(task, &f, pairs.values);
    uns_root_correct(task, &f, &pairs);
    for (size_t i = 0; task->values && i < n; i++)
        task->values[i] = pairs.values[i] * task->scale;
    return UNS_OK;
}
