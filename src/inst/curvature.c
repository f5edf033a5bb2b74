/* SPDX-License-Identifier: MIT
 * Eigenpairs at the ends of a spectrum: of small operators from the whole matrix, else by
 * Lanczos runs with deflation, because one run sees one vector of a multiple eigenvalue.
 */
#include <unsaddle/curvature.h>

#include "base/base.h"
#include "la/extreme.h"
#include "la/jacobi.h"

#include <math.h>
#include <string.h>

static double dot(size_t d, const double *x, const double *y) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += x[i] * y[i];
    return sum;
}

static uns_status product_sandwich(void *self, const double *v, double *out) {
    const uns_sandwich *s = self;
    UNS_TRY(s->outer->product(s->outer->self, v, s->work[0]));
    UNS_TRY(s->inner->product(s->inner->self, s->work[0], s->work[1]));
    return s->outer->product(s->outer->self, s->work[1], out);
}

uns_operator uns_operator_sandwich(const uns_sandwich *sandwich) {
    uns_operator op = {.size = sizeof op,
                       .dimension = sandwich->inner->dimension,
                       .self = (void *)(uintptr_t)sandwich,
                       .product = product_sandwich,
                       .rung = sandwich->inner->rung,
                       .error = sandwich->inner->error * sandwich->norm * sandwich->norm};
    return op;
}

/* The search: what has been found so far, and H with that moved to `aside`. */
typedef struct search {
    uns_context *context;
    const uns_operator *op;
    const uns_curvature_plan *plan;
    double *values, *residuals, *vectors; /* smallest first, then the largest */
    double *inner;                        /* [d] aligned */
    size_t found;                         /* smallest ones */
    double aside;
    uns_curvature out;
} search;

static const size_t products_a_pair = 4;

static uns_status check(uns_context *context, const uns_operator *op,
                        const uns_curvature_plan *plan) {
    size_t pairs = plan->smallest + plan->largest;
    if (pairs == 0 || pairs > op->dimension)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "curvature: %zu eigenpairs of %zu dimensions", pairs, op->dimension);
    if (plan->products < products_a_pair * pairs)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "curvature: %zu products for %zu eigenpairs; at least %zu for each",
                        plan->products, pairs, products_a_pair);
    return UNS_OK;
}

/* H's columns into rows of a, then the symmetrised matrix into s. */
static uns_status fill_matrix(uns_context *context, const uns_operator *op, double *unit,
                              double *a, double *s) {
    size_t d = op->dimension, stride = (d + 7) / 8 * 8;
    double sum = 0.0;
    for (size_t i = 0; i < d; i++) {
        memset(unit, 0, d * sizeof *unit);
        unit[i] = 1.0;
        UNS_TRY(op->product(op->self, unit, a + i * stride));
    }
    for (size_t i = 0; i < d * d; i++) {
        s[i] = 0.5 * (a[i / d * stride + i % d] + a[i % d * stride + i / d]);
        sum += s[i];
    }
    return isfinite(sum) ? UNS_OK
                         : uns_fail(context, UNS_ERROR_CALLBACK,
                                    "curvature: a product with the Hessian is not finite");
}

static double residual(size_t d, const double *a, const double *v, double value) {
    double sum = 0.0;
    size_t stride = (d + 7) / 8 * 8;
    for (size_t i = 0; i < d; i++) {
        double r = -value * v[i];
        for (size_t j = 0; j < d; j++)
            r += a[j * stride + i] * v[j];
        sum += r * r;
    }
    return sqrt(sum);
}

static uns_status find_dense(search *s) {
    size_t d = s->op->dimension, stride = (d + 7) / 8 * 8, low = s->plan->smallest;
    double *a = uns_allocate(s->context, (d + 1) * stride * sizeof *a);
    double *work = uns_allocate(s->context, (2 * d * d + d) * sizeof *work);
    double *matrix = work, *vectors = work ? work + d * d : NULL;
    double *values = work ? vectors + d * d : NULL;
    uns_status status = a && work ? UNS_OK : UNS_ERROR_MEMORY;
    if (status == UNS_OK)
        status = fill_matrix(s->context, s->op, a + d * stride, a, matrix);
    if (status == UNS_OK)
        uns_eigen_symmetric(d, matrix, values, vectors);
    for (size_t i = 0; status == UNS_OK && i < low + s->plan->largest; i++) {
        size_t from = i < low ? i : d - 1 - (i - low);
        s->values[i] = values[from];
        s->residuals[i] = residual(d, a, vectors + from * d, values[from]);
        if (s->vectors)
            memcpy(s->vectors + i * d, vectors + from * d, d * sizeof *vectors);
    }
    uns_release(s->context, a);
    uns_release(s->context, work);
    s->out.smallest = low;
    s->out.largest = s->plan->largest;
    s->out.whole = s->out.converged = true;
    s->out.products = d;
    return status;
}

/* out = PHPv + aside·(I − P)v, P the projection off what has been found. */
static uns_status product_deflated(void *self, const double *v, double *out) {
    const search *s = self;
    size_t d = s->op->dimension;
    double along[UNS_CURVATURE_DENSE];
    memcpy(s->inner, v, d * sizeof *v);
    for (size_t i = 0; i < s->found; i++) {
        along[i] = dot(d, s->vectors + i * d, v);
        for (size_t k = 0; k < d; k++)
            s->inner[k] -= along[i] * s->vectors[i * d + k];
    }
    UNS_TRY(s->op->product(s->op->self, s->inner, out));
    for (size_t i = 0; i < s->found; i++) {
        double back = s->aside * along[i] - dot(d, s->vectors + i * d, out);
        for (size_t k = 0; k < d; k++)
            out[k] += back * s->vectors[i * d + k];
    }
    return UNS_OK;
}

/* One of the smallest; with the first of them the largest. */
static uns_status find_next(search *s) {
    size_t wanted = s->plan->smallest, d = s->op->dimension;
    size_t rounds = wanted ? wanted - s->found : 1;
    size_t high = s->found == 0 ? s->plan->largest : 0, low = wanted ? 1 : 0;
    uns_operator deflated = *s->op;
    deflated.self = s;
    deflated.product = product_deflated;
    uns_extreme_plan plan = {.smallest = low,
                             .largest = high,
                             .tolerance = s->plan->tolerance,
                             .products = (s->plan->products - s->out.products) / rounds,
                             .key = {s->plan->seed, s->found, 0, UNS_STREAM_CURVATURE}};
    plan.basis = plan.products;
    uns_extremes found;
    double values[UNS_CURVATURE_DENSE], residuals[UNS_CURVATURE_DENSE];
    double *rows = uns_allocate(s->context, uns_size_product((low + high) * d, sizeof *rows));
    if (!rows)
        return UNS_ERROR_MEMORY;
    uns_status status = uns_lanczos_extremes(s->context, s->found ? &deflated : s->op, &plan,
                                             values, residuals, rows, &found);
    for (size_t i = 0; status == UNS_OK && i < found.found_smallest + found.found_largest;
         i++) {
        size_t at = i < found.found_smallest ? s->found : wanted + i - found.found_smallest;
        s->values[at] = values[i];
        s->residuals[at] = residuals[i];
        memcpy(s->vectors + at * d, rows + i * d, d * sizeof *rows);
    }
    uns_release(s->context, rows);
    if (status != UNS_OK)
        return status;
    if (s->found == 0) {
        s->out.largest = found.found_largest;
        s->aside = values[0] + found.spread;
    }
    s->found += found.found_smallest;
    s->out.products += found.products;
    s->out.converged = s->out.converged && found.converged;
    return UNS_OK;
}

/* A later run may find a lower value than an earlier one that had not converged. */
static void sort_smallest(search *s) {
    size_t d = s->op->dimension;
    for (size_t i = 1; i < s->found; i++)
        for (size_t k = i; k > 0 && s->values[k] < s->values[k - 1]; k--) {
            double value = s->values[k], rest = s->residuals[k];
            s->values[k] = s->values[k - 1];
            s->residuals[k] = s->residuals[k - 1];
            s->values[k - 1] = value;
            s->residuals[k - 1] = rest;
            for (size_t j = 0; j < d; j++) {
                double other = s->vectors[k * d + j];
                s->vectors[k * d + j] = s->vectors[(k - 1) * d + j];
                s->vectors[(k - 1) * d + j] = other;
            }
        }
}

static uns_status find_by_runs(search *s) {
    size_t d = s->op->dimension, pairs = s->plan->smallest + s->plan->largest;
    double *wanted = s->vectors;
    s->vectors = uns_allocate(s->context, uns_size_product(pairs * d, sizeof(double)));
    s->inner = uns_allocate(s->context, uns_size_product(d, sizeof(double)));
    uns_status status = s->vectors && s->inner ? UNS_OK : UNS_ERROR_MEMORY;
    s->out.converged = true;
    do {
        if (status == UNS_OK)
            status = find_next(s);
    } while (status == UNS_OK && s->found < s->plan->smallest);
    if (status == UNS_OK) {
        sort_smallest(s);
        s->out.smallest = s->found;
        if (wanted)
            memcpy(wanted, s->vectors, pairs * d * sizeof *wanted);
    }
    uns_release(s->context, s->vectors);
    uns_release(s->context, s->inner);
    return status;
}

uns_status uns_curvature_find(uns_context *context, const uns_operator *op,
                              const uns_curvature_plan *plan, double *values, double *residuals,
                              double *vectors, uns_curvature *out) {
    size_t d = op->dimension;
    bool dense = d <= UNS_CURVATURE_DENSE && d <= plan->products;
    UNS_TRY(check(context, op, plan));
    if (!dense && plan->smallest + plan->largest > UNS_CURVATURE_DENSE)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "curvature: at most %d eigenpairs",
                        UNS_CURVATURE_DENSE);
    search s = {.context = context,
                .op = op,
                .plan = plan,
                .values = values,
                .residuals = residuals,
                .vectors = vectors};
    s.out.rung = op->rung;
    s.out.error = op->error;
    UNS_TRY(dense ? find_dense(&s) : find_by_runs(&s));
    *out = s.out;
    return UNS_OK;
}
