/* SPDX-License-Identifier: MIT
 * Template: the frozen elementary functions of elementary.h over one vector vocabulary (see
 * vec_scalar.h, to be included before). Only + − × ÷ √ and bit operations, in a fixed order, so
 * every instance gives the same bits; nothing is contracted (-ffp-contract=off).
 *
 * Flushing of subnormals must not show: no intermediate that matters is subnormal, subnormal
 * arguments count as 0 and subnormal results are 0 (written as selects, not left to the mode).
 *
 * Maths: ln m = 2 artanh((m − 1)/(m + 1)) with a minimax tail, recombined as in W. J. Cody and
 * W. Waite, "Software Manual for the Elementary Functions" (1980); e^x and the sine likewise.
 * Polynomials: tools/frozen_coefficients.py.
 */

#define FROZEN_ROUND      6755399441055744.0 /* 1.5·2^52: adding it rounds to whole numbers */
#define FROZEN_LN2_HIGH   0x1.62e42fefa0000p-1  /* 37 bits: exact times any exponent */
#define FROZEN_LN2_LOW    0x1.cf79abc9e3b3ap-40 /* ln 2 − FROZEN_LN2_HIGH */
#define FROZEN_LOG2_E     0x1.71547652b82fep+0
#define FROZEN_PI         0x1.921fb54442d18p+1
#define FROZEN_MIN_NORMAL 0x1p-1022
#define FROZEN_ROOT_HALF  0x3fe6a09e667f3bcdu /* bits of √½ */
#define FROZEN_UPPER_BITS 0xffffffff00000000u /* keeps 21 bits of a double's fraction */

/* ln m = 2s + s·z·L(z), z = s², s = (m − 1)/(m + 1), √½ <= m <= √2; error 2^-59.5 */
static const double frozen_log_tail[7] = {
    0x1.5555555555592p-1, 0x1.999999997ff64p-2, 0x1.24924941db375p-2, 0x1.c71c521a2a5f5p-3,
    0x1.74663ba16cb2ap-3, 0x1.39a20b64ef179p-3, 0x1.2f025af3fbb04p-3};
/* sin πr = πr + r·z·S(z), z = r², |r| <= ¼; error 2^-57.9 */
static const double frozen_sine_tail[6] = {-0x1.4abbce625be46p+2, 0x1.466bc67758c4cp+1,
                                           -0x1.32d2cce31beccp-1, 0x1.507830033cf1bp-4,
                                           -0x1.e3008f9b4dc56p-8, 0x1.e3fbd9c315ba7p-12};
/* cos πr = 1 + z·C(z); error 2^-61.5 */
static const double frozen_cosine_tail[7] = {
    -0x1.3bd3cc9be45dep+2, 0x1.03c1f081b5a52p+2,  -0x1.55d3c7e3bfe55p+0, 0x1.e1f50675b1d52p-3,
    -0x1.a6d1e238aa9dap-6, 0x1.f9c4ad7ab2eaep-10, -0x1.b03444f5ce5bbp-14};
/* e^r = 1 + r + r²·E(r), |r| <= ½ ln 2; error 2^-60.3 */
static const double frozen_exp_tail[11] = {
    0x1.0000000000000p-1,  0x1.555555555555bp-3,  0x1.555555555550ap-5,  0x1.111111110ee04p-7,
    0x1.6c16c16c2efe6p-10, 0x1.a01a01b2f5191p-13, 0x1.a01a0139d896bp-16, 0x1.71ddf1492ff64p-19,
    0x1.27e5b0eccef76p-22, 0x1.af6a1f1fa95fcp-26, 0x1.1e3ed379a05f2p-29};

/* Σ c[k]·z^k with even and odd powers apart: half the chain of one Horner scheme. */
static inline f64v frozen_polynomial(f64v z, const double *c, int count) {
    const f64v square = f64_mul(z, z);
    const int last_odd = (count & 1) ? count - 2 : count - 1;
    const int last_even = (count & 1) ? count - 1 : count - 2;
    f64v even = f64_set(c[last_even]), odd = f64_set(c[last_odd]);
    for (int k = last_even - 2; k >= 0; k -= 2)
        even = f64_add(f64_mul(even, square), f64_set(c[k]));
    for (int k = last_odd - 2; k >= 1; k -= 2)
        odd = f64_add(f64_mul(odd, square), f64_set(c[k]));
    return f64_add(even, f64_mul(z, odd));
}

/* Upper 21 bits of each fraction: two such numbers have an exact product. */
static inline f64v frozen_upper(f64v x) {
    return f64_from_bits(u64_and(f64_bits(x), u64_set(FROZEN_UPPER_BITS)));
}

/* x = 2^exponent · fraction with √½ <= fraction < √2, for positive normal x. */
typedef struct frozen_split {
    f64v exponent, fraction;
} frozen_split;

static inline frozen_split frozen_take_apart(f64v x) {
    const u64v shifted = u64_add(f64_bits(x), u64_set(0x3ff0000000000000u - FROZEN_ROOT_HALF));
    const u64v biased = u64_or(u64_shift_right(shifted, 52), u64_set(0x4330000000000000u));
    const u64v rest = u64_and(shifted, u64_set(0x000fffffffffffffu));
    frozen_split split = {f64_sub(f64_from_bits(biased), f64_set(0x1p52 + 1023)),
                          f64_from_bits(u64_add(rest, u64_set(FROZEN_ROOT_HALF)))};
    return split;
}

/* ln x for positive normal finite x. */
static inline f64v frozen_log_normal(f64v x) {
    const frozen_split split = frozen_take_apart(x);
    const f64v f = f64_sub(split.fraction, f64_set(1));
    const f64v s = f64_div(f, f64_add(split.fraction, f64_set(1)));
    const f64v z = f64_mul(s, s);
    const f64v tail = f64_mul(z, frozen_polynomial(z, frozen_log_tail, 7));
    /* 2s = f − f²/2 + s·f²/2: the large terms f and f²/2 carry no error of the division */
    const f64v half = f64_mul(f64_mul(f64_set(0.5), f), f);
    const f64v low = f64_add(f64_mul(s, f64_add(half, tail)),
                             f64_mul(split.exponent, f64_set(FROZEN_LN2_LOW)));
    return f64_add(f64_add(f64_sub(low, half), f),
                   f64_mul(split.exponent, f64_set(FROZEN_LN2_HIGH)));
}

static inline f64v frozen_log(f64v x) {
    f64v y = frozen_log_normal(x);
    y = f64_select(f64_eq(x, f64_set(HUGE_VAL)), x, y);
    y = f64_select(f64_gt(f64_set(FROZEN_MIN_NORMAL), x), f64_set(-HUGE_VAL), y);
    return f64_select(f64_gt(x, f64_set(-FROZEN_MIN_NORMAL)), y, f64_set((double)NAN));
}

/* e^(high + low), |low| < 2^-10, |high| <= 1000; beyond the range of doubles 0 or ∞. */
static inline f64v frozen_exp_sum(f64v high, f64v low) {
    const f64v rounded = f64_add(f64_mul(high, f64_set(FROZEN_LOG2_E)), f64_set(FROZEN_ROUND));
    const f64v k = f64_sub(rounded, f64_set(FROZEN_ROUND));
    const f64v r = f64_add(f64_sub(f64_sub(high, f64_mul(k, f64_set(FROZEN_LN2_HIGH))),
                                   f64_mul(k, f64_set(FROZEN_LN2_LOW))),
                           low);
    const f64v tail = f64_mul(f64_mul(r, r), frozen_polynomial(r, frozen_exp_tail, 11));
    const f64v y = f64_add(f64_set(1), f64_add(r, tail));
    /* 2^k in two factors, since k reaches beyond the exponents of doubles at both ends */
    const u64v n = u64_and(u64_add(f64_bits(rounded), u64_set(2048)), u64_set(4095));
    const u64v half = u64_shift_right(n, 1);
    const u64v other = u64_add(u64_and(n, u64_set(1)), half);
    const u64v minus_one = u64_set(UINT64_MAX);
    const f64v first = f64_from_bits(u64_shift_left(u64_add(half, minus_one), 52));
    const f64v second = f64_from_bits(u64_shift_left(u64_add(other, minus_one), 52));
    const f64v scaled = f64_mul(f64_mul(y, first), second);
    return f64_select(f64_gt(f64_set(FROZEN_MIN_NORMAL), scaled), f64_set(0), scaled);
}

static inline f64v frozen_exp(f64v x) {
    x = f64_select(f64_gt(x, f64_set(1000)), f64_set(1000), x);
    x = f64_select(f64_gt(f64_set(-1000), x), f64_set(-1000), x);
    return frozen_exp_sum(x, f64_set(0));
}

/* ln x to about 2^-68 relative as high + low, high of 21 bits; x positive, normal, finite. */
typedef struct frozen_sum {
    f64v high, low;
} frozen_sum;

static inline frozen_sum frozen_log_sum(f64v x) {
    const frozen_split split = frozen_take_apart(x);
    const f64v one = f64_set(1);
    const f64v f = f64_sub(split.fraction, one), g = f64_add(split.fraction, one);
    const f64v s = f64_div(f, g);
    const f64v s_high = frozen_upper(s), g_high = frozen_upper(g);
    const f64v g_low = f64_sub(split.fraction, f64_sub(g_high, one));
    const f64v rest = f64_sub(f64_sub(f, f64_mul(s_high, g_high)), f64_mul(s_high, g_low));
    const f64v s_low = f64_div(rest, g);
    const f64v z = f64_mul(s, s);
    const f64v tail = f64_mul(s, f64_mul(z, frozen_polynomial(z, frozen_log_tail, 7)));
    const f64v whole = f64_mul(split.exponent, f64_set(FROZEN_LN2_HIGH));
    const f64v part = f64_add(s_high, s_high);
    const f64v high = f64_add(whole, part);
    f64v low = f64_add(f64_add(s_low, s_low), tail);
    low = f64_add(f64_mul(split.exponent, f64_set(FROZEN_LN2_LOW)), low);
    low = f64_add(f64_sub(part, f64_sub(high, whole)), low);
    const f64v upper = frozen_upper(f64_add(high, low));
    frozen_sum sum = {upper, f64_sub(low, f64_sub(upper, high))};
    return sum;
}

/* x^y for positive normal finite x, finite y. */
static inline f64v frozen_pow_normal(f64v x, f64v y) {
    const frozen_sum log = frozen_log_sum(x);
    const f64v upper = frozen_upper(y);
    const f64v high = f64_mul(upper, log.high);
    const f64v low = f64_add(f64_mul(f64_sub(y, upper), log.high), f64_mul(y, log.low));
    const f64_mask beyond = f64_gt(f64_abs(high), f64_set(1000));
    return frozen_exp_sum(f64_select(beyond, f64_copysign(f64_set(1000), high), high),
                          f64_select(beyond, f64_set(0), low));
}

static inline f64v frozen_pow(f64v x, f64v y) {
    const f64v zero = f64_set(0), one = f64_set(1), infinity = f64_set(HUGE_VAL);
    const f64v size = f64_abs(y);
    f64v power = frozen_pow_normal(x, y);
    /* where x is 0 or ∞ or y is ±∞: ∞ if y·ln x is positive, else 0 */
    const f64v towards = f64_select(f64_gt(x, one), y, f64_sub(zero, y));
    const f64v limit = f64_select(f64_gt(towards, zero), infinity, zero);
    power = f64_select(f64_gt(f64_set(FROZEN_MIN_NORMAL), x), limit, power);
    power = f64_select(f64_eq(x, infinity), limit, power);
    power = f64_select(f64_eq(size, infinity), limit, power);
    power = f64_select(f64_eq(y, y), power, y);
    power = f64_select(f64_eq(x, one), one, power);
    power = f64_select(f64_gt(f64_set(FROZEN_MIN_NORMAL), size), one, power);
    return f64_select(f64_gt(x, f64_set(-FROZEN_MIN_NORMAL)), power, f64_set((double)NAN));
}

typedef struct frozen_turn {
    f64v sine, cosine;
} frozen_turn;

/* sin πt and cos πt for |t| < 2^49; zeros may have either sign. */
static inline frozen_turn frozen_turn_normal(f64v t) {
    const f64v rounded = f64_add(f64_add(t, t), f64_set(FROZEN_ROUND));
    const f64v quarters = f64_sub(rounded, f64_set(FROZEN_ROUND));
    const f64v r = f64_sub(t, f64_mul(f64_set(0.5), quarters)); /* exact */
    const f64v z = f64_mul(r, r);
    const f64v sine =
        f64_add(f64_mul(f64_set(FROZEN_PI), r),
                f64_mul(f64_mul(r, z), frozen_polynomial(z, frozen_sine_tail, 6)));
    const f64v cosine =
        f64_add(f64_set(1), f64_mul(z, frozen_polynomial(z, frozen_cosine_tail, 7)));
    const u64v q = f64_bits(rounded), two = u64_set(2);
    const u64v sine_sign = u64_shift_left(u64_and(q, two), 62);
    const u64v cosine_sign = u64_shift_left(u64_and(u64_add(q, u64_set(1)), two), 62);
    const f64_mask swap = u64_odd(q);
    frozen_turn turn = {
        f64_from_bits(u64_xor(f64_bits(f64_select(swap, cosine, sine)), sine_sign)),
        f64_from_bits(u64_xor(f64_bits(f64_select(swap, sine, cosine)), cosine_sign))};
    return turn;
}

/* The same for every x: reduced by whole turns of 2, which is exact; from 2^53 on x is even. */
static inline frozen_turn frozen_turn_any(f64v x) {
    const f64v size = f64_abs(x), zero = f64_set(0), magic = f64_set(FROZEN_ROUND);
    f64v t = f64_select(f64_gt(f64_set(0x1p53), size), size, zero);
    t = f64_select(f64_gt(f64_set(FROZEN_MIN_NORMAL), t), zero, t);
    const f64v turns = f64_sub(f64_add(f64_mul(f64_set(0.5), t), magic), magic);
    frozen_turn turn = frozen_turn_normal(f64_sub(t, f64_add(turns, turns)));
    /* −0 + 0 is +0, so a zero has the sign that C23 asks for: x's for sinpi, + for cospi */
    const f64_mask finite = f64_gt(f64_set(HUGE_VAL), size);
    const f64v nan = f64_set((double)NAN);
    const u64v sign = u64_and(f64_bits(x), u64_set(0x8000000000000000u));
    const f64v sine = f64_from_bits(u64_xor(f64_bits(f64_add(turn.sine, zero)), sign));
    turn.sine = f64_select(finite, sine, nan);
    turn.cosine = f64_select(finite, f64_add(turn.cosine, zero), nan);
    return turn;
}
