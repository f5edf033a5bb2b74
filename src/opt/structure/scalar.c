/* SPDX-License-Identifier: MIT
 * One number for the whole group: C ← aC + b‖s‖² + e, R = root(C)·I (AdaGrad-Norm; Ward, Wu,
 * Bottou 2019). The trace of ssᵀ, not its mean: divide η accordingly for an average.
 */
#include "kern/kern.h"
#include "opt/builtin.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

/* State: C[R], then the factor R[R], then room for a sum over blocks [R]. */
typedef struct scalar {
    double *c, *factor, *sum;
} scalar;

static scalar parts(const uns_structure_site *site, void *state) {
    double *c = state;
    return (scalar){c, c + site->replicas, c + 2 * site->replicas};
}

static size_t no_elements(const uns_spec *spec, const uns_block *block) {
    (void)spec;
    (void)block;
    return 0;
}

static size_t bytes(const uns_structure_site *site) {
    return 3 * site->replicas * sizeof(double);
}

static uns_status prepare(const uns_structure_site *site, void *state) {
    for (size_t r = 0; r < site->replicas; r++)
        parts(site, state).c[r] = site->spec->initial;
    return UNS_OK;
}

static void squared_norms(const uns_structure_site *site, uns_const_tensors s, double *sum) {
    memset(sum, 0, site->replicas * sizeof *sum);
    const uns_elementwise *kernel = &site->kernels->of[site->dtype];
    for (size_t i = 0; i < site->count; i++) {
        size_t n = site->blocks[i]->rows * site->blocks[i]->cols;
        if (!s.data[i])
            continue;
        if (site->replicas == 1)
            sum[0] += kernel->square(n, s.data[i]);
        else
            kernel->square_rows(n, site->replicas, s.data[i], sum);
    }
}

static uns_status observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                          uns_const_tensors s) {
    scalar my = parts(site, state);
    squared_norms(site, s, my.sum);
    for (size_t r = 0; r < site->replicas; r++)
        if (site->active[r])
            my.c[r] = k->a * my.c[r] + k->b * my.sum[r] + k->e;
    return UNS_OK;
}

static double root_of(const uns_root *root, double c) {
    double p = root->exponent, k = root->correction, below = 0.0;
    switch ((uns_epsilon_form)root->form) {
    case UNS_EPSILON_INSIDE:
        below = uns_pow(k * c + root->epsilon, p);
        break;
    case UNS_EPSILON_OUTSIDE:
        below = uns_pow(k * c, p) + root->epsilon;
        break;
    case UNS_EPSILON_UNCORRECTED:
        below = uns_pow(k, p) * (uns_pow(c, p) + root->epsilon);
        break;
    }
    return below > 0.0 ? 1.0 / below : 0.0;
}

static uns_status refresh(const uns_structure_site *site, void *state, const uns_root *root,
                          uns_const_tensors mean, uint64_t t) {
    (void)t;
    scalar my = parts(site, state);
    uns_root corrected = *root;
    if (mean.data) {
        squared_norms(site, mean, my.sum);
        corrected.correction = 1.0;
    }
    for (size_t r = 0; r < site->replicas; r++) {
        double c = my.c[r], k = root->correction;
        if (mean.data)
            c = fmax(k * c - k * k * my.sum[r], 0.0);
        my.factor[r] = root_of(&corrected, c);
    }
    return UNS_OK;
}

static uns_status multiply(const uns_structure_site *site, const double *factor,
                           uns_const_tensors in, uns_tensors out) {
    const uns_elementwise *kernel = &site->kernels->of[site->dtype];
    for (size_t i = 0; i < site->count; i++)
        if (in.data[i] && out.data[i])
            kernel->scale_rows(site->blocks[i]->rows * site->blocks[i]->cols, site->replicas,
                               factor, in.data[i], out.data[i]);
    return UNS_OK;
}

static uns_status precondition(const uns_structure_site *site, void *state, uns_const_tensors u,
                               uns_tensors d) {
    return multiply(site, parts(site, state).factor, u, d);
}

static uns_status product(const uns_structure_site *site, void *state, uns_product which,
                          uns_const_tensors in, uns_tensors out) {
    scalar my = parts(site, state);
    for (size_t r = 0; r < site->replicas; r++) {
        double a = my.factor[r];
        my.sum[r] = which == UNS_PRODUCT_A           ? a
                    : which == UNS_PRODUCT_A_SQRT    ? sqrt(a)
                    : which == UNS_PRODUCT_A_INVERSE ? 1.0 / a
                                                     : my.c[r];
    }
    return multiply(site, my.sum, in, out);
}

const uns_structure_ops uns_structure_scalar = {
    .size = sizeof(uns_structure_ops),
    .name = "scalar",
    .summary = "one number for the group: the trace of C",
    .elements = no_elements,
    .bytes = bytes,
    .prepare = prepare,
    .observe = observe,
    .refresh = refresh,
    .precondition = precondition,
    .product = product,
};
