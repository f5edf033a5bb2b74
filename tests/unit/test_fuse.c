/* SPDX-License-Identifier: MIT
 * One pass or slot by slot, one block or many, many threads or one, any instruction set: the
 * same bits, in parameters and in state, for every preset and every guard.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>

#include "opt/opt.h"

static uns_context *open_context(int threads, unsigned isa) {
    uns_context_config config = {.size = sizeof config, .threads = threads, .isa = isa};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

static void open_or_fail(fixture *f, uns_context *context, const char *name,
                         const uns_spec *spec, fixture_size size) {
    cr_assert(fixture_open(f, context, spec, size), "%s: %s", name,
              uns_context_message(context));
}

static bool same_state(const fixture *a, const fixture *b) {
    for (size_t block = 0; block < 2; block++)
        for (int p = 0; p < UNS_PIECE_COUNT; p++) {
            const void *mine = a->optimizer->blocks[block].piece[p];
            const void *other = b->optimizer->blocks[block].piece[p];
            if ((mine == NULL) != (other == NULL))
                return false;
            if (mine && p < UNS_PIECE_SIGNAL && memcmp(mine, other, a->bytes[block]) != 0)
                return false;
        }
    return fixture_same(a, b);
}

/* Guards in all combinations, by the bits of `which`. */
static void set_guards(uns_spec *spec, unsigned which) {
    if (which & 1)
        spec->clip_norm = 5.0;
    if (which & 2)
        spec->clip_value = 0.75;
    if (which & 4 && spec->decay == 0.0) {
        spec->decay = 0.03;
        spec->decay_form = UNS_DECAY_L2;
    }
}

/* Every preset of the registry under every guard, in two optimizers that are compared; before
 * the first step `differ` makes the second one different. */
typedef struct contest {
    uns_context *first, *second;
    fixture_size size;
    void (*differ)(uns_optimizer *second);
} contest;

static void compare_one(const contest *c, const char *name, const uns_spec *spec,
                        unsigned guards) {
    fixture a, b;
    fixture_size size = fixture_fit(c->first, spec, c->size);
    if (!fixture_can(c->first, spec))
        return;
    open_or_fail(&a, c->first, name, spec, size);
    open_or_fail(&b, c->second, name, spec, size);
    if (c->differ)
        c->differ(b.optimizer);
    for (uint64_t t = 0; t < 4; t++) {
        const double scale = guards & 8 && t > 1 ? 64.0 : 1.0;
        cr_assert_eq(uns_optimizer_unscale(a.optimizer, scale), UNS_OK);
        cr_assert_eq(uns_optimizer_unscale(b.optimizer, scale), UNS_OK);
        cr_assert_eq(fixture_step(&a, t), UNS_OK);
        cr_assert_eq(fixture_step(&b, t), UNS_OK);
    }
    cr_assert(same_state(&a, &b), "%s, guards %u", name, guards);
    fixture_close(&a);
    fixture_close(&b);
}

static void compare_all(const contest *c) {
    for (size_t i = 0; i < uns_context_count(c->first, UNS_KIND_PRESET); i++)
        for (unsigned guards = 0; guards < 16; guards++) {
            const uns_preset *preset = uns_context_entry(c->first, UNS_KIND_PRESET, i);
            uns_spec spec;
            cr_assert_eq(uns_spec_preset(c->first, preset->name, &spec), UNS_OK);
            set_guards(&spec, guards);
            compare_one(c, preset->name, &spec, guards);
        }
}

static void unfuse(uns_optimizer *optimizer) {
    optimizer->unfused = true;
}

Test(fuse, one_pass_gives_the_bits_of_slot_by_slot) {
    static const fixture_size sizes[] = {
        {5, 4, 1, UNS_F64}, {67, 13, 1, UNS_F32}, {11, 700, 1, UNS_F32}, {5, 4, 7, UNS_F64}};
    uns_context *context = open_context(1, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        compare_all(&(contest){context, context, sizes[i], unfuse});
    uns_context_destroy(context);
}

Test(fuse, one_pass_gives_the_same_bits_on_every_instruction_set) {
    static const unsigned sets[] = {UNS_ISA_SCALAR, UNS_ISA_AVX2, UNS_ISA_AVX512};
    uns_context *best = open_context(1, 0);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        uns_context *other = open_context(1, sets[i]);
        compare_all(&(contest){best, other, {19, 33, 1, UNS_F32}, NULL});
        uns_context_destroy(other);
    }
    uns_context_destroy(best);
}

Test(fuse, threads_do_not_change_the_bits_of_a_guarded_step, .timeout = 60) {
    uns_context *one = open_context(1, 0), *three = open_context(3, 0);
    const fixture_size size = {25000, 40000, 1, UNS_F32};
    for (unsigned guards = 0; guards < 16; guards += 5) {
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(one, "adamw", &spec), UNS_OK);
        set_guards(&spec, guards);
        compare_one(&(contest){one, three, size, NULL}, "adamw", &spec, guards);
    }
    uns_context_destroy(one);
    uns_context_destroy(three);
}

/* Slot by slot remains for what must have d whole. */
Test(fuse, every_diagonal_preset_takes_one_pass) {
    uns_context *context = open_context(1, 0);
    size_t fused = 0;
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        fixture f;
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK);
        if (!fixture_can(context, &spec))
            continue;
        open_or_fail(&f, context, preset->name, &spec, (fixture_size){5, 4, 1, UNS_F32});
        cr_assert_eq(fixture_step(&f, 0), UNS_OK);
        const bool one_pass = !uns_group_is_staged(&f.optimizer->groups[0]);
        cr_assert_eq(uns_fuse_range(f.optimizer, 0, 0, 15), one_pass, "%s", preset->name);
        fused += one_pass;
        fixture_close(&f);
    }
    cr_assert_geq(fused, 17);
    uns_context_destroy(context);
}

/* Steps `lengths` as blocks of one group over one flat array. */
enum {
    FLAT = 100001
};

typedef struct flat_run {
    float x[FLAT], g[FLAT];
} flat_run;

static void step_cut(uns_context *context, const uns_spec *spec, size_t count,
                     const size_t *lengths, flat_run *run) {
    uns_block blocks[8] = {{0}};
    void *x[8], *g[8];
    for (size_t i = 0; i < count; i++)
        blocks[i] = (uns_block){.rows = lengths[i], .cols = 1};
    uns_layout_config config = {sizeof config, UNS_F32, 1, count, blocks};
    uns_layout *layout = NULL;
    uns_optimizer *optimizer = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
    uns_optimizer_config of = {.size = sizeof of, .layout = layout, .count = 1, .specs = spec};
    cr_assert_eq(uns_optimizer_create(context, &of, &optimizer), UNS_OK);
    uns_layout_spread(layout, run->x, x);
    uns_layout_spread(layout, run->g, g);
    for (size_t i = 0; i < FLAT; i++) {
        run->x[i] = (float)(i % 23) * 0.04f;
        run->g[i] = (float)((i * 7919) % 1013) * 0.002f - 1;
    }
    for (int t = 0; t < 3; t++)
        cr_assert_eq(uns_optimizer_step(optimizer, (uns_tensors){x, count},
                                        (uns_const_tensors){(const void *const *)g, count}),
                     UNS_OK);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
}

Test(fuse, the_cut_into_blocks_items_and_tasks_does_not_change_bits) {
    static const size_t whole[] = {FLAT};
    static const size_t cut[] = {1, 255, 32768, 33000, 100, 33000, 877};
    static flat_run a, b;
    uns_context *context = open_context(2, 0);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK);
        const bool elementwise =
            strcmp(spec.structure, "diagonal") == 0 || strcmp(spec.structure, "identity") == 0;
        if (!elementwise || spec.scale == UNS_SCALE_TRUST ||
            spec.scale == UNS_SCALE_TRUST_SUM || strcmp(spec.moment, "exact") == 0)
            continue;
        step_cut(context, &spec, 1, whole, &a);
        step_cut(context, &spec, 7, cut, &b);
        cr_assert_eq(memcmp(a.x, b.x, sizeof a.x), 0, "%s", preset->name);
    }
    uns_context_destroy(context);
}

/* A block that was left out for a while is younger than its group. */
Test(fuse, blocks_of_one_group_may_differ_in_age) {
    uns_context *context = open_context(1, 0);
    uns_spec spec;
    fixture both, alone;
    cr_assert_eq(uns_spec_preset(context, "nadam", &spec), UNS_OK);
    open_or_fail(&both, context, "nadam", &spec, (fixture_size){5, 4, 1, UNS_F64});
    open_or_fail(&alone, context, "nadam", &spec, (fixture_size){5, 4, 1, UNS_F64});
    for (uint64_t t = 0; t < 6; t++) {
        fixture_gradient(&both, t);
        const void *g[2] = {both.g[0], t < 3 ? NULL : both.g[1]};
        cr_assert_eq(
            uns_optimizer_step(both.optimizer, fixture_x(&both), (uns_const_tensors){g, 2}),
            UNS_OK);
        fixture_gradient(&alone, t);
        const void *second[2] = {NULL, alone.g[1]};
        if (t >= 3)
            cr_assert_eq(uns_optimizer_step(alone.optimizer, fixture_x(&alone),
                                            (uns_const_tensors){second, 2}),
                         UNS_OK);
    }
    cr_assert_eq(memcmp(both.x[1], alone.x[1], both.bytes[1]), 0);
    fixture_close(&both);
    fixture_close(&alone);
    uns_context_destroy(context);
}

/* Steps with extras beside steps without, for every preset: the same x, its nearest bf16, and a
 * gradient of zeros. */
static void compare_extras(uns_context *context, const char *name, const uns_spec *spec) {
    fixture plain, extra;
    const fixture_size size =
        fixture_fit(context, spec, (fixture_size){3000, 5000, 1, UNS_F32});
    if (!fixture_can(context, spec))
        return;
    open_or_fail(&plain, context, name, spec, size);
    open_or_fail(&extra, context, name, spec, size);
    uint16_t *copy = calloc(extra.elements[1] + 1, sizeof *copy);
    uint16_t *wanted = calloc(extra.elements[1] + 1, sizeof *wanted);
    void *const copies[2] = {NULL, copy};
    const uns_step_extras extras = {sizeof extras, true, copies};
    for (uint64_t t = 0; t < 3; t++) {
        cr_assert_eq(fixture_step(&plain, t), UNS_OK);
        fixture_gradient(&extra, t);
        if (t == 2 && spec->nonfinite != UNS_NONFINITE_IGNORE) /* nothing moves */
            fixture_put(&extra, extra.g[0], extra.elements[0] / 2, (double)NAN);
        if (t == 2)
            memcpy(extra.x[1], plain.x[1], plain.bytes[1]);
        cr_assert_eq(uns_optimizer_step_and(extra.optimizer, fixture_x(&extra),
                                            (uns_tensors){extra.g, 2}, &extras),
                     UNS_OK);
        if (t == 1)
            cr_assert(same_state(&plain, &extra), "%s", name);
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < extra.bytes[i]; k++)
                cr_assert_eq(((const char *)extra.g[i])[k], 0, "%s", name);
    }
    uns_kernels_scalar.f32_to_bf16(extra.elements[1], extra.x[1], wanted);
    cr_assert_eq(memcmp(copy, wanted, (extra.elements[1] + 1) * sizeof *copy), 0, "%s", name);
    free(copy);
    free(wanted);
    fixture_close(&plain);
    fixture_close(&extra);
}

Test(fuse, extras_change_nothing_else) {
    uns_context *context = open_context(2, 0);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK);
        compare_extras(context, preset->name, &spec);
    }
    uns_context_destroy(context);
}

Test(fuse, extras_of_the_wrong_kind_are_refused) {
    uns_context *context = open_context(1, 0);
    fixture f;
    uns_spec spec;
    void *const copies[2] = {NULL, NULL};
    uns_step_extras extras = {sizeof extras, false, copies};
    cr_assert_eq(uns_spec_preset(context, "sgd", &spec), UNS_OK);
    open_or_fail(&f, context, "sgd", &spec, (fixture_size){5, 4, 1, UNS_F64});
    cr_assert_eq(
        uns_optimizer_step_and(f.optimizer, fixture_x(&f), (uns_tensors){f.g, 2}, &extras),
        UNS_ERROR_ARGUMENT);
    extras.size = 3;
    cr_assert_eq(
        uns_optimizer_step_and(f.optimizer, fixture_x(&f), (uns_tensors){f.g, 2}, &extras),
        UNS_ERROR_ARGUMENT);
    fixture_close(&f);
    uns_context_destroy(context);
}

/* One element of one item, far from the first. */
Test(fuse, a_nonfinite_gradient_is_found_wherever_it_is, .timeout = 60) {
    uns_context *context = open_context(3, 0);
    const double bad[] = {HUGE_VAL, -HUGE_VAL, (double)NAN};
    for (size_t i = 0; i < 6; i++) {
        fixture f;
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, "adamw", &spec), UNS_OK);
        spec.nonfinite = i % 2 ? UNS_NONFINITE_STOP : UNS_NONFINITE_SKIP;
        spec.clip_norm = i < 3 ? 1.0 : (double)INFINITY;
        open_or_fail(&f, context, "adamw", &spec, (fixture_size){30000, 40000, 1, UNS_F32});
        float *before = malloc(f.bytes[1]);
        memcpy(before, f.x[1], f.bytes[1]);
        fixture_gradient(&f, 0);
        fixture_put(&f, f.g[i % 2], f.elements[i % 2] - 1 - i * 100, bad[i / 2]);
        cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
        cr_assert_eq(memcmp(before, f.x[1], f.bytes[1]), 0);
        cr_assert_eq(uns_optimizer_stopped(f.optimizer, 0), i % 2 == 1);
        cr_assert_eq(uns_optimizer_skipped(f.optimizer), i % 2 == 0);
        free(before);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}
