/* SPDX-License-Identifier: MIT
 * What the long runs of the forecast share: reading the table of configurations, problems and
 * cells made from "key=value ..." text, claims and their count.
 */
#ifndef UNS_LONG_CASES_H
#define UNS_LONG_CASES_H

#include "base/base.h"
#include "run/record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/problems.h>

typedef struct claims {
    int passed, failed, skipped;
} claims;

/* Ends the program; for what is no finding but a broken run. */
static inline void give_up(uns_context *context, const char *what) {
    fprintf(stderr, "%s: %s\n", what, uns_context_message(context));
    exit(1);
}

static inline uns_context *open_all(void) {
    uns_context *context = NULL;
    if (uns_context_create(NULL, &context) != UNS_OK ||
        uns_problems_register(context) != UNS_OK)
        give_up(context, "context");
    return context;
}

__attribute__((format(printf, 3, 4))) static inline void claim(claims *all, bool held,
                                                               const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%s  ", held ? "ok    " : "FAILED");
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
    all->passed += held;
    all->failed += !held;
}

static inline int close_claims(const claims *all) {
    printf("%d passed, %d failed, %d skipped\n", all->passed, all->failed, all->skipped);
    return all->failed > 0;
}

/* A filled config of the named problem; to be freed. */
static inline void *make_config(uns_context *context, const char *problem, const char *pairs) {
    const void *entry = NULL;
    if (uns_context_find(context, UNS_KIND_PROBLEM, problem, &entry) != UNS_OK)
        give_up(context, problem);
    const uns_param_table *table = ((const uns_problem_ops *)entry)->params;
    void *config = malloc(table->config_size);
    if (!config || uns_param_defaults(context, table, config) != UNS_OK ||
        uns_param_assign(context, table, config, pairs) != UNS_OK)
        give_up(context, pairs);
    return config;
}

/* "preset key=value ..." */
static inline void read_spec(uns_context *context, const char *text, uns_cell *cell) {
    char preset[UNS_NAME_SIZE];
    if (sscanf(text, "%31s", preset) != 1)
        give_up(context, text);
    snprintf(cell->preset, sizeof cell->preset, "%s", preset);
    if (uns_spec_preset(context, preset, &cell->spec) != UNS_OK ||
        uns_param_assign(context, uns_spec_table(), &cell->spec, text + strlen(preset)) !=
            UNS_OK)
        give_up(context, text);
}

static inline int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double median_of(size_t n, double *values) {
    qsort(values, n, sizeof *values, ascending);
    if (n == 0)
        return NAN;
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

#endif
