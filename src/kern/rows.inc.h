/* SPDX-License-Identifier: MIT
 * Template: kernels of one element type that go by replica or sum up, as kern.h defines them;
 * names of elements.inc.h. Sums are f64 whatever the element type.
 */

/* The first m of these doubles, each rounded to the element type. */
static inline VECTOR KERNEL(rounded)(const double *from, size_t m) {
    ELEMENT part[LANES] = {0};
    for (size_t i = 0; i < LANES && i < m; i += F64_LANES)
        WIDE_STORE(part + i, f64_load(from + i, m - i), F64_LANES);
    return V(load)(part, LANES);
}

static void KERNEL(scale_rows)(size_t rows, size_t replicas, const double *k, const void *x,
                               void *out) {
    const ELEMENT *from = x;
    ELEMENT *to = out;
    for (size_t r = 0; r < replicas; r += LANES) {
        const VECTOR factor = KERNEL(rounded)(k + r, replicas - r);
        for (size_t i = r; i < rows * replicas; i += replicas)
            V(store)(to + i, V(mul)(factor, V(load)(from + i, replicas - r)), replicas - r);
    }
}

static void KERNEL(square_rows)(size_t rows, size_t replicas, const void *x, double *acc) {
    const ELEMENT *from = x;
    for (size_t r = 0; r < replicas; r += F64_LANES) {
        f64v sum = f64_load(acc + r, replicas - r);
        for (size_t i = r; i < rows * replicas; i += replicas) {
            const f64v xi = WIDE_LOAD(from + i, replicas - r);
            sum = f64_add(sum, f64_mul(xi, xi));
        }
        f64_store(acc + r, sum, replicas - r);
    }
}

/* x − x is 0 for finite x and NaN else, and NaN stays in a sum. */
static void KERNEL(nonfinite_rows)(size_t rows, size_t replicas, const void *x,
                                   unsigned char *bad) {
    const ELEMENT *from = x;
    for (size_t r = 0; r < replicas; r += LANES) {
        VECTOR sum = V(set)(0);
        for (size_t i = r; i < rows * replicas; i += replicas) {
            const VECTOR xi = V(load)(from + i, replicas - r);
            sum = V(add)(sum, V(sub)(xi, xi));
        }
        ELEMENT part[LANES];
        V(store)(part, sum, LANES);
        for (size_t j = 0; j < LANES && r + j < replicas; j++)
            if (part[j] != part[j])
                bad[r + j] |= 1;
    }
}

static int KERNEL(nonfinite)(size_t n, const void *x) {
    const ELEMENT *from = x;
    VECTOR sum = V(set)(0);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR xi = V(load)(from + i, n - i);
        sum = V(add)(sum, V(sub)(xi, xi));
    }
    return !V(all)(V(eq)(sum, sum));
}

/* The lanes' own squares of `n` <= 16 elements. */
static inline void KERNEL(square_stripe)(const ELEMENT *x, size_t n, stripe *sum) {
    for (size_t j = 0; j < STRIPE_REGISTERS && j * F64_LANES < n; j++) {
        const f64v xi = WIDE_LOAD(x + j * F64_LANES, n - j * F64_LANES);
        sum->part[j] = f64_add(sum->part[j], f64_mul(xi, xi));
    }
}

static double KERNEL(square)(size_t n, const void *x) {
    const ELEMENT *from = x;
    stripe sum = stripe_zero();
    for (; n >= STRIPE_LANES; n -= STRIPE_LANES, from += STRIPE_LANES)
        KERNEL(square_stripe)(from, STRIPE_LANES, &sum);
    KERNEL(square_stripe)(from, n, &sum);
    return stripe_total(&sum);
}
