/* SPDX-License-Identifier: MIT
 * Reports: a record as a table with a sentence of conclusion, and as a picture. Both are made
 * from the record alone, after the run; neither looks at a problem or an optimizer again.
 */
#ifndef UNSADDLE_REPORT_H
#define UNSADDLE_REPORT_H

#include <unsaddle/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the table: one row a cell with optimizer, η, share escaped, escape step (mean, 95 %
 * interval, median, theory) and floor (mean, theory); for problems without an escape the final
 * value and the held-out accuracy. Columns that no cell fills are left out. Below it stands the
 * conclusion, one sentence for every set of cells that may be compared (same problem, same
 * settings), claiming no difference that the 95 % intervals do not bear out.
 *
 *   width  columns of the terminal, at least 48; columns of lesser weight are left out until
 *          the table fits. 0: as wide as it gets
 *   text   UTF-8, lines end in "\n"; to be freed with free()
 *
 * UNS_ERROR_ARGUMENT (width), UNS_ERROR_MEMORY; *text is untouched then. The numbers do not
 * depend on the locale. Cost: microseconds a cell. */
UNS_NODISCARD UNS_API uns_status uns_report_table(uns_context *context,
                                                  const uns_record *record, int width,
                                                  char **text);

/* Draws the record as one self-contained SVG: no scripts, no outside fonts or images, light and
 * dark by the viewer's preference. Where something escaped: the share of replicas escaped
 * against the step, beside the floor against the median escape step, a point a cell. Elsewhere:
 * the value (or, where that was not recorded, the gradient norm) against the step.
 *
 *   svg  UTF-8; to be freed with free()
 *
 * UNS_ERROR_MEMORY; *svg is untouched then. */
UNS_NODISCARD UNS_API uns_status uns_report_plot(uns_context *context, const uns_record *record,
                                                 char **svg);

#ifdef __cplusplus
}
#endif
#endif
