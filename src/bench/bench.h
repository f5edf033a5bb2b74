/* SPDX-License-Identifier: MIT
 * The bench's insides: what its files share.
 */
#ifndef UNS_BENCH_INSIDE_H
#define UNS_BENCH_INSIDE_H

#include <unsaddle/bench.h>
#include <unsaddle/optimizer.h>

#include "base/pool.h"
#include "opt/opt.h"

enum {
    UNS_BENCH_NAME = 32,
    UNS_BENCH_LIST = 64,    /* entries of a list */
    UNS_BENCH_ARRAYS = 7,   /* arrays a step may touch: g, x, state */
    UNS_BENCH_ROUNDS = 4096 /* samples of one series */
};

typedef struct uns_bench_layout {
    size_t tensors, length; /* rows and columns in the dense part */
} uns_bench_layout;

struct uns_bench {
    uns_context *context;
    double seconds;
    bool subnormal;
    char values[1024]; /* over each preset, as text */
    void (*progress)(void *user, size_t done, size_t rows);
    void *user;
    const volatile int *interrupt;
    size_t rule_count, layout_count, thread_count;
    const uns_preset *rules[UNS_BENCH_LIST];
    uns_spec specs[UNS_BENCH_LIST];
    char names[UNS_BENCH_LIST][UNS_BENCH_NAME]; /* presets with what follows their colons */
    bool bf16[UNS_BENCH_LIST];                  /* parameters and gradients */
    bool f32[UNS_BENCH_LIST];                   /* likewise, in the dense part */
    uns_bench_layout layouts[UNS_BENCH_LIST];
    int threads[UNS_BENCH_LIST];
    double bytes;
    unsigned char *eviction; /* during a run: written over before cold samples */
    size_t row_count, done;
    uns_bench_row *rows;
    uns_bench_dense_row *dense; /* instead of rows: rules and layouts are then pairs */
};

/* Row i: rules innermost last, so that one layout's rows stand together. */
static inline size_t uns_bench_rule_of(const uns_bench *bench, size_t row) {
    return row / bench->thread_count % bench->rule_count;
}
static inline size_t uns_bench_layout_of(const uns_bench *bench, size_t row) {
    return row / bench->thread_count / bench->rule_count;
}
static inline size_t uns_bench_threads_of(const uns_bench *bench, size_t row) {
    return row % bench->thread_count;
}

enum {
    UNS_BENCH_WORD = 48
};

/* The next word of a comma-separated list; false at its end. */
bool uns_bench_next_word(const char **list, char word[UNS_BENCH_WORD]);

/* "TENSORSxFLOATS" or "ROWSxCOLS". */
uns_status uns_bench_read_layout(uns_bench *bench, const char *word);

/* A preset with values over it, as one more rule. */
uns_status uns_bench_add_rule(uns_bench *bench, const char *name, const char *values);

/* The list of PRESET:ROWSxCOLS. */
uns_status uns_bench_dense_read(uns_bench *bench, const char *list, const char *values);

/* Times one row of the dense part. */
uns_status uns_bench_dense_measure(const uns_bench *bench, size_t index,
                                   uns_bench_dense_row *row);

static inline uns_dtype uns_bench_dtype(const uns_bench *bench, size_t rule) {
    return bench->bf16[rule] ? UNS_BF16 : UNS_F32;
}
static inline bool uns_bench_is_reduced(const uns_spec *spec) {
    return spec->state == UNS_STATE_BF16 || spec->state == UNS_STATE_Q8;
}

/* A layout of equal tensors; the caller destroys it. */
uns_status uns_bench_make_layout(uns_context *context, const uns_bench_layout *shape,
                                 uns_dtype dtype, uns_layout **out);

/* What is written over between two cold samples. */
size_t uns_bench_eviction_bytes(void);

/* The limit pattern: array 0 is read, the others are read and written back as they were. */
typedef struct uns_limit {
    const uns_kernels *kernels;
    size_t tensors, length, count; /* count: arrays a tensor */
    char *const *at;               /* [tensors][count] */
    size_t width[UNS_BENCH_ARRAYS];
} uns_limit;
void uns_limit_run(const uns_limit *limit, uns_pool *pool);

/* The step just taken once more, without its counts, and one parallel region for each tensor;
 * false when the rule is not one pass. */
bool uns_bench_step_apart(uns_optimizer *optimizer);

/* Subnormal numbers into an array, or into all state; see faint.c. */
void uns_bench_fill_faint(void *array, size_t bytes);
uns_status uns_bench_make_faint(uns_optimizer *optimizer, size_t tensors, size_t length);

/* Times one row; *row is filled. */
uns_status uns_bench_measure(const uns_bench *bench, size_t index, uns_bench_row *row);

#endif
