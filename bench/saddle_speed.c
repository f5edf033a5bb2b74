/* SPDX-License-Identifier: MIT
 * Replicas of the saddle experiment against the loop one would write by hand: the same
 * recursion (diagonal RMSProp on the paper's two-dimensional saddle, exact value checked every
 * step), an ordinary scalar generator (xoshiro256+ and Box–Muller by libm). One thread each,
 * interleaved; prints ns per replica-step and the ratio of the medians.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unsaddle/plan.h>
#include <unsaddle/problems.h>
#include <unsaddle/run.h>

enum {
    REPLICAS = 500,
    STEPS = 20000,
    ROUNDS = 7
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

typedef struct generator {
    uint64_t s[4];
} generator;

static uint64_t rotated(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

static double uniform(generator *g) {
    uint64_t result = g->s[0] + g->s[3], t = g->s[1] << 17;
    g->s[2] ^= g->s[0];
    g->s[3] ^= g->s[1];
    g->s[1] ^= g->s[2];
    g->s[0] ^= g->s[3];
    g->s[2] ^= t;
    g->s[3] = rotated(g->s[3], 45);
    return ((double)(result >> 11) + 0.5) * 0x1p-53;
}

static double power9(double x) {
    double x2 = x * x, x4 = x2 * x2;
    return x4 * x4 * x;
}

/* One replica; returns its escape step, or -1. */
static long plain_replica(generator *g, long steps, double eta, double beta, double goal) {
    double x0 = 0.0, x1 = 0.0, v0 = 1.0, v1 = 0.01;
    long escaped = -1;
    for (long t = 1; t <= steps; t++) {
        double radius = sqrt(-2.0 * log(uniform(g))), angle = 6.283185307179586 * uniform(g);
        double g0 = x0 + radius * cos(angle) + 10.0 * power9(x0);
        double g1 = -0.1 * x1 + 0.1 * radius * sin(angle) + 10.0 * power9(x1);
        v0 = beta * v0 + (1.0 - beta) * g0 * g0;
        v1 = beta * v1 + (1.0 - beta) * g1 * g1;
        x0 -= eta * g0 / (sqrt(v0) + 1e-8);
        x1 -= eta * g1 / (sqrt(v1) + 1e-8);
        double f = 0.5 * x0 * x0 + power9(x0) * x0 - 0.05 * x1 * x1 + power9(x1) * x1;
        if (f < goal && escaped < 0)
            escaped = t;
    }
    return escaped;
}

static double plain_loop(void) {
    generator g = {{1, 2, 3, 4}};
    double begin = seconds(), mean = 0.0;
    for (int r = 0; r < REPLICAS; r++)
        mean += (double)plain_replica(&g, STEPS, 1e-3, 0.99, -0.0063245) / REPLICAS;
    double wall = seconds() - begin;
    fprintf(stderr, "  by hand: mean escape %.0f, %.2f ns\n", mean,
            1e9 * wall / REPLICAS / STEPS);
    return 1e9 * wall / REPLICAS / STEPS;
}

static void require(uns_context *context, uns_status status) {
    if (status == UNS_OK)
        return;
    fprintf(stderr, "saddle_speed: %s\n", uns_context_message(context));
    exit(1);
}

static double unsaddle_loop(uns_context *context, const uns_plan *plan) {
    uns_run_config config = {.size = sizeof config};
    uns_record *record = NULL;
    double begin = seconds();
    require(context, uns_run(context, plan, &config, &record));
    double wall = seconds() - begin;
    fprintf(stderr, "  unsaddle: mean escape %.0f, %.2f ns\n",
            uns_record_result(record, 0)->escape_mean.mean, 1e9 * wall / REPLICAS / STEPS);
    uns_record_destroy(record);
    return 1e9 * wall / REPLICAS / STEPS;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

int main(void) {
    char text[256];
    snprintf(text, sizeof text,
             "problem: saddle2d\nsteps: %d\nreplicas: %d\nthreads: 1\n"
             "optimizers: [{rmsprop: {eta: 1e-3, beta: 0.99, burn_in: auto}}]\n",
             STEPS, REPLICAS);
    uns_context_config one = {.size = sizeof one, .threads = 1};
    uns_context *context = NULL;
    uns_plan *plan = NULL;
    uns_plan_source source = {.size = sizeof source, .path = "saddle_speed", .text = text};
    require(NULL, uns_context_create(&one, &context));
    require(context, uns_problems_register(context));
    require(context, uns_plan_create(context, &source, &plan));
    double hand[ROUNDS], ours[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        hand[i] = plain_loop();
        ours[i] = unsaddle_loop(context, plan);
    }
    double by_hand = median(hand), by_us = median(ours);
    printf("%-28s %8.2f ns per replica-step\n", "plain C loop", by_hand);
    printf("unsaddle (%s, one thread) %*.2f ns per replica-step\n", uns_context_isa(context),
           (int)(16 - strlen(uns_context_isa(context))), by_us);
    printf("ratio %.2f\n", by_hand / by_us);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
    return 0;
}
