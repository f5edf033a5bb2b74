/* SPDX-License-Identifier: MIT
 * Status codes and stop reasons: what every fallible call returns, and why a run ended.
 *
 * A status reports a call that could not be carried out. A numerical outcome (diverged, budget
 * reached) is not an error; it is an uns_stop. The text of the last failure, with its place and
 * the nearest right name, is kept in the context (uns_context_message).
 */
#ifndef UNSADDLE_STATUS_H
#define UNSADDLE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* One list of codes and texts; nothing else enumerates them. */
#define UNS_STATUS_LIST(X)                                                                     \
    X(UNS_OK, "success")                                                                       \
    X(UNS_ERROR_ARGUMENT, "invalid argument")                                                  \
    X(UNS_ERROR_RANGE, "value out of range")                                                   \
    X(UNS_ERROR_NAME, "unknown name")                                                          \
    X(UNS_ERROR_PAIR, "illegal combination")                                                   \
    X(UNS_ERROR_MEMORY, "out of memory")                                                       \
    X(UNS_ERROR_IO, "input or output failed")                                                  \
    X(UNS_ERROR_FORMAT, "malformed data")                                                      \
    X(UNS_ERROR_STATE, "call out of order")                                                    \
    X(UNS_ERROR_UNAVAILABLE, "not available")                                                  \
    X(UNS_ERROR_CALLBACK, "a callback failed")                                                 \
    X(UNS_ERROR_SYSTEM, "the operating system refused")

/* Why a run, or one replica of it, ended. */
#define UNS_STOP_LIST(X)                                                                       \
    X(UNS_STOP_NONE, "none")                                                                   \
    X(UNS_STOP_STEPS, "steps")                                                                 \
    X(UNS_STOP_DIVERGED, "diverged")                                                           \
    X(UNS_STOP_INTERRUPTED, "interrupted")

#define UNS_LIST_CODE(code, text) code,
typedef enum uns_status {
    UNS_STATUS_LIST(UNS_LIST_CODE) UNS_STATUS_COUNT
} uns_status;
typedef enum uns_stop {
    UNS_STOP_LIST(UNS_LIST_CODE) UNS_STOP_COUNT
} uns_stop;
#undef UNS_LIST_CODE

/* Placed on every fallible function: ignoring the result is a warning. */
#if defined(__GNUC__)
#define UNS_NODISCARD           __attribute__((warn_unused_result))
#define UNS_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define UNS_API                 __attribute__((visibility("default")))
#else
#define UNS_NODISCARD
#define UNS_PRINTF(text, first)
#define UNS_API
#endif

/* The fixed English text of a code; never NULL, "unknown status" for values not in the list.
 * Static storage. Safe from any thread. */
UNS_API const char *uns_status_text(uns_status status);

/* The name of a stop reason as written in records ("steps", "diverged", ...). Static storage.
 */
UNS_API const char *uns_stop_text(uns_stop stop);

#ifdef __cplusplus
}
#endif
#endif
