/* SPDX-License-Identifier: MIT
 * What a cell's structure will keep, in words: which pieces have matrices, which fell back to
 * their diagonal by the structure's rule, and the memory.
 */
#include "cli.h"

#include <string.h>

static void print_bytes(size_t bytes, char *text, size_t size) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static int print_pieces(const uns_structure_report *of, const char *structure, char *text,
                        size_t size) {
    const char *many = of->dense == 1 ? "piece" : "pieces";
    if (of->rank)
        return snprintf(text, size, "%zu columns", of->rank);
    if (of->dense && of->diagonal)
        return snprintf(text, size, "%zu %s with matrices of at most %zu rows, %zu diagonal",
                        of->dense, many, of->largest, of->diagonal);
    if (of->dense)
        return snprintf(text, size, "%zu %s with matrices of at most %zu rows", of->dense, many,
                        of->largest);
    if (of->diagonal)
        return snprintf(text, size, "%zu diagonal", of->diagonal);
    if (strcmp(structure, "factored") == 0)
        return snprintf(text, size, "the mean squares of rows and columns, no matrices");
    return snprintf(text, size, "no matrices");
}

bool cli_footprint_text(const uns_footprint *footprint, char text[CLI_FOOTPRINT_SIZE]) {
    const uns_structure_report *of = &footprint->structure;
    char state[32], work[32];
    if (!of->bytes)
        return false;
    print_bytes(of->bytes, state, sizeof state);
    print_bytes(of->scratch, work, sizeof work);
    int used = print_pieces(of, footprint->cell->spec.structure, text, CLI_FOOTPRINT_SIZE);
    snprintf(text + used, CLI_FOOTPRINT_SIZE - (size_t)used,
             "; %s of state and %s to work in for %zu %s", state, work, footprint->replicas,
             footprint->replicas == 1 ? "replica" : "replicas");
    return true;
}

void cli_footprint_say(void *user, const uns_footprint *footprint) {
    char text[CLI_FOOTPRINT_SIZE], *last = user;
    if (!cli_footprint_text(footprint, text) || strcmp(text, last) == 0)
        return;
    cli_say("%s: structure %s: %s", footprint->cell->label, footprint->cell->spec.structure,
            text);
    memcpy(last, text, sizeof text);
}
