/* SPDX-License-Identifier: MIT
 * What a step promises beside its arithmetic: guards, atomicity, no allocation, growth.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>

/* An allocator that counts and can fail the k-th call. */
typedef struct counter {
    long calls, live, fail_at;
} counter;

static void *counting_allocate(void *user, size_t bytes, size_t align) {
    counter *c = user;
    if (++c->calls == c->fail_at)
        return NULL;
    c->live++;
    return aligned_alloc(align, bytes);
}

static void counting_release(void *user, void *memory) {
    ((counter *)user)->live--;
    free(memory);
}

static uns_status open_counting(counter *c, uns_context **context) {
    uns_context_config config = {.size = sizeof config,
                                 .allocate = counting_allocate,
                                 .release = counting_release,
                                 .user = c,
                                 .threads = 2};
    return uns_context_create(&config, context);
}

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

Test(step, allocates_nothing) {
    counter c = {0};
    uns_context *context = NULL;
    cr_assert_eq(open_counting(&c, &context), UNS_OK);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *row = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec = preset(context, row->name, "clip.norm=1 nonfinite=skip");
        fixture f;
        if (!fixture_can(context, &spec))
            continue;
        fixture_size size = fixture_fit(context, &spec, (fixture_size){30000, 9, 1, UNS_F64});
        cr_assert(fixture_open(&f, context, &spec, size));
        long before = c.calls;
        cr_assert_eq(fixture_step(&f, 0), UNS_OK);
        cr_assert_eq(fixture_step(&f, 1), UNS_OK);
        cr_assert_eq(c.calls, before, "%s allocated", row->name);
        fixture_close(&f);
    }
    uns_context_destroy(context);
    cr_assert_eq(c.live, 0);
}

Test(step, every_failing_allocation_is_reported_and_leaks_nothing) {
    for (long k = 1;; k++) {
        counter c = {.fail_at = k};
        uns_context *context = NULL;
        uns_status status = open_counting(&c, &context);
        fixture f = {0};
        if (status == UNS_OK) {
            uns_spec spec = preset(context, "lamb", "");
            if (!fixture_open(&f, context, &spec, (fixture_size){5, 4, 1, UNS_F64}))
                status = UNS_ERROR_MEMORY;
            fixture_close(&f);
        }
        uns_context_destroy(context);
        cr_assert_eq(c.live, 0, "allocation %ld", k);
        if (c.calls < k) { /* the k-th never came: all of them have failed once */
            cr_assert_eq(status, UNS_OK);
            cr_assert_gt(k, 5);
            break;
        }
        cr_assert_neq(status, UNS_OK, "allocation %ld", k);
    }
}

/* Steps a with a bad gradient and b not at all; they must then agree, for good. */
static void check_skip(uns_context *context, const char *name, double bad) {
    uns_spec spec = preset(context, name, "nonfinite=skip");
    fixture a, b;
    if (!fixture_can(context, &spec))
        return;
    open(&a, context, &spec, 1);
    open(&b, context, &spec, 1);
    for (uint64_t t = 0; t < 6; t++) {
        cr_assert_eq(fixture_step(&a, t), UNS_OK);
        cr_assert_eq(fixture_step(&b, t), UNS_OK);
        fixture_gradient(&a, 100 + t);
        fixture_put(&a, a.g[1], 2, bad);
        cr_assert_eq(uns_optimizer_step(a.optimizer, fixture_x(&a), fixture_g(&a)), UNS_OK);
        cr_assert(fixture_same(&a, &b), "%s after step %d", name, (int)t);
    }
    cr_assert_eq(uns_optimizer_skipped(a.optimizer), 6);
    cr_assert_not(uns_optimizer_stopped(a.optimizer, 0));
    fixture_close(&a);
    fixture_close(&b);
}

Test(step, a_skipped_step_leaves_everything_as_it_was) {
    uns_context *context = plain_context();
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *row = uns_context_entry(context, UNS_KIND_PRESET, i);
        check_skip(context, row->name, NAN);
        check_skip(context, row->name, -INFINITY);
    }
    uns_context_destroy(context);
}

/* One replica of several meets a bad gradient; it stays, the others do not notice. */
static void check_partial(uns_context *context, const char *name, const char *policy) {
    enum {
        REPLICAS = 5,
        BAD = 3
    };
    uns_spec spec = preset(context, name, policy);
    fixture a, b;
    if (!fixture_can(context, &spec))
        return;
    open(&a, context, &spec, REPLICAS);
    open(&b, context, &spec, REPLICAS);
    cr_assert_eq(fixture_step(&a, 0), UNS_OK);
    cr_assert_eq(fixture_step(&b, 0), UNS_OK);
    double before = fixture_get(&a, a.x[0], 2 * REPLICAS + BAD);
    fixture_gradient(&a, 1);
    fixture_put(&a, a.g[0], REPLICAS + BAD, NAN);
    cr_assert_eq(uns_optimizer_step(a.optimizer, fixture_x(&a), fixture_g(&a)), UNS_OK);
    cr_assert_eq(fixture_get(&a, a.x[0], 2 * REPLICAS + BAD), before, "%s", name);
    cr_assert_eq(fixture_step(&b, 1), UNS_OK);
    cr_assert_eq(fixture_step(&a, 2), UNS_OK);
    cr_assert_eq(fixture_step(&b, 2), UNS_OK);
    for (size_t k = 0; k < a.elements[0]; k++)
        if (k % REPLICAS != BAD)
            cr_assert_eq(fixture_get(&a, a.x[0], k), fixture_get(&b, b.x[0], k), "%s", name);
    bool stops = spec.nonfinite == UNS_NONFINITE_STOP;
    cr_assert_eq(uns_optimizer_stopped(a.optimizer, BAD), stops);
    cr_assert_eq(fixture_get(&a, a.x[0], 2 * REPLICAS + BAD) == before, stops, "%s", name);
    fixture_close(&a);
    fixture_close(&b);
}

Test(step, a_bad_gradient_concerns_its_replica_alone) {
    uns_context *context = plain_context();
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *row = uns_context_entry(context, UNS_KIND_PRESET, i);
        check_partial(context, row->name, "nonfinite=stop");
        check_partial(context, row->name, "nonfinite=skip");
    }
    uns_context_destroy(context);
}

static uns_status failing_oracle(void *self, uns_const_tensors x, uns_about about,
                                 uns_shape shape, uns_tensors out) {
    (void)self, (void)x, (void)about, (void)shape, (void)out;
    return UNS_ERROR_CALLBACK;
}

Test(step, a_failing_oracle_ends_the_step_unmoved) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "idealized", "");
    fixture f, untouched;
    open(&f, context, &spec, 1);
    open(&untouched, context, &spec, 1);
    uns_optimizer_destroy(f.optimizer);
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = f.layout,
                                   .count = 1,
                                   .specs = &spec,
                                   .oracle = {NULL, failing_oracle}};
    cr_assert_eq(uns_optimizer_create(context, &config, &f.optimizer), UNS_OK);
    cr_assert_eq(fixture_step(&f, 0), UNS_ERROR_CALLBACK);
    cr_assert(fixture_same(&f, &untouched));
    config.oracle.second_moment = NULL;
    uns_optimizer *none = NULL;
    cr_assert_eq(uns_optimizer_create(context, &config, &none), UNS_ERROR_UNAVAILABLE);
    cr_assert_null(none);
    fixture_close(&f);
    fixture_close(&untouched);
    uns_context_destroy(context);
}

Test(step, burn_in_fills_the_moment_and_moves_nothing) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adam", "");
    fixture f, untouched;
    open(&f, context, &spec, 1);
    open(&untouched, context, &spec, 1);
    for (uint64_t t = 0; t < 10; t++) {
        fixture_gradient(&f, t);
        cr_assert_eq(
            uns_optimizer_observe(f.optimizer, uns_tensors_const(fixture_x(&f)), fixture_g(&f)),
            UNS_OK);
    }
    uns_state_view moment, momentum;
    uns_block_counts counts;
    cr_assert_eq(uns_optimizer_state(f.optimizer, 0, "moment", &moment), UNS_OK);
    cr_assert_eq(uns_optimizer_state(f.optimizer, 0, "momentum", &momentum), UNS_OK);
    cr_assert_eq(uns_optimizer_counts(f.optimizer, 0, &counts), UNS_OK);
    cr_assert(((double *)moment.data)[0] > 0.0);
    cr_assert_eq(((double *)momentum.data)[0], 0.0);
    cr_assert_eq(counts.observed, 10);
    cr_assert_eq(counts.moved, 0);
    cr_assert(fixture_same(&f, &untouched));
    fixture_close(&f);
    fixture_close(&untouched);
    uns_context_destroy(context);
}

Test(step, clipping_bounds_the_move) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd", "eta=1 clip.norm=0.01");
    for (size_t replicas = 1; replicas < 4; replicas += 2) {
        fixture f, start;
        open(&f, context, &spec, replicas);
        open(&start, context, &spec, replicas);
        cr_assert_eq(fixture_step(&f, 0), UNS_OK);
        double square = 0.0;
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < f.elements[i]; k += replicas) {
                double move = fixture_get(&f, f.x[i], k) - fixture_get(&start, start.x[i], k);
                square += move * move;
            }
        cr_assert_float_eq(sqrt(square), 0.01, 1e-12);
        fixture_close(&f);
        fixture_close(&start);
    }
    uns_context_destroy(context);
}

Test(step, unscale_undoes_a_scaled_loss) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adam", "");
    fixture plain, scaled;
    open(&plain, context, &spec, 1);
    open(&scaled, context, &spec, 1);
    cr_assert_eq(uns_optimizer_unscale(scaled.optimizer, 1024.0), UNS_OK);
    cr_assert_eq(uns_optimizer_unscale(scaled.optimizer, 0.0), UNS_ERROR_RANGE);
    for (uint64_t t = 0; t < 5; t++) {
        cr_assert_eq(fixture_step(&plain, t), UNS_OK);
        fixture_gradient(&scaled, t);
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < scaled.elements[i]; k++)
                ((double *)scaled.g[i])[k] *= 1024.0;
        cr_assert_eq(
            uns_optimizer_step(scaled.optimizer, fixture_x(&scaled), fixture_g(&scaled)),
            UNS_OK);
        cr_assert(fixture_same(&plain, &scaled));
    }
    fixture_close(&plain);
    fixture_close(&scaled);
    uns_context_destroy(context);
}

/* At ε = 0 a gradient four times as large gives the same path. */
Test(step, the_root_takes_the_gradients_scale_away) {
    uns_context *context = plain_context();
    const char *names[] = {"rmsprop", "rmsprop-inside", "rmsprop-centered",
                           "adam",    "amsgrad",        "adagrad",
                           "nadam",   "radam",          "lion"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uns_spec spec = preset(context, names[i], "epsilon=0 weight_decay=0");
        fixture plain, larger;
        open(&plain, context, &spec, 1);
        open(&larger, context, &spec, 1);
        for (uint64_t t = 0; t < 20; t++) {
            if (spec.rectify && t < 6) /* not preconditioned yet: scale shows */
                continue;
            cr_assert_eq(fixture_step(&plain, t), UNS_OK);
            fixture_gradient(&larger, t);
            for (size_t k = 0; k < 2; k++)
                for (size_t j = 0; j < larger.elements[k]; j++)
                    ((double *)larger.g[k])[j] *= spec.rectify ? 1.0 : 4.0;
            cr_assert_eq(
                uns_optimizer_step(larger.optimizer, fixture_x(&larger), fixture_g(&larger)),
                UNS_OK);
        }
        cr_assert(fixture_same(&plain, &larger), "%s", names[i]);
        fixture_close(&plain);
        fixture_close(&larger);
    }
    uns_context_destroy(context);
}

Test(step, a_group_can_change_its_step_but_not_its_state) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adam", ""), got;
    fixture f;
    open(&f, context, &spec, 1);
    spec.eta = 0.0;
    cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_OK);
    fixture start;
    open(&start, context, &spec, 1);
    cr_assert_eq(fixture_step(&f, 0), UNS_OK);
    cr_assert(fixture_same(&f, &start), "eta = 0 moves nothing");
    uns_spec other = preset(context, "sgd", "");
    cr_assert_eq(uns_group_set(f.optimizer, 0, &other), UNS_ERROR_PAIR);
    cr_assert_eq(uns_group_get(f.optimizer, 0, &got), UNS_OK);
    cr_assert_eq(memcmp(&got, &spec, sizeof got), 0);
    cr_assert_eq(uns_group_set(f.optimizer, 1, &spec), UNS_ERROR_ARGUMENT);
    fixture_close(&f);
    fixture_close(&start);
    uns_context_destroy(context);
}

Test(step, appended_blocks_start_fresh_and_old_ones_keep_their_bits) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adam", "");
    fixture f, alone;
    open(&f, context, &spec, 1);
    open(&alone, context, &spec, 1);
    uns_block blocks[3] = {{"a", 5, 3, 0}, {"b", 4, 1, 0}, {"c", 2, 2, 1}};
    uns_layout_config config = {sizeof config, UNS_F64, 1, 3, blocks};
    uns_layout *longer = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &longer), UNS_OK);
    cr_assert_eq(fixture_step(&f, 0), UNS_OK);
    cr_assert_eq(fixture_step(&alone, 0), UNS_OK);
    uns_spec sgd = preset(context, "sgd", "eta=0.5");
    cr_assert_eq(uns_optimizer_append(f.optimizer, longer, 0, NULL), UNS_ERROR_ARGUMENT);
    cr_assert_eq(uns_optimizer_append(f.optimizer, longer, 1, &sgd), UNS_OK);
    double c[4] = {1, 2, 3, 4}, gc[4] = {2, 2, 2, 2};
    fixture_gradient(&f, 1);
    void *x[3] = {f.x[0], f.x[1], c};
    const void *g[3] = {f.g[0], f.g[1], gc};
    cr_assert_eq(
        uns_optimizer_step(f.optimizer, (uns_tensors){x, 3}, (uns_const_tensors){g, 3}),
        UNS_OK);
    cr_assert_eq(fixture_step(&alone, 1), UNS_OK);
    cr_assert(fixture_same(&f, &alone));
    cr_assert_eq(c[0], 0.0);
    cr_assert_eq(c[3], 3.0);
    fixture_close(&f);
    fixture_close(&alone);
    uns_layout_destroy(longer);
    uns_context_destroy(context);
}

Test(step, wrong_tensors_are_refused) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd", "");
    fixture f, start;
    open(&f, context, &spec, 1);
    open(&start, context, &spec, 1);
    uns_tensors one = {f.x, 1};
    cr_assert_eq(uns_optimizer_step(f.optimizer, one, fixture_g(&f)), UNS_ERROR_ARGUMENT);
    void *hole[2] = {f.x[0], NULL};
    uns_tensors with_hole = {hole, 2};
    cr_assert_eq(uns_optimizer_step(f.optimizer, with_hole, fixture_g(&f)), UNS_ERROR_ARGUMENT);
    cr_assert(strstr(uns_context_message(context), "'b'"));
    cr_assert(fixture_same(&f, &start));
    fixture_close(&f);
    fixture_close(&start);
    uns_context_destroy(context);
}

Test(step, direction_before_any_observation_is_refused) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "rmsprop", "");
    fixture f;
    open(&f, context, &spec, 1);
    void *d[2] = {malloc(f.bytes[0]), malloc(f.bytes[1])};
    fixture_gradient(&f, 0);
    cr_assert_eq(uns_optimizer_direction(f.optimizer, uns_tensors_const(fixture_x(&f)),
                                         fixture_g(&f), (uns_tensors){d, 2}),
                 UNS_ERROR_STATE);
    free(d[0]);
    free(d[1]);
    fixture_close(&f);
    uns_context_destroy(context);
}

/* C of AdaGrad-Norm counts what it is given, whichever blocks come without a gradient. */
Test(step, a_whole_structure_bears_missing_gradients) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adagrad-norm", "eta=1 initial=4");
    fixture f;
    open(&f, context, &spec, 1);
    for (size_t k = 0; k < f.elements[1]; k++)
        ((double *)f.g[1])[k] = k ? 0.0 : 3.0;
    double before = fixture_get(&f, f.x[1], 0);
    const void *g[2] = {NULL, f.g[1]}, *none[2] = {NULL, NULL};
    cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), (uns_const_tensors){g, 2}),
                 UNS_OK);
    cr_assert_float_eq(before - fixture_get(&f, f.x[1], 0), 3.0 / sqrt(13.0), 1e-15);
    uns_state_view view;
    cr_assert_eq(uns_optimizer_state(f.optimizer, 0, "structure", &view), UNS_OK);
    cr_assert_eq(((double *)view.data)[0], 13.0);
    cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), (uns_const_tensors){none, 2}),
                 UNS_OK);
    cr_assert_eq(((double *)view.data)[0], 13.0);
    fixture_close(&f);
    uns_context_destroy(context);
}

/* Blocks that take turns: the halves still give the bits of a step. */
Test(step, halves_bear_blocks_that_take_turns) {
    uns_context *context = plain_context();
    uns_spec spec =
        preset(context, "rmsprop", "structure=scalar bias_correction=true beta=0.5");
    fixture a, b;
    open(&a, context, &spec, 1);
    open(&b, context, &spec, 1);
    void *d[2] = {malloc(a.bytes[0]), malloc(a.bytes[1])};
    for (uint64_t t = 0; t < 6; t++) {
        fixture_gradient(&a, t);
        fixture_gradient(&b, t);
        const void *ga[2] = {t % 2 ? a.g[0] : NULL, t % 2 ? NULL : a.g[1]};
        const void *gb[2] = {t % 2 ? b.g[0] : NULL, t % 2 ? NULL : b.g[1]};
        void *turn[2] = {t % 2 ? d[0] : NULL, t % 2 ? NULL : d[1]};
        uns_const_tensors g = {gb, 2}, x = uns_tensors_const(fixture_x(&b));
        uns_tensors direction = {turn, 2};
        cr_assert_eq(uns_optimizer_step(a.optimizer, fixture_x(&a), (uns_const_tensors){ga, 2}),
                     UNS_OK);
        cr_assert_eq(uns_optimizer_observe(b.optimizer, x, g), UNS_OK);
        cr_assert_eq(uns_optimizer_direction(b.optimizer, x, g, direction), UNS_OK);
        cr_assert_eq(uns_optimizer_advance(b.optimizer, fixture_x(&b), direction), UNS_OK);
        cr_assert(fixture_same(&a, &b), "step %d", (int)t);
    }
    free(d[0]);
    free(d[1]);
    fixture_close(&a);
    fixture_close(&b);
    uns_context_destroy(context);
}

/* All replicas skip: neither way of stepping counts a move, and a skip is counted once. */
Test(step, a_step_skipped_by_all_replicas_is_none) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adam", "nonfinite=skip");
    fixture f;
    open(&f, context, &spec, 2);
    void *d[2] = {malloc(f.bytes[0]), malloc(f.bytes[1])};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < f.elements[i]; k++)
            ((double *)f.g[i])[k] = NAN;
    uns_tensors direction = {d, 2};
    uns_const_tensors x = uns_tensors_const(fixture_x(&f));
    cr_assert_eq(uns_optimizer_observe(f.optimizer, x, fixture_g(&f)), UNS_OK);
    cr_assert_eq(uns_optimizer_observe(f.optimizer, x, fixture_g(&f)), UNS_OK);
    cr_assert_eq(uns_optimizer_skipped(f.optimizer), 4);
    fixture_gradient(&f, 0);
    cr_assert_eq(uns_optimizer_observe(f.optimizer, x, fixture_g(&f)), UNS_OK);
    ((double *)f.g[0])[0] = ((double *)f.g[0])[1] = NAN;
    cr_assert_eq(uns_optimizer_direction(f.optimizer, x, fixture_g(&f), direction), UNS_OK);
    cr_assert_eq(uns_optimizer_skipped(f.optimizer), 4, "a direction is no observation");
    cr_assert_eq(uns_optimizer_advance(f.optimizer, fixture_x(&f), direction), UNS_OK);
    uns_block_counts counts;
    cr_assert_eq(uns_optimizer_counts(f.optimizer, 0, &counts), UNS_OK);
    cr_assert_eq(counts.moved, 0);
    free(d[0]);
    free(d[1]);
    fixture_close(&f);
    uns_context_destroy(context);
}

/* Growing keeps who stopped, how often steps were skipped, and the unscale. */
Test(step, an_appended_optimizer_remembers_its_past) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd", "nonfinite=skip eta=1");
    fixture f;
    open(&f, context, &spec, 2);
    cr_assert_eq(uns_optimizer_unscale(f.optimizer, 4.0), UNS_OK);
    fixture_gradient(&f, 0);
    fixture_put(&f, f.g[0], 0, NAN);
    cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
    spec.nonfinite = UNS_NONFINITE_STOP;
    cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_OK);
    cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
    uns_block blocks[3] = {{"a", 5, 3, 0}, {"b", 4, 1, 0}, {"c", 1, 1, 0}};
    uns_layout_config config = {sizeof config, UNS_F64, 2, 3, blocks};
    uns_layout *longer = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &longer), UNS_OK);
    cr_assert_eq(uns_optimizer_append(f.optimizer, longer, 0, NULL), UNS_OK);
    cr_assert(uns_optimizer_stopped(f.optimizer, 0));
    cr_assert_not(uns_optimizer_stopped(f.optimizer, 1));
    cr_assert_eq(uns_optimizer_skipped(f.optimizer), 1);
    double c[2] = {1.0, 1.0}, gc[2] = {2.0, 2.0};
    void *x[3] = {f.x[0], f.x[1], c};
    const void *g[3] = {NULL, NULL, gc};
    cr_assert_eq(
        uns_optimizer_step(f.optimizer, (uns_tensors){x, 3}, (uns_const_tensors){g, 3}),
        UNS_OK);
    cr_assert_eq(c[0], 1.0, "stopped");
    cr_assert_eq(c[1], 0.5, "1 - 2/4");
    fixture_close(&f);
    uns_layout_destroy(longer);
    uns_context_destroy(context);
}

/* x ← (1 − η_t λ)x with the scheduled step, not the base one. */
Test(step, decoupled_decay_follows_the_schedule) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "sgd",
                           "eta=0.1 weight_decay=0.5 decay=decoupled "
                           "schedule=exponential schedule.factor=0.5");
    fixture f;
    open(&f, context, &spec, 1);
    memset(f.g[0], 0, f.bytes[0]);
    memset(f.g[1], 0, f.bytes[1]);
    double expected = fixture_get(&f, f.x[0], 0);
    for (int t = 0; t < 4; t++) {
        expected *= 1.0 - 0.1 * pow(0.5, t) * 0.5;
        cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
    }
    cr_assert_float_eq(fixture_get(&f, f.x[0], 0), expected, 1e-15);
    fixture_close(&f);
    uns_context_destroy(context);
}

Test(step, a_changed_scale_is_refused) {
    uns_context *context = plain_context();
    uns_spec spec = preset(context, "adam", "");
    fixture f;
    open(&f, context, &spec, 1);
    spec.scale = UNS_SCALE_TRUST;
    cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_ERROR_PAIR);
    cr_assert(strstr(uns_context_message(context), "scale"));
    fixture_close(&f);
    uns_context_destroy(context);
}
