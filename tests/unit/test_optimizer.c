/* SPDX-License-Identifier: MIT
 * Properties that hold for every preset in the registry: bits do not depend on how a step is
 * carried out. New presets are covered on arrival.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <unsaddle/structure.h>

static const fixture_size shapes[] = {
    {5, 4, 1, UNS_F64},
    {700, 33, 1, UNS_F32},
    {5, 4, 7, UNS_F64},
    {3, 1, 1500, UNS_F64},
};

enum {
    SHAPES = sizeof shapes / sizeof shapes[0]
};

static uns_context *open_context(int threads, unsigned isa) {
    uns_context_config config = {.size = sizeof config, .threads = threads, .isa = isa};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

/* Calls check(preset's spec, name, context) for every preset. */
typedef void preset_check(uns_context *context, const char *name, const uns_spec *spec);

static void for_presets(uns_context *context, preset_check *check) {
    size_t count = uns_context_count(context, UNS_KIND_PRESET);
    cr_assert_geq(count, 20);
    for (size_t i = 0; i < count; i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK, "%s",
                     uns_context_message(context));
        if (fixture_can(context, &spec))
            check(context, preset->name, &spec);
    }
}

static void step_many(fixture *f, uint64_t from, uint64_t to) {
    for (uint64_t t = from; t < to; t++)
        cr_assert_eq(fixture_step(f, t), UNS_OK, "%s", uns_context_message(f->context));
}

static void open_or_fail(fixture *f, uns_context *context, const char *name,
                         const uns_spec *spec, fixture_size size) {
    size = fixture_fit(context, spec, size);
    cr_assert(fixture_open(f, context, spec, size), "%s: %s", name,
              uns_context_message(context));
}

static void check_moves(uns_context *context, const char *name, const uns_spec *spec) {
    fixture f;
    open_or_fail(&f, context, name, spec, shapes[0]);
    double before = fixture_get(&f, f.x[0], 1);
    step_many(&f, 0, 20);
    double after = fixture_get(&f, f.x[0], 1);
    cr_assert(isfinite(after) && after != before, "%s: x[1] went from %g to %g", name, before,
              after);
    fixture_close(&f);
}

Test(optimizer, every_preset_moves_and_stays_finite) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_moves);
    uns_context_destroy(context);
}

static void step_by_halves(fixture *f, uint64_t t, void *const *d) {
    uns_tensors direction = {d, 2};
    fixture_gradient(f, t);
    uns_const_tensors x = uns_tensors_const(fixture_x(f));
    cr_assert_eq(uns_optimizer_observe(f->optimizer, x, fixture_g(f)), UNS_OK);
    cr_assert_eq(uns_optimizer_direction(f->optimizer, x, fixture_g(f), direction), UNS_OK);
    cr_assert_eq(uns_optimizer_advance(f->optimizer, fixture_x(f), direction), UNS_OK);
}

static void check_halves(uns_context *context, const char *name, const uns_spec *spec) {
    for (int i = 0; i < SHAPES; i++) {
        fixture whole, halves;
        open_or_fail(&whole, context, name, spec, shapes[i]);
        open_or_fail(&halves, context, name, spec, shapes[i]);
        void *d[2] = {malloc(whole.bytes[0]), malloc(whole.bytes[1])};
        for (uint64_t t = 0; t < 6; t++) {
            step_many(&whole, t, t + 1);
            step_by_halves(&halves, t, d);
        }
        cr_assert(fixture_same(&whole, &halves), "%s, shape %d", name, i);
        free(d[0]);
        free(d[1]);
        fixture_close(&whole);
        fixture_close(&halves);
    }
}

Test(optimizer, halves_give_the_bits_of_a_step) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_halves);
    uns_context_destroy(context);
}

/* Steps one preset in two contexts and compares. */
static void compare_contexts(uns_context *a, uns_context *b, fixture_size size,
                             uint64_t steps) {
    for (size_t i = 0; i < uns_context_count(a, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(a, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(a, preset->name, &spec), UNS_OK);
        if (!fixture_can(a, &spec))
            continue;
        spec.clip_norm = 30.0; /* a reduction over all blocks, in force on some steps */
        fixture first, second;
        open_or_fail(&first, a, preset->name, &spec, size);
        open_or_fail(&second, b, preset->name, &spec, size);
        step_many(&first, 0, steps);
        step_many(&second, 0, steps);
        cr_assert(fixture_same(&first, &second), "%s on %s and %s", preset->name,
                  uns_context_isa(a), uns_context_isa(b));
        fixture_close(&first);
        fixture_close(&second);
    }
    uns_context_destroy(a);
    uns_context_destroy(b);
}

Test(optimizer, threads_do_not_change_bits, .timeout = 120) {
    compare_contexts(open_context(1, 0), open_context(3, 0),
                     (fixture_size){30000, 5000, 1, UNS_F64}, 2);
}

Test(optimizer, instruction_sets_do_not_change_bits) {
    for (int i = 0; i < SHAPES; i++) {
        compare_contexts(open_context(1, UNS_ISA_SCALAR), open_context(1, 0), shapes[i], 5);
        compare_contexts(open_context(1, UNS_ISA_SCALAR), open_context(1, UNS_ISA_AVX2),
                         shapes[i], 5);
    }
}

static void check_replicas(uns_context *context, const char *name, const uns_spec *spec) {
    enum {
        REPLICAS = 7
    };
    fixture many, one;
    open_or_fail(&many, context, name, spec, (fixture_size){5, 4, REPLICAS, UNS_F64});
    step_many(&many, 0, 6);
    open_or_fail(&one, context, name, spec, (fixture_size){5, 4, 1, UNS_F64});
    for (uint64_t t = 0; t < 6; t++) {
        fixture_gradient(&many, t);
        for (size_t i = 0; i < 2; i++) /* replica 3 of the many */
            for (size_t k = 0; k < one.elements[i]; k++)
                fixture_put(&one, one.g[i], k, fixture_get(&many, many.g[i], k * REPLICAS + 3));
        cr_assert_eq(uns_optimizer_step(one.optimizer, fixture_x(&one), fixture_g(&one)),
                     UNS_OK);
    }
    bool reduces = (spec->scale != UNS_SCALE_NONE && spec->scale != UNS_SCALE_ADADELTA) ||
                   strcmp(spec->structure, "scalar") == 0 ||
                   strcmp(spec->structure, "factored") == 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < one.elements[i]; k++) {
            double a = fixture_get(&one, one.x[i], k);
            double b = fixture_get(&many, many.x[i], k * REPLICAS + 3);
            /* sums over rows and over stripes are rounded in different orders */
            cr_assert(reduces ? fabs(a - b) <= 1e-13 * fabs(a) : a == b, "%s: %a and %a", name,
                      a, b);
        }
    fixture_close(&one);
    fixture_close(&many);
}

Test(optimizer, a_replica_does_what_a_single_run_does) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_replicas);
    uns_context_destroy(context);
}

/* Copies all state and counts of one optimizer into another through the views. */
static void copy_state(uns_optimizer *from, uns_optimizer *to) {
    for (size_t block = 0; block < 2; block++) {
        size_t count = uns_optimizer_state_count(from, block);
        for (size_t i = 0; i < count; i++) {
            uns_state_view a, b;
            cr_assert_eq(uns_optimizer_state_at(from, block, i, &a), UNS_OK);
            cr_assert_eq(uns_optimizer_state(to, block, a.name, &b), UNS_OK);
            bool bytes = strcmp(a.name, "structure") == 0;
            memcpy(b.data, a.data, a.count * (bytes ? 1 : uns_dtype_size(a.dtype)));
        }
    }
}

static void copy_counts(uns_optimizer *from, uns_optimizer *to) {
    for (size_t block = 0; block < 2; block++) {
        uns_block_counts counts;
        cr_assert_eq(uns_optimizer_counts(from, block, &counts), UNS_OK);
        cr_assert_eq(uns_optimizer_set_counts(to, block, &counts), UNS_OK);
    }
}

static void check_resume(uns_context *context, const char *name, const uns_spec *spec) {
    fixture whole, early, late;
    open_or_fail(&whole, context, name, spec, shapes[0]);
    open_or_fail(&early, context, name, spec, shapes[0]);
    open_or_fail(&late, context, name, spec, shapes[0]);
    step_many(&whole, 0, 12);
    step_many(&early, 0, 5);
    copy_state(early.optimizer, late.optimizer);
    copy_counts(early.optimizer, late.optimizer);
    for (size_t i = 0; i < 2; i++)
        memcpy(late.x[i], early.x[i], early.bytes[i]);
    step_many(&late, 5, 12);
    cr_assert(fixture_same(&whole, &late), "%s", name);
    fixture_close(&whole);
    fixture_close(&early);
    fixture_close(&late);
}

Test(optimizer, state_carried_over_gives_the_same_bits) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_resume);
    uns_context_destroy(context);
}

/* Replica 1 meets an infinite gradient in observation 3. */
static void step_broken(fixture *f, uint64_t from, uint64_t to) {
    for (uint64_t t = from; t < to; t++) {
        fixture_gradient(f, t);
        if (t == 3)
            fixture_put(f, f->g[0], 1, (double)INFINITY);
        cr_assert_eq(uns_optimizer_step(f->optimizer, fixture_x(f), fixture_g(f)), UNS_OK);
    }
}

static void check_stopped(uns_context *context, const char *name, const uns_spec *spec) {
    fixture whole, early, late;
    fixture_size shape = shapes[0];
    shape.replicas = 3;
    open_or_fail(&whole, context, name, spec, shape);
    open_or_fail(&early, context, name, spec, shape);
    open_or_fail(&late, context, name, spec, shape);
    step_broken(&whole, 0, 12);
    step_broken(&early, 0, 5);
    copy_state(early.optimizer, late.optimizer);
    copy_counts(early.optimizer, late.optimizer);
    for (size_t r = 0; r < 3; r++) {
        bool stopped = uns_optimizer_stopped(early.optimizer, r);
        cr_assert_eq(stopped, r == 1, "%s", name);
        cr_assert_eq(uns_optimizer_set_stopped(late.optimizer, r, stopped), UNS_OK);
    }
    for (size_t i = 0; i < 2; i++)
        memcpy(late.x[i], early.x[i], early.bytes[i]);
    step_broken(&late, 5, 12);
    cr_assert(fixture_same(&whole, &late), "%s", name);
    cr_assert_eq(uns_optimizer_set_stopped(late.optimizer, 3, true), UNS_ERROR_ARGUMENT);
    fixture_close(&whole);
    fixture_close(&early);
    fixture_close(&late);
}

Test(optimizer, who_has_stopped_is_carried_over) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_stopped);
    uns_context_destroy(context);
}

static void check_null(uns_context *context, const char *name, const uns_spec *spec) {
    fixture f;
    open_or_fail(&f, context, name, spec, shapes[0]);
    step_many(&f, 0, 3);
    double *before = malloc(f.bytes[1]);
    memcpy(before, f.x[1], f.bytes[1]);
    uns_block_counts counts, other;
    cr_assert_eq(uns_optimizer_counts(f.optimizer, 1, &counts), UNS_OK);
    fixture_gradient(&f, 3);
    const void *g[2] = {f.g[0], NULL};
    cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), (uns_const_tensors){g, 2}),
                 UNS_OK);
    cr_assert_eq(memcmp(before, f.x[1], f.bytes[1]), 0, "%s moved", name);
    cr_assert_eq(uns_optimizer_counts(f.optimizer, 1, &other), UNS_OK);
    cr_assert_eq(counts.moved, other.moved, "%s", name);
    const void *structure = NULL;
    cr_assert_eq(uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &structure),
                 UNS_OK);
    bool shared =
        !((const uns_structure_ops *)structure)->elementwise; /* one C for the group */
    cr_assert_eq(counts.observed + shared, other.observed, "%s", name);
    free(before);
    fixture_close(&f);
}

Test(optimizer, a_block_without_gradient_stays_unmoved) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_null);
    uns_context_destroy(context);
}

static void check_bytes(uns_context *context, const char *name, const uns_spec *spec) {
    fixture f;
    size_t bytes = 0;
    open_or_fail(&f, context, name, spec, shapes[0]);
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = f.layout,
                                   .count = 1,
                                   .specs = spec,
                                   .oracle = {&f, fixture_oracle}};
    cr_assert_eq(uns_optimizer_bytes(context, &config, &bytes), UNS_OK);
    size_t shown = 0;
    for (size_t block = 0; block < 2; block++)
        for (size_t i = 0; i < uns_optimizer_state_count(f.optimizer, block); i++) {
            uns_state_view view;
            cr_assert_eq(uns_optimizer_state_at(f.optimizer, block, i, &view), UNS_OK);
            shown += view.count * (strcmp(view.name, "structure") ? sizeof(double) : 1);
        }
    cr_assert(bytes >= shown, "%s: %zu bytes for %zu", name, bytes, shown);
    fixture_close(&f);
}

Test(optimizer, size_is_known_beforehand) {
    uns_context *context = open_context(1, 0);
    for_presets(context, check_bytes);
    uns_context_destroy(context);
}
