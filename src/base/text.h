/* SPDX-License-Identifier: MIT
 * Numbers as text in the C locale, whatever locale the caller has set.
 */
#ifndef UNS_TEXT_H
#define UNS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a whole text as a real ("1e-3", "inf"); blanks around it are allowed. False: not one.
 */
bool uns_text_to_real(const char *text, double *value);

/* Writes the shortest of 15 to 17 digits that reads back to the same bits; snprintf's return.
 */
size_t uns_real_to_text(double value, char *text, size_t size);

#endif
