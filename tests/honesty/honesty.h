/* SPDX-License-Identifier: MIT
 * The sections of `make honesty`. Each prints one line a claim; false: out of memory.
 */
#ifndef UNS_HONESTY_H
#define UNS_HONESTY_H

#include <unsaddle/context.h>

#include "claims.h"

bool count_honesty(claims *all, uns_context *context);
bool measure_cost(claims *all, uns_context *context);
bool compare_arpack(claims *all, uns_context *context);

#endif
