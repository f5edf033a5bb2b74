/* SPDX-License-Identifier: MIT
 * One number for the whole group: C ← aC + b‖s‖² + e, R = root(C)·I (AdaGrad-Norm; Ward, Wu,
 * Bottou 2019). The trace of ssᵀ, not its mean: divide η accordingly for an average.
 */
#include "kern/kern.h"
#include "opt/builtin.h"
#include "opt/root_number.h"

#include <math.h>
#include <string.h>

/* State: C[R], then the factor R[R]. Work space: a sum over blocks, or a factor, [R]. */
typedef struct scalar {
    double *c, *factor, *sum;
} scalar;

static scalar parts(const uns_structure_site *site, void *state) {
    double *c = state;
    return (scalar){c, c + site->replicas, site->scratch};
}

static size_t bytes(const uns_structure_site *site) {
    return 2 * site->replicas * sizeof(double);
}

static size_t scratch(const uns_structure_site *site) {
    return site->replicas * sizeof(double);
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

/* What the root is taken of, corrected: kC, less |kḡ|² where that is given. */
static double moment_of(double k, double c, const double *mean_square) {
    return mean_square ? fmax(k * c - k * k * *mean_square, 0.0) : k * c;
}

static double factor_of(const uns_root *root, double c, const double *mean_square) {
    uns_root corrected = *root;
    if (!mean_square)
        return uns_root_number(root, c);
    corrected.correction = 1.0;
    return uns_root_number(&corrected, moment_of(root->correction, c, mean_square));
}

static uns_status refresh(const uns_structure_site *site, void *state, const uns_root *root,
                          uns_const_tensors mean, uint64_t t) {
    (void)t;
    scalar my = parts(site, state);
    if (mean.data)
        squared_norms(site, mean, my.sum);
    for (size_t r = 0; r < site->replicas; r++)
        my.factor[r] = factor_of(root, my.c[r], mean.data ? &my.sum[r] : NULL);
    return UNS_OK;
}

static uns_status multiply(const uns_structure_site *site, const double *factor,
                           uns_const_tensors in, uns_tensors out) {
    const uns_elementwise *kernel = &site->kernels->of[site->dtype];
    for (size_t i = 0; i < site->count; i++) {
        const size_t n = site->blocks[i]->rows * site->blocks[i]->cols;
        if (!in.data[i] || !out.data[i])
            continue;
        if (site->replicas == 1) /* a row of one replica would fill one lane */
            kernel->scale(n, *factor, in.data[i], out.data[i]);
        else
            kernel->scale_rows(n, site->replicas, factor, in.data[i], out.data[i]);
    }
    return UNS_OK;
}

static uns_status precondition(const uns_structure_site *site, void *state, uns_const_tensors u,
                               uns_tensors d) {
    return multiply(site, parts(site, state).factor, u, d);
}

static size_t metric_bytes(const uns_structure_site *site) {
    return 2 * site->replicas * sizeof(double);
}

/* A metric: the factor [R], then the corrected C [R]. */
static uns_status metric_open(const uns_structure_site *site, const void *state,
                              const uns_root *root, uns_const_tensors mean, size_t first,
                              size_t count, void *metric) {
    const double *c = state;
    double *factor = metric, *sum = site->scratch;
    if (mean.data)
        squared_norms(site, mean, sum);
    for (size_t r = first; r < first + count; r++) {
        const double *square = mean.data ? &sum[r] : NULL;
        *factor = factor_of(root, c[r], square);
        factor[count] = moment_of(root->correction, c[r], square);
        factor++;
    }
    return UNS_OK;
}

static uns_status product(const uns_structure_site *site, const void *metric, uns_product which,
                          uns_const_tensors in, uns_tensors out) {
    const double *factor = metric, *c = factor + site->replicas;
    double *k = site->scratch;
    for (size_t r = 0; r < site->replicas; r++) {
        double a = factor[r];
        k[r] = which == UNS_PRODUCT_A           ? a
               : which == UNS_PRODUCT_A_SQRT    ? sqrt(a)
               : which == UNS_PRODUCT_A_INVERSE ? (a > 0.0 ? 1.0 / a : 0.0)
                                                : c[r];
    }
    return multiply(site, k, in, out);
}

const uns_structure_ops uns_structure_scalar = {
    .size = sizeof(uns_structure_ops),
    .name = "scalar",
    .summary = "one number for the group: the trace of C",
    .elements = uns_no_elements,
    .bytes = bytes,
    .prepare = prepare,
    .observe = observe,
    .refresh = refresh,
    .precondition = precondition,
    .product = product,
    .scratch = scratch,
    .metric_bytes = metric_bytes,
    .metric_open = metric_open,
};
