/* SPDX-License-Identifier: MIT
 * Overrides from the command line, "path=value", put onto the bound file:
 *
 *     steps=1000                      a key at the top
 *     problem.noise=finite            a key of every problem; problem[0].noise of the first
 *     optimizers.rmsprop.eta=1e-3     a key of every rmsprop; optimizers[1].eta of the second
 *     problem=quadratic               the whole problem; optimizers=[sgd, adam] all optimizers
 *
 * The value is YAML: a list is a grid here too, a mapping gives the keys below its key. An
 * override stands in the place of what the file says of that key, or at the end, and takes
 * away what the file says instead of it: epochs for steps, the rule of beta for beta.
 */
#include "run/plan_draft.h"

#include <string.h>

typedef struct override {
    const char *source;      /* "override 'steps=1000'" */
    const char *path;        /* all before the '=' */
    const char *head;        /* "steps", "problem", "optimizers" */
    const char *name;        /* preset of optimizers.NAME.KEY; NULL: none */
    const char *index, *key; /* inside [ ]; what follows the selection; NULL: none */
    const uns_yaml *value;
    const uns_yaml *place; /* a node for messages and for the key */
} override;

/* Keys that say the same thing in another way. */
static const struct {
    const char *key, *rivals[2];
} alternatives[] = {
    {"steps", {"epochs", "epochs"}},
    {"epochs", {"steps", "steps"}},
    {"beta", {"beta.rule", "beta.C"}},
    {"beta.C", {"beta", "beta.rule"}},
};

/* Takes away what the file says of `key`. */
static void clear_file_key(uns_section *section, const char *key) {
    const uns_param *row = uns_param_find(section->table, key);
    const uns_entry *entry = row ? uns_section_find(section, row) : NULL;
    if (entry && entry->place->line)
        uns_section_remove(section, entry);
}

static void clear_rivals(uns_section *section, const char *key) {
    if (section->role && strcmp(section->role, "problem") == 0)
        return;
    for (size_t i = 0; i < UNS_COUNT_OF(alternatives); i++)
        for (size_t k = 0; k < 2 && strcmp(alternatives[i].key, key) == 0; k++)
            clear_file_key(section, alternatives[i].rivals[k]);
}

static uns_status override_key(uns_draft *draft, const override *o, uns_section *section,
                               const char *key, const uns_yaml *value);

static uns_status override_below(uns_draft *draft, const override *o, uns_section *section,
                                 const char *key, const uns_yaml *mapping) {
    for (size_t i = 0; i < mapping->count; i += 2) {
        const char *full =
            uns_store_format(draft->store, "%s.%s", key, mapping->items[i]->text);
        if (!full)
            return UNS_ERROR_MEMORY;
        UNS_TRY(override_key(draft, o, section, full, mapping->items[i + 1]));
    }
    return UNS_OK;
}

static uns_status override_key(uns_draft *draft, const override *o, uns_section *section,
                               const char *key, const uns_yaml *value) {
    if (value->kind == UNS_YAML_MAPPING && uns_section_has_group(section, key))
        return override_below(draft, o, section, key, value);
    const uns_param *row = uns_param_find(section->table, key);
    uns_entry *entry = row ? uns_section_find(section, row) : NULL;
    if (!entry || value->kind == UNS_YAML_MAPPING) {
        UNS_TRY(uns_section_bind_key(draft, section, key, o->place, value));
    } else {
        entry->value = value;
        entry->place = o->place;
    }
    clear_rivals(section, row->key);
    return UNS_OK;
}

static uns_status fail(uns_draft *draft, const override *o, uns_status status) {
    return uns_yaml_at(draft->context, o->place, status);
}

/* "[12]" chooses one section; *first and *last are left as they are without it. */
static uns_status select_index(uns_draft *draft, const override *o,
                               const uns_section_list *list, size_t *first, size_t *last) {
    if (!o->index)
        return UNS_OK;
    size_t digits = strspn(o->index, "0123456789"), index = 0;
    for (size_t i = 0; i < digits && index <= list->count; i++)
        index = 10 * index + (size_t)(o->index[i] - '0');
    if (digits == 0 || o->index[digits] != '\0' || index >= list->count)
        return fail(draft, o,
                    uns_fail(draft->context, UNS_ERROR_NAME,
                             "no '%s[%s]'; there are %s[0] to %s[%zu]", o->head, o->index,
                             o->head, o->head, list->count - 1));
    *first = index;
    *last = index + 1;
    return UNS_OK;
}

static const char *section_name(const void *user, size_t index) {
    const uns_section_list *list = user;
    return index < list->count ? list->items[index].name : NULL;
}

static uns_status fail_name(uns_draft *draft, const override *o, const uns_section_list *list) {
    const char *nearest = uns_nearest_name(o->name, section_name, list);
    return fail(draft, o,
                uns_fail(draft->context, UNS_ERROR_NAME, "the plan has no optimizer '%s'%s%s%s",
                         o->name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'?" : ""));
}

/* Keeps the keys and gives them to another problem. */
static uns_status rename_problem(uns_draft *draft, const override *o, uns_section *section) {
    uns_section_list others = draft->problems;
    uns_section old = *section;
    UNS_TRY(uns_draft_bind_problems(draft, o->value));
    uns_section renamed = draft->problems.items[0];
    draft->problems = others;
    for (size_t i = 0; i < old.count; i++)
        UNS_TRY(uns_section_bind_key(draft, &renamed, old.entries[i].row->key,
                                     old.entries[i].place, old.entries[i].value));
    *section = renamed;
    return UNS_OK;
}

static uns_status override_section(uns_draft *draft, const override *o, uns_section *section) {
    bool optimizer = strcmp(section->role, "optimizer") == 0;
    if (optimizer && strcmp(o->key, "label") == 0)
        return uns_draft_bind_label(draft, section, o->value);
    if (!optimizer && strcmp(o->key, "name") == 0 && o->value->kind == UNS_YAML_SCALAR)
        return rename_problem(draft, o, section);
    return override_key(draft, o, section, o->key, o->value);
}

static uns_status override_list(uns_draft *draft, const override *o, uns_section_list *list) {
    size_t first = 0, last = list->count, changed = 0;
    if (list->count == 0)
        return fail(draft, o,
                    uns_fail(draft->context, UNS_ERROR_NAME, "the file has no '%s'", o->head));
    UNS_TRY(select_index(draft, o, list, &first, &last));
    for (size_t i = first; i < last; i++) {
        if (o->name && strcmp(o->name, list->items[i].name) != 0)
            continue;
        changed++;
        if (o->key)
            UNS_TRY(override_section(draft, o, &list->items[i]));
    }
    if (changed == 0)
        return fail_name(draft, o, list);
    return UNS_OK;
}

static uns_status override_whole(uns_draft *draft, const override *o, const uns_param *row) {
    uns_entry fresh = {.row = row, .place = o->place, .value = o->value};
    uns_entry *entry = uns_section_find(&draft->settings, row);
    if (entry)
        *entry = fresh;
    else
        UNS_TRY(uns_section_add(draft, &draft->settings, fresh));
    return row == &uns_plan_problem_row ? uns_draft_bind_problems(draft, o->value)
                                        : uns_draft_bind_optimizers(draft, o->value);
}

static uns_status override_setting(uns_draft *draft, const override *o) {
    uns_section *settings = &draft->settings;
    bool deep = o->index || o->key, head_known = uns_param_find(settings->table, o->head);
    if (deep && !uns_param_find(settings->table, o->path))
        return fail(draft, o,
                    uns_section_unknown(draft, settings, head_known ? o->path : o->head));
    return override_key(draft, o, settings, o->path, o->value);
}

static uns_status apply(uns_draft *draft, const override *o) {
    bool problem = strcmp(o->head, "problem") == 0;
    if (!problem && strcmp(o->head, "optimizers") != 0)
        return override_setting(draft, o);
    if (o->key)
        return override_list(draft, o, problem ? &draft->problems : &draft->optimizers);
    if (!o->index && !o->name)
        return override_whole(draft, o,
                              problem ? &uns_plan_problem_row : &uns_plan_optimizers_row);
    return fail(draft, o,
                uns_fail(draft->context, UNS_ERROR_FORMAT,
                         "it names no key; write %s%s%s%s.KEY", o->head, o->index ? "[" : ".",
                         o->index ? o->index : o->name, o->index ? "]" : ""));
}

/* Cuts "head[index].name.key" into its parts, in place. False: not of that form. */
static bool cut_path(char *path, override *o) {
    char *end = path + strcspn(path, ".["), mark = *end;
    o->head = path;
    *end = '\0';
    if (mark == '[') {
        char *close = strchr(end + 1, ']');
        if (!close || (close[1] != '.' && close[1] != '\0'))
            return false;
        o->index = end + 1;
        mark = close[1];
        *close = '\0';
        end = close + 1;
    }
    if (mark == '.')
        o->key = end + 1;
    if (o->key && !o->index && strcmp(o->head, "optimizers") == 0) {
        o->name = o->key;
        char *dot = strchr(o->key, '.');
        o->key = dot ? dot + 1 : NULL;
        if (dot)
            *dot = '\0';
    }
    return *o->head && (!o->name || *o->name) && (!o->key || *o->key);
}

/* "override 'steps=1000'", a long text cut short. */
static const char *source_name(uns_store *store, const char *text) {
    enum {
        SHOWN = 80
    };
    size_t length = strlen(text);
    if (length <= SHOWN)
        return uns_store_format(store, "override '%s'", text);
    for (length = SHOWN; length && ((unsigned char)text[length] & 0xc0) == 0x80; length--) {
    }
    return uns_store_format(store, "override '%.*s...'", (int)length, text);
}

uns_status uns_draft_override(uns_draft *draft, const char *text) {
    uns_context *context = draft->context;
    UNS_TRY(uns_yaml_check_text(context, "override", false, text, strlen(text)));
    override o = {.source = source_name(draft->store, text)};
    uns_yaml *place = uns_store_take(draft->store, sizeof *place), *value = NULL;
    size_t length = strcspn(text, "=");
    char *path = uns_store_text(draft->store, text, length);
    char *parts = uns_store_text(draft->store, text, length);
    if (!o.source || !place || !path || !parts)
        return UNS_ERROR_MEMORY;
    place->source = o.source;
    place->text = o.path = path;
    o.place = place;
    if (text[length] != '=' || !cut_path(parts, &o))
        return fail(draft, &o,
                    uns_fail(context, UNS_ERROR_FORMAT,
                             "expected KEY=VALUE, where KEY is like steps, problem.noise, "
                             "optimizers.rmsprop.eta or optimizers[0].eta"));
    const char *rest = text + length + 1;
    UNS_TRY(uns_yaml_read(draft->store, o.source, false, rest, strlen(rest), &value));
    o.value = value;
    return apply(draft, &o);
}
