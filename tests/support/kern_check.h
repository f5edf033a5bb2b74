/* SPDX-License-Identifier: MIT
 * The kernel check: every table against the scalar one bit for bit, and a table against the
 * oracle. Says what it found instead of failing, so that it can be tried on wrong kernels.
 */
#ifndef UNS_TEST_KERN_CHECK_H
#define UNS_TEST_KERN_CHECK_H

#include <stdarg.h>
#include <stdio.h>

#include "support/kern_cases.h"
#include "support/kern_cases_f64.h"
#include "support/kern_cases_narrow.h"

enum {
    FINDING = 256,
    MOST_ALIASES = 9
};

typedef int alias_map[ARRAYS];

/* What the scalar table made of the arrays apart. */
typedef struct reference {
    unsigned char *after[ARRAYS];
    double result;
} reference;

typedef struct kern_check {
    trial trial;
    const kern_case *of;
    const uns_kernels *const *tables; /* to be compared with the scalar one */
    size_t table_count;
    reference kept;
    size_t map_count;
    alias_map maps[MOST_ALIASES];
    char finding[FINDING]; /* of the first failure; "" */
} kern_check;

static const alias_map apart = {0, 1, 2, 3, 4};

static inline bool check_open(kern_check *k, const uns_kernels *const *tables, size_t count) {
    memset(k, 0, sizeof *k);
    k->tables = tables;
    k->table_count = count;
    for (int j = 0; j < ARRAYS; j++)
        if (!(k->kept.after[j] = malloc(ROOM)))
            return false;
    return trial_open(&k->trial);
}

static inline void check_close(kern_check *k) {
    trial_close(&k->trial);
    for (int j = 0; j < ARRAYS; j++)
        free(k->kept.after[j]);
}

/* Keeps the first finding; false. */
static inline bool finds(kern_check *k, const char *isa, const char *format, ...)
    UNS_PRINTF(3, 4);
static inline bool finds(kern_check *k, const char *isa, const char *format, ...) {
    const trial *t = &k->trial;
    int used = snprintf(k->finding, FINDING, "%s %s %s n=%zu variant=%d: ", isa, k->of->name,
                        t->dtype == UNS_F32 ? "f32" : "f64", t->n, t->variant);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(k->finding + used, FINDING - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* Alias maps: each output on itself or on an array that is only read and has its type and
 * length, no two outputs on one. */
static inline bool may_lie_on(const trial *t, const kern_case *c, int output, int input) {
    return (c->outputs >> output & 1) && (c->inputs >> input & 1) &&
           !(c->outputs >> input & 1) && c->shape != shape_matrix &&
           c->shape != shape_symmetric && t->types[input] == t->types[output] &&
           t->length[input] == t->length[output];
}

static inline bool is_legal(const trial *t, const kern_case *c, const alias_map map) {
    for (int j = 0; j < ARRAYS; j++) {
        if (map[j] != j && !may_lie_on(t, c, j, map[j]))
            return false;
        for (int i = 0; i < j; i++)
            if (map[j] != j && map[i] == map[j] && i != map[j])
                return false;
    }
    return true;
}

/* The arrays apart come first. */
static inline void list_aliases(kern_check *k) {
    memcpy(k->maps[0], apart, sizeof apart);
    k->map_count = 1;
    for (int code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
        const alias_map map = {code % 5, code / 5 % 5, code / 25 % 5, code / 125 % 5,
                               code / 625};
        if (memcmp(map, apart, sizeof map) != 0 && is_legal(&k->trial, k->of, map) &&
            k->map_count < MOST_ALIASES)
            memcpy(k->maps[k->map_count++], map, sizeof map);
    }
}

/* What lies on another array has to begin as that one. */
static inline void share_contents(trial *t, const alias_map map) {
    for (int j = 0; j < ARRAYS; j++)
        if (map[j] != j)
            memcpy(t->initial[j], t->initial[map[j]], trial_bytes(t, j));
}

static inline void keep_reference(kern_check *k) {
    for (int j = 0; j < ARRAYS; j++)
        memcpy(k->kept.after[j], k->trial.after[j], trial_bytes(&k->trial, j));
    k->kept.result = k->trial.result;
}

static inline bool is_reference(kern_check *k, const char *isa, const alias_map map) {
    const trial *t = &k->trial;
    for (int j = 0; j < ARRAYS; j++) {
        int from = j;
        for (int o = 0; o < ARRAYS; o++)
            if (o != j && map[o] == j)
                from = o;
        if (memcmp(t->after[j], k->kept.after[from], trial_bytes(t, j)) != 0)
            return finds(k, isa, "array %d, lying on %d, has other bits", j, map[j]);
    }
    if (memcmp(&t->result, &k->kept.result, sizeof t->result) != 0)
        return finds(k, isa, "%a, not %a", t->result, k->kept.result);
    return true;
}

/* The scalar table with the arrays apart, then all tables with this map, at four places; beyond
 * a few registers two will do. */
static inline bool compare_map(kern_check *k, const alias_map map) {
    trial *t = &k->trial;
    share_contents(t, map);
    if (!trial_run(t, k->of, &uns_kernels_scalar, (trial_place){0, false}, apart))
        return finds(k, "scalar", "writes beside");
    keep_reference(k);
    for (size_t table = 0; table < k->table_count; table++)
        for (size_t at = 0; at<4; at += k->trial.n> 67 ? 3 : 1) {
            const trial_place place = {at & 1, at >> 1};
            const char *isa = k->tables[table]->isa;
            if (!trial_run(t, k->of, k->tables[table], place, map))
                return finds(k, isa, "writes beside");
            if (!is_reference(k, isa, map))
                return false;
        }
    return true;
}

/* Filled anew for each map, and unflushed, to have subnormals. Of many numbers: the arrays
 * apart and one map more. */
static inline bool compare_maps(kern_check *k, trial_sizes sizes, bool flushed) {
    bool good = k->map_count < MOST_ALIASES;
    const size_t most = k->trial.n < 4095 ? MOST_ALIASES : 2;
    for (size_t m = 0; good && m < k->map_count && m < most; m++) {
        trial_fill(&k->trial, k->of, sizes);
        const uint64_t mode = flushed ? uns_flush_enter() : 0;
        good = compare_map(k, k->maps[m]);
        if (flushed)
            uns_flush_restore(mode);
    }
    return good;
}

static inline size_t next_size(size_t n) {
    return n < 67 ? n + 1 : n == 67 ? 255 : n == 257 ? 4095 : n == 4097 ? LARGE : n + 1;
}

/* Elsewhere an array may be longer than n. */
static inline size_t last_size(const kern_case *c) {
    return c->shape == shape_flat ? LARGE : 4097;
}

/* Every table against the scalar one; false with a finding. */
static inline bool check_bits(kern_check *k, const kern_case *c, uns_dtype dtype) {
    k->of = c;
    for (size_t n = 0; n <= last_size(c); n = next_size(n))
        for (int variant = 0; variant < c->variants; variant++) {
            trial_shape(&k->trial, c, dtype, n, variant);
            list_aliases(k);
            for (int kind = 0; kind < 4; kind++)
                if (!compare_maps(k, kind >> 1 ? SIZES_EXTREME : SIZES_ORDINARY, kind & 1))
                    return false;
        }
    return true;
}

/* Rounded to the element type, with room for a few roundings of terms as large as `scale`;
 * anything where only that is infinite. */
static inline bool is_near(double got, long double want, long double scale, bool narrow) {
    const long double room = room_of(scale, narrow), most = narrow ? FLT_MAX : DBL_MAX;
    if (isnan(want))
        return isnan(got);
    if (isinf(want))
        return got == want;
    if (isinf(got))
        return isinf(scale) || (got * want > 0 && fabsl(want) + room > most);
    return isinf(scale) || got == want || fabsl(got - want) <= room;
}

static inline bool judge_arrays(kern_check *k, const char *isa) {
    const trial *t = &k->trial;
    for (int j = 0; j < ARRAYS; j++)
        for (size_t i = 0; i < t->length[j]; i++) {
            const long double want = t->want[j][i];
            const double got = (double)trial_get(t, t->after[j], j, i);
            if (!is_near(got, want, t->scale[j][i], trial_is_f32(t, j) || t->types[j] == 'l'))
                return finds(k, isa, "array %d[%zu] is %a, not %La", j, i, got, want);
        }
    if (!is_near(t->result, t->wanted_result, t->result_scale, false))
        return finds(k, isa, "%a, not %a", t->result, t->wanted_result);
    return true;
}

static inline bool follows_equations(kern_check *k, const kern_case *c,
                                     const uns_kernels *table, trial_sizes sizes) {
    trial *t = &k->trial;
    trial_fill(t, c, sizes);
    for (int j = 0; j < ARRAYS; j++)
        for (size_t i = 0; i < t->length[j]; i++) {
            t->in[j][i] = t->want[j][i] = trial_get(t, t->initial[j], j, i);
            t->scale[j][i] = 0;
        }
    c->oracle(t);
    trial_run(t, c, table, (trial_place){0, false}, apart);
    return judge_arrays(k, table->isa);
}

/* One table against the oracle; false with a finding. */
static inline bool check_equations(kern_check *k, const kern_case *c, uns_dtype dtype,
                                   const uns_kernels *table) {
    const trial_sizes other = c->degree == 0 ? SIZES_EXTREME : SIZES_WIDE;
    k->of = c;
    for (size_t n = 0; n <= 4097; n = next_size(n))
        for (int variant = 0; variant < c->variants; variant++)
            for (int again = 0; again < 2; again++) {
                trial_shape(&k->trial, c, dtype, n, variant);
                if (!follows_equations(k, c, table, again ? other : SIZES_ORDINARY))
                    return false;
            }
    return true;
}

#endif
