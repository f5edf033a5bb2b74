/* SPDX-License-Identifier: MIT
 * The plan: reads the file, has it bound, overridden and unrolled, keeps the cells. Nothing is
 * printed, no environment is read, and nothing remains of a plan that fails.
 */
#include "run/plan_draft.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct uns_plan {
    uns_context *context;
    uns_store store;
    uns_cells cells;
    const char *resolved;
};

#define FIELD(name) offsetof(uns_settings, name)

static const uns_named automatic[] = {{"auto", 0}, {NULL, 0}};
static const uns_named off[] = {{"off", 0}, {NULL, 0}};
static const uns_named reading_words[] = {{"off", 0}, {"auto", -1}, {NULL, 0}};
static const uns_named acts[] = {{"none", UNS_STALL_NONE},
                                 {"witness", UNS_STALL_WITNESS},
                                 {"larger", UNS_STALL_LARGER},
                                 {NULL, 0}};

static const uns_param settings_rows[] = {
    {"steps", NULL, UNS_PARAM_COUNT, FIELD(steps), 0, 1e12, 0, NULL, "0", "steps",
     "moves of each replica; 0: epochs are given"},
    {"epochs", NULL, UNS_PARAM_REAL, FIELD(epochs), 0, 1e9, 0, NULL, "0", "passes",
     "passes over the samples of a finite sum; 0: steps are given"},
    {"replicas", NULL, UNS_PARAM_COUNT, FIELD(replicas), 1, 1e7, 0, NULL, "1", "",
     "independent copies of each run"},
    {"first_replica", NULL, UNS_PARAM_COUNT, FIELD(first_replica), 0, 4294967295.0, 0, NULL,
     "0", "", "number of the first replica, which chooses its random stream"},
    {"seed", NULL, UNS_PARAM_COUNT, FIELD(seed), 0, 9007199254740992.0, 0, NULL, "1", "",
     "seed of everything random"},
    {"threads", NULL, UNS_PARAM_COUNT, FIELD(threads), 0, 256, 0, NULL, "0", "",
     "worker threads; 0: one for each core; results do not depend on it"},
    {"batch", NULL, UNS_PARAM_COUNT, FIELD(batch), 1, 1e9, 0, NULL, "1", "samples",
     "samples in a gradient"},
    {"records", NULL, UNS_PARAM_COUNT, FIELD(records), 1, 1e6, 0, NULL, "100", "rows",
     "rows of the metrics, evenly spaced; the last step is one of them"},
    {"settle", NULL, UNS_PARAM_COUNT, FIELD(settle), 0, 1e12, 0, NULL, "5000", "steps",
     "steps after its escape before a replica counts for the floor"},
    {"instruments.every", NULL, UNS_PARAM_COUNT, FIELD(instruments.every), 1, 1e12, 0,
     reading_words, "off", "steps",
     "steps between two readings of noise and curvature; auto: as often as 1 % of the run pays "
     "for"},
    {"instruments.replicas", NULL, UNS_PARAM_COUNT, FIELD(instruments.replicas), 1, 1e7, 0,
     NULL, "1", "", "replicas read: the first so many of each cell"},
    {"instruments.noise", NULL, UNS_PARAM_FLAG, FIELD(instruments.noise), 0, 0, 0, NULL, "true",
     "", "read ||grad f||^2 and the gradient noise"},
    {"instruments.curvature", NULL, UNS_PARAM_FLAG, FIELD(instruments.curvature), 0, 0, 0, NULL,
     "true", "", "read the smallest eigenpair of the Hessian"},
    {"instruments.forecast", NULL, UNS_PARAM_FLAG, FIELD(instruments.forecast), 0, 0, 0, NULL,
     "true", "", "from both, forecast how long the optimizer takes to leave along that pair"},
    {"instruments.draws", NULL, UNS_PARAM_COUNT, FIELD(instruments.draws), 64, 1e6, 0, NULL,
     "64", "gradients", "fresh gradients of a reading"},
    {"instruments.products", NULL, UNS_PARAM_COUNT, FIELD(instruments.products), 1, 1e4, 0,
     NULL, "24", "products", "Hessian-vector products for an eigenpair, at most"},
    {"instruments.samples", NULL, UNS_PARAM_COUNT, FIELD(instruments.samples), 1, 1e9, 0,
     automatic, "auto", "samples",
     "fixed sample set that stands for a finite sum; auto: the whole sum up to 1024, else "
     "1024"},
    {"stall.every", NULL, UNS_PARAM_COUNT, FIELD(stall.every), 1, 1e12, 0, off, "off", "steps",
     "steps between two tests for a stall"},
    {"stall.act", NULL, UNS_PARAM_CHOICE, FIELD(stall.act), 0, 0, 0, acts, "none", "",
     "what to do where a stall is shown to be a saddle: record it, step along the witness, or "
     "take one larger step"},
    {"stall.window", NULL, UNS_PARAM_COUNT, FIELD(stall.window), 4, 1e6, 0, NULL, "16",
     "gradients", "fresh gradients of a test, in two independent halves"},
    {"stall.ratio", NULL, UNS_PARAM_REAL, FIELD(stall.ratio), 0, INFINITY, 0, NULL, "1", "",
     "the gradient is small where its square is at most this times the noise of a batch"},
    {"stall.tau_g", NULL, UNS_PARAM_REAL, FIELD(stall.tau_g), 0, INFINITY, 0, NULL, "1e-3", "",
     "or where its norm is at most this"},
    {"stall.plateau", NULL, UNS_PARAM_REAL, FIELD(stall.plateau), 0, 1, 0, NULL, "0.02", "",
     "f is on a plateau where since the last test it fell below its lowest by less than this "
     "share of its size, or of its range so far"},
    {"stall.tau_h", NULL, UNS_PARAM_REAL, FIELD(stall.tau_h), 0, INFINITY,
     UNS_OPEN_LOW | UNS_OPEN_HIGH, NULL, "1e-2", "",
     "curvature below minus this makes the place a saddle"},
    {"stall.delta", NULL, UNS_PARAM_REAL, FIELD(stall.delta), 0, 0.5, UNS_OPEN_LOW, NULL,
     "1e-3", "", "failure probability of the certificate"},
    {"stall.clearance", NULL, UNS_PARAM_REAL, FIELD(stall.clearance), 0, 1000, 0, NULL, "3", "",
     "least length of a step along the witness, in standard deviations of what the noise does "
     "on the way"},
    {"stall.larger", NULL, UNS_PARAM_REAL, FIELD(stall.larger), 0, 1e6, UNS_OPEN_LOW, automatic,
     "auto", "", "size of the larger step; auto: as long as the clearance asks"},
    {"stall.most", NULL, UNS_PARAM_COUNT, FIELD(stall.most), 1, 1000, 0, NULL, "16", "",
     "stalls looked into for each replica, at most"},
    {"stall.samples", NULL, UNS_PARAM_COUNT, FIELD(stall.samples), 1, 1e9, 0, automatic, "auto",
     "samples",
     "fixed sample set for f and the certificate of a finite sum; auto: the whole sum up to "
     "1024, else 1024"},
};

static const uns_param_table settings_table = {"the settings", sizeof(uns_settings),
                                               UNS_COUNT_OF(settings_rows), settings_rows};

const uns_param_table *uns_settings_table(void) {
    return &settings_table;
}

/* The path as messages show it: its end, where it is long. */
static const char *shown_path(const char *path) {
    enum {
        SHOWN = 200
    };
    size_t length = strlen(path);
    const char *end = length > SHOWN ? path + length - SHOWN : path;
    while (((unsigned char)*end & 0xc0) == 0x80)
        end++;
    return end;
}

static uns_status fail_file(uns_context *context, const char *path, const char *why) {
    return uns_fail(context, UNS_ERROR_IO, "%s: %s", shown_path(path), why);
}

/* At most one byte more than is allowed is read, whatever the file claims to be. */
static uns_status read_stream(uns_store *store, const char *path, FILE *file, const char **text,
                              size_t *length) {
    size_t room = UNS_PLAN_LARGEST_FILE + 1;
    char *bytes = uns_store_take(store, room);
    if (!bytes)
        return UNS_ERROR_MEMORY;
    errno = 0;
    *length = fread(bytes, 1, room, file);
    *text = bytes;
    if (ferror(file))
        return fail_file(store->context, path, strerror(errno));
    if (*length == room)
        return uns_fail(store->context, UNS_ERROR_FORMAT, "%s: larger than 1 MiB: no plan",
                        shown_path(path));
    return UNS_OK;
}

static uns_status read_file(uns_store *store, const char *path, const char **text,
                            size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail_file(store->context, path, strerror(errno));
    uns_status status = read_stream(store, path, file, text, length);
    fclose(file);
    return status;
}

static uns_status read_source(uns_draft *draft, const uns_plan_source *source,
                              uns_yaml **root) {
    const char *text = source->text, *name = source->path ? shown_path(source->path) : "plan";
    size_t length = text ? strlen(text) : 0;
    if (!text)
        UNS_TRY(read_file(draft->store, source->path, &text, &length));
    if (length > UNS_PLAN_LARGEST_TEXT)
        return uns_fail(draft->context, UNS_ERROR_FORMAT, "%s: larger than 64 MiB: no plan",
                        name);
    return uns_yaml_read(draft->store, name, true, text, length, root);
}

static uns_status check_complete(uns_draft *draft) {
    static const uns_param *const needed[] = {&uns_plan_problem_row, &uns_plan_optimizers_row};
    for (size_t i = 0; i < UNS_COUNT_OF(needed); i++)
        if (!uns_section_find(&draft->settings, needed[i]))
            return uns_yaml_at(draft->context, draft->root,
                               uns_fail(draft->context, UNS_ERROR_FORMAT,
                                        "the key '%s' is missing", needed[i]->key));
    return UNS_OK;
}

static uns_status fill_plan(uns_plan *plan, uns_draft *draft, const uns_plan_source *source) {
    uns_yaml *root;
    uns_variant_list problems = {0}, optimizers = {0};
    UNS_TRY(read_source(draft, source, &root));
    UNS_TRY(uns_draft_bind(draft, root));
    for (size_t i = 0; i < source->override_count; i++)
        UNS_TRY(uns_draft_override(draft, source->overrides[i]));
    UNS_TRY(check_complete(draft));
    UNS_TRY(uns_variants_make(draft, &draft->problems, &problems));
    UNS_TRY(uns_variants_make(draft, &draft->optimizers, &optimizers));
    UNS_TRY(uns_cells_make(draft, &problems, &optimizers, &plan->cells));
    return uns_draft_write(draft, &problems, &optimizers, &plan->cells, &plan->resolved);
}

static uns_status check_source(uns_context *context, const uns_plan_source *source) {
    bool good = source && source->size == sizeof *source && (source->path || source->text) &&
                (source->overrides || !source->override_count);
    return good ? UNS_OK
                : uns_fail(context, UNS_ERROR_ARGUMENT,
                           "a plan needs a source with its size and a path or a text");
}

uns_status uns_plan_create(uns_context *context, const uns_plan_source *source,
                           uns_plan **out) {
    if (!context || !out)
        return UNS_ERROR_ARGUMENT;
    UNS_TRY(check_source(context, source));
    uns_plan *plan = uns_allocate(context, sizeof *plan);
    if (!plan)
        return UNS_ERROR_MEMORY;
    plan->context = context;
    plan->store.context = context;
    uns_store scratch = {.context = context};
    uns_draft draft = {.context = context, .store = &scratch, .kept = &plan->store};
    uns_status status = fill_plan(plan, &draft, source);
    uns_store_release(&scratch);
    if (status != UNS_OK) {
        uns_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return UNS_OK;
}

void uns_plan_destroy(uns_plan *plan) {
    if (!plan)
        return;
    uns_context *context = plan->context;
    uns_store_release(&plan->store);
    uns_release(context, plan);
}

size_t uns_plan_count(const uns_plan *plan) {
    return plan->cells.count;
}

const uns_cell *uns_plan_cell(const uns_plan *plan, size_t index) {
    return index < plan->cells.count ? &plan->cells.items[index] : NULL;
}

const char *uns_plan_resolved(const uns_plan *plan) {
    return plan->resolved;
}
