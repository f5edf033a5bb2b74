/* SPDX-License-Identifier: MIT
 * The parts a report is put together from; report.c is the public face.
 */
#ifndef UNS_REPORT_PARTS_H
#define UNS_REPORT_PARTS_H

#include "report/view.h"

#include <stdio.h>

/* Headings and rows; width 0: all columns. UNS_ERROR_MEMORY. */
uns_status uns_table_write(uns_context *context, const uns_views *views, size_t width,
                           FILE *out);

/* One sentence for each group, and what befell cells that cannot be compared. */
void uns_conclusion_write(const uns_views *views, FILE *out);

/* The same for the picture, which shows no means and needs no word about them. */
void uns_caption_write(const uns_views *views, FILE *out);

/* What the instruments said of each cell that had some; a line each. Nothing without any. */
void uns_events_write(const uns_views *views, FILE *out);

/* The SVG, with the caption under its title. UNS_ERROR_MEMORY. */
uns_status uns_plot_write(uns_context *context, const uns_views *views, const char *caption,
                          FILE *out);

/* "saddle2d · 1,000 replicas · 100,000 steps": what all cells have in common. */
void uns_title_write(const uns_views *views, FILE *out);

/* Table, conclusion, wrapped; and the picture. As the public functions of report.h. */
uns_status uns_report_table_of(uns_context *context, const uns_result *const *results,
                               size_t count, int width, char **text);
uns_status uns_report_plot_of(uns_context *context, const uns_result *const *results,
                              size_t count, char **svg);

#endif
