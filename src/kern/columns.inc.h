/* SPDX-License-Identifier: MIT
 * Template: kernels of one element type over the columns of a matrix, as kern.h defines them;
 * names of elements.inc.h. All sums are f64. One column after the other, in the order in which
 * they lie in memory: four side by side took half as long again.
 */

UNS_ALWAYS_INLINE void KERNEL(dots_stripe)(size_t vectors, const ELEMENT *column,
                                           const ELEMENT *const *x, size_t from, size_t n,
                                           stripe *sums) {
    for (size_t j = 0; j < STRIPE_REGISTERS && j * F64_LANES < n; j++) {
        const size_t i = from + j * F64_LANES, room = n - j * F64_LANES;
        const f64v ci = WIDE_LOAD(column + i, room);
        for (size_t v = 0; v < vectors; v++)
            sums[v].part[j] = f64_add(sums[v].part[j], f64_mul(ci, WIDE_LOAD(x[v] + i, room)));
    }
}

UNS_ALWAYS_INLINE void KERNEL(dots_column)(size_t vectors, size_t n, const ELEMENT *column,
                                           const ELEMENT *const *x, double *const *sums) {
    stripe sum[2] = {stripe_zero(), stripe_zero()};
    size_t i = 0;
    for (; n - i >= STRIPE_LANES; i += STRIPE_LANES)
        KERNEL(dots_stripe)(vectors, column, x, i, STRIPE_LANES, sum);
    KERNEL(dots_stripe)(vectors, column, x, i, n - i, sum);
    for (size_t v = 0; v < vectors; v++)
        *sums[v] = stripe_total(&sum[v]);
}

static void KERNEL(dots)(size_t n, size_t count, const void *columns, size_t stride,
                         const void *x, const void *y, double *sums) {
    const ELEMENT *from = columns, *const vectors[2] = {x, y};
    for (size_t c = 0; c < count; c++) {
        double *const to[2] = {sums + c, sums + count + c};
        if (y)
            KERNEL(dots_column)(2, n, from + c * stride, vectors, to);
        else
            KERNEL(dots_column)(1, n, from + c * stride, vectors, to);
    }
}

static void KERNEL(combine)(size_t n, size_t count, const void *columns, size_t stride,
                            const double *weights, double *acc) {
    const ELEMENT *column = columns;
    for (size_t c = 0; c < count; c++, column += stride) {
        const f64v weight = f64_set(weights[c]);
        for (size_t i = 0; i < n; i += F64_LANES) {
            const f64v term = f64_mul(weight, WIDE_LOAD(column + i, n - i));
            f64_store(acc + i, f64_add(f64_load(acc + i, n - i), term), n - i);
        }
    }
}

static void KERNEL(dot_rows)(size_t rows, size_t replicas, const void *x, const void *y,
                             double *acc) {
    const ELEMENT *left = x, *right = y;
    for (size_t r = 0; r < replicas; r += F64_LANES) {
        const size_t room = replicas - r;
        f64v sum = f64_load(acc + r, room);
        for (size_t i = r; i < rows * replicas; i += replicas)
            sum = f64_add(sum, f64_mul(WIDE_LOAD(left + i, room), WIDE_LOAD(right + i, room)));
        f64_store(acc + r, sum, room);
    }
}

static void KERNEL(combine_rows)(size_t rows, size_t replicas, const double *k, const void *x,
                                 double *acc) {
    const ELEMENT *from = x;
    for (size_t r = 0; r < replicas; r += F64_LANES) {
        const size_t room = replicas - r;
        const f64v factor = f64_load(k + r, room);
        for (size_t i = r; i < rows * replicas; i += replicas) {
            const f64v term = f64_mul(factor, WIDE_LOAD(from + i, room));
            f64_store(acc + i, f64_add(f64_load(acc + i, room), term), room);
        }
    }
}
