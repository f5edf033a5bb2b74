/* SPDX-License-Identifier: MIT
 * Runs of a tensor's numbers as f64 and back: in place where the layout is f64.
 */
#ifndef UNS_WIDE_H
#define UNS_WIDE_H

#include <string.h>
#include <unsaddle/structure.h>

/* n numbers from `at` on: in place, or copied into `room`. */
static inline const double *uns_wide(const uns_structure_site *site, const void *block,
                                     size_t at, size_t n, double *room) {
    if (site->dtype == UNS_F64)
        return (const double *)block + at;
    for (size_t i = 0; i < n; i++)
        room[i] = ((const float *)block)[at + i];
    return room;
}

static inline void uns_narrow(const uns_structure_site *site, const double *from, size_t at,
                              size_t n, void *block) {
    if (site->dtype == UNS_F64)
        memcpy((double *)block + at, from, n * sizeof *from);
    for (size_t i = 0; site->dtype == UNS_F32 && i < n; i++)
        ((float *)block)[at + i] = (float)from[i];
}

#endif
