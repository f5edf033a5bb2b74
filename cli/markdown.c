/* SPDX-License-Identifier: MIT
 * The reference page: docs/reference.md is this output, committed; a test compares them.
 */
#include "cli.h"

#include <string.h>
#include <unsaddle/certificate.h>
#include <unsaddle/measure.h>
#include <unsaddle/moment.h>
#include <unsaddle/structure.h>

static const char head[] =
    "# Reference\n\n"
    "Made by `unsaddle list --markdown` from the tables that read a plan; do not edit.\n\n"
    "A plan is a YAML file: settings, one `problem`, a list of `optimizers`. A list where a\n"
    "scalar is expected is a grid. Nested keys may be written `beta: {rule: eta^2/3}` or\n"
    "`beta.rule: eta^2/3`; on the command line a value is overridden by its path:\n"
    "`optimizers.rmsprop.eta=1e-3`.\n\n";

static const char files[] =
    "## The record\n\n"
    "A run directory holds\n\n"
    "| file | what |\n|---|---|\n"
    "| `config.yaml` | the plan with every key written out; it reads back to the same cells |\n"
    "| `meta.json` | version, processor, instruction set, BLAS core, threads, seeds, compiler, "
    "date, host |\n"
    "| `metrics.csv` | rows of each cell: step, value f, gradient norm, share escaped |\n"
    "| `escapes.csv` | the escape step of each replica |\n"
    "| `points.csv` | where the first replica of each cell ended |\n"
    "| `readings.csv` | noise, curvature and forecast at chosen steps |\n"
    "| `episodes.csv` | stalls: where, what the certificate said, what was done, how it went "
    "|\n"
    "| `summary.json` | the results, see below |\n"
    "| `plot.svg` | the picture |\n\n"
    "`summary.json` is `{\"version\", \"runs\": [...]}`, one run a cell. Numbers have all "
    "their\n"
    "digits; what is not defined or was not reached is `null`. Between two runs of one plan\n"
    "only `steps_per_second`, `wall_s` and `structure.root_seconds` may differ.\n\n"
    "| key of a run | meaning |\n|---|---|\n"
    "| `optimizer` | name of the preset |\n"
    "| `label` | the optimizer's name and what the grid varies |\n"
    "| `eta` | base step size |\n"
    "| `replicas` | independent copies |\n"
    "| `escaped` | how many of them escaped |\n"
    "| `escape_steps.mean`, `.ci95`, `.deviation` | over the replicas that escaped; an escape "
    "step is the first t with the exact f below the problem's threshold, checked every step |\n"
    "| `escape_steps.median`, `.median_ci95`, `.quantiles` | Kaplan-Meier, over all replicas "
    "|\n"
    "| `floor.mean`, `floor.ci95` | mean of f - f* over the last fifth of the run, over "
    "replicas that escaped at least `settle` steps before |\n"
    "| `final.value`, `.accuracy`, `.steps`, `.diverged` | mean exact f at the end, held-out "
    "accuracy of the first replica, moves taken, replicas that diverged |\n"
    "| `theory.escape_median`, `theory.floor` | closed forms, where they hold |\n"
    "| `structure.matrices`, `.diagonal`, `.largest`, `.columns`, `.bytes` | pieces with "
    "matrices and pieces that keep their diagonal, rows of the largest matrix, columns of low "
    "rank, state over all replicas |\n"
    "| `structure.roots`, `.root_error`, `.root_seconds` | inverse roots taken over all "
    "replicas, the largest error estimate among them, the time that steps spent on them |\n"
    "| `steps_per_second`, `wall_s` | replica-steps a second; seconds |\n"
    "| `stop` | `steps`, `diverged` or `interrupted` |\n";

/* Text in a table's cell: a bar would end it, line ends cannot be. */
static void print_escaped(const char *text, FILE *out) {
    for (; *text; text++) {
        if (strchr("|*_<", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_row(const uns_param *row, FILE *out) {
    char range[CLI_RANGE_SIZE];
    cli_range_text(row, range);
    fprintf(out, "| `%s`", row->key);
    if (row->alias)
        fprintf(out, ", `%s`", row->alias);
    fprintf(out, row->fallback[0] ? " | `%s` | " : " | %s | ", row->fallback);
    print_escaped(range, out);
    fputs(" | ", out);
    print_escaped(row->unit, out);
    fputs(" | ", out);
    print_escaped(row->meaning, out);
    fputs(" |\n", out);
}

static void print_table(const uns_param_table *table, FILE *out) {
    fputs("| key | default | range | unit | meaning |\n|---|---|---|---|---|\n", out);
    for (size_t i = 0; table && i < table->count; i++)
        print_row(&table->rows[i], out);
    fputc('\n', out);
}

static void print_presets(const uns_context *context, FILE *out) {
    fputs("## Presets\n\nEach is a row of values over the defaults of the next section.\n\n"
          "| preset | what | values | source |\n|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        fprintf(out, "| `%s` | ", preset->name);
        print_escaped(preset->summary, out);
        fprintf(out, " | `%s` | ", preset->values);
        print_escaped(preset->source, out);
        fputs(" |\n", out);
    }
    fputc('\n', out);
}

static void print_moments(const uns_context *context, FILE *out) {
    fputs("## Moments\n\n| moment | what |\n|---|---|\n", out);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_MOMENT); i++) {
        const uns_moment_ops *moment = uns_context_entry(context, UNS_KIND_MOMENT, i);
        fprintf(out, "| `%s` | ", moment->name);
        print_escaped(moment->summary, out);
        fputs(" |\n", out);
    }
    fputc('\n', out);
}

static void print_structures(const uns_context *context, FILE *out) {
    fputs("## Structures\n\n| structure | what |\n|---|---|\n", out);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_STRUCTURE); i++) {
        const uns_structure_ops *structure = uns_context_entry(context, UNS_KIND_STRUCTURE, i);
        fprintf(out, "| `%s` | ", structure->name);
        print_escaped(structure->summary, out);
        fputs(" |\n", out);
    }
    fputc('\n', out);
}

static void print_problems(const uns_context *context, FILE *out) {
    fputs("## Problems\n\n", out);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PROBLEM); i++) {
        const uns_problem_ops *problem = uns_context_entry(context, UNS_KIND_PROBLEM, i);
        fprintf(out, "### `%s`\n\n", problem->name);
        print_escaped(problem->summary, out);
        fputs(".\n\n", out);
        print_table(problem->params, out);
    }
}

void cli_markdown_print(const uns_context *context, FILE *out) {
    fputs(head, out);
    fputs("## Settings\n\n", out);
    print_table(uns_settings_table(), out);
    print_presets(context, out);
    fputs(
        "## Optimizers\n\nKeys below the name of an optimizer; the order is that of one step. "
        "See\n`unsaddle/spec.h` for the formulas.\n\n",
        out);
    print_table(uns_spec_table(), out);
    print_moments(context, out);
    print_structures(context, out);
    print_problems(context, out);
    fputs("## Certificates\n\nKeys of `unsaddle certify`; `unsaddle/certificate.h` has the "
          "mathematics.\n\n",
          out);
    print_table(uns_certificate_table(), out);
    fputs("## Measurements\n\nKeys of `unsaddle measure`; `unsaddle/measure.h` says what comes "
          "of "
          "them,\ndocs/record.md what is printed.\n\n",
          out);
    print_table(uns_measure_table(), out);
    fputs(files, out);
}
