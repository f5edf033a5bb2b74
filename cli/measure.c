/* SPDX-License-Identifier: MIT
 * unsaddle measure: the gradient against its noise, the curvature, and who would leave from
 * here how soon and come how close.
 */
#include "measure.h"

#include <stdlib.h>

enum {
    PATH_LOOKS = 17,
    PATH_DRAWS = 512
};

const char *cli_place_text(const cli_place *place) {
    return place->end ? "the end" : "the start";
}

static uns_status walk_path(const cli_place *place, const uns_measure_config *config,
                            uns_path *path) {
    const uns_settings *settings = &place->cell->settings;
    uns_path_plan plan = {.size = sizeof plan,
                          .problem = place->problem,
                          .spec = &place->cell->spec,
                          .batch = (size_t)settings->batch,
                          .seed = (uint64_t)settings->seed,
                          .replica = (uint32_t)settings->first_replica,
                          .steps = config->path ? config->path : settings->steps,
                          .looks = PATH_LOOKS,
                          .draws = PATH_DRAWS};
    return uns_path_measure(place->context, &plan, NULL, path);
}

static uns_status measure_point(const cli_place *place, const uns_measure_config *config,
                                uns_measurement **all) {
    const uns_settings *settings = &place->cell->settings;
    uns_measure_site site = {.size = sizeof site,
                             .problem = place->problem,
                             .x = uns_tensors_const(place->x),
                             .spec = &place->cell->spec,
                             .batch = (size_t)settings->batch,
                             .steps = settings->steps};
    return uns_measure(place->context, &site, config, all);
}

static cli_status measure_place(const cli_arguments *arguments, cli_place *place) {
    uns_measure_config config;
    uns_measurement *all = NULL;
    uns_path path;
    bool walks = cli_option_value(arguments, "assumptions") != NULL;
    cli_status status = cli_pairs_read(place->context, uns_measure_table(), &config, arguments);
    if (status != CLI_FINE)
        return status;
    config.interrupt = cli_interrupt_catch(
        CLI_STOPPING("what is measured by the end of this preconditioner will be printed."));
    uns_status done = measure_point(place, &config, &all);
    walks = walks && !*config.interrupt;
    if (done == UNS_OK && walks)
        done = walk_path(place, &config, &path);
    cli_measured measured = {place, &config, all, walks ? &path : NULL};
    if (done != UNS_OK)
        status = cli_fail(place->context, done, false);
    else if (cli_option_value(arguments, "json"))
        cli_measure_print_json(&measured);
    else
        cli_measure_print(&measured);
    if (status == CLI_FINE && *config.interrupt) {
        cli_say("interrupted: %zu of %zu preconditioners were looked at", all->count,
                all->listed);
        status = CLI_INTERRUPTED;
    }
    uns_measurement_destroy(place->context, all);
    return status;
}

static cli_status measure(const cli_arguments *arguments) {
    cli_place place;
    cli_status status =
        cli_place_open(arguments->operand[0], cli_option_value(arguments, "cell"),
                       cli_option_value(arguments, "at"), &place);
    if (status != CLI_FINE)
        return status;
    status = measure_place(arguments, &place);
    cli_place_close(&place);
    return status;
}

static const cli_option options[] = {
    {"cell", "LABEL", "the cell whose problem, point and optimizer; without it the first"},
    {"at", "start|end", "where runs start, or where the cell's first replica ended (DIR only)"},
    {"assumptions", NULL,
     "walk the run again and tell its largest gradient and noise, and how fast G changes"},
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

const cli_command cli_measure = {
    .name = "measure",
    .operands = "DIR|CONFIG [KEY=VALUE ...]",
    .summary = "gradient, noise and curvature at a point; who would leave it, and when?",
    .help = "Looks at the end of a run in DIR, or at the start of the plan CONFIG, with the "
            "cell's own\n"
            "optimizer and others like it: how large the gradient is against its noise, which "
            "way is\n"
            "down, how even each preconditioner makes the noise, how many steps each would "
            "take to\n"
            "leave and how close to a minimum it could stay. Keys: 'unsaddle list "
            "measure'.\n"
            "  unsaddle measure runs/saddle draws=4096 exponents=0.5,0.75,1 drop=1e-2",
    .least = 1,
    .most = (size_t)-1,
    .options = options,
    .run = measure,
};
