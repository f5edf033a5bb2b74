/* SPDX-License-Identifier: MIT
 * The bench of the step: what a step costs a parameter, beside a bare loop that reads and
 * writes the same arrays and does nothing else (the limit pattern). Both are timed in turns, so
 * that a busy machine slows both. It never prints.
 *
 * Parameters and gradients are f32 unless a rule says bf16; the numbers mean nothing. A second
 * part times structures with matrices, in f64, beside a product of matrices and a pass over
 * their state.
 */
#ifndef UNSADDLE_BENCH_H
#define UNSADDLE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unsaddle/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uns_bench uns_bench;

typedef struct uns_bench_config {
    size_t size; /* sizeof(uns_bench_config) */
    /* Comma-separated lists; NULL: the default. Every combination is one row. */
    const char *rules;   /* presets, as PRESET:STATE with that state, as PRESET:STATE:bf16 with
                            bf16 parameters and gradients too, or "all" that need nothing but
                            gradients; default   "adamw,rmsprop,momentum" */
    const char *layouts; /* TENSORSxFLOATS with k, M or G for thousands, millions or
                            milliards; default "1x1M,1x100M,1000x10k,1000x100" */
    const char *threads; /* default: "1" and one for each core */
    const char *values;  /* "key=value ..." over each preset; NULL: none */
    const char *dense;   /* comma-separated PRESET:ROWSxCOLS[:f32][:key=value], one tensor each,
                            of f64 unless said; "default": rmsprop-full:2048x1,
                            shampoo:1024x1024, soap:1024x1024, ggt:1Mx1, ggt:1Mx1:f32. The dense
                            part is then run instead of rules × layouts. NULL: it is not */
    double seconds;      /* of timing a row; 0: 2 */
    bool subnormal;      /* time each step on subnormal gradients and state too */
    void (*progress)(void *user, size_t done, size_t rows); /* after each row; NULL: none */
    void *user;
    const volatile int *interrupt; /* non-zero: return with the rows done; NULL: never */
} uns_bench_config;

/* Nanoseconds a parameter; NaN: not measured. */
typedef struct uns_bench_time {
    double best, median;
} uns_bench_time;

typedef struct uns_bench_row {
    char rule[32];
    size_t tensors, length;
    int threads;
    double bytes;              /* read and written a parameter: g, x, state */
    uns_bench_time warm, cold; /* the step without a look for non-finite gradients; cold: all
                                  caches were filled with something else before */
    uns_bench_time limit_warm, limit_cold;
    uns_bench_time checked; /* warm, with nonfinite=stop */
    uns_bench_time apart;   /* warm, one parallel region a tensor instead of one in all; NaN for
                               one tensor or thread, or a rule that is not one pass */
    uns_bench_time wide;    /* warm, with state=auto; NaN where the row's state is no other */
    uns_bench_time faint;   /* warm, on subnormal gradients, and on subnormal state in the first
                               step of a sample (they last 50 µs or one step); NaN unless asked
                               for */
    double share;           /* median over rounds of limit_warm/warm */
    double share_checked;   /* and of limit_warm/checked */
    double share_apart;     /* median over rounds of warm/apart */
    double share_wide;      /* median over rounds of warm/wide */
    double share_faint;     /* median over rounds of faint/warm */
    double before;          /* warm.best of the earlier file, see uns_bench_compare; NaN */
} uns_bench_row;

/* A row of the dense part: structures whose step is products, roots and passes over a large
 * state. Timed over whole periods of refreshing R, once the burn-in is over, on gradients of
 * normal noise whose standard deviations are spread evenly in the logarithm over [0.1, 1]. That
 * is the noise of the problem `saddle` with its default spectrum, on the axes, and not a run of
 * `saddle`: x hardly moves in so few steps, so ∇f would add little to C but its own cost. */
typedef struct uns_bench_dense_row {
    char rule[32];
    size_t rows, cols;
    int threads;
    size_t state;      /* bytes */
    uint64_t steps;    /* that were timed */
    uint64_t roots;    /* and the roots taken in them */
    double step;       /* mean seconds of a step, roots included */
    double least;      /* of the quickest */
    double root_share; /* of `step` spent on bringing R up to date, in steps with a root */
    double gemm; /* mean seconds of one rows×rows by rows×cols product, by one thread, one
                    after each step that takes no less; NaN where cols = 1 */
    double read; /* least seconds of reading the state once, by as many threads */
    double step_gemms;  /* step/gemm */
    double least_reads; /* least/read */
} uns_bench_dense_row;

/* Reads the config and works out the memory. UNS_ERROR_NAME, UNS_ERROR_FORMAT, UNS_ERROR_RANGE,
 * UNS_ERROR_PAIR with the word that is wrong. */
UNS_NODISCARD UNS_API uns_status uns_bench_create(uns_context *context,
                                                  const uns_bench_config *config,
                                                  uns_bench **out);
UNS_API void uns_bench_destroy(uns_bench *bench);

/* Bytes that uns_bench_run takes at most; without the state where the machine has no room even
 * for parameters and gradients. */
UNS_API double uns_bench_bytes(const uns_bench *bench);

/* Rows in all; after a run that was interrupted, rows done. NULL: no such row, or a row of the
 * other part. */
UNS_API size_t uns_bench_count(const uns_bench *bench);
UNS_API const uns_bench_row *uns_bench_row_at(const uns_bench *bench, size_t index);
UNS_API const uns_bench_dense_row *uns_bench_dense_at(const uns_bench *bench, size_t index);

/* Times every row. UNS_ERROR_RANGE before anything is taken when the machine has less memory
 * available than uns_bench_bytes. */
UNS_NODISCARD UNS_API uns_status uns_bench_run(uns_bench *bench);

/* The rows and the machine as JSON, to be freed with free(). */
UNS_NODISCARD UNS_API uns_status uns_bench_json(const uns_bench *bench, char **json);

/* Fills `before` of the rows that an earlier file has too; *found says how many. Not for the
 * dense part. UNS_ERROR_IO, UNS_ERROR_FORMAT, UNS_ERROR_UNAVAILABLE; UNS_ERROR_PAIR where that
 * file's rules had other values over them. */
UNS_NODISCARD UNS_API uns_status uns_bench_compare(uns_bench *bench, const char *path,
                                                   size_t *found);

#ifdef __cplusplus
}
#endif
#endif
