/* SPDX-License-Identifier: MIT
 * The built-in problems, part of libunsaddle-run. Their parameters, with ranges and defaults,
 * are in each one's table (uns_problem_ops.params), printed by `unsaddle list`.
 *
 *   saddle2d               f_i(x) = ½xᵀHx + b_iᵀx + ‖x‖₁₀¹⁰, H = diag(1, −0.1), Cov b = diag(1,
 *                          0.01): the paper's saddle. b Gaussian, or one of a fixed set,
 * centred and whitened so that its mean and covariance are those to rounding. saddle f(x) =
 * ½xᵀHx + c(Qᵀx) in d dimensions: spectra and rotations of H and of the noise covariance
 * chosen, the escape direction starved of noise or not; c = Σy¹⁰, Σy⁴ or 0 in the
 * eigen-coordinates y of H, so that the minimum is known exactly. quadratic              f(x) =
 * ½(x−x*)ᵀH(x−x*), convex, additive and multiplicative noise. matrix-factorization   f(U) =
 * (1/4n²)‖UUᵀ − M‖², a finite sum over entries, started beside the saddle U = 0; minimum known
 * from the eigenvalues of M (with noise up to n = 256). Escaped: half-way down from f(0) to it.
 *   softmax                softmax regression on labelled images.
 *
 * A Gaussian batch of B samples costs one draw, scaled by 1/√B. Finite sums are sampled
 * independently unless asked to be shuffled: shuffling makes an epoch's noise cancel, which
 * the theory of escape and floor does not describe.
 */
#ifndef UNSADDLE_PROBLEMS_H
#define UNSADDLE_PROBLEMS_H

#include <unsaddle/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Registers the built-in problems in the context. UNS_ERROR_NAME: a name is already taken (a
 * second call, for instance); those before it stay registered. Not thread-safe. */
UNS_NODISCARD UNS_API uns_status uns_problems_register(uns_context *context);

#ifdef __cplusplus
}
#endif
#endif
