/* SPDX-License-Identifier: MIT
 * Parameter tables: each row says of one field of a config struct its key, type, range,
 * default, unit and meaning. Parsing, bounds errors, help and the reference page are all made
 * from them.
 *
 * A config struct holds plain values only: no pointers, nothing to free.
 */
#ifndef UNSADDLE_PARAM_H
#define UNSADDLE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unsaddle/context.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    UNS_NAME_SIZE = 32,
    UNS_TEXT_SIZE = 512,
    UNS_REALS_MAX = 64
};

/* The C type behind each parameter type. */
typedef enum uns_param_type {
    UNS_PARAM_REAL,   /* double */
    UNS_PARAM_COUNT,  /* int64_t, a whole number; accepts 1e5 */
    UNS_PARAM_FLAG,   /* bool: true/false, yes/no, on/off */
    UNS_PARAM_CHOICE, /* int: one of `names` */
    UNS_PARAM_NAME,   /* char[UNS_NAME_SIZE] */
    UNS_PARAM_TEXT,   /* char[UNS_TEXT_SIZE], a path for instance */
    UNS_PARAM_REALS   /* uns_reals: a list; not a grid */
} uns_param_type;

/* A short list of reals, held by value. */
typedef struct uns_reals {
    size_t count;
    double value[UNS_REALS_MAX];
} uns_reals;

/* A name and the value it stands for. For UNS_PARAM_CHOICE the enumerator; for REAL and COUNT a
 * word accepted beside numbers ("auto"). A list ends with {NULL, 0}. */
typedef struct uns_named {
    const char *name;
    double value;
} uns_named;

/* Ends of a range that the value must not touch. */
enum {
    UNS_OPEN_LOW = 1u,
    UNS_OPEN_HIGH = 2u
};

typedef struct uns_param {
    const char *key;   /* dotted when nested: "beta.rule" */
    const char *alias; /* another accepted spelling, e.g. "lr" for "eta"; NULL: none */
    uns_param_type type;
    size_t offset;          /* of the field in the config struct */
    double low, high;       /* permitted range of REAL, COUNT and each of REALS */
    unsigned open;          /* UNS_OPEN_* bits */
    const uns_named *names; /* see uns_named; NULL: none */
    const char *fallback;   /* the default, as text, parsed like any value */
    const char *unit;       /* "" when dimensionless */
    const char *meaning;    /* one sentence, no final stop */
} uns_param;

typedef struct uns_param_table {
    const char *title; /* what the rows configure, for messages: "optimizer 'adam'" */
    size_t config_size;
    size_t count;
    const uns_param *rows;
} uns_param_table;

/* Sets every field of `config` to its default. Fails only on a faulty table. */
UNS_NODISCARD UNS_API uns_status uns_param_defaults(uns_context *context,
                                                    const uns_param_table *table, void *config);

/* Sets one field from text. Keys are matched exactly or by alias. On failure `config` is
 * untouched and the message says what was expected: UNS_ERROR_NAME (unknown key, with the
 * nearest; unknown word of a choice), UNS_ERROR_FORMAT (not a number...), UNS_ERROR_RANGE. */
UNS_NODISCARD UNS_API uns_status uns_param_set(uns_context *context,
                                               const uns_param_table *table, void *config,
                                               const char *key, const char *text);

/* Sets fields from "key=value key=value ..." (blank-separated; a list is "a,b,c"). Stops at the
 * first failure; `config` may then hold the pairs before it. */
UNS_NODISCARD UNS_API uns_status uns_param_assign(uns_context *context,
                                                  const uns_param_table *table, void *config,
                                                  const char *pairs);

/* The row with this key or alias, or NULL. */
UNS_API const uns_param *uns_param_find(const uns_param_table *table, const char *key);

/* Writes the field as text that uns_param_set reads back to the same bits; at most `size` bytes
 * with the final NUL. Returns the length needed, as snprintf does. */
UNS_API size_t uns_param_print(const uns_param *param, const void *config, char *text,
                               size_t size);

#ifdef __cplusplus
}
#endif
#endif
