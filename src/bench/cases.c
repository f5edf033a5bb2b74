/* SPDX-License-Identifier: MIT
 * What is to be timed: the lists of rules, layouts and thread counts as rows, and the memory
 * that they take.
 */
#include "bench/bench.h"

#include "base/base.h"
#include "base/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unsaddle/moment.h>
#include <unsaddle/structure.h>

bool uns_bench_next_word(const char **list, char word[UNS_BENCH_WORD]) {
    const char *from = *list + strspn(*list, ", ");
    size_t length = strcspn(from, ", ");
    if (length == 0)
        return false;
    snprintf(word, UNS_BENCH_WORD, "%.*s", (int)length, from);
    *list = from + length;
    return true;
}

static uns_status fail_word(const uns_bench *bench, const char *what, const char *word,
                            const char *example) {
    return uns_fail(bench->context, UNS_ERROR_FORMAT, "bench: '%s' is no %s; write %s", word,
                    what, example);
}

static uns_status too_many(const uns_bench *bench) {
    return uns_fail(bench->context, UNS_ERROR_RANGE, "bench: a list takes at most %d entries",
                    UNS_BENCH_LIST);
}

uns_status uns_bench_add_rule(uns_bench *bench, const char *name, const char *values) {
    const void *preset = NULL;
    if (bench->rule_count == UNS_BENCH_LIST)
        return too_many(bench);
    uns_spec *spec = &bench->specs[bench->rule_count];
    UNS_TRY(uns_context_find(bench->context, UNS_KIND_PRESET, name, &preset));
    UNS_TRY(uns_spec_preset(bench->context, name, spec));
    UNS_TRY(uns_param_assign(bench->context, uns_spec_table(), spec, values ? values : ""));
    snprintf(bench->names[bench->rule_count], UNS_BENCH_NAME, "%s", name);
    bench->bf16[bench->rule_count] = false;
    uns_status status = uns_spec_check(bench->context, spec);
    if (status != UNS_OK)
        return uns_fail_at(bench->context, status, "%s", name);
    bench->rules[bench->rule_count++] = preset;
    return UNS_OK;
}

/* All that gradients alone can feed, with a state of a size in proportion to the parameters. */
static bool is_common(uns_context *context, const char *name) {
    const void *moment = NULL, *structure = NULL;
    uns_spec spec;
    return uns_spec_preset(context, name, &spec) == UNS_OK &&
           uns_context_find(context, UNS_KIND_MOMENT, spec.moment, &moment) == UNS_OK &&
           uns_context_find(context, UNS_KIND_STRUCTURE, spec.structure, &structure) ==
               UNS_OK &&
           !((const uns_moment_ops *)moment)->oracle &&
           ((const uns_structure_ops *)structure)->elementwise;
}

static uns_status add_all_rules(uns_bench *bench, const char *values) {
    size_t count = uns_context_count(bench->context, UNS_KIND_PRESET);
    for (size_t i = 0; i < count; i++) {
        const uns_preset *preset = uns_context_entry(bench->context, UNS_KIND_PRESET, i);
        if (is_common(bench->context, preset->name))
            UNS_TRY(uns_bench_add_rule(bench, preset->name, values));
    }
    return UNS_OK;
}

/* "adamw", "adamw:STATE" or "adamw:STATE:bf16", the last for bf16 parameters and gradients. */
static uns_status add_variant(uns_bench *bench, const char *word, const char *values) {
    char name[UNS_BENCH_WORD], all[1024];
    const char *state = strchr(word, ':');
    const char *bf16 = state ? strchr(state + 1, ':') : NULL;
    if (!state)
        return uns_bench_add_rule(bench, word, values);
    if (bf16 && strcmp(bf16, ":bf16") != 0)
        return fail_word(bench, "rule", word, "PRESET, PRESET:STATE or PRESET:STATE:bf16");
    const int length = (int)(bf16 ? bf16 - state - 1 : (ptrdiff_t)strlen(state + 1));
    snprintf(name, sizeof name, "%.*s", (int)(state - word), word);
    const int used =
        snprintf(all, sizeof all, "%s state=%.*s", values ? values : "", length, state + 1);
    if (used >= (int)sizeof all)
        return uns_fail(bench->context, UNS_ERROR_RANGE, "bench: the values are too long");
    UNS_TRY(uns_bench_add_rule(bench, name, all));
    snprintf(bench->names[bench->rule_count - 1], UNS_BENCH_NAME, "%s", word);
    bench->bf16[bench->rule_count - 1] = bf16;
    return UNS_OK;
}

static uns_status read_rules(uns_bench *bench, const char *list, const char *values) {
    char word[UNS_BENCH_WORD];
    if (strcmp(list, "all") == 0)
        return add_all_rules(bench, values);
    while (uns_bench_next_word(&list, word))
        UNS_TRY(add_variant(bench, word, values));
    return UNS_OK;
}

/* A whole number with a suffix; 0 when it is none. */
static double read_size(const char *text, const char **end) {
    char *rest;
    double size = strtod(text, &rest);
    if (rest == text || *text < '0' || *text > '9')
        return 0.0;
    switch (*rest) {
    case 'G':
        size *= 1e3; /* falls through */
    case 'M':
        size *= 1e3; /* falls through */
    case 'k':
        size *= 1e3;
        rest++;
    }
    *end = rest;
    return size == floor(size) ? size : 0.0;
}

uns_status uns_bench_read_layout(uns_bench *bench, const char *word) {
    const char *cross = "", *end = "x";
    double tensors = read_size(word, &cross);
    double length = *cross == 'x' ? read_size(cross + 1, &end) : 0.0;
    if (tensors < 1.0 || length < 1.0 || *end)
        return fail_word(bench, "layout", word, "TENSORSxFLOATS such as 1000x10k");
    if (tensors * length > 1e15)
        return uns_fail(bench->context, UNS_ERROR_RANGE, "bench: '%s' is beyond 1e15", word);
    if (bench->layout_count == UNS_BENCH_LIST)
        return too_many(bench);
    bench->layouts[bench->layout_count++] = (uns_bench_layout){(size_t)tensors, (size_t)length};
    return UNS_OK;
}

static uns_status read_layouts(uns_bench *bench, const char *list) {
    char word[UNS_BENCH_WORD];
    while (uns_bench_next_word(&list, word))
        UNS_TRY(uns_bench_read_layout(bench, word));
    return UNS_OK;
}

static uns_status read_threads(uns_bench *bench, const char *list) {
    char word[UNS_BENCH_WORD];
    while (uns_bench_next_word(&list, word)) {
        const char *end = "x";
        double threads = read_size(word, &end);
        if (threads < 1.0 || threads > 256.0 || *end)
            return fail_word(bench, "number of threads", word, "1 to 256");
        if (bench->thread_count == UNS_BENCH_LIST)
            return too_many(bench);
        bench->threads[bench->thread_count++] = (int)threads;
    }
    return UNS_OK;
}

static uns_status default_threads(uns_bench *bench) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    bench->threads[bench->thread_count++] = 1;
    if (cores > 1)
        bench->threads[bench->thread_count++] = cores < 256 ? (int)cores : 256;
    return UNS_OK;
}

uns_status uns_bench_make_layout(uns_context *context, const uns_bench_layout *shape,
                                 uns_dtype dtype, uns_layout **out) {
    uns_block *blocks = uns_allocate(context, uns_size_product(shape->tensors, sizeof *blocks));
    if (!blocks)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < shape->tensors; i++)
        blocks[i] = (uns_block){.rows = shape->length, .cols = 1};
    uns_layout_config config = {.size = sizeof config,
                                .dtype = dtype,
                                .replicas = 1,
                                .count = shape->tensors,
                                .blocks = blocks};
    uns_status status = uns_layout_create(context, &config, out);
    uns_release(context, blocks);
    return status;
}

size_t uns_bench_eviction_bytes(void) {
    const long least = 64L << 20;
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    return (size_t)(2 * cache > least ? 2 * cache : least);
}

/* Tensors beyond this have books larger than the machine, and are not worked out. */
static const double most_tensors = 1e7;

/* With the state of the same rule in f32, and what steps on subnormal numbers take, where these
 * are timed beside. */
static uns_status measure_state(uns_bench *bench, const uns_bench_layout *shape, size_t rule,
                                double *bytes) {
    uns_layout *layout = NULL;
    size_t state = 0;
    double elements = (double)shape->tensors * (double)shape->length;
    *bytes = elements * 2 * sizeof(float) + (double)uns_bench_eviction_bytes();
    if ((double)shape->tensors > most_tensors)
        return uns_fail(bench->context, UNS_ERROR_RANGE, "bench: more than %g tensors",
                        most_tensors);
    if (*bytes > uns_machine_memory()) /* the optimizer's books alone might be too large */
        return UNS_OK;
    UNS_TRY(
        uns_bench_make_layout(bench->context, shape, uns_bench_dtype(bench, rule), &layout));
    uns_spec spec = bench->specs[rule];
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    uns_status status = uns_optimizer_bytes(bench->context, &config, &state);
    *bytes += (double)state;
    if (bench->subnormal)
        *bytes += (double)state + elements * sizeof(float);
    spec.state = UNS_STATE_AUTO;
    if (status == UNS_OK && uns_bench_is_reduced(&bench->specs[rule])) {
        status = uns_optimizer_bytes(bench->context, &config, &state);
        *bytes += (double)state;
    }
    uns_layout_destroy(layout);
    return status;
}

static uns_status measure_memory(uns_bench *bench) {
    for (size_t l = 0; l < bench->layout_count; l++)
        for (size_t r = 0; r < bench->rule_count; r++) {
            double bytes = 0.0;
            UNS_TRY(measure_state(bench, &bench->layouts[l], r, &bytes));
            bench->bytes = bytes > bench->bytes ? bytes : bench->bytes;
        }
    return UNS_OK;
}

static void name_rows(uns_bench *bench) {
    const uns_bench_time none = {NAN, NAN};
    for (size_t i = 0; i < bench->row_count; i++) {
        const uns_bench_layout *layout = &bench->layouts[uns_bench_layout_of(bench, i)];
        uns_bench_row *row = &bench->rows[i];
        *row = (uns_bench_row){.tensors = layout->tensors,
                               .length = layout->length,
                               .threads = bench->threads[uns_bench_threads_of(bench, i)],
                               .warm = none,
                               .cold = none,
                               .limit_warm = none,
                               .limit_cold = none,
                               .checked = none,
                               .apart = none,
                               .wide = none,
                               .faint = none,
                               .share = NAN,
                               .share_checked = NAN,
                               .share_apart = NAN,
                               .share_wide = NAN,
                               .share_faint = NAN,
                               .before = NAN};
        snprintf(row->rule, sizeof row->rule, "%s", bench->names[uns_bench_rule_of(bench, i)]);
    }
}

static uns_status fill_dense(uns_bench *bench, const uns_bench_config *config) {
    UNS_TRY(uns_bench_dense_read(bench, config->dense, config->values));
    bench->row_count = bench->rule_count * bench->thread_count;
    if (bench->row_count == 0)
        return uns_fail(bench->context, UNS_ERROR_ARGUMENT, "bench: a list is empty");
    bench->dense = uns_allocate(bench->context, bench->row_count * sizeof *bench->dense);
    return bench->dense ? UNS_OK : UNS_ERROR_MEMORY;
}

static uns_status fill(uns_bench *bench, const uns_bench_config *config) {
    const char *layouts = config->layouts ? config->layouts : "1x1M,1x100M,1000x10k,1000x100";
    const char *rules = config->rules ? config->rules : "adamw,rmsprop,momentum";
    const char *values = config->values ? config->values : "";
    if (snprintf(bench->values, sizeof bench->values, "%s", values) >=
        (int)sizeof bench->values)
        return uns_fail(bench->context, UNS_ERROR_RANGE, "bench: the values are too long");
    UNS_TRY(config->threads ? read_threads(bench, config->threads) : default_threads(bench));
    if (config->dense)
        return fill_dense(bench, config);
    UNS_TRY(read_rules(bench, rules, config->values));
    UNS_TRY(read_layouts(bench, layouts));
    bench->row_count = bench->rule_count * bench->layout_count * bench->thread_count;
    if (bench->row_count == 0)
        return uns_fail(bench->context, UNS_ERROR_ARGUMENT, "bench: a list is empty");
    UNS_TRY(measure_memory(bench));
    bench->rows = uns_allocate(bench->context, bench->row_count * sizeof *bench->rows);
    if (!bench->rows)
        return UNS_ERROR_MEMORY;
    name_rows(bench);
    return UNS_OK;
}

uns_status uns_bench_create(uns_context *context, const uns_bench_config *config,
                            uns_bench **out) {
    if (!config || config->size != sizeof *config)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "bench: the config's size is wrong");
    if (!(config->seconds >= 0.0) || config->seconds > 3600.0)
        return uns_fail(context, UNS_ERROR_RANGE, "bench: seconds must be in [0, 3600]");
    uns_bench *bench = uns_allocate(context, sizeof *bench);
    if (!bench)
        return UNS_ERROR_MEMORY;
    bench->context = context;
    bench->seconds = config->seconds > 0.0 ? config->seconds : 2.0;
    bench->subnormal = config->subnormal;
    bench->progress = config->progress;
    bench->user = config->user;
    bench->interrupt = config->interrupt;
    uns_status status = fill(bench, config);
    if (status != UNS_OK) {
        uns_bench_destroy(bench);
        return status;
    }
    *out = bench;
    return UNS_OK;
}

void uns_bench_destroy(uns_bench *bench) {
    if (!bench)
        return;
    uns_release(bench->context, bench->dense);
    uns_release(bench->context, bench->rows);
    uns_release(bench->context, bench);
}

double uns_bench_bytes(const uns_bench *bench) {
    return bench->bytes;
}

size_t uns_bench_count(const uns_bench *bench) {
    return bench->row_count;
}

const uns_bench_row *uns_bench_row_at(const uns_bench *bench, size_t index) {
    return bench->rows && index < bench->row_count ? &bench->rows[index] : NULL;
}

const uns_bench_dense_row *uns_bench_dense_at(const uns_bench *bench, size_t index) {
    return bench->dense && index < bench->row_count ? &bench->dense[index] : NULL;
}

static uns_status measure_row(const uns_bench *bench, size_t i) {
    return bench->dense ? uns_bench_dense_measure(bench, i, &bench->dense[i])
                        : uns_bench_measure(bench, i, &bench->rows[i]);
}

static uns_status run_rows(uns_bench *bench) {
    for (size_t i = 0; i < bench->row_count; i++) {
        if (bench->interrupt && *bench->interrupt) {
            bench->row_count = i;
            break;
        }
        UNS_TRY(measure_row(bench, i));
        if (bench->progress)
            bench->progress(bench->user, i + 1, bench->row_count);
    }
    return UNS_OK;
}

uns_status uns_bench_run(uns_bench *bench) {
    const double gibi = 1024.0 * 1024 * 1024;
    double available = uns_machine_memory();
    if (bench->bytes > available)
        return uns_fail(bench->context, UNS_ERROR_RANGE,
                        "bench: the largest row needs %.1f GiB of memory, and %.1f GiB are "
                        "available; choose smaller layouts",
                        bench->bytes / gibi, available / gibi);
    bench->eviction = uns_allocate(bench->context, uns_bench_eviction_bytes());
    uns_status status = bench->eviction ? run_rows(bench) : UNS_ERROR_MEMORY;
    uns_release(bench->context, bench->eviction);
    return status;
}
