/* SPDX-License-Identifier: MIT
 * What a step of GGT costs against the memory it must read: d = 1,000,000 parameters, r = 100
 * columns, f32 and f64, by one thread and by all. A step reads the columns twice. The bandwidth
 * is that of a read-only pass over the same columns by the same threads, in the same run,
 * interleaved with the steps; the ratio is step time over the time of two such passes, each the
 * least of the rounds, because other work on the machine only ever adds. In f32
 * two passes are the 8r bytes/parameter that one pass is in f64.
 *
 * Usage: ggt_cost [PARAMETERS [WINDOW]]     fails where a ratio is above 1.2
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/random.h>

#include "base/pool.h"

/* Of OpenBLAS; NULL in a build without it. Its threads would only wait for one another. */
extern void openblas_set_num_threads(int count) __attribute__((weak));

enum {
    ROUNDS = 60,
    PIECE = 1 << 18 /* bytes a task reads */
};

static const double bound = 1.2;

/* Of one thread: the processor's, so that other work on the machine counts less. */
static double seconds(int threads) {
    struct timespec now;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

typedef struct reading {
    const unsigned char *from;
    size_t bytes;
    uint64_t *sums; /* one a piece: nothing is shared, nothing can be left out */
} reading;

typedef uint64_t words __attribute__((vector_size(64)));

static void read_piece(void *user, size_t index) {
    const reading *my = user;
    words sum[4] = {{0}};
    const unsigned char *at = my->from + index * PIECE;
    for (size_t i = 0; i < PIECE; i += sizeof sum)
        for (size_t j = 0; j < 4; j++) {
            words part;
            memcpy(&part, at + i + j * sizeof part, sizeof part);
            sum[j] += part;
        }
    sum[0] += sum[1] + sum[2] + sum[3];
    my->sums[index] = sum[0][0] ^ sum[0][1] ^ sum[0][2] ^ sum[0][3] ^ sum[0][4] ^ sum[0][5] ^
                      sum[0][6] ^ sum[0][7];
}

static double read_twice(uns_context *context, const reading *work) {
    int threads = uns_context_threads(context);
    double before = seconds(threads);
    for (int pass = 0; pass < 2; pass++)
        uns_pool_run(uns_context_pool(context), work->bytes / PIECE, read_piece,
                     (void *)(uintptr_t)work);
    return seconds(threads) - before;
}

static double least(const double *times) {
    double best = times[0];
    for (int i = 1; i < ROUNDS; i++)
        best = times[i] < best ? times[i] : best;
    return best;
}

typedef struct bench {
    uns_context *context;
    uns_layout *layout;
    uns_optimizer *optimizer;
    size_t d, window, width;
    void *x, *g;
    double *normals;
} bench;

/* A gradient that differs from step to step at no cost: the same numbers, turned round. */
static void fill_gradient(bench *b, size_t step) {
    for (size_t i = 0; i < b->d; i++) {
        double value = b->normals[(i + 7919 * step) % b->d];
        if (b->width == sizeof(float))
            ((float *)b->g)[i] = (float)value;
        else
            ((double *)b->g)[i] = value;
    }
}

static uns_status step(bench *b) {
    const void *g = b->g;
    return uns_optimizer_step(b->optimizer, (uns_tensors){&b->x, 1},
                              (uns_const_tensors){&g, 1});
}

static uns_status open_optimizer(bench *b) {
    uns_spec spec;
    uns_status status = uns_spec_preset(b->context, "ggt", &spec);
    spec.structure_window = (int64_t)b->window;
    uns_block block = {"x", b->d, 1, 0};
    uns_layout_config shape = {sizeof shape, b->width == sizeof(float) ? UNS_F32 : UNS_F64, 1,
                               1, &block};
    if (status == UNS_OK)
        status = uns_layout_create(b->context, &shape, &b->layout);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = b->layout, .count = 1, .specs = &spec};
    return status == UNS_OK ? uns_optimizer_create(b->context, &config, &b->optimizer) : status;
}

/* The steps that fill the window: observations alone, which are the quickest. */
static uns_status fill_window(bench *b) {
    uns_status status = UNS_OK;
    for (size_t t = 0; t < b->window && status == UNS_OK; t++) {
        const void *x = b->x, *g = b->g;
        fill_gradient(b, t);
        status = uns_optimizer_observe(b->optimizer, (uns_const_tensors){&x, 1},
                                       (uns_const_tensors){&g, 1});
    }
    return status;
}

static uns_status measure(bench *b, double *ratio) {
    uns_state_view view;
    uns_structure_report report;
    double steps[ROUNDS], reads[ROUNDS];
    uns_status status = uns_optimizer_state(b->optimizer, 0, "structure", &view);
    size_t pieces = view.count / PIECE, used = pieces * PIECE;
    uint64_t *sums = calloc(pieces, sizeof *sums);
    const reading work = {view.data, used, sums};
    for (int i = -1; sums && i < ROUNDS && status == UNS_OK;
         i++) { /* the first is for warmth */
        fill_gradient(b, (size_t)(1000 + i));
        int threads = uns_context_threads(b->context);
        double before = seconds(threads);
        status = step(b);
        double taken = seconds(threads) - before, read = read_twice(b->context, &work);
        if (i >= 0) {
            steps[i] = taken;
            reads[i] = read;
        }
    }
    free(sums);
    if (status == UNS_OK)
        status = uns_optimizer_structure_report(b->optimizer, 0, &report);
    double s = least(steps), r = least(reads);
    *ratio = s / r;
    printf("%4s  %7d  %9.1f  %11.2f  %9.1f  %8.1f  %6.2f\n",
           b->width == sizeof(float) ? "f32" : "f64", uns_context_threads(b->context), 1e3 * s,
           1e9 * s / (double)b->d, 1e3 * r, 2e-9 * (double)used / r, *ratio);
    return status;
}

static uns_status run(size_t d, size_t window, int threads, size_t width, double *ratio) {
    uns_context_config config = {.size = sizeof config, .threads = threads};
    bench b = {.d = d, .window = window, .width = width};
    uns_status status = uns_context_create(&config, &b.context);
    if (status != UNS_OK)
        return status;
    b.x = calloc(d, width);
    b.g = calloc(d, width);
    b.normals = calloc(d, sizeof *b.normals);
    status = b.x && b.g && b.normals ? open_optimizer(&b) : UNS_ERROR_MEMORY;
    if (status == UNS_OK) {
        uns_random_normal((uns_key){.seed = 1, .stream = UNS_STREAM_USER}, 0, d, b.normals);
        status = fill_window(&b);
    }
    if (status == UNS_OK)
        status = measure(&b, ratio);
    if (status != UNS_OK)
        fprintf(stderr, "ggt_cost: %s\n", uns_context_message(b.context));
    uns_optimizer_destroy(b.optimizer);
    uns_layout_destroy(b.layout);
    free(b.x);
    free(b.g);
    free(b.normals);
    uns_context_destroy(b.context);
    return status;
}

int main(int count, char **arguments) {
    size_t d = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000;
    size_t window = count > 2 ? strtoull(arguments[2], NULL, 10) : 100;
    int failed = 0, passed = 0;
    if (d < 1000 || window < 1) {
        fprintf(stderr, "usage: ggt_cost [PARAMETERS [WINDOW]]\n");
        return 2;
    }
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    printf("GGT, %zu parameters, window %zu: a step against two read-only passes\n", d, window);
    printf("type  threads    step ms  ns/parameter   read ms    GB/s  ratio\n");
    for (size_t width = sizeof(float); width <= sizeof(double); width *= 2)
        for (int threads = 1; threads >= 0; threads--) { /* 0: all */
            double ratio;
            if (run(d, window, threads, width, &ratio) != UNS_OK)
                return 1;
            failed += !(ratio <= bound);
            passed += ratio <= bound;
        }
    printf("at most %.1f of two passes: %d passed, %d failed, 0 skipped\n", bound, passed,
           failed);
    return failed != 0;
}
