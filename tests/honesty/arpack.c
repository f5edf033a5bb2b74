/* SPDX-License-Identifier: MIT
 * λ_min to a residual of 1e-6·spread: products of our Lanczos against ARPACK's, in the same
 * Krylov space. Unrestarted: the smallest basis with which ARPACK ends in its first sweep is
 * what it needs, for it does not look in between. Restarted: the same basis size for both.
 *
 * ARPACK is an oracle here and nowhere else; without it (UNS_ARPACK undefined) this is skipped.
 */
#include "honesty.h"

#ifdef UNS_ARPACK

#include "base/base.h"
#include "la/extreme.h"
#include "shapes.h"

#include <arpack/arpack.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    D = 1000,
    ROOM = D /* largest basis tried */
};

#define LOWEST (-0.01)               /* λ_min */
static const double accuracy = 1e-6; /* of the residual, in units of the spread, here 1 */

typedef struct trial {
    uns_context *context;
    double *lambda, *start, *resid, *basis, *workd, *workl, *vector;
} trial;

/* dsaupd to the end: products made, or −1 where it did not converge. */
static long arpack_products(trial *t, int ncv, int restarts) {
    int ido = 0, info = 1, iparam[11] = {1, 0, restarts, 1, 0, 0, 1}, ipntr[11] = {0};
    int lworkl = ncv * (ncv + 8);
    memcpy(t->resid, t->start, D * sizeof *t->resid);
    for (;;) {
        dsaupd_c(&ido, "I", D, "SA", 1, accuracy / fabs(LOWEST), t->resid, ncv, t->basis, D,
                 iparam, ipntr, t->workd, t->workl, lworkl, &info);
        if (ido != 1 && ido != -1)
            break;
        const double *x = t->workd + ipntr[0] - 1;
        double *y = t->workd + ipntr[1] - 1;
        for (size_t i = 0; i < D; i++)
            y[i] = t->lambda[i] * x[i];
    }
    return info == 0 && iparam[4] == 1 ? iparam[8] : -1;
}

/* From H·start, one product, since that is where ARPACK begins. */
static long our_products(trial *t, size_t basis, double *error, double *memory) {
    shape_diagonal diagonal = {D, t->lambda, 0};
    uns_operator op = shape_operator(&diagonal);
    uns_extreme_plan plan = {1, 0, accuracy, 20000, basis, t->resid, {0}};
    uns_extremes found;
    double value = 0.0, residual = 0.0;
    if (op.product(op.self, t->start, t->resid) != UNS_OK ||
        uns_lanczos_extremes(t->context, &op, &plan, &value, &residual, t->vector, &found) !=
            UNS_OK ||
        !found.converged)
        return -1;
    *error = value - LOWEST;
    *memory = 1e-6 * ((double)found.bytes + 24.0 * D);
    return diagonal.products;
}

/* Its basis, its four vectors and workl, in MB. */
static double arpack_memory(long ncv) {
    double n = (double)ncv;
    return 8e-6 * ((n + 4.0) * D + n * (n + 8.0));
}

/* The smallest basis with which ARPACK ends in its first sweep: looks from a little below what
 * we needed. */
static long arpack_unrestarted(trial *t, long near) {
    for (long m = near > 7 ? near - 4 : 3; m <= near + 40 && m <= ROOM; m++) {
        long products = arpack_products(t, (int)m, 1);
        if (products > 0 && products <= m + 1)
            return products;
    }
    return -1;
}

static void compare_shape(claims *all, trial *t, shape kind) {
    static const int bases[] = {20, 40};
    double error = 0.0, memory = 0.0;
    shape_fill(kind, D, LOWEST, D, t->lambda);
    long ours = our_products(t, ROOM, &error, &memory), theirs = arpack_unrestarted(t, ours);
    claim(all, ours > 0 && theirs > 0 && ours <= theirs,
          "arpack: %-14s unrestarted %4ld products in %4.1f MB, ARPACK %4ld in %4.1f; error of "
          "lambda_min %.1e",
          shape_names[kind], ours, memory, theirs, arpack_memory(theirs), error);
    for (size_t i = 0; i < UNS_COUNT_OF(bases); i++) {
        long restarted = our_products(t, (size_t)bases[i], &error, &memory);
        long other = arpack_products(t, bases[i], 2000);
        claim(
            all, restarted > 0 && other > 0 && (double)restarted <= 1.1 * (double)other,
            "arpack: %-14s basis of %d  %5ld products in %4.1f MB, ARPACK %4ld in %4.1f; error "
            "of lambda_min %.1e",
            shape_names[kind], bases[i], restarted, memory, other, arpack_memory(bases[i]),
            error);
    }
}

bool compare_arpack(claims *all, uns_context *context) {
    trial t = {.context = context};
    size_t workl = (size_t)ROOM * (ROOM + 8);
    double *memory = calloc((size_t)D * (ROOM + 7) + workl, sizeof *memory);
    if (!memory)
        return false;
    t.lambda = memory;
    t.start = t.lambda + D;
    t.resid = t.start + D;
    t.vector = t.resid + D;
    t.workd = t.vector + D;
    t.basis = t.workd + 3 * (size_t)D;
    t.workl = t.basis + (size_t)D * ROOM;
    uns_random_normal((uns_key){4, 0, 0, UNS_STREAM_USER}, 0, D, t.start);
    for (int kind = 0; kind < SHAPES; kind++)
        compare_shape(all, &t, (shape)kind);
    free(memory);
    return true;
}

#else

bool compare_arpack(claims *all, uns_context *context) {
    (void)context;
    claim_skipped(all, "arpack: libarpack2-dev is not here to compare with");
    return true;
}

#endif
