/* SPDX-License-Identifier: MIT
 * unsaddle show: the table of a record, from its folder.
 */
#include "cli.h"

#include <stdlib.h>
#include <unsaddle/report.h>

cli_status cli_record_print(uns_context *context, const uns_record *record, bool json) {
    char *text = NULL;
    uns_status status = json ? uns_record_summary(context, record, &text)
                             : uns_report_table(context, record, cli_columns(stdout), &text);
    if (status != UNS_OK)
        return cli_fail(context, status, true);
    fputs(text, stdout);
    free(text);
    return CLI_FINE;
}

static cli_status print_plot(uns_context *context, const uns_record *record) {
    char *svg = NULL;
    uns_status status = uns_report_plot(context, record, &svg);
    if (status != UNS_OK)
        return cli_fail(context, status, true);
    fputs(svg, stdout);
    free(svg);
    return CLI_FINE;
}

static cli_status show(const cli_arguments *arguments) {
    uns_context *context = cli_context_open(1);
    uns_record *record = NULL;
    if (!context)
        return CLI_INTERNAL;
    cli_status result;
    uns_status status = uns_record_read(context, arguments->operand[0], &record);
    if (status != UNS_OK)
        result = cli_fail(context, status, false);
    else if (cli_option_value(arguments, "svg"))
        result = print_plot(context, record);
    else
        result = cli_record_print(context, record, cli_option_value(arguments, "json"));
    uns_record_destroy(record);
    uns_context_destroy(context);
    return result;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {
    {"json", NULL, "print summary.json instead"},
    {"svg", NULL, "print the picture instead"},
    {NULL, NULL, NULL},
};

const cli_command cli_show = {
    .name = "show",
    .operands = "DIR",
    .summary = "print the table of an earlier run again",
    .help = "Prints the table and the conclusion of the record in DIR, as 'unsaddle run' did.",
    .least = 1,
    .most = 1,
    .options = options,
    .run = show,
};
