/* SPDX-License-Identifier: MIT
 * Texts of the status codes and stop reasons, from the lists in status.h.
 */
#include <unsaddle/status.h>

#define TEXT(code, text) text,
static const char *const status_texts[] = {UNS_STATUS_LIST(TEXT)};
static const char *const stop_texts[] = {UNS_STOP_LIST(TEXT)};
#undef TEXT

const char *uns_status_text(uns_status status) {
    return (unsigned)status < UNS_STATUS_COUNT ? status_texts[status] : "unknown status";
}

const char *uns_stop_text(uns_stop stop) {
    return (unsigned)stop < UNS_STOP_COUNT ? stop_texts[stop] : "unknown stop";
}
