/* SPDX-License-Identifier: MIT
 * Trajectories recorded by an outside implementation (tests/golden, made by tests/tools), and
 * the replay that compares ours with them. The gradients are a fixed sequence, made here by the
 * same integer recursion as in the script.
 */
#ifndef UNS_TEST_GOLDEN_H
#define UNS_TEST_GOLDEN_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/optimizer.h>

/* At most so many; GOLDEN_STEPS exactly. */
enum {
    GOLDEN_D = 43,
    GOLDEN_BLOCKS = 3,
    GOLDEN_REPLICAS = 3,
    GOLDEN_STEPS = 200,
    GOLDEN_POINTS = 9
};

typedef struct golden {
    json_t *root, *cases;
    uns_layout_config layout; /* of one replica in f64 */
    size_t d, points;
    int at[GOLDEN_POINTS]; /* the recorded steps */
    double start[GOLDEN_D];
    double gradient[GOLDEN_STEPS][GOLDEN_D];
} golden;

static inline double golden_real(const json_t *list, size_t index) {
    return json_number_value(json_array_get(list, index));
}

static inline const char *golden_text(const json_t *item, const char *key) {
    return json_string_value(json_object_get(item, key));
}

static inline uint64_t golden_whole(const json_t *root, const char *key) {
    return strtoull(golden_text(root, key), NULL, 10);
}

/* g[t][i] = scale_i·(±drift + (2u − 1)), u from a 64-bit linear congruence; the last coordinate
 * is silent at first where the file says so. */
static inline void golden_make_gradients(golden *file) {
    const json_t *scales = json_object_get(file->root, "scales");
    uint64_t state = golden_whole(file->root, "seed");
    uint64_t multiplier = golden_whole(file->root, "multiplier");
    uint64_t addend = golden_whole(file->root, "addend");
    double drift = json_number_value(json_object_get(file->root, "drift"));
    json_int_t silent = json_integer_value(json_object_get(file->root, "silent"));
    for (int t = 0; t < GOLDEN_STEPS; t++) {
        for (size_t i = 0; i < file->d; i++) {
            state = state * multiplier + addend;
            double u = (double)(state >> 11) * 0x1p-53;
            file->gradient[t][i] = golden_real(scales, i % json_array_size(scales)) *
                                   ((i % 2 ? -drift : drift) + (2.0 * u - 1.0));
        }
        if (t < silent)
            file->gradient[t][file->d - 1] = 0.0;
    }
}

static inline void golden_open(golden *file, const char *name, size_t blocks,
                               const uns_block *block) {
    char path[400];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", UNS_GOLDEN, name);
    file->root = json_load_file(path, 0, &error);
    cr_assert_not_null(file->root, "%s:%d: %s", error.source, error.line, error.text);
    file->cases = json_object_get(file->root, "cases");
    file->layout = (uns_layout_config){sizeof file->layout, UNS_F64, 1, blocks, block};
    const json_t *at = json_object_get(file->root, "steps");
    const json_t *start = json_object_get(file->root, "start");
    file->points = json_array_size(at);
    file->d = json_array_size(start);
    cr_assert(file->d <= GOLDEN_D && blocks <= GOLDEN_BLOCKS);
    cr_assert(file->points > 0 && file->points <= GOLDEN_POINTS);
    for (size_t k = 0; k < file->points; k++)
        file->at[k] = (int)json_integer_value(json_array_get(at, k));
    for (size_t i = 0; i < file->d; i++)
        file->start[i] = golden_real(start, i);
    golden_make_gradients(file);
}

/* Parameters and gradients of all replicas, in either precision. */
typedef struct buffers {
    const uns_layout_config *layout;
    uns_dtype dtype;
    size_t replicas, d;
    double x64[GOLDEN_D * GOLDEN_REPLICAS], g64[GOLDEN_D * GOLDEN_REPLICAS];
    float x32[GOLDEN_D * GOLDEN_REPLICAS], g32[GOLDEN_D * GOLDEN_REPLICAS];
} buffers;

static inline buffers golden_buffers(const golden *file, uns_dtype dtype, size_t replicas) {
    return (buffers){
        .layout = &file->layout, .dtype = dtype, .replicas = replicas, .d = file->d};
}

/* One replica follows the oracle. Of three, the first sees no gradient, the second follows, and
 * the third is its mirror image: every method here is odd in (x, g). */
static inline double golden_sign(size_t replicas, size_t replica) {
    static const double signs[GOLDEN_REPLICAS] = {0.0, 1.0, -1.0};
    return replicas == 1 ? 1.0 : signs[replica];
}

static inline void golden_put(buffers *b, bool gradient, const double *values, double factor) {
    for (size_t k = 0; k < b->d * b->replicas; k++) {
        double sign = golden_sign(b->replicas, k % b->replicas);
        double value = factor * sign * values[k / b->replicas];
        if (b->dtype == UNS_F64)
            (gradient ? b->g64 : b->x64)[k] = value;
        else
            (gradient ? b->g32 : b->x32)[k] = (float)value;
    }
}

static inline double golden_get(const buffers *b, size_t i, size_t replica) {
    size_t k = i * b->replicas + replica;
    return b->dtype == UNS_F64 ? b->x64[k] : (double)b->x32[k];
}

static inline uns_layout *golden_layout(uns_context *context, const golden *file,
                                        uns_dtype dtype, size_t replicas) {
    uns_layout_config config = file->layout;
    uns_layout *layout = NULL;
    config.dtype = dtype;
    config.replicas = replicas;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK, "%s",
                 uns_context_message(context));
    return layout;
}

static inline uns_spec golden_spec(uns_context *context, const char *preset,
                                   const char *values) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK,
                 "%s %s: %s", preset, values, uns_context_message(context));
    return spec;
}

static inline uns_optimizer *golden_optimizer(uns_context *context, const uns_layout *layout,
                                              const uns_spec *spec, uns_oracle oracle) {
    const uns_optimizer_config config = {sizeof config, layout, 1, spec, oracle, 0};
    uns_optimizer *optimizer = NULL;
    cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK, "%s: %s",
                 spec->moment, uns_context_message(context));
    return optimizer;
}

/* One step; the last block's gradient may be absent. */
static inline void golden_step(uns_optimizer *optimizer, buffers *b, bool last_absent) {
    void *x[GOLDEN_BLOCKS];
    const void *g[GOLDEN_BLOCKS];
    size_t first = 0, count = b->layout->count;
    for (size_t k = 0; k < count; k++) {
        x[k] = b->dtype == UNS_F64 ? (void *)(b->x64 + first) : b->x32 + first;
        g[k] = b->dtype == UNS_F64 ? (const void *)(b->g64 + first) : b->g32 + first;
        first += b->layout->blocks[k].rows * b->layout->blocks[k].cols * b->replicas;
    }
    if (last_absent)
        g[count - 1] = NULL;
    cr_assert_eq(
        uns_optimizer_step(optimizer, (uns_tensors){x, count}, (uns_const_tensors){g, count}),
        UNS_OK);
}

/* Largest |x − oracle| in units of the largest |oracle| so far, by coordinate; a coordinate
 * that has not moved yet must be equal. */
static inline double golden_worst_at(const buffers *b, const json_t *row, double *largest) {
    double worst = 0.0;
    for (size_t i = 0; i < b->d; i++) {
        double expected = golden_real(row, i);
        largest[i] = fmax(largest[i], fabs(expected));
        for (size_t r = 0; r < b->replicas; r++) {
            double sign = golden_sign(b->replicas, r);
            double error = sign == 0.0 ? 0.0 : fabs(sign * golden_get(b, i, r) - expected);
            double relative = error == 0.0 ? 0.0 : error / largest[i];
            worst = relative <= worst ? worst : relative; /* NaN stays */
        }
    }
    return worst;
}

static inline double golden_run(uns_context *context, const golden *file, const json_t *item,
                                uns_dtype dtype, size_t replicas) {
    uns_spec spec =
        golden_spec(context, golden_text(item, "preset"), golden_text(item, "values"));
    uns_layout *layout = golden_layout(context, file, dtype, replicas);
    uns_optimizer *optimizer =
        golden_optimizer(context, layout, &spec, (uns_oracle){NULL, NULL});
    buffers b = golden_buffers(file, dtype, replicas);
    bool absent = json_is_true(json_object_get(item, "absent"));
    const json_t *rows = json_object_get(item, "x");
    double worst = 0.0, largest[GOLDEN_D] = {0};
    size_t point = 0;
    golden_put(&b, false, file->start, json_number_value(json_object_get(item, "start")));
    for (int t = 1; t <= GOLDEN_STEPS; t++) {
        golden_put(&b, true, file->gradient[t - 1], 1.0);
        golden_step(optimizer, &b, absent && t % 3 == 1);
        if (point == file->points || t != file->at[point])
            continue;
        double now = golden_worst_at(&b, json_array_get(rows, point++), largest);
        worst = now <= worst ? worst : now;
    }
    cr_expect_eq(point, file->points);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    return worst;
}

/* How closely the cases are to be followed in which `key` begins with `prefix`. */
typedef struct golden_claim {
    const char *key, *prefix;
    uns_dtype dtype;
    size_t replicas;
    double tolerance;
    size_t at_least; /* cases, so that a test cannot pass on none */
} golden_claim;

static inline void golden_hold(const golden *file, golden_claim claim) {
    uns_context *context = NULL;
    size_t index, ran = 0;
    json_t *item;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    json_array_foreach(file->cases, index, item) {
        const char *value = golden_text(item, claim.key);
        if (strncmp(value, claim.prefix, strlen(claim.prefix)) != 0)
            continue;
        double worst = golden_run(context, file, item, claim.dtype, claim.replicas);
        cr_expect(worst <= claim.tolerance, "%s, %s %s: off by %.2e", value,
                  golden_text(item, "preset"), golden_text(item, "values"), worst);
        ran++;
    }
    cr_expect_geq(ran, claim.at_least, "only %zu cases", ran);
    uns_context_destroy(context);
}

/* The recursion here and the script's end with the same gradient, bit for bit. */
static inline void golden_same_gradients(const golden *file) {
    const json_t *last = json_object_get(file->root, "last_gradient");
    for (size_t i = 0; i < file->d; i++)
        cr_expect_eq(file->gradient[GOLDEN_STEPS - 1][i], golden_real(last, i));
}

#endif
