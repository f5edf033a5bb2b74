/* SPDX-License-Identifier: MIT
 * The step of a complex-step derivative; the mathematics is in the header.
 */
#include "la/complex_step.h"

#include <math.h>

static const int exponent_of_step = -250;

double uns_complex_step(size_t d, const double *v, double *y) {
    double square = 0.0;
    int exponent;
    for (size_t i = 0; i < d; i++)
        square += v[i] * v[i];
    if (square == 0.0)
        return 0.0;
    frexp(sqrt(square), &exponent);
    double step = ldexp(1.0, exponent_of_step - exponent);
    for (size_t i = 0; i < d; i++)
        y[i] = step * v[i];
    return step;
}
