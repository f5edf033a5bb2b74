/* SPDX-License-Identifier: MIT
 * Help: of the program, of a command, and the table of exit statuses.
 */
#include "cli.h"

#include <string.h>

static const struct {
    cli_status status;
    const char *meaning;
} statuses[] = {
    {CLI_FINE, "done"},
    {CLI_INTERNAL, "something could not be read or written, or memory ran out"},
    {CLI_INPUT, "wrong usage, or a plan or record with an error; nothing was run"},
    {CLI_DIVERGED, "every cell of the run diverged, or any did and --strict was given"},
    {CLI_SADDLE, "certify: the point is a saddle"},
    {CLI_GRADIENT, "certify: the gradient is too large for a stationary point"},
    {CLI_UNDECIDED, "certify: undecided within the budget"},
    {CLI_INTERRUPTED, "interrupted (Ctrl-C); what was done so far was written or shown"},
};

void cli_statuses_print(FILE *out) {
    fputs("Exit status:\n", out);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        fprintf(out, "  %3d  %s\n", (int)statuses[i].status, statuses[i].meaning);
}

void cli_usage_print(FILE *out) {
    fputs("unsaddle: stochastic gradient methods at saddle points and minima\n\n"
          "Usage: unsaddle COMMAND [OPTION ...]\n\nCommands:\n",
          out);
    for (size_t i = 0; cli_commands[i]; i++)
        fprintf(out, "  %-8s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\nOptions:\n"
          "  --help     this text, or with a command: its own\n"
          "  --version  the version\n\n",
          out);
    cli_statuses_print(out);
    fputs("\nTo begin: unsaddle new saddle && unsaddle run saddle.yaml\n", out);
}

void cli_command_help_print(const cli_command *command, FILE *out) {
    fprintf(out, "Usage: unsaddle %s%s%s", command->name, command->operands[0] ? " " : "",
            command->operands);
    for (const cli_option *option = command->options; option->name; option++)
        fprintf(out, " [--%s%s%s]", option->name, option->argument ? " " : "",
                option->argument ? option->argument : "");
    fprintf(out, "\n\n%s\n", command->help);
    if (command->options[0].name)
        fputs("\nOptions:\n", out);
    for (const cli_option *option = command->options; option->name; option++) {
        char name[32];
        snprintf(name, sizeof name, "--%s%s%s", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        fprintf(out, "  %-10s %s\n", name, option->help);
    }
    fputc('\n', out);
    cli_statuses_print(out);
}

static const char *command_name(const void *user, size_t index) {
    (void)user;
    return cli_commands[index] ? cli_commands[index]->name : NULL;
}

static cli_status help(const cli_arguments *arguments) {
    if (arguments->count == 0) {
        cli_usage_print(stdout);
        return CLI_FINE;
    }
    const cli_command *command = cli_command_find(arguments->operand[0]);
    if (!command) {
        char hint[CLI_HINT_SIZE];
        cli_hint(arguments->operand[0], command_name, NULL, hint);
        cli_say("there is no command '%s'%s", arguments->operand[0], hint);
        return CLI_INPUT;
    }
    cli_command_help_print(command, stdout);
    return CLI_FINE;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {{NULL, NULL, NULL}};

const cli_command cli_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "print the help of a command",
    .help = "Prints the help of a command, as 'unsaddle COMMAND --help' does.",
    .least = 0,
    .most = 1,
    .options = options,
    .run = help,
};
