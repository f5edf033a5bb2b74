/* SPDX-License-Identifier: MIT
 * Template: what each slot of a step does to one register, as kern.h defines the kernels of the
 * same meaning. The one source of these formulas: elementwise.inc.h loops over them one by one,
 * update.inc.h over many at a time. Names of elements.inc.h.
 */

UNS_ALWAYS_INLINE VECTOR KERNEL(mixed)(VECTOR a, VECTOR x, VECTOR b, VECTOR y) {
    return V(add)(V(mul)(a, x), V(mul)(b, y));
}

UNS_ALWAYS_INLINE VECTOR KERNEL(affine)(double a, double b, double e, VECTOR s, VECTOR c) {
    const VECTOR kept = V(mul)(V(set)((ELEMENT)a), c);
    const VECTOR sum = V(add)(kept, V(mul)(V(mul)(V(set)((ELEMENT)b), s), s));
    return e == 0 ? sum : V(add)(sum, V(set)((ELEMENT)e));
}

/* max(p, q) of kern.h. p and q must be results of arithmetic, hence already flushed. */
UNS_ALWAYS_INLINE VECTOR KERNEL(larger)(VECTOR p, VECTOR q) {
    return V(select)(V(gt)(p, q), p, q);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(decaying_max)(double a, double e, VECTOR s, VECTOR c) {
    const VECTOR kept = V(mul)(V(set)((ELEMENT)a), c);
    return KERNEL(larger)(kept, V(add)(V(abs)(s), V(set)((ELEMENT)e)));
}

UNS_ALWAYS_INLINE VECTOR KERNEL(additive)(double b, VECTOR s, VECTOR c) {
    const VECTOR q = V(mul)(s, s), bq = V(mul)(V(set)((ELEMENT)b), q);
    const VECTOR not_above = V(select)(V(gt)(q, c), V(add)(c, bq), c);
    return V(select)(V(gt)(c, q), V(sub)(c, bq), not_above);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(topped)(double k, VECTOR c, VECTOR before) {
    const VECTOR flushed = V(add)(before, V(set)(0)); /* see larger */
    return KERNEL(larger)(flushed, V(mul)(V(set)((ELEMENT)k), c));
}

UNS_ALWAYS_INLINE VECTOR KERNEL(spread)(double k, VECTOR c, VECTOR mean) {
    const VECTOR factor = V(set)((ELEMENT)k);
    const VECTOR second = V(mul)(factor, c), first = V(mul)(factor, mean);
    return KERNEL(larger)(V(set)(0), V(sub)(second, V(mul)(first, first)));
}

/* Adadelta's d before its square is taken in. */
UNS_ALWAYS_INLINE VECTOR KERNEL(lengthened)(double epsilon, VECTOR square, VECTOR d) {
    return V(mul)(V(sqrt)(V(add)(square, V(set)((ELEMENT)epsilon))), d);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(moved)(double k, double eta, VECTOR d, VECTOR x) {
    const VECTOR kept = V(mul)(V(set)((ELEMENT)k), x);
    return V(sub)(kept, V(mul)(V(set)((ELEMENT)eta), d));
}

/* By size and sign: a pair of min and max would flush subnormal x on some machines. */
UNS_ALWAYS_INLINE VECTOR KERNEL(clamped)(double limit, VECTOR x) {
    const VECTOR bound = V(set)((ELEMENT)limit);
    return V(select)(V(gt)(V(abs)(x), bound), V(copysign)(bound, x), x);
}
