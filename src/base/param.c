/* SPDX-License-Identifier: MIT
 * Parameter tables: text to fields and back, with the errors that a user meets.
 */
#include "base/base.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unsaddle/param.h>

/* A parsed value before it is stored, so that a failure leaves the field untouched. */
typedef union field {
    double real;
    int64_t count;
    bool flag;
    int choice;
    uns_reals reals;
} field;

static const char *key_at(const void *table, size_t index) {
    const uns_param_table *rows = table;
    return index < rows->count ? rows->rows[index].key : NULL;
}

const uns_param *uns_param_find(const uns_param_table *table, const char *key) {
    for (size_t i = 0; i < table->count; i++) {
        const uns_param *row = &table->rows[i];
        if (strcmp(row->key, key) == 0 || (row->alias && strcmp(row->alias, key) == 0))
            return row;
    }
    return NULL;
}

static const char *word_at(const void *names, size_t index) {
    return ((const uns_named *)names)[index].name;
}

static const uns_named *find_word(const uns_named *names, const char *text) {
    for (; names && names->name; names++)
        if (strcasecmp(names->name, text) == 0)
            return names;
    return NULL;
}

/* "one of a, b, c" in `text`. */
static void list_words(const uns_named *names, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; names && names[i].name && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", names[i].name);
}

static uns_status fail_word(uns_context *context, const uns_param *row, const char *text) {
    char words[256];
    list_words(row->names, words, sizeof words);
    const char *nearest = uns_nearest_name(text, word_at, row->names);
    if (nearest)
        return uns_fail(context, UNS_ERROR_NAME, "%s: unknown value '%s'; did you mean '%s'?",
                        row->key, text, nearest);
    return uns_fail(context, UNS_ERROR_NAME, "%s: unknown value '%s'; expected one of %s",
                    row->key, text, words);
}

static uns_status fail_range(uns_context *context, const uns_param *row, const char *text) {
    char low[40], high[40];
    uns_real_to_text(row->low, low, sizeof low);
    uns_real_to_text(row->high, high, sizeof high);
    return uns_fail(context, UNS_ERROR_RANGE,
                    "%s: %s is out of range; it must be in %c%s, %s%c", row->key, text,
                    row->open & UNS_OPEN_LOW ? '(' : '[', low, high,
                    row->open & UNS_OPEN_HIGH ? ')' : ']');
}

static bool in_range(const uns_param *row, double value) {
    bool above = row->open & UNS_OPEN_LOW ? value > row->low : value >= row->low;
    bool below = row->open & UNS_OPEN_HIGH ? value < row->high : value <= row->high;
    return above && below; /* false for NaN */
}

static uns_status parse_number(uns_context *context, const uns_param *row, const char *text,
                               double *value) {
    const uns_named *word = find_word(row->names, text);
    if (word) {
        *value = word->value;
        return UNS_OK;
    }
    if (!uns_text_to_real(text, value)) {
        char words[256];
        list_words(row->names, words, sizeof words);
        return uns_fail(context, UNS_ERROR_FORMAT, "%s: expected a %s%s%s, found '%s'",
                        row->key, row->type == UNS_PARAM_COUNT ? "whole number" : "number",
                        words[0] ? " or " : "", words, text);
    }
    return in_range(row, *value) ? UNS_OK : fail_range(context, row, text);
}

static uns_status parse_count(uns_context *context, const uns_param *row, const char *text,
                              int64_t *count) {
    double value;
    UNS_TRY(parse_number(context, row, text, &value));
    if (value != floor(value) || fabs(value) > 9007199254740992.0)
        return uns_fail(context, UNS_ERROR_FORMAT,
                        "%s: expected a whole number up to 2^53, found '%s'", row->key, text);
    *count = (int64_t)value;
    return UNS_OK;
}

static uns_status parse_flag(uns_context *context, const uns_param *row, const char *text,
                             bool *flag) {
    static const uns_named words[] = {{"true", 1}, {"false", 0}, {"yes", 1}, {"no", 0},
                                      {"on", 1},   {"off", 0},   {NULL, 0}};
    const uns_named *word = find_word(words, text);
    if (!word)
        return uns_fail(context, UNS_ERROR_FORMAT, "%s: expected true or false, found '%s'",
                        row->key, text);
    *flag = word->value != 0;
    return UNS_OK;
}

static uns_status parse_choice(uns_context *context, const uns_param *row, const char *text,
                               int *choice) {
    const uns_named *word = find_word(row->names, text);
    if (!word)
        return fail_word(context, row, text);
    *choice = (int)word->value;
    return UNS_OK;
}

/* "a, b, c", with or without brackets. */
static uns_status parse_reals(uns_context *context, const uns_param *row, const char *text,
                              uns_reals *reals) {
    char copy[UNS_REALS_MAX * 26], *rest = copy, *item;
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return uns_fail(context, UNS_ERROR_RANGE, "%s: the list is too long", row->key);
    for (char *c = copy; *c; c++)
        if (*c == '[' || *c == ']')
            *c = ' ';
    *reals = (uns_reals){0};
    if (copy[strspn(copy, " ")] == '\0')
        return UNS_OK;
    while ((item = strsep(&rest, ","))) {
        if (reals->count == UNS_REALS_MAX)
            return uns_fail(context, UNS_ERROR_RANGE, "%s: at most %d values", row->key,
                            UNS_REALS_MAX);
        UNS_TRY(parse_number(context, row, item, &reals->value[reals->count++]));
    }
    return UNS_OK;
}

static uns_status store_text(uns_context *context, const uns_param *row, void *place,
                             const char *text) {
    size_t size = row->type == UNS_PARAM_NAME ? UNS_NAME_SIZE : UNS_TEXT_SIZE;
    if (strlen(text) >= size)
        return uns_fail(context, UNS_ERROR_RANGE, "%s: at most %zu characters", row->key,
                        size - 1);
    memset(place, 0, size);
    memcpy(place, text, strlen(text));
    return UNS_OK;
}

static uns_status store(uns_context *context, const uns_param *row, void *place,
                        const char *text) {
    field value;
    switch (row->type) {
    case UNS_PARAM_REAL:
        UNS_TRY(parse_number(context, row, text, &value.real));
        memcpy(place, &value.real, sizeof value.real);
        return UNS_OK;
    case UNS_PARAM_COUNT:
        UNS_TRY(parse_count(context, row, text, &value.count));
        memcpy(place, &value.count, sizeof value.count);
        return UNS_OK;
    case UNS_PARAM_FLAG:
        UNS_TRY(parse_flag(context, row, text, &value.flag));
        memcpy(place, &value.flag, sizeof value.flag);
        return UNS_OK;
    case UNS_PARAM_CHOICE:
        UNS_TRY(parse_choice(context, row, text, &value.choice));
        memcpy(place, &value.choice, sizeof value.choice);
        return UNS_OK;
    case UNS_PARAM_REALS:
        UNS_TRY(parse_reals(context, row, text, &value.reals));
        memcpy(place, &value.reals, sizeof value.reals);
        return UNS_OK;
    case UNS_PARAM_NAME:
    case UNS_PARAM_TEXT:
        return store_text(context, row, place, text);
    }
    return uns_fail(context, UNS_ERROR_ARGUMENT, "%s: faulty parameter table", row->key);
}

uns_status uns_param_defaults(uns_context *context, const uns_param_table *table,
                              void *config) {
    memset(config, 0, table->config_size);
    for (size_t i = 0; i < table->count; i++) {
        const uns_param *row = &table->rows[i];
        UNS_TRY(store(context, row, (char *)config + row->offset, row->fallback));
    }
    return UNS_OK;
}

uns_status uns_param_set(uns_context *context, const uns_param_table *table, void *config,
                         const char *key, const char *text) {
    const uns_param *row = uns_param_find(table, key);
    if (!row) {
        const char *nearest = uns_nearest_name(key, key_at, table);
        return uns_fail(context, UNS_ERROR_NAME, "unknown key '%s' of %s%s%s%s", key,
                        table->title, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                        nearest ? "'?" : "");
    }
    return store(context, row, (char *)config + row->offset, text);
}

uns_status uns_param_assign(uns_context *context, const uns_param_table *table, void *config,
                            const char *pairs) {
    char pair[UNS_TEXT_SIZE + 64];
    while (*(pairs += strspn(pairs, " \n"))) {
        size_t length = strcspn(pairs, " \n");
        if (length >= sizeof pair)
            return uns_fail(context, UNS_ERROR_FORMAT, "assignment too long: '%.40s...'",
                            pairs);
        memcpy(pair, pairs, length);
        pair[length] = '\0';
        char *equals = strchr(pair, '=');
        if (!equals)
            return uns_fail(context, UNS_ERROR_FORMAT, "expected key=value, found '%s'", pair);
        *equals = '\0';
        UNS_TRY(uns_param_set(context, table, config, pair, equals + 1));
        pairs += length;
    }
    return UNS_OK;
}

static size_t print_number(const uns_param *row, double value, char *text, size_t size) {
    for (const uns_named *word = row->names; word && word->name; word++)
        if (word->value == value)
            return (size_t)snprintf(text, size, "%s", word->name);
    return uns_real_to_text(value, text, size);
}

static size_t print_reals(const uns_reals *reals, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < reals->count; i++) {
        char number[40];
        uns_real_to_text(reals->value[i], number, sizeof number);
        used += (size_t)snprintf(used < size ? text + used : NULL,
                                 used < size ? size - used : 0, "%s%s", i ? ", " : "", number);
    }
    return used + (size_t)snprintf(used < size ? text + used : NULL,
                                   used < size ? size - used : 0, "]");
}

size_t uns_param_print(const uns_param *row, const void *config, char *text, size_t size) {
    const void *place = (const char *)config + row->offset;
    switch (row->type) {
    case UNS_PARAM_REAL:
        return print_number(row, *(const double *)place, text, size);
    case UNS_PARAM_COUNT:
        return print_number(row, (double)*(const int64_t *)place, text, size);
    case UNS_PARAM_FLAG:
        return (size_t)snprintf(text, size, "%s", *(const bool *)place ? "true" : "false");
    case UNS_PARAM_CHOICE:
        return print_number(row, *(const int *)place, text, size);
    case UNS_PARAM_REALS:
        return print_reals(place, text, size);
    case UNS_PARAM_NAME:
    case UNS_PARAM_TEXT:
        return (size_t)snprintf(text, size, "%s", (const char *)place);
    }
    return 0;
}
