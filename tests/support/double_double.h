/* SPDX-License-Identifier: MIT
 * Arithmetic in pairs of doubles, 106 bits: value = hi + lo, |lo| <= half an ulp of hi. It is
 * the oracle's, and shares nothing with the library. Not for numbers near overflow or
 * underflow.
 *
 * Source: T. J. Dekker, A Floating-Point Technique for Extending the Available Precision
 * (1971); D. E. Knuth, The Art of Computer Programming 2, 4.2.2.
 */
#ifndef UNS_TEST_DOUBLE_DOUBLE_H
#define UNS_TEST_DOUBLE_DOUBLE_H

#include <math.h>

typedef struct dd {
    double hi, lo;
} dd;

static inline dd dd_from(double x) {
    return (dd){x, 0};
}

static inline dd dd_quick_sum(double a, double b) {
    double s = a + b;
    return (dd){s, b - (s - a)};
}

static inline dd dd_two_sum(double a, double b) {
    double s = a + b, t = s - a;
    return (dd){s, (a - (s - t)) + (b - t)};
}

static inline dd dd_two_product(double a, double b) {
    double p = a * b, s = 134217729.0 * a, t = 134217729.0 * b;
    double ah = s - (s - a), bh = t - (t - b), al = a - ah, bl = b - bh;
    return (dd){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

static inline dd dd_add(dd a, dd b) {
    dd s = dd_two_sum(a.hi, b.hi), t = dd_two_sum(a.lo, b.lo);
    s = dd_quick_sum(s.hi, s.lo + t.hi);
    return dd_quick_sum(s.hi, s.lo + t.lo);
}

static inline dd dd_negate(dd a) {
    return (dd){-a.hi, -a.lo};
}

static inline dd dd_subtract(dd a, dd b) {
    return dd_add(a, dd_negate(b));
}

static inline dd dd_multiply(dd a, dd b) {
    dd p = dd_two_product(a.hi, b.hi);
    return dd_quick_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline dd dd_divide(dd a, dd b) {
    double first = a.hi / b.hi;
    dd rest = dd_subtract(a, dd_multiply(b, dd_from(first)));
    double second = rest.hi / b.hi;
    rest = dd_subtract(rest, dd_multiply(b, dd_from(second)));
    return dd_add(dd_quick_sum(first, second), dd_from(rest.hi / b.hi));
}

static inline dd dd_sqrt(dd a) {
    if (a.hi <= 0)
        return dd_from(0);
    double root = sqrt(a.hi);
    dd rest = dd_subtract(a, dd_two_product(root, root));
    return dd_add(dd_from(root), dd_from(rest.hi / (2 * root)));
}

/* x^(sixteenths/16) for x >= 0, by square roots and products alone. */
static inline dd dd_power(dd x, unsigned sixteenths) {
    dd base = dd_sqrt(dd_sqrt(dd_sqrt(dd_sqrt(x)))), power = dd_from(1);
    for (; sixteenths; sixteenths /= 2, base = dd_multiply(base, base))
        if (sixteenths % 2)
            power = dd_multiply(power, base);
    return power;
}

#endif
