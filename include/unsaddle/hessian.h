/* SPDX-License-Identifier: MIT
 * The Hessian of a problem at one point as an operator, and the lowest eigenpair of any
 * operator, for instruments put together from parts.
 */
#ifndef UNSADDLE_HESSIAN_H
#define UNSADDLE_HESSIAN_H

#include <unsaddle/operator.h>
#include <unsaddle/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Products are exact where the problem has them, else by a complex step where it offers one,
 * else central differences with a step looked for at x (certificate.h says how); the view's
 * rung and error tell. */
typedef struct uns_problem_hessian uns_problem_hessian;

/* At x (one replica, copied), of the whole objective (batch NULL) or of one batch (copied; its
 * indices are borrowed). Problem and context are borrowed. UNS_ERROR_ARGUMENT: a wrong number
 * of tensors, or a NULL one; UNS_ERROR_MEMORY; or the problem's status. Memory: 3 vectors, 3
 * more while a step is looked for, and the problem's scratch. */
UNS_NODISCARD UNS_API uns_status uns_problem_hessian_create(uns_context *context,
                                                            const uns_problem *problem,
                                                            uns_const_tensors x,
                                                            const uns_batch *batch,
                                                            uns_problem_hessian **out);
UNS_API void uns_problem_hessian_destroy(uns_problem_hessian *hessian);

/* The operator; valid until the Hessian is destroyed. */
UNS_API uns_operator uns_problem_hessian_view(uns_problem_hessian *hessian);

/* For instruments that ask again and again at little cost: one vector, one run, a start that
 * may be chosen. curvature.h has uns_curvature_find, for a look at a spectrum: both ends,
 * multiple eigenvalues as often as they are, the whole of a small matrix.
 *
 * The lowest eigenpair as found by at most `products` products from `start` (d doubles; NULL:
 * drawn by `key`), without restarts; of a multiple eigenvalue the start's part in its space:
 * *value is a Ritz value, hence at least λ_min, and lies within *residual of an eigenvalue.
 * Ends early at a residual of tolerance·spread. `vector`: d doubles, of length 1, or NULL.
 * Memory: products + 4 vectors. UNS_ERROR_ARGUMENT: no products; UNS_ERROR_MEMORY,
 * UNS_ERROR_CALLBACK (not finite) or the operator's status. */
UNS_NODISCARD UNS_API uns_status uns_operator_lowest(uns_context *context,
                                                     const uns_operator *op, size_t products,
                                                     double tolerance, const double *start,
                                                     uns_key key, double *value,
                                                     double *residual, double *vector);

#ifdef __cplusplus
}
#endif
#endif
