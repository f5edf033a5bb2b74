/* SPDX-License-Identifier: MIT
 * Where an instrument looks: a problem and a point of it, from a plan (where its runs start) or
 * from a run's folder (where the first replica of a cell ended).
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static const char *label_at(const void *user, size_t index) {
    const cli_place *place = user;
    if (place->record) {
        const uns_result *result = uns_record_result(place->record, index);
        return result ? result->cell->label : NULL;
    }
    const uns_cell *cell = uns_plan_cell(place->plan, index);
    return cell ? cell->label : NULL;
}

/* The cell with this label; NULL: the first. */
static cli_status choose_cell(cli_place *place, const char *label) {
    size_t index = 0;
    const char *found;
    while (label && (found = label_at(place, index)) && strcmp(found, label) != 0)
        index++;
    if (!label_at(place, index)) {
        char hint[CLI_HINT_SIZE];
        cli_hint(label, label_at, place, hint);
        cli_say("there is no cell '%s'%s", label, hint);
        return CLI_INPUT;
    }
    place->result = place->record ? uns_record_result(place->record, index) : NULL;
    place->cell = place->record ? place->result->cell : uns_plan_cell(place->plan, index);
    return CLI_FINE;
}

static cli_status read_source(const char *path, cli_place *place) {
    uns_plan_source source = {.size = sizeof source, .path = path};
    uns_status status = is_folder(path)
                            ? uns_record_read(place->context, path, &place->record)
                            : uns_plan_create(place->context, &source, &place->plan);
    return status == UNS_OK ? CLI_FINE : cli_fail(place->context, status, false);
}

/* --at start or end; only a record knows an end. */
static cli_status choose_point(const char *path, const char *at, cli_place *place) {
    if (at && strcmp(at, "start") != 0 && strcmp(at, "end") != 0) {
        cli_say("--at takes start or end, not '%s'", at);
        return CLI_INPUT;
    }
    place->end = at ? strcmp(at, "end") == 0 : place->record != NULL;
    if (place->end && !place->record) {
        cli_say("%s is a plan, and only a run's folder knows where a run ended; use --at start",
                path);
        return CLI_INPUT;
    }
    if (place->end && !place->result->point) {
        cli_say("%s: '%s' has no end point: its first replica diverged or did not finish", path,
                place->cell->label);
        return CLI_INPUT;
    }
    return CLI_FINE;
}

static uns_status draw_start(cli_place *place) {
    const uns_settings *settings = &place->cell->settings;
    uns_key key = {(uint64_t)settings->seed, 0, (uint32_t)settings->first_replica,
                   UNS_STREAM_START};
    const uns_problem_ops *ops = uns_problem_get_ops(place->problem);
    return ops->start(uns_problem_self(place->problem), key, 1, place->x);
}

static cli_status make_problem(cli_place *place) {
    const uns_cell *cell = place->cell;
    uns_status status = uns_problem_create(place->context, cell->problem, cell->problem_config,
                                           &place->problem);
    return status == UNS_OK ? CLI_FINE
                            : cli_fail_at(place->context, status, cell->problem_place);
}

static uns_status make_room(cli_place *place) {
    uns_status status = uns_problem_layout(place->context, place->problem, 1, &place->layout);
    if (status != UNS_OK)
        return status;
    size_t blocks = uns_layout_count(place->layout);
    place->flat = calloc(uns_layout_parameters(place->layout), sizeof(double));
    void **pointers = calloc(blocks, sizeof *pointers);
    place->x = (uns_tensors){pointers, blocks};
    if (!place->flat || !pointers)
        return UNS_ERROR_MEMORY;
    uns_layout_spread(place->layout, place->flat, pointers);
    return UNS_OK;
}

static cli_status take_point(const char *path, cli_place *place) {
    uns_status status = make_room(place);
    if (status == UNS_OK && !place->end)
        status = draw_start(place);
    if (status != UNS_OK)
        return cli_fail(place->context, status, false);
    if (!place->end)
        return CLI_FINE;
    size_t d = uns_layout_parameters(place->layout);
    if (place->result->dimension != d) {
        cli_say("%s: the point of '%s' has %zu numbers, but its problem %zu parameters", path,
                place->cell->label, place->result->dimension, d);
        return CLI_INPUT;
    }
    memcpy(place->flat, place->result->point, d * sizeof(double));
    return CLI_FINE;
}

cli_status cli_place_open(const char *path, const char *label, const char *at, cli_place *out) {
    cli_place place = {.context = cli_context_open(0)};
    if (!place.context)
        return CLI_INTERNAL;
    cli_status status = read_source(path, &place);
    if (status == CLI_FINE)
        status = choose_cell(&place, label);
    if (status == CLI_FINE)
        status = choose_point(path, at, &place);
    if (status == CLI_FINE)
        status = make_problem(&place);
    if (status == CLI_FINE)
        status = take_point(path, &place);
    if (status == CLI_FINE)
        *out = place;
    else
        cli_place_close(&place);
    return status;
}

void cli_place_close(cli_place *place) {
    free(place->flat);
    free((void *)place->x.data);
    uns_layout_destroy(place->layout);
    uns_problem_destroy(place->problem);
    uns_record_destroy(place->record);
    uns_plan_destroy(place->plan);
    uns_context_destroy(place->context);
}

cli_status cli_pairs_read(uns_context *context, const uns_param_table *table, void *config,
                          const cli_arguments *arguments) {
    uns_status status = uns_param_defaults(context, table, config);
    for (size_t i = 1; status == UNS_OK && i < arguments->count; i++) {
        char pair[UNS_TEXT_SIZE + 64];
        const char *text = arguments->operand[i], *equals = strchr(text, '=');
        if (!equals || (size_t)snprintf(pair, sizeof pair, "%s", text) >= sizeof pair) {
            cli_say("'%s' is no key=value; only the first operand is a file or folder", text);
            return CLI_INPUT;
        }
        pair[equals - text] = '\0';
        status = uns_param_set(context, table, config, pair, pair + (equals - text) + 1);
    }
    return status == UNS_OK ? CLI_FINE : cli_fail(context, status, false);
}
