/* SPDX-License-Identifier: MIT
 * Claims and the binomial test; see the header.
 */
#include "claims.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static void line(const char *word, const char *format, va_list arguments) {
    printf("%-8s", word);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
}

void claim(claims *all, bool good, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line(good ? "ok" : "FAILED", format, arguments);
    va_end(arguments);
    *(good ? &all->passed : &all->failed) += 1;
}

void claim_skipped(claims *all, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line("skipped", format, arguments);
    va_end(arguments);
    all->skipped++;
}

double binomial_tail(size_t n, double p, size_t x) {
    double sum = 0.0, N = (double)n;
    for (size_t i = x; i <= n; i++) {
        double I = (double)i;
        double term = exp(lgamma(N + 1.0) - lgamma(I + 1.0) - lgamma(N - I + 1.0) + I * log(p) +
                          (N - I) * log1p(-p));
        sum += term;
        if (I > N * p && term < 1e-17 * sum)
            break;
    }
    return sum;
}
