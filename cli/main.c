/* SPDX-License-Identifier: MIT
 * The program `unsaddle`: finds the command in the table and runs it.
 */
#include "cli.h"

#include <string.h>

const cli_command *const cli_commands[] = {&cli_run,   &cli_show, &cli_certify, &cli_measure,
                                           &cli_check, &cli_list, &cli_new,     &cli_info,
                                           &cli_bench, &cli_help, NULL};

const cli_command *cli_command_find(const char *name) {
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static const char *command_name(const void *user, size_t index) {
    (void)user;
    return cli_commands[index] ? cli_commands[index]->name : NULL;
}

static cli_status run_command(const cli_command *command, int count, char **words) {
    const char *operands[count + 1];
    cli_arguments arguments;
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            cli_command_help_print(command, stdout);
            return CLI_FINE;
        }
    cli_status status = cli_arguments_read(command, count, words, operands, &arguments);
    return status == CLI_FINE ? command->run(&arguments) : status;
}

static cli_status unknown_command(const char *name) {
    char hint[CLI_HINT_SIZE];
    cli_hint(name, command_name, NULL, hint);
    cli_say("there is no %s '%s'%s; 'unsaddle --help' lists the commands",
            name[0] == '-' ? "option" : "command", name, hint);
    return CLI_INPUT;
}

static cli_status dispatch(int count, char **words) {
    if (count < 2) {
        cli_usage_print(stderr);
        return CLI_INPUT;
    }
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0) {
        cli_usage_print(stdout);
        return CLI_FINE;
    }
    if (strcmp(words[1], "--version") == 0) {
        printf("unsaddle %s\n", UNS_VERSION);
        return CLI_FINE;
    }
    const cli_command *command = cli_command_find(words[1]);
    return command ? run_command(command, count - 2, words + 2) : unknown_command(words[1]);
}

int main(int count, char **words) {
    cli_core_settle(words);
    cli_streams_open();
    return cli_streams_finish(dispatch(count, words));
}
