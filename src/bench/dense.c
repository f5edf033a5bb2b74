/* SPDX-License-Identifier: MIT
 * The dense part of the bench: structures whose step is products, roots and passes over a large
 * state. Beside each step, in turns: one product of matrices of the tensor's size, and one pass
 * of reading over the state.
 */
#include "bench/bench.h"

#include "base/base.h"
#include "la/dense.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    PIECE = 1 << 18, /* bytes of one task of the reading pass */
    TURNS = 64       /* steps at most between two looks at product and pass */
};

/* Of the rule added last: elementwise ones belong to the first part. */
static uns_status check_structure(const uns_bench *bench, const char *name) {
    const void *structure = NULL;
    UNS_TRY(uns_context_find(bench->context, UNS_KIND_STRUCTURE,
                             bench->specs[bench->rule_count - 1].structure, &structure));
    if (!((const uns_structure_ops *)structure)->elementwise)
        return UNS_OK;
    return uns_fail(bench->context, UNS_ERROR_PAIR,
                    "bench: %s has no structure with a state of its own; time it with --rules",
                    name);
}

/* Whether `own` is or begins with f32, which is then cut off. */
static bool cut_f32(char *own) {
    const bool found = strncmp(own, "f32", 3) == 0 && (own[3] == '\0' || own[3] == ':');
    if (found)
        memmove(own, own + 3 + (own[3] == ':'), strlen(own + 3 + (own[3] == ':')) + 1);
    return found;
}

static uns_status read_pair(uns_bench *bench, const char *word, const char *values) {
    char name[UNS_BENCH_WORD], layout[UNS_BENCH_WORD], all[1024], own[UNS_BENCH_WORD] = "";
    if (sscanf(word, "%47[^:]:%47[^:]:%47s", name, layout, own) < 2)
        return uns_fail(bench->context, UNS_ERROR_FORMAT,
                        "bench: '%s' is no PRESET:ROWSxCOLS such as shampoo:1024x1024", word);
    const bool f32 = cut_f32(own);
    snprintf(all, sizeof all, "%s %s", own, values ? values : "");
    UNS_TRY(uns_bench_add_rule(bench, name, all));
    UNS_TRY(check_structure(bench, name));
    const size_t last = bench->rule_count - 1;
    bench->f32[last] = f32;
    snprintf(bench->names[last], UNS_BENCH_NAME, "%.24s%s", name, f32 ? ":f32" : "");
    return uns_bench_read_layout(bench, layout);
}

uns_status uns_bench_dense_read(uns_bench *bench, const char *list, const char *values) {
    char word[UNS_BENCH_WORD];
    if (strcmp(list, "default") == 0)
        list = "rmsprop-full:2048x1,shampoo:1024x1024,soap:1024x1024,ggt:1Mx1,ggt:1Mx1:f32";
    while (uns_bench_next_word(&list, word))
        UNS_TRY(read_pair(bench, word, values));
    return UNS_OK;
}

typedef struct site {
    const uns_bench *bench;
    uns_bench_dense_row *row;
    uns_context *context; /* with the row's threads */
    uns_spec spec;
    uns_layout *layout;
    uns_optimizer *optimizer;
    size_t elements;
    uns_dtype dtype;
    void *x;
    double *g, *sigma;
    float *narrow;     /* g in f32; NULL: f64 */
    double *factor[3]; /* of the product */
    const unsigned char *state;
    size_t pieces;
    uint64_t *sums; /* one a piece, so that no reading can be left out */
    uint64_t step;
    bool lasting;                  /* R stays for a while */
    double spent, latest, rooting; /* seconds in steps; in the last one; bringing R up to date
                                      in those with a root */
    double product;                /* seconds in products */
    uint64_t products;
} site;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

typedef uint64_t words __attribute__((vector_size(64)));

static void read_piece(void *user, size_t index) {
    const site *s = user;
    words sum[4] = {{0}};
    const unsigned char *at = s->state + index * PIECE;
    for (size_t i = 0; i < PIECE; i += sizeof sum)
        for (size_t j = 0; j < 4; j++) {
            words part;
            memcpy(&part, at + i + j * sizeof part, sizeof part);
            sum[j] += part;
        }
    sum[0] += sum[1] + sum[2] + sum[3];
    s->sums[index] = 0;
    for (size_t j = 0; j < 8; j++)
        s->sums[index] ^= sum[0][j];
}

static void time_pass(site *s) {
    if (s->pieces == 0)
        return;
    const double before = seconds();
    uns_pool_run(uns_context_pool(s->context), s->pieces, read_piece, s);
    const double all = (double)s->row->state / ((double)s->pieces * PIECE);
    s->row->read = fmin(s->row->read, (seconds() - before) * all);
}

static void time_product(site *s) {
    const size_t m = s->row->rows, n = s->row->cols;
    if (!s->factor[0])
        return;
    const double before = seconds();
    uns_dense_gemm(false, false, m, n, m, 1, s->factor[0], m, s->factor[1], n, 0, s->factor[2],
                   n);
    s->product += seconds() - before;
    s->products++;
    s->row->gemm = s->product / (double)s->products;
}

static void draw_gradient(site *s) {
    const uns_key key = {.seed = 1, .stream = UNS_STREAM_USER};
    uns_random_normal(key, s->step * s->elements, s->elements, s->g);
    for (size_t i = 0; i < s->elements; i++)
        s->g[i] *= s->sigma[i];
    for (size_t i = 0; s->narrow && i < s->elements; i++)
        s->narrow[i] = (float)s->g[i];
}

static const void *gradient(const site *s) {
    return s->narrow ? (const void *)s->narrow : s->g;
}

static uns_status report(const site *s, uns_structure_report *out) {
    return uns_optimizer_structure_report(s->optimizer, 0, out);
}

static uns_status step(site *s) {
    void *x = s->x;
    const void *g = gradient(s);
    draw_gradient(s);
    const double before = seconds();
    UNS_TRY(uns_optimizer_step(s->optimizer, (uns_tensors){&x, 1}, (uns_const_tensors){&g, 1}));
    const double taken = seconds() - before;
    s->spent += s->latest = taken;
    s->row->least = fmin(s->row->least, taken);
    s->step++;
    return UNS_OK;
}

static bool interrupted(const site *s) {
    return s->bench->interrupt && *s->bench->interrupt;
}

/* Steps until a root has been taken in one of them, or `most` steps; *taken says how many. */
static uns_status step_to_root(site *s, uint64_t most, uint64_t *taken) {
    uns_structure_report after, before = {0};
    bool rooted = false;
    UNS_TRY(report(s, &after));
    for (*taken = 0; *taken < most && !rooted && !interrupted(s);) {
        before = after;
        UNS_TRY(step(s));
        UNS_TRY(report(s, &after));
        rooted = after.roots > before.roots;
        const bool turn = (*taken)++ % TURNS == 0;
        if (turn || s->row->gemm <= s->latest)
            time_product(s);
        if (turn)
            time_pass(s);
    }
    s->row->roots += after.roots - before.roots;
    s->rooting += rooted ? after.seconds - before.seconds : 0.0;
    return UNS_OK;
}

/* The state of a long run, without its roots. Two periods at least, because Kronecker factors
 * take their first roots more often, whenever the observations have doubled. */
static uns_status fill_memory(site *s) {
    uns_spec spec = s->spec;
    spec.burn_in = UNS_BURN_IN_AUTO;
    const int64_t memory = uns_spec_burn_in(s->context, &spec);
    const int64_t settled = spec.refresh > 0 ? 2 * spec.refresh : 0;
    const int64_t count = memory > settled ? memory : settled;
    const void *x = s->x, *g = gradient(s);
    for (; s->step < (uint64_t)count && !interrupted(s); s->step++) {
        draw_gradient(s);
        UNS_TRY(uns_optimizer_observe(s->optimizer, (uns_const_tensors){&x, 1},
                                      (uns_const_tensors){&g, 1}));
    }
    return UNS_OK;
}

/* From root to root, or as many steps as the spec says; one step where no root lasts. */
static uns_status step_period(site *s) {
    const uint64_t forever = 1000000;
    const bool counted = s->spec.refresh != UNS_REFRESH_ADAPTIVE;
    const uint64_t count = counted ? (uint64_t)s->spec.refresh : 1;
    uint64_t taken;
    for (uint64_t done = 0; done < count && !interrupted(s); done += taken) {
        const uint64_t most = counted ? count - done : s->lasting ? forever : 1;
        UNS_TRY(step_to_root(s, most, &taken));
        s->row->steps += taken;
    }
    return UNS_OK;
}

/* Whole periods for as long as asked, after a first root and one more. */
static uns_status time_periods(site *s) {
    const uint64_t settled = s->spec.refresh > 50 ? 2 * (uint64_t)s->spec.refresh : 100;
    uint64_t taken = 0;
    UNS_TRY(fill_memory(s));
    UNS_TRY(step_to_root(s, settled, &taken));
    UNS_TRY(step_to_root(s, settled, &taken));
    s->lasting = s->row->roots > 0;
    s->row->roots = 0;
    s->spent = s->rooting = s->product = 0.0;
    s->products = 0;
    s->row->least = INFINITY;
    while (s->spent < s->bench->seconds && !interrupted(s))
        UNS_TRY(step_period(s));
    s->row->step = s->spent / (double)s->row->steps;
    s->row->root_share = s->rooting / s->spent;
    return UNS_OK;
}

static uns_status take_product(site *s) {
    const size_t m = s->row->rows, n = s->row->cols;
    const size_t sizes[] = {m * m, m * n, m * n};
    const uns_key key = {.seed = 2, .stream = UNS_STREAM_USER};
    if (n == 1 || !uns_dense_available())
        return UNS_OK;
    for (size_t i = 0; i < 3; i++) {
        s->factor[i] = uns_allocate(s->context, sizes[i] * sizeof(double));
        if (!s->factor[i])
            return UNS_ERROR_MEMORY;
        uns_random_normal(key, i << 32, sizes[i], s->factor[i]);
    }
    return UNS_OK;
}

static uns_status take_memory(site *s) {
    const size_t bytes = s->elements * uns_dtype_size(s->dtype);
    s->x = uns_allocate(s->context, bytes);
    if (s->dtype == UNS_F32)
        s->narrow = uns_allocate(s->context, bytes);
    s->g = uns_allocate(s->context, s->elements * sizeof *s->g);
    s->sigma = uns_allocate(s->context, s->elements * sizeof *s->sigma);
    s->sums = uns_allocate(s->context, (s->pieces + 1) * sizeof *s->sums);
    if (!s->x || !s->g || !s->sigma || !s->sums || (s->dtype == UNS_F32 && !s->narrow))
        return UNS_ERROR_MEMORY;
    memset(s->x, 0, bytes);
    for (size_t i = 0; i < s->elements; i++)
        s->sigma[i] = pow(10.0, -(double)i / (double)s->elements);
    return take_product(s);
}

static uns_status open_site(site *s) {
    const uns_block block = {"x", s->row->rows, s->row->cols, 0};
    const uns_layout_config shape = {sizeof shape, s->dtype, 1, 1, &block};
    uns_state_view view;
    UNS_TRY(uns_layout_create(s->context, &shape, &s->layout));
    const uns_optimizer_config config = {
        .size = sizeof config, .layout = s->layout, .count = 1, .specs = &s->spec};
    UNS_TRY(uns_optimizer_create(s->context, &config, &s->optimizer));
    UNS_TRY(uns_optimizer_state(s->optimizer, 0, "structure", &view));
    s->state = view.data;
    s->row->state = view.count;
    s->pieces = view.count / PIECE;
    return take_memory(s);
}

static void close_site(site *s) {
    for (size_t i = 0; i < 3; i++)
        uns_release(s->context, s->factor[i]);
    uns_release(s->context, s->sums);
    uns_release(s->context, s->sigma);
    uns_release(s->context, s->narrow);
    uns_release(s->context, s->g);
    uns_release(s->context, s->x);
    uns_optimizer_destroy(s->optimizer);
    uns_layout_destroy(s->layout);
}

static void judge(uns_bench_dense_row *row) {
    row->gemm = isinf(row->gemm) ? (double)NAN : row->gemm;
    row->read = isinf(row->read) ? (double)NAN : row->read;
    row->step_gemms = row->step / row->gemm;
    row->least_reads = row->least / row->read;
}

uns_status uns_bench_dense_measure(const uns_bench *bench, size_t index,
                                   uns_bench_dense_row *row) {
    const size_t pair = index / bench->thread_count;
    *row = (uns_bench_dense_row){.rows = bench->layouts[pair].tensors,
                                 .cols = bench->layouts[pair].length,
                                 .threads = bench->threads[index % bench->thread_count],
                                 .least = INFINITY,
                                 .gemm = INFINITY,
                                 .read = INFINITY};
    snprintf(row->rule, sizeof row->rule, "%s", bench->names[pair]);
    uns_context_config config = {.size = sizeof config, .threads = row->threads};
    site s = {.bench = bench,
              .row = row,
              .spec = bench->specs[pair],
              .dtype = bench->f32[pair] ? UNS_F32 : UNS_F64,
              .elements = row->rows * row->cols};
    UNS_TRY(uns_context_create(&config, &s.context));
    uns_status status = open_site(&s);
    if (status == UNS_OK)
        status = time_periods(&s);
    if (status != UNS_OK)
        uns_fail(bench->context, status, "bench: %s: %s", row->rule,
                 uns_context_message(s.context));
    judge(row);
    close_site(&s);
    uns_context_destroy(s.context);
    return status;
}
