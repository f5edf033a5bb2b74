/* SPDX-License-Identifier: MIT
 * Cells: the product of the settings' lists, the problems and the optimizers, in the file's
 * order of top-level keys, the last varying fastest.
 *
 * Epochs need the number of samples, which only a problem that exists can tell: it is created
 * for that once, and only where a cell counts in epochs.
 */
#include "run/plan_draft.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct grid {
    uns_draft *draft;
    const uns_variant_list *problems, *optimizers;
} grid;

/* What a cell takes from the axes, besides its settings. */
typedef struct choice {
    uns_variant *problem;
    const uns_variant *optimizer;
    char varied[sizeof((uns_cell *)0)->label]; /* "seed=2" */
} choice;

static const uns_entry *find_key(const uns_draft *draft, const char *key) {
    return uns_section_find(&draft->settings, uns_param_find(uns_settings_table(), key));
}

static const uns_yaml *place_of(const uns_draft *draft, const char *key) {
    const uns_entry *entry = find_key(draft, key);
    return entry ? entry->place : draft->root;
}

static uns_status count_samples(uns_draft *draft, uns_variant *variant) {
    uns_problem *problem = NULL;
    if (variant->samples >= 0)
        return UNS_OK;
    uns_status status =
        uns_problem_create(draft->context, variant->section->name, variant->config, &problem);
    if (status != UNS_OK)
        return uns_yaml_at(draft->context, variant->section->place, status);
    variant->samples = (int64_t)uns_problem_samples(problem);
    uns_problem_destroy(problem);
    return UNS_OK;
}

static uns_status fail_epochs(uns_draft *draft, uns_status status) {
    return uns_yaml_at(draft->context, place_of(draft, "epochs"), status);
}

/* Steps that see every sample `epochs` times. */
static uns_status steps_of_epochs(uns_draft *draft, uns_variant *problem,
                                  uns_settings *settings) {
    const uns_param *row = uns_param_find(uns_settings_table(), "steps");
    UNS_TRY(count_samples(draft, problem));
    if (problem->samples == 0)
        return fail_epochs(draft, uns_fail(draft->context, UNS_ERROR_PAIR,
                                           "problem '%s' is an expectation without epochs; "
                                           "give 'steps'",
                                           problem->section->name));
    double samples = settings->epochs * (double)problem->samples;
    /* A last step for the rounding of epochs·samples alone would be one too many. */
    double steps = ceil(samples / (double)settings->batch * (1 - 1e-12));
    if (steps > row->high)
        return fail_epochs(draft, uns_fail(draft->context, UNS_ERROR_RANGE,
                                           "%g epochs are more than %g steps", settings->epochs,
                                           row->high));
    settings->steps = steps < 1 ? 1 : (int64_t)steps;
    settings->epochs = 0;
    return UNS_OK;
}

/* Neither steps nor epochs, or one of them given as 0. */
static uns_status fail_length(uns_draft *draft) {
    uns_context *context = draft->context;
    if (find_key(draft, "steps"))
        return uns_yaml_at(context, place_of(draft, "steps"),
                           uns_fail(context, UNS_ERROR_RANGE,
                                    "steps: 0 is out of range; it must be at least 1"));
    if (find_key(draft, "epochs"))
        return fail_epochs(draft, uns_fail(context, UNS_ERROR_RANGE,
                                           "epochs: 0 is out of range; it must be above 0"));
    return uns_yaml_at(
        context, draft->root,
        uns_fail(context, UNS_ERROR_FORMAT, "neither 'steps' nor 'epochs' is given"));
}

static uns_status finish_settings(uns_draft *draft, uns_variant *problem,
                                  uns_settings *settings) {
    uns_context *context = draft->context;
    if (settings->steps > 0 && settings->epochs > 0)
        return fail_epochs(draft, uns_fail(context, UNS_ERROR_PAIR,
                                           "'steps' and 'epochs' are both given; keep one"));
    if (settings->steps == 0 && settings->epochs == 0)
        return fail_length(draft);
    if (settings->first_replica + settings->replicas > INT64_C(1) << 32)
        return uns_yaml_at(
            context, place_of(draft, "first_replica"),
            uns_fail(context, UNS_ERROR_RANGE, "the last replica's number is beyond 2^32 - 1"));
    if (settings->epochs > 0)
        UNS_TRY(steps_of_epochs(draft, problem, settings));
    const char *key = "steps";
    uns_status status = uns_settings_check(context, settings, &key);
    return status == UNS_OK ? UNS_OK : uns_yaml_at(context, place_of(draft, key), status);
}

static size_t axis_length(const grid *g, const uns_entry *entry) {
    return entry->row == &uns_plan_problem_row      ? g->problems->count
           : entry->row == &uns_plan_optimizers_row ? g->optimizers->count
                                                    : entry->count;
}

/* Sets what cell `index` takes from each axis. */
static uns_status choose(const grid *g, size_t index, uns_settings *settings, size_t *positions,
                         choice *c) {
    const uns_section *section = &g->draft->settings;
    for (size_t i = section->count; i-- > 0;) {
        positions[i] = index % axis_length(g, &section->entries[i]);
        index /= axis_length(g, &section->entries[i]);
    }
    for (size_t i = 0; i < section->count; i++) {
        const uns_entry *entry = &section->entries[i];
        if (entry->row == &uns_plan_problem_row) {
            c->problem = &g->problems->items[positions[i]];
        } else if (entry->row == &uns_plan_optimizers_row) {
            c->optimizer = &g->optimizers->items[positions[i]];
        } else {
            UNS_TRY(uns_entry_set(g->draft, section, entry, positions[i], settings));
            if (entry->count > 1)
                uns_label_add(c->varied, sizeof c->varied, entry->row, settings);
        }
    }
    return UNS_OK;
}

static void add_part(char *label, size_t size, const char *part) {
    size_t used = strlen(label);
    if (*part)
        snprintf(label + used, size - used, "%s%s", used ? " " : "", part);
}

static uns_status make_cell(const grid *g, size_t index, size_t *positions, uns_cell *cell) {
    choice c = {0};
    UNS_TRY(uns_param_defaults(g->draft->context, uns_settings_table(), &cell->settings));
    UNS_TRY(choose(g, index, &cell->settings, positions, &c));
    UNS_TRY(finish_settings(g->draft, c.problem, &cell->settings));
    snprintf(cell->problem, sizeof cell->problem, "%s", c.problem->section->name);
    snprintf(cell->preset, sizeof cell->preset, "%s", c.optimizer->section->name);
    cell->problem_config = c.problem->config;
    cell->problem_place = c.problem->place;
    cell->optimizer_place = c.optimizer->place;
    cell->spec = *(const uns_spec *)c.optimizer->config;
    add_part(cell->label, sizeof cell->label, c.optimizer->label);
    add_part(cell->label, sizeof cell->label, c.problem->label);
    add_part(cell->label, sizeof cell->label, c.varied);
    return UNS_OK;
}

static uns_status measure(const grid *g, size_t *count) {
    uns_section *section = &g->draft->settings;
    *count = 1;
    for (size_t i = 0; i < section->count; i++) {
        uns_entry *entry = &section->entries[i];
        if (entry->row != &uns_plan_problem_row && entry->row != &uns_plan_optimizers_row)
            UNS_TRY(uns_entry_measure(g->draft, entry));
        UNS_TRY(uns_grid_product(g->draft, entry->place, count, axis_length(g, entry)));
    }
    return UNS_OK;
}

uns_status uns_cells_make(uns_draft *draft, const uns_variant_list *problems,
                          const uns_variant_list *optimizers, uns_cells *cells) {
    grid g = {.draft = draft, .problems = problems, .optimizers = optimizers};
    UNS_TRY(measure(&g, &cells->count));
    cells->items = uns_store_take(draft->kept, cells->count * sizeof *cells->items);
    size_t *positions = uns_store_take(draft->store, draft->settings.count * sizeof *positions);
    if (!cells->items || !positions)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < cells->count; i++)
        UNS_TRY(make_cell(&g, i, positions, &cells->items[i]));
    return UNS_OK;
}
