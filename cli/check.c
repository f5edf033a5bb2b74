/* SPDX-License-Identifier: MIT
 * unsaddle check: reads a plan as `run` would and says what it would do.
 */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

static void print_cell(uns_context *context, const uns_cell *cell, size_t number) {
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
}

static cli_status check(const cli_arguments *arguments) {
    cli_session session;
    cli_status status = cli_session_open(arguments, &session);
    if (status != CLI_FINE)
        return status;
    size_t count = uns_plan_count(session.plan);
    uns_status refused = uns_run_check(session.context, session.plan);
    if (refused != UNS_OK) {
        status = cli_fail(session.context, refused, false);
        cli_session_close(&session);
        return status;
    }
    if (cli_option_value(arguments, "yaml")) {
        fputs(uns_plan_resolved(session.plan), stdout);
    } else {
        printf("%s: %zu %s, no errors\n", arguments->operand[0], count,
               count == 1 ? "cell" : "cells");
        for (size_t i = 0; i < count; i++)
            print_cell(session.context, uns_plan_cell(session.plan, i), i + 1);
    }
    cli_session_close(&session);
    return CLI_FINE;
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
        "whether every optimizer can be made on it, prints the cells that would be run, and\n"
        "exits with 2 and the place of the error if there is one.",
    .least = 1,
    .most = (size_t)-1,
    .options = options,
    .run = check,
};
