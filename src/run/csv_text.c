/* SPDX-License-Identifier: MIT
 * Tables as text, written and read. Fields are quoted as in RFC 4180, lines end in "\n" (and
 * may end in "\r\n" when read); an empty field is NaN.
 */
#include "run/csv.h"

#include "base/base.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void uns_csv_put_text(FILE *out, const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

void uns_csv_put_real(FILE *out, double x) {
    char text[40] = "";
    if (!isnan(x))
        uns_real_to_text(x, text, sizeof text);
    fprintf(out, ",%s", text);
}

char *uns_csv_close(FILE *out, char **text) {
    bool whole = !ferror(out);
    if (fclose(out) == 0 && whole)
        return *text;
    free(*text);
    return NULL;
}

uns_status uns_csv_fail(const uns_csv *t, const char *what) {
    return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: %s", t->path, t->line, what);
}

/* One field, unquoted; *at ends on the comma, the line's end or the NUL. False: malformed. */
static bool read_field(const char **at, char field[UNS_CSV_FIELD]) {
    size_t n = 0;
    bool quoted = **at == '"';
    for (*at += quoted; **at; (*at)++) {
        if (quoted && **at == '"' && *++*at != '"') {
            quoted = false;
            break;
        }
        if (!quoted && strchr(",\r\n", **at))
            break;
        if (n + 1 == UNS_CSV_FIELD)
            return false;
        field[n++] = **at;
    }
    field[n] = '\0';
    return !quoted && (!**at || strchr(",\r\n", **at));
}

uns_status uns_csv_next(uns_csv *t, bool *more) {
    t->line++;
    *more = *t->at != '\0';
    for (size_t i = 0; *more && i < t->count; i++) {
        if (!read_field(&t->at, t->field[i]))
            return uns_csv_fail(t, "malformed field");
        if (*t->at == ',' && i + 1 < t->count)
            t->at++;
        else if (i + 1 < t->count)
            return uns_csv_fail(t, "too few fields");
    }
    t->at += *t->at == '\r';
    if (*t->at == '\n')
        t->at++;
    else if (*t->at)
        return uns_csv_fail(t, "too many fields");
    return UNS_OK;
}

uns_status uns_csv_open(uns_csv *t, const char *head) {
    size_t length = strlen(head);
    t->line = 1;
    if (strncmp(t->at, head, length) != 0 || !strchr("\r\n", t->at[length]))
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:1: expected the line '%s'", t->path,
                        head);
    if (t->at[strlen(t->at) - 1] != '\n')
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s: the last line is cut off", t->path);
    t->at += length;
    t->at += *t->at == '\r';
    t->at += *t->at == '\n';
    return UNS_OK;
}

uns_status uns_csv_count(const uns_csv *t, size_t column, int64_t *step) {
    char *end;
    const char *text = t->field[column];
    *step = strtoll(text, &end, 10);
    if (!*text || *end || *step < 0)
        return uns_csv_fail(t, "expected a whole number");
    return UNS_OK;
}

uns_status uns_csv_real(const uns_csv *t, size_t column, double *value) {
    *value = NAN;
    if (*t->field[column] && !uns_text_to_real(t->field[column], value))
        return uns_csv_fail(t, "expected a number");
    return UNS_OK;
}

size_t uns_csv_lines(const char *text) {
    size_t lines = 0;
    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}
