/* SPDX-License-Identifier: MIT
 * The values of an entry: one, or a list that makes a grid. A row of UNS_PARAM_REALS takes a
 * list as one value and a list of lists as a grid.
 */
#include "run/plan_draft.h"

#include <string.h>

static const char *type_text(uns_param_type type) {
    static const char *const texts[] = {"a number",         "a whole number", "true or false",
                                        "a word",           "a name",         "a text",
                                        "a list of numbers"};
    return texts[type];
}

static uns_status fail_shape(uns_draft *draft, const uns_entry *entry, const uns_yaml *node) {
    return uns_yaml_at(draft->context, node,
                       uns_fail(draft->context, UNS_ERROR_FORMAT, "'%s' takes %s, not %s",
                                entry->row->key, type_text(entry->row->type),
                                uns_yaml_kind_text(node)));
}

static bool all_of_kind(const uns_yaml *list, uns_yaml_kind kind, const uns_yaml **odd) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->kind != kind) {
            *odd = list->items[i];
            return false;
        }
    return true;
}

/* A list of numbers is one value; of lists, a grid. */
static uns_status measure_reals(uns_draft *draft, uns_entry *entry) {
    const uns_yaml *value = entry->value, *odd = NULL;
    bool grid = value->kind == UNS_YAML_LIST && value->count > 0 &&
                value->items[0]->kind == UNS_YAML_LIST;
    if (value->kind == UNS_YAML_LIST &&
        !all_of_kind(value, grid ? UNS_YAML_LIST : UNS_YAML_SCALAR, &odd))
        return fail_shape(draft, entry, odd);
    for (size_t i = 0; grid && i < value->count; i++)
        if (!all_of_kind(value->items[i], UNS_YAML_SCALAR, &odd))
            return fail_shape(draft, entry, odd);
    entry->count = grid ? value->count : 1;
    return UNS_OK;
}

static uns_status measure_list(uns_draft *draft, uns_entry *entry) {
    uns_context *context = draft->context;
    const uns_yaml *list = entry->value, *odd = NULL;
    if (entry->row == uns_param_find(uns_settings_table(), "threads"))
        return uns_yaml_at(context, list,
                           uns_fail(context, UNS_ERROR_FORMAT,
                                    "'threads' takes one value for the whole plan, no list"));
    if (list->count == 0)
        return uns_yaml_at(
            context, list,
            uns_fail(context, UNS_ERROR_FORMAT, "'%s' has an empty list", entry->row->key));
    if (!all_of_kind(list, UNS_YAML_SCALAR, &odd))
        return fail_shape(draft, entry, odd);
    entry->count = list->count;
    return UNS_OK;
}

uns_status uns_entry_measure(uns_draft *draft, uns_entry *entry) {
    if (entry->value->kind == UNS_YAML_NULL)
        return uns_yaml_at(
            draft->context, entry->value,
            uns_fail(draft->context, UNS_ERROR_FORMAT, "'%s' has no value", entry->row->key));
    if (entry->row->type == UNS_PARAM_REALS)
        return measure_reals(draft, entry);
    if (entry->value->kind == UNS_YAML_LIST)
        return measure_list(draft, entry);
    entry->count = 1;
    return UNS_OK;
}

static uns_status set_text(uns_draft *draft, const uns_section *section, const uns_entry *entry,
                           const uns_yaml *place, const char *text, void *config) {
    uns_status status =
        uns_param_set(draft->context, section->table, config, entry->row->key, text);
    return status == UNS_OK ? UNS_OK : uns_yaml_at(draft->context, place, status);
}

/* Each number alone first, so that a failure names its place; then all of them. */
static uns_status set_reals(uns_draft *draft, const uns_section *section,
                            const uns_entry *entry, const uns_yaml *list, void *config) {
    size_t length = 1;
    for (size_t i = 0; i < list->count; i++) {
        const uns_yaml *item = list->items[i];
        UNS_TRY(set_text(draft, section, entry, item, item->text, config));
        length += strlen(item->text) + 1;
    }
    char *joined = uns_store_take(draft->store, length), *end = joined;
    if (!joined)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            *end++ = ',';
        end = stpcpy(end, list->items[i]->text);
    }
    return set_text(draft, section, entry, list, joined, config);
}

uns_status uns_entry_set(uns_draft *draft, const uns_section *section, const uns_entry *entry,
                         size_t index, void *config) {
    const uns_yaml *value = entry->value;
    bool reals = entry->row->type == UNS_PARAM_REALS;
    bool grid = value->kind == UNS_YAML_LIST &&
                (!reals || (value->count && value->items[0]->kind == UNS_YAML_LIST));
    if (grid)
        value = value->items[index];
    return value->kind == UNS_YAML_LIST
               ? set_reals(draft, section, entry, value, config)
               : set_text(draft, section, entry, value, value->text, config);
}
