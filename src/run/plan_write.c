/* SPDX-License-Identifier: MIT
 * The resolved file: what was read, with every key and its value, in a form that reads back to
 * the same cells in the same order. Lists stay lists, so that labels are worked out anew and an
 * override of this file cannot make them lie.
 *
 * Epochs are written as steps where all cells have the same, so that the data they were
 * counted on is not needed to read the file again.
 */
#include "run/plan_draft.h"

#include <stdio.h>
#include <string.h>

typedef struct sheet {
    uns_store *store;
    char *text;
    size_t used, room;
    bool failed;
} sheet;

static void put(sheet *s, const char *text) {
    size_t length = strlen(text);
    if (!s->failed && s->room - s->used <= length) {
        size_t room = 2 * (s->used + length) + 4096;
        char *moved = uns_store_take(s->store, room);
        s->failed = !moved;
        if (moved && s->used)
            memcpy(moved, s->text, s->used);
        s->text = moved;
        s->room = room;
    }
    if (s->failed)
        return;
    memcpy(s->text + s->used, text, length + 1);
    s->used += length;
}

static void put_value(sheet *s, const uns_param *row, const void *config) {
    char value[UNS_REALS_MAX * 40], quoted[UNS_YAML_QUOTED];
    uns_param_print(row, config, value, sizeof value);
    if (row->type == UNS_PARAM_REALS) {
        put(s, value);
        return;
    }
    uns_yaml_quote(value, quoted);
    put(s, quoted);
}

static void put_word(sheet *s, const char *text) {
    char quoted[UNS_YAML_QUOTED];
    uns_yaml_quote(text, quoted);
    put(s, quoted);
}

/* Where the keys of a config stand. */
typedef struct block {
    uns_draft *draft;
    const uns_section *section;
    const char *indent;
    void *config; /* with the values of all keys but those with a list */
} block;

static void put_key(sheet *s, const block *b, const uns_param *row) {
    put(s, b->indent);
    put(s, row->key);
    put(s, ": ");
}

static void put_single(sheet *s, const block *b, const uns_param *row) {
    const uns_entry *entry = uns_section_find(b->section, row);
    if (entry && entry->count > 1)
        return;
    put_key(s, b, row);
    put_value(s, row, b->config);
    put(s, "\n");
}

static uns_status put_list(sheet *s, const block *b, const uns_entry *entry) {
    put_key(s, b, entry->row);
    for (size_t i = 0; i < entry->count; i++) {
        UNS_TRY(uns_entry_set(b->draft, b->section, entry, i, b->config));
        put(s, i ? ", " : "[");
        put_value(s, entry->row, b->config);
    }
    put(s, "]\n");
    return UNS_OK;
}

/* Keys with one value stand first, in the table's order: only where lists meet does order
 * matter, and lists follow in the file's. `config` is used up. */
static uns_status put_block(sheet *s, const block *b) {
    const uns_param_table *table = b->section->table;
    for (size_t i = 0; i < table->count; i++)
        put_single(s, b, &table->rows[i]);
    for (size_t i = 0; i < b->section->count; i++)
        if (b->section->entries[i].count > 1)
            UNS_TRY(put_list(s, b, &b->section->entries[i]));
    return UNS_OK;
}

/* The keys of a section, with the values of its first variant. */
static uns_status put_section(sheet *s, uns_draft *draft, const char *indent,
                              const uns_variant *first) {
    const uns_section *section = first->section;
    void *config = uns_store_take(draft->store, section->table->config_size + 1);
    if (!config)
        return UNS_ERROR_MEMORY;
    memcpy(config, first->config, section->table->config_size);
    block b = {.draft = draft, .section = section, .indent = indent, .config = config};
    return put_block(s, &b);
}

static uns_status put_problems(sheet *s, uns_draft *draft, const uns_variant_list *problems) {
    bool list = draft->problems.count > 1;
    put(s, "problem:\n");
    for (size_t i = 0; i < problems->count; i += problems->items[i].section->combinations) {
        const uns_section *section = problems->items[i].section;
        put(s, list ? "  - name: " : "  name: ");
        put_word(s, section->name);
        put(s, "\n");
        UNS_TRY(put_section(s, draft, list ? "    " : "  ", &problems->items[i]));
    }
    return UNS_OK;
}

static uns_status put_optimizers(sheet *s, uns_draft *draft,
                                 const uns_variant_list *optimizers) {
    put(s, "optimizers:\n");
    for (size_t i = 0; i < optimizers->count; i += optimizers->items[i].section->combinations) {
        const uns_section *section = optimizers->items[i].section;
        put(s, "  - ");
        put_word(s, section->name);
        put(s, section->label ? ":\n      label: " : ":");
        if (section->label)
            put_word(s, section->label);
        put(s, "\n");
        UNS_TRY(put_section(s, draft, "      ", &optimizers->items[i]));
    }
    return UNS_OK;
}

/* The steps of all cells; 0: they differ, or are a list of the file. */
static int64_t common_steps(const uns_draft *draft, const uns_cells *cells) {
    const char *const keys[] = {"steps", "epochs"};
    for (size_t i = 0; i < 2; i++) {
        const uns_param *row = uns_param_find(uns_settings_table(), keys[i]);
        const uns_entry *entry = uns_section_find(&draft->settings, row);
        if (entry && entry->count > 1)
            return 0;
    }
    for (size_t i = 1; i < cells->count; i++)
        if (cells->items[i].settings.steps != cells->items[0].settings.steps)
            return 0;
    return cells->items[0].settings.steps;
}

/* The settings with one value. */
static uns_status put_settings(sheet *s, const block *b, const uns_cells *cells) {
    const uns_section *section = b->section;
    uns_settings *settings = b->config;
    UNS_TRY(uns_param_defaults(b->draft->context, section->table, settings));
    for (size_t i = 0; i < section->count; i++) {
        const uns_entry *entry = &section->entries[i];
        if (entry->row != &uns_plan_problem_row && entry->row != &uns_plan_optimizers_row)
            UNS_TRY(uns_entry_set(b->draft, section, entry, 0, settings));
    }
    int64_t steps = common_steps(b->draft, cells);
    if (steps) {
        settings->steps = steps;
        settings->epochs = 0;
    }
    for (size_t i = 0; i < section->table->count; i++)
        put_single(s, b, &section->table->rows[i]);
    return UNS_OK;
}

/* What the cells are a product of, in the file's order. */
static uns_status put_axes(sheet *s, const block *b, const uns_variant_list *problems,
                           const uns_variant_list *optimizers) {
    for (size_t i = 0; i < b->section->count; i++) {
        const uns_entry *entry = &b->section->entries[i];
        if (entry->row == &uns_plan_optimizers_row)
            UNS_TRY(put_optimizers(s, b->draft, optimizers));
        else if (entry->row == &uns_plan_problem_row && problems->count > 1)
            UNS_TRY(put_problems(s, b->draft, problems));
        else if (entry->row != &uns_plan_problem_row && entry->count > 1)
            UNS_TRY(put_list(s, b, entry));
    }
    return UNS_OK;
}

uns_status uns_draft_write(uns_draft *draft, const uns_variant_list *problems,
                           const uns_variant_list *optimizers, const uns_cells *cells,
                           const char **text) {
    uns_settings settings;
    sheet s = {.store = draft->store};
    block top = {
        .draft = draft, .section = &draft->settings, .indent = "", .config = &settings};
    put(&s, "# The plan as it is run: every key with its value.\n");
    if (problems->count == 1)
        UNS_TRY(put_problems(&s, draft, problems));
    UNS_TRY(put_settings(&s, &top, cells));
    UNS_TRY(put_axes(&s, &top, problems, optimizers));
    *text = s.failed ? NULL : uns_store_text(draft->kept, s.text, s.used);
    return *text ? UNS_OK : UNS_ERROR_MEMORY;
}
