/* SPDX-License-Identifier: MIT
 * Every preset against oracles from outside: the trajectories of tests/golden, made by
 * tests/tools/torch_trajectories.py with PyTorch or, where it lacks a method or a convention,
 * from the publication. x enters through weight decay and trust ratios only, so nothing is
 * chaotic.
 */
#include "support/golden.h"

enum {
    D = 7, /* coordinates: block a is 2 × 2, block b has 3 */
    A = 4, /* of them in block a */
    STEPS = GOLDEN_STEPS
};

static void open_golden(golden *file) {
    static const uns_block blocks[] = {{"a", 2, 2, 0}, {"b", 3, 1, 0}};
    golden_open(file, "torch_trajectories.json", 2, blocks);
    cr_assert_eq(file->d, D);
    cr_assert_geq(json_array_size(file->cases), 80);
}

static void follow(const char *oracle, uns_dtype dtype, size_t replicas, double tolerance,
                   size_t at_least) {
    golden file;
    open_golden(&file);
    golden_hold(&file, (golden_claim){"oracle", oracle, dtype, replicas, tolerance, at_least});
    json_decref(file.root);
}

Test(trajectories, the_gradient_sequence_is_that_of_the_script) {
    golden file;
    open_golden(&file);
    golden_same_gradients(&file);
    json_decref(file.root);
}

Test(trajectories, torch_is_followed_to_1e12_in_f64) {
    follow("torch.", UNS_F64, 1, 1e-12, 40);
}

Test(trajectories, publications_are_followed_to_1e12_in_f64) {
    follow("published", UNS_F64, 1, 1e-12, 40);
}

Test(trajectories, each_of_three_replicas_follows_its_own_gradients) {
    follow("", UNS_F64, 3, 1e-12, 80);
}

Test(trajectories, f32_stays_near_f64) {
    follow("", UNS_F32, 1, 5e-5, 80);
    follow("", UNS_F32, 3, 5e-5, 80);
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
        strcmp(golden_text(item, "preset"), preset) == 0;
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
    uns_layout *layout = golden_layout(context, file, UNS_F64, 1);
    uns_optimizer *first = golden_optimizer(context, layout, one, (uns_oracle){NULL, NULL});
    uns_optimizer *second = golden_optimizer(context, layout, two, (uns_oracle){NULL, NULL});
    buffers a = golden_buffers(file, UNS_F64, 1), b = a;
    double worst = 0.0;
    for (int t = 0; t < STEPS; t++) {
        golden_put(&a, true, file->gradient[t], 1.0);
        golden_put(&b, true, file->gradient[t], 1.0);
        golden_step(first, &a, false);
        golden_step(second, &b, false);
        for (size_t i = 0; i < D; i++) {
            double gap = fabs(golden_get(&a, i, 0) - golden_get(&b, i, 0));
            worst = fmax(worst, gap / fmax(fabs(golden_get(&a, i, 0)), 1e-300));
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
    uns_spec sum = golden_spec(context, "adagrad", "epsilon=0");
    uns_spec mean =
        golden_spec(context, "adagrad", "epsilon=0 moment=mean schedule=inverse_sqrt");
    cr_expect_lt(difference(context, &file, &sum, &mean), 1e-11);
    uns_spec wrong = golden_spec(context, "adagrad", "epsilon=0 moment=mean");
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
    golden file;
    open_golden(&file);
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    uns_spec spec = golden_spec(context, "idealized", values);
    counting_oracle oracle = {0};
    uns_layout *layout = golden_layout(context, &file, UNS_F64, 1);
    uns_optimizer *optimizer =
        golden_optimizer(context, layout, &spec, (uns_oracle){&oracle, second_moment});
    buffers b = golden_buffers(&file, UNS_F64, 1);
    const double ones[D] = {1, 1, 1, 1, 1, 1, 1};
    for (int t = 0; t < 3; t++) {
        golden_put(&b, true, ones, 1.0);
        golden_step(optimizer, &b, false);
    }
    double sum = 1.0 / roots[0] + 1.0 / roots[1] + 1.0 / roots[2];
    for (size_t i = 0; i < D - 1; i++)
        cr_expect_float_eq(golden_get(&b, i, 0), -1e-3 * sum / ((double)i + 1.0), 1e-17);
    cr_expect_eq(golden_get(&b, D - 1, 0), 0.0);
    cr_expect_eq(oracle.calls, calls);
    cr_expect_eq(oracle.about, about);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    uns_context_destroy(context);
    json_decref(file.root);
}

Test(trajectories, idealized_divides_by_the_root_of_the_oracle_at_every_step) {
    run_idealized("", (const double[]){1, 2, 3}, 3, UNS_ABOUT_SECOND_MOMENT);
    run_idealized("about=covariance", (const double[]){1, 2, 3}, 3, UNS_ABOUT_COVARIANCE);
}

Test(trajectories, idealized_about_frozen_asks_the_oracle_once) {
    run_idealized("about=frozen", (const double[]){1, 1, 1}, 1, UNS_ABOUT_FROZEN);
}
