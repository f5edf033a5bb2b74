/* SPDX-License-Identifier: MIT
 * Steps under threads, for ThreadSanitizer: a plain program that speaks TAP. Every preset that
 * needs no oracle, on one long tensor and many small matrices, with guards, extras and a
 * gradient that is not finite; the bits must be those of one thread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/optimizer.h>

/* Of OpenBLAS; NULL in a build without it. Its threads would only wait for one another. */
extern void openblas_set_num_threads(int count) __attribute__((weak));

enum {
    SHORT = 150, /* tensors, beside one long one */
    SHORT_LENGTH = 333,
    SHORT_COLUMNS = 9,
    LONG_LENGTH = 70001,
    TENSORS = SHORT + 1,
    ALL = SHORT * SHORT_LENGTH + LONG_LENGTH,
    STEPS = 3,
    THREADS = 4
};

/* What a run starts from and leaves behind. */
typedef struct arrays {
    float x[ALL], g[ALL];
    uint16_t copy[ALL];
} arrays;

static void fill(arrays *a, int step) {
    for (int i = 0; i < ALL; i++) {
        a->g[i] = (float)((i * 31 + step * 17) % 211) * 0.01f - 1;
        if (step == 0)
            a->x[i] = (float)(i % 13) * 0.1f;
    }
    if (step == 1)
        a->g[ALL / 2] = (float)NAN;
}

static uns_status make_layout(uns_context *context, uns_layout **out) {
    uns_block blocks[TENSORS] = {{0}};
    for (size_t i = 0; i < TENSORS; i++)
        blocks[i] =
            i == 7 ? (uns_block){.rows = LONG_LENGTH, .cols = 1}
                   : (uns_block){.rows = SHORT_LENGTH / SHORT_COLUMNS, .cols = SHORT_COLUMNS};
    uns_layout_config config = {sizeof config, UNS_F32, 1, TENSORS, blocks};
    return uns_layout_create(context, &config, out);
}

static bool step_all(const uns_layout *layout, uns_optimizer *optimizer, arrays *a) {
    void *x[TENSORS], *g[TENSORS], *copies[TENSORS];
    uns_layout_spread(layout, a->x, x);
    uns_layout_spread(layout, a->g, g);
    for (size_t i = 0; i < TENSORS; i++)
        copies[i] = a->copy + ((float *)x[i] - a->x);
    const uns_step_extras extras = {sizeof extras, true, copies};
    for (int step = 0; step < STEPS; step++) {
        fill(a, step);
        if (uns_optimizer_step_and(optimizer, (uns_tensors){x, TENSORS},
                                   (uns_tensors){g, TENSORS}, &extras) != UNS_OK)
            return false;
    }
    return true;
}

/* One run; false when anything fails. */
static bool run(int threads, const uns_spec *spec, arrays *a) {
    uns_context_config config = {.size = sizeof config, .threads = threads};
    uns_context *context = NULL;
    uns_layout *layout = NULL;
    uns_optimizer *optimizer = NULL;
    if (uns_context_create(&config, &context) != UNS_OK)
        return false;
    bool good = make_layout(context, &layout) == UNS_OK;
    uns_optimizer_config of = {.size = sizeof of, .layout = layout, .count = 1, .specs = spec};
    good = good && uns_optimizer_create(context, &of, &optimizer) == UNS_OK &&
           step_all(layout, optimizer, a);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    uns_context_destroy(context);
    return good;
}

static bool same_bits(const uns_spec *spec) {
    static arrays one, many;
    memset(&one, 0, sizeof one);
    memset(&many, 0, sizeof many);
    return run(1, spec, &one) && run(THREADS, spec, &many) &&
           memcmp(&one, &many, sizeof one) == 0;
}

static bool is_one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Presets whose structure is cheap on a long vector. */
static bool is_tried(const uns_spec *spec) {
    static const char *const plain[] = {"diagonal", "identity", "scalar", "factored"};
    static const char *const dense[] = {"lowrank", "kron", "kron-eigen"};
    const bool cheap =
        is_one_of(spec->structure, plain, 4) ||
        (is_one_of(spec->structure, dense, 3) && strcmp(uns_context_blas(NULL), "none") != 0);
    return cheap && strcmp(spec->moment, "exact") != 0;
}

/* With state in f32 and in fewer bits, where the preset goes with it; *tried counts. */
static int count_failures(uns_context *context, const uns_preset *preset, int *tried) {
    static const char *const names[] = {"", " in f32", " in bf16", " in q8"};
    int failed = 0;
    for (int state = UNS_STATE_F32; state <= UNS_STATE_Q8; state++) {
        uns_spec spec;
        if (uns_spec_preset(context, preset->name, &spec) != UNS_OK || !is_tried(&spec))
            continue;
        spec.clip_norm = 10;
        spec.nonfinite = UNS_NONFINITE_SKIP;
        spec.state = state;
        if (uns_spec_check(context, &spec) != UNS_OK)
            continue;
        const bool good = same_bits(&spec);
        printf("%s %d - %s%s: %d threads give the bits of one\n", good ? "ok" : "not ok",
               ++*tried, preset->name, names[state], THREADS);
        failed += !good;
    }
    return failed;
}

int main(void) {
    uns_context *context = NULL;
    int tried = 0, failed = 0;
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (uns_context_create(NULL, &context) != UNS_OK)
        return 1;
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++)
        failed +=
            count_failures(context, uns_context_entry(context, UNS_KIND_PRESET, i), &tried);
    printf("1..%d\n", tried);
    uns_context_destroy(context);
    return tried >= 50 && !failed ? 0 : 1;
}
