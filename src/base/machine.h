/* SPDX-License-Identifier: MIT
 * What the system says about the machine and the time, for records and for refusing what does
 * not fit.
 */
#ifndef UNS_MACHINE_H
#define UNS_MACHINE_H

#include <stddef.h>

/* What follows `key` and `separator` on the first line of a file that begins with it, in ASCII;
 * "unknown" otherwise. */
void uns_file_value(const char *path, const char *key, char separator, char *value,
                    size_t size);

/* The processor's name. */
void uns_machine_cpu(char *name, size_t size);

/* Bytes that can be taken without swapping; infinity where the system does not say. */
double uns_machine_memory(void);

/* Of a clock that only goes forward, from any origin. */
double uns_machine_seconds(void);

#endif
