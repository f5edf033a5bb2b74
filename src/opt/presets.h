/* SPDX-License-Identifier: MIT
 * The built-in presets, for the registry.
 */
#ifndef UNS_PRESETS_H
#define UNS_PRESETS_H

#include <unsaddle/spec.h>

/* All rows, in the order in which they are listed to users. Static storage. */
const uns_preset *uns_builtin_presets(size_t *count);

#endif
