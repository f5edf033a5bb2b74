/* SPDX-License-Identifier: MIT
 * unsaddle bench: what a step costs on this machine, beside the memory traffic that it cannot
 * do without.
 */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <unsaddle/bench.h>

/* "1000000" → "1M". */
static void print_count(size_t count, char *text, size_t size) {
    static const char *const units[] = {"", "k", "M", "G"};
    size_t unit = 0;
    for (; count && count % 1000 == 0 && unit < 3; unit++)
        count /= 1000;
    snprintf(text, size, "%zu%s", count, units[unit]);
}

static void print_number(double value, int width, int digits) {
    if (isfinite(value))
        printf(" %*.*f", width, digits, value);
    else
        printf(" %*s", width, "-");
}

/* Columns that not every table has. */
typedef struct extra_columns {
    bool compared, wide, faint;
} extra_columns;

static void print_row(const uns_bench_row *row, extra_columns extra) {
    char tensors[32], length[32], layout[72];
    print_count(row->tensors, tensors, sizeof tensors);
    print_count(row->length, length, sizeof length);
    snprintf(layout, sizeof layout, "%sx%s", tensors, length);
    printf("%-17s%11s%4d", row->rule, layout, row->threads);
    print_number(row->warm.best, 8, 3);
    print_number(row->warm.median, 7, 3);
    print_number(row->bytes / row->warm.best, 6, 1);
    print_number(row->limit_warm.best, 7, 3);
    print_number(100 * row->limit_warm.best / row->warm.best, 5, 0);
    print_number(100 * row->share, 4, 0);
    print_number(row->checked.best, 8, 3);
    print_number(100 * row->share_checked, 5, 0);
    print_number(row->cold.best, 7, 3);
    print_number(row->limit_cold.best, 7, 3);
    print_number(row->apart.best, 7, 3);
    print_number(100 * row->share_apart, 5, 0);
    if (extra.wide) {
        print_number(row->wide.best, 7, 3);
        print_number(100 * row->share_wide, 4, 0);
    }
    if (extra.faint) {
        print_number(row->faint.best, 7, 3);
        print_number(100 * row->share_faint, 4, 0);
    }
    if (extra.compared)
        print_number(row->before, 7, 3);
    if (extra.compared && isfinite(row->before))
        print_number(row->warm.best / row->before, 6, 2);
    putchar('\n');
}

static void print_table(const uns_bench *bench, bool compared) {
    extra_columns extra = {.compared = compared};
    double slowest = 0.0;
    for (size_t i = 0; i < uns_bench_count(bench); i++) {
        const uns_bench_row *row = uns_bench_row_at(bench, i);
        extra.wide = extra.wide || isfinite(row->wide.best);
        extra.faint = extra.faint || isfinite(row->faint.best);
        slowest = fmax(slowest, row->share_faint);
    }
    printf("%-17s%11s%4s %8s %7s %6s %7s %5s %4s %8s %5s %7s %7s %7s %5s%s%s%s\n", "rule",
           "layout", "thr", "best ns", "median", "GB/s", "limit", "best%", "med%", "checked",
           "med%", "cold", "limit", "apart", "med%", extra.wide ? "    wide med%" : "",
           extra.faint ? "   subn. med%" : "", compared ? "  before  ratio" : "");
    for (size_t i = 0; i < uns_bench_count(bench); i++)
        print_row(uns_bench_row_at(bench, i), extra);
    puts(
        "\nTimes in ns a parameter, best of many unless it says median. limit: a bare loop "
        "that reads\nand writes the same arrays; best% and med%: its share of the step's time, "
        "of the bests and\nas the median of neighbours. Steps are timed with nonfinite=ignore; "
        "checked: with stop, the\ndefault, which reads the gradient twice, and the limit's "
        "share of that. cold: caches overwritten\nbefore. apart: one parallel region a tensor; "
        "med%: the step's share of that time.");
    if (extra.wide)
        puts("wide: the same step with state=auto, in turns; med%: the step's share of that "
             "time.");
    if (extra.faint)
        printf(
            "subn.: the same step on subnormal gradients and state, in turns; med%%: in units "
            "of the step,\nat most %.0f (no more than 150 is promised%s).\n",
            100 * slowest, slowest > 1.5 ? ", and missed here" : "");
}

static void print_dense_row(const uns_bench_dense_row *row) {
    char rows[32], cols[32], shape[72];
    print_count(row->rows, rows, sizeof rows);
    print_count(row->cols, cols, sizeof cols);
    snprintf(shape, sizeof shape, "%sx%s", rows, cols);
    printf("%-15s%11s%4d", row->rule, shape, row->threads);
    print_number((double)row->state / (1024.0 * 1024.0), 8, 1);
    printf(" %8llu %6llu", (unsigned long long)row->steps, (unsigned long long)row->roots);
    print_number(1e3 * row->step, 9, 3);
    print_number(1e3 * row->least, 9, 3);
    print_number(1e9 * row->step / ((double)row->rows * (double)row->cols), 9, 2);
    print_number(100 * row->root_share, 7, 1);
    print_number(1e3 * row->gemm, 8, 2);
    print_number(row->step_gemms, 6, 2);
    print_number((double)row->state / row->read * 1e-9, 6, 1);
    print_number(row->least_reads, 6, 2);
    putchar('\n');
}

static void print_dense_table(const uns_bench *bench) {
    printf("%-15s%11s%4s %8s %8s %6s %9s %9s %9s %7s %8s %6s %6s %6s\n", "rule", "tensor",
           "thr", "MiB", "steps", "roots", "step ms", "least", "ns/param", "root %", "GEMM ms",
           "GEMMs", "GB/s", "reads");
    for (size_t i = 0; i < uns_bench_count(bench); i++)
        print_dense_row(uns_bench_dense_at(bench, i));
    puts("\nf64 unless said, over whole periods of refreshing the root, after the burn-in. "
         "root %: share of "
         "the time\nspent on roots. GEMM: rows×rows by rows×cols by one thread, in turns with "
         "the "
         "steps; GEMMs: a\nstep in units of it. GB/s: reading the state once; reads: the "
         "quickest "
         "step in units of that.");
}

static void show_progress(void *user, size_t done, size_t rows) {
    const int columns = *(const int *)user;
    if (columns > 0)
        fprintf(stderr, "\r%zu of %zu rows\033[K", done, rows);
    if (columns > 0 && done == rows)
        fputs("\r\033[K", stderr);
}

static cli_status write_json(const uns_bench *bench, const uns_context *context,
                             const char *path, bool print) {
    char *json = NULL;
    uns_status status = uns_bench_json(bench, &json);
    if (status != UNS_OK)
        return cli_fail(context, status, true);
    cli_status written = path ? cli_file_write(path, json) : CLI_FINE;
    if (print)
        puts(json);
    free(json);
    return written;
}

static cli_status finish(const cli_arguments *arguments, const uns_context *context,
                         uns_bench *bench, size_t planned) {
    const char *compare = cli_option_value(arguments, "compare");
    const bool json = cli_option_value(arguments, "json");
    if (!json && cli_option_value(arguments, "dense"))
        print_dense_table(bench);
    else if (!json)
        print_table(bench, compare);
    cli_status status = write_json(bench, context, cli_option_value(arguments, "out"), json);
    if (status == CLI_FINE && uns_bench_count(bench) < planned)
        return CLI_INTERRUPTED;
    return status;
}

/* The file to compare with is read first, so that a wrong name costs no minutes. */
static uns_status measure(const cli_arguments *arguments, uns_bench *bench) {
    const char *compare = cli_option_value(arguments, "compare");
    size_t found = 0;
    if (compare) {
        uns_status status = uns_bench_compare(bench, compare, &found);
        if (status != UNS_OK)
            return status;
        if (found == 0)
            cli_say("%s has none of these rows", compare);
    }
    if (cli_option_value(arguments, "dense"))
        return uns_bench_run(bench);
    cli_say("%zu rows; the largest takes %.2f GiB of memory", uns_bench_count(bench),
            uns_bench_bytes(bench) / (1024.0 * 1024 * 1024));
    return uns_bench_run(bench);
}

/* The operands as one text of pairs. */
static bool join_values(const cli_arguments *arguments, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < arguments->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s ", arguments->operand[i]);
    return used < size;
}

static cli_status read_config(const cli_arguments *arguments, uns_bench_config *config,
                              char *values, size_t size) {
    const char *seconds = cli_option_value(arguments, "seconds");
    char *end = NULL;
    if (!join_values(arguments, values, size)) {
        cli_say("the operands are too long");
        return CLI_INPUT;
    }
    *config = (uns_bench_config){.size = sizeof *config,
                                 .rules = cli_option_value(arguments, "rules"),
                                 .layouts = cli_option_value(arguments, "layouts"),
                                 .threads = cli_option_value(arguments, "threads"),
                                 .values = values,
                                 .dense = cli_option_value(arguments, "dense"),
                                 .subnormal = cli_option_value(arguments, "subnormal"),
                                 .progress = show_progress};
    config->seconds = seconds ? strtod(seconds, &end) : 0;
    if (seconds && (end == seconds || *end || !(config->seconds > 0))) {
        cli_say("--seconds: '%s' is no positive number", seconds);
        return CLI_INPUT;
    }
    return CLI_FINE;
}

static cli_status bench_in(uns_context *context, const cli_arguments *arguments,
                           const uns_bench_config *config) {
    uns_bench *bench = NULL;
    uns_status status = uns_bench_create(context, config, &bench);
    if (status != UNS_OK)
        return cli_fail(context, status, false);
    const size_t planned = uns_bench_count(bench);
    status = measure(arguments, bench);
    cli_status result = status == UNS_OK ? finish(arguments, context, bench, planned)
                                         : cli_fail(context, status, false);
    uns_bench_destroy(bench);
    return result;
}

static cli_status bench(const cli_arguments *arguments) {
    char values[2048];
    uns_bench_config config;
    int columns = cli_columns(stderr);
    cli_status status = read_config(arguments, &config, values, sizeof values);
    if (status != CLI_FINE)
        return status;
    uns_context *context = cli_context_open(1);
    if (!context)
        return CLI_INTERNAL;
    config.user = &columns;
    config.interrupt = cli_interrupt_catch(CLI_STOPPING("the rows done will be kept."));
    status = bench_in(context, arguments, &config);
    uns_context_destroy(context);
    return status;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {
    {"rules", "LIST",
     "presets, PRESET:STATE[:bf16], or 'all'; adamw,rmsprop,momentum unless said"},
    {"layouts", "LIST", "TENSORSxFLOATS; 1x1M,1x100M,1000x10k,1000x100 unless said"},
    {"threads", "LIST", "1 and one for each core unless said"},
    {"dense", "LIST",
     "instead: structures with matrices, PRESET:ROWSxCOLS[:f32][:KEY=VALUE] or default"},
    {"seconds", "S", "time for each row; 2 unless said"},
    {"subnormal", NULL, "time the step on subnormal gradients and state too"},
    {"out", "FILE", "write the figures there as JSON"},
    {"compare", "FILE", "show the times of an earlier --out FILE beside the new ones"},
    {"json", NULL, "print the JSON instead of the table"},
    {NULL, NULL, NULL},
};

const cli_command cli_bench = {
    .name = "bench",
    .operands = "[KEY=VALUE ...]",
    .summary = "time the step of each rule against the memory traffic that it needs",
    .help =
        "Times optimizer steps in ns a parameter, for each rule, layout and thread count, in\n"
        "turns with a bare loop that reads and writes the same arrays (the limit). Steps do "
        "not\n"
        "look for non-finite gradients but under 'checked', which is the default. KEY=VALUE\n"
        "changes every rule, by the keys that 'unsaddle list PRESET' shows:\n"
        "  unsaddle bench --rules adamw,lion --layouts 1x1M --threads 1\n"
        "  unsaddle bench --rules adamw:bf16,adamw:q8,adamw:q8:bf16 --layouts 1x100M\n"
        "  unsaddle bench --rules all --out before.json\n"
        "  unsaddle bench --rules all --compare before.json\n"
        "  unsaddle bench --dense default\n\n"
        "PRESET:STATE is that preset with state=STATE, timed in turns with state=auto;\n"
        "PRESET:STATE:bf16 has bf16 parameters and gradients as well.\n\n"
        "The memory needed is said first, and a row that does not fit is refused.",
    .least = 0,
    .most = (size_t)-1,
    .options = options,
    .run = bench,
};
