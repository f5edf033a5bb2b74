/* SPDX-License-Identifier: MIT
 * The built-in problems' ops tables, one a file, gathered by register.c.
 */
#ifndef UNS_PROB_BUILTIN_H
#define UNS_PROB_BUILTIN_H

#include <unsaddle/problem.h>

extern const uns_problem_ops uns_saddle2d;
extern const uns_problem_ops uns_saddle;
extern const uns_problem_ops uns_quadratic;
extern const uns_problem_ops uns_matrix_factorization;
extern const uns_problem_ops uns_softmax;

#endif
