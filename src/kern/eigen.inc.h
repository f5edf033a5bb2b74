/* SPDX-License-Identifier: MIT
 * Template: eigen-decompositions of small symmetric matrices, one a replica, by cyclic Jacobi
 * rotations. Replicas are innermost and go through the same sequence of rotations, each by its
 * own angles and none where it has converged, so that none depends on its neighbours.
 *
 * An element is annulled while a_pq² > 2⁻¹⁰⁴·a_pp·a_qq: relative to its own row and column, so
 * that small eigenvalues of graded positive definite matrices keep their digits (Demmel,
 * Veselić 1992, "Jacobi's method is more accurate than QR"). Convergence is quadratic: 5 to 7
 * sweeps for n = 10.
 */

enum {
    JACOBI_SWEEPS = 30
};

/* Where element (i, j) of the packed matrix stands. */
static inline size_t packed_at(size_t i, size_t j) {
    return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

/* Cosine, sine and tangent of the smaller angle that annuls a_pq, and which replicas turn. */
typedef struct jacobi_angle {
    f64v c, s, t;
    f64_mask turns;
} jacobi_angle;

static inline jacobi_angle jacobi_rotation(f64v app, f64v aqq, f64v apq) {
    const f64v one = f64_set(1), zero = f64_set(0);
    const f64v small = f64_mul(f64_set(0x1p-104), f64_mul(app, aqq));
    const f64v theta = f64_div(f64_sub(aqq, app), f64_add(apq, apq));
    const f64v root = f64_sqrt(f64_add(one, f64_mul(theta, theta)));
    const f64v t = f64_div(one, f64_add(f64_abs(theta), root));
    jacobi_angle angle;
    angle.turns = f64_gt(f64_mul(apq, apq), small);
    angle.t = f64_select(f64_gt(zero, theta), f64_sub(zero, t), t);
    angle.c = f64_div(one, f64_sqrt(f64_add(one, f64_mul(angle.t, angle.t))));
    angle.s = f64_mul(angle.t, angle.c);
    return angle;
}

static inline bool jacobi_any(f64_mask turns) {
    const f64v zero = f64_set(0);
    return !f64_all(f64_eq(f64_select(turns, f64_set(1), zero), zero));
}

/* (x, y) ← (cx − sy, sx + cy) where the replica turns; elsewhere not a bit changes. */
UNS_ALWAYS_INLINE void jacobi_turn(const jacobi_angle *angle, double *x, double *y,
                                   size_t room) {
    const f64v a = f64_load(x, room), b = f64_load(y, room);
    const f64v left = f64_sub(f64_mul(angle->c, a), f64_mul(angle->s, b));
    const f64v right = f64_add(f64_mul(angle->s, a), f64_mul(angle->c, b));
    f64_store(x, f64_select(angle->turns, left, a), room);
    f64_store(y, f64_select(angle->turns, right, b), room);
}

/* One register of replicas; a and v start at its first. */
static bool jacobi_pair(size_t n, size_t p, size_t q, size_t replicas, size_t room, double *a,
                        double *v) {
    double *pp = a + packed_at(p, p) * replicas, *qq = a + packed_at(q, q) * replicas;
    double *pq = a + packed_at(q, p) * replicas;
    const f64v apq = f64_load(pq, room);
    const jacobi_angle angle = jacobi_rotation(f64_load(pp, room), f64_load(qq, room), apq);
    if (!jacobi_any(angle.turns))
        return false;
    const f64v shift = f64_mul(angle.t, apq), low = f64_load(pp, room),
               high = f64_load(qq, room);
    f64v less = f64_sub(low, shift), more = f64_add(high, shift);
    UNS_AS_COMPUTED(less);
    UNS_AS_COMPUTED(more);
    f64_store(pp, f64_select(angle.turns, less, low), room);
    f64_store(qq, f64_select(angle.turns, more, high), room);
    f64_store(pq, f64_select(angle.turns, f64_set(0), apq), room);
    for (size_t k = 0; k < n; k++) {
        if (k != p && k != q)
            jacobi_turn(&angle, a + packed_at(k, p) * replicas, a + packed_at(k, q) * replicas,
                        room);
        jacobi_turn(&angle, v + (p * n + k) * replicas, v + (q * n + k) * replicas, room);
    }
    return true;
}

static void eigen_rows(size_t n, size_t replicas, double *a, double *vectors) {
    for (size_t r = 0; r < replicas; r += F64_LANES) {
        const size_t room = replicas - r;
        bool turning = true;
        for (size_t k = 0; k < n * n; k++)
            f64_store(vectors + k * replicas + r, f64_set(k % (n + 1) == 0), room);
        for (int sweep = 0; sweep < JACOBI_SWEEPS && turning; sweep++) {
            turning = false;
            for (size_t p = 0; p + 1 < n; p++)
                for (size_t q = p + 1; q < n; q++)
                    turning |= jacobi_pair(n, p, q, replicas, room, a + r, vectors + r);
        }
    }
}
