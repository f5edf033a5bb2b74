/* SPDX-License-Identifier: MIT
 * What unsaddle measure prints: as text (measure_text.c, measure_advice.c) and as JSON
 * (measure_json.c).
 */
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include "cli.h"

#include <unsaddle/measure.h>

typedef struct cli_measured {
    const cli_place *place;
    const uns_measure_config *config;
    const uns_measurement *all;
    const uns_path *path; /* NULL: not asked for */
} cli_measured;

void cli_measure_print(const cli_measured *measured);
void cli_advice_print(const cli_measured *measured);
void cli_measure_print_json(const cli_measured *measured);

/* What a doubt means, bit by bit from 0; NULL beyond the last. */
const char *cli_doubt_text(size_t bit);

/* "the start", "the end". */
const char *cli_place_text(const cli_place *place);

#endif
