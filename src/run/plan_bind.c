/* SPDX-License-Identifier: MIT
 * The file's keys bound to their rows: top level, problem, optimizers. Which keys exist, which
 * were given twice and what has which shape is settled here; values are still text.
 */
#include "run/plan_draft.h"

#include <stdio.h>
#include <string.h>

const uns_param uns_plan_problem_row = {.key = "problem"};
const uns_param uns_plan_optimizers_row = {.key = "optimizers"};

static const uns_param_table no_params = {.title = "problem"};

/* The index-th right key of a section: keys, aliases, then what is no row. */
static const char *known_key(const void *user, size_t index) {
    const uns_section *section = user;
    const uns_param_table *table = section->table;
    static const char *const settings[] = {"problem", "optimizers", "instruments", "stall"};
    if (index < table->count)
        return table->rows[index].key;
    if ((index -= table->count) < table->count)
        return table->rows[index].alias ? table->rows[index].alias : table->rows[index].key;
    index -= table->count;
    if (!section->role)
        return index < UNS_COUNT_OF(settings) ? settings[index] : NULL;
    return index > 0 ? NULL : strcmp(section->role, "optimizer") == 0 ? "label" : "name";
}

static bool is_problem_key(uns_context *context, const char *key) {
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PROBLEM); i++) {
        const uns_problem_ops *ops = uns_context_entry(context, UNS_KIND_PROBLEM, i);
        if (ops->params && uns_param_find(ops->params, key))
            return true;
    }
    return false;
}

/* Where a key belongs that is right, but not here; NULL: nowhere. */
static const char *right_home(uns_draft *draft, const uns_section *section, const char *key) {
    if (section->role)
        return uns_param_find(uns_settings_table(), key) ? "at the top of the file" : NULL;
    if (uns_param_find(uns_spec_table(), key))
        return "below an optimizer: optimizers.NAME.KEY";
    return is_problem_key(draft->context, key) ? "below the problem: problem.KEY" : NULL;
}

uns_status uns_section_unknown(uns_draft *draft, const uns_section *section, const char *key) {
    const char *home = right_home(draft, section, key);
    const char *nearest = uns_nearest_name(key, known_key, section);
    char owner[UNS_NAME_SIZE + 24] = "";
    if (section->role)
        snprintf(owner, sizeof owner, " of %s '%s'", section->role, section->name);
    if (home)
        return uns_fail(draft->context, UNS_ERROR_NAME, "unknown key '%s'%s; it belongs %s",
                        key, owner, home);
    return uns_fail(draft->context, UNS_ERROR_NAME, "unknown key '%s'%s%s%s%s", key, owner,
                    nearest ? "; did you mean '" : "", nearest ? nearest : "",
                    nearest ? "'?" : "");
}

uns_entry *uns_section_find(const uns_section *section, const uns_param *row) {
    for (size_t i = 0; i < section->count; i++)
        if (section->entries[i].row == row)
            return &section->entries[i];
    return NULL;
}

void uns_section_remove(uns_section *section, const uns_entry *entry) {
    size_t after = (size_t)(section->entries + section->count - (entry + 1));
    uns_entry *place = section->entries + (entry - section->entries);
    memmove(place, entry + 1, after * sizeof *entry);
    section->count--;
}

static uns_status fail_twice(uns_draft *draft, const uns_yaml *place, const uns_yaml *first) {
    char where[UNS_YAML_LONGEST_KEY + 40] = "";
    if (strcmp(first->text, place->text) != 0)
        snprintf(where, sizeof where, ", as '%s'", first->text);
    if (first->line)
        snprintf(where + strlen(where), sizeof where - strlen(where), "; first in line %u",
                 first->line);
    return uns_yaml_at(draft->context, place,
                       uns_fail(draft->context, UNS_ERROR_FORMAT, "'%s' is given twice%s",
                                place->text, where));
}

uns_status uns_section_add(uns_draft *draft, uns_section *section, uns_entry entry) {
    const uns_entry *first = uns_section_find(section, entry.row);
    if (first)
        return fail_twice(draft, entry.place, first->place);
    section->entries = uns_store_grown(draft->store, section->entries, section->count,
                                       sizeof *section->entries);
    if (!section->entries)
        return UNS_ERROR_MEMORY;
    entry.count = 1;
    section->entries[section->count++] = entry;
    return UNS_OK;
}

static bool is_below(const char *path, const char *key) {
    size_t length = strlen(key);
    return path && strncmp(path, key, length) == 0 && path[length] == '.';
}

bool uns_section_has_group(const uns_section *section, const char *key) {
    const uns_param_table *table = section->table;
    for (size_t i = 0; i < table->count; i++)
        if (is_below(table->rows[i].key, key) || is_below(table->rows[i].alias, key))
            return true;
    return false;
}

uns_status uns_section_bind(uns_draft *draft, uns_section *section, const char *key,
                            const uns_yaml *mapping) {
    for (size_t i = 0; i < mapping->count; i += 2) {
        const uns_yaml *place = mapping->items[i];
        const char *full =
            *key ? uns_store_format(draft->store, "%s.%s", key, place->text) : place->text;
        if (!full)
            return UNS_ERROR_MEMORY;
        UNS_TRY(uns_section_bind_key(draft, section, full, place, mapping->items[i + 1]));
    }
    return UNS_OK;
}

uns_status uns_section_bind_key(uns_draft *draft, uns_section *section, const char *key,
                                const uns_yaml *place, const uns_yaml *value) {
    uns_context *context = draft->context;
    const uns_param *row = uns_param_find(section->table, key);
    bool group = uns_section_has_group(section, key);
    if (!row && !group)
        return uns_yaml_at(context, place, uns_section_unknown(draft, section, key));
    if (value->kind == UNS_YAML_MAPPING && group)
        return uns_section_bind(draft, section, key, value);
    if (value->kind == UNS_YAML_MAPPING || !row)
        return uns_yaml_at(context, value,
                           uns_fail(context, UNS_ERROR_FORMAT, "'%s' takes %s, not %s", key,
                                    group ? "a mapping" : "a value",
                                    uns_yaml_kind_text(value)));
    return uns_section_add(draft, section,
                           (uns_entry){.row = row, .place = place, .value = value});
}

static uns_section *new_section(uns_draft *draft, uns_section_list *list) {
    list->items = uns_store_grown(draft->store, list->items, list->count, sizeof *list->items);
    if (!list->items)
        return NULL;
    uns_section *section = &list->items[list->count++];
    *section = (uns_section){0};
    return section;
}

static uns_status find_named(uns_draft *draft, uns_kind kind, const uns_yaml *name,
                             const void **entry) {
    uns_status status = uns_context_find(draft->context, kind, name->text, entry);
    return status == UNS_OK ? UNS_OK : uns_yaml_at(draft->context, name, status);
}

/* The value of `key` in a mapping, NULL without it. */
static const uns_yaml *mapping_get(const uns_yaml *mapping, const char *key) {
    for (size_t i = 0; i < mapping->count; i += 2)
        if (strcmp(mapping->items[i]->text, key) == 0)
            return mapping->items[i + 1];
    return NULL;
}

static uns_status bind_problem_keys(uns_draft *draft, uns_section *section,
                                    const uns_yaml *mapping) {
    const uns_yaml *first = NULL;
    for (size_t i = 0; i < mapping->count; i += 2) {
        const uns_yaml *place = mapping->items[i];
        if (strcmp(place->text, "name") != 0) {
            UNS_TRY(uns_section_bind_key(draft, section, place->text, place,
                                         mapping->items[i + 1]));
            continue;
        }
        if (first)
            return fail_twice(draft, place, first);
        first = place;
    }
    return UNS_OK;
}

/* saddle2d, or {name: saddle2d, noise: gaussian}. */
static uns_status bind_problem(uns_draft *draft, const uns_yaml *value) {
    uns_context *context = draft->context;
    const uns_yaml *name = value->kind == UNS_YAML_MAPPING ? mapping_get(value, "name") : value;
    if (!name || name->kind != UNS_YAML_SCALAR)
        return uns_yaml_at(context, name ? name : value,
                           uns_fail(context, UNS_ERROR_FORMAT,
                                    "a problem is a name, or a mapping with the key 'name'"));
    const void *found = NULL;
    UNS_TRY(find_named(draft, UNS_KIND_PROBLEM, name, &found));
    const uns_problem_ops *ops = found;
    uns_section *section = new_section(draft, &draft->problems);
    if (!section)
        return UNS_ERROR_MEMORY;
    section->role = "problem";
    section->name = ops->name;
    section->place = name;
    section->table = ops->params ? ops->params : &no_params;
    return value->kind == UNS_YAML_MAPPING ? bind_problem_keys(draft, section, value) : UNS_OK;
}

uns_status uns_draft_bind_label(uns_draft *draft, uns_section *section, const uns_yaml *value) {
    uns_context *context = draft->context;
    const size_t longest = sizeof((uns_cell *)0)->label - 1;
    bool good =
        value->kind == UNS_YAML_SCALAR && value->text[0] && strlen(value->text) <= longest;
    for (const char *c = value->text; good && *c; c++)
        good = (unsigned char)*c >= 0x20 && *c != 0x7f;
    if (!good)
        return uns_yaml_at(context, value,
                           uns_fail(context, UNS_ERROR_FORMAT,
                                    "'label' takes a text of 1 to %zu bytes in one line",
                                    longest));
    section->label = value->text;
    return UNS_OK;
}

static uns_status bind_optimizer_keys(uns_draft *draft, uns_section *section,
                                      const uns_yaml *mapping) {
    const uns_yaml *first = NULL;
    for (size_t i = 0; i < mapping->count; i += 2) {
        const uns_yaml *place = mapping->items[i], *value = mapping->items[i + 1];
        if (strcmp(place->text, "label") != 0) {
            UNS_TRY(uns_section_bind_key(draft, section, place->text, place, value));
            continue;
        }
        if (first)
            return fail_twice(draft, place, first);
        first = place;
        UNS_TRY(uns_draft_bind_label(draft, section, value));
    }
    return UNS_OK;
}

/* The shape of an item: `rmsprop`, or one key with a mapping or nothing below it. */
static uns_status check_item(uns_draft *draft, const uns_yaml *item) {
    uns_context *context = draft->context;
    if (item->kind == UNS_YAML_SCALAR)
        return UNS_OK;
    if (item->kind != UNS_YAML_MAPPING || item->count == 0)
        return uns_yaml_at(context, item,
                           uns_fail(context, UNS_ERROR_FORMAT,
                                    "an optimizer is a name, or one name with its keys: "
                                    "'- sgd: {eta: 0.01}'"));
    const char *name = item->items[0]->text;
    if (item->count > 2)
        return uns_yaml_at(context, item->items[2],
                           uns_fail(context, UNS_ERROR_FORMAT,
                                    "an optimizer is one name; '%s' belongs below '%s', "
                                    "indented further",
                                    item->items[2]->text, name));
    const uns_yaml *keys = item->items[1];
    if (keys->kind != UNS_YAML_MAPPING && keys->kind != UNS_YAML_NULL)
        return uns_yaml_at(context, keys,
                           uns_fail(context, UNS_ERROR_FORMAT,
                                    "'%s' takes a mapping of its keys, not %s", name,
                                    uns_yaml_kind_text(keys)));
    return UNS_OK;
}

static uns_status bind_optimizer(uns_draft *draft, const uns_yaml *item) {
    UNS_TRY(check_item(draft, item));
    bool bare = item->kind == UNS_YAML_SCALAR;
    const uns_yaml *name = bare ? item : item->items[0];
    const void *found = NULL;
    UNS_TRY(find_named(draft, UNS_KIND_PRESET, name, &found));
    const uns_preset *preset = found;
    uns_section *section = new_section(draft, &draft->optimizers);
    if (!section)
        return UNS_ERROR_MEMORY;
    section->role = "optimizer";
    section->name = preset->name;
    section->place = name;
    section->table = uns_spec_table();
    if (bare || item->items[1]->kind == UNS_YAML_NULL)
        return UNS_OK;
    return bind_optimizer_keys(draft, section, item->items[1]);
}

/* Binds each item of a list, or a lone item. */
static uns_status bind_items(uns_draft *draft, const uns_yaml *value,
                             uns_status (*bind)(uns_draft *, const uns_yaml *)) {
    if (value->kind != UNS_YAML_LIST)
        return bind(draft, value);
    if (value->count == 0)
        return uns_yaml_at(draft->context, value,
                           uns_fail(draft->context, UNS_ERROR_FORMAT, "an empty list"));
    for (size_t i = 0; i < value->count; i++)
        UNS_TRY(bind(draft, value->items[i]));
    return UNS_OK;
}

uns_status uns_draft_bind_problems(uns_draft *draft, const uns_yaml *value) {
    draft->problems = (uns_section_list){0};
    return bind_items(draft, value, bind_problem);
}

uns_status uns_draft_bind_optimizers(uns_draft *draft, const uns_yaml *value) {
    draft->optimizers = (uns_section_list){0};
    return bind_items(draft, value, bind_optimizer);
}

static uns_status bind_top_key(uns_draft *draft, const uns_yaml *key, const uns_yaml *value) {
    uns_section *settings = &draft->settings;
    uns_entry entry = {.place = key, .value = value};
    if (strcmp(key->text, "problem") == 0) {
        entry.row = &uns_plan_problem_row;
        UNS_TRY(uns_section_add(draft, settings, entry));
        return uns_draft_bind_problems(draft, value);
    }
    if (strcmp(key->text, "optimizers") == 0) {
        entry.row = &uns_plan_optimizers_row;
        UNS_TRY(uns_section_add(draft, settings, entry));
        return uns_draft_bind_optimizers(draft, value);
    }
    return uns_section_bind_key(draft, settings, key->text, key, value);
}

uns_status uns_draft_bind(uns_draft *draft, const uns_yaml *root) {
    draft->root = root;
    draft->settings = (uns_section){.table = uns_settings_table()};
    if (root->kind != UNS_YAML_MAPPING)
        return uns_yaml_at(draft->context, root,
                           uns_fail(draft->context, UNS_ERROR_FORMAT,
                                    "expected keys such as 'problem', 'steps' and "
                                    "'optimizers', found %s",
                                    uns_yaml_kind_text(root)));
    for (size_t i = 0; i < root->count; i += 2)
        UNS_TRY(bind_top_key(draft, root->items[i], root->items[i + 1]));
    return UNS_OK;
}
