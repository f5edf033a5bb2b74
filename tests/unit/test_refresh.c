/* SPDX-License-Identifier: MIT
 * When the dense structures take a root, and what it costs to take fewer.
 */
#include "support/bowl.h"
#include "support/fixture.h"

#include <stdio.h>

/* Stationary gradients for a piece that is not tiny: few roots; a change of scale is seen. */
Test(refresh, adaptive_roots_come_when_the_moment_moves) {
    enum {
        D = 24
    };
    static bowl b;
    uns_context *context = open_context(1);
    if (uns_dense_available()) {
        draw_bowl(D, &b);
        uns_spec spec = spec_of(context, "rmsprop-full", "beta.rule=fixed beta=0.998 eta=0");
        rider r = {0};
        double g[D];
        open_rider(context, D, &spec, &r);
        for (uint64_t t = 0; t < 6000; t++) {
            bowl_gradient(&b, t, r.x, g);
            (t < 4000 ? look_at : ride)(&r, g);
        }
        uint64_t still = roots_of(r.optimizer);
        cr_assert(still >= 1 && still < 10, "%d roots in 2,000 steps", (int)still);
        for (uint64_t t = 6000; t < 6100; t++) {
            bowl_gradient(&b, t, r.x, g);
            for (size_t i = 0; i < D; i++)
                g[i] *= 4.0;
            ride(&r, g);
        }
        uint64_t moving = roots_of(r.optimizer) - still;
        cr_assert_geq(moving, 2, "%d roots in 100 steps", (int)moving);
        close_rider(&r);
    }
    uns_context_destroy(context);
}

/* Signals where nothing has been before: R would take no notice, or send them far away. */
Test(refresh, a_signal_from_elsewhere_is_in_the_root_at_once) {
    enum {
        D = 20
    };
    static const char *const values[] = {"epsilon=0", "epsilon=1e-8", "epsilon=1e-3"};
    uns_context *context = open_context(1);
    for (size_t i = 0; uns_dense_available() && i < 3; i++) {
        uns_spec spec = spec_of(context, "rmsprop-full", values[i]);
        rider r = {0};
        open_rider(context, D, &spec, &r);
        for (size_t k = 0; k < D; k++) {
            double g[D] = {0}, before = r.x[k];
            g[k] = 1.0;
            ride(&r, g);
            double wanted = spec.eta / sqrt(1.0 - uns_spec_beta(&spec) + spec.epsilon);
            cr_assert_float_eq(before - r.x[k], wanted, 1e-9 * wanted, "%s, %zu", values[i], k);
        }
        close_rider(&r);
    }
    uns_context_destroy(context);
}

Test(refresh, a_tolerance_of_less_takes_more_roots) {
    enum {
        D = 24
    };
    static bowl b;
    uint64_t roots[2];
    uns_context *context = open_context(1);
    draw_bowl(D, &b);
    for (int i = 0; uns_dense_available() && i < 2; i++) {
        uns_spec spec = spec_of(context, "rmsprop-full",
                                i ? "beta.rule=fixed beta=0.998 eta=0 refresh.tolerance=0.3"
                                  : "beta.rule=fixed beta=0.998 eta=0");
        rider r = {0};
        double g[D];
        open_rider(context, D, &spec, &r);
        for (uint64_t t = 0; t < 6000; t++) {
            bowl_gradient(&b, t, r.x, g);
            (t < 4000 ? look_at : ride)(&r, g);
        }
        roots[i] = roots_of(r.optimizer);
        close_rider(&r);
    }
    if (uns_dense_available())
        cr_assert_geq(roots[1], 3 * roots[0]);
    uns_context_destroy(context);
}

Test(refresh, every_k_observations_means_that) {
    uns_context *context = open_context(1);
    for (size_t rows = 2; uns_dense_available() && rows <= 8; rows += 6) {
        uns_spec spec = spec_of(context, "adam-full", "refresh=5");
        fixture f;
        cr_assert(fixture_open(&f, context, &spec, (fixture_size){rows, 4, 3, UNS_F64}));
        for (uint64_t t = 0; t < 21; t++)
            cr_assert_eq(fixture_step(&f, t), UNS_OK);
        cr_assert_eq(roots_of(f.optimizer), 3 * 5);
        spec.exponent = 0.75; /* the root in force is no longer the one asked for */
        cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_OK);
        cr_assert_eq(fixture_step(&f, 21), UNS_OK);
        cr_assert_eq(roots_of(f.optimizer), 3 * 6);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* 200 steps of rmsprop-full on gradients of one law, in units of η: mean square over the
 * parameters. */
static double mean_square(uns_context *context, size_t d, const char *more, uint64_t *roots) {
    enum {
        LARGEST = 256,
        STEPS = 200
    };
    static double x[LARGEST], g[LARGEST];
    uns_spec spec = spec_of(context, "rmsprop-full", more);
    uint64_t burn_in = (uint64_t)uns_spec_burn_in(context, &spec);
    double sum = 0.0;
    rider r = {0};
    open_rider(context, d, &spec, &r);
    void *place[1] = {x};
    const void *at[1] = {x}, *from[1] = {g};
    for (uint64_t t = 0; t < burn_in + STEPS; t++) {
        uns_random_normal((uns_key){5, t, 0, UNS_STREAM_USER}, 0, d, g);
        memset(x, 0, sizeof x);
        for (size_t i = 0; i < d; i++)
            g[i] *= pow(10.0, -(double)i / (double)d);
        uns_status status = t < burn_in
                                ? uns_optimizer_observe(r.optimizer, (uns_const_tensors){at, 1},
                                                        (uns_const_tensors){from, 1})
                                : uns_optimizer_step(r.optimizer, (uns_tensors){place, 1},
                                                     (uns_const_tensors){from, 1});
        cr_assert_eq(status, UNS_OK);
        for (size_t i = 0; i < d; i++)
            sum += x[i] * x[i];
    }
    *roots = roots_of(r.optimizer);
    close_rider(&r);
    return sum / (spec.eta * spec.eta * STEPS * (double)d);
}

/* The current gradient is in RMSProp's moment; it is not in an older root. */
Test(refresh, steps_between_roots_are_as_long_as_with_a_root_at_every_step) {
    static const char *const betas[] = {"beta=0.99", "beta=0.995"};
    uns_context *context = open_context(1);
    for (size_t i = 0; uns_dense_available() && i < 2; i++) {
        uint64_t roots[2];
        double size[2];
        for (int k = 0; k < 2; k++) {
            char more[80];
            snprintf(more, sizeof more, "beta.rule=fixed %s %s", betas[i],
                     k ? "refresh=1" : "");
            size[k] = mean_square(context, 40, more, &roots[k]);
        }
        cr_expect(fabs(size[0] / size[1] - 1.0) <= 0.03, "%s: %g for %g", betas[i], size[0],
                  size[1]);
        cr_expect_leq(roots[0], 5, "%s: %d roots", betas[i], (int)roots[0]);
    }
    uns_context_destroy(context);
}

/* A memory of 19 gradients, 256 parameters: every signal is new to C, and |Rs|² is 1/(1 − β)
 * with it. Roots wait for 256³/2²⁰ observations nevertheless. */
Test(refresh, large_pieces_take_few_roots_where_the_memory_is_short) {
    uns_context *context = open_context(1);
    uint64_t roots;
    if (uns_dense_available()) {
        double size = mean_square(context, 256, "beta.rule=fixed beta=0.9", &roots);
        cr_expect_float_eq(size, 10.0 / 256.0, 1e-3 * size, "%g", size);
        cr_expect(roots >= 12 && roots <= 14, "%d roots", (int)roots);
    }
    uns_context_destroy(context);
}

/* The length of the 113th step of 256 parameters, whose gradient is `factor` times its law's,
 * in units of η; NaN: its replica stopped. */
static double outlier_step(uns_context *context, const char *more, double factor) {
    enum {
        N = 256
    };
    double x[N] = {0}, g[N], square = 0.0;
    uns_spec spec = spec_of(context, "rmsprop-full", more);
    rider r = {0};
    open_rider(context, N, &spec, &r);
    void *place[1] = {x};
    const void *from[1] = {g};
    for (uint64_t t = 1; t <= 113; t++) {
        memset(x, 0, sizeof x);
        uns_random_normal((uns_key){6, t, 0, UNS_STREAM_USER}, 0, N, g);
        for (size_t i = 0; i < N && t == 113; i++)
            g[i] *= factor;
        cr_assert_eq(uns_optimizer_step(r.optimizer, (uns_tensors){place, 1},
                                        (uns_const_tensors){from, 1}),
                     UNS_OK);
    }
    for (size_t i = 0; i < N; i++)
        square += x[i] * x[i];
    cr_assert(isfinite(square));
    bool stopped = uns_optimizer_stopped(r.optimizer, 0);
    close_rider(&r);
    return stopped ? NAN : sqrt(square) / spec.eta;
}

/* A step along a signal that outweighs all of C has the length η/√(1 − β). */
Test(refresh, no_root_waits_for_an_outlier_that_rounding_would_spoil) {
    static const char more[] = "beta.rule=fixed beta=0.99 burn_in=0";
    const double factor[3] = {1e6, 1e8, 1e120};
    uns_context *context = open_context(1);
    for (int k = 0; uns_dense_available() && k < 3; k++) {
        double size = outlier_step(context, more, factor[k]);
        cr_expect_float_eq(size, 10.0, 1e-6, "%g: %.9g", factor[k], size);
    }
    if (uns_dense_available())
        cr_expect(isnan(outlier_step(context, more, 1e200)), "C is not finite");
    uns_context_destroy(context);
}

/* What shortens a step is made from the state alone. */
Test(refresh, a_state_carried_over_between_observing_and_moving_gives_the_same_bits) {
    static bowl b;
    uns_context *context = open_context(1);
    draw_bowl(MOST, &b);
    for (int centred = 0; uns_dense_available() && centred < 2; centred++) {
        uns_spec spec =
            spec_of(context, "rmsprop-full", centred ? "eta=0.01 centred=true" : "eta=0.01");
        rider whole = {0}, early = {0}, late = {0};
        double g[MOST], d[MOST];
        open_rider(context, MOST, &spec, &whole);
        open_rider(context, MOST, &spec, &early);
        open_rider(context, MOST, &spec, &late);
        for (uint64_t t = 0; t < 20; t++) {
            bowl_gradient(&b, t, whole.x, g);
            ride(&whole, g);
            (t < 19 ? ride : look_at)(&early, g);
        }
        uns_state_view from, to;
        uns_block_counts counts;
        cr_assert_eq(uns_optimizer_state(early.optimizer, 0, "structure", &from), UNS_OK);
        cr_assert_eq(uns_optimizer_state(late.optimizer, 0, "structure", &to), UNS_OK);
        memcpy(to.data, from.data, from.count);
        cr_assert_eq(uns_optimizer_counts(early.optimizer, 0, &counts), UNS_OK);
        cr_assert_eq(uns_optimizer_set_counts(late.optimizer, 0, &counts), UNS_OK);
        memcpy(late.x, early.x, sizeof late.x);
        const void *x[1] = {late.x}, *at[1] = {g};
        void *out[1] = {d}, *place[1] = {late.x};
        cr_assert_eq(uns_optimizer_direction(late.optimizer, (uns_const_tensors){x, 1},
                                             (uns_const_tensors){at, 1}, (uns_tensors){out, 1}),
                     UNS_OK);
        cr_assert_eq(uns_optimizer_advance(late.optimizer, (uns_tensors){place, 1},
                                           (uns_tensors){out, 1}),
                     UNS_OK);
        cr_assert_eq(memcmp(late.x, whole.x, sizeof late.x), 0);
        close_rider(&whole);
        close_rider(&early);
        close_rider(&late);
    }
    uns_context_destroy(context);
}

/* As shipped, from the first gradient on, when C is still singular: R between two roots is no
 * worse than one at every step, so nobody is thrown out of a bowl they start in. */
static void check_shipped(uns_context *context, const char *name, size_t d) {
    static bowl b;
    const void *structure = NULL;
    uns_spec spec = spec_of(context, name, "");
    cr_assert_eq(uns_context_find(context, UNS_KIND_STRUCTURE, spec.structure, &structure),
                 UNS_OK);
    if (!((const uns_structure_ops *)structure)->refreshes)
        return;
    rider r = {0};
    double g[MOST], farthest = 0.0;
    draw_bowl(d, &b);
    open_rider(context, d, &spec, &r);
    for (size_t i = 0; i < d; i++)
        r.x[i] = 1.0;
    for (uint64_t t = 0; t < 500; t++) {
        bowl_gradient(&b, t, r.x, g);
        ride(&r, g);
    }
    for (size_t i = 0; i < d; i++)
        farthest = fmax(farthest, fabs(r.x[i]));
    cr_expect(farthest <= 10.0, "%s, d = %zu: %g", name, d, farthest);
    close_rider(&r);
}

Test(refresh, every_preset_as_shipped_stays_in_the_bowl) {
    uns_context *context = open_context(1);
    for (size_t i = 0; uns_dense_available() && i < uns_context_count(context, UNS_KIND_PRESET);
         i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        check_shipped(context, preset->name, 17);
        check_shipped(context, preset->name, MOST);
    }
    uns_context_destroy(context);
}

static uns_structure_report report_of(const rider *r) {
    uns_structure_report report;
    cr_assert_eq(uns_optimizer_structure_report(r->optimizer, 0, &report), UNS_OK);
    return report;
}

/* R·s, looks at the drift and the direction itself are none of it. */
static void check_time(uns_context *context, const char *preset, const char *values,
                       bool estimated) {
    enum {
        D = 24
    };
    static bowl b;
    uns_spec spec = spec_of(context, preset, values);
    rider r = {0};
    double g[D];
    uint64_t without = 0;
    spec.eta = 0.0;
    draw_bowl(D, &b);
    open_rider(context, D, &spec, &r);
    uns_structure_report last = report_of(&r);
    for (uint64_t t = 0; t < 200; t++) {
        bowl_gradient(&b, t, r.x, g);
        ride(&r, g);
        uns_structure_report now = report_of(&r);
        without += now.roots == last.roots;
        cr_assert_eq(now.seconds > last.seconds, now.roots > last.roots, "%s, %d: %g s", values,
                     (int)t, now.seconds - last.seconds);
        last = now;
    }
    cr_expect(last.roots > 0 && (without > 0 || spec.refresh < 2), "%s", values);
    cr_expect_eq(isnan(last.error), !estimated, "%s: %g", values, last.error);
    close_rider(&r);
}

Test(refresh, time_and_error_are_those_of_the_roots) {
    static const struct {
        const char *preset, *values;
        bool estimated;
    } cases[] = {
        {"rmsprop-full", "beta.rule=fixed beta=0.998", true},
        {"rmsprop-full", "beta.rule=fixed beta=0.998 refresh=7", true},
        {"rmsprop-full", "beta.rule=fixed beta=0.998 refresh=7 refresh.lag=3", true},
        {"rmsprop-block", "beta.rule=fixed beta=0.998 structure.block=20", true},
        {"rmsprop", "structure=kron structure.side=left beta=0.998 epsilon=1e-3", true},
        {"rmsprop", "structure=kron structure.side=left refresh=7", true},
        {"rmsprop", "structure=kron-eigen structure.side=left refresh=7", false},
        {"rmsprop", "structure=lowrank structure.rank=8", false},
        {"rmsprop", "structure=lowrank structure.rank=40", false},
        {"muon", "root=exact structure.side=left", true},
        {"muon", "root=quintic structure.side=left", false},
    };
    uns_context *context = open_context(2);
    for (size_t i = 0; uns_dense_available() && i < sizeof cases / sizeof *cases; i++)
        check_time(context, cases[i].preset, cases[i].values, cases[i].estimated);
    uns_context_destroy(context);
}
