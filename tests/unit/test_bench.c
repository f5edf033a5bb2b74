/* SPDX-License-Identifier: MIT
 * The bench of the step: what it lists, what it refuses, and that the limit pattern changes
 * nothing. No timed figure is judged.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

static uns_context *open_context(void) {
    uns_context_config config = {.size = sizeof config, .threads = 2};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

static uns_bench_config small(void) {
    return (uns_bench_config){.size = sizeof(uns_bench_config),
                              .rules = "adamw,sgd",
                              .layouts = "1x300,5x7",
                              .threads = "1,2",
                              .seconds = 0.01};
}

Test(bench, every_combination_is_a_row) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    uns_bench_config config = small();
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_eq(uns_bench_count(bench), 8);
    for (size_t i = 0; i < 8; i++) {
        const uns_bench_row *row = uns_bench_row_at(bench, i);
        cr_assert_eq(row->threads, i % 2 ? 2 : 1);
        cr_assert_str_eq(row->rule, i / 2 % 2 ? "sgd" : "adamw");
        cr_assert_eq(row->length, i < 4 ? 300 : 7);
        cr_assert_eq(row->tensors, i < 4 ? 1 : 5);
    }
    cr_assert_null(uns_bench_row_at(bench, 8));
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

Test(bench, all_rules_are_those_that_gradients_feed) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    uns_bench_config config = small();
    config.rules = "all";
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_geq(uns_bench_count(bench), 4 * 15);
    for (size_t i = 0; i < uns_bench_count(bench); i++) {
        cr_assert_str_neq(uns_bench_row_at(bench, i)->rule, "idealized");
        cr_assert_str_neq(uns_bench_row_at(bench, i)->rule, "adagrad-norm");
    }
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

static void expect_refusal(uns_bench_config config, uns_status wanted, const char *message) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    cr_assert_eq(uns_bench_create(context, &config, &bench), wanted);
    cr_assert_null(bench);
    cr_assert(strstr(uns_context_message(context), message), "%s",
              uns_context_message(context));
    uns_context_destroy(context);
}

Test(bench, wrong_words_are_named) {
    uns_bench_config config = small();
    config.rules = "adamw,adamx";
    expect_refusal(config, UNS_ERROR_NAME, "adamx");
    config = small();
    config.layouts = "1x3,100";
    expect_refusal(config, UNS_ERROR_FORMAT, "'100' is no layout");
    config.layouts = "1x0";
    expect_refusal(config, UNS_ERROR_FORMAT, "'1x0'");
    config.layouts = "1x1.5";
    expect_refusal(config, UNS_ERROR_FORMAT, "'1x1.5'");
    config.layouts = "1x99999999G";
    expect_refusal(config, UNS_ERROR_RANGE, "1e15");
    config.layouts = " , ";
    expect_refusal(config, UNS_ERROR_ARGUMENT, "empty");
    config = small();
    config.threads = "1,300";
    expect_refusal(config, UNS_ERROR_FORMAT, "'300'");
    config = small();
    config.values = "eta=fast";
    expect_refusal(config, UNS_ERROR_FORMAT, "fast");
    config = small();
    config.seconds = -1;
    expect_refusal(config, UNS_ERROR_RANGE, "seconds");
}

Test(bench, memory_is_stated_and_what_does_not_fit_is_refused) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    uns_bench_config config = small();
    config.layouts = "1x1M";
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_geq(uns_bench_bytes(bench), 4e6 * 4); /* x, g, m, C of AdamW */
    uns_bench_destroy(bench);
    config.layouts = "1x100000G";
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_eq(uns_bench_run(bench), UNS_ERROR_RANGE);
    cr_assert(strstr(uns_context_message(context), "GiB"));
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

Test(bench, rows_are_timed_and_found_again_in_the_file) {
    char path[] = "/tmp/unsaddle-bench-XXXXXX";
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    uns_bench_config config = small();
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_eq(uns_bench_run(bench), UNS_OK, "%s", uns_context_message(context));
    char *json = NULL;
    cr_assert_eq(uns_bench_json(bench, &json), UNS_OK);
    FILE *file = fdopen(mkstemp(path), "w");
    cr_assert_not_null(file);
    fputs(json, file);
    fclose(file);
    size_t found = 0;
    cr_assert_eq(uns_bench_compare(bench, path, &found), UNS_OK);
    cr_assert_eq(found, 8);
    for (size_t i = 0; i < 8; i++) {
        const uns_bench_row *row = uns_bench_row_at(bench, i);
        const bool adamw = strcmp(row->rule, "adamw") == 0;
        cr_assert_eq(row->bytes, adamw ? 28 : 12);
        cr_assert(row->warm.best > 0 && row->warm.median >= row->warm.best);
        cr_assert(row->cold.best > 0 && row->limit_warm.best > 0 && row->share > 0);
        cr_assert_float_eq(row->before, row->warm.best, 1e-4 * row->before);
    }
    uns_bench_destroy(bench);
    config.values = "clip.norm=1";
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_eq(uns_bench_compare(bench, path, &found), UNS_ERROR_PAIR);
    cr_assert(strstr(uns_context_message(context), "with 'clip.norm=1'"));
    unlink(path);
    free(json);
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

/* Under valgrind or the address sanitizer: what a structure keeps is no array of the limit's.
 */
Test(bench, whole_structures_are_timed_by_their_elementwise_arrays) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    uns_bench_config config = small();
    config.rules = "adagrad-norm,adafactor,sgd";
    config.layouts = "1x3000";
    config.subnormal = true;
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_eq(uns_bench_run(bench), UNS_OK, "%s", uns_context_message(context));
    for (size_t i = 0; i < 2; i++) /* g read, x read and written, as with sgd */
        cr_expect_eq(uns_bench_row_at(bench, i)->bytes, uns_bench_row_at(bench, 4)->bytes);
    cr_expect_gt(uns_bench_row_at(bench, 2)->bytes, 0);
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

Test(bench, fewer_bits_are_timed_beside_the_same_step_in_f32) {
    uns_context *context = open_context();
    uns_bench_config config = {.size = sizeof config,
                               .rules = "adamw:bf16,adamw:q8:bf16,adamw:f32",
                               .layouts = "1x3000",
                               .threads = "1",
                               .seconds = 0.01};
    static const double bytes[] = {4 + 8 + 4 + 4, 2 + 4 + 2 + 2 + 4, 28};
    uns_bench *bench = NULL;
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_bench_run(bench), UNS_OK, "%s", uns_context_message(context));
    cr_assert_str_eq(uns_bench_row_at(bench, 1)->rule, "adamw:q8:bf16");
    for (size_t i = 0; i < 3; i++) {
        const uns_bench_row *row = uns_bench_row_at(bench, i);
        cr_assert_eq(row->bytes, bytes[i], "%s: %g", row->rule, row->bytes);
        cr_assert_eq(row->wide.best > 0, i < 2);
        cr_assert_eq(row->share_wide > 0, i < 2);
    }
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

Test(bench, subnormal_numbers_are_timed_beside_when_asked_for) {
    uns_context *context = open_context();
    for (int asked = 0; asked < 2; asked++) {
        uns_bench *bench = NULL;
        uns_bench_config config = small();
        config.rules = "adamw";
        config.layouts = "1x300";
        config.subnormal = asked;
        cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
        const double bytes = uns_bench_bytes(bench) - (double)uns_bench_eviction_bytes();
        cr_assert_eq(bytes >= 300 * 7 * 4.0, asked); /* x, two gradients, m and C twice */
        cr_assert_eq(uns_bench_run(bench), UNS_OK, "%s", uns_context_message(context));
        for (size_t i = 0; i < 2; i++) {
            const uns_bench_row *row = uns_bench_row_at(bench, i);
            cr_assert_eq(row->faint.best > 0 && row->share_faint > 0, asked);
            cr_assert_eq(isnan(row->share_faint), !asked);
        }
        uns_bench_destroy(bench);
    }
    uns_context_destroy(context);
}

static void expect_subnormal(const uns_optimizer *optimizer, size_t tensor, uns_piece piece,
                             size_t length) {
    float room[UNS_CHUNK];
    const float *c =
        uns_wide_piece(optimizer, &optimizer->blocks[tensor], piece, 0, length, room);
    for (size_t k = 0; k < length; k++)
        cr_assert(c[k] > 0 && c[k] < FLT_MIN, "%a", (double)c[k]);
}

Test(bench, what_is_called_subnormal_is) {
    static const char *const states[] = {"auto", "bf16", "q8"};
    uns_context *context = open_context();
    const uns_bench_layout shape = {2, 300};
    for (int i = 0; i < 3; i++) {
        uns_layout *layout = NULL;
        uns_optimizer *optimizer = NULL;
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, "adamw", &spec), UNS_OK);
        cr_assert_eq(uns_param_set(context, uns_spec_table(), &spec, "state", states[i]),
                     UNS_OK);
        cr_assert_eq(uns_bench_make_layout(context, &shape, UNS_F32, &layout), UNS_OK);
        uns_optimizer_config config = {
            .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
        cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK);
        cr_assert_eq(uns_bench_make_faint(optimizer, 2, 300), UNS_OK);
        for (size_t k = 0; k < 2; k++) {
            expect_subnormal(optimizer, k, UNS_PIECE_MOMENTUM, 300);
            expect_subnormal(optimizer, k, UNS_PIECE_MOMENT, 300);
        }
        uns_optimizer_destroy(optimizer);
        uns_layout_destroy(layout);
    }
    uns_context_destroy(context);
}

Test(bench, an_interrupt_leaves_the_rows_done) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    volatile int stop = 1;
    uns_bench_config config = small();
    config.interrupt = &stop;
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK);
    cr_assert_eq(uns_bench_run(bench), UNS_OK);
    cr_assert_eq(uns_bench_count(bench), 0);
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

Test(bench, the_limit_pattern_leaves_every_byte_as_it_was) {
    enum {
        TENSORS = 3,
        LENGTH = 40001
    };
    const size_t width[3] = {4, 4, 2};
    uns_context *context = open_context();
    unsigned char *data[3], *copy[3];
    char *at[TENSORS * 3];
    for (int j = 0; j < 3; j++) {
        data[j] = malloc(TENSORS * LENGTH * width[j]);
        copy[j] = malloc(TENSORS * LENGTH * width[j]);
        for (size_t i = 0; i < TENSORS * LENGTH * width[j]; i++)
            data[j][i] = (unsigned char)(i * 37 + i / 251);
        memcpy(copy[j], data[j], TENSORS * LENGTH * width[j]);
        for (size_t i = 0; i < TENSORS; i++)
            at[i * 3 + (size_t)j] = (char *)data[j] + i * LENGTH * width[j];
    }
    uns_limit limit = {.kernels = uns_kernels_of(context),
                       .tensors = TENSORS,
                       .length = LENGTH,
                       .count = 3,
                       .at = at,
                       .width = {4, 4, 2}};
    uns_limit_run(&limit, uns_context_pool(context));
    for (int j = 0; j < 3; j++) {
        cr_assert_eq(memcmp(data[j], copy[j], TENSORS * LENGTH * width[j]), 0);
        free(data[j]);
        free(copy[j]);
    }
    uns_context_destroy(context);
}

static uns_bench_config dense(void) {
    return (uns_bench_config){
        .size = sizeof(uns_bench_config),
        .dense = "rmsprop-full:6x2:eta=1e-2,ggt:40x1,ggt:1000x1:f32:structure.window=20",
        .threads = "1,2",
        .seconds = 0.01};
}

Test(bench, the_dense_part_times_pairs_of_preset_and_tensor) {
    uns_context *context = open_context();
    uns_bench *bench = NULL;
    uns_bench_config config = dense();
    char *json = NULL;
    if (strcmp(uns_context_blas(NULL), "none") == 0)
        cr_skip_test("this build has no LAPACK");
    cr_assert_eq(uns_bench_create(context, &config, &bench), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_bench_count(bench), 6);
    cr_assert_null(uns_bench_row_at(bench, 0));
    cr_assert_eq(uns_bench_run(bench), UNS_OK, "%s", uns_context_message(context));
    for (size_t i = 0; i < 6; i++) {
        const uns_bench_dense_row *row = uns_bench_dense_at(bench, i);
        cr_assert_str_eq(row->rule, i < 2 ? "rmsprop-full" : i < 4 ? "ggt" : "ggt:f32");
        cr_assert_eq(row->cols, i < 2 ? 2 : 1);
        cr_assert_gt(row->steps, 0);
        cr_assert_gt(row->roots, 0);
        cr_assert(row->step >= row->least && row->least > 0);
        cr_assert(row->root_share > 0 && row->root_share < 1);
        cr_assert_eq(isfinite(row->gemm), i < 2);
    }
    cr_assert_leq(uns_bench_dense_at(bench, 4)->state, 20 * 1000 * 4 + 20000); /* f32 columns */
    cr_assert_eq(uns_bench_json(bench, &json), UNS_OK);
    cr_assert(strstr(json, "\"dense\": [") && strstr(json, "root_share"));
    free(json);
    uns_bench_destroy(bench);
    uns_context_destroy(context);
}

Test(bench, wrong_words_of_the_dense_part_are_named) {
    uns_bench_config config = dense();
    config.dense = "ggt";
    expect_refusal(config, UNS_ERROR_FORMAT, "'ggt' is no PRESET:ROWSxCOLS");
    config.dense = "gtt:10x1";
    expect_refusal(config, UNS_ERROR_NAME, "did you mean");
    config.dense = "ggt:10x1:f16";
    expect_refusal(config, UNS_ERROR_FORMAT, "f16");
    config.dense = "ggt:10";
    expect_refusal(config, UNS_ERROR_FORMAT, "'10' is no layout");
    config.dense = "adamw:10x1";
    expect_refusal(config, UNS_ERROR_PAIR, "no structure with a state of its own");
    config.dense = "";
    expect_refusal(config, UNS_ERROR_ARGUMENT, "empty");
}
