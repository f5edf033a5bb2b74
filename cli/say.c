/* SPDX-License-Identifier: MIT
 * Messages to the user, and the exit status that goes with each failure.
 */
#include "cli.h"

#include <stdarg.h>

void cli_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("unsaddle: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* What the user can mend is an input error; the rest is not. */
static cli_status status_of(uns_status status, bool output) {
    switch (status) {
    case UNS_OK:
        return CLI_FINE;
    case UNS_ERROR_ARGUMENT:
    case UNS_ERROR_RANGE:
    case UNS_ERROR_NAME:
    case UNS_ERROR_PAIR:
    case UNS_ERROR_FORMAT:
    case UNS_ERROR_UNAVAILABLE:
        return CLI_INPUT;
    case UNS_ERROR_IO:
        return output ? CLI_INTERNAL : CLI_INPUT;
    default:
        return CLI_INTERNAL;
    }
}

cli_status cli_fail(const uns_context *context, uns_status status, bool output) {
    const char *message = context ? uns_context_message(context) : "";
    cli_say("%s", message[0] ? message : uns_status_text(status));
    return status_of(status, output);
}

cli_status cli_fail_at(const uns_context *context, uns_status status, const char *place) {
    const char *message = uns_context_message(context);
    cli_say("%s: %s", place, message[0] ? message : uns_status_text(status));
    return status_of(status, false);
}

void cli_hint(const char *name, const char *(*candidates)(const void *, size_t),
              const void *user, char text[CLI_HINT_SIZE]) {
    const char *nearest = uns_nearest_name(name, candidates, user);
    text[0] = '\0';
    if (nearest)
        snprintf(text, CLI_HINT_SIZE, ", did you mean '%s'?", nearest);
}
