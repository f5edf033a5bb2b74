/* SPDX-License-Identifier: MIT
 * Slot 6's ratios beside trust (which the trajectories cover), and the moment of growing
 * memory.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(scale, .init = open_context, .fini = close_context);

static uns_spec preset(const char *name, const char *values) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, name, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK, "%s",
                 uns_context_message(context));
    return spec;
}

/* The move of replica 2 of 3 in step t, block by block: |d|, and d itself in `move`. */
static double norm_of_move(const uns_spec *spec, uint64_t steps, size_t block, double *move) {
    enum {
        REPLICAS = 3,
        SEEN = 2
    };
    fixture f;
    cr_assert(fixture_open(&f, context, spec, (fixture_size){12, 5, REPLICAS, UNS_F64}), "%s",
              uns_context_message(context));
    double square = 0.0, before[64];
    for (uint64_t t = 0; t < steps; t++) {
        for (size_t k = 0; k < f.elements[block] / REPLICAS; k++)
            before[k] = fixture_get(&f, f.x[block], k * REPLICAS + SEEN);
        cr_assert_eq(fixture_step(&f, t), UNS_OK);
    }
    for (size_t k = 0; k < f.elements[block] / REPLICAS; k++) {
        double d = before[k] - fixture_get(&f, f.x[block], k * REPLICAS + SEEN);
        square += d * d;
        if (move)
            move[k] = d;
    }
    fixture_close(&f);
    return sqrt(square);
}

Test(scale, rms_clip_cuts_only_what_is_longer) {
    uns_spec plain = preset("sgd", "eta=1");
    double d = norm_of_move(&plain, 1, 0, NULL), rms = d / sqrt(36.0);
    uns_spec loose = preset("sgd", "eta=1 scale=rms_clip rms.threshold=1e3");
    cr_expect_float_eq(norm_of_move(&loose, 1, 0, NULL), d, 1e-12 * d);
    uns_spec tight = preset("sgd", "eta=1 scale=rms_clip rms.threshold=0.1");
    cr_assert_gt(rms, 0.1);
    cr_expect_float_eq(norm_of_move(&tight, 1, 0, NULL), 0.1 * sqrt(36.0), 1e-12);
}

Test(scale, rms_relative_counts_in_units_of_the_block) {
    double square = 0.0;
    for (int k = 0; k < 36; k++) /* the fixture's start */
        square += pow(0.5 - k % 5 * 0.2, 2);
    uns_spec spec = preset("sgd", "eta=0.5 scale=rms_clip rms.threshold=0.1 rms.relative=1e-3");
    double unit = sqrt(square / 36.0);
    cr_expect_float_eq(norm_of_move(&spec, 1, 0, NULL), 0.5 * unit * 0.1 * 6.0, 1e-12);
    spec.rms_relative = 2.0; /* the block's own is smaller */
    cr_expect_float_eq(norm_of_move(&spec, 1, 0, NULL), 0.5 * 2.0 * 0.1 * 6.0, 1e-12);
}

Test(scale, shape_follows_rows_and_columns_of_matrices) {
    uns_spec plain = preset("sgd", "eta=1");
    uns_spec shape = preset("sgd", "eta=1 scale=shape");
    uns_spec rms = preset("sgd", "eta=1 scale=shape_rms");
    double matrix = norm_of_move(&plain, 1, 0, NULL), vector = norm_of_move(&plain, 1, 1, NULL);
    cr_expect_float_eq(norm_of_move(&shape, 1, 0, NULL), 2.0 * matrix, 1e-12 * matrix);
    cr_expect_float_eq(norm_of_move(&rms, 1, 0, NULL), 0.2 * sqrt(12.0) * matrix,
                       1e-12 * matrix);
    cr_expect_float_eq(norm_of_move(&shape, 1, 1, NULL), vector, 1e-12 * vector);
    cr_expect_float_eq(norm_of_move(&rms, 1, 1, NULL), vector, 1e-12 * vector);
}

/* The scalar structure keeps the gradient's direction, so that only the length is the other's.
 */
Test(scale, graft_takes_the_length_and_nothing_else) {
    const char *same = "eta=1 moment=ema beta=0.9 initial=0.25 increment=1e-3 exponent=0.5 "
                       "bias_correction=true ";
    char text[256];
    (void)snprintf(text, sizeof text, "%s structure=scalar scale=graft graft.epsilon=0.01",
                   same);
    uns_spec grafted = preset("sgd", text);
    (void)snprintf(text, sizeof text, "%s structure=diagonal epsilon=0.01", same);
    uns_spec diagonal = preset("sgd", text);
    uns_spec plain = preset("sgd", "eta=1");
    for (size_t block = 0; block < 2; block++) {
        double d[36], g[36];
        double length = norm_of_move(&grafted, 4, block, d);
        double of_g = norm_of_move(&plain, 4, block, g);
        cr_expect_float_eq(length, norm_of_move(&diagonal, 4, block, NULL), 1e-12 * length);
        for (size_t k = 0; k < (block ? 5 : 36); k++)
            cr_expect_float_eq(d[k] / length, g[k] / of_g, 1e-12);
    }
}

/* Two groups, each with a scale of its own. */
Test(scale, groups_do_not_disturb_one_another) {
    uns_block blocks[2] = {{"a", 4, 2, 0}, {"b", 3, 3, 1}};
    uns_layout_config shape = {sizeof shape, UNS_F64, 1, 2, blocks};
    uns_spec specs[2] = {preset("sgd", "eta=1 scale=rms_clip rms.relative=1e-3"),
                         preset("sgd", "eta=1 moment=ema structure=scalar scale=graft")};
    uns_layout *layout = NULL;
    uns_optimizer *both = NULL, *alone = NULL;
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 2, .specs = specs};
    cr_assert_eq(uns_optimizer_create(context, &config, &both), UNS_OK);
    specs[1] = preset("sgd", "eta=1");
    cr_assert_eq(uns_optimizer_create(context, &config, &alone), UNS_OK);
    double x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[9] = {0}, g[9] = {3, 1, -4, 1, -5, 9, 2, -6, 5};
    double x2[8], y2[9] = {0};
    memcpy(x2, x, sizeof x);
    void *one[2] = {x, y}, *two[2] = {x2, y2};
    const void *gradient[2] = {g, g};
    uns_const_tensors shared = {gradient, 2};
    cr_assert_eq(uns_optimizer_step(both, (uns_tensors){one, 2}, shared), UNS_OK);
    cr_assert_eq(uns_optimizer_step(alone, (uns_tensors){two, 2}, shared), UNS_OK);
    cr_expect_eq(memcmp(x, x2, sizeof x), 0);
    cr_expect_neq(memcmp(y, y2, sizeof y), 0);
    uns_optimizer_destroy(both);
    uns_optimizer_destroy(alone);
    uns_layout_destroy(layout);
}

/* β_t = 1 − t^-c with c = 1 is the mean. */
Test(scale, power_one_is_the_mean) {
    uns_spec mean = preset("sgd", "eta=1 structure=diagonal moment=mean epsilon=1e-3");
    uns_spec power =
        preset("sgd", "eta=1 structure=diagonal moment=power beta.power=1 epsilon=1e-3");
    for (uint64_t steps = 1; steps < 8; steps++) {
        double a[36], b[36];
        norm_of_move(&mean, steps, 0, a);
        norm_of_move(&power, steps, 0, b);
        for (size_t k = 0; k < 36; k++)
            cr_expect_float_eq(a[k], b[k], 1e-14 * fabs(a[k]));
    }
}

static void refused(const char *values, const char *word) {
    uns_spec spec = preset("sgd", values);
    cr_expect_neq(uns_spec_check(context, &spec), UNS_OK, "%s passes", values);
    cr_expect(strstr(uns_context_message(context), word), "%s: %s", values,
              uns_context_message(context));
}

Test(scale, what_has_no_effect_is_refused) {
    refused("scale=graft structure=diagonal", "scale=none");
    refused("scale=graft", "scale=none");
    refused("graft.epsilon=1", "scale=graft");
    refused("rms.threshold=2", "scale=rms_clip");
    refused("rms.relative=1e-3", "scale=rms_clip");
    refused("beta.power=0.5", "moment=power");
}
