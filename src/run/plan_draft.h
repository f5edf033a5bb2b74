/* SPDX-License-Identifier: MIT
 * The plan while it is being made: every key of the file bound to its row, values still as
 * text with their places. File and overrides are bound (plan_bind.c, plan_override.c), the
 * grid is unrolled (plan_grid.c, plan_cell.c) and written out again (plan_write.c).
 */
#ifndef UNS_PLAN_DRAFT_H
#define UNS_PLAN_DRAFT_H

#include "run/yaml.h"

#include <unsaddle/plan.h>

enum {
    UNS_PLAN_MOST_CELLS = 10000,
    UNS_PLAN_LARGEST_FILE = 1 << 20,
    UNS_PLAN_LARGEST_TEXT = 1 << 26 /* a resolved plan of 10,000 single cells has 13 MB */
};

/* One key with its value, or with the values of its grid. */
typedef struct uns_entry {
    const uns_param *row;
    const uns_yaml *place; /* of the key */
    const uns_yaml *value;
    size_t count; /* values of the grid, 1 without; set by uns_entry_measure */
} uns_entry;

/* Keys for one config struct: the settings, a problem or an optimizer. */
typedef struct uns_section {
    const char *role; /* "optimizer", "problem"; "" for the settings */
    const char *name; /* preset or problem */
    const char *label;
    const uns_yaml *place; /* of the name */
    const uns_param_table *table;
    uns_entry *entries;
    size_t count;
    size_t combinations; /* of the values of all entries */
} uns_section;

typedef struct uns_section_list {
    uns_section *items;
    size_t count;
} uns_section_list;

/* The settings section also holds `problem` and `optimizers` as entries, with the two rows
 * below, so that its order is the file's order of top-level keys. */
typedef struct uns_draft {
    uns_context *context;
    uns_store *store;     /* for the draft's own life */
    uns_store *kept;      /* the plan's: cells, configs, the resolved text */
    const uns_yaml *root; /* place of the whole file */
    uns_section settings;
    uns_section_list problems, optimizers;
} uns_draft;

extern const uns_param uns_plan_problem_row, uns_plan_optimizers_row;

/* plan_bind.c: file to entries. */
UNS_NODISCARD uns_status uns_draft_bind(uns_draft *draft, const uns_yaml *root);
UNS_NODISCARD uns_status uns_draft_bind_problems(uns_draft *draft, const uns_yaml *value);
UNS_NODISCARD uns_status uns_draft_bind_optimizers(uns_draft *draft, const uns_yaml *value);
UNS_NODISCARD uns_status uns_draft_bind_label(uns_draft *draft, uns_section *section,
                                              const uns_yaml *value);
/* Binds `value`, a mapping, of the key `key` ("" for all of a section) entry by entry. */
UNS_NODISCARD uns_status uns_section_bind(uns_draft *draft, uns_section *section,
                                          const char *key, const uns_yaml *mapping);
/* Binds key and value, a mapping with the keys below `key` included. */
UNS_NODISCARD uns_status uns_section_bind_key(uns_draft *draft, uns_section *section,
                                              const char *key, const uns_yaml *place,
                                              const uns_yaml *value);
/* Appends an entry; a row that is there already is refused. */
UNS_NODISCARD uns_status uns_section_add(uns_draft *draft, uns_section *section,
                                         uns_entry entry);
/* Whether rows lie below `key`: "beta" for "beta.rule". */
bool uns_section_has_group(const uns_section *section, const char *key);
uns_entry *uns_section_find(const uns_section *section, const uns_param *row);
void uns_section_remove(uns_section *section, const uns_entry *entry);
/* UNS_ERROR_NAME with the nearest right key of the section. */
uns_status uns_section_unknown(uns_draft *draft, const uns_section *section, const char *key);

/* plan_override.c: "path=value" onto the bound draft. */
UNS_NODISCARD uns_status uns_draft_override(uns_draft *draft, const char *text);

/* plan_value.c: how many values an entry has, and setting one of them. */
UNS_NODISCARD uns_status uns_entry_measure(uns_draft *draft, uns_entry *entry);
UNS_NODISCARD uns_status uns_entry_set(uns_draft *draft, const uns_section *section,
                                       const uns_entry *entry, size_t index, void *config);

/* One combination of the values of a section. */
typedef struct uns_variant {
    const uns_section *section;
    void *config;      /* of the section's table */
    const char *label; /* optimizer: "rmsprop eta=1e-3"; problem: what varies, or "" */
    const char *place; /* of the section, as text; the plan's */
    int64_t samples;   /* of a problem's sum; -1: not asked yet */
} uns_variant;

typedef struct uns_variant_list {
    uns_variant *items;
    size_t count;
} uns_variant_list;

/* plan_grid.c: the product of a section's lists, checked; optimizers also as specs. */
UNS_NODISCARD uns_status uns_variants_make(uns_draft *draft, const uns_section_list *sections,
                                           uns_variant_list *variants);
/* a·b where the grid stays within its limit; else fails at `place`. */
UNS_NODISCARD uns_status uns_grid_product(uns_draft *draft, const uns_yaml *place, size_t *a,
                                          size_t b);

/* plan_label.c: fills the variants' labels; " seed=2" for one field. */
UNS_NODISCARD uns_status uns_variants_label(uns_draft *draft, const uns_variant_list *variants);
void uns_label_add(char *label, size_t size, const uns_param *row, const void *config);

typedef struct uns_cells {
    uns_cell *items;
    size_t count;
} uns_cells;

/* plan_cell.c: settings, problems and optimizers multiplied. */
UNS_NODISCARD uns_status uns_cells_make(uns_draft *draft, const uns_variant_list *problems,
                                        const uns_variant_list *optimizers, uns_cells *cells);

/* plan_check.c: settings that do not go together; *key: where that stands. */
UNS_NODISCARD uns_status uns_settings_check(uns_context *context, const uns_settings *settings,
                                            const char **key);

/* plan_write.c: the resolved file. */
UNS_NODISCARD uns_status uns_draft_write(uns_draft *draft, const uns_variant_list *problems,
                                         const uns_variant_list *optimizers,
                                         const uns_cells *cells, const char **text);

#endif
