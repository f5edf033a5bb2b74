/* SPDX-License-Identifier: MIT
 * The scalar first-passage problem y ← a·y + N(0, σ²), a > 1, from y₀ until |y| >= 1,
 * integrated. Not for small noise, where the closed form holds and this would need too fine a
 * grid.
 */
#ifndef UNS_PASSAGE_H
#define UNS_PASSAGE_H

#include <unsaddle/context.h>

typedef struct uns_passage {
    double a, sigma, start; /* in units of the radius; |start| < 1 */
    int64_t limit;
} uns_passage;

/* Quantiles of the number of steps, as a real number between the two steps where the
 * probability passes q[i] (ascending); NaN beyond the limit. For σ >= 0.02 the chain itself on
 * a grid, exact to about 1e-3; below, its diffusion with the barrier moved out by 0.5826σ
 * (Siegmund 1979, "Corrected diffusion approximations in certain random walk problems";
 * Chernoff 1965), exact to about 1e-3 for 2(a − 1)/σ² <= 600. UNS_ERROR_MEMORY. */
uns_status uns_passage_quantiles(uns_context *context, const uns_passage *passage, size_t count,
                                 const double *q, double *out);

#endif
