/* SPDX-License-Identifier: MIT
 * A rule of which values of a spec go together; spec_check.c tries them in order.
 */
#ifndef UNS_SPEC_RULE_H
#define UNS_SPEC_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <unsaddle/moment.h>
#include <unsaddle/spec.h>
#include <unsaddle/structure.h>

/* A spec with its names looked up. */
typedef struct uns_spec_facts {
    const uns_spec *spec;
    const uns_moment_ops *moment;
    const uns_structure_ops *structure;
} uns_spec_facts;

typedef struct uns_spec_rule {
    bool (*broken)(const uns_spec_facts *f);
    uns_status status;
    const char *message;
} uns_spec_rule;

/* The rules of whole structures, their roots and pieces; *count says how many. */
const uns_spec_rule *uns_spec_structure_rules(size_t *count);

#endif
