/* SPDX-License-Identifier: MIT
 * Options and operands of a command. Options are long, may stand anywhere before "--", and take
 * their value as "--out DIR" or "--out=DIR".
 */
#include "cli.h"

#include <string.h>

static const char *option_name(const void *options, size_t index) {
    return ((const cli_option *)options)[index].name;
}

/* The row of the option that `word` names, or -1 after a message. */
static int find_option(const cli_command *command, const char *word, size_t length) {
    const cli_option *options = command->options;
    for (int i = 0; options[i].name; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, word, length) == 0)
            return i;
    char name[64], hint[CLI_HINT_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    cli_hint(name, option_name, options, hint);
    cli_say("'%s' has no option '--%s'%s; see 'unsaddle %s --help'", command->name, name, hint,
            command->name);
    return -1;
}

/* Reads the option at *index, and its value when that is the next word. */
static cli_status read_option(const cli_command *command, int count, char **words, int *index,
                              cli_arguments *out) {
    const char *word = words[*index] + 2, *equals = strchr(word, '=');
    int row = find_option(command, word, equals ? (size_t)(equals - word) : strlen(word));
    if (row < 0)
        return CLI_INPUT;
    const cli_option *option = &command->options[row];
    const char *value = equals ? equals + 1 : "";
    if (!option->argument && equals) {
        cli_say("'--%s' takes no value", option->name);
        return CLI_INPUT;
    }
    if (option->argument && !equals) {
        if (*index + 1 == count) {
            cli_say("'--%s' needs a value: --%s %s", option->name, option->name,
                    option->argument);
            return CLI_INPUT;
        }
        value = words[++*index];
    }
    out->option[row] = value;
    return CLI_FINE;
}

static cli_status check_count(const cli_command *command, const cli_arguments *arguments) {
    if (arguments->count >= command->least && arguments->count <= command->most)
        return CLI_FINE;
    if (arguments->count < command->least)
        cli_say("'%s' needs %s: unsaddle %s %s", command->name, command->operands,
                command->name, command->operands);
    else
        cli_say("'%s' does not take '%s': unsaddle %s%s%s", command->name,
                arguments->operand[command->most], command->name,
                command->operands[0] ? " " : "", command->operands);
    return CLI_INPUT;
}

cli_status cli_arguments_read(const cli_command *command, int count, char **words,
                              const char **operands, cli_arguments *out) {
    bool options = true;
    *out = (cli_arguments){.command = command, .operand = operands};
    for (int i = 0; i < count; i++) {
        if (options && strcmp(words[i], "--") == 0) {
            options = false;
        } else if (options && words[i][0] == '-' && words[i][1] == '-') {
            if (read_option(command, count, words, &i, out) != CLI_FINE)
                return CLI_INPUT;
        } else if (options && words[i][0] == '-' && words[i][1] != '\0') {
            cli_say("'%s' has no option '%s'; see 'unsaddle %s --help'", command->name,
                    words[i], command->name);
            return CLI_INPUT;
        } else {
            operands[out->count++] = words[i];
        }
    }
    return check_count(command, out);
}

const char *cli_option_value(const cli_arguments *arguments, const char *name) {
    for (size_t i = 0; arguments->command->options[i].name; i++)
        if (strcmp(arguments->command->options[i].name, name) == 0)
            return arguments->option[i];
    return NULL;
}
