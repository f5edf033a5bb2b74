/* SPDX-License-Identifier: MIT
 * What the root R of structure.h means for one number c: constants of its denominator.
 *
 * Every form is one expression, d = u / ((root(k·c + inner) + outer)·factor), with 1 and 0 for
 * the constants that a form lacks: ·1 is exact, and + 0 changes at most the sign of a zero
 * denominator, which gives d = 0 either way.
 */
#ifndef UNS_ROOT_H
#define UNS_ROOT_H

#include <math.h>
#include <stdbool.h>
#include <unsaddle/elementary.h>
#include <unsaddle/structure.h>

/* p = ½, p = 1, any other p; and |s| instead of √(s·s), whatever the size of s. */
typedef enum root_kind {
    ROOT_HALF,
    ROOT_ONE,
    ROOT_OTHER,
    ROOT_SIZE
} root_kind;

typedef struct denominator {
    double k, inner, outer, factor, exponent;
} denominator;

static inline root_kind root_kind_of(double exponent) {
    if (exponent == 0.5)
        return ROOT_HALF;
    return exponent == 1 ? ROOT_ONE : ROOT_OTHER;
}

/* The same for C = ssᵀ, given s. */
static inline root_kind signal_root_kind_of(const uns_root *root) {
    const root_kind kind = root_kind_of(root->exponent);
    const bool by_size = root->epsilon == 0 || root->form != UNS_EPSILON_INSIDE;
    return kind == ROOT_HALF && by_size ? ROOT_SIZE : kind;
}

static inline double root_of_number(double x, double exponent) {
    if (exponent == 0.5)
        return sqrt(x);
    return exponent == 1 ? x : uns_pow(x, exponent);
}

static inline denominator denominator_of(const uns_root *root, root_kind kind) {
    const bool inside = root->form == UNS_EPSILON_INSIDE;
    const bool corrected = root->form != UNS_EPSILON_UNCORRECTED;
    const double rooted = root_of_number(root->correction, root->exponent);
    const double k = kind == ROOT_SIZE ? rooted : root->correction;
    const denominator of = {corrected ? k : 1, inside ? root->epsilon : 0,
                            inside ? 0 : root->epsilon, corrected ? 1 : rooted, root->exponent};
    return of;
}

#endif
