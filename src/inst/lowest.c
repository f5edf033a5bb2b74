/* SPDX-License-Identifier: MIT
 * The public face of Hessians and of the lowest eigenpair. The work is done in hessian.c and
 * la/extreme.c.
 */
#include <unsaddle/hessian.h>

#include "base/base.h"
#include "inst/hessian.h"
#include "la/extreme.h"

struct uns_problem_hessian {
    uns_context *context;
    uns_batch batch;
    uns_hessian hessian;
};

uns_status uns_problem_hessian_create(uns_context *context, const uns_problem *problem,
                                      uns_const_tensors x, const uns_batch *batch,
                                      uns_problem_hessian **out) {
    uns_problem_hessian *made = uns_allocate(context, sizeof *made);
    if (!made)
        return UNS_ERROR_MEMORY;
    uns_key probe = {1, 0, 0, UNS_STREAM_CURVATURE};
    made->context = context;
    if (batch)
        made->batch = *batch;
    uns_status status =
        uns_hessian_open(context, problem, x, batch ? &made->batch : NULL,
                         batch ? batch->size : 0, UNS_RUNG_BEST, probe, &made->hessian);
    if (status != UNS_OK) {
        uns_release(context, made);
        return status;
    }
    *out = made;
    return UNS_OK;
}

void uns_problem_hessian_destroy(uns_problem_hessian *hessian) {
    if (!hessian)
        return;
    uns_hessian_close(&hessian->hessian);
    uns_release(hessian->context, hessian);
}

uns_operator uns_problem_hessian_view(uns_problem_hessian *hessian) {
    return hessian->hessian.op;
}

uns_status uns_operator_lowest(uns_context *context, const uns_operator *op, size_t products,
                               double tolerance, const double *start, uns_key key,
                               double *value, double *residual, double *vector) {
    if (products == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "an eigenpair takes at least 1 product with the operator");
    uns_extreme_plan plan = {.smallest = 1,
                             .tolerance = tolerance,
                             .products = products,
                             .basis = products < 4 ? 4 : products,
                             .start = start,
                             .key = key};
    uns_extremes found;
    double values[1], residuals[1];
    UNS_TRY(uns_lanczos_extremes(context, op, &plan, values, residuals, vector, &found));
    *value = values[0];
    *residual = residuals[0];
    return UNS_OK;
}
