/* SPDX-License-Identifier: MIT
 * unsaddle check: reads a plan as `run` would and says what it would do.
 */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Footprints of all cells, in the order of the plan. */
typedef struct survey {
    size_t count;
    uns_footprint *of;
} survey;

static void keep_footprint(void *user, const uns_footprint *footprint) {
    survey *all = user;
    all->of[all->count++] = *footprint;
}

static void print_cell(uns_context *context, const uns_footprint *footprint, size_t number) {
    const uns_cell *cell = footprint->cell;
    char pieces[CLI_FOOTPRINT_SIZE];
    const uns_settings *settings = &cell->settings;
    const uns_spec *spec = &cell->spec;
    printf("%4zu  %s\n", number, cell->label);
    printf("      %s, %" PRId64 " %s of %" PRId64 " steps, batch %" PRId64 ", seed %" PRId64
           "\n",
           cell->problem, settings->replicas, settings->replicas == 1 ? "replica" : "replicas",
           settings->steps, settings->batch, settings->seed);
    printf("      %s: eta %g, structure %s", cell->preset, spec->eta, spec->structure);
    if (strcmp(spec->structure, "identity") != 0)
        printf(", moment %s", spec->moment);
    if (strcmp(spec->structure, "identity") != 0 && strcmp(spec->moment, "ema") == 0)
        printf(" with beta %.6g, burn-in %" PRId64, uns_spec_beta(spec),
               uns_spec_burn_in(context, spec));
    putchar('\n');
    if (cli_footprint_text(footprint, pieces))
        printf("      %s\n", pieces);
}

static void print_all(const cli_arguments *arguments, const cli_session *session,
                      const survey *all) {
    if (cli_option_value(arguments, "yaml")) {
        fputs(uns_plan_resolved(session->plan), stdout);
        return;
    }
    printf("%s: %zu %s, no errors\n", arguments->operand[0], all->count,
           all->count == 1 ? "cell" : "cells");
    for (size_t i = 0; i < all->count; i++)
        print_cell(session->context, &all->of[i], i + 1);
}

static cli_status check(const cli_arguments *arguments) {
    cli_session session;
    cli_status status = cli_session_open(arguments, &session);
    if (status != CLI_FINE)
        return status;
    survey all = {0, malloc((uns_plan_count(session.plan) + 1) * sizeof *all.of)};
    uns_status read = all.of
                          ? uns_run_check(session.context, session.plan, keep_footprint, &all)
                          : UNS_ERROR_MEMORY;
    if (read == UNS_OK)
        print_all(arguments, &session, &all);
    else
        status = cli_fail(session.context, read, false);
    free(all.of);
    cli_session_close(&session);
    return status;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {
    {"yaml", NULL, "print the whole plan with every key written out, as YAML"},
    {NULL, NULL, NULL},
};

const cli_command cli_check = {
    .name = "check",
    .operands = "CONFIG [KEY=VALUE ...]",
    .summary = "check a plan without running it and print its cells",
    .help =
        "Reads CONFIG and the overrides as 'unsaddle run' would, makes every problem and sees\n"
        "whether every optimizer can be made on it, prints the cells that would be run, what\n"
        "structures with matrices would keep and in how much memory, and\n"
        "exits with 2 and the place of the error if there is one.",
    .least = 1,
    .most = (size_t)-1,
    .options = options,
    .run = check,
};
