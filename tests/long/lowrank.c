/* SPDX-License-Identifier: MIT
 * Low rank with r >= steps against the full matrix, on columns throughout: d = 640 parameters,
 * r = 512 columns, 500 steps, a second moment of full rank and condition about 1e6. The roots
 * of the full matrix take most of the time, a minute or two. Bounds were fixed before the first
 * run.
 */
#include "support/twins.h"

/* Of OpenBLAS; NULL in a build without it. */
extern void openblas_set_num_threads(int count) __attribute__((weak));

enum {
    D = 640,
    STEPS = 500
};

static const double bound = 1e-9;

typedef struct claim {
    const char *name, *full, *lowrank;
} claim;

#define FULL    "eta=1e-2 structure=full refresh=1 "
#define LOWRANK "eta=1e-2 structure=lowrank "
#define EMA     "moment=ema beta=0.99 bias_correction=true epsilon=1e-6 epsilon.form=inside "

static const claim claims[] = {
    {"moving average, rank 512", FULL EMA, LOWRANK "structure.rank=512 " EMA},
    {"sum, window of 512", FULL "moment=sum epsilon=1e-3",
     LOWRANK "moment=window beta=1 structure.window=512 epsilon=1e-3"},
};

static bool holds(uns_context *context, const twins_problem *p, const claim *c) {
    double apart = twins_apart(context, p, STEPS, c->full, c->lowrank);
    bool good = apart <= bound;
    if (!isfinite(apart))
        printf("%s: %s\n", c->name, uns_context_message(context));
    printf("%s  %s = full: apart by %.1e after %d steps, at most %.0e allowed\n",
           good ? "passed" : "FAILED", c->name, apart, STEPS, bound);
    fflush(stdout);
    return good;
}

int main(void) {
    const int count = (int)(sizeof claims / sizeof *claims);
    uns_context *context = NULL;
    twins_problem p;
    int passed = 0;
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (uns_context_create(NULL, &context) != UNS_OK)
        return 2;
    twins_open(&p, D, D);
    for (int i = 0; i < count; i++)
        passed += holds(context, &p, &claims[i]);
    printf("%d passed, %d failed, 0 skipped\n", passed, count - passed);
    twins_close(&p);
    uns_context_destroy(context);
    return passed != count;
}
