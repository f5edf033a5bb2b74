/* SPDX-License-Identifier: MIT
 * Parameter tables as text for a terminal.
 */
#include "cli.h"

#include <math.h>
#include <string.h>

static size_t append(char *text, size_t used, const char *format, const char *part) {
    if (used < CLI_RANGE_SIZE)
        used += (size_t)snprintf(text + used, CLI_RANGE_SIZE - used, format, part);
    return used;
}

static size_t append_words(char *text, size_t used, const uns_named *names) {
    for (size_t i = 0; names && names[i].name; i++)
        used = append(text, used, i ? ", %s" : "%s", names[i].name);
    return used;
}

static size_t append_interval(char *text, size_t used, const uns_param *row) {
    char interval[64];
    if (isinf(row->low) && isinf(row->high))
        return append(text, used, "%s", "any number");
    snprintf(interval, sizeof interval, "in %c%.17g, %.17g%c",
             row->open & UNS_OPEN_LOW || isinf(row->low) ? '(' : '[', row->low, row->high,
             row->open & UNS_OPEN_HIGH || isinf(row->high) ? ')' : ']');
    return append(text, used, "%s", interval);
}

void cli_range_text(const uns_param *row, char text[CLI_RANGE_SIZE]) {
    size_t used = 0;
    text[0] = '\0';
    switch (row->type) {
    case UNS_PARAM_FLAG:
        append(text, used, "%s", "true or false");
        return;
    case UNS_PARAM_CHOICE:
        append_words(text, append(text, used, "%s", "one of "), row->names);
        return;
    case UNS_PARAM_NAME:
        append(text, used, "%s", "a name");
        return;
    case UNS_PARAM_TEXT:
        append(text, used, "%s", "a text");
        return;
    case UNS_PARAM_COUNT:
        used = append(text, used, "%s", "whole, ");
        break;
    case UNS_PARAM_REALS:
        used = append(text, used, "%s", "a list, each ");
        break;
    case UNS_PARAM_REAL:
        break;
    }
    used = append_interval(text, used, row);
    if (row->names && row->names[0].name)
        append_words(text, append(text, used, "%s", ", or "), row->names);
}

void cli_row_print(const uns_param *row, const void *config, bool marked, FILE *out) {
    char key[96], value[UNS_TEXT_SIZE] = "", range[CLI_RANGE_SIZE];
    snprintf(key, sizeof key, "%s%s%s%s", row->key, row->alias ? " (" : "",
             row->alias ? row->alias : "", row->alias ? ")" : "");
    if (config)
        uns_param_print(row, config, value, sizeof value);
    else
        snprintf(value, sizeof value, "%s", row->fallback);
    cli_range_text(row, range);
    fprintf(out, "%c %-22s %-10s %s\n", marked ? '*' : ' ', key, value[0] ? value : "\"\"",
            range);
    fprintf(out, "      %s%s%s%s\n", row->meaning, row->unit[0] ? " [" : "", row->unit,
            row->unit[0] ? "]" : "");
}

void cli_rows_print(const uns_param_table *table, const void *config, const void *defaults,
                    FILE *out) {
    for (size_t i = 0; table && i < table->count; i++) {
        const uns_param *row = &table->rows[i];
        char set[UNS_TEXT_SIZE], usual[UNS_TEXT_SIZE];
        bool marked = false;
        if (config && defaults) {
            uns_param_print(row, config, set, sizeof set);
            uns_param_print(row, defaults, usual, sizeof usual);
            marked = strcmp(set, usual) != 0;
        }
        cli_row_print(row, config, marked, out);
    }
}
