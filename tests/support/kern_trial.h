/* SPDX-License-Identifier: MIT
 * Trials of kernels: arrays between guard pages, at the first or the last, filled with
 * ordinary, wide or extreme numbers, given to one kernel of one table, and what they hold
 * afterwards. Plain C, no test framework, so that tests/tools/kern_bits.c can run the same
 * trials on other machines. A case (see kern_cases.h) says what a kernel's arrays are.
 */
#ifndef UNS_TEST_KERN_TRIAL_H
#define UNS_TEST_KERN_TRIAL_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/kern.h"

enum {
    ARRAYS = 5,
    ROOM = 6 * 65536, /* bytes of an array at most; whole pages everywhere */
    LARGE = 40009,    /* elements of the largest arrays */
    POOL = 16384,     /* numbers that trials are filled from */
    MARGIN = 64       /* bytes watched on either side */
};

typedef struct trial {
    uns_dtype dtype;
    size_t n; /* the size asked for; the others follow from it by the case's shape */
    size_t rows, cols, replicas;
    int variant;
    /* A letter an array: T, d (f64), f (f32), h (bf16), l (f32 in two halves: all the upper
     * ones, then all the lower), b (flags, 0 or 2), c (any bytes). */
    const char *types;
    size_t length[ARRAYS];                      /* elements; 0: unused */
    unsigned char *data[ARRAYS];                /* what the kernel gets */
    unsigned char *end[ARRAYS];                 /* where the guard page behind begins */
    unsigned char *initial[ARRAYS];             /* contents before */
    unsigned char *after[ARRAYS];               /* contents after, NaNs made alike */
    double *normals, *uniforms;                 /* POOL of each */
    long double *in[ARRAYS], *want[ARRAYS];     /* for the oracle */
    long double *scale[ARRAYS];                 /* size of the terms behind each `want` */
    double result, wanted_result, result_scale; /* of kernels that return a number */
} trial;

/* What arrays are filled with. */
typedef enum trial_sizes {
    SIZES_ORDINARY, /* around 1 */
    SIZES_WIDE,     /* far from 1, yet no term of the case over- or underflows */
    SIZES_EXTREME   /* 0, subnormal, huge, infinite, NaN */
} trial_sizes;

typedef struct kern_case {
    const char *name;
    size_t offset;          /* of the kernel in uns_kernels, or in uns_elementwise */
    char types[ARRAYS + 1]; /* see trial */
    unsigned inputs;        /* bits of the arrays that are read */
    unsigned outputs;       /* and written */
    unsigned positive;      /* never negative in ordinary and wide data */
    int degree;             /* of the highest power of a number on the way; 0: none matters */
    int variants;           /* sets of coefficients */
    void (*shape)(trial *);
    void (*run)(const uns_kernels *, trial *);
    void (*oracle)(trial *);
} kern_case;

static inline bool trial_is_f32(const trial *t, int array) {
    return t->types[array] == 'f' || (t->types[array] == 'T' && t->dtype == UNS_F32);
}

static inline bool trial_is_bf16(const trial *t, int array) {
    return t->types[array] == 'h' || t->types[array] == 'l';
}

static inline size_t trial_element(const trial *t, int array) {
    if (t->types[array] == 'b' || t->types[array] == 'c')
        return 1;
    if (trial_is_bf16(t, array))
        return 2;
    return trial_is_f32(t, array) ? 4 : 8;
}

static inline size_t trial_bytes(const trial *t, int array) {
    return t->length[array] * trial_element(t, array);
}

static inline bool trial_open(trial *t) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uns_key key = {.seed = 4, .stream = UNS_STREAM_USER};
    memset(t, 0, sizeof *t);
    t->normals = malloc(POOL * sizeof *t->normals);
    t->uniforms = malloc(POOL * sizeof *t->uniforms);
    if (!t->normals || !t->uniforms)
        return false;
    uns_random_normal(key, 0, POOL, t->normals);
    uns_random_uniform(key, POOL, POOL, t->uniforms);
    for (int j = 0; j < ARRAYS; j++) {
        unsigned char *base = mmap(NULL, ROOM + 2 * page, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED || mprotect(base, page, PROT_NONE) ||
            mprotect(base + page + ROOM, page, PROT_NONE))
            return false;
        t->end[j] = base + page + ROOM;
        t->initial[j] = malloc(ROOM);
        t->after[j] = malloc(ROOM);
        t->in[j] = malloc(ROOM * 4);
        t->want[j] = malloc(ROOM * 4);
        t->scale[j] = malloc(ROOM * 4);
        if (!t->initial[j] || !t->after[j] || !t->in[j] || !t->want[j] || !t->scale[j])
            return false;
    }
    return true;
}

static inline void trial_close(trial *t) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    free(t->normals);
    free(t->uniforms);
    for (int j = 0; j < ARRAYS; j++) {
        munmap(t->end[j] - ROOM - page, ROOM + 2 * page);
        free(t->initial[j]);
        free(t->after[j]);
        free(t->in[j]);
        free(t->want[j]);
        free(t->scale[j]);
    }
}

/* Sizes and variant of the next runs. */
static inline void trial_shape(trial *t, const kern_case *c, uns_dtype dtype, size_t n,
                               int variant) {
    memset(t->length, 0, sizeof t->length);
    t->types = c->types;
    t->dtype = dtype;
    t->n = n;
    t->variant = variant;
    t->result = t->wanted_result = t->result_scale = 0;
    c->shape(t);
}

/* Coefficients: small fixed sets, by variant. */
static inline double trial_coefficient(const trial *t, int which) {
    static const double set[4][4] = {
        {0.9, 0.1, 1e-8, 1.5}, {1, -1, 0, 1}, {0, 1, 0.25, 2.25}, {0.999, 1e-3, 1e-3, 1.001}};
    return set[t->variant & 3][which];
}

/* Of two halves the upper one is the nearest bf16 and the lower one what that is away, of
 * either sign, in units of the last place; the number stands at the upper half, and 0 at the
 * other. */
static inline float trial_get_bf16(const trial *t, const unsigned char *from, int array,
                                   size_t i) {
    uint16_t top, bottom = 0;
    float narrow;
    memcpy(&top, from + 2 * i, 2);
    if (t->types[array] == 'l' && 2 * i >= t->length[array])
        return 0;
    if (t->types[array] == 'l')
        memcpy(&bottom, from + t->length[array] + 2 * i, 2);
    const uint32_t away = bottom < 0x8000 ? bottom : bottom - 0x10000u;
    const uint32_t bits = 0x10000u * top + away;
    memcpy(&narrow, &bits, 4);
    return narrow;
}

static inline long double trial_get(const trial *t, const unsigned char *from, int array,
                                    size_t i) {
    double wide;
    float narrow;
    if (trial_element(t, array) == 1)
        return from[i];
    if (trial_is_bf16(t, array))
        return trial_get_bf16(t, from, array, i);
    if (trial_is_f32(t, array)) {
        memcpy(&narrow, from + 4 * i, 4);
        return narrow;
    }
    memcpy(&wide, from + 8 * i, 8);
    return wide;
}

static inline void trial_put(const trial *t, unsigned char *to, int array, size_t i,
                             double value) {
    const float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, 4);
    const uint16_t top = (uint16_t)(bits >> 16);
    if (trial_element(t, array) == 1)
        to[i] = (unsigned char)value;
    else if (trial_is_bf16(t, array))
        memcpy(to + 2 * i, &top, 2);
    else if (trial_is_f32(t, array))
        memcpy(to + 4 * i, &narrow, 4);
    else
        memcpy(to + 8 * i, &value, 8);
}

static inline double trial_ordinary(double normal, double uniform) {
    return normal * exp2(floor(12 * uniform) - 6);
}

/* Powers up to the case's degree are normal in the trial's type: f32 ends at 2^±126, f64 at
 * 2^±1022, and coefficients, normals and sums take the rest. */
static inline double trial_wide(const trial *t, const kern_case *c, double normal,
                                double uniform) {
    const double far = (t->dtype == UNS_F32 ? 100 : 960) / c->degree;
    const double sign = uniform < 0.5 ? -1 : 1, part = 2 * uniform - floor(2 * uniform);
    return normal * exp2(sign * floor(far * (1 + 4 * part) / 5));
}

static inline double trial_extreme(const trial *t, int array, double normal, double uniform) {
    const bool narrow = trial_is_f32(t, array) || trial_is_bf16(t, array);
    const double least = narrow ? FLT_TRUE_MIN : DBL_TRUE_MIN;
    const double low = narrow ? FLT_MIN : DBL_MIN, high = narrow ? FLT_MAX : DBL_MAX;
    const double sizes[] = {0, least, 37 * least, low / 2,  low,  3 * low,  sqrt(low),  0.1, 1,
                            2, 16,    sqrt(high), high / 3, high, HUGE_VAL, (double)NAN};
    const size_t count = sizeof sizes / sizeof *sizes;
    const size_t pick = (size_t)(uniform * (double)(count + 4));
    return pick < count ? copysign(sizes[pick], normal) : normal;
}

/* Ordinary and wide numbers have some zeros among them and, for odd n, some ∞ and NaN. */
static inline double trial_number(const trial *t, const kern_case *c, int j, size_t i,
                                  trial_sizes sizes) {
    const size_t at = (i * ARRAYS + (size_t)j + 31 * t->n) % POOL;
    const double normal = t->normals[at], uniform = t->uniforms[at];
    if (t->types[j] == 'b')
        return uniform < 0.5 ? 2 : 0;
    if (t->types[j] == 'c')
        return floor(256 * uniform);
    if (sizes == SIZES_EXTREME)
        return trial_extreme(t, j, normal, uniform);
    if (i % 61 == 60)
        return i % 3 == 0 || t->n % 2 == 0 ? 0 : i % 3 == 1 ? HUGE_VAL : (double)NAN;
    const double value = sizes == SIZES_WIDE ? trial_wide(t, c, normal, uniform)
                                             : trial_ordinary(normal, uniform);
    return c->positive >> j & 1 ? fabs(value) : value;
}

static inline void trial_fill(trial *t, const kern_case *c, trial_sizes sizes) {
    for (int j = 0; j < ARRAYS; j++)
        for (size_t i = 0; i < t->length[j]; i++)
            trial_put(t, t->initial[j], j, i, trial_number(t, c, j, i, sizes));
}

/* Where arrays lie: `gap`·j elements from the guard page behind, or before if `first`. */
typedef struct trial_place {
    size_t gap;
    bool first;
} trial_place;

static inline size_t trial_gap(const trial *t, trial_place place, int j) {
    return place.gap * (size_t)j * trial_element(t, j);
}

static inline unsigned char *trial_begin(const trial *t, trial_place place, int j) {
    return place.first ? t->end[j] - ROOM + trial_gap(t, place, j)
                       : t->end[j] - trial_gap(t, place, j) - trial_bytes(t, j);
}

/* Bytes watched before and behind an array; the guard pages watch the rest. */
static inline size_t trial_before(const trial *t, trial_place place, int j) {
    return place.first ? trial_gap(t, place, j) : MARGIN;
}
static inline size_t trial_behind(const trial *t, trial_place place, int j) {
    return place.first ? MARGIN : trial_gap(t, place, j);
}

/* Sets the arrays up; array j lies on array alias[j]. */
static inline void trial_lay(trial *t, trial_place place, const int *alias) {
    for (int j = 0; j < ARRAYS; j++) {
        const size_t before = trial_before(t, place, j);
        t->data[j] = trial_begin(t, place, j);
        memset(t->data[j] - before, 0xa5, before);
        memset(t->data[j] + trial_bytes(t, j), 0xa5, trial_behind(t, place, j));
        memcpy(t->data[j], t->initial[j], trial_bytes(t, j));
    }
    for (int j = 0; j < ARRAYS; j++)
        t->data[j] = t->data[alias[j]];
}

static inline bool trial_margins_intact(const trial *t, trial_place place, const int *alias) {
    bool intact = true;
    for (int j = 0; j < ARRAYS; j++) {
        const unsigned char *begin = trial_begin(t, place, j), *end = begin + trial_bytes(t, j);
        for (size_t i = 1; i <= trial_before(t, place, j); i++)
            intact &= begin[-(ptrdiff_t)i] == 0xa5;
        for (size_t i = 0; i < trial_behind(t, place, j); i++)
            intact &= end[i] == 0xa5;
        if (alias[j] != j)
            intact &= memcmp(begin, t->initial[j], trial_bytes(t, j)) == 0;
    }
    return intact;
}

static inline void trial_one_nan(const trial *t, int array, unsigned char *numbers) {
    const double wide = (double)NAN;
    const float narrow = (float)NAN;
    const size_t element = trial_element(t, array);
    for (size_t i = 0; i < t->length[array] && element >= sizeof narrow; i++) {
        unsigned char *at = numbers + i * element;
        double d = 0;
        float f = 0;
        memcpy(trial_is_f32(t, array) ? (void *)&f : (void *)&d, at, element);
        if (isnan(d))
            memcpy(at, &wide, sizeof wide);
        if (isnan(f))
            memcpy(at, &narrow, sizeof narrow);
    }
}

/* One run; false if it wrote beside its arrays. Afterwards every NaN in `after` is one and the
 * same: which one comes out of an operation on two is left to the instruction set. */
static inline bool trial_run(trial *t, const kern_case *c, const uns_kernels *kernels,
                             trial_place place, const int *alias) {
    trial_lay(t, place, alias);
    c->run(kernels, t);
    for (int j = 0; j < ARRAYS; j++) {
        memcpy(t->after[j], t->data[j], trial_bytes(t, j));
        trial_one_nan(t, j, t->after[j]);
    }
    if (isnan(t->result))
        t->result = (double)NAN;
    return trial_margins_intact(t, place, alias);
}

#endif
