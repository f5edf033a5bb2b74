/* SPDX-License-Identifier: MIT
 * Template: the exact elementwise kernels of one element type, as kern.h defines them; names
 * of elements.inc.h. The root has a file of its own, precondition.inc.h.
 */

static void KERNEL(mix)(size_t n, double alpha, const void *x, double beta, const void *y,
                        void *out) {
    const ELEMENT *from_x = x, *from_y = y;
    ELEMENT *to = out;
    const VECTOR a = V(set)((ELEMENT)alpha), b = V(set)((ELEMENT)beta);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR ax = V(mul)(a, V(load)(from_x + i, n - i));
        const VECTOR by = V(mul)(b, V(load)(from_y + i, n - i));
        V(store)(to + i, V(add)(ax, by), n - i);
    }
}

static void KERNEL(momentum)(size_t n, const double row[4], const void *m, const void *g,
                             void *u, void *m_out) {
    const ELEMENT *from_m = m, *from_g = g;
    ELEMENT *to_u = u, *to_m = m_out;
    const VECTOR gamma = V(set)((ELEMENT)row[0]), delta = V(set)((ELEMENT)row[1]);
    const VECTOR alpha = V(set)((ELEMENT)row[2]), beta = V(set)((ELEMENT)row[3]);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR mi = V(load)(from_m + i, n - i), gi = V(load)(from_g + i, n - i);
        if (to_u)
            V(store)(to_u + i, V(add)(V(mul)(gamma, mi), V(mul)(delta, gi)), n - i);
        if (to_m)
            V(store)(to_m + i, V(add)(V(mul)(alpha, mi), V(mul)(beta, gi)), n - i);
    }
}

static void KERNEL(accumulate)(size_t n, double a, double b, double e, const void *s, void *c) {
    const ELEMENT *from = s;
    ELEMENT *to = c;
    const VECTOR keep = V(set)((ELEMENT)a), take = V(set)((ELEMENT)b);
    const VECTOR plus = V(set)((ELEMENT)e);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR si = V(load)(from + i, n - i);
        const VECTOR kept = V(mul)(keep, V(load)(to + i, n - i));
        const VECTOR sum = V(add)(kept, V(mul)(V(mul)(take, si), si));
        V(store)(to + i, e == 0 ? sum : V(add)(sum, plus), n - i);
    }
}

/* max(p, q) of kern.h. p and q must be results of arithmetic, hence already flushed. */
static inline VECTOR KERNEL(larger)(VECTOR p, VECTOR q) {
    return V(select)(V(gt)(p, q), p, q);
}

static void KERNEL(accumulate_max)(size_t n, double a, double e, const void *s, void *c) {
    const ELEMENT *from = s;
    ELEMENT *to = c;
    const VECTOR keep = V(set)((ELEMENT)a), plus = V(set)((ELEMENT)e);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR kept = V(mul)(keep, V(load)(to + i, n - i));
        const VECTOR size = V(add)(V(abs)(V(load)(from + i, n - i)), plus);
        V(store)(to + i, KERNEL(larger)(kept, size), n - i);
    }
}

static void KERNEL(accumulate_sign)(size_t n, double b, const void *s, void *c) {
    const ELEMENT *from = s;
    ELEMENT *to = c;
    const VECTOR take = V(set)((ELEMENT)b);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR si = V(load)(from + i, n - i), ci = V(load)(to + i, n - i);
        const VECTOR q = V(mul)(si, si), bq = V(mul)(take, q);
        const VECTOR not_above = V(select)(V(gt)(q, ci), V(add)(ci, bq), ci);
        V(store)(to + i, V(select)(V(gt)(ci, q), V(sub)(ci, bq), not_above), n - i);
    }
}

static void KERNEL(ceiling)(size_t n, double k, const void *c, void *top) {
    const ELEMENT *from = c;
    ELEMENT *to = top;
    const VECTOR factor = V(set)((ELEMENT)k), zero = V(set)(0);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR now = V(mul)(factor, V(load)(from + i, n - i));
        const VECTOR before = V(add)(V(load)(to + i, n - i), zero); /* flushes, see larger */
        V(store)(to + i, KERNEL(larger)(before, now), n - i);
    }
}

static void KERNEL(variance)(size_t n, double k, const void *c, const void *mean, void *v) {
    const ELEMENT *from = c, *about = mean;
    ELEMENT *to = v;
    const VECTOR factor = V(set)((ELEMENT)k), zero = V(set)(0);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR second = V(mul)(factor, V(load)(from + i, n - i));
        const VECTOR first = V(mul)(factor, V(load)(about + i, n - i));
        const VECTOR spread = V(sub)(second, V(mul)(first, first));
        V(store)(to + i, KERNEL(larger)(zero, spread), n - i);
    }
}

static void KERNEL(adadelta)(size_t n, double beta, double epsilon, void *sq, void *d) {
    ELEMENT *square = sq, *step = d;
    const VECTOR keep = V(set)((ELEMENT)beta), take = V(set)((ELEMENT)(1 - beta));
    const VECTOR plus = V(set)((ELEMENT)epsilon);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR old = V(load)(square + i, n - i);
        const VECTOR t = V(mul)(V(sqrt)(V(add)(old, plus)), V(load)(step + i, n - i));
        V(store)(square + i, V(add)(V(mul)(keep, old), V(mul)(V(mul)(take, t), t)), n - i);
        V(store)(step + i, t, n - i);
    }
}

static void KERNEL(move)(size_t n, double k, double eta, const void *d, void *x) {
    const ELEMENT *from = d;
    ELEMENT *to = x;
    const VECTOR keep = V(set)((ELEMENT)k), rate = V(set)((ELEMENT)eta);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR kept = V(mul)(keep, V(load)(to + i, n - i));
        V(store)(to + i, V(sub)(kept, V(mul)(rate, V(load)(from + i, n - i))), n - i);
    }
}

/* By size and sign: a pair of min and max would flush subnormal x on some machines. */
static void KERNEL(clamp)(size_t n, double limit, const void *x, void *out) {
    const ELEMENT *from = x;
    ELEMENT *to = out;
    const VECTOR bound = V(set)((ELEMENT)limit);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR xi = V(load)(from + i, n - i);
        const VECTOR at_bound = V(copysign)(bound, xi);
        V(store)(to + i, V(select)(V(gt)(V(abs)(xi), bound), at_bound, xi), n - i);
    }
}

static void KERNEL(scale)(size_t n, double k, const void *x, void *out) {
    const ELEMENT *from = x;
    ELEMENT *to = out;
    const VECTOR factor = V(set)((ELEMENT)k);
    for (size_t i = 0; i < n; i += LANES)
        V(store)(to + i, V(mul)(factor, V(load)(from + i, n - i)), n - i);
}
