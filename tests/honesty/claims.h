/* SPDX-License-Identifier: MIT
 * Claims: one line each, counted; and the exact binomial test.
 */
#ifndef UNS_CLAIMS_H
#define UNS_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct claims {
    int passed, failed, skipped;
} claims;

/* Prints "ok" or "FAILED" and the text, and counts. */
void claim(claims *all, bool good, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void claim_skipped(claims *all, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* P(X >= x) for X ~ Binomial(n, p). */
double binomial_tail(size_t n, double p, size_t x);

#endif
