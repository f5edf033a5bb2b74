/* SPDX-License-Identifier: MIT
 * Template: the exact elementwise kernels of one element type, as kern.h defines them: loops
 * around the register functions of slots.inc.h; names of elements.inc.h. The root has a file of
 * its own, precondition.inc.h.
 */

static void KERNEL(mix)(size_t n, double alpha, const void *x, double beta, const void *y,
                        void *out) {
    const ELEMENT *from_x = x, *from_y = y;
    ELEMENT *to = out;
    const VECTOR a = V(set)((ELEMENT)alpha), b = V(set)((ELEMENT)beta);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR xi = V(load)(from_x + i, n - i), yi = V(load)(from_y + i, n - i);
        V(store)(to + i, KERNEL(mixed)(a, xi, b, yi), n - i);
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
            V(store)(to_u + i, KERNEL(mixed)(gamma, mi, delta, gi), n - i);
        if (to_m)
            V(store)(to_m + i, KERNEL(mixed)(alpha, mi, beta, gi), n - i);
    }
}

static void KERNEL(accumulate)(size_t n, double a, double b, double e, const void *s, void *c) {
    const ELEMENT *from = s;
    ELEMENT *to = c;
    const VECTOR keep = V(set)((ELEMENT)a), take = V(set)((ELEMENT)b), rise = KERNEL(rise)(e);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR si = V(load)(from + i, n - i), ci = V(load)(to + i, n - i);
        V(store)(to + i, KERNEL(affine)(keep, take, rise, si, ci), n - i);
    }
}

static void KERNEL(accumulate_max)(size_t n, double a, double e, const void *s, void *c) {
    const ELEMENT *from = s;
    ELEMENT *to = c;
    const VECTOR keep = V(set)((ELEMENT)a), rise = V(set)((ELEMENT)e);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR si = V(load)(from + i, n - i), ci = V(load)(to + i, n - i);
        V(store)(to + i, KERNEL(decaying_max)(keep, rise, si, ci), n - i);
    }
}

static void KERNEL(accumulate_sign)(size_t n, double b, const void *s, void *c) {
    const ELEMENT *from = s;
    ELEMENT *to = c;
    const VECTOR take = V(set)((ELEMENT)b);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR si = V(load)(from + i, n - i), ci = V(load)(to + i, n - i);
        V(store)(to + i, KERNEL(additive)(take, si, ci), n - i);
    }
}

static void KERNEL(ceiling)(size_t n, double k, const void *c, void *top) {
    const ELEMENT *from = c;
    ELEMENT *to = top;
    const VECTOR factor = V(set)((ELEMENT)k);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR ci = V(load)(from + i, n - i), before = V(load)(to + i, n - i);
        V(store)(to + i, KERNEL(topped)(factor, ci, before), n - i);
    }
}

static void KERNEL(variance)(size_t n, double k, const void *c, const void *mean, void *v) {
    const ELEMENT *from = c, *about = mean;
    ELEMENT *to = v;
    const VECTOR factor = V(set)((ELEMENT)k);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR ci = V(load)(from + i, n - i), first = V(load)(about + i, n - i);
        V(store)(to + i, KERNEL(spread)(factor, ci, first), n - i);
    }
}

static void KERNEL(adadelta)(size_t n, double beta, double epsilon, void *sq, void *d) {
    ELEMENT *square = sq, *step = d;
    const VECTOR keep = V(set)((ELEMENT)beta), take = V(set)((ELEMENT)(1 - beta));
    const VECTOR inner = V(set)((ELEMENT)epsilon);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR old = V(load)(square + i, n - i);
        const VECTOR t = KERNEL(lengthened)(inner, old, V(load)(step + i, n - i));
        V(store)(square + i, KERNEL(affine)(keep, take, KERNEL(rise)(0), t, old), n - i);
        V(store)(step + i, t, n - i);
    }
}

static void KERNEL(move)(size_t n, double k, double eta, const void *d, void *x) {
    const ELEMENT *from = d;
    ELEMENT *to = x;
    const VECTOR keep = V(set)((ELEMENT)k), step = V(set)((ELEMENT)eta);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR di = V(load)(from + i, n - i), xi = V(load)(to + i, n - i);
        V(store)(to + i, KERNEL(moved)(keep, step, di, xi), n - i);
    }
}

static void KERNEL(clamp)(size_t n, double limit, const void *x, void *out) {
    const ELEMENT *from = x;
    ELEMENT *to = out;
    for (size_t i = 0; i < n; i += LANES)
        V(store)(to + i, KERNEL(clamped)(limit, V(load)(from + i, n - i)), n - i);
}

static void KERNEL(scale)(size_t n, double k, const void *x, void *out) {
    const ELEMENT *from = x;
    ELEMENT *to = out;
    const VECTOR factor = V(set)((ELEMENT)k);
    for (size_t i = 0; i < n; i += LANES)
        V(store)(to + i, V(mul)(factor, V(load)(from + i, n - i)), n - i);
}
