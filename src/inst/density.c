/* SPDX-License-Identifier: MIT
 * Stochastic Lanczos quadrature: T_k of a run from the start b has eigenvalues θ_i and first
 * components τ_i of its unit eigenvectors, and Σ τ_i²p(θ_i) = bᵀp(H)b exactly up to degree
 * 2k − 1. Over starts b that are uniform on the sphere the mean of bᵀp(H)b is (1/d)·tr p(H).
 */
#include <unsaddle/curvature.h>

#include "base/base.h"
#include "la/jacobi.h"
#include "la/lanczos.h"

#include <math.h>

struct uns_density {
    uns_context *context;
    size_t probes, room;   /* room: nodes a probe has room for */
    size_t *nodes;         /* [probes] */
    double *node, *weight; /* [probes][room] */
};

static uns_status open_density(uns_context *context, size_t probes, size_t room,
                               uns_density **out) {
    size_t cells = uns_size_product(probes, room);
    uns_density *density = uns_allocate(context, sizeof *density);
    if (!density)
        return UNS_ERROR_MEMORY;
    *density = (uns_density){.context = context, .probes = probes, .room = room};
    density->nodes = uns_allocate(context, uns_size_product(probes, sizeof(size_t)));
    density->node = uns_allocate(context, uns_size_product(cells, sizeof(double)));
    density->weight = uns_allocate(context, uns_size_product(cells, sizeof(double)));
    if (!density->nodes || !density->node || !density->weight) {
        uns_density_destroy(density);
        return UNS_ERROR_MEMORY;
    }
    *out = density;
    return UNS_OK;
}

void uns_density_destroy(uns_density *density) {
    if (!density)
        return;
    uns_release(density->context, density->nodes);
    uns_release(density->context, density->node);
    uns_release(density->context, density->weight);
    uns_release(density->context, density);
}

/* T_k's eigenpairs as the probe's nodes and weights. work: 2k² doubles. */
static void take_nodes(uns_density *density, size_t probe, const uns_lanczos *run,
                       double *work) {
    size_t k = run->steps;
    double *node = density->node + probe * density->room, *vectors = work + k * k;
    double *weight = density->weight + probe * density->room;
    uns_lanczos_matrix(run, work);
    uns_eigen_symmetric(k, work, node, vectors);
    for (size_t i = 0; i < k; i++)
        weight[i] = vectors[i * k] * vectors[i * k];
    density->nodes[probe] = k;
}

static uns_status run_probe(uns_density *density, size_t probe, uns_lanczos *run, uint64_t seed,
                            double *work) {
    uns_key key = {seed, probe, 1, UNS_STREAM_CURVATURE};
    UNS_TRY(uns_lanczos_begin(run, NULL, key));
    while (run->steps < density->room && !run->exhausted)
        UNS_TRY(uns_lanczos_step(run));
    take_nodes(density, probe, run, work);
    return UNS_OK;
}

static uns_status fill(uns_density *density, const uns_operator *op, uint64_t seed) {
    uns_lanczos run;
    size_t k = density->room;
    double *work = uns_allocate(density->context, uns_size_product(2 * k * k, sizeof *work));
    if (!work)
        return UNS_ERROR_MEMORY;
    uns_status status = uns_lanczos_open(density->context, op, k, &run);
    if (status == UNS_OK) {
        for (size_t p = 0; p < density->probes && status == UNS_OK; p++)
            status = run_probe(density, p, &run, seed, work);
        uns_lanczos_close(&run);
    }
    uns_release(density->context, work);
    return status;
}

uns_status uns_density_create(uns_context *context, const uns_operator *op, size_t probes,
                              size_t products, uint64_t seed, uns_density **out) {
    uns_density *density;
    size_t steps = products < op->dimension ? products : op->dimension;
    if (probes == 0 || products == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "a density takes at least one probe and one product");
    UNS_TRY(open_density(context, probes, steps, &density));
    uns_status status = fill(density, op, seed);
    if (status != UNS_OK) {
        uns_density_destroy(density);
        return status;
    }
    *out = density;
    return UNS_OK;
}

uns_status uns_density_of(uns_context *context, size_t count, const double *values,
                          uns_density **out) {
    uns_density *density;
    if (count == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "a density takes at least one eigenvalue");
    UNS_TRY(open_density(context, 1, count, &density));
    for (size_t i = 0; i < count; i++) {
        density->node[i] = values[i];
        density->weight[i] = 1.0 / (double)count;
    }
    density->nodes[0] = count;
    *out = density;
    return UNS_OK;
}

typedef double function(double node, double parameter);

static double is_below(double node, double x) {
    return node < x ? 1.0 : 0.0;
}

static double to_power(double node, double power) {
    double out = 1.0;
    for (double i = 0.0; i < power; i += 1.0)
        out *= node;
    return out;
}

/* Mean over the probes of Σ weight·f(node). */
static uns_measured average(const uns_density *density, function *f, double parameter) {
    double sum = 0.0, squares = 0.0, n = (double)density->probes;
    for (size_t p = 0; p < density->probes; p++) {
        double one = 0.0;
        for (size_t i = 0; i < density->nodes[p]; i++)
            one += density->weight[p * density->room + i] *
                   f(density->node[p * density->room + i], parameter);
        sum += one;
        squares += one * one;
    }
    double mean = sum / n, variance = fmax(squares / n - mean * mean, 0.0);
    uns_measured measured = {mean, n > 1.0 ? sqrt(variance / (n - 1.0)) : NAN};
    return measured;
}

uns_measured uns_density_below(const uns_density *density, double x) {
    return average(density, is_below, x);
}

uns_measured uns_density_moment(const uns_density *density, unsigned power) {
    return average(density, to_power, power);
}

void uns_density_range(const uns_density *density, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t p = 0; p < density->probes; p++)
        for (size_t i = 0; i < density->nodes[p]; i++) {
            *low = fmin(*low, density->node[p * density->room + i]);
            *high = fmax(*high, density->node[p * density->room + i]);
        }
}
