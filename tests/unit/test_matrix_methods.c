/* SPDX-License-Identifier: MIT
 * Shampoo, SOAP, Adafactor and Muon against dense references from outside: the trajectories of
 * tests/golden/matrix_references.json, made by tests/tools/matrix_references.py from the
 * publications. The gradients are a fixed sequence, made here by the same integer recursion.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/optimizer.h>

#include "la/dense.h"

enum {
    A = 20, /* block a is 5 × 4 */
    B = 20, /* block b is 4 × 5 */
    C = 3,  /* block c is a vector */
    D = A + B + C,
    MOST = 3, /* replicas */
    STEPS = 200,
    POINTS = 6 /* recorded steps */
};

typedef struct golden {
    json_t *root, *cases;
    int at[POINTS];
    double start[D];
    double gradient[STEPS][D];
} golden;

static double real(const json_t *list, size_t index) {
    return json_number_value(json_array_get(list, index));
}

static const char *text(const json_t *item, const char *key) {
    return json_string_value(json_object_get(item, key));
}

static uint64_t whole(const json_t *root, const char *key) {
    return strtoull(text(root, key), NULL, 10);
}

static void make_gradients(golden *file) {
    const json_t *scales = json_object_get(file->root, "scales");
    uint64_t state = whole(file->root, "seed");
    uint64_t multiplier = whole(file->root, "multiplier"), addend = whole(file->root, "addend");
    double drift = json_number_value(json_object_get(file->root, "drift"));
    for (int t = 0; t < STEPS; t++)
        for (size_t i = 0; i < D; i++) {
            state = state * multiplier + addend;
            double u = (double)(state >> 11) * 0x1p-53;
            file->gradient[t][i] = real(scales, i % json_array_size(scales)) *
                                   ((i % 2 ? -drift : drift) + (2.0 * u - 1.0));
        }
}

static void open_golden(golden *file) {
    json_error_t error;
    file->root = json_load_file(UNS_GOLDEN "/matrix_references.json", 0, &error);
    cr_assert_not_null(file->root, "%s:%d: %s", error.source, error.line, error.text);
    file->cases = json_object_get(file->root, "cases");
    const json_t *at = json_object_get(file->root, "steps");
    cr_assert_eq(json_array_size(at), POINTS);
    for (size_t k = 0; k < POINTS; k++)
        file->at[k] = (int)json_integer_value(json_array_get(at, k));
    for (size_t i = 0; i < D; i++)
        file->start[i] = real(json_object_get(file->root, "start"), i);
    make_gradients(file);
}

/* Parameters and gradients of all replicas, in either precision. */
typedef struct buffers {
    uns_dtype dtype;
    size_t replicas;
    double x64[D * MOST], g64[D * MOST];
    float x32[D * MOST], g32[D * MOST];
} buffers;

/* Of three replicas the first sees no gradient, the second follows the oracle, and the third is
 * its mirror image: every method here is odd in (x, g). */
static double sign_of(size_t replicas, size_t replica) {
    static const double signs[MOST] = {0.0, 1.0, -1.0};
    return replicas == 1 ? 1.0 : signs[replica];
}

static void put_all(buffers *b, bool gradient, const double *values, double factor) {
    for (size_t k = 0; k < D * b->replicas; k++) {
        double value = factor * sign_of(b->replicas, k % b->replicas) * values[k / b->replicas];
        if (b->dtype == UNS_F64)
            (gradient ? b->g64 : b->x64)[k] = value;
        else
            (gradient ? b->g32 : b->x32)[k] = (float)value;
    }
}

static double get(const buffers *b, size_t i, size_t replica) {
    size_t k = i * b->replicas + replica;
    return b->dtype == UNS_F64 ? b->x64[k] : (double)b->x32[k];
}

static void *place(buffers *b, bool gradient, size_t i) {
    if (b->dtype == UNS_F64)
        return (gradient ? b->g64 : b->x64) + i * b->replicas;
    return (gradient ? b->g32 : b->x32) + i * b->replicas;
}

static uns_layout *make_layout(uns_context *context, uns_dtype dtype, size_t replicas) {
    const uns_block blocks[] = {{"a", 5, 4, 0}, {"b", 4, 5, 0}, {"c", 3, 1, 0}};
    const uns_layout_config config = {sizeof config, dtype, replicas, 3, blocks};
    uns_layout *layout = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
    return layout;
}

static uns_optimizer *make_optimizer(uns_context *context, const uns_layout *layout,
                                     const char *preset, const char *values) {
    uns_spec spec;
    uns_optimizer *optimizer = NULL;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK,
                 "%s %s: %s", preset, values, uns_context_message(context));
    const uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK, "%s %s: %s",
                 preset, values, uns_context_message(context));
    return optimizer;
}

static void step(uns_optimizer *optimizer, buffers *b) {
    void *x[] = {place(b, false, 0), place(b, false, A), place(b, false, A + B)};
    const void *g[] = {place(b, true, 0), place(b, true, A), place(b, true, A + B)};
    cr_assert_eq(uns_optimizer_step(optimizer, (uns_tensors){x, 3}, (uns_const_tensors){g, 3}),
                 UNS_OK);
}

/* Largest |x − oracle| in units of the largest |oracle| so far, by coordinate. */
static double worst_at(const buffers *b, const json_t *row, double *largest) {
    double worst = 0.0;
    for (size_t i = 0; i < D; i++) {
        double expected = real(row, i);
        largest[i] = fmax(largest[i], fabs(expected));
        for (size_t r = 0; r < b->replicas; r++) {
            double sign = sign_of(b->replicas, r);
            double error = sign == 0.0 ? 0.0 : fabs(sign * get(b, i, r) - expected);
            double relative = error == 0.0 ? 0.0 : error / largest[i];
            worst = relative <= worst ? worst : relative; /* NaN stays */
        }
    }
    return worst;
}

static double run_case(uns_context *context, const golden *file, const json_t *item,
                       uns_dtype dtype, size_t replicas) {
    uns_layout *layout = make_layout(context, dtype, replicas);
    uns_optimizer *optimizer =
        make_optimizer(context, layout, text(item, "preset"), text(item, "values"));
    buffers b = {.dtype = dtype, .replicas = replicas};
    double worst = 0.0, largest[D] = {0};
    size_t point = 0;
    put_all(&b, false, file->start, json_number_value(json_object_get(item, "start")));
    for (int t = 1; t <= STEPS; t++) {
        put_all(&b, true, file->gradient[t - 1], 1.0);
        step(optimizer, &b);
        if (t != file->at[point])
            continue;
        double now = worst_at(&b, json_array_get(json_object_get(item, "x"), point), largest);
        worst = now <= worst ? worst : now;
        point++;
    }
    cr_expect_eq(point, POINTS);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    return worst;
}

static void run_cases(const char *preset, uns_dtype dtype, size_t replicas, double tolerance,
                      size_t at_least) {
    golden file;
    uns_context *context = NULL;
    size_t index, ran = 0;
    json_t *item;
    if (!uns_dense_available() && strcmp(preset, "adafactor") != 0)
        return; /* the others need LAPACK, and are refused at create */
    open_golden(&file);
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    json_array_foreach(file.cases, index, item) {
        if (*preset && strcmp(text(item, "preset"), preset) != 0)
            continue;
        double worst = run_case(context, &file, item, dtype, replicas);
        cr_expect(worst <= tolerance, "%s %s: off by %.2e", text(item, "preset"),
                  text(item, "values"), worst);
        ran++;
    }
    cr_expect_geq(ran, at_least, "only %zu cases", ran);
    uns_context_destroy(context);
    json_decref(file.root);
}

Test(matrix_methods, the_gradient_sequence_is_that_of_the_script) {
    golden file;
    open_golden(&file);
    for (size_t i = 0; i < D; i++)
        cr_expect_eq(file.gradient[STEPS - 1][i],
                     real(json_object_get(file.root, "last_gradient"), i));
    json_decref(file.root);
}

Test(matrix_methods, shampoo_follows_the_publication) {
    run_cases("shampoo", UNS_F64, 1, 1e-9, 13);
}

Test(matrix_methods, soap_follows_the_publication_by_eigh_and_by_qr) {
    run_cases("soap", UNS_F64, 1, 1e-9, 6);
}

Test(matrix_methods, adafactor_follows_the_publication) {
    run_cases("adafactor", UNS_F64, 1, 1e-9, 3);
}

Test(matrix_methods, muon_follows_the_publication_exact_and_by_five_steps) {
    run_cases("muon", UNS_F64, 1, 1e-9, 6);
}

Test(matrix_methods, each_of_three_replicas_follows_its_own_gradients) {
    run_cases("", UNS_F64, 3, 1e-9, 28);
}

Test(matrix_methods, f32_stays_near_f64) {
    run_cases("", UNS_F32, 1, 2e-3, 28);
    run_cases("", UNS_F32, 3, 2e-3, 28);
}
