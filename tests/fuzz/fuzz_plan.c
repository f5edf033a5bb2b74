/* SPDX-License-Identifier: MIT
 * Fuzzes the plan reader: one input is a file and up to four overrides, with a NUL between
 * them.
 *
 * Found besides crashes: leaks, a failure without its place, and a resolved file that does not
 * read back to the same cells.
 * Built with -fsanitize=fuzzer it fuzzes; linked with replay.c it replays the corpus.
 */
#include "support/plan_compare.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MOST_OVERRIDES = 4,
    MOST_CELLS = 64 /* compared; more are only read */
};

static void demand(bool truth, const char *what) {
    if (truth)
        return;
    fprintf(stderr, "fuzz_plan: %s\n", what);
    abort();
}

static void *count_allocate(void *live, size_t bytes, size_t align) {
    ++*(long *)live;
    return aligned_alloc(align, bytes);
}

static void count_release(void *live, void *block) {
    --*(long *)live;
    free(block);
}

static uns_context *open_context(long *live) {
    uns_context_config config = {.size = sizeof config,
                                 .allocate = count_allocate,
                                 .release = count_release,
                                 .user = live,
                                 .threads = 1};
    uns_context *context = NULL;
    demand(uns_context_create(&config, &context) == UNS_OK, "no context");
    demand(uns_context_register(context, UNS_KIND_PROBLEM, &toy_problem) == UNS_OK, "no toy");
    return context;
}

static void check_round_trip(uns_context *context, const uns_plan *plan) {
    if (uns_plan_count(plan) > MOST_CELLS)
        return;
    uns_plan *again = NULL;
    uns_plan_source source = {
        .size = sizeof source, .path = "resolved", .text = uns_plan_resolved(plan)};
    if (uns_plan_create(context, &source, &again) != UNS_OK) {
        fprintf(stderr, "%s%s\n", source.text, uns_context_message(context));
        demand(false, "the resolved file is refused");
    }
    demand(uns_plan_count(again) == uns_plan_count(plan), "another number of cells");
    for (size_t i = 0; i < uns_plan_count(plan); i++)
        demand(plan_same_cell(uns_plan_cell(plan, i), uns_plan_cell(again, i)), "another cell");
    demand(strcmp(uns_plan_resolved(again), source.text) == 0, "another resolved file");
    uns_plan_destroy(again);
}

static void check_message(const char *message) {
    demand(strncmp(message, "fuzz.yaml:", 10) == 0 || strncmp(message, "override", 8) == 0,
           "a message without a place");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    demand(text != NULL, "no memory");
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    const char *overrides[MOST_OVERRIDES];
    uns_plan_source source = {
        .size = sizeof source, .path = "fuzz.yaml", .text = text, .overrides = overrides};
    for (char *next = text + strlen(text) + 1;
         next < text + size && source.override_count < MOST_OVERRIDES; next += strlen(next) + 1)
        overrides[source.override_count++] = next;
    long live = 0;
    uns_context *context = open_context(&live);
    uns_plan *plan = NULL;
    if (uns_plan_create(context, &source, &plan) == UNS_OK)
        check_round_trip(context, plan);
    else
        check_message(uns_context_message(context));
    uns_plan_destroy(plan);
    uns_context_destroy(context);
    free(text);
    demand(live == 0, "a leak");
    return 0;
}
