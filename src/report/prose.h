/* SPDX-License-Identifier: MIT
 * Prose in lines: breaks a text at blanks, for terminals and pictures.
 */
#ifndef UNS_REPORT_PROSE_H
#define UNS_REPORT_PROSE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    UNS_LINE_SIZE = 1024
};

/* Takes the next line of at most `width` columns off *text; a longer word has a line of its
 * own, "\n" ends a line. No-break spaces hold words together and come out as blanks. False: the
 * text is at its end. */
bool uns_prose_line(const char **text, size_t width, char line[UNS_LINE_SIZE]);

#endif
