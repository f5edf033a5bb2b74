/* SPDX-License-Identifier: MIT
 * Products whose rounding does not hide the error of a root.
 *
 * An f64 product xA errs by some u·|x||A|, as much as the error that is to be measured. With
 * both factors split into a leading half of few bits and a rest, the product of the leading
 * halves is exact in any order of summation, and the other parts are 2⁻²² smaller:
 *
 *     xA = x₁A₁ + x₂A₁ + xA₂,   x₁, A₁ multiples of 2^-b of the largest entry,  n·2^(2b) <= 2⁵³
 *
 * at three plain products (K. Ozaki, T. Ogita, S. Oishi, S. M. Rump, Numer. Algorithms 59,
 * 2012).
 */
#include "la/dense.h"
#include "la/root_parts.h"

#include <math.h>

void uns_root_scaled_copy(const root_task *task, double *a) {
    size_t n = task->n;
    double inverse = 1 / task->scale;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * n + j] = task->c[i * n + j] * inverse;
    uns_dense_mirror(n, a);
}

double uns_root_square_sum(size_t count, const double *x) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sum;
}

double uns_root_rounding(size_t n) {
    return 3 * ROOT_UNIT * (1 + log2((double)n));
}

static int half_bits(size_t n) {
    int order;
    (void)frexp((double)n, &order);
    return (53 - order) / 2;
}

/* s with (x + s) − s = x rounded to its leading bits. */
static double splitter(int bits, size_t count, const double *x) {
    int exponent;
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    (void)frexp(largest, &exponent);
    return ldexp(1.5, 52 + exponent - bits);
}

static void lead(size_t count, double s, const double *x, double *out) {
    for (size_t i = 0; i < count; i++)
        out[i] = (x[i] + s) - s;
}

/* out ← x − out, exactly */
static void rest(size_t count, const double *x, double *out) {
    for (size_t i = 0; i < count; i++)
        out[i] = x[i] - out[i];
}

/* out += shift·x for one row x = lead + rest: with shift split likewise, the first product is
 * exact and nearly cancels out. */
static void add_shift(size_t n, double s, double shift, const double *x, const double *lead,
                      double *out) {
    double first = (shift + s) - s, second = shift - first;
    for (size_t j = 0; j < n; j++)
        out[j] += first * lead[j];
    for (size_t j = 0; j < n; j++)
        out[j] += first * (x[j] - lead[j]) + second * x[j];
}

/* a ← C/scale − a */
static void rest_of_task(const root_task *task, double *a) {
    double inverse = 1 / task->scale;
    for (size_t i = 0; i < task->n; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * task->n + j] = task->c[i * task->n + j] * inverse - a[i * task->n + j];
    uns_dense_mirror(task->n, a);
}

double uns_root_product(const root_task *task, const double *x, const double *shifts,
                        double *out, double *square, double *panel) {
    size_t n = task->n;
    int bits = half_bits(n);
    uns_root_scaled_copy(task, square);
    double s = splitter(bits, n * n, square), t = splitter(bits, n * n, x);
    lead(n * n, s, square, square);
    for (size_t top = 0; top < n; top += ROOT_PANEL) {
        size_t rows = n - top < ROOT_PANEL ? n - top : ROOT_PANEL;
        const double *part = x + top * n;
        double *sum = out + top * n;
        lead(rows * n, t, part, panel);
        uns_dense_gemm(false, false, rows, n, n, 1, panel, n, square, n, 0, sum, n);
        for (size_t i = 0; i < rows; i++)
            add_shift(n, s, shifts[top + i], part + i * n, panel + i * n, sum + i * n);
        rest(rows * n, part, panel);
        uns_dense_gemm(false, false, rows, n, n, 1, panel, n, square, n, 1, sum, n);
    }
    rest_of_task(task, square);
    uns_dense_gemm(false, false, n, n, n, 1, x, n, square, n, 1, out, n);
    return ldexp(1, -bits);
}
