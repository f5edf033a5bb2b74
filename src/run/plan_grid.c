/* SPDX-License-Identifier: MIT
 * Sections unrolled: every combination of the listed values, the last list varying fastest,
 * each one checked as a whole (uns_spec_check for optimizers).
 */
#include "run/plan_draft.h"

#include <string.h>

uns_status uns_grid_product(uns_draft *draft, const uns_yaml *place, size_t *a, size_t b) {
    if (b > UNS_PLAN_MOST_CELLS / *a)
        return uns_yaml_at(draft->context, place,
                           uns_fail(draft->context, UNS_ERROR_RANGE,
                                    "the grid has more than %d cells", UNS_PLAN_MOST_CELLS));
    *a *= b;
    return UNS_OK;
}

static uns_entry *find_field(const uns_section *section, size_t offset) {
    for (size_t i = 0; i < section->count; i++)
        if (section->entries[i].row->offset == offset)
            return &section->entries[i];
    return NULL;
}

/* Whoever gives only C means the rule, whoever gives only beta means that beta. */
static uns_status imply_beta_rule(uns_draft *draft, const uns_section *section,
                                  uns_spec *spec) {
    const uns_entry *beta = find_field(section, offsetof(uns_spec, beta));
    const uns_entry *c = find_field(section, offsetof(uns_spec, beta_c));
    if (find_field(section, offsetof(uns_spec, beta_rule)))
        return UNS_OK;
    if (beta && c)
        return uns_yaml_at(
            draft->context, c->place,
            uns_fail(draft->context, UNS_ERROR_PAIR,
                     "both '%s' and '%s' are given; keep one, or add 'beta.rule'",
                     beta->row->key, c->row->key));
    if (beta || c)
        spec->beta_rule = c ? UNS_BETA_ETA_TWO_THIRDS : UNS_BETA_FIXED;
    return UNS_OK;
}

static uns_status fill_base(uns_draft *draft, const uns_section *section, void *config) {
    bool optimizer = section->table == uns_spec_table();
    uns_status status = optimizer ? uns_spec_preset(draft->context, section->name, config)
                                  : uns_param_defaults(draft->context, section->table, config);
    if (status != UNS_OK)
        return uns_yaml_at(draft->context, section->place, status);
    return optimizer ? imply_beta_rule(draft, section, config) : UNS_OK;
}

/* A name of the registry that an entry gave is reported where it stands. */
static uns_status check_name(uns_draft *draft, const uns_section *section, size_t offset,
                             uns_kind kind, const char *name) {
    const void *found;
    const uns_entry *entry = find_field(section, offset);
    uns_status status = uns_context_find(draft->context, kind, name, &found);
    return status == UNS_OK
               ? UNS_OK
               : uns_yaml_at(draft->context, entry ? entry->value : section->place, status);
}

static uns_status check_spec(uns_draft *draft, const uns_section *section,
                             const uns_spec *spec) {
    UNS_TRY(
        check_name(draft, section, offsetof(uns_spec, moment), UNS_KIND_MOMENT, spec->moment));
    UNS_TRY(check_name(draft, section, offsetof(uns_spec, structure), UNS_KIND_STRUCTURE,
                       spec->structure));
    uns_status status = uns_spec_check(draft->context, spec);
    return status == UNS_OK ? UNS_OK : uns_yaml_at(draft->context, section->place, status);
}

/* Combination `index` of the section's lists, set into `config`. */
static uns_status set_combination(uns_draft *draft, const uns_section *section, size_t index,
                                  void *config) {
    for (size_t i = section->count; i-- > 0;) {
        const uns_entry *entry = &section->entries[i];
        UNS_TRY(uns_entry_set(draft, section, entry, index % entry->count, config));
        index /= entry->count;
    }
    return UNS_OK;
}

static uns_status make_variant(uns_draft *draft, const uns_section *section, const void *base,
                               size_t index, uns_variant *variant) {
    const uns_param_table *table = section->table;
    *variant = (uns_variant){.section = section, .label = "", .samples = -1};
    variant->config = uns_store_take(draft->kept, table->config_size + 1);
    if (!variant->config)
        return UNS_ERROR_MEMORY;
    memcpy(variant->config, base, table->config_size);
    UNS_TRY(set_combination(draft, section, index, variant->config));
    return table == uns_spec_table() ? check_spec(draft, section, variant->config) : UNS_OK;
}

/* How many combinations a section has. */
static uns_status measure(uns_draft *draft, uns_section *section) {
    section->combinations = 1;
    for (size_t i = 0; i < section->count; i++) {
        uns_entry *entry = &section->entries[i];
        UNS_TRY(uns_entry_measure(draft, entry));
        UNS_TRY(uns_grid_product(draft, entry->place, &section->combinations, entry->count));
    }
    return UNS_OK;
}

static uns_status unroll(uns_draft *draft, const uns_section *section, uns_variant *variants) {
    void *base = uns_store_take(draft->store, section->table->config_size + 1);
    if (!base)
        return UNS_ERROR_MEMORY;
    UNS_TRY(fill_base(draft, section, base));
    const char *place = uns_yaml_place(draft->kept, section->place);
    if (!place)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < section->combinations; i++) {
        UNS_TRY(make_variant(draft, section, base, i, &variants[i]));
        variants[i].place = place;
    }
    return UNS_OK;
}

uns_status uns_variants_make(uns_draft *draft, const uns_section_list *sections,
                             uns_variant_list *variants) {
    size_t total = 0;
    for (size_t s = 0; s < sections->count; s++) {
        uns_section *section = &sections->items[s];
        size_t one = 1;
        UNS_TRY(measure(draft, section));
        total += section->combinations;
        UNS_TRY(uns_grid_product(draft, section->place, &one, total));
    }
    variants->items = uns_store_take(draft->store, total * sizeof *variants->items);
    if (!variants->items)
        return UNS_ERROR_MEMORY;
    for (size_t s = 0; s < sections->count; s++) {
        UNS_TRY(unroll(draft, &sections->items[s], variants->items + variants->count));
        variants->count += sections->items[s].combinations;
    }
    return uns_variants_label(draft, variants);
}
