/* SPDX-License-Identifier: MIT
 * YAML text as a small tree that knows where each value stood. The only file pair that names
 * libfyaml; nothing here knows what a plan is. What a plan never needs (tags, keys that are
 * not words, a second document) is refused, and so is anything too large or too deep.
 */
#ifndef UNS_YAML_H
#define UNS_YAML_H

#include "run/store.h"

#include <stdbool.h>

enum {
    UNS_YAML_LONGEST_KEY = 64,
    UNS_YAML_LONGEST_VALUE = 511,
    UNS_YAML_DEEPEST = 16,
    UNS_YAML_MOST_NODES = 2000000 /* counting each use of an alias anew */
};

typedef enum uns_yaml_kind {
    UNS_YAML_NULL, /* nothing, ~ or null */
    UNS_YAML_SCALAR,
    UNS_YAML_LIST,
    UNS_YAML_MAPPING
} uns_yaml_kind;

typedef struct uns_yaml {
    uns_yaml_kind kind;
    const char *source;      /* what goes before the place: the file's name or the override */
    unsigned line, column;   /* from 1; 0: the source alone is the place */
    const char *text;        /* of a scalar */
    struct uns_yaml **items; /* list: its values; mapping: key, value, key, value, ... */
    size_t count;            /* of items */
    size_t weight;           /* nodes in this tree, aliases written out */
} uns_yaml;

/* Reads one document. `placed` false: the nodes carry no line and column (an override). Nodes
 * live in the store. UNS_ERROR_FORMAT with the place in the message. */
UNS_NODISCARD uns_status uns_yaml_read(uns_store *store, const char *source, bool placed,
                                       const char *text, size_t length, uns_yaml **root);

/* Puts the node's place before the context's message and returns `status`. */
uns_status uns_yaml_at(uns_context *context, const uns_yaml *node, uns_status status);

/* The node's place as such a message begins: "file:line:column", or the source alone. In the
 * store; NULL when memory is short. */
const char *uns_yaml_place(uns_store *store, const uns_yaml *node);

/* "a list", "a mapping", ... for messages. */
const char *uns_yaml_kind_text(const uns_yaml *node);

/* Refuses what is not UTF-8 and control characters, which YAML does not allow either. */
UNS_NODISCARD uns_status uns_yaml_check_text(uns_context *context, const char *source,
                                             bool placed, const char *text, size_t length);

/* What stands between the quotes of a YAML scalar, unescaped into `out` (length + 1 bytes).
 * False: an escape that stands for no character, or for NUL. */
UNS_NODISCARD bool uns_yaml_unquote(char quote, const char *text, size_t length, char *out);

/* Bytes of the UTF-8 character at text[0], *code its number; 0 when it is none. */
size_t uns_yaml_character(const char *text, size_t left, unsigned *code);

/* Writes `text` as a scalar that reads back to it, plain where it can be. `out` has room for
 * UNS_YAML_QUOTED bytes; text longer than a value may be is cut. */
enum {
    UNS_YAML_QUOTED = 4 * UNS_YAML_LONGEST_VALUE + 16
};
void uns_yaml_quote(const char *text, char *out);

#endif
