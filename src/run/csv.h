/* SPDX-License-Identifier: MIT
 * The text of a table: what all tables of a record have in common. The tables are csv.c's and
 * csv_events.c's.
 */
#ifndef UNS_CSV_H
#define UNS_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unsaddle/context.h>

enum {
    UNS_CSV_FIELDS = 32, /* columns of a table, the label among them */
    UNS_CSV_FIELD = 256  /* a label has 96 at most, twice that when quoted */
};

void uns_csv_put_text(FILE *out, const char *text);
/* A comma and the number; nothing after the comma for NaN. */
void uns_csv_put_real(FILE *out, double x);
/* The finished text, or NULL when memory ran out under way. */
char *uns_csv_close(FILE *out, char **text);

/* A table being read, one line in `field` at a time. */
typedef struct uns_csv {
    uns_context *context;
    const char *path, *at;
    size_t line, count;
    char field[UNS_CSV_FIELDS][UNS_CSV_FIELD];
} uns_csv;

/* UNS_ERROR_FORMAT with the line. */
uns_status uns_csv_fail(const uns_csv *t, const char *what);
/* Past the head line, which must be `head`; the last line must end. */
uns_status uns_csv_open(uns_csv *t, const char *head);
/* The next line into the fields; *more false at the end of the text. */
uns_status uns_csv_next(uns_csv *t, bool *more);
uns_status uns_csv_count(const uns_csv *t, size_t column, int64_t *count);
uns_status uns_csv_real(const uns_csv *t, size_t column, double *value);
size_t uns_csv_lines(const char *text);

#endif
