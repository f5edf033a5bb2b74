/* SPDX-License-Identifier: MIT
 * What a two-sided Kronecker step on one 1024 × 1024 block costs, in products of two matrices
 * of that size (GEMMs) measured in the same run, one before every step. One thread; f64. Timed
 * from root to root in the steady state, so that the share of roots is in the sum.
 *
 * The BLAS core is settled as the program's own is (cli/core.c), so that the step and the GEMMs
 * it is measured by both run on the kernels that runs use.
 *
 * Usage: kron_cost [PRESET [KEY=VALUE ...]]; default: shampoo. Fails above 2.5 GEMMs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/random.h>

#include <cblas.h>

#include "cli.h"

enum {
    N = 1024,
    LONGEST = 1000 /* steps to wait for a root */
};

static const double bound = 2.5;

typedef struct bench {
    uns_context *context;
    uns_optimizer *optimizer;
    double *x, *g, *a, *b, *c;
    double steps, gemms, plain, largest; /* seconds: sums, least and largest step */
} bench;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void require(const bench *my, uns_status status) {
    if (status == UNS_OK)
        return;
    fprintf(stderr, "kron_cost: %s\n", uns_context_message(my->context));
    exit(1);
}

static double *filled(uint64_t seed) {
    uns_key key = {seed, 0, 0, UNS_STREAM_USER};
    double *values = malloc(sizeof *values * N * N);
    if (values)
        uns_random_normal(key, 0, (size_t)N * N, values);
    return values;
}

static void open_bench(bench *my, const uns_spec *spec) {
    uns_block block = {"w", N, N, 0};
    uns_layout_config shape = {sizeof shape, UNS_F64, 1, 1, &block};
    uns_layout *layout = NULL;
    require(my, uns_layout_create(my->context, &shape, &layout));
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = spec};
    require(my, uns_optimizer_create(my->context, &config, &my->optimizer));
    my->x = filled(1);
    my->g = filled(2);
    my->a = filled(3);
    my->b = filled(4);
    my->c = filled(5);
    if (!my->x || !my->g || !my->a || !my->b || !my->c)
        exit(1);
}

static double time_gemm(const bench *my) {
    double begin = seconds();
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1.0, my->a, N, my->b, N,
                0.0, my->c, N);
    return seconds() - begin;
}

/* A step with a new gradient; its making is not timed. */
static double time_step(bench *my, uint64_t t, bool moving) {
    uns_key key = {7, t, 0, UNS_STREAM_USER};
    void *x[1] = {my->x};
    const void *g[1] = {my->g};
    uns_const_tensors gradient = {g, 1}, now = {(const void *const *)x, 1};
    uns_random_normal(key, 0, (size_t)N * N, my->g);
    double begin = seconds();
    require(my, moving ? uns_optimizer_step(my->optimizer, (uns_tensors){x, 1}, gradient)
                       : uns_optimizer_observe(my->optimizer, now, gradient));
    return seconds() - begin;
}

static uns_structure_report report_of(const bench *my) {
    uns_structure_report report;
    require(my, uns_optimizer_structure_report(my->optimizer, 0, &report));
    return report;
}

/* Steps, each with a GEMM before it, until one has taken roots; the steps taken. */
static uint64_t run_period(bench *my, uint64_t t) {
    uint64_t before = report_of(my).roots, taken = 0;
    my->steps = my->gemms = my->largest = 0.0;
    my->plain = 1e9;
    for (; report_of(my).roots == before && taken < LONGEST; taken++) {
        my->gemms += time_gemm(my);
        double step = time_step(my, t + taken, true);
        my->steps += step;
        my->plain = step < my->plain ? step : my->plain;
        my->largest = step > my->largest ? step : my->largest;
    }
    return taken;
}

/* A period from root to root of the steady state: the first step takes roots because there are
 * none, the second roots come when the next are due, and the third end the period timed. */
static double run(bench *my, const uns_spec *spec) {
    uint64_t settled = spec->refresh > 0 ? (uint64_t)spec->refresh : 100, period = 0;
    for (uint64_t t = 0; t < settled; t++)
        time_step(my, t, false);
    for (int turn = 0; turn < 3; turn++)
        settled += period = run_period(my, settled);
    uns_structure_report report = report_of(my);
    double gemm = my->gemms / (double)period, step = my->steps / (double)period;
    printf("gemm %d: %.2f ms, %.1f GFLOP/s (core %s)\n", N, 1e3 * gemm,
           2e-9 * N * (double)N * N / gemm, openblas_get_corename());
    printf("step:      %.2f ms amortised over %llu (least %.2f, largest %.2f)\n", 1e3 * step,
           (unsigned long long)period, 1e3 * my->plain, 1e3 * my->largest);
    printf("root:      %.2f ms, %llu taken in all, errors below %.1e\n",
           1e3 * report.seconds / (double)report.roots, (unsigned long long)report.roots,
           report.error);
    return step / gemm;
}

int main(int count, char **words) {
    bench my = {0};
    uns_context_config one = {.size = sizeof one, .threads = 1};
    uns_spec spec;
    cli_core_settle(words);
    require(&my, uns_context_create(&one, &my.context));
    require(&my, uns_spec_preset(my.context, count > 1 ? words[1] : "shampoo", &spec));
    for (int i = 2; i < count; i++)
        require(&my, uns_param_assign(my.context, uns_spec_table(), &spec, words[i]));
    open_bench(&my, &spec);
    double ratio = run(&my, &spec);
    bool passed = ratio <= bound;
    printf("a step: %.3f GEMMs, at most %.1f: %d passed, %d failed, 0 skipped\n", ratio, bound,
           passed, !passed);
    return !passed;
}
