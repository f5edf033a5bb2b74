/* SPDX-License-Identifier: MIT
 * Whether a table that is to be registered is whole: compiled against these headers, and with
 * every function that its kind must have. What a NULL here would do is crash in a step, far
 * from whoever left it out. Which tables go with which is spec_check.c's.
 */
#include "base/base.h"

#include <stdbool.h>
#include <unsaddle/moment.h>
#include <unsaddle/problem.h>
#include <unsaddle/spec.h>
#include <unsaddle/structure.h>

static const char *const kinds[UNS_KIND_COUNT] = {"preset", "moment", "structure", "problem"};

typedef struct member {
    const char *name;
    bool there;
} member;

static uns_status need(uns_context *context, uns_kind kind, const char *name, const char *of,
                       const member *members, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!members[i].there)
            return uns_fail(context, UNS_ERROR_ARGUMENT,
                            "register: %s '%s' has no %s, which %s needs", kinds[kind], name,
                            members[i].name, of);
    return UNS_OK;
}

static uns_status wrong_size(uns_context *context, uns_kind kind, const char *name, size_t size,
                             size_t known) {
    return uns_fail(context, UNS_ERROR_ARGUMENT,
                    "register: %s '%s' has size %zu instead of %zu; set size to that of its "
                    "struct, and compile it against this library's headers",
                    kinds[kind], name, size, known);
}

static uns_status check_preset(uns_context *context, const uns_preset *preset) {
    const member members[] = {{"values", preset->values}};
    if (preset->size != sizeof *preset)
        return wrong_size(context, UNS_KIND_PRESET, preset->name, preset->size, sizeof *preset);
    return need(context, UNS_KIND_PRESET, preset->name, "every preset", members,
                UNS_COUNT_OF(members));
}

static uns_status check_moment(uns_context *context, const uns_moment_ops *ops) {
    if (ops->size != sizeof *ops)
        return wrong_size(context, UNS_KIND_MOMENT, ops->name, ops->size, sizeof *ops);
    const member members[] = {{"coeffs", ops->coeffs}};
    return need(context, UNS_KIND_MOMENT, ops->name, "every moment", members,
                UNS_COUNT_OF(members));
}

static uns_status check_structure(uns_context *context, const uns_structure_ops *ops) {
    const uns_kind kind = UNS_KIND_STRUCTURE;
    if (ops->size != sizeof *ops)
        return wrong_size(context, kind, ops->name, ops->size, sizeof *ops);
    const member all[] = {{"elements", ops->elements}};
    const member whole[] = {{"bytes", ops->bytes},
                            {"prepare", ops->prepare},
                            {"observe", ops->observe},
                            {"refresh", ops->refresh},
                            {"precondition", ops->precondition}};
    const member metric[] = {{"metric_bytes", ops->metric_bytes},
                             {"metric_open", ops->metric_open}};
    UNS_TRY(need(context, kind, ops->name, "every structure", all, UNS_COUNT_OF(all)));
    if (ops->elementwise)
        return UNS_OK;
    UNS_TRY(need(context, kind, ops->name, "a structure that is not elementwise", whole,
                 UNS_COUNT_OF(whole)));
    return ops->product ? need(context, kind, ops->name, "a structure with product", metric,
                               UNS_COUNT_OF(metric))
                        : UNS_OK;
}

/* An older header's table is shorter, and what it lacks is optional (problem.c copies it). */
static uns_status check_problem(uns_context *context, const uns_problem_ops *ops) {
    const size_t least = offsetof(uns_problem_ops, gradient) + sizeof ops->gradient;
    if (ops->size < least)
        return wrong_size(context, UNS_KIND_PROBLEM, ops->name, ops->size, sizeof *ops);
    const member members[] = {{"create", ops->create},
                              {"blocks", ops->blocks},
                              {"start", ops->start},
                              {"value", ops->value},
                              {"gradient", ops->gradient}};
    return need(context, UNS_KIND_PROBLEM, ops->name, "every problem", members,
                UNS_COUNT_OF(members));
}

uns_status uns_entry_check(uns_context *context, uns_kind kind, const void *entry) {
    switch (kind) {
    case UNS_KIND_PRESET:
        return check_preset(context, entry);
    case UNS_KIND_MOMENT:
        return check_moment(context, entry);
    case UNS_KIND_STRUCTURE:
        return check_structure(context, entry);
    case UNS_KIND_PROBLEM:
        return check_problem(context, entry);
    case UNS_KIND_COUNT:
        break;
    }
    return UNS_OK;
}
