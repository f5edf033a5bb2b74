/* SPDX-License-Identifier: MIT
 * The program `unsaddle`: what its commands share. Each command is one file and one row of the
 * table in main.c; all of them stand on <unsaddle/...> alone.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <unsaddle/run.h>

/* Exit statuses. cli_statuses_print writes them for --help. */
typedef enum cli_status {
    CLI_FINE = 0,
    CLI_INTERNAL = 1,     /* input or output failed, out of memory */
    CLI_INPUT = 2,        /* wrong usage, or a plan that cannot be run */
    CLI_DIVERGED = 3,     /* every cell diverged; with --strict, any */
    CLI_SADDLE = 10,      /* certify: a saddle */
    CLI_GRADIENT = 11,    /* certify: not stationary at first order */
    CLI_UNDECIDED = 12,   /* certify: neither shown within the budget */
    CLI_INTERRUPTED = 130 /* by Ctrl-C, after what was done was written or shown */
} cli_status;

enum {
    CLI_OPTIONS_MAX = 16
};

typedef struct cli_option {
    const char *name;     /* without dashes */
    const char *argument; /* "DIR"; NULL: a flag */
    const char *help;
} cli_option;

typedef struct cli_arguments cli_arguments;

typedef struct cli_command {
    const char *name;
    const char *operands;      /* as in the usage line: "CONFIG [key=value ...]" */
    const char *summary;       /* one line */
    const char *help;          /* paragraphs */
    size_t least, most;        /* operands */
    const cli_option *options; /* ends with a NULL name */
    cli_status (*run)(const cli_arguments *arguments);
} cli_command;

struct cli_arguments {
    const cli_command *command;
    const char *option[CLI_OPTIONS_MAX]; /* value by row of command->options; "" for a flag */
    size_t count;
    const char **operand; /* [count] */
};

/* main.c: the table of commands; ends with NULL. */
extern const cli_command *const cli_commands[];
const cli_command *cli_command_find(const char *name);

/* One file each. */
extern const cli_command cli_run, cli_show, cli_certify, cli_measure, cli_check, cli_list,
    cli_new, cli_info, cli_bench, cli_help;

/* arguments.c: reads what follows the command's name. `operands` has room for `count`. Says
 * what is wrong and returns CLI_INPUT. */
cli_status cli_arguments_read(const cli_command *command, int count, char **words,
                              const char **operands, cli_arguments *out);

/* The value of an option, "" for a flag given, NULL when absent. */
const char *cli_option_value(const cli_arguments *arguments, const char *name);

/* help.c: all of them write to `out`. */
void cli_usage_print(FILE *out);
void cli_command_help_print(const cli_command *command, FILE *out);
void cli_statuses_print(FILE *out);

/* say.c: "unsaddle: ..." and a line end, on standard error. */
void cli_say(const char *format, ...) UNS_PRINTF(1, 2);

/* Says the context's message and returns the exit status that belongs to it. `output`: the
 * failure was in writing, so that UNS_ERROR_IO is no fault of the input. */
cli_status cli_fail(const uns_context *context, uns_status status, bool output);
/* The same for what stands at `place` in a plan. */
cli_status cli_fail_at(const uns_context *context, uns_status status, const char *place);

/* ", did you mean 'x'?" or "" in `text`: for names that are not known. */
enum {
    CLI_HINT_SIZE = 128
};
void cli_hint(const char *name, const char *(*candidates)(const void *, size_t),
              const void *user, char text[CLI_HINT_SIZE]);

/* session.c: a context that knows the built-in problems; NULL after a message. threads 0: one
 * for each core. */
uns_context *cli_context_open(int threads);

/* A plan from the operands CONFIG [key=value ...], in a context with as many threads as the
 * plan asks for. On failure nothing is left behind. */
typedef struct cli_session {
    uns_context *context;
    uns_plan *plan;
} cli_session;
cli_status cli_session_open(const cli_arguments *arguments, cli_session *out);
void cli_session_close(cli_session *session);

/* place.c: a problem and a point of it, for the instruments. */
typedef struct cli_place {
    uns_context *context;
    uns_plan *plan;     /* of a CONFIG */
    uns_record *record; /* of a DIR */
    const uns_cell *cell;
    const uns_result *result; /* of a DIR */
    bool end;                 /* the point is where the cell's first replica ended */
    uns_problem *problem;
    uns_layout *layout;
    double *flat;
    uns_tensors x; /* over flat */
} cli_place;

/* `path`: a plan or a run's folder; `label` NULL: the first cell; `at` "start", "end" or NULL:
 * the end where there is one. Says what is wrong; nothing is left behind then. */
cli_status cli_place_open(const char *path, const char *label, const char *at, cli_place *out);
void cli_place_close(cli_place *place);

/* Defaults, then the operands KEY=VALUE behind the first. */
cli_status cli_pairs_read(uns_context *context, const uns_param_table *table, void *config,
                          const cli_arguments *arguments);

/* terminal.c: columns of the terminal behind a stream, at least 48; 0: it is no terminal. */
int cli_columns(FILE *stream);

/* core.c: first of all, one thread and the right kernels for OpenBLAS; may start the program
 * anew, once. */
void cli_core_settle(char **words);

/* Before anything is opened: standard streams that are closed must not become data files, and
 * a reader who goes away must not end the program. */
void cli_streams_open(void);

/* At the end: writes what is left to standard output; CLI_INTERNAL when that fails, instead of
 * a verdict too. A reader who has gone away is no news. */
cli_status cli_streams_finish(cli_status status);

/* interrupt.c: from now on the first Ctrl-C (or SIGTERM) sets the flag and writes `notice`, of
 * static storage (NULL: nothing); a second one ends the program at once. */
#define CLI_STOPPING(what) "\nunsaddle: stopping; " what " Ctrl-C again quits at once.\n"
const volatile int *cli_interrupt_catch(const char *notice);

/* progress.c: one line redrawn on a terminal, a plain line every ten seconds elsewhere; for
 * uns_run_config.progress. */
typedef struct cli_progress {
    int columns; /* of the terminal; 0: none */
    double last_s;
    bool shown;
} cli_progress;
void cli_progress_show(void *user, const uns_progress *progress);
void cli_progress_end(cli_progress *progress);

/* footprint.c: what a structure with matrices will keep; false for others. The second is for
 * uns_run_config.footprint, with a text of that size, empty at first, as its user: one line
 * where the figures differ from those of the cell before. */
enum {
    CLI_FOOTPRINT_SIZE = 200
};
bool cli_footprint_text(const uns_footprint *footprint, char text[CLI_FOOTPRINT_SIZE]);
void cli_footprint_say(void *user, const uns_footprint *footprint);

/* folder.c: where a run is written. */
enum {
    CLI_PATH_SIZE = 4096
};

/* Makes a new folder runs/NAME, runs/NAME-2 ... for a plan's path and claims it. */
cli_status cli_folder_claim(const char *config, char folder[CLI_PATH_SIZE]);

/* file.c: a file that is there whole or as it was; a device or a pipe is written in place. Says
 * what went wrong, the writing between the two included; close ends it in any case. */
typedef struct cli_file {
    FILE *stream;
    const char *path;
    char place[CLI_PATH_SIZE];     /* behind links */
    char part[CLI_PATH_SIZE + 32]; /* what is moved there; "": written in place */
} cli_file;
cli_status cli_file_open(const char *path, cli_file *file);
cli_status cli_file_close(cli_file *file);
cli_status cli_file_write(const char *path, const char *text);

/* show.c: the record on standard output: its table, or its summary.json. */
cli_status cli_record_print(uns_context *context, const uns_record *record, bool json);

/* list.c: the kinds of names; ends with a NULL plural. */
typedef struct cli_kind {
    uns_kind kind;
    const char *plural, *singular, *meaning;
} cli_kind;
extern const cli_kind cli_kinds[];

/* markdown.c: the reference page, made from the tables of the library. */
void cli_markdown_print(const uns_context *context, FILE *out);

/* tables.c: parameter tables as text. `config` gives the values shown, NULL: the defaults;
 * rows where it differs from `defaults` are marked with a star. */
void cli_rows_print(const uns_param_table *table, const void *config, const void *defaults,
                    FILE *out);
void cli_row_print(const uns_param *row, const void *config, bool marked, FILE *out);

/* "in (0, 1]", "one of a, b, c", "whole, in [1, 256]" ... */
enum {
    CLI_RANGE_SIZE = 512
};
void cli_range_text(const uns_param *row, char text[CLI_RANGE_SIZE]);

#endif
