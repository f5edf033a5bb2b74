/* SPDX-License-Identifier: MIT
 * The public face of the reports: gathers a record's results, puts the parts together in the C
 * locale and hands the text over.
 */
#include <unsaddle/report.h>

#include "base/base.h"
#include "report/parts.h"
#include "report/prose.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum {
    NARROWEST = 48,
    WIDEST_PROSE = 96 /* longer lines are hard to read */
};

static bool common(const uns_views *views, int64_t (*number)(const uns_cell *)) {
    for (size_t i = 1; i < views->count; i++)
        if (number(views->view[i].result->cell) != number(views->view[0].result->cell))
            return false;
    return true;
}

static int64_t cell_replicas(const uns_cell *cell) {
    return cell->settings.replicas;
}

static int64_t cell_steps(const uns_cell *cell) {
    return cell->settings.steps;
}

static int64_t cell_batch(const uns_cell *cell) {
    return cell->settings.batch;
}

static int64_t cell_seed(const uns_cell *cell) {
    return cell->settings.seed;
}

static void write_number(const char *before, int64_t number, const char *after, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    uns_number_steps((double)number, text);
    fprintf(out, " ·\u00a0%s%s%s", before, text, after);
}

void uns_title_write(const uns_views *views, FILE *out) {
    if (views->count == 0)
        return;
    const uns_cell *cell = views->view[0].result->cell;
    bool one_problem = true;
    for (size_t i = 1; i < views->count; i++)
        one_problem &= strcmp(views->view[i].result->cell->problem, cell->problem) == 0;
    fputs(one_problem ? cell->problem : "several problems", out);
    if (common(views, cell_replicas))
        write_number("", cell->settings.replicas,
                     cell->settings.replicas == 1 ? "\u00a0replica" : "\u00a0replicas", out);
    if (common(views, cell_steps))
        write_number("", cell->settings.steps, "\u00a0steps", out);
    if (common(views, cell_batch) && cell->settings.batch > 1)
        write_number("batch\u00a0", cell->settings.batch, "", out);
    if (common(views, cell_seed))
        fprintf(out, " ·\u00a0seed\u00a0%lld", (long long)cell->settings.seed);
}

/* A text being written; `locale` is the caller's, put back at the end. */
typedef struct sheet {
    char *text;
    size_t size;
    FILE *out;
    locale_t plain, callers;
} sheet;

static uns_status open_sheet(uns_context *context, sheet *sheet) {
    memset(sheet, 0, sizeof *sheet);
    sheet->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!sheet->plain)
        return uns_fail(context, UNS_ERROR_MEMORY, "out of memory for a report");
    sheet->out = open_memstream(&sheet->text, &sheet->size);
    if (!sheet->out) {
        freelocale(sheet->plain);
        return uns_fail(context, UNS_ERROR_MEMORY, "out of memory for a report");
    }
    sheet->callers = uselocale(sheet->plain);
    return UNS_OK;
}

static uns_status close_sheet(uns_context *context, sheet *sheet, uns_status status,
                              char **text) {
    bool broken = ferror(sheet->out) != 0;
    broken |= fclose(sheet->out) != 0;
    uselocale(sheet->callers);
    freelocale(sheet->plain);
    if (status == UNS_OK && broken)
        status = uns_fail(context, UNS_ERROR_MEMORY, "out of memory for a report");
    if (status == UNS_OK)
        *text = sheet->text;
    else
        free(sheet->text);
    return status;
}

/* What a part of the report writes, as a string to be freed with free(). */
static uns_status make_text(uns_context *context, const uns_views *views,
                            void (*part)(const uns_views *, FILE *), char **text) {
    sheet sheet;
    UNS_TRY(open_sheet(context, &sheet));
    part(views, sheet.out);
    return close_sheet(context, &sheet, UNS_OK, text);
}

static uns_status write_wrapped(uns_context *context, const uns_views *views,
                                void (*part)(const uns_views *, FILE *), size_t width,
                                FILE *out) {
    char line[UNS_LINE_SIZE], *text = NULL;
    UNS_TRY(make_text(context, views, part, &text));
    const char *rest = text;
    while (uns_prose_line(&rest, width && width < WIDEST_PROSE ? width : WIDEST_PROSE, line))
        fprintf(out, "%s\n", line);
    free(text);
    return UNS_OK;
}

static uns_status write_report(uns_context *context, const uns_views *views, size_t width,
                               FILE *out) {
    UNS_TRY(write_wrapped(context, views, uns_title_write, width, out));
    fputc('\n', out);
    UNS_TRY(uns_table_write(context, views, width, out));
    fputc('\n', out);
    UNS_TRY(write_wrapped(context, views, uns_conclusion_write, width, out));
    return write_wrapped(context, views, uns_events_write, width, out);
}

static uns_status write_picture(uns_context *context, const uns_views *views, FILE *out) {
    char *caption = NULL;
    UNS_TRY(make_text(context, views, uns_caption_write, &caption));
    uns_status status = uns_plot_write(context, views, caption, out);
    free(caption);
    return status;
}

uns_status uns_report_table_of(uns_context *context, const uns_result *const *results,
                               size_t count, int width, char **text) {
    if (width != 0 && width < NARROWEST)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "width is %d; it must be 0 (as wide as it gets) or at least %d", width,
                        NARROWEST);
    uns_views views;
    sheet sheet;
    UNS_TRY(uns_views_create(context, results, count, &views));
    uns_status status = open_sheet(context, &sheet);
    if (status == UNS_OK) {
        status = write_report(context, &views, (size_t)width, sheet.out);
        status = close_sheet(context, &sheet, status, text);
    }
    uns_views_release(context, &views);
    return status;
}

uns_status uns_report_plot_of(uns_context *context, const uns_result *const *results,
                              size_t count, char **svg) {
    uns_views views;
    sheet sheet;
    UNS_TRY(uns_views_create(context, results, count, &views));
    uns_status status = open_sheet(context, &sheet);
    if (status == UNS_OK) {
        status = write_picture(context, &views, sheet.out);
        status = close_sheet(context, &sheet, status, svg);
    }
    uns_views_release(context, &views);
    return status;
}

/* The record's results as an array of pointers, to be released by the caller. */
static uns_status gather(uns_context *context, const uns_record *record,
                         const uns_result ***results) {
    size_t count = uns_record_count(record);
    *results = uns_allocate(context, uns_size_product(count + 1, sizeof **results));
    if (!*results)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        (*results)[i] = uns_record_result(record, i);
    return UNS_OK;
}

uns_status uns_report_table(uns_context *context, const uns_record *record, int width,
                            char **text) {
    const uns_result **results;
    UNS_TRY(gather(context, record, &results));
    uns_status status =
        uns_report_table_of(context, results, uns_record_count(record), width, text);
    uns_release(context, results);
    return status;
}

uns_status uns_report_plot(uns_context *context, const uns_record *record, char **svg) {
    const uns_result **results;
    UNS_TRY(gather(context, record, &results));
    uns_status status = uns_report_plot_of(context, results, uns_record_count(record), svg);
    uns_release(context, results);
    return status;
}
