/* SPDX-License-Identifier: MIT
 * What a root costs: one product of n×n matrices, LAPACK's eigen-decomposition, a root by it
 * (with correction and estimate) and roots by Newton–Schulz at three conditions. Processor time
 * of one thread, the least of many, in microseconds; in brackets the same in products. Where
 * Newton–Schulz stops being the faster one, PRODUCTS_OF_EIGEN in src/la/root.c should say so.
 *
 * Usage: root_speed [LARGEST]
 */
#include "la/dense.h"
#include "la/root_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unsaddle/context.h>
#include <unsaddle/random.h>

enum {
    ROUNDS = 200
};

static const double most_s = 0.5; /* for one number */

extern void openblas_set_num_threads(int count);

typedef struct bench {
    size_t n;
    double *x, *c, *out;
    root_task task;
    uns_root root;
    uns_root_report report;
} bench;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_product(bench *b) {
    uns_dense_gemm(false, false, b->n, b->n, b->n, 1, b->x, b->n, b->c, b->n, 0, b->out, b->n);
}

static void run_decomposition(bench *b) {
    memcpy(b->out, b->c, b->n * b->n * sizeof *b->out);
    if (uns_dense_eigen(b->n, b->out, b->x, b->task.scratch) != UNS_OK)
        abort();
}

static void run_eigen(bench *b) {
    if (uns_root_by_eigen(&b->task) != UNS_OK)
        abort();
}

static void run_newton(bench *b) {
    if (!uns_root_by_newton(&b->task))
        abort();
}

/* Least microseconds. */
static double measure_us(bench *b, void (*run)(bench *)) {
    double least = INFINITY, begin = now_s();
    for (int round = 0; round < ROUNDS && (round < 3 || now_s() - begin < most_s); round++) {
        double start = now_s();
        run(b);
        least = fmin(least, now_s() - start);
    }
    return 1e6 * least;
}

static void *room(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!memory)
        abort();
    return memset(memory, 0, bytes);
}

/* C = XXᵀ/n for Gaussian X. */
static void open_bench(bench *b, size_t n) {
    size_t square = n * n * sizeof(double);
    *b = (bench){.n = n, .x = room(square), .c = room(square), .out = room(square)};
    uns_random_normal((uns_key){.seed = n, .stream = UNS_STREAM_USER}, 0, n * n, b->x);
    uns_dense_syrk(false, n, n, 1 / (double)n, b->x, n, 0, b->c);
    b->root = (uns_root){0.5, 0, 1, UNS_EPSILON_INSIDE, 0};
    b->task = (root_task){.n = n,
                          .root = &b->root,
                          .c = b->c,
                          .scale = 4,
                          .r = b->out,
                          .worth = SIZE_MAX,
                          .scratch = room(uns_root_scratch(n)),
                          .report = &b->report};
}

static void close_bench(bench *b) {
    free(b->x);
    free(b->c);
    free(b->out);
    free(b->task.scratch);
}

static void print_newton(bench *b, double product) {
    static const double conditions[] = {1e2, 1e4, 1e6};
    double norm = sqrt(uns_root_square_sum(b->n * b->n, b->c));
    for (size_t k = 0; k < 3; k++) {
        b->root.epsilon = norm / (conditions[k] - 1);
        double us = measure_us(b, run_newton);
        printf(" %9.1f (%4.1f)", us, us / product);
    }
}

static void print_row(size_t n) {
    bench b;
    open_bench(&b, n);
    double product = measure_us(&b, run_product), cube = (double)n * (double)n * (double)n;
    double decomposition = measure_us(&b, run_decomposition), root = measure_us(&b, run_eigen);
    printf("%5zu %10.1f %8.1f %10.1f (%4.1f) %10.1f (%4.1f)", n, product, 2e-3 * cube / product,
           decomposition, decomposition / product, root, root / product);
    if (uns_root_newton_bytes(n))
        print_newton(&b, product);
    putchar('\n');
    fflush(stdout);
    close_bench(&b);
}

int main(int count, char **words) {
    size_t largest = count > 1 ? (size_t)strtoul(words[1], NULL, 10) : 512;
    openblas_set_num_threads(1);
    printf("BLAS core %s\n%5s %10s %8s %17s %17s %16s %16s %16s\n", uns_context_blas(NULL), "n",
           "product", "GFLOP/s", "dsyevd", "root by it", "Newton 1e2", "1e4", "1e6");
    for (size_t n = 16; n <= largest; n = n % 3 ? n / 2 * 3 : n / 3 * 4)
        print_row(n);
    return 0;
}
