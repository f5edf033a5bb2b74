/* SPDX-License-Identifier: MIT
 * Numbers for people: few digits, short exponents, grouped thousands. Not for records, which
 * keep every digit (base/text.h).
 */
#ifndef UNS_REPORT_NUMBER_H
#define UNS_REPORT_NUMBER_H

#include <stddef.h>

/* Room for any number below. */
enum {
    UNS_NUMBER_SIZE = 64
};

/* The shortest digits that read back to the same value: "1e-3", "0.1", "30". */
void uns_number_exact(double value, char text[UNS_NUMBER_SIZE]);

/* `figures` significant digits, at most 15: "2.52e-4", "−0.0126". */
void uns_number_figures(double value, int figures, char text[UNS_NUMBER_SIZE]);

/* A count or a step: whole and grouped, "43,528"; one decimal below 100 where not whole. */
void uns_number_steps(double value, char text[UNS_NUMBER_SIZE]);

/* A ratio >= 1: "1.25" below 2, "13.5" below 100, then whole. */
void uns_number_ratio(double value, char text[UNS_NUMBER_SIZE]);

/* part of whole in percent; "100 %" and "0 %" only where exactly so. */
void uns_number_share(double part, double whole, char text[UNS_NUMBER_SIZE]);

/* Columns a text takes on a terminal: its code points, none of ours being wide or combining. */
size_t uns_text_columns(const char *text);

/* Bytes of the first `columns` columns, or of the whole text when that is shorter. */
size_t uns_text_cut(const char *text, size_t columns);

#endif
