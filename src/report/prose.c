/* SPDX-License-Identifier: MIT
 * Prose in lines.
 */
#include "report/prose.h"

#include <string.h>

static const char no_break_space[] = "\u00a0";

/* Appends `length` bytes, no-break spaces as blanks; returns the columns they take. What does
 * not fit is cut. */
static size_t append(char line[UNS_LINE_SIZE], size_t *used, const char *word, size_t length) {
    size_t mark = strlen(no_break_space), columns = 0;
    for (size_t i = 0; i < length && *used + 1 < UNS_LINE_SIZE; i++) {
        bool held = i + mark <= length && memcmp(word + i, no_break_space, mark) == 0;
        line[(*used)++] = held ? ' ' : word[i];
        columns += ((unsigned char)word[i] & 0xC0u) != 0x80u;
        i += held ? mark - 1 : 0;
    }
    line[*used] = '\0';
    return columns;
}

bool uns_prose_line(const char **text, size_t width, char line[UNS_LINE_SIZE]) {
    char word[UNS_LINE_SIZE];
    size_t used = 0, columns = 0;
    line[0] = '\0';
    if (**text == '\0')
        return false;
    while (**text && **text != '\n') {
        size_t blanks = strspn(*text, " "), length = strcspn(*text + blanks, " \n");
        size_t word_used = 0;
        size_t more = append(word, &word_used, *text + blanks, length);
        if (columns > 0 && more > 0 && columns + 1 + more > width)
            return true;
        if (columns > 0 && more > 0)
            columns += append(line, &used, " ", 1);
        columns += append(line, &used, word, word_used);
        *text += blanks + length;
    }
    *text += **text == '\n';
    return true;
}
