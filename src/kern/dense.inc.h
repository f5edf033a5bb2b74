/* SPDX-License-Identifier: MIT
 * Template: the kernels of kern.h that exist in f64 only, randomness apart: products, the
 * frozen functions over arrays, the confined saddle.
 */

static inline void dot_stripe(const double *x, const double *y, size_t n, stripe *sum) {
    for (size_t j = 0; j < STRIPE_REGISTERS && j * F64_LANES < n; j++) {
        const size_t i = j * F64_LANES;
        const f64v product = f64_mul(f64_load(x + i, n - i), f64_load(y + i, n - i));
        sum->part[j] = f64_add(sum->part[j], product);
    }
}

static double dot(size_t n, const double *x, const double *y) {
    stripe sum = stripe_zero();
    for (; n >= STRIPE_LANES; n -= STRIPE_LANES, x += STRIPE_LANES, y += STRIPE_LANES)
        dot_stripe(x, y, STRIPE_LANES, &sum);
    dot_stripe(x, y, n, &sum);
    return stripe_total(&sum);
}

static void axpy(size_t n, double alpha, const double *x, double *y) {
    const f64v a = f64_set(alpha);
    for (size_t i = 0; i < n; i += F64_LANES) {
        const f64v ax = f64_mul(a, f64_load(x + i, n - i));
        f64_store(y + i, f64_add(f64_load(y + i, n - i), ax), n - i);
    }
}

/* `count` <= 4 rows of one register of replicas: their sums are chains that overlap. */
UNS_ALWAYS_INLINE void matrix_tile(size_t count, size_t cols, size_t replicas, size_t room,
                                   const double *a, const double *x, double *out) {
    f64v sum[4];
    for (size_t i = 0; i < count; i++)
        sum[i] = f64_set(0);
    for (size_t j = 0; j < cols; j++) {
        const f64v xj = f64_load(x + j * replicas, room);
        for (size_t i = 0; i < count; i++)
            sum[i] = f64_add(sum[i], f64_mul(f64_set(a[i * cols + j]), xj));
    }
    for (size_t i = 0; i < count; i++)
        f64_store(out + i * replicas, sum[i], room);
}

static void matrix_rows(size_t rows, size_t cols, size_t replicas, const double *a,
                        const double *x, double *out) {
    for (size_t r = 0; r < replicas; r += F64_LANES) {
        const size_t room = replicas - r;
        size_t i = 0;
        for (; rows - i >= 4; i += 4)
            matrix_tile(4, cols, replicas, room, a + i * cols, x + r, out + i * replicas + r);
        for (; i < rows; i++)
            matrix_tile(1, cols, replicas, room, a + i * cols, x + r, out + i * replicas + r);
    }
}

static void exp_all(size_t n, const double *x, double *out) {
    for (size_t i = 0; i < n; i += F64_LANES)
        f64_store(out + i, frozen_exp(f64_load(x + i, n - i)), n - i);
}

static void log_all(size_t n, const double *x, double *out) {
    for (size_t i = 0; i < n; i += F64_LANES)
        f64_store(out + i, frozen_log(f64_load(x + i, n - i)), n - i);
}

static void pow_all(size_t n, const double *x, double y, double *out) {
    const f64v exponent = f64_set(y);
    for (size_t i = 0; i < n; i += F64_LANES)
        f64_store(out + i, frozen_pow(f64_load(x + i, n - i), exponent), n - i);
}

static void saddle_gradient(size_t n, double h, const double *x, double *g) {
    const f64v slope = f64_set(h), ten = f64_set(10);
    for (size_t i = 0; i < n; i += F64_LANES) {
        const f64v x1 = f64_load(x + i, n - i), x2 = f64_mul(x1, x1), x4 = f64_mul(x2, x2);
        const f64v x9 = f64_mul(f64_mul(x4, x4), x1);
        const f64v own = f64_add(f64_mul(slope, x1), f64_mul(ten, x9));
        f64_store(g + i, f64_add(f64_load(g + i, n - i), own), n - i);
    }
}

static void saddle_value(size_t n, double h, const double *x, double *f) {
    const f64v half = f64_set(0.5 * h);
    for (size_t i = 0; i < n; i += F64_LANES) {
        const f64v x1 = f64_load(x + i, n - i), x2 = f64_mul(x1, x1), x4 = f64_mul(x2, x2);
        const f64v x10 = f64_mul(f64_mul(x4, x4), x2);
        const f64v own = f64_add(f64_mul(f64_mul(half, x1), x1), x10);
        f64_store(f + i, f64_add(f64_load(f + i, n - i), own), n - i);
    }
}
