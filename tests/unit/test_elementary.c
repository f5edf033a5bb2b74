/* SPDX-License-Identifier: MIT
 * The frozen elementary functions against the C library's long double ones: bounds, special
 * values, seams. That every instruction set gives the same bits is test_kern.c's.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <unsaddle/elementary.h>
#include <unsaddle/random.h>

#include "kern/kern.h"

enum {
    SAMPLES = 400000
};

/* Uniform in (low, high), the same for every run. */
static double sample(uint32_t index, double low, double high) {
    double u;
    uns_random_uniform((uns_key){.seed = 11, .stream = UNS_STREAM_USER}, index, 1, &u);
    return low + (high - low) * u;
}

/* Positive, with every exponent of normal doubles equally likely. */
static double sample_size(uint32_t index) {
    return ldexp(sample(2 * index, 1, 2), (int)floor(sample(2 * index + 1, -1022, 1024)));
}

/* |got − want| in units of the last place of `want` as a double. */
static double ulps(double got, long double want) {
    return (double)fabsl((long double)got - want) / ldexp(1, ilogbl(want) - 52);
}

static void expect_ulps(double got, long double want, double bound, double x, double *worst) {
    const double error = ulps(got, want);
    cr_assert(error < bound, "%.3f ulp at %a: got %a, want %La", error, x, got, want);
    *worst = fmax(*worst, error);
}

Test(elementary, exp_stays_within_its_bound) {
    double worst = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const double wide = sample(i, -708.39, 709.78);
        expect_ulps(uns_exp(wide), expl(wide), 1.5, wide, &worst);
        const double near = sample(i, -1, 1) * ldexp(1, -(int)(i % 60));
        expect_ulps(uns_exp(near), expl(near), 1.5, near, &worst);
    }
    cr_log_info("exp: %.3f ulp", worst);
}

Test(elementary, log_stays_within_its_bound) {
    double worst = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const double wide = sample_size(i);
        expect_ulps(uns_log(wide), logl(wide), 1.5, wide, &worst);
        const double near = 1 + sample(i, -0.5, 1) * ldexp(1, -(int)(i % 52));
        if (near != 1)
            expect_ulps(uns_log(near), logl(near), 1.5, near, &worst);
    }
    cr_log_info("log: %.3f ulp", worst);
}

Test(elementary, pow_stays_within_its_bound) {
    double worst = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const double x =
            i % 2 ? sample_size(i) : 1 + sample(i, -0.7, 2) * ldexp(1, -(int)(i % 40));
        const double y = sample(i + 1, -707, 709) / log(x);
        if (!isfinite(y))
            continue;
        const long double want = powl(x, y);
        const double error = (double)fabsl(uns_pow(x, y) / want - 1);
        cr_assert(error < 1e-14, "%g relative at %a, %a", error, x, y);
        worst = fmax(worst, error);
    }
    cr_log_info("pow: %.3g relative", worst);
}

/* sin πx by way of the nearest half, which fmodl and the subtractions find exactly. */
static long double sine_of_turns(double x, int quarter) {
    const long double pi = 3.14159265358979323846264338327950288L;
    const long double turn = fmodl(x, 2), halves = rintl(2 * turn);
    const long double angle = pi * (turn - halves / 2);
    switch (((int)halves + quarter) & 3) {
    case 0:
        return sinl(angle);
    case 1:
        return cosl(angle);
    case 2:
        return -sinl(angle);
    default:
        return -cosl(angle);
    }
}

static void expect_turn(double x, double *worst) {
    for (int quarter = 0; quarter < 2; quarter++) {
        const double got = quarter ? uns_cospi(x) : uns_sinpi(x);
        const long double want = sine_of_turns(x, quarter);
        if (fabsl(got - want) <= 1e-16L)
            continue;
        expect_ulps(got, want, 2, x, worst);
    }
}

Test(elementary, turns_stay_within_their_bound) {
    double worst = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        expect_turn(sample(i, -2, 2), &worst);
        expect_turn(sample(i, -1, 1) * ldexp(1, (int)(i % 52)), &worst);
        expect_turn(0.5 * (i % 9) + sample(i, -1, 1) * ldexp(1, -(int)(i % 50)), &worst);
    }
    cr_log_info("sinpi, cospi: %.3f ulp", worst);
}

/* Equal, or both NaN; zeros by sign too. */
static void expect_same(double got, double want, const char *what) {
    const int same =
        (isnan(got) && isnan(want)) || (got == want && !signbit(got) == !signbit(want));
    cr_assert(same, "%s: got %a, want %a", what, got, want);
}

Test(elementary, exp_has_the_special_values_of_annex_f) {
    expect_same(uns_exp(0.0), 1, "exp 0");
    expect_same(uns_exp(-0.0), 1, "exp −0");
    expect_same(uns_exp(INFINITY), INFINITY, "exp ∞");
    expect_same(uns_exp(-INFINITY), 0, "exp −∞");
    expect_same(uns_exp(NAN), NAN, "exp NaN");
    expect_same(uns_exp(DBL_MAX), INFINITY, "exp max");
    expect_same(uns_exp(-DBL_MAX), 0, "exp −max");
    expect_same(uns_exp(DBL_TRUE_MIN), 1, "exp of the least number");
}

/* The least and greatest x with a normal result. */
Test(elementary, exp_reaches_both_ends_of_the_normal_range) {
    const double top = 0x1.62e42fefa39efp+9, bottom = -0x1.6232bdd7abcd2p+9;
    cr_assert(isfinite(uns_exp(top)));
    expect_same(uns_exp(nextafter(top, INFINITY)), INFINITY, "beyond the top");
    cr_assert(uns_exp(bottom) >= DBL_MIN);
    expect_same(uns_exp(nextafter(nextafter(bottom, -800), -800)), 0, "below the bottom");
}

Test(elementary, log_has_the_special_values_of_annex_f) {
    expect_same(uns_log(1), 0, "log 1");
    expect_same(uns_log(0.0), -INFINITY, "log 0");
    expect_same(uns_log(-0.0), -INFINITY, "log −0");
    expect_same(uns_log(DBL_MIN / 2), -INFINITY, "log of a subnormal");
    expect_same(uns_log(-1), NAN, "log −1");
    expect_same(uns_log(-INFINITY), NAN, "log −∞");
    expect_same(uns_log(INFINITY), INFINITY, "log ∞");
    expect_same(uns_log(NAN), NAN, "log NaN");
    cr_assert(uns_log(DBL_MIN) == (double)logl(DBL_MIN));
}

Test(elementary, pow_has_the_special_values_of_annex_f) {
    const double numbers[] = {0, 0.25, 1, 3, INFINITY, 1e300, DBL_MIN};
    const double powers[] = {0,        -0.0,      1,   -1,    0.5,   -2.5,
                             INFINITY, -INFINITY, NAN, 1e300, -1e300};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t j = 0; j < sizeof powers / sizeof *powers; j++) {
            const double want = pow(numbers[i], powers[j]);
            const double got = uns_pow(numbers[i], powers[j]);
            if (isfinite(want) && want >= DBL_MIN)
                cr_assert(fabs(got / want - 1) < 1e-14, "pow %g %g", numbers[i], powers[j]);
            else
                expect_same(got, want < DBL_MIN ? 0 : want, "pow");
        }
}

Test(elementary, pow_is_for_numbers_from_0_on) {
    expect_same(uns_pow(-1, 2), NAN, "pow −1 2");
    expect_same(uns_pow(-INFINITY, 2), NAN, "pow −∞ 2");
    expect_same(uns_pow(NAN, 0), NAN, "pow NaN 0");
    expect_same(uns_pow(-0.0, 3), 0, "pow −0 3");
    expect_same(uns_pow(-0.0, -3), INFINITY, "pow −0 −3");
    expect_same(uns_pow(DBL_MIN / 4, -0.5), INFINITY, "pow of a subnormal");
    expect_same(uns_pow(0, DBL_MIN / 4), 1, "pow to a subnormal");
}

Test(elementary, turns_have_the_special_values_of_c23) {
    expect_same(uns_sinpi(0.0), 0.0, "sinpi 0");
    expect_same(uns_sinpi(-0.0), -0.0, "sinpi −0");
    expect_same(uns_sinpi(INFINITY), NAN, "sinpi ∞");
    expect_same(uns_cospi(-INFINITY), NAN, "cospi −∞");
    expect_same(uns_sinpi(NAN), NAN, "sinpi NaN");
    expect_same(uns_cospi(NAN), NAN, "cospi NaN");
    expect_same(uns_cospi(0), 1, "cospi 0");
    expect_same(uns_cospi(DBL_MAX), 1, "cospi max");
    expect_same(uns_sinpi(DBL_TRUE_MIN), 0, "sinpi of the least number");
}

Test(elementary, turns_are_exact_at_every_half) {
    const double cosines[] = {1, 0, -1, 0}, sines[] = {0, 1, 0, -1};
    for (int shift = 0; shift < 52; shift++)
        for (int half = 0; half < 8; half++) {
            const double x = (shift ? ldexp(1, shift) : 0) + 0.5 * half;
            expect_same(uns_cospi(x), cosines[half & 3], "cospi");
            expect_same(uns_cospi(-x), cosines[half & 3], "cospi of a negative");
            expect_same(uns_sinpi(x), sines[half & 3], "sinpi");
            expect_same(uns_sinpi(-x), -sines[half & 3], "sinpi of a negative");
        }
    expect_same(uns_cospi(0x1p52 + 1), -1, "cospi of the odd numbers beyond 2^52");
    expect_same(uns_cospi(-0x1p52 - 1), -1, "cospi of the odd numbers beyond −2^52");
}

static void expect_rising(double (*f)(double), double around, int count) {
    double x = around;
    for (int i = 0; i < count; i++)
        x = nextafter(x, -INFINITY);
    for (int i = 0; i < 2 * count; i++) {
        const double next = nextafter(x, INFINITY);
        cr_assert(f(next) >= f(x), "falls after %a", x);
        x = next;
    }
}

/* Where the reduced argument jumps from one end of its range to the other. */
Test(elementary, exp_and_log_rise_across_their_seams) {
    for (int k = -20; k <= 20; k++) {
        expect_rising(uns_log, ldexp(0x1.6a09e667f3bcdp-1, k), 300);
        expect_rising(uns_log, ldexp(1, k), 300);
        expect_rising(uns_exp, (k + 0.5) * 0x1.62e42fefa39efp-1, 300);
        expect_rising(uns_exp, k * 0x1.62e42fefa39efp-1, 300);
    }
}

Test(elementary, flushing_subnormals_changes_no_bit) {
    const double sizes[] = {
        0,   DBL_TRUE_MIN, DBL_MIN / 2, DBL_MIN, 1e-300, 1e-160, 1e-20,  0.3,   1,       40,
        700, 708.39,       708.4,       709.7,   745,    1e10,   0x1p52, 1e300, INFINITY};
    const size_t count = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < 2 * count; i++) {
        const double x = i < count ? sizes[i] : -sizes[i - count];
        const double plain[] = {uns_exp(x),      uns_log(x),      uns_sinpi(x), uns_cospi(x),
                                uns_pow(x, 0.5), uns_pow(0.7, x), uns_pow(0, x)};
        const uint64_t mode = uns_flush_enter();
        const double flushed[] = {uns_exp(x),      uns_log(x),      uns_sinpi(x), uns_cospi(x),
                                  uns_pow(x, 0.5), uns_pow(0.7, x), uns_pow(0, x)};
        uns_flush_restore(mode);
        for (size_t j = 0; j < sizeof plain / sizeof *plain; j++)
            expect_same(flushed[j], plain[j], "flushed");
    }
}
