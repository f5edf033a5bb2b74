/* SPDX-License-Identifier: MIT
 * Memory set aside for instruments: a context of its own whose allocations come out of one
 * block, so that a reading in the middle of a run allocates nothing.
 */
#ifndef UNS_RESERVE_H
#define UNS_RESERVE_H

#include <unsaddle/context.h>

typedef struct uns_reserve {
    uns_context *parent, *context; /* context: what instruments are given */
    unsigned char *block;
    size_t room, used;
    size_t fixed; /* taken by the context itself */
    size_t live;  /* pieces of the block not given back */
} uns_reserve;

/* Takes `bytes` from the parent. On failure nothing is left behind. The reserve must not move
 * while it is open: its context points at it. */
UNS_NODISCARD uns_status uns_reserve_open(uns_context *parent, size_t bytes,
                                          uns_reserve *reserve);
void uns_reserve_close(uns_reserve *reserve);

/* Passes on what failed in the reserve's context as the parent's message. */
uns_status uns_reserve_report(uns_reserve *reserve, uns_status status);

#endif
