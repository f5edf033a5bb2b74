/* SPDX-License-Identifier: MIT
 * unsaddle list: every name a plan may use, and the parameters behind it, from the tables of
 * the library.
 */
#include "cli.h"

#include <string.h>
#include <unsaddle/certificate.h>
#include <unsaddle/measure.h>
#include <unsaddle/moment.h>
#include <unsaddle/structure.h>

/* What all entries of a kind begin with, by the registry's convention: size, then name. */
static const char *entry_name(const void *entry) {
    return ((const uns_preset *)entry)->name;
}

static const char *entry_summary(uns_kind kind, const void *entry) {
    switch (kind) {
    case UNS_KIND_PRESET:
        return ((const uns_preset *)entry)->summary;
    case UNS_KIND_MOMENT:
        return ((const uns_moment_ops *)entry)->summary;
    case UNS_KIND_STRUCTURE:
        return ((const uns_structure_ops *)entry)->summary;
    case UNS_KIND_PROBLEM:
        return ((const uns_problem_ops *)entry)->summary;
    default:
        return "";
    }
}

const cli_kind cli_kinds[] = {
    {UNS_KIND_PRESET, "presets", "preset", "optimizers by name, each a row of values"},
    {UNS_KIND_PROBLEM, "problems", "problem", "what 'problem' may name"},
    {UNS_KIND_MOMENT, "moments", "moment", "how the second moment is gathered: key 'moment'"},
    {UNS_KIND_STRUCTURE, "structures", "structure",
     "which part of it is kept: key 'structure'"},
    {UNS_KIND_COUNT, NULL, NULL, NULL},
};

static void print_kind(const uns_context *context, const cli_kind *kind) {
    printf("%s (%s)\n", kind->plural, kind->meaning);
    for (size_t i = 0; i < uns_context_count(context, kind->kind); i++) {
        const void *entry = uns_context_entry(context, kind->kind, i);
        printf("  %-20s %s\n", entry_name(entry), entry_summary(kind->kind, entry));
    }
}

/* Tables of keys that are no entry of the context: `list NAME` prints them whole, `list KEY`
 * finds a key in any of them and in the optimizers'. */
static const struct {
    const char *name, *meaning, *place;
    const uns_param_table *(*table)(void);
} tables[] = {
    {"settings", "top-level keys of a plan, beside 'problem' and 'optimizers'", "the settings",
     uns_settings_table},
    {"certify", "keys of 'unsaddle certify'", "certify", uns_certificate_table},
    {"measure", "keys of 'unsaddle measure'", "measure", uns_measure_table},
    {NULL, NULL, "an optimizer", uns_spec_table},
};

enum {
    TABLES = sizeof tables / sizeof tables[0]
};

static void print_table_names(size_t i) {
    const uns_param_table *table = tables[i].table();
    printf("%s (%s)\n", tables[i].name, tables[i].meaning);
    for (size_t k = 0; k < table->count; k++)
        printf("  %-20s %s\n", table->rows[k].key, table->rows[k].meaning);
}

static cli_status print_overview(uns_context *context) {
    for (const cli_kind *kind = cli_kinds; kind->plural; kind++) {
        print_kind(context, kind);
        putchar('\n');
    }
    for (size_t i = 0; i < TABLES; i++)
        if (tables[i].name) {
            print_table_names(i);
            putchar('\n');
        }
    puts("'unsaddle list NAME' prints the parameters of a preset, problem or key.");
    return CLI_FINE;
}

static cli_status print_preset(uns_context *context, const uns_preset *preset) {
    uns_spec spec, defaults;
    uns_status status = uns_spec_preset(context, preset->name, &spec);
    if (status == UNS_OK)
        status = uns_param_defaults(context, uns_spec_table(), &defaults);
    if (status != UNS_OK)
        return cli_fail(context, status, true);
    printf("source: %s\n\nkeys (* set by the preset), value here, range\n", preset->source);
    cli_rows_print(uns_spec_table(), &spec, &defaults, stdout);
    return CLI_FINE;
}

static cli_status print_entry(uns_context *context, const cli_kind *kind, const void *entry) {
    printf("%s %s: %s\n", kind->singular, entry_name(entry), entry_summary(kind->kind, entry));
    if (kind->kind == UNS_KIND_PRESET)
        return print_preset(context, entry);
    if (kind->kind == UNS_KIND_PROBLEM) {
        puts("\nkeys, default, range");
        cli_rows_print(((const uns_problem_ops *)entry)->params, NULL, NULL, stdout);
    }
    return CLI_FINE;
}

/* A key described alone, wherever it occurs. */
static bool print_key(const char *name) {
    bool any = false;
    for (size_t i = 0; i < TABLES; i++) {
        const uns_param *row = uns_param_find(tables[i].table(), name);
        if (!row)
            continue;
        printf("key of %s, default, range\n", tables[i].place);
        cli_row_print(row, NULL, false, stdout);
        any = true;
    }
    return any;
}

/* All names, for the nearest right one: kinds, entries of every kind, tables, keys. */
static const char *any_name(const void *user, size_t index) {
    const uns_context *context = user;
    for (const cli_kind *kind = cli_kinds; kind->plural; kind++) {
        if (index-- == 0)
            return kind->plural;
        size_t count = uns_context_count(context, kind->kind);
        if (index < count)
            return entry_name(uns_context_entry(context, kind->kind, index));
        index -= count;
    }
    for (size_t i = 0; i < TABLES; i++) {
        const uns_param_table *table = tables[i].table();
        if (tables[i].name && index-- == 0)
            return tables[i].name;
        if (index < table->count)
            return table->rows[index].key;
        index -= table->count;
    }
    return NULL;
}

static cli_status print_name(uns_context *context, const char *name) {
    bool any = false;
    for (const cli_kind *kind = cli_kinds; kind->plural; kind++)
        for (size_t i = 0; i < uns_context_count(context, kind->kind); i++) {
            const void *entry = uns_context_entry(context, kind->kind, i);
            if (strcmp(entry_name(entry), name) != 0)
                continue;
            cli_status status = print_entry(context, kind, entry);
            if (status != CLI_FINE)
                return status;
            any = true;
        }
    any |= print_key(name);
    if (any)
        return CLI_FINE;
    char hint[CLI_HINT_SIZE];
    cli_hint(name, any_name, context, hint);
    cli_say("nothing is called '%s'%s; 'unsaddle list' prints all names", name, hint);
    return CLI_INPUT;
}

static cli_status print_operand(uns_context *context, const char *name) {
    for (const cli_kind *kind = cli_kinds; kind->plural; kind++)
        if (strcmp(kind->plural, name) == 0) {
            print_kind(context, kind);
            return CLI_FINE;
        }
    for (size_t i = 0; i < TABLES; i++)
        if (tables[i].name && strcmp(tables[i].name, name) == 0) {
            printf("%s (%s)\n", name, tables[i].meaning);
            cli_rows_print(tables[i].table(), NULL, NULL, stdout);
            return CLI_FINE;
        }
    return print_name(context, name);
}

static cli_status list(const cli_arguments *arguments) {
    uns_context *context = cli_context_open(1);
    cli_status status = CLI_FINE;
    if (!context)
        return CLI_INTERNAL;
    if (cli_option_value(arguments, "markdown"))
        cli_markdown_print(context, stdout);
    else if (arguments->count > 0)
        status = print_operand(context, arguments->operand[0]);
    else
        status = print_overview(context);
    uns_context_destroy(context);
    return status;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {
    {"markdown", NULL, "print the whole reference page as Markdown"},
    {NULL, NULL, NULL},
};

const cli_command cli_list = {
    .name = "list",
    .operands = "[presets|problems|moments|structures|settings|certify|measure|NAME]",
    .summary = "print the names a plan may use, and what they mean",
    .help = "Without an operand: all names. With a kind: those of the kind. With NAME, a\n"
            "preset, problem, moment, structure or key: its parameters with ranges, defaults\n"
            "and meaning.",
    .least = 0,
    .most = 1,
    .options = options,
    .run = list,
};
