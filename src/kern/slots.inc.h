/* SPDX-License-Identifier: MIT
 * Template: what each slot of a step does to one register, as kern.h defines the kernels of the
 * same meaning. The one source of these formulas: elementwise.inc.h loops over them one by one,
 * update.inc.h over many at a time. Names of elements.inc.h.
 */

UNS_ALWAYS_INLINE VECTOR KERNEL(mixed)(VECTOR a, VECTOR x, VECTOR b, VECTOR y) {
    return V(add)(V(mul)(a, x), V(mul)(b, y));
}

/* The e of `affine`, which leaves it out where it is 0: any sum + −0 is that sum. */
static inline VECTOR KERNEL(rise)(double e) {
    return V(set)(e == 0 ? (ELEMENT)-0.0 : (ELEMENT)e);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(affine)(VECTOR a, VECTOR b, VECTOR e, VECTOR s, VECTOR c) {
    const VECTOR sum = V(add)(V(mul)(a, c), V(mul)(V(mul)(b, s), s));
    return V(add)(sum, e);
}

/* max(p, q) of kern.h. p and q must be results of arithmetic, hence already flushed. */
UNS_ALWAYS_INLINE VECTOR KERNEL(larger)(VECTOR p, VECTOR q) {
    return V(select)(V(gt)(p, q), p, q);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(decaying_max)(VECTOR a, VECTOR e, VECTOR s, VECTOR c) {
    return KERNEL(larger)(V(mul)(a, c), V(add)(V(abs)(s), e));
}

/* c + 0 where c stays: compilers may make c + 0 or c − 0 of a c beside sums, and those flush.
 */
UNS_ALWAYS_INLINE VECTOR KERNEL(additive)(VECTOR b, VECTOR s, VECTOR c) {
    const VECTOR q = V(mul)(s, s), bq = V(mul)(b, q), kept = V(add)(c, V(set)(0));
    const VECTOR not_above = V(select)(V(gt)(q, c), V(add)(c, bq), kept);
    return V(select)(V(gt)(c, q), V(sub)(c, bq), not_above);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(topped)(VECTOR k, VECTOR c, VECTOR before) {
    const VECTOR flushed = V(add)(before, V(set)(0)); /* see larger */
    return KERNEL(larger)(flushed, V(mul)(k, c));
}

UNS_ALWAYS_INLINE VECTOR KERNEL(spread)(VECTOR k, VECTOR c, VECTOR mean) {
    const VECTOR second = V(mul)(k, c), first = V(mul)(k, mean);
    return KERNEL(larger)(V(set)(0), V(sub)(second, V(mul)(first, first)));
}

/* Adadelta's d before its square is taken in. */
UNS_ALWAYS_INLINE VECTOR KERNEL(lengthened)(VECTOR epsilon, VECTOR square, VECTOR d) {
    return V(mul)(V(sqrt)(V(add)(square, epsilon)), d);
}

UNS_ALWAYS_INLINE VECTOR KERNEL(moved)(VECTOR k, VECTOR eta, VECTOR d, VECTOR x) {
    return V(sub)(V(mul)(k, x), V(mul)(eta, d));
}

/* By size and sign: a pair of min and max would flush subnormal x on some machines. */
UNS_ALWAYS_INLINE VECTOR KERNEL(clamped)(double limit, VECTOR x) {
    const VECTOR bound = V(set)((ELEMENT)limit);
    return V(select)(V(gt)(V(abs)(x), bound), V(copysign)(bound, x), x);
}
