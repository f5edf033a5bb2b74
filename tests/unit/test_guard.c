/* SPDX-License-Identifier: MIT
 * Slot 0 at the ends of the range: norms whose squares leave f64, and scales without a normal
 * reciprocal or whose quotient overflows; replicas beside each other. Ordinary clipping and
 * unscaling: test_step.c.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>

static uns_context *plain_context(void) {
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    return context;
}

static uns_spec preset(uns_context *context, const char *name, const char *more) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, name, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, more), UNS_OK, "%s",
                 uns_context_message(context));
    return spec;
}

/* Filled in place: the fixture is its own oracle's self. */
static void open(fixture *f, uns_context *context, const uns_spec *spec, size_t replicas) {
    cr_assert(fixture_open(f, context, spec, (fixture_size){5, 4, replicas, UNS_F64}), "%s",
              uns_context_message(context));
}

/* Squares of such gradients are beyond f64: the move is the plain one, times a power of two. */
Test(guard, clipping_bounds_moves_whose_squares_are_out_of_range) {
    uns_context *context = plain_context();
    const int shift[3] = {0, 550, -560};
    for (size_t replicas = 1; replicas < 4; replicas += 2)
        for (int k = 1; k < 3; k++) {
            uns_spec spec = preset(context, "sgd", "eta=1 clip.norm=0.0078125");
            fixture plain, far;
            open(&plain, context, &spec, replicas);
            spec.clip_norm = ldexp(spec.clip_norm, shift[k] < 0 ? shift[k] : 0);
            spec.eta = shift[k] < 0 ? ldexp(1.0, -shift[k]) : 1.0;
            open(&far, context, &spec, replicas);
            cr_assert_eq(fixture_step(&plain, 0), UNS_OK);
            fixture_gradient(&far, 0);
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < far.elements[i]; j++)
                    fixture_put(&far, far.g[i], j,
                                ldexp(fixture_get(&far, far.g[i], j), shift[k]));
            cr_assert_eq(uns_optimizer_step(far.optimizer, fixture_x(&far), fixture_g(&far)),
                         UNS_OK);
            cr_assert(fixture_same(&plain, &far), "%d", shift[k]);
            fixture_close(&plain);
            fixture_close(&far);
        }
    uns_context_destroy(context);
}

Test(guard, an_unscale_without_a_normal_reciprocal_is_refused) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd", "");
    const double good[2] = {1e39, 1e-39}, bad[5] = {1e308, 4e-309, 0.0, INFINITY, NAN};
    for (int k = 0; k < 2; k++) {
        fixture f;
        uns_dtype dtype = k ? UNS_F32 : UNS_F64;
        cr_assert(fixture_open(&f, context, &spec, (fixture_size){4, 2, 1, dtype}));
        for (int i = 0; i < 2; i++)
            cr_assert_eq(uns_optimizer_unscale(f.optimizer, good[i]),
                         k ? UNS_ERROR_RANGE : UNS_OK, "%g", good[i]);
        for (int i = 0; i < 5; i++)
            cr_assert_eq(uns_optimizer_unscale(f.optimizer, bad[i]), UNS_ERROR_RANGE, "%g",
                         bad[i]);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* The finite check sees g / unscale: 1e200 is finite, 1e200 / 1e-200 is not. */
Test(guard, a_gradient_that_unscaling_overflows_is_skipped) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd", "eta=1 nonfinite=skip clip.value=1");
    for (size_t replicas = 1; replicas < 4; replicas += 2) {
        fixture f, start;
        open(&f, context, &spec, replicas);
        open(&start, context, &spec, replicas);
        cr_assert_eq(uns_optimizer_unscale(f.optimizer, 1e-200), UNS_OK);
        fixture_gradient(&f, 0);
        fixture_put(&f, f.g[1], 0, 1e200);
        cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
        cr_assert_eq(uns_optimizer_skipped(f.optimizer), 1);
        for (size_t k = 0; k < f.elements[0]; k++)
            cr_assert_eq(fixture_get(&f, f.x[0], k) == fixture_get(&start, start.x[0], k),
                         k % replicas == 0);
        fixture_close(&f);
        fixture_close(&start);
    }
    uns_context_destroy(context);
}

/* 1e36 can be cut to norm 1 in f32; for 3e38 the factor would be subnormal, and flushed. */
Test(guard, a_norm_too_large_to_cut_counts_as_not_finite) {
    const double entry[2] = {1e36, 3e38};
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd", "eta=1 nonfinite=skip clip.norm=1");
    for (size_t replicas = 1; replicas < 4; replicas += 2)
        for (int k = 0; k < 2; k++) {
            fixture f;
            double square = 0.0;
            cr_assert(
                fixture_open(&f, context, &spec, (fixture_size){5, 4, replicas, UNS_F32}));
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < f.elements[i]; j++) {
                    fixture_put(&f, f.x[i], j, 0.0);
                    fixture_put(&f, f.g[i], j, entry[k]);
                }
            cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
            cr_assert_eq(uns_optimizer_skipped(f.optimizer), k ? replicas : 0);
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < f.elements[i]; j++)
                    square += pow(fixture_get(&f, f.x[i], j), 2);
            cr_assert_float_eq(square, k ? 0.0 : (double)replicas, 1e-5);
            fixture_close(&f);
        }
    uns_context_destroy(context);
}

/* Norms and finiteness of many replicas over blocks of several items: by one thread, by three,
 * and of one replica alone the same. */
Test(guard, replicas_norms_and_stops_hang_on_nobody_else) {
    enum {
        REPLICAS = 7
    };
    fixture f[2];
    uns_context *contexts[2];
    for (int i = 0; i < 2; i++) {
        const uns_context_config config = {.size = sizeof config, .threads = i ? 3 : 1};
        cr_assert_eq(uns_context_create(&config, &contexts[i]), UNS_OK);
        const uns_spec spec = preset(contexts[i], "momentum", "clip.norm=3 nonfinite=stop");
        cr_assert(fixture_open(&f[i], contexts[i], &spec,
                               (fixture_size){4000, 15000, REPLICAS, UNS_F64}));
        for (uint64_t t = 0; t < 3; t++) {
            fixture_gradient(&f[i], t);
            if (t == 1)
                fixture_put(&f[i], f[i].g[1], 9000 * REPLICAS + 4, (double)INFINITY);
            cr_assert_eq(uns_optimizer_step(f[i].optimizer, fixture_x(&f[i]), fixture_g(&f[i])),
                         UNS_OK);
        }
    }
    cr_assert(fixture_same(&f[0], &f[1]));
    fixture alone;
    const uns_spec spec = preset(contexts[0], "momentum", "clip.norm=3");
    cr_assert(
        fixture_open(&alone, contexts[0], &spec, (fixture_size){4000, 15000, 2, UNS_F64}));
    for (uint64_t t = 0; t < 3; t++)
        cr_assert_eq(fixture_step(&alone, t), UNS_OK);
    for (size_t r = 0; r < REPLICAS; r++) {
        const double now = fixture_get(&f[1], f[1].x[1], 777 * REPLICAS + r);
        cr_assert_eq(uns_optimizer_stopped(f[1].optimizer, r), r == 4);
        cr_assert(r > 1 || now == fixture_get(&alone, alone.x[1], 777 * 2 + r));
    }
    fixture_close(&alone);
    for (int i = 0; i < 2; i++) {
        fixture_close(&f[i]);
        uns_context_destroy(contexts[i]);
    }
}
