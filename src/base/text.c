/* SPDX-License-Identifier: MIT
 * Numbers as text, independent of the process's locale.
 */
#include "base/text.h"

#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static const char *skip_blanks(const char *text) {
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

bool uns_text_to_real(const char *text, double *value) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    locale_t callers = uselocale(plain);
    const char *begin = skip_blanks(text);
    char *end;
    double read = strtod(begin, &end);
    bool whole = end != begin && *skip_blanks(end) == '\0';
    uselocale(callers);
    freelocale(plain);
    if (whole)
        *value = read;
    return whole;
}

size_t uns_real_to_text(double value, char *text, size_t size) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t callers = plain ? uselocale(plain) : (locale_t)0;
    char digits[40];
    int length = 0;
    for (int precision = 15; precision <= 17; precision++) {
        length = snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    if (plain) {
        uselocale(callers);
        freelocale(plain);
    }
    snprintf(text, size, "%s", digits);
    return (size_t)length;
}
