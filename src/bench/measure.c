/* SPDX-License-Identifier: MIT
 * Times one row of the bench: the step, the limit pattern on the step's own arrays, and their
 * variants, in turns. Best and median of many; the shares are medians of ratios of neighbours.
 */
#include "bench/bench.h"

#include "base/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What takes turns. */
enum {
    WARM,
    CHECKED,
    LIMIT_WARM,
    APART,
    WIDE,
    FAINT,
    COLD,
    LIMIT_COLD,
    KINDS
};

typedef struct site {
    const uns_bench *bench;
    uns_bench_row *row;
    uns_context *context; /* with the row's threads */
    uns_spec spec;
    uns_layout *layout;
    uns_optimizer *optimizer;
    uns_optimizer *wide;  /* the same with state=auto, or NULL */
    uns_optimizer *faint; /* the same for steps on subnormal numbers, or NULL */
    bool bf16;
    void *x, *g, *faint_g;
    void **x_at, **g_at, **faint_at;
    char **arrays;
    uns_limit limit;
    size_t repeat; /* steps in one warm sample */
    bool has_apart;
    size_t rounds[2];
    double *samples[KINDS];
} site;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static size_t elements(const site *s) {
    return s->row->tensors * s->row->length;
}

/* To an f32, or to a bf16 by its upper half. */
static void put(const site *s, void *array, size_t i, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (s->bf16)
        ((uint16_t *)array)[i] = (uint16_t)(bits >> 16);
    else
        ((float *)array)[i] = value;
}

/* Gradients of either sign, below 1 in size; parameters about 0.1. */
static void fill_arrays(site *s) {
    uint32_t state = 1;
    for (size_t i = 0; i < elements(s); i++) {
        state = state * 1664525u + 1013904223u;
        const float uniform = (float)(state >> 8) * 0x1p-23f - 1.0f;
        put(s, s->g, i, uniform);
        put(s, s->x, i, 0.1f * uniform);
    }
}

/* The arrays of each tensor: g, x and the pieces of state that have an element a parameter.
 * What a structure keeps for its whole group comes last, in bytes, and is none of them. */
static uns_status list_arrays(site *s) {
    const size_t kept = uns_optimizer_state_count(s->optimizer, 0);
    size_t count = 2 + kept;
    uns_state_view last = {.name = ""};
    if (kept)
        UNS_TRY(uns_optimizer_state_at(s->optimizer, 0, kept - 1, &last));
    count -= strcmp(last.name, "structure") == 0;
    if (count > UNS_BENCH_ARRAYS)
        count = UNS_BENCH_ARRAYS;
    s->arrays = uns_allocate(s->context, s->row->tensors * count * sizeof *s->arrays);
    if (!s->arrays)
        return UNS_ERROR_MEMORY;
    s->limit.width[0] = s->limit.width[1] = uns_dtype_size(uns_layout_dtype(s->layout));
    for (size_t i = 0; i < s->row->tensors; i++) {
        char **at = s->arrays + i * count;
        at[0] = (char *)s->g_at[i];
        at[1] = (char *)s->x_at[i];
        for (size_t j = 2; j < count; j++) {
            uns_state_view view;
            UNS_TRY(uns_optimizer_state_at(s->optimizer, i, j - 2, &view));
            at[j] = view.data;
            s->limit.width[j] = uns_dtype_size(view.dtype);
        }
    }
    s->limit.kernels = uns_kernels_of(s->context);
    s->limit.tensors = s->row->tensors;
    s->limit.length = s->row->length;
    s->limit.count = count;
    s->limit.at = s->arrays;
    return UNS_OK;
}

static uns_status take_memory(site *s) {
    size_t n = elements(s), tensors = s->row->tensors;
    s->x = uns_allocate(s->context, n * sizeof(float));
    s->g = uns_allocate(s->context, n * sizeof(float));
    s->x_at = uns_allocate(s->context, 3 * tensors * sizeof *s->x_at);
    s->samples[0] = uns_allocate(s->context, (size_t)KINDS * UNS_BENCH_ROUNDS * sizeof(double));
    s->faint_g = s->faint ? uns_allocate(s->context, n * sizeof(float)) : s->g;
    if (!s->x || !s->g || !s->faint_g || !s->x_at || !s->samples[0])
        return UNS_ERROR_MEMORY;
    for (int k = 1; k < KINDS; k++)
        s->samples[k] = s->samples[k - 1] + UNS_BENCH_ROUNDS;
    s->g_at = s->x_at + tensors;
    uns_layout_spread(s->layout, s->x, s->x_at);
    s->faint_at = s->g_at + tensors;
    uns_layout_spread(s->layout, s->g, s->g_at);
    uns_layout_spread(s->layout, s->faint_g, s->faint_at);
    fill_arrays(s);
    if (s->faint)
        uns_bench_fill_faint(s->faint_g, n * sizeof(float));
    return UNS_OK;
}

static uns_status open_site(site *s) {
    uns_bench_layout shape = {s->row->tensors, s->row->length};
    UNS_TRY(
        uns_bench_make_layout(s->context, &shape, s->bf16 ? UNS_BF16 : UNS_F32, &s->layout));
    uns_optimizer_config config = {
        .size = sizeof config, .layout = s->layout, .count = 1, .specs = &s->spec};
    UNS_TRY(uns_optimizer_create(s->context, &config, &s->optimizer));
    if (s->bench->subnormal)
        UNS_TRY(uns_optimizer_create(s->context, &config, &s->faint));
    uns_spec wide = s->spec;
    wide.state = UNS_STATE_AUTO;
    config.specs = &wide;
    if (uns_bench_is_reduced(&s->spec))
        UNS_TRY(uns_optimizer_create(s->context, &config, &s->wide));
    UNS_TRY(take_memory(s));
    return list_arrays(s);
}

static void close_site(site *s) {
    uns_release(s->context, s->arrays);
    uns_release(s->context, s->samples[0]);
    uns_release(s->context, s->x_at);
    if (s->faint)
        uns_release(s->context, s->faint_g);
    uns_release(s->context, s->g);
    uns_release(s->context, s->x);
    uns_optimizer_destroy(s->optimizer);
    uns_optimizer_destroy(s->wide);
    uns_optimizer_destroy(s->faint);
    uns_layout_destroy(s->layout);
}

static uns_status step(const site *s, int kind) {
    void **const at = kind == FAINT ? s->faint_at : s->g_at;
    uns_tensors x = {s->x_at, s->row->tensors};
    uns_const_tensors g = {(const void *const *)at, s->row->tensors};
    return uns_optimizer_step(kind == FAINT  ? s->faint
                              : kind == WIDE ? s->wide
                                             : s->optimizer,
                              x, g);
}

static uns_status set_check(site *s, uns_nonfinite policy) {
    s->spec.nonfinite = (int)policy;
    return uns_group_set(s->optimizer, 0, &s->spec);
}

static void evict_part(void *user, size_t task) {
    const site *s = user;
    const size_t part = uns_bench_eviction_bytes() / (size_t)s->row->threads;
    memset(s->bench->eviction + task * part, (int)s->row->threads, part);
}

static void evict(const site *s) {
    uns_pool_run(uns_context_pool(s->context), (size_t)s->row->threads, evict_part, (void *)s);
}

/* Subnormal state is flushed by the first step on it, so every sample starts from it anew. It
 * and the step that it is held against find the caches as a step of their own leaves them. */
static uns_status prepare(site *s, int kind) {
    if (kind == CHECKED)
        return set_check(s, UNS_NONFINITE_STOP);
    if (s->faint && (kind == WARM || kind == FAINT))
        UNS_TRY(step(s, kind));
    if (kind == FAINT)
        return uns_bench_make_faint(s->faint, s->row->tensors, s->row->length);
    if (kind == COLD || kind == LIMIT_COLD)
        evict(s);
    return UNS_OK;
}

/* One sample in ns a parameter. */
static uns_status sample(site *s, int kind, size_t round) {
    const bool cold = kind == COLD || kind == LIMIT_COLD;
    const bool limit = kind == LIMIT_WARM || kind == LIMIT_COLD;
    const size_t repeat = cold ? 1 : s->repeat;
    UNS_TRY(prepare(s, kind));
    const double begin = seconds();
    for (size_t i = 0; i < repeat; i++) {
        if (limit)
            uns_limit_run(&s->limit, uns_context_pool(s->context));
        else if (kind == APART)
            s->has_apart = uns_bench_step_apart(s->optimizer);
        else
            UNS_TRY(step(s, kind));
    }
    const double each = (seconds() - begin) / (double)repeat;
    s->samples[kind][round] = 1e9 * each / (double)elements(s);
    return kind == CHECKED ? set_check(s, UNS_NONFINITE_IGNORE) : UNS_OK;
}

static bool takes_turns(const site *s, int kind) {
    if (kind == FAINT)
        return s->faint != NULL;
    return kind == APART ? s->has_apart : kind == WIDE ? s->wide != NULL : true;
}

/* Kinds first ... last in turns until the time is spent, at least three times each. */
static uns_status take_turns(site *s, int first, int last, double time, size_t *rounds) {
    const double end = seconds() + time;
    size_t round = 0;
    while (round < UNS_BENCH_ROUNDS && (round < 3 || seconds() < end)) {
        for (int kind = first; kind <= last; kind++)
            if (takes_turns(s, kind))
                UNS_TRY(sample(s, kind, round));
        round++;
    }
    *rounds = round;
    return UNS_OK;
}

/* Enough steps in one sample to last about 50 microseconds. */
static uns_status choose_repeat(site *s) {
    s->repeat = 1;
    UNS_TRY(sample(s, LIMIT_WARM, 0));
    for (int i = 0; i < 3; i++)
        UNS_TRY(sample(s, WARM, 0));
    if (s->wide)
        UNS_TRY(sample(s, WIDE, 0));
    if (s->faint)
        UNS_TRY(sample(s, FAINT, 0));
    if (s->row->tensors > 1 && s->row->threads > 1)
        UNS_TRY(sample(s, APART, 0));
    const double step_ns = s->samples[WARM][0] * (double)elements(s);
    s->repeat = step_ns < 5e4 ? (size_t)ceil(5e4 / step_ns) : 1;
    return UNS_OK;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_ratios(const double *a, const double *b, size_t count) {
    double ratio[UNS_BENCH_ROUNDS];
    for (size_t i = 0; i < count; i++)
        ratio[i] = a[i] / b[i];
    qsort(ratio, count, sizeof *ratio, by_size);
    return ratio[count / 2];
}

static uns_bench_time time_of(double *samples, size_t count) {
    qsort(samples, count, sizeof *samples, by_size);
    return (uns_bench_time){samples[0], samples[count / 2]};
}

static void summarize(site *s, uns_bench_row *row) {
    double **samples = s->samples;
    row->bytes = (double)s->limit.width[0];
    for (size_t j = 1; j < s->limit.count; j++)
        row->bytes += 2.0 * (double)s->limit.width[j];
    row->share = median_of_ratios(samples[LIMIT_WARM], samples[WARM], s->rounds[0]);
    row->share_checked = median_of_ratios(samples[LIMIT_WARM], samples[CHECKED], s->rounds[0]);
    if (s->has_apart) {
        row->share_apart = median_of_ratios(samples[WARM], samples[APART], s->rounds[0]);
        row->apart = time_of(samples[APART], s->rounds[0]);
    }
    if (s->wide) {
        row->share_wide = median_of_ratios(samples[WARM], samples[WIDE], s->rounds[0]);
        row->wide = time_of(samples[WIDE], s->rounds[0]);
    }
    if (s->faint) {
        row->share_faint = median_of_ratios(samples[FAINT], samples[WARM], s->rounds[0]);
        row->faint = time_of(samples[FAINT], s->rounds[0]);
    }
    row->warm = time_of(samples[WARM], s->rounds[0]);
    row->checked = time_of(samples[CHECKED], s->rounds[0]);
    row->limit_warm = time_of(samples[LIMIT_WARM], s->rounds[0]);
    row->cold = time_of(samples[COLD], s->rounds[1]);
    row->limit_cold = time_of(samples[LIMIT_COLD], s->rounds[1]);
}

static uns_status measure(site *s) {
    UNS_TRY(open_site(s));
    UNS_TRY(choose_repeat(s));
    UNS_TRY(take_turns(s, WARM, FAINT, 0.7 * s->bench->seconds, &s->rounds[0]));
    UNS_TRY(take_turns(s, COLD, LIMIT_COLD, 0.3 * s->bench->seconds, &s->rounds[1]));
    summarize(s, s->row);
    return UNS_OK;
}

uns_status uns_bench_measure(const uns_bench *bench, size_t index, uns_bench_row *row) {
    uns_context_config config = {.size = sizeof config, .threads = row->threads};
    const size_t rule = uns_bench_rule_of(bench, index);
    site s = {
        .bench = bench, .row = row, .spec = bench->specs[rule], .bf16 = bench->bf16[rule]};
    s.spec.nonfinite = UNS_NONFINITE_IGNORE;
    UNS_TRY(uns_context_create(&config, &s.context));
    uns_status status = measure(&s);
    if (status != UNS_OK)
        uns_fail(bench->context, status, "bench: %s: %s", row->rule,
                 uns_context_message(s.context));
    close_site(&s);
    uns_context_destroy(s.context);
    return status;
}
