/* SPDX-License-Identifier: MIT
 * A problem with a parameter of every type, f(x) = scale·x²/2 in one dimension: for tests of
 * whatever reads problems from text. It loads nothing and is created in no time.
 */
#ifndef UNS_TEST_TOY_PROBLEM_H
#define UNS_TEST_TOY_PROBLEM_H

#include "base/base.h"

#include <math.h>
#include <unsaddle/problem.h>

typedef struct toy_config {
    double scale, shape, shape_width;
    int noise;
    int64_t samples; /* 0: an expectation; 666: create fails */
    bool flag;
    char kind[UNS_NAME_SIZE];
    char path[UNS_TEXT_SIZE];
    uns_reals spectrum;
} toy_config;

static const uns_named toy_noises[] = {{"gaussian", 0}, {"finite", 1}, {NULL, 0}};

#define TOY(field) offsetof(toy_config, field)

static const uns_param toy_rows[] = {
    {"scale", "size", UNS_PARAM_REAL, TOY(scale), 0, INFINITY, UNS_OPEN_LOW, NULL, "1", "",
     "curvature"},
    {"noise", NULL, UNS_PARAM_CHOICE, TOY(noise), 0, 0, 0, toy_noises, "gaussian", "", "noise"},
    {"samples", NULL, UNS_PARAM_COUNT, TOY(samples), 0, 1e9, 0, NULL, "0", "", "samples"},
    {"flag", NULL, UNS_PARAM_FLAG, TOY(flag), 0, 0, 0, NULL, "false", "", "a flag"},
    {"kind", NULL, UNS_PARAM_NAME, TOY(kind), 0, 0, 0, NULL, "plain", "", "a name"},
    {"path", NULL, UNS_PARAM_TEXT, TOY(path), 0, 0, 0, NULL, "", "", "a text"},
    {"spectrum", NULL, UNS_PARAM_REALS, TOY(spectrum), 0, 100, 0, NULL, "1, 2", "", "reals"},
    {"shape", NULL, UNS_PARAM_REAL, TOY(shape), 0, 1, 0, NULL, "0.5", "", "key and prefix"},
    {"shape.width", NULL, UNS_PARAM_REAL, TOY(shape_width), 0, 9, 0, NULL, "1", "", "below it"},
};

static const uns_param_table toy_table = {"problem 'toy'", sizeof(toy_config),
                                          sizeof toy_rows / sizeof toy_rows[0], toy_rows};

static uns_status toy_create(uns_context *context, const void *config, void **self) {
    const toy_config *toy = config;
    if (toy->samples == 666)
        return uns_fail(context, UNS_ERROR_IO, "no such samples");
    *self = (void *)(uintptr_t)config;
    return UNS_OK;
}

static size_t toy_blocks(const void *self, const uns_block **blocks) {
    static const uns_block block = {"x", 1, 1, 0};
    (void)self;
    *blocks = &block;
    return 1;
}

static uns_status toy_start(const void *self, uns_key key, size_t replicas, uns_tensors x) {
    (void)self;
    (void)key;
    for (size_t r = 0; r < replicas; r++)
        ((double *)x.data[0])[r] = 1;
    return UNS_OK;
}

static uns_status toy_value(const void *self, const uns_eval *eval, double *f) {
    const toy_config *toy = self;
    const double *x = eval->x.data[0];
    for (size_t r = 0; r < eval->replicas; r++)
        f[r] = 0.5 * toy->scale * x[r] * x[r];
    return UNS_OK;
}

static uns_status toy_gradient(const void *self, const uns_eval *eval, uns_tensors g) {
    const toy_config *toy = self;
    const double *x = eval->x.data[0];
    for (size_t r = 0; r < eval->replicas; r++)
        ((double *)g.data[0])[r] = toy->scale * x[r];
    return UNS_OK;
}

static uint64_t toy_samples(const void *self) {
    return (uint64_t)((const toy_config *)self)->samples;
}

static const uns_problem_ops toy_problem = {
    .size = sizeof(uns_problem_ops),
    .name = "toy",
    .summary = "a parabola",
    .params = &toy_table,
    .create = toy_create,
    .blocks = toy_blocks,
    .start = toy_start,
    .value = toy_value,
    .gradient = toy_gradient,
    .samples = toy_samples,
};

#endif
