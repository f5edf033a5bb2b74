/* SPDX-License-Identifier: MIT
 * What Linux says about the machine in /proc and /etc.
 */
#include "base/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void uns_file_value(const char *path, const char *key, char separator, char *value,
                    size_t size) {
    char line[512];
    FILE *file = fopen(path, "re");
    snprintf(value, size, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        const char *text = strchr(line, separator);
        if (strncmp(line, key, strlen(key)) != 0 || !text)
            continue;
        text += 1 + strspn(text + 1, " \"\t");
        snprintf(value, size, "%.*s", (int)strcspn(text, "\"\n"), text);
        for (char *c = value; *c; c++)
            *c = *c < ' ' || *c > '~' ? '?' : *c; /* JSON takes UTF-8 only */
        break;
    }
    if (file)
        fclose(file);
}

void uns_machine_cpu(char *name, size_t size) {
    uns_file_value("/proc/cpuinfo", "model name", ':', name, size);
}

double uns_machine_memory(void) {
    char text[64];
    uns_file_value("/proc/meminfo", "MemAvailable", ':', text, sizeof text);
    char *end;
    double kibi = strtod(text, &end);
    return end == text ? (double)INFINITY : kibi * 1024.0;
}

double uns_machine_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
