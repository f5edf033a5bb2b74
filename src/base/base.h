/* SPDX-License-Identifier: MIT
 * What the layers share below the public headers: failing with a message, memory through the
 * context's hooks, and the nearest right name. Not for users of the library.
 */
#ifndef UNS_BASE_H
#define UNS_BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <unsaddle/context.h>

/* Sets the context's message (context NULL: does nothing) and returns `status`. */
uns_status uns_fail(uns_context *context, uns_status status, const char *format, ...)
    UNS_PRINTF(3, 4);

/* Puts a place before the last message: "prefix: message". Returns `status`. */
uns_status uns_fail_at(uns_context *context, uns_status status, const char *format, ...)
    UNS_PRINTF(3, 4);

/* Zeroed memory aligned to 64 from the context's hooks; NULL on failure, with the message set.
 * uns_release(NULL) is allowed. */
void *uns_allocate(uns_context *context, size_t bytes);
void uns_release(uns_context *context, void *memory);

/* a·b, or SIZE_MAX when that overflows (which no allocation can satisfy). */
size_t uns_size_product(size_t a, size_t b);

/* Context without built-in names; uns_context_create (opt/builtin.c) adds them. */
uns_status uns_context_open(const uns_context_config *config, uns_context **out);

/* entry.c: whether a named table has all that its kind needs, with a message that names what is
 * missing. */
uns_status uns_entry_check(uns_context *context, uns_kind kind, const void *entry);

/* UNS_ISA_* bits allowed; 0: all. */
unsigned uns_context_isa_mask(const uns_context *context);

/* Early return on failure: the one control-flow macro of the project. */
#define UNS_TRY(call)                                                                          \
    do {                                                                                       \
        uns_status try_status = (call);                                                        \
        if (try_status != UNS_OK)                                                              \
            return try_status;                                                                 \
    } while (0)

#define UNS_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
