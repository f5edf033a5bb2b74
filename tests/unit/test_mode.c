/* SPDX-License-Identifier: MIT
 * The caller's floating-point mode: a step leaves it as it was, and depends on it in no bit.
 */
#include "support/presets.h"

#include <math.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* The control bits of the calling thread, and modes that a caller may have set. */
#if defined(__x86_64__)
/* The last traps what is invalid or divided by zero. */
static const unsigned long caller_modes[] = {0x1f80, 0x9f80, 0x1fc0, 0x9fc0,
                                             0x7f80, 0x3f80, 0x5f80, 0x1d00};
static unsigned long mode_now(void) {
    return _mm_getcsr() & ~0x3ful; /* but for the flags of what has happened */
}
static void set_mode(unsigned long mode) {
    _mm_setcsr((unsigned)mode);
}
#elif defined(__aarch64__)
static const unsigned long caller_modes[] = {0, 1ul << 24, 1ul << 22, 1ul << 23};
static unsigned long mode_now(void) {
    unsigned long mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
static void set_mode(unsigned long mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else
static const unsigned long caller_modes[] = {0};
static unsigned long mode_now(void) {
    return 0;
}
static void set_mode(unsigned long mode) {
    (void)mode;
}
#endif

static void keep_mode(uns_context *context, const char *name, uns_spec *spec,
                      fixture_size size) {
    const unsigned long usual = mode_now();
    fixture f;
    open_or_fail(&f, context, spec, size);
    for (size_t i = 0; i < sizeof caller_modes / sizeof *caller_modes; i++) {
        fixture_gradient(&f, i);
        set_mode(caller_modes[i]);
        const uns_status status = uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f));
        const unsigned long after = mode_now();
        set_mode(usual);
        cr_assert_eq(status, UNS_OK, "%s", name);
        cr_assert_eq(after, caller_modes[i], "%s: mode %#lx became %#lx", name, caller_modes[i],
                     after);
    }
    fixture_close(&f);
}

Test(mode, a_step_leaves_the_callers_floating_point_mode_as_it_was, .timeout = 60) {
    uns_context *context = open_context(3, 0);
    cr_assert_geq(
        for_presets(context, UNS_STATE_AUTO, (fixture_size){9, 5, 2, UNS_F64}, keep_mode), 30);
    cr_assert_geq(
        for_presets(context, UNS_STATE_Q8, (fixture_size){99, 5, 1, UNS_F32}, keep_mode), 15);
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, "adamw", &spec), UNS_OK);
    keep_mode(context, "adamw on three threads", &spec,
              (fixture_size){50000, 5, 1, UNS_F32}); /* five items */
    uns_context_destroy(context);
}

/* Gradients whose squares, or which themselves, are below the least normal number. */
static void faint_gradient(fixture *f, uint64_t step, double scale) {
    fixture_gradient(f, step);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < f->elements[i]; k++)
            fixture_put(f, f->g[i], k, fixture_number(f, f->g[i], k) * scale);
}

/* Four steps from 0, where nothing hides how far they go. */
static void walk(uns_context *context, const uns_spec *spec, fixture_size size, double scale,
                 unsigned long mode, fixture *f) {
    const unsigned long usual = mode_now();
    open_or_fail(f, context, spec, size);
    for (size_t i = 0; i < 2; i++)
        memset(f->x[i], 0, f->bytes[i]);
    for (uint64_t t = 0; t < 4; t++) {
        faint_gradient(f, t, scale);
        set_mode(mode);
        const uns_status status = uns_optimizer_step(f->optimizer, fixture_x(f), fixture_g(f));
        set_mode(usual);
        cr_assert_eq(status, UNS_OK, "%s", uns_context_message(context));
    }
}

static bool same_structures(const fixture *a, const fixture *b) {
    uns_state_view one, two;
    for (size_t j = 0; j < uns_optimizer_state_count(a->optimizer, 0); j++) {
        cr_assert_eq(uns_optimizer_state_at(a->optimizer, 0, j, &one), UNS_OK);
        cr_assert_eq(uns_optimizer_state_at(b->optimizer, 0, j, &two), UNS_OK);
        const bool whole = strcmp(one.name, "structure") == 0;
        const size_t width = whole ? 1 : uns_dtype_size(one.dtype);
        if (memcmp(one.data, two.data, one.count * width) != 0)
            return false;
    }
    return true;
}

static void ignore_mode(uns_context *context, const char *name, uns_spec *spec,
                        fixture_size size) {
    const bool f32 = size.dtype == UNS_F32;
    if (strcmp(spec->moment, "exact") == 0) /* the oracle computes in the caller's mode */
        return;
    const double scales[] = {1.0, f32 ? 1e-20 : 1e-155, f32 ? 1e-38 : 1e-308,
                             f32 ? 1e-41 : 1e-310};
    for (size_t s = 0; s < 4; s++) {
        fixture usual, other;
        walk(context, spec, size, scales[s], caller_modes[0], &usual);
        for (size_t i = 1; i < sizeof caller_modes / sizeof *caller_modes; i++) {
            walk(context, spec, size, scales[s], caller_modes[i], &other);
            cr_assert(fixture_same(&usual, &other) && same_structures(&usual, &other),
                      "%s: mode %#lx, gradients of %g", name, caller_modes[i], scales[s]);
            fixture_close(&other);
        }
        fixture_close(&usual);
    }
}

Test(mode, no_bit_of_a_step_depends_on_the_callers, .timeout = 120) {
    uns_context *context = open_context(1, 0);
    const fixture_size one = {6, 5, 1, UNS_F32}, three = {6, 5, 3, UNS_F64};
    cr_assert_geq(for_presets(context, UNS_STATE_AUTO, one, ignore_mode), 28);
    cr_assert_geq(for_presets(context, UNS_STATE_AUTO, three, ignore_mode), 28);
    uns_context_destroy(context);
}

/* The workers have the mode in which the pool was made, the caller has another one. */
Test(mode, no_bit_depends_on_who_made_the_threads) {
    const unsigned long usual = mode_now();
    uns_spec spec;
    fixture one, many;
    uns_context *single = open_context(1, 0), *several = open_context(3, 0);
    cr_assert_eq(uns_spec_preset(single, "adamw", &spec), UNS_OK);
    const fixture_size size = {50000, 5, 1, UNS_F32}; /* five items */
    walk(single, &spec, size, 1.0, caller_modes[4], &one);
    walk(several, &spec, size, 1.0, usual, &many);
    cr_expect(fixture_same(&one, &many));
    fixture_close(&one);
    fixture_close(&many);
    uns_context_destroy(single);
    uns_context_destroy(several);
}

/* The search for who is not finite, and a norm that is NaN, in a caller's mode that traps. */
Test(mode, nothing_that_is_not_finite_traps) {
    uns_context *context = open_context(1, 0);
    const fixture_size size = {6, 5, 2, UNS_F64};
    const unsigned long usual = mode_now();
    for (int clip = 0; clip < 2; clip++) {
        uns_spec spec;
        fixture f;
        cr_assert_eq(uns_spec_preset(context, "adam", &spec), UNS_OK);
        spec.nonfinite = UNS_NONFINITE_SKIP;
        spec.clip_norm = clip ? 1.0 : INFINITY;
        open_or_fail(&f, context, &spec, size);
        fixture_gradient(&f, 0);
        fixture_put(&f, f.g[0], 4, INFINITY);
        fixture_put(&f, f.g[0], 6, (double)NAN);
        set_mode(caller_modes[sizeof caller_modes / sizeof *caller_modes - 1]);
        const uns_status status = uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f));
        set_mode(usual);
        cr_expect_eq(status, UNS_OK);
        cr_expect_eq(fixture_number(&f, f.x[0], 0), 0.5);
        cr_expect_neq(fixture_number(&f, f.x[0], 1), 0.5);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}
