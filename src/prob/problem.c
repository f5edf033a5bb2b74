/* SPDX-License-Identifier: MIT
 * Problems: a named ops table brought to life, and the plain questions one asks it. Holds no
 * mathematics; that is each problem's own.
 */
#include <math.h>
#include <string.h>
#include <unsaddle/problem.h>

#include "base/base.h"

struct uns_problem {
    uns_context *context;
    uns_problem_ops ops; /* a copy: members that an older plug-in lacks read NULL */
    void *self;
    size_t dimension;
};

static void adopt_ops(uns_problem *problem, const uns_problem_ops *ops) {
    size_t known = ops->size < sizeof *ops ? ops->size : sizeof *ops;
    memcpy(&problem->ops, ops, known);
    problem->ops.size = sizeof problem->ops;
}

static uns_status create_default(uns_problem *problem) {
    const uns_param_table *table = problem->ops.params;
    if (!table)
        return problem->ops.create(problem->context, NULL, &problem->self);
    void *config = uns_allocate(problem->context, table->config_size);
    if (!config)
        return UNS_ERROR_MEMORY;
    uns_status status = uns_param_defaults(problem->context, table, config);
    if (status == UNS_OK)
        status = problem->ops.create(problem->context, config, &problem->self);
    uns_release(problem->context, config);
    return status;
}

static uns_status measure(uns_problem *problem) {
    const uns_block *blocks = NULL;
    size_t count = problem->ops.blocks(problem->self, &blocks);
    for (size_t i = 0; i < count; i++)
        problem->dimension += blocks[i].rows * blocks[i].cols;
    if (problem->dimension == 0)
        return uns_fail(problem->context, UNS_ERROR_ARGUMENT, "problem '%s' has no parameters",
                        problem->ops.name);
    return UNS_OK;
}

static uns_status bring_to_life(uns_problem *problem, const void *entry, const void *config) {
    adopt_ops(problem, entry);
    if (config)
        UNS_TRY(problem->ops.create(problem->context, config, &problem->self));
    else
        UNS_TRY(create_default(problem));
    return measure(problem);
}

uns_status uns_problem_create(uns_context *context, const char *name, const void *config,
                              uns_problem **out) {
    if (!context || !name || !out)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "uns_problem_create: context, name or out is NULL");
    const void *entry = NULL;
    UNS_TRY(uns_context_find(context, UNS_KIND_PROBLEM, name, &entry));
    uns_problem *problem = uns_allocate(context, sizeof *problem);
    if (!problem)
        return UNS_ERROR_MEMORY;
    problem->context = context;
    uns_status status = bring_to_life(problem, entry, config);
    if (status != UNS_OK) {
        uns_problem_destroy(problem);
        return status;
    }
    *out = problem;
    return UNS_OK;
}

void uns_problem_destroy(uns_problem *problem) {
    if (!problem)
        return;
    if (problem->self && problem->ops.destroy)
        problem->ops.destroy(problem->self);
    uns_release(problem->context, problem);
}

const uns_problem_ops *uns_problem_get_ops(const uns_problem *problem) {
    return &problem->ops;
}

const void *uns_problem_self(const uns_problem *problem) {
    return problem->self;
}

uns_status uns_problem_layout(uns_context *context, const uns_problem *problem, size_t replicas,
                              uns_layout **out) {
    const uns_block *blocks = NULL;
    size_t count = problem->ops.blocks(problem->self, &blocks);
    uns_block *copy = uns_allocate(context, uns_size_product(count, sizeof *copy));
    if (!copy)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        copy[i] = blocks[i];
        copy[i].group = 0;
    }
    uns_layout_config config = {sizeof config, UNS_F64, replicas, count, copy};
    uns_status status = uns_layout_create(context, &config, out);
    uns_release(context, copy);
    return status;
}

size_t uns_problem_dimension(const uns_problem *problem) {
    return problem->dimension;
}

uint64_t uns_problem_samples(const uns_problem *problem) {
    return problem->ops.samples ? problem->ops.samples(problem->self) : 0;
}

void uns_problem_truth(const uns_problem *problem, uns_truth *truth) {
    *truth = (uns_truth){NAN, NAN, NAN, NAN};
    if (problem->ops.truth)
        problem->ops.truth(problem->self, truth);
}

uint32_t uns_batch_sample(const uns_batch *batch, size_t replica, uint64_t n, size_t i) {
    if (batch->indices)
        return batch->indices[i];
    uint64_t position = batch->key.step * (uint64_t)batch->size + i;
    uns_key key = batch->key;
    key.replica += (uint32_t)replica;
    key.step = position / n;
    /* the run's epochs have a stream of their own; instruments keep theirs */
    if (key.stream == UNS_STREAM_GRADIENT)
        key.stream = UNS_STREAM_SHUFFLE;
    return (uint32_t)uns_random_permuted(key, n, position % n);
}
