/* SPDX-License-Identifier: MIT
 * Labels: what tells the cells of a table apart. An optimizer is its preset, or the label the
 * file gives, and every key that differs among the cells of that name: "rmsprop eta=1e-3".
 *
 * Labels are made from values, never from the file's spelling, so that the resolved file
 * gives the same ones.
 */
#include "run/plan_draft.h"

#include <stdio.h>
#include <string.h>

static size_t field_size(const uns_param *row, const void *field) {
    switch (row->type) {
    case UNS_PARAM_REAL:
        return sizeof(double);
    case UNS_PARAM_COUNT:
        return sizeof(int64_t);
    case UNS_PARAM_FLAG:
        return sizeof(bool);
    case UNS_PARAM_CHOICE:
        return sizeof(int);
    case UNS_PARAM_REALS:
        return offsetof(uns_reals, value) + ((const uns_reals *)field)->count * sizeof(double);
    case UNS_PARAM_NAME:
    case UNS_PARAM_TEXT:
        return strlen(field) + 1;
    }
    return 0;
}

static bool differs(const uns_param *row, const void *a, const void *b) {
    const void *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;
    size_t size = field_size(row, left);
    return size != field_size(row, right) || memcmp(left, right, size) != 0;
}

/* 0.001 as people write it, 1e-3; numbers of 0.1 and more stay. */
static void tidy_number(char *text, size_t size) {
    char digits[40], *exponent = strchr(text, 'e');
    bool negative = text[0] == '-';
    const char *number = text + negative;
    if (exponent && exponent[1] == '-' && exponent[2] == '0') {
        memmove(exponent + 2, exponent + 3, strlen(exponent + 3) + 1);
        return;
    }
    if (exponent || strncmp(number, "0.0", 3) != 0)
        return;
    size_t zeros = strspn(number + 2, "0");
    snprintf(digits, sizeof digits, "%s", number + 2 + zeros);
    snprintf(text, size, "%s%c%s%se-%zu", negative ? "-" : "", digits[0], digits[1] ? "." : "",
             digits + 1, zeros + 1);
}

void uns_label_add(char *label, size_t size, const uns_param *row, const void *config) {
    char value[UNS_TEXT_SIZE];
    uns_param_print(row, config, value, sizeof value);
    if (row->type == UNS_PARAM_REAL)
        tidy_number(value, sizeof value);
    /* A label is one line, and is cut at bytes. */
    for (char *c = value; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    size_t used = strlen(label);
    snprintf(label + used, size - used, "%s%s=%s", used ? " " : "", row->key, value);
}

/* The variants of one name: those of the sections called alike. */
typedef struct family {
    const char *name;
    const uns_variant *first;
    bool *varies; /* [rows of the table] */
} family;

static const char *family_name(const uns_section *section) {
    return section->label ? section->label : section->name;
}

static uns_status find_family(uns_draft *draft, family *families, size_t *count,
                              const uns_variant *variant, family **out) {
    const char *name = family_name(variant->section);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(families[i].name, name) == 0 &&
            families[i].first->section->table == variant->section->table) {
            *out = &families[i];
            return UNS_OK;
        }
    bool *varies = uns_store_take(draft->store, variant->section->table->count + 1);
    if (!varies)
        return UNS_ERROR_MEMORY;
    families[*count] = (family){.name = name, .first = variant, .varies = varies};
    *out = &families[(*count)++];
    return UNS_OK;
}

static void compare(const family *family, const uns_variant *variant) {
    const uns_param_table *table = variant->section->table;
    for (size_t i = 0; i < table->count; i++)
        family->varies[i] |= differs(&table->rows[i], family->first->config, variant->config);
}

static uns_status write_label(uns_draft *draft, const family *family, bool named,
                              uns_variant *variant) {
    char label[sizeof((uns_cell *)0)->label] = "";
    const uns_param_table *table = variant->section->table;
    if (named)
        snprintf(label, sizeof label, "%s", family->name);
    for (size_t i = 0; i < table->count; i++)
        if (family->varies[i])
            uns_label_add(label, sizeof label, &table->rows[i], variant->config);
    variant->label = uns_store_text(draft->store, label, strlen(label));
    return variant->label ? UNS_OK : UNS_ERROR_MEMORY;
}

/* A section's variants follow each other and are of one family: names are compared once a
 * section. */
uns_status uns_variants_label(uns_draft *draft, const uns_variant_list *variants) {
    size_t count = 0;
    family *families = uns_store_take(draft->store, variants->count * sizeof *families);
    family **of = uns_store_take(draft->store, variants->count * sizeof *of);
    if (!families || !of)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < variants->count; i++) {
        const uns_variant *variant = &variants->items[i];
        if (i && variant->section == variant[-1].section)
            of[i] = of[i - 1];
        else
            UNS_TRY(find_family(draft, families, &count, variant, &of[i]));
        compare(of[i], variant);
    }
    for (size_t i = 0; i < variants->count; i++) {
        uns_variant *variant = &variants->items[i];
        bool optimizer = variant->section->table == uns_spec_table();
        UNS_TRY(write_label(draft, of[i], optimizer || count > 1, variant));
    }
    return UNS_OK;
}
