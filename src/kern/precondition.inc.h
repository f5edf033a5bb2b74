/* SPDX-License-Identifier: MIT
 * Template: d = R·u for elementwise C, one element type; names of elements.inc.h. The constants
 * of the denominator are explained in root.h.
 */

/* In f64 whatever the element type, rounded once at the end. */
static inline VECTOR KERNEL(power)(VECTOR x, double exponent) {
    ELEMENT part[LANES];
    V(store)(part, x, LANES);
    for (size_t i = 0; i < LANES; i += F64_LANES)
        WIDE_STORE(part + i, frozen_pow(WIDE_LOAD(part + i, F64_LANES), f64_set(exponent)),
                   F64_LANES);
    return V(load)(part, LANES);
}

/* A denominator's constants in registers. */
typedef struct KERNEL(divisor) {
    VECTOR k, inner, outer, factor;
    double exponent;
} KERNEL(divisor);

static inline KERNEL(divisor) KERNEL(divisor_of)(const uns_root *root, root_kind kind) {
    const denominator of = denominator_of(root, kind);
    const KERNEL(divisor)
        divisor = {V(set)((ELEMENT)of.k), V(set)((ELEMENT)of.inner), V(set)((ELEMENT)of.outer),
                   V(set)((ELEMENT)of.factor), of.exponent};
    return divisor;
}

UNS_ALWAYS_INLINE VECTOR KERNEL(divide)(const KERNEL(divisor) * of, root_kind kind, VECTOR c,
                                        VECTOR u) {
    const VECTOR base = V(add)(V(mul)(of->k, c), of->inner), zero = V(set)(0);
    VECTOR root = base;
    if (kind == ROOT_HALF)
        root = V(sqrt)(base);
    else if (kind == ROOT_OTHER)
        root = KERNEL(power)(base, of->exponent);
    const VECTOR whole = V(mul)(V(add)(root, of->outer), of->factor);
    return V(select)(V(eq)(whole, zero), zero, V(div)(u, whole));
}

UNS_ALWAYS_INLINE void KERNEL(precondition_all)(size_t n, const uns_root *root, root_kind kind,
                                                const ELEMENT *c, const ELEMENT *u,
                                                ELEMENT *d) {
    const KERNEL(divisor) of = KERNEL(divisor_of)(root, kind);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR ci = V(load)(c + i, n - i), ui = V(load)(u + i, n - i);
        V(store)(d + i, KERNEL(divide)(&of, kind, ci, ui), n - i);
    }
}

static void KERNEL(precondition)(size_t n, const uns_root *root, const void *c, const void *u,
                                 void *d) {
    switch (root_kind_of(root->exponent)) {
    case ROOT_HALF:
        KERNEL(precondition_all)(n, root, ROOT_HALF, c, u, d);
        break;
    case ROOT_ONE:
        KERNEL(precondition_all)(n, root, ROOT_ONE, c, u, d);
        break;
    default:
        KERNEL(precondition_all)(n, root, ROOT_OTHER, c, u, d);
    }
}

/* C = ssᵀ, or |s| where the root goes by it. */
UNS_ALWAYS_INLINE VECTOR KERNEL(own_square)(root_kind kind, VECTOR s) {
    return kind == ROOT_SIZE ? V(abs)(s) : V(mul)(s, s);
}

UNS_ALWAYS_INLINE void KERNEL(signal_all)(size_t n, const uns_root *root, root_kind kind,
                                          const ELEMENT *s, const ELEMENT *u, ELEMENT *d) {
    const KERNEL(divisor) of = KERNEL(divisor_of)(root, kind);
    for (size_t i = 0; i < n; i += LANES) {
        const VECTOR si = V(load)(s + i, n - i), ui = V(load)(u + i, n - i);
        V(store)(d + i, KERNEL(divide)(&of, kind, KERNEL(own_square)(kind, si), ui), n - i);
    }
}

static void KERNEL(precondition_signal)(size_t n, const uns_root *root, const void *s,
                                        const void *u, void *d) {
    switch (signal_root_kind_of(root)) {
    case ROOT_SIZE:
        KERNEL(signal_all)(n, root, ROOT_SIZE, s, u, d);
        break;
    case ROOT_HALF:
        KERNEL(signal_all)(n, root, ROOT_HALF, s, u, d);
        break;
    case ROOT_ONE:
        KERNEL(signal_all)(n, root, ROOT_ONE, s, u, d);
        break;
    default:
        KERNEL(signal_all)(n, root, ROOT_OTHER, s, u, d);
    }
}
