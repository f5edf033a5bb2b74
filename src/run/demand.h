/* SPDX-License-Identifier: MIT
 * The memory that a plan will take at its fullest, added up before any of it is.
 */
#ifndef UNS_DEMAND_H
#define UNS_DEMAND_H

#include "run/work.h"

enum {
    UNS_DEMAND_MOST = 256 /* threads of a context, at most */
};

/* Any slices may meet on the threads, so the largest count. In bytes, as doubles: a sum that is
 * beyond size_t is a sum all the same. */
typedef struct uns_demand {
    uns_context *context;
    double figures;                /* of all cells, kept from start to end */
    double slice[UNS_DEMAND_MOST]; /* largest first */
    size_t slices, threads;        /* of the array; that may run at a time */
    uns_footprint largest;         /* of the cell with the largest slice */
} uns_demand;

void uns_demand_open(uns_context *context, uns_demand *demand);
/* Counts a measured work in. */
void uns_demand_add(uns_demand *demand, const uns_work *work);
/* UNS_ERROR_RANGE where more than `available` bytes are needed: how much, what for, and what to
 * change. */
uns_status uns_demand_check(const uns_demand *demand, double available);

#endif
