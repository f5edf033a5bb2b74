/* SPDX-License-Identifier: MIT
 * Reduced state and bf16 parameters, over the whole registry of presets: what holds in f32
 * holds there too, to the bit. What the roundings promise by themselves: test_narrow.c.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>

#include "opt/opt.h"

typedef struct mode {
    const char *name;
    uns_state state;
    uns_dtype dtype;
    uns_rounding rounding;
} mode;

static const mode modes[] = {
    {"bf16 state", UNS_STATE_BF16, UNS_F32, UNS_ROUNDING_MASTER},
    {"q8 state", UNS_STATE_Q8, UNS_F32, UNS_ROUNDING_MASTER},
    {"bf16 parameters", UNS_STATE_AUTO, UNS_BF16, UNS_ROUNDING_MASTER},
    {"bf16 parameters at random", UNS_STATE_F32, UNS_BF16, UNS_ROUNDING_RANDOM},
    {"bf16 all over", UNS_STATE_BF16, UNS_BF16, UNS_ROUNDING_RANDOM},
    {"q8 state, bf16 parameters", UNS_STATE_Q8, UNS_BF16, UNS_ROUNDING_MASTER},
};

static uns_context *open_context(int threads, unsigned isa) {
    uns_context_config config = {.size = sizeof config, .threads = threads, .isa = isa};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

static void open_or_fail(fixture *f, uns_context *context, const mode *in, const uns_spec *spec,
                         size_t first, size_t second) {
    fixture_size size = fixture_fit(context, spec, (fixture_size){first, second, 1, in->dtype});
    cr_assert(fixture_open(f, context, spec, size), "%s: %s", in->name,
              uns_context_message(context));
}

/* The same test for every preset that a mode goes with. */
typedef void preset_test(uns_context *context, const mode *in, const char *name,
                         const uns_spec *spec);

static size_t for_presets(uns_context *context, const mode *in, preset_test *test) {
    size_t tested = 0;
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK);
        spec.state = (int)in->state;
        spec.rounding = (int)in->rounding;
        const bool oracle = strcmp(spec.moment, "exact") == 0;
        if (!fixture_can(context, &spec) || oracle || uns_spec_check(context, &spec) != UNS_OK)
            continue;
        test(context, in, preset->name, &spec);
        tested++;
    }
    return tested;
}

static void for_all(preset_test *test) {
    uns_context *context = open_context(1, 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        cr_assert_geq(for_presets(context, &modes[i], test), 14, "%s", modes[i].name);
    uns_context_destroy(context);
}

static bool same_state(const fixture *a, const fixture *b) {
    for (size_t block = 0; block < 2; block++)
        for (int p = 0; p < UNS_PIECE_SIGNAL; p++) {
            const void *mine = a->optimizer->blocks[block].piece[p];
            const void *other = b->optimizer->blocks[block].piece[p];
            const size_t bytes = uns_piece_bytes(a->optimizer, block, (uns_piece)p);
            if ((mine == NULL) != (bytes == 0) || (mine && memcmp(mine, other, bytes) != 0))
                return false;
        }
    return fixture_same(a, b);
}

static void step_many(fixture *f, uint64_t from, uint64_t to) {
    for (uint64_t t = from; t < to; t++)
        cr_assert_eq(fixture_step(f, t), UNS_OK);
}

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

static void check_fused(uns_context *context, const mode *in, const char *name,
                        const uns_spec *spec) {
    for (unsigned guards = 0; guards < 8; guards++) {
        fixture a, b;
        uns_spec guarded = *spec;
        set_guards(&guarded, guards);
        open_or_fail(&a, context, in, &guarded, 433, 267);
        open_or_fail(&b, context, in, &guarded, 433, 267);
        b.optimizer->unfused = true;
        step_many(&a, 0, 4);
        step_many(&b, 0, 4);
        cr_assert(same_state(&a, &b), "%s, %s, guards %u", in->name, name, guards);
        fixture_close(&a);
        fixture_close(&b);
    }
}

Test(reduced, one_pass_gives_the_bits_of_slot_by_slot, .timeout = 60) {
    for_all(check_fused);
}

static void check_one_pass(uns_context *context, const mode *in, const char *name,
                           const uns_spec *spec) {
    fixture f;
    open_or_fail(&f, context, in, spec, 5, 4);
    step_many(&f, 0, 1);
    const bool one_pass = !uns_group_is_staged(&f.optimizer->groups[0]);
    cr_assert_eq(uns_fuse_range(f.optimizer, 0, 0, 15), one_pass, "%s, %s", in->name, name);
    fixture_close(&f);
}

Test(reduced, every_diagonal_preset_takes_one_pass) {
    for_all(check_one_pass);
}

/* The same on another context. */
static uns_context *other;

static void check_other(uns_context *context, const mode *in, const char *name,
                        const uns_spec *spec) {
    fixture a, b;
    open_or_fail(&a, context, in, spec, 777, 300);
    open_or_fail(&b, other, in, spec, 777, 300);
    step_many(&a, 0, 3);
    step_many(&b, 0, 3);
    cr_assert(same_state(&a, &b), "%s, %s", in->name, name);
    fixture_close(&a);
    fixture_close(&b);
}

Test(reduced, every_instruction_set_gives_the_same_bits, .timeout = 60) {
    static const unsigned sets[] = {UNS_ISA_SCALAR, UNS_ISA_AVX2, UNS_ISA_AVX512};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        other = open_context(1, sets[i]);
        for_all(check_other);
        uns_context_destroy(other);
    }
}

static void check_threads(uns_context *context, const mode *in, const char *name,
                          const uns_spec *spec) {
    fixture a, b;
    if (strcmp(name, "adamw") != 0 && strcmp(name, "lamb") != 0)
        return;
    open_or_fail(&a, context, in, spec, 25000, 40001);
    open_or_fail(&b, other, in, spec, 25000, 40001);
    step_many(&a, 0, 3);
    step_many(&b, 0, 3);
    cr_assert(same_state(&a, &b), "%s, %s", in->name, name);
    fixture_close(&a);
    fixture_close(&b);
}

Test(reduced, threads_do_not_change_the_bits, .timeout = 60) {
    other = open_context(3, 0);
    for_all(check_threads);
    uns_context_destroy(other);
}

/* C and what else is written by observe. */
static bool same_moments(const fixture *a, const fixture *b) {
    static const uns_piece pieces[] = {UNS_PIECE_MOMENT, UNS_PIECE_CEILING};
    for (size_t i = 0; i < 4; i++) {
        const size_t block = i % 2, bytes = uns_piece_bytes(a->optimizer, block, pieces[i / 2]);
        if (bytes && memcmp(a->optimizer->blocks[block].piece[pieces[i / 2]],
                            b->optimizer->blocks[block].piece[pieces[i / 2]], bytes) != 0)
            return false;
    }
    return true;
}

/* observe, direction, advance; d is in f32. With reduced state d sees C rounded, where the step
 * sees it before; C itself is the same. */
static void check_halves(uns_context *context, const mode *in, const char *name,
                         const uns_spec *spec) {
    const bool reduced = in->state == UNS_STATE_BF16 || in->state == UNS_STATE_Q8;
    fixture a, b;
    open_or_fail(&a, context, in, spec, 433, 267);
    open_or_fail(&b, context, in, spec, 433, 267);
    void *d[2] = {malloc(a.elements[0] * sizeof(float)), malloc(a.elements[1] * sizeof(float))};
    const uns_tensors direction = {d, 2};
    for (uint64_t t = 0; t < (reduced ? 1 : 4); t++) {
        cr_assert_eq(fixture_step(&a, t), UNS_OK);
        fixture_gradient(&b, t);
        const uns_tensors x = fixture_x(&b);
        cr_assert_eq(uns_optimizer_observe(b.optimizer, uns_tensors_const(x), fixture_g(&b)),
                     UNS_OK);
        cr_assert_eq(uns_optimizer_direction(b.optimizer, uns_tensors_const(x), fixture_g(&b),
                                             direction),
                     UNS_OK);
        cr_assert_eq(uns_optimizer_advance(b.optimizer, x, direction), UNS_OK);
    }
    cr_assert((reduced ? same_moments : same_state)(&a, &b), "%s, %s", in->name, name);
    free(d[0]);
    free(d[1]);
    fixture_close(&a);
    fixture_close(&b);
}

Test(reduced, halves_give_the_bits_of_the_step, .timeout = 60) {
    for_all(check_halves);
}

static void copy_state(uns_optimizer *from, uns_optimizer *to) {
    for (size_t block = 0; block < 2; block++) {
        uns_block_counts counts;
        for (size_t i = 0; i < uns_optimizer_state_count(from, block); i++) {
            uns_state_view a, b;
            cr_assert_eq(uns_optimizer_state_at(from, block, i, &a), UNS_OK);
            cr_assert_eq(uns_optimizer_state(to, block, a.name, &b), UNS_OK);
            const bool bytes = strcmp(a.name, "structure") == 0;
            memcpy(b.data, a.data, a.count * (bytes ? 1 : uns_dtype_size(a.dtype)));
        }
        cr_assert_eq(uns_optimizer_counts(from, block, &counts), UNS_OK);
        cr_assert_eq(uns_optimizer_set_counts(to, block, &counts), UNS_OK);
    }
}

static void check_resume(uns_context *context, const mode *in, const char *name,
                         const uns_spec *spec) {
    fixture whole, early, late;
    open_or_fail(&whole, context, in, spec, 433, 267);
    open_or_fail(&early, context, in, spec, 433, 267);
    open_or_fail(&late, context, in, spec, 433, 267);
    step_many(&whole, 0, 6);
    step_many(&early, 0, 3);
    copy_state(early.optimizer, late.optimizer);
    for (size_t i = 0; i < 2; i++)
        memcpy(late.x[i], early.x[i], early.bytes[i]);
    step_many(&late, 3, 6);
    cr_assert(same_state(&whole, &late), "%s, %s", in->name, name);
    fixture_close(&whole);
    fixture_close(&early);
    fixture_close(&late);
}

Test(reduced, state_carried_over_gives_the_same_bits, .timeout = 60) {
    for_all(check_resume);
}

/* Parameters with their lower halves are f32 parameters: the same bits as an f32 run with the
 * same gradients, all the way. */
static void check_master(uns_context *context, const mode *in, const char *name,
                         const uns_spec *spec) {
    fixture wide, narrow;
    const mode f32 = {"f32", UNS_STATE_AUTO, UNS_F32, UNS_ROUNDING_MASTER};
    if (in->dtype != UNS_BF16 || in->rounding != UNS_ROUNDING_MASTER)
        return;
    open_or_fail(&narrow, context, in, spec, 300, 500);
    open_or_fail(&wide, context, &f32, spec, 300, 500);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < wide.elements[i]; k++)
            fixture_put(&wide, wide.x[i], k, fixture_get(&narrow, narrow.x[i], k));
    for (uint64_t t = 0; t < 5; t++) {
        fixture_gradient(&narrow, t);
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < wide.elements[i]; k++)
                fixture_put(&wide, wide.g[i], k, fixture_get(&narrow, narrow.g[i], k));
        cr_assert_eq(uns_optimizer_step(wide.optimizer, fixture_x(&wide), fixture_g(&wide)),
                     UNS_OK);
        cr_assert_eq(
            uns_optimizer_step(narrow.optimizer, fixture_x(&narrow), fixture_g(&narrow)),
            UNS_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        float *full = malloc(wide.elements[i] * sizeof *full);
        uns_state_view low;
        cr_assert_eq(uns_optimizer_state(narrow.optimizer, i, "parameters_low", &low), UNS_OK);
        uns_kernels_scalar.halves_to_f32(low.count, narrow.x[i], low.data, full);
        cr_assert_eq(memcmp(full, wide.x[i], wide.bytes[i]), 0, "%s, %s", in->name, name);
        free(full);
    }
    fixture_close(&wide);
    fixture_close(&narrow);
}

Test(reduced, parameters_with_their_lower_halves_move_as_f32_do) {
    for_all(check_master);
}

static void check_append(uns_context *context, const mode *in, const char *name,
                         const uns_spec *spec) {
    fixture f, plain;
    const uns_block blocks[3] = {{"a", 433, 3, 0}, {"b", 267, 1, 0}, {"c", 9, 7, 0}};
    const uns_layout_config longer = {sizeof longer, in->dtype, 1, 3, blocks};
    uns_layout *layout = NULL;
    if (spec->scale == UNS_SCALE_TRUST || !fixture_structure(context, spec)->elementwise)
        return;
    open_or_fail(&f, context, in, spec, 433, 267);
    open_or_fail(&plain, context, in, spec, 433, 267);
    step_many(&f, 0, 3);
    step_many(&plain, 0, 6);
    cr_assert_eq(uns_layout_create(context, &longer, &layout), UNS_OK);
    cr_assert_eq(uns_optimizer_append(f.optimizer, layout, 0, NULL), UNS_OK, "%s",
                 uns_context_message(context));
    float more[63] = {0};
    void *x[3] = {f.x[0], f.x[1], more};
    const void *g[3] = {f.g[0], f.g[1], NULL};
    for (uint64_t t = 3; t < 6; t++) {
        fixture_gradient(&f, t);
        cr_assert_eq(
            uns_optimizer_step(f.optimizer, (uns_tensors){x, 3}, (uns_const_tensors){g, 3}),
            UNS_OK);
    }
    cr_assert(same_state(&f, &plain), "%s, %s", in->name, name);
    fixture_close(&f);
    fixture_close(&plain);
    uns_layout_destroy(layout);
}

Test(reduced, appended_blocks_leave_the_others_their_bits) {
    for_all(check_append);
}

/* A run in fewer bits stays beside the one in f32: of a quadratic bowl, from afar. */
static double bowl(uns_context *context, const mode *in, const char *preset, double eta,
                   int steps) {
    enum {
        MANY = 600
    };
    fixture f;
    uns_spec spec;
    double loss = 0;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK);
    spec.eta = eta;
    spec.state = (int)in->state;
    spec.rounding = (int)in->rounding;
    open_or_fail(&f, context, in, &spec, MANY, 5);
    for (int t = 0; t < steps; t++) {
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < f.elements[i]; k++) {
                const double curvature = 0.1 + (double)(k % 10);
                const double x = fixture_get(&f, f.x[i], k);
                fixture_put(&f, f.g[i], k, curvature * (x - 0.75));
            }
        cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
    }
    for (size_t k = 0; k < f.elements[0]; k++) {
        const double away = fixture_get(&f, f.x[0], k) - 0.75;
        loss += away * away / (double)f.elements[0];
    }
    fixture_close(&f);
    return loss;
}

Test(reduced, a_bowl_is_descended_as_in_f32, .timeout = 60) {
    static const char *const presets[] = {"adam", "rmsprop", "momentum", "lion"};
    static const mode f32 = {"f32", UNS_STATE_AUTO, UNS_F32, UNS_ROUNDING_MASTER};
    uns_context *context = open_context(1, 0);
    for (size_t p = 0; p < sizeof presets / sizeof *presets; p++) {
        const double wide = bowl(context, &f32, presets[p], 2e-3, 400);
        cr_assert(wide < 0.2, "%s: %g", presets[p], wide);
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
            uns_spec spec;
            cr_assert_eq(uns_spec_preset(context, presets[p], &spec), UNS_OK);
            const double loss = bowl(context, &modes[i], presets[p], 2e-3, 400);
            cr_assert(fabs(sqrt(loss) - sqrt(wide)) < 0.02, "%s, %s: %g beside %g", presets[p],
                      modes[i].name, loss, wide);
        }
    }
    uns_context_destroy(context);
}

static void expect_refused(uns_context *context, const char *preset, const char *values,
                           fixture_size size, const char *part) {
    fixture f;
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK);
    cr_assert_not(fixture_open(&f, context, &spec, size), "%s %s", preset, values);
    cr_assert(strstr(uns_context_message(context), part), "%s", uns_context_message(context));
    fixture_close(&f);
}

Test(reduced, odd_combinations_are_refused_with_the_reason) {
    uns_context *context = open_context(1, 0);
    const fixture_size f32 = {5, 4, 1, UNS_F32}, f64 = {5, 4, 1, UNS_F64};
    const fixture_size many = {5, 4, 3, UNS_F32}, bf16 = {5, 4, 1, UNS_BF16};
    const fixture_size many_bf16 = {5, 4, 3, UNS_BF16};
    expect_refused(context, "adam", "state=q8", f64, "this one is f64");
    expect_refused(context, "adam", "state=f32", f64, "this one is f64");
    expect_refused(context, "adam", "state=bf16", many, "one replica");
    expect_refused(context, "adam", "", many_bf16, "one replica");
    expect_refused(context, "adam", "rounding=random", f32, "not bf16");
    expect_refused(context, "idealized", "", bf16, "use an f32 layout");
    expect_refused(context, "idealized", "state=bf16", f32, "other than exact");
    expect_refused(context, "rmsprop-centered", "state=q8", f32, "centred=false");
    expect_refused(context, "sgd", "state=q8", f32, "no state is kept");
    uns_context_destroy(context);
}

Test(reduced, state_is_shown_as_it_is_kept) {
    uns_context *context = open_context(1, 0);
    fixture f;
    uns_spec spec;
    uns_state_view view;
    size_t bytes[3];
    cr_assert_eq(uns_spec_preset(context, "adam", &spec), UNS_OK);
    for (int state = UNS_STATE_F32; state <= UNS_STATE_Q8; state++) {
        spec.state = state;
        open_or_fail(&f, context, &modes[0], &spec, 1000, 5);
        cr_assert_eq(uns_optimizer_state(f.optimizer, 0, "moment", &view), UNS_OK);
        bytes[state - UNS_STATE_F32] = view.count * uns_dtype_size(view.dtype);
        fixture_close(&f);
    }
    cr_assert_eq(bytes[0], 12000);
    cr_assert_eq(bytes[1], 6000);
    cr_assert_eq(bytes[2], 3000 + 12);
    uns_context_destroy(context);
}

/* C starts at `initial`: within the rounding, and on average. */
Test(reduced, a_moment_may_start_above_zero) {
    uns_context *context = open_context(1, 0);
    fixture f;
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, "yogi", &spec), UNS_OK);
    spec.initial = 1.3e-3;
    for (size_t m = 0; m < 2; m++) {
        float c[UNS_CHUNK];
        double mean = 0;
        spec.state = (int)modes[m].state;
        open_or_fail(&f, context, &modes[m], &spec, 1000, 5);
        uns_wide_piece(f.optimizer, &f.optimizer->blocks[0], UNS_PIECE_MOMENT, 0, UNS_CHUNK, c);
        for (size_t i = 0; i < UNS_CHUNK; i++) {
            cr_assert_float_eq(c[i], 1.3e-3, m ? 1.3e-3 / 8 : 1.3e-3 / 128);
            mean += (double)c[i] / UNS_CHUNK;
        }
        cr_assert_float_eq(mean, 1.3e-3, 1.3e-3 / 500);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}
