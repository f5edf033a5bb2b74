/* SPDX-License-Identifier: MIT
 * Every preset against oracles from outside: the trajectories of tests/golden, made by
 * tests/tools/torch_trajectories.py with PyTorch or, where it lacks a method or a convention,
 * from the publication. The gradients are a fixed sequence, made here by the same integer
 * recursion; x enters through weight decay and trust ratios only, so nothing is chaotic.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/optimizer.h>

enum {
    D = 7,    /* coordinates: block a is 2 × 2, block b has 3 */
    A = 4,    /* of them in block a */
    MOST = 3, /* replicas */
    STEPS = 200,
    POINTS = 9 /* recorded steps */
};

typedef struct golden {
    json_t *root, *cases;
    int at[POINTS];
    double start[D];
    double gradient[STEPS][D];
} golden;

static uint64_t whole(const json_t *root, const char *key) {
    return strtoull(json_string_value(json_object_get(root, key)), NULL, 10);
}

static double real(const json_t *list, size_t index) {
    return json_number_value(json_array_get(list, index));
}

/* g[t][i] = scale_i·(±drift + (2u − 1)), u from a 64-bit linear congruence. */
static void make_gradients(golden *file) {
    const json_t *scales = json_object_get(file->root, "scales");
    uint64_t state = whole(file->root, "seed");
    uint64_t multiplier = whole(file->root, "multiplier"), addend = whole(file->root, "addend");
    double drift = json_number_value(json_object_get(file->root, "drift"));
    json_int_t silent = json_integer_value(json_object_get(file->root, "silent"));
    for (int t = 0; t < STEPS; t++) {
        for (int i = 0; i < D; i++) {
            state = state * multiplier + addend;
            double u = (double)(state >> 11) * 0x1p-53;
            file->gradient[t][i] =
                real(scales, (size_t)i) * ((i % 2 ? -drift : drift) + (2.0 * u - 1.0));
        }
        if (t < silent)
            file->gradient[t][D - 1] = 0.0;
    }
}

static void open_golden(golden *file) {
    json_error_t error;
    file->root = json_load_file(UNS_GOLDEN "/torch_trajectories.json", 0, &error);
    cr_assert_not_null(file->root, "%s:%d: %s", error.source, error.line, error.text);
    file->cases = json_object_get(file->root, "cases");
    cr_assert_geq(json_array_size(file->cases), 80);
    const json_t *at = json_object_get(file->root, "steps");
    for (size_t k = 0; k < POINTS; k++)
        file->at[k] = (int)json_integer_value(json_array_get(at, k));
    for (size_t i = 0; i < D; i++)
        file->start[i] = real(json_object_get(file->root, "start"), i);
    make_gradients(file);
}

static const char *text(const json_t *item, const char *key) {
    return json_string_value(json_object_get(item, key));
}

/* Parameters and gradients of all replicas in either precision. */
typedef struct buffers {
    uns_dtype dtype;
    size_t replicas;
    double x64[D * MOST], g64[D * MOST];
    float x32[D * MOST], g32[D * MOST];
} buffers;

static void *place(buffers *b, bool gradient, size_t i) {
    if (b->dtype == UNS_F64)
        return (gradient ? b->g64 : b->x64) + i * b->replicas;
    return (gradient ? b->g32 : b->x32) + i * b->replicas;
}

static void put(buffers *b, bool gradient, size_t i, size_t replica, double value) {
    if (b->dtype == UNS_F64)
        ((double *)place(b, gradient, i))[replica] = value;
    else
        ((float *)place(b, gradient, i))[replica] = (float)value;
}

static double get(buffers *b, size_t i, size_t replica) {
    return b->dtype == UNS_F64 ? ((double *)place(b, false, i))[replica]
                               : (double)((float *)place(b, false, i))[replica];
}

/* One replica follows the oracle. Of three, the first sees no gradient, the second follows, and
 * the third is its mirror image: every method here is odd in (x, g). */
static double sign_of(size_t replicas, size_t replica) {
    static const double signs[MOST] = {0.0, 1.0, -1.0};
    return replicas == 1 ? 1.0 : signs[replica];
}

static void put_all(buffers *b, bool gradient, const double *values, double factor) {
    for (size_t i = 0; i < D; i++)
        for (size_t r = 0; r < b->replicas; r++)
            put(b, gradient, i, r, factor * sign_of(b->replicas, r) * values[i]);
}

static uns_layout *make_layout(uns_context *context, uns_dtype dtype, size_t replicas) {
    const uns_block blocks[] = {{"a", 2, 2, 0}, {"b", 3, 1, 0}};
    const uns_layout_config config = {sizeof config, dtype, replicas, 2, blocks};
    uns_layout *layout = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK, "%s",
                 uns_context_message(context));
    return layout;
}

static uns_spec read_spec(uns_context *context, const char *preset, const char *values) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK,
                 "%s %s: %s", preset, values, uns_context_message(context));
    return spec;
}

static uns_optimizer *make_optimizer(uns_context *context, const uns_layout *layout,
                                     const uns_spec *spec, uns_oracle oracle) {
    const uns_optimizer_config config = {sizeof config, layout, 1, spec, oracle, 0};
    uns_optimizer *optimizer = NULL;
    cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK, "%s: %s",
                 spec->moment, uns_context_message(context));
    return optimizer;
}

static void step(uns_optimizer *optimizer, buffers *b, bool without_b) {
    void *x[] = {place(b, false, 0), place(b, false, A)};
    const void *g[] = {place(b, true, 0), without_b ? NULL : place(b, true, A)};
    uns_status status =
        uns_optimizer_step(optimizer, (uns_tensors){x, 2}, (uns_const_tensors){g, 2});
    cr_assert_eq(status, UNS_OK);
}

/* Largest |x − oracle| in units of the largest |oracle| so far, by coordinate; a coordinate
 * that has not moved yet must be equal. */
static double worst_at(buffers *b, const json_t *row, double *largest) {
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
    uns_spec spec = read_spec(context, text(item, "preset"), text(item, "values"));
    uns_layout *layout = make_layout(context, dtype, replicas);
    uns_optimizer *optimizer = make_optimizer(context, layout, &spec, (uns_oracle){NULL, NULL});
    buffers b = {.dtype = dtype, .replicas = replicas};
    bool absent = json_is_true(json_object_get(item, "absent"));
    double worst = 0.0, largest[D] = {0};
    size_t point = 0;
    put_all(&b, false, file->start, json_number_value(json_object_get(item, "start")));
    for (int t = 1; t <= STEPS; t++) {
        put_all(&b, true, file->gradient[t - 1], 1.0);
        step(optimizer, &b, absent && t % 3 == 1);
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

static void run_cases(const char *oracle, uns_dtype dtype, size_t replicas, double tolerance,
                      size_t at_least) {
    golden file;
    uns_context *context = NULL;
    size_t index, ran = 0;
    json_t *item;
    open_golden(&file);
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    json_array_foreach(file.cases, index, item) {
        if (strncmp(text(item, "oracle"), oracle, strlen(oracle)) != 0)
            continue;
        double worst = run_case(context, &file, item, dtype, replicas);
        cr_expect(worst <= tolerance, "%s: off by %.2e; %s", text(item, "name"), worst,
                  text(item, "oracle"));
        ran++;
    }
    cr_expect_geq(ran, at_least, "only %zu cases", ran);
    uns_context_destroy(context);
    json_decref(file.root);
}

Test(trajectories, the_gradient_sequence_is_that_of_the_script) {
    golden file;
    open_golden(&file);
    for (size_t i = 0; i < D; i++)
        cr_expect_eq(file.gradient[STEPS - 1][i],
                     real(json_object_get(file.root, "last_gradient"), i));
    json_decref(file.root);
}

Test(trajectories, torch_is_followed_to_1e12_in_f64) {
    run_cases("torch.", UNS_F64, 1, 1e-12, 40);
}

Test(trajectories, publications_are_followed_to_1e12_in_f64) {
    run_cases("published", UNS_F64, 1, 1e-12, 40);
}

Test(trajectories, each_of_three_replicas_follows_its_own_gradients) {
    run_cases("", UNS_F64, 3, 1e-12, 80);
}

Test(trajectories, f32_stays_near_f64) {
    run_cases("", UNS_F32, 1, 5e-5, 80);
    run_cases("", UNS_F32, 3, 5e-5, 80);
}

/* Cases of this preset in one of the files. */
static size_t count_cases(const char *name, const char *preset) {
    char path[400];
    size_t index, found = 0;
    json_t *item;
    snprintf(path, sizeof path, "%s/%s", UNS_GOLDEN, name);
    json_t *root = json_load_file(path, 0, NULL);
    cr_assert_not_null(root, "%s", path);
    json_array_foreach(json_object_get(root, "cases"), index, item) found +=
        strcmp(text(item, "preset"), preset) == 0;
    json_decref(root);
    return found;
}

/* Structures other than elementwise ones have their files, which tests of their own follow. */
Test(trajectories, every_preset_has_an_outside_trajectory) {
    static const char *const files[] = {"torch_trajectories.json", "dense_references.json",
                                        "ggt_reference.json", "matrix_references.json"};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        size_t found = 0;
        for (size_t k = 0; k < sizeof files / sizeof *files; k++)
            found += count_cases(files[k], preset->name);
        bool oracle_needed = strcmp(preset->name, "idealized") == 0; /* tested below */
        cr_expect(found > 0 || oracle_needed, "no case for preset '%s'", preset->name);
    }
    uns_context_destroy(context);
}

/* Largest relative difference of two specs' trajectories over all steps. */
static double difference(uns_context *context, const golden *file, const uns_spec *one,
                         const uns_spec *two) {
    uns_layout *layout = make_layout(context, UNS_F64, 1);
    uns_optimizer *first = make_optimizer(context, layout, one, (uns_oracle){NULL, NULL});
    uns_optimizer *second = make_optimizer(context, layout, two, (uns_oracle){NULL, NULL});
    buffers a = {.dtype = UNS_F64, .replicas = 1}, b = a;
    double worst = 0.0;
    for (int t = 0; t < STEPS; t++) {
        put_all(&a, true, file->gradient[t], 1.0);
        put_all(&b, true, file->gradient[t], 1.0);
        step(first, &a, false);
        step(second, &b, false);
        for (size_t i = 0; i < D; i++) {
            double gap = fabs(get(&a, i, 0) - get(&b, i, 0));
            worst = fmax(worst, gap / fmax(fabs(get(&a, i, 0)), 1e-300));
        }
    }
    uns_optimizer_destroy(first);
    uns_optimizer_destroy(second);
    uns_layout_destroy(layout);
    return worst;
}

Test(trajectories, adagrad_is_the_mean_with_an_inverse_sqrt_schedule) {
    golden file;
    uns_context *context = NULL;
    open_golden(&file);
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    uns_spec sum = read_spec(context, "adagrad", "epsilon=0");
    uns_spec mean =
        read_spec(context, "adagrad", "epsilon=0 moment=mean schedule=inverse_sqrt");
    cr_expect_lt(difference(context, &file, &sum, &mean), 1e-11);
    uns_spec wrong = read_spec(context, "adagrad", "epsilon=0 moment=mean");
    cr_expect_gt(difference(context, &file, &sum, &wrong), 1e-2);
    uns_context_destroy(context);
    json_decref(file.root);
}

/* G = (t + 1)²·(i + 1)² at call t + 1, or zero for the last coordinate of block b. */
typedef struct counting_oracle {
    int calls;
    uns_about about;
} counting_oracle;

static uns_status second_moment(void *self, uns_const_tensors x, uns_about about,
                                uns_shape shape, uns_tensors out) {
    counting_oracle *oracle = self;
    double *a = out.data[0], *b = out.data[1];
    if (x.count != 2 || shape != UNS_SHAPE_DIAGONAL)
        return UNS_ERROR_CALLBACK;
    oracle->calls++;
    oracle->about = about;
    for (int i = 0; i < D; i++) {
        double root = oracle->calls * (i + 1.0);
        *(i < A ? &a[i] : &b[i - A]) = i == D - 1 ? 0.0 : root * root;
    }
    return UNS_OK;
}

/* x after three steps with all gradients 1: Σ_t η/√G_i(t), and 0 where G is 0. */
static void run_idealized(const char *values, const double roots[3], int calls,
                          uns_about about) {
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    uns_spec spec = read_spec(context, "idealized", values);
    counting_oracle oracle = {0};
    uns_layout *layout = make_layout(context, UNS_F64, 1);
    uns_optimizer *optimizer =
        make_optimizer(context, layout, &spec, (uns_oracle){&oracle, second_moment});
    buffers b = {.dtype = UNS_F64, .replicas = 1};
    const double ones[D] = {1, 1, 1, 1, 1, 1, 1};
    for (int t = 0; t < 3; t++) {
        put_all(&b, true, ones, 1.0);
        step(optimizer, &b, false);
    }
    double sum = 1.0 / roots[0] + 1.0 / roots[1] + 1.0 / roots[2];
    for (size_t i = 0; i < D - 1; i++)
        cr_expect_float_eq(get(&b, i, 0), -1e-3 * sum / ((double)i + 1.0), 1e-17);
    cr_expect_eq(get(&b, D - 1, 0), 0.0);
    cr_expect_eq(oracle.calls, calls);
    cr_expect_eq(oracle.about, about);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    uns_context_destroy(context);
}

Test(trajectories, idealized_divides_by_the_root_of_the_oracle_at_every_step) {
    run_idealized("", (const double[]){1, 2, 3}, 3, UNS_ABOUT_SECOND_MOMENT);
    run_idealized("about=covariance", (const double[]){1, 2, 3}, 3, UNS_ABOUT_COVARIANCE);
}

Test(trajectories, idealized_about_frozen_asks_the_oracle_once) {
    run_idealized("about=frozen", (const double[]){1, 1, 1}, 1, UNS_ABOUT_FROZEN);
}
