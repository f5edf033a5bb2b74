/* SPDX-License-Identifier: MIT
 * Kernels: pure loops, pointers in and pointers out. One table per instruction set, all made
 * from the same templates; every table gives the same bits.
 *
 * Rules for all: pointers need only their type's alignment; n may be 0; an output may be
 * exactly the same pointer as an input of the same type, other overlaps are not allowed.
 * Coefficients are doubles, rounded once to the element type. Each operation is rounded as
 * written, in the order written (no contraction). max(p, q) is p where p > q, else q: a NaN in
 * q stays. Which NaN comes out of several is left open; all else is the same bits everywhere.
 * Classes:
 *   exact    elementwise + − × ÷ √ max select; any split of n gives the same bits
 *   striped  f64 accumulation in 16 lanes (element i goes to lane i mod 16, in order), then the
 *            fixed tree lane[j] += lane[j + h] for h = 8, 4, 2, 1
 */
#ifndef UNS_KERN_H
#define UNS_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unsaddle/layout.h>
#include <unsaddle/random.h>
#include <unsaddle/structure.h>

/* What `update` does to an element, in this order; each is the kernel of that name below. */
enum {
    UNS_SLOT_GUARD = 1u,          /* scale by unscale, clamp, scale by clip, g + λx: those
                                     whose number is not neutral */
    UNS_SLOT_MOMENTUM_FIRST = 2u, /* momentum on g; else u = g */
    UNS_SLOT_DEVIATION = 4u,      /* s = g − m; else s = g */
    UNS_SLOT_DIRECTION = 8u,      /* s = u */
    UNS_SLOT_MEAN = 16u,          /* mean ← a·mean + b·s, and the root is of `variance` */
    UNS_SLOT_ACCUMULATE = 32u,    /* accumulate */
    UNS_SLOT_MAX = 64u,           /* accumulate_max */
    UNS_SLOT_SIGN = 128u,         /* accumulate_sign */
    UNS_SLOT_CEILING = 256u,      /* ceiling, and the root is of its top */
    UNS_SLOT_ROOT = 512u,         /* precondition; without it d = u */
    UNS_SLOT_ROOT_OF_SIGNAL = 1024u, /* precondition_signal */
    UNS_SLOT_RHO = 2048u,            /* d ← ρd */
    UNS_SLOT_ADADELTA = 4096u,       /* adadelta */
    UNS_SLOT_MOMENTUM_LAST = 8192u   /* momentum on d; the move comes last, always */
};

typedef struct uns_update {
    unsigned slots;
    bool clips;                      /* scale by clip even where it is 1 */
    double unscale, clamp, clip, l2; /* 1, infinity, with clips = false, and 0: neutral */
    double row[4];
    uns_coeffs coeffs;
    uns_root root;
    double top;                         /* ceiling's k */
    double square_keep, square_epsilon; /* adadelta's */
    double keep, eta;                   /* move's */
    const void *g;
    void *x, *m, *c, *mean, *ceiling, *square;
} uns_update;

/* How numbers are kept in memory; kernels work in T. */
typedef enum uns_form {
    UNS_FORM_PLAIN, /* as T */
    UNS_FORM_BF16,
    UNS_FORM_Q8, /* numbers >= 0, in 8-bit codes with a scale for every 256 */
    UNS_FORM_Q8_SIGNED,
    UNS_FORM_HALF /* the lower half of an f32 */
} uns_form;

/* Arrays of uns_update that update_narrow may find in another form. */
enum {
    UNS_KEPT_M,
    UNS_KEPT_C,
    UNS_KEPT_CEILING,
    UNS_KEPT_SQUARE,
    UNS_KEPT_COUNT
};

typedef struct uns_reduced {
    uns_form state; /* of those four: plain, bf16, or 8-bit codes (m's signed) */
    uint32_t start[UNS_KEPT_COUNT];  /* of the dithered thresholds, at element 0 */
    uint8_t *scales[UNS_KEPT_COUNT]; /* of the codes: for elements 0 to 255, ... */
    bool bf16;                       /* g and x are */
    uint16_t *low;  /* x is the upper of two halves, here are the lower ones; or NULL: x is */
    uint64_t key;   /* rounded at random, by this key and */
    uint32_t first; /* the index of element 0 */
} uns_reduced;

/* Elementwise kernels of one element type T (float or double behind the void pointers). */
typedef struct uns_elementwise {
    /* out = αx + βy; both products are always formed */
    void (*mix)(size_t n, double alpha, const void *x, double beta, const void *y, void *out);
    /* row = [γ δ; α β]:  u = γm + δg, m ← αm + βg. `m_out` NULL: m stays. `u` NULL: only m. */
    void (*momentum)(size_t n, const double row[4], const void *m, const void *g, void *u,
                     void *m_out);
    /* c ← (a·c + (b·s)·s) + e; the sum with e is left out when e is 0 */
    void (*accumulate)(size_t n, double a, double b, double e, const void *s, void *c);
    /* c ← max(a·c, |s| + e) */
    void (*accumulate_max)(size_t n, double a, double e, const void *s, void *c);
    /* q = s·s;  c ← c − b·q where c > q, c + b·q where c < q, else c + 0 */
    void (*accumulate_sign)(size_t n, double b, const void *s, void *c);
    /* top ← max(top, k·c) */
    void (*ceiling)(size_t n, double k, const void *c, void *top);
    /* v = max(0, k·c − (k·mean)·(k·mean)) */
    void (*variance)(size_t n, double k, const void *c, const void *mean, void *v);
    /* d = u·R(c), R by root:
     *   p = ½, inside       d = u / √(k·c + ε)
     *   p = ½, outside      d = u / (√(k·c) + ε)
     *   p = ½, uncorrected  d = u / ((√c + ε)·√k)
     *   p = 1, inside and outside: d = u / (k·c + ε); uncorrected: d = u / ((c + ε)·k)
     *   other p: √(·) replaced by the frozen pow(·, p), taken in f64 for f32 elements too
     * where the denominator is 0, d = 0; √k and pow(k, p) are rounded to T. */
    void (*precondition)(size_t n, const uns_root *root, const void *c, const void *u, void *d);
    /* The same for C = ssᵀ, given s, with c = s·s; but p = ½ goes by |s|, whatever its size:
     *   inside, ε = 0    d = u / (√k·|s|)
     *   outside          d = u / (√k·|s| + ε)
     *   uncorrected      d = u / ((|s| + ε)·√k) */
    void (*precondition_signal)(size_t n, const uns_root *root, const void *s, const void *u,
                                void *d);
    /* t = √(sq + ε)·d;  sq ← β·sq + (1−β)·t·t, formed as (β·sq) + ((1−β)·t)·t;  d ← t */
    void (*adadelta)(size_t n, double beta, double epsilon, void *sq, void *d);
    /* x ← k·x − η·d;  k = 1: x − η·d */
    void (*move)(size_t n, double k, double eta, const void *d, void *x);
    /* out = x where |x| <= limit, else limit with the sign of x; NaN stays. limit >= 0 */
    void (*clamp)(size_t n, double limit, const void *x, void *out);
    /* out = k·x */
    void (*scale)(size_t n, double k, const void *x, void *out);
    /* Rows of R replicas: out[i·R + r] = k[r]·x[i·R + r], as scale does. exact */
    void (*scale_rows)(size_t rows, size_t replicas, const double *k, const void *x, void *out);
    /* acc[r] += Σ_i x[i·R + r]² in f64, rows in order. exact per replica */
    void (*square_rows)(size_t rows, size_t replicas, const void *x, double *acc);
    /* bad[r] |= 1 where some x[i·R + r] is not finite */
    void (*nonfinite_rows)(size_t rows, size_t replicas, const void *x, unsigned char *bad);
    /* Σ x², striped; 1 if any element is not finite */
    double (*square)(size_t n, const void *x);
    int (*nonfinite)(size_t n, const void *x);
    /* Reads `count` arrays, 1 to 8, and writes all but the first back as they were: the memory
     * traffic of a step and nothing else, which the bench holds steps against. */
    void (*touch)(size_t n, size_t count, void *const *arrays);
    /* A whole step in one pass: the bits of the kernels of its slots one after the other. 0
     * when this combination of slots and root has no such loop; nothing is done then. exact */
    int (*update)(size_t n, const uns_update *update);
    /* Columns of T, column j at columns + j·stride; sums are f64.
     *   dots     sums[j] = Σ_i column_j[i]·x[i], and sums[count + j] the same with y unless
     *            that is NULL; striped
     *   combine  acc[i] += Σ_j weights[j]·column_j[i], j in order; exact */
    void (*dots)(size_t n, size_t count, const void *columns, size_t stride, const void *x,
                 const void *y, double *sums);
    void (*combine)(size_t n, size_t count, const void *columns, size_t stride,
                    const double *weights, double *acc);
    /* The same for one column of rows of R replicas: acc[r] += Σ_i x[i·R + r]·y[i·R + r], rows
     * in order; acc[i·R + r] += k[r]·x[i·R + r]. exact per replica */
    void (*dot_rows)(size_t rows, size_t replicas, const void *x, const void *y, double *acc);
    void (*combine_rows)(size_t rows, size_t replicas, const double *k, const void *x,
                         double *acc);
} uns_elementwise;

typedef struct uns_kernels {
    const char *isa;
    uns_elementwise of[2]; /* by uns_dtype */

    /* f64 only from here to saddle_value. */
    double (*dot)(size_t n, const double *x, const double *y); /* striped */
    /* y += α·x */
    void (*axpy)(size_t n, double alpha, const double *x, double *y);
    /* out[i·R + r] = Σ_j a[i·cols + j]·x[j·R + r], j in order from 0.0. exact; `out` lies on
     * neither a nor x */
    void (*matrix_rows)(size_t rows, size_t cols, size_t replicas, const double *a,
                        const double *x, double *out);
    /* Packed symmetric n×n matrices, one a replica: element (i, j), j <= i, of replica r at
     * (i(i + 1)/2 + j)·R + r.
     *   outer      c ← a[r]·c + (b[r]·s_i)·s_j                                        exact
     *   symmetric  out[i·R + r] = Σ_j a_ij·x[j·R + r], j in order from 0.0; x, out distinct */
    void (*outer_rows)(size_t n, size_t replicas, const double *a, const double *b,
                       const double *s, double *c);
    void (*symmetric_rows)(size_t n, size_t replicas, const double *a, const double *x,
                           double *out);
    /* Eigen-decomposition of such matrices, for small n: the diagonals of a become the
     * eigenvalues in no order, row k of `vectors` (element (k, i) of replica r at (k·n + i)·R +
     * r) the unit eigenvector of the k-th. What is left off the diagonals is rounding. exact */
    void (*eigen_rows)(size_t n, size_t replicas, double *a, double *vectors);
    /* out[j·R + r]: normal deviate first + j of replica key.replica + r, as uns_random_normal.
     */
    void (*normal_rows)(uns_key key, uint32_t first, size_t rows, size_t replicas, double *out);
    /* Same for one replica: n consecutive indices. */
    void (*normal)(uns_key key, uint32_t first, size_t n, double *out);
    void (*uniform)(uns_key key, uint32_t first, size_t n, double *out);
    /* Frozen functions of elementary.h. */
    void (*exp)(size_t n, const double *x, double *out);
    void (*log)(size_t n, const double *x, double *out);
    void (*pow)(size_t n, const double *x, double y, double *out);
    /* Confined quadratic saddle, one coordinate of many replicas:
     *   gradient: g += h·x + 10·x⁹;  value: f += ½h·x² + x¹⁰, formed as ((½h)·x)·x + x¹⁰
     * powers as x² = x·x, x⁴ = x²·x², x⁸ = x⁴·x⁴, x⁹ = x⁸·x, x¹⁰ = x⁸·x². */
    void (*saddle_gradient)(size_t n, double h, const double *x, double *g);
    void (*saddle_value)(size_t n, double h, const double *x, double *f);

    /* bf16: the upper half of an f32. To the nearest, ties to even; NaN stays NaN. exact */
    void (*bf16_to_f32)(size_t n, const uint16_t *x, float *out);
    void (*f32_to_bf16)(size_t n, const float *x, uint16_t *out);
    /* Up or down by thresholds: number i goes up where its part below bf16, as a share of a
     * unit, is at least 1 − τ_i, so that the mean over τ is the number itself. Dithered: τ_i is
     * (start + i·0x91E10DA5) mod 2³² in units of 2³²; let `start` go on by 0x9E3779B9 from step
     * to step, and a number's thresholds fill [0, 1) evenly. Random: a hash of (key, first +
     * i).
     */
    void (*f32_to_bf16_dithered)(size_t n, uint32_t start, const float *x, uint16_t *out);
    void (*f32_to_bf16_random)(size_t n, uint64_t key, uint32_t first, const float *x,
                               uint16_t *out);
    /* An f32 in two halves, and back to the bit (NaN: to some NaN): `high` is the nearest bf16,
     * ties away from 0, low the rest. */
    void (*f32_to_halves)(size_t n, const float *x, uint16_t *high, uint16_t *low);
    void (*halves_to_f32)(size_t n, const uint16_t *high, const uint16_t *low, float *out);
    /* 8-bit codes. 256 numbers share a scale E, the exponent field of the largest. Code c > 0
     * is the float with the upper bits (exponent and 3 bits of mantissa) max(8E + 8 − top, 0)
     * + c, c = 0 is 0. `is_signed`: top = 127 and bit 7 is the sign, numbers below code 1 are
     * 0; else x >= 0, top = 255, and numbers below code 1 have code 1, but for those that round
     * to 0 among the subnormals with 3 bits (below 2^−129). Rounded by the thresholds of
     * f32_to_bf16_dithered. So |x̂ − x| <= |x|/8 down to 2^−14 (signed) or 2^−30 of the largest.
     * Every NaN has the code of the quiet one, 0x7fc00000. */
    void (*f32_to_q8)(size_t n, bool is_signed, uint32_t start, const float *x, uint8_t *codes,
                      uint8_t *scales);
    void (*q8_to_f32)(size_t n, bool is_signed, const uint8_t *codes, const uint8_t *scales,
                      float *out);
    /* `update` of f32 with arrays in fewer bits: the bits of widening them by the kernels
     * above, `update`, and narrowing back (dithered) those that it writes. 0 as `update`. */
    int (*update_narrow)(size_t n, const uns_update *update, const uns_reduced *narrow);
} uns_kernels;

/* The fastest table that this CPU runs and `mask` (UNS_ISA_* bits, 0: all) allows; scalar when
 * nothing else is left. Static storage. */
const uns_kernels *uns_kernels_select(unsigned mask);

/* The table in force for a context. */
const uns_kernels *uns_kernels_of(const uns_context *context);

/* Flush-to-zero and denormals-are-zero for the calling thread, to nearest, no trap (x86);
 * returns the mode to give back to uns_flush_restore. Subnormal state costs 8–11 ns a parameter
 * instead of 0.5, and flushing in every instruction set keeps results the same bits. */
uint64_t uns_flush_enter(void);
void uns_flush_restore(uint64_t mode);

/* The instances, one file each. Only those of the architecture are there to be linked, and
 * their code may use what the CPU lacks: uns_kernels_select knows which. */
extern const uns_kernels uns_kernels_scalar;
extern const uns_kernels uns_kernels_avx2;
extern const uns_kernels uns_kernels_avx512;
extern const uns_kernels uns_kernels_neon;

#endif
