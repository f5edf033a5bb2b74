/* SPDX-License-Identifier: MIT
 * One root against the truth: the error it has and the error it reports. Used by the quick
 * tests and by `make roots`.
 */
#ifndef UNS_TEST_ROOT_TRIAL_H
#define UNS_TEST_ROOT_TRIAL_H

#include "la/dense.h"
#include "la/root.h"
#include "root_matrices.h"
#include "root_truth.h"

typedef struct root_trial {
    root_family family;
    uint64_t number;
    size_t n;
    uns_root root;
    double damping;
    double condition; /* of cC + δI + εI, inside; else of cC + δI */
    double truth;     /* ‖r − R‖/‖R‖, at most 1 */
    uns_root_report report;
} root_trial;

/* The bench of one matrix: its true eigenpairs, for several roots. */
typedef struct root_bench {
    size_t n;
    double *c, *r;
    dd *exact;
    void *scratch;
    truth truth;
} root_bench;

static inline void *root_aligned(size_t bytes) {
    return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static inline root_bench root_bench_create(root_family family, uint64_t number, size_t n) {
    root_bench b = {.n = n};
    double *vectors = malloc(n * n * sizeof *vectors), *values = malloc(n * sizeof *values);
    void *work = root_aligned(uns_dense_eigen_bytes(n));
    b.c = malloc(n * n * sizeof *b.c);
    b.r = malloc(n * n * sizeof *b.r);
    b.exact = malloc(n * n * sizeof *b.exact);
    b.scratch = root_aligned(uns_root_scratch(n));
    root_matrix(family, number, n, b.c);
    memcpy(vectors, b.c, n * n * sizeof *vectors);
    if (uns_dense_eigen(n, vectors, values, work) != UNS_OK)
        abort();
    b.truth = truth_create(n, b.c, vectors);
    free(vectors);
    free(values);
    free(work);
    return b;
}

static inline void root_bench_destroy(root_bench *b) {
    truth_destroy(&b->truth);
    free(b->c);
    free(b->r);
    free(b->exact);
    free(b->scratch);
}

/* Draws a root for it. `which` 0: inside, p = ½ or ¼, as Newton–Schulz may take; others: any.
 */
static inline void root_trial_draw(const root_bench *b, uint32_t which, root_trial *t) {
    static const double exponents[] = {0.5, 0.25, 1, 0.75, 0.3125, 0.125, 2};
    uint64_t number = t->number;
    uint32_t at = 10 + 10 * which;
    double largest = truth_largest(&b->truth);
    bool quiet = which == 0 || root_draw(number, at, 0, 1) < 0.75;
    double size =
        which == 0 ? root_draw(number, at + 1, 0, 7) : root_draw(number, at + 1, 0, 12);
    t->n = b->n;
    t->root.form = which == 0 ? UNS_EPSILON_INSIDE : (int)root_draw(number, at + 2, 0, 3);
    t->root.exponent = exponents[(int)root_draw(number, at + 3, 0, which == 0 ? 2 : 7)];
    t->root.correction = pow(10, root_draw(number, at + 4, 0, 3));
    t->damping = quiet ? 0 : pow(10, -root_draw(number, at + 5, 2, 12));
    double raised = t->root.form == UNS_EPSILON_INSIDE ? 1 : t->root.exponent;
    double scale =
        t->root.form == UNS_EPSILON_UNCORRECTED ? largest : t->root.correction * largest;
    t->root.epsilon = which == 2 ? 0 : pow(scale * pow(10, -size), raised);
}

static inline double root_condition(const root_bench *b, const root_trial *t) {
    double c = t->root.correction, largest = truth_largest(&b->truth), smallest = largest;
    double more =
        t->damping * largest + (t->root.form == UNS_EPSILON_INSIDE ? t->root.epsilon / c : 0);
    for (size_t i = 0; i < b->n; i++)
        smallest = fmin(smallest, b->truth.a[i * b->n + i].hi);
    return (largest + more) / fmax(smallest + more, 1e-300);
}

/* Takes the root drawn; false: the call failed. */
static inline bool root_trial_run(root_bench *b, root_trial *t) {
    t->root.damping = t->damping;
    if (uns_root_dense(NULL, b->n, &t->root, b->c, b->r, b->scratch, &t->report) != UNS_OK)
        return false;
    truth_root(&b->truth, &t->root, t->damping, b->exact);
    t->truth = fmin(1, truth_error(b->n, b->exact, b->r));
    t->condition = root_condition(b, t);
    return true;
}

#endif
