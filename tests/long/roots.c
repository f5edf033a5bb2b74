/* SPDX-License-Identifier: MIT
 * `make roots`: thousands of roots of matrices of all families and sizes 2 to 200 against
 * double-double arithmetic. Says, family by family, how far the reported error is from the true
 * one, and whether 1e-10 is kept at condition 1e6. Exits with 1 if a claim fails.
 */
#include "claims.h"
#include "root_trial.h"

#include <stdio.h>

enum {
    MATRICES = 400, /* a family */
    ROOTS = 4,      /* a matrix */
    LARGEST = 200
};

extern void openblas_set_num_threads(int count);

/* Ratios of reported over true error; the sums of what else is claimed. */
typedef struct tally {
    size_t count, newton, moderate;
    double ratios[MATRICES * ROOTS];
    double least, worst_moderate;
    root_trial lowest;
} tally;

static int order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add(tally *all, const root_trial *t) {
    double ratio = t->truth > 0 ? t->report.error / t->truth : INFINITY;
    all->ratios[all->count++] = ratio;
    all->newton += t->report.iterations > 0;
    if (ratio < all->least) {
        all->least = ratio;
        all->lowest = *t;
    }
    if (t->condition <= 1e6) {
        all->moderate++;
        all->worst_moderate = fmax(all->worst_moderate, t->truth);
    }
}

static size_t size_of(uint64_t number) {
    return (size_t)lrint(2 * pow(LARGEST / 2.0, root_draw(number, 0, 0, 1)));
}

static void run_matrix(root_family family, uint64_t number, tally *all, claims *verdict) {
    root_bench bench = root_bench_create(family, number, size_of(number));
    for (uint32_t which = 0; which < ROOTS; which++) {
        root_trial t = {.family = family, .number = number};
        root_trial_draw(&bench, which, &t);
        if (root_trial_run(&bench, &t))
            add(all, &t);
        else
            claim(verdict, false, "%s matrix %llu, root %u: the call failed",
                  root_family_names[family], (unsigned long long)number, which);
    }
    root_bench_destroy(&bench);
}

static void judge(root_family family, tally *all, claims *verdict) {
    const char *name = root_family_names[family];
    const root_trial *low = &all->lowest;
    qsort(all->ratios, all->count, sizeof *all->ratios, order);
    double median = all->ratios[all->count / 2], high = all->ratios[all->count * 99 / 100];
    claim(verdict, all->least >= 1.0 / 3.0,
          "%s: %zu roots, %zu by Newton–Schulz: reported over true error >= 1/3: least %.3f "
          "(matrix %llu, n = %zu, p = %g, form %d, true %.1e)",
          name, all->count, all->newton, all->least, (unsigned long long)low->number, low->n,
          low->root.exponent, (int)low->root.form, low->truth);
    claim(verdict, median >= 0.1 && median <= 10,
          "%s: its median within a factor 10 of 1: %.2f (99 %%: %.3g)", name, median, high);
    claim(verdict, all->worst_moderate <= 1e-10,
          "%s: %zu roots of condition up to 1e6: error <= 1e-10: worst %.1e", name,
          all->moderate, all->worst_moderate);
}

int main(void) {
    static tally all;
    claims verdict = {0};
    size_t newton = 0;
    openblas_set_num_threads(1);
    for (root_family family = 0; family < ROOT_FAMILY_COUNT; family++) {
        all = (tally){.least = INFINITY};
        for (uint64_t k = 0; k < MATRICES; k++)
            run_matrix(family, (uint64_t)family << 32 | k, &all, &verdict);
        judge(family, &all, &verdict);
        newton += all.newton;
    }
    claim(&verdict, newton >= 200, "both methods were met: %zu roots by Newton–Schulz", newton);
    printf("%d passed, %d failed, %d skipped\n", verdict.passed, verdict.failed,
           verdict.skipped);
    return verdict.failed > 0;
}
