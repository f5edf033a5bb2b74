/* SPDX-License-Identifier: MIT
 * Template: packed symmetric matrices of many replicas, as kern.h defines them. Replicas are
 * innermost, so that the vectors run over replicas and a matrix may be as small as it likes.
 */

static void outer_rows(size_t n, size_t replicas, const double *a, const double *b,
                       const double *s, double *c) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++, c += replicas) {
            const double *si = s + i * replicas, *sj = s + j * replicas;
            for (size_t r = 0; r < replicas; r += F64_LANES) {
                const size_t room = replicas - r;
                const f64v kept = f64_mul(f64_load(a + r, room), f64_load(c + r, room));
                const f64v left = f64_mul(f64_load(b + r, room), f64_load(si + r, room));
                const f64v taken = f64_mul(left, f64_load(sj + r, room));
                f64_store(c + r, f64_add(kept, taken), room);
            }
        }
}

/* Row i times x for `count` <= 4 registers of replicas: their sums are chains that overlap. */
UNS_ALWAYS_INLINE void symmetric_tile(size_t count, size_t i, size_t n, size_t replicas,
                                      size_t room, const double *a, const double *x,
                                      double *out) {
    f64v sum[4];
    const double *at = a + i * (i + 1) / 2 * replicas;
    for (size_t k = 0; k < count; k++)
        sum[k] = f64_set(0);
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < count; k++) {
            const size_t r = k * F64_LANES;
            const f64v xj = f64_load(x + j * replicas + r, room - r);
            sum[k] = f64_add(sum[k], f64_mul(f64_load(at + r, room - r), xj));
        }
        at += (j < i ? 1 : j + 1) * replicas; /* along row i, then down column i */
    }
    for (size_t k = 0; k < count; k++)
        f64_store(out + i * replicas + k * F64_LANES, sum[k], room - k * F64_LANES);
}

static void symmetric_rows(size_t n, size_t replicas, const double *a, const double *x,
                           double *out) {
    for (size_t i = 0; i < n; i++) {
        size_t r = 0;
        for (; replicas - r >= 4 * F64_LANES; r += 4 * F64_LANES)
            symmetric_tile(4, i, n, replicas, replicas - r, a + r, x + r, out + r);
        for (; r < replicas; r += F64_LANES)
            symmetric_tile(1, i, n, replicas, replicas - r, a + r, x + r, out + r);
    }
}
