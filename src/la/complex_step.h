/* SPDX-License-Identifier: MIT
 * The step of a complex-step derivative: Im ∇f(x + ihv)/h = ∇²f(x)·v + O(h²). Nothing is
 * subtracted, so no digit is lost however small h is (Squire and Trapp 1998, "Using complex
 * variables to estimate derivatives of real functions"), and h is far below rounding.
 */
#ifndef UNS_COMPLEX_STEP_H
#define UNS_COMPLEX_STEP_H

#include <stddef.h>

/* y = hv with h‖v‖ in [2⁻²⁵¹, 2⁻²⁵⁰): h² is nothing beside x² unless x is below 1e-67, and
 * h·x⁸ no underflow unless it is below 1e-29. h is a power of two, so that hv and out/h are
 * exact. Returns h; 0 where v is 0. v and y may be the same. */
double uns_complex_step(size_t d, const double *v, double *y);

#endif
