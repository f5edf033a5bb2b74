/* SPDX-License-Identifier: MIT
 * The trajectories of tests/golden/ggt_reference.json, and an optimizer that is led along them.
 * What the cases are stands in tests/tools/ggt_reference.py.
 */
#ifndef UNS_TEST_GGT_GOLDEN_H
#define UNS_TEST_GGT_GOLDEN_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/optimizer.h>

enum {
    GGT_D = 40,
    GGT_A = 30, /* of them in block a, 6 × 5 */
    GGT_STEPS = 200,
    GGT_MOST = 3 /* replicas */
};

typedef struct ggt_golden {
    json_t *root, *cases, *at;
    double gradient[GGT_STEPS][GGT_D];
} ggt_golden;

static inline uint64_t ggt_whole(const json_t *root, const char *key) {
    return strtoull(json_string_value(json_object_get(root, key)), NULL, 10);
}

/* own = scale_{i mod 7}·(±drift + (2u − 1)), u from a 64-bit linear congruence; g_i = own +
 * ½g_{i−1}. */
static inline void ggt_gradients(ggt_golden *file) {
    const json_t *scales = json_object_get(file->root, "scales");
    uint64_t state = ggt_whole(file->root, "seed");
    uint64_t multiplier = ggt_whole(file->root, "multiplier");
    uint64_t addend = ggt_whole(file->root, "addend");
    double drift = json_number_value(json_object_get(file->root, "drift"));
    for (int t = 0; t < GGT_STEPS; t++)
        for (size_t i = 0; i < GGT_D; i++) {
            state = state * multiplier + addend;
            double u = (double)(state >> 11) * 0x1p-53;
            double scale =
                json_number_value(json_array_get(scales, i % json_array_size(scales)));
            double own = scale * ((i % 2 ? -drift : drift) + (2.0 * u - 1.0));
            file->gradient[t][i] = i ? own + 0.5 * file->gradient[t][i - 1] : own;
        }
}

static inline void ggt_open(ggt_golden *file) {
    json_error_t error;
    file->root = json_load_file(UNS_GOLDEN "/ggt_reference.json", 0, &error);
    cr_assert_not_null(file->root, "%s:%d: %s", error.source, error.line, error.text);
    file->cases = json_object_get(file->root, "cases");
    file->at = json_object_get(file->root, "steps");
    ggt_gradients(file);
}

static inline const char *ggt_text(const json_t *item, const char *key) {
    return json_string_value(json_object_get(item, key));
}

/* Parameters and gradients, replicas innermost. Of three replicas the first sees the mirror
 * image of every gradient, the last twice the gradient of a method that is not scale-free: so
 * only the first two are compared. */
typedef struct ggt_run {
    uns_dtype dtype;
    size_t replicas;
    uns_layout *layout;
    uns_optimizer *optimizer;
    double x64[GGT_D * GGT_MOST], g64[GGT_D * GGT_MOST];
    float x32[GGT_D * GGT_MOST], g32[GGT_D * GGT_MOST];
} ggt_run;

static inline double ggt_factor(const ggt_run *run, size_t r) {
    static const double factors[GGT_MOST] = {-1.0, 1.0, 2.0};
    return run->replicas == 1 ? 1.0 : factors[r];
}

static inline void ggt_put(ggt_run *run, bool gradient, size_t i, size_t r, double value) {
    size_t at = i * run->replicas + r;
    if (run->dtype == UNS_F64)
        (gradient ? run->g64 : run->x64)[at] = value;
    else
        (gradient ? run->g32 : run->x32)[at] = (float)value;
}

static inline double ggt_get(const ggt_run *run, size_t i, size_t r) {
    size_t at = i * run->replicas + r;
    return run->dtype == UNS_F64 ? run->x64[at] : (double)run->x32[at];
}

static inline void ggt_start(ggt_run *run, uns_context *context, const uns_spec *spec) {
    const uns_block blocks[] = {{"a", 6, 5, 0}, {"b", 10, 1, 0}};
    const uns_layout_config shape = {sizeof shape, run->dtype, run->replicas, 2, blocks};
    cr_assert_eq(uns_layout_create(context, &shape, &run->layout), UNS_OK);
    const uns_optimizer_config config = {
        .size = sizeof config, .layout = run->layout, .count = 1, .specs = spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &run->optimizer), UNS_OK, "%s",
                 uns_context_message(context));
    for (size_t i = 0; i < GGT_D; i++)
        for (size_t r = 0; r < run->replicas; r++)
            ggt_put(run, false, i, r, ggt_factor(run, r) * (0.5 - 0.25 * (double)(i % 5)));
}

static inline void *ggt_place(ggt_run *run, bool gradient, size_t i) {
    size_t at = i * run->replicas;
    if (run->dtype == UNS_F64)
        return (gradient ? run->g64 : run->x64) + at;
    return (gradient ? run->g32 : run->x32) + at;
}

static inline void ggt_step(ggt_run *run, const double *gradient, bool without_b) {
    for (size_t i = 0; i < GGT_D; i++)
        for (size_t r = 0; r < run->replicas; r++)
            ggt_put(run, true, i, r, ggt_factor(run, r) * gradient[i]);
    void *x[] = {ggt_place(run, false, 0), ggt_place(run, false, GGT_A)};
    const void *g[] = {ggt_place(run, true, 0), without_b ? NULL : ggt_place(run, true, GGT_A)};
    cr_assert_eq(
        uns_optimizer_step(run->optimizer, (uns_tensors){x, 2}, (uns_const_tensors){g, 2}),
        UNS_OK);
}

/* Largest |x − oracle| of the compared replicas, in units of the coordinate's largest |oracle|
 * so far. */
static inline double ggt_error(const ggt_run *run, const json_t *row, double *largest) {
    double worst = 0.0;
    for (size_t i = 0; i < GGT_D; i++) {
        double expected = json_number_value(json_array_get(row, i));
        largest[i] = fmax(largest[i], fabs(expected));
        for (size_t r = 0; r < run->replicas && r < 2; r++) {
            double error = fabs(ggt_factor(run, r) * ggt_get(run, i, r) - expected);
            worst = error / largest[i] <= worst ? worst : error / largest[i]; /* NaN stays */
        }
    }
    return worst;
}

static inline double ggt_follow(uns_context *context, const ggt_golden *file,
                                const json_t *item, uns_dtype dtype, size_t replicas) {
    uns_spec spec;
    ggt_run run = {.dtype = dtype, .replicas = replicas};
    double worst = 0.0, largest[GGT_D] = {0};
    bool absent = json_is_true(json_object_get(item, "absent"));
    size_t point = 0;
    cr_assert_eq(uns_spec_preset(context, ggt_text(item, "preset"), &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, ggt_text(item, "values")),
                 UNS_OK, "%s", uns_context_message(context));
    ggt_start(&run, context, &spec);
    for (int t = 1; t <= GGT_STEPS; t++) {
        ggt_step(&run, file->gradient[t - 1], absent && t % 4 == 3);
        if (t != json_integer_value(json_array_get(file->at, point)))
            continue;
        double now =
            ggt_error(&run, json_array_get(json_object_get(item, "x"), point++), largest);
        worst = now <= worst ? worst : now;
    }
    cr_expect_eq(point, json_array_size(file->at));
    uns_optimizer_destroy(run.optimizer);
    uns_layout_destroy(run.layout);
    return worst;
}

#endif
