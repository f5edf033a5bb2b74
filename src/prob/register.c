/* SPDX-License-Identifier: MIT
 * The list of built-in problems: a new one is a file and a line here.
 */
#include <unsaddle/problems.h>

#include "base/base.h"
#include "prob/builtin.h"

uns_status uns_problems_register(uns_context *context) {
    static const uns_problem_ops *const problems[] = {
        &uns_saddle2d, &uns_saddle, &uns_quadratic, &uns_matrix_factorization, &uns_softmax,
    };
    for (size_t i = 0; i < UNS_COUNT_OF(problems); i++)
        UNS_TRY(uns_context_register(context, UNS_KIND_PROBLEM, problems[i]));
    return UNS_OK;
}
