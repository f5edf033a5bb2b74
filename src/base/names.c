/* SPDX-License-Identifier: MIT
 * The nearest right name for a mistyped one.
 */
#include "base/base.h"

#include <string.h>

enum {
    LONGEST = 64
};

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: insertions, deletions, changes and swaps of neighbours. Names
 * longer than LONGEST are compared by their beginnings. */
static size_t name_distance(const char *a, const char *b) {
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t n = strnlen(a, LONGEST), m = strnlen(b, LONGEST);
    for (size_t j = 0; j <= m; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = a[i - 1] != b[j - 1];
            now[j] = smallest(last[j] + 1, now[j - 1] + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smallest(now[j], before[j - 2] + 1, now[j]);
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

const char *uns_nearest_name(const char *name, const char *(*candidates)(const void *, size_t),
                             const void *user) {
    size_t limit = strnlen(name, LONGEST) / 3;
    size_t best = limit < 2 ? 2 : limit;
    const char *nearest = NULL;
    const char *candidate;
    for (size_t i = 0; (candidate = candidates(user, i)); i++) {
        size_t distance = name_distance(name, candidate);
        if (distance < best + (nearest == NULL) && distance < strlen(candidate)) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest;
}
