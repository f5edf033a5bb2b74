/* SPDX-License-Identifier: MIT
 * unsaddle run: carries out a plan, writes the record and prints its table.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unsaddle/report.h>

typedef struct job {
    const cli_arguments *arguments;
    bool json, quiet, strict;
    bool claimed;               /* the folder is new and ours, to be removed if nothing comes */
    char folder[CLI_PATH_SIZE]; /* "": nothing is written */
    cli_session session;
} job;

/* The folder of --out. Making it now, where that takes one step, finds out early that it cannot
 * be made; the record's writer makes the folders above it too. */
static cli_status take_folder(job *job, const char *out) {
    uns_status status = uns_record_check(job->session.context, out);
    if (status != UNS_OK)
        return cli_fail(job->session.context, status, true);
    job->claimed = mkdir(out, 0777) == 0;
    if (!job->claimed && errno != EEXIST && errno != ENOENT) {
        cli_say("%s: cannot make this folder: %s", out, strerror(errno));
        return CLI_INTERNAL;
    }
    snprintf(job->folder, sizeof job->folder, "%s", out);
    return CLI_FINE;
}

/* Where to write, settled before a long run rather than after it. */
static cli_status choose_folder(job *job) {
    const char *out = cli_option_value(job->arguments, "out");
    if (out)
        return take_folder(job, out);
    if (job->json)
        return CLI_FINE;
    cli_status status = cli_folder_claim(job->arguments->operand[0], job->folder);
    job->claimed = status == CLI_FINE;
    return status;
}

static const char stopping[] = CLI_STOPPING("the record will be finished.");

static uns_status run_plan(job *job, uns_record **record) {
    cli_progress progress = {.columns = cli_columns(stderr)};
    char told[CLI_FOOTPRINT_SIZE] = "";
    uns_run_config config = {.size = sizeof config,
                             .progress = job->quiet ? NULL : cli_progress_show,
                             .user = &progress,
                             .interrupt = cli_interrupt_catch(job->quiet ? NULL : stopping),
                             .footprint = job->quiet ? NULL : cli_footprint_say,
                             .footprint_user = told};
    uns_status status = uns_run(job->session.context, job->session.plan, &config, record);
    cli_progress_end(&progress);
    return status;
}

static cli_status write_record(job *job, const uns_record *record) {
    uns_context *context = job->session.context;
    char *svg = NULL;
    if (!job->folder[0])
        return CLI_FINE;
    uns_status status = uns_record_write(context, record, job->folder);
    if (status != UNS_OK)
        return cli_fail(context, status, true);
    job->claimed = false;
    status = uns_report_plot(context, record, &svg);
    if (status != UNS_OK)
        return cli_fail(context, status, true);
    char path[CLI_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/plot.svg", job->folder);
    cli_status written = cli_file_write(path, svg);
    free(svg);
    return written;
}

/* Counts cells by how they ended. */
static size_t count_stops(const uns_record *record, uns_stop stop) {
    size_t count = 0;
    for (size_t i = 0; i < uns_record_count(record); i++)
        count += uns_record_result(record, i)->stop == stop;
    return count;
}

static cli_status judge(const job *job, const uns_record *record) {
    size_t cells = uns_record_count(record);
    size_t cut = count_stops(record, UNS_STOP_INTERRUPTED);
    size_t diverged = count_stops(record, UNS_STOP_DIVERGED);
    const char *where = job->folder[0] ? job->folder : NULL;
    if (!job->quiet && where)
        cli_say("wrote %s", where);
    if (cut > 0) {
        if (!job->quiet)
            cli_say("interrupted: %zu of %zu cells were not finished%s%s", cut, cells,
                    where ? "; what they had is in " : "", where ? where : "");
        return CLI_INTERRUPTED;
    }
    if (diverged == cells || (job->strict && diverged > 0)) {
        if (!job->quiet)
            cli_say("%zu of %zu cells diverged", diverged, cells);
        return CLI_DIVERGED;
    }
    return CLI_FINE;
}

static cli_status finish(job *job, uns_record *record) {
    cli_status status = write_record(job, record);
    if (status == CLI_FINE && (job->json || !job->quiet))
        status = cli_record_print(job->session.context, record, job->json);
    return status == CLI_FINE ? judge(job, record) : status;
}

static cli_status carry_out(job *job) {
    uns_record *record = NULL;
    cli_status result = choose_folder(job);
    if (result != CLI_FINE)
        return result;
    uns_status status = run_plan(job, &record);
    result =
        status == UNS_OK ? finish(job, record) : cli_fail(job->session.context, status, false);
    uns_record_destroy(record);
    if (job->claimed)
        rmdir(job->folder);
    return result;
}

static cli_status run(const cli_arguments *arguments) {
    job job = {.arguments = arguments,
               .json = cli_option_value(arguments, "json"),
               .quiet = cli_option_value(arguments, "quiet"),
               .strict = cli_option_value(arguments, "strict")};
    cli_status status = cli_session_open(arguments, &job.session);
    if (status != CLI_FINE)
        return status;
    status = carry_out(&job);
    cli_session_close(&job.session);
    return status;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {
    {"out", "DIR", "write the record there: a new or empty folder, or one of an earlier run"},
    {"json", NULL, "print summary.json and nothing else on standard output"},
    {"quiet", NULL, "no table, no progress, no notes; errors are still told"},
    {"strict", NULL, "exit with 3 if any cell diverged, not only if all did"},
    {NULL, NULL, NULL},
};

const cli_command cli_run = {
    .name = "run",
    .operands = "CONFIG [KEY=VALUE ...]",
    .summary = "run the plan in a YAML file and print who escaped first and settled closest",
    .help =
        "Runs every cell of the plan in CONFIG: each optimizer on each problem, a list where "
        "a\n"
        "scalar is expected being a grid. KEY=VALUE overrides the file by a path of names:\n"
        "  unsaddle run saddle.yaml steps=1000 optimizers.rmsprop.eta=1e-3\n"
        "  unsaddle run saddle.yaml 'optimizers.sgd.eta=[1e-3, 1e-2]'\n\n"
        "The record goes to the folder of --out, or to a new one: runs/NAME, runs/NAME-2, ...\n"
        "after the name of CONFIG. With --json and no --out nothing is written. It holds\n"
        "config.yaml (every key written out), meta.json, metrics.csv, escapes.csv,\n"
        "points.csv, readings.csv, episodes.csv, summary.json and plot.svg. 'unsaddle show'\n"
        "prints its table again.\n\n"
        "instruments.every=N reads noise and curvature every N steps; stall.every=N tests\n"
        "whether a run has stalled and certifies where; stall.act=witness lets it step off a\n"
        "saddle. Both are off unless the plan says so.\n\n"
        "Ctrl-C stops the run after the step under way (up to seconds where that takes a root\n"
        "of 2048 rows, a minute for 4096) and finishes the record; a second one quits at once.",
    .least = 1,
    .most = (size_t)-1,
    .options = options,
    .run = run,
};
