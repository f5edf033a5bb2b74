/* SPDX-License-Identifier: MIT
 * The forecast against simulation, on the configurations of forecast_cases.txt: `make
 * forecast`. One line a configuration, then the claims. Takes minutes.
 *
 * usage: forecast TABLE [REPLICAS] [FIRST LAST]
 */
#include "long/cases.h"

#include <time.h>
#include <unsaddle/forecast.h>

enum {
    D_MAX = UNS_FORECAST_DIMENSION,
    CASES_MAX = 200
};

typedef struct figures {
    double median[CASES_MAX], floor[CASES_MAX];
    size_t medians, floors;
    double inside, counted; /* replicas within the 90 % interval, and all */
    claims all;
} figures;

typedef struct spot {
    uns_context *context;
    const uns_cell *cell;
    const uns_problem *problem;
    size_t d;
    double hessian[D_MAX * D_MAX], noise[D_MAX * D_MAX], lowest[D_MAX * D_MAX];
    double root[D_MAX * D_MAX];
    uns_modes modes, minimum;
    double drop;
} spot;

/* |f(x) + Δ|/Δ at the threshold, the worse of both sides. */
static double bend(const spot *s) {
    const uns_problem_ops *ops = uns_problem_get_ops(s->problem);
    const void *self = uns_problem_self(s->problem);
    double worst = 0.0, reach = sqrt(2.0 * s->drop / s->modes.gamma);
    void *scratch = aligned_alloc(64, (ops->scratch(self, 1, 0) + 127) / 64 * 64);
    for (int side = -1; side <= 1; side += 2) {
        double x[D_MAX], f = NAN;
        for (size_t i = 0; i < s->d; i++)
            x[i] = side * reach * s->modes.direction[i];
        const void *blocks[1] = {x};
        uns_eval eval = {1, {blocks, 1}, NULL, scratch};
        if (ops->value(self, &eval, &f) != UNS_OK)
            give_up(s->context, "value");
        worst = fmax(worst, fabs(f + s->drop) / s->drop);
    }
    free(scratch);
    return worst;
}

static bool look(spot *s) {
    const uns_problem_ops *ops = uns_problem_get_ops(s->problem);
    const void *self = uns_problem_self(s->problem);
    uns_truth truth;
    uns_problem_truth(s->problem, &truth);
    s->d = uns_problem_dimension(s->problem);
    s->drop = truth.start_value - truth.escape_value;
    if (ops->spectra(self, UNS_POINT_START, s->hessian, s->noise) != UNS_OK)
        give_up(s->context, "spectra");
    if (uns_forecast_root(s->context, &s->cell->spec, s->d, s->noise, NULL, s->root) !=
            UNS_OK ||
        uns_forecast_modes_dense(s->context, s->d, s->hessian, s->noise, s->root, &s->modes) !=
            UNS_OK)
        give_up(s->context, "modes");
    double same[D_MAX * D_MAX];
    return ops->spectra(self, UNS_POINT_MINIMUM, s->lowest, same) == UNS_OK &&
           uns_forecast_modes_dense(s->context, s->d, s->lowest, s->noise, s->root,
                                    &s->minimum) == UNS_OK;
}

static uns_forecast forecast_of(spot *s) {
    uns_forecast out;
    bool bounded = look(s);
    uns_forecast_site site = uns_forecast_site_of(&s->modes, s->drop);
    site.minimum = bounded ? &s->minimum : NULL;
    site.bend = s->modes.gamma > 0.0 ? bend(s) : NAN;
    site.pull = uns_forecast_pull(&s->cell->spec, s->d, s->hessian, s->noise, &s->modes,
                                  s->drop, &site.pull_alone);
    if (uns_forecast_make(s->context, &s->cell->spec, &site, &out) != UNS_OK)
        give_up(s->context, "forecast");
    return out;
}

static void add_coverage(const uns_result *result, const uns_forecast *forecast, figures *all) {
    for (int64_t r = 0; r < result->replicas; r++) {
        double t = result->escape_steps[r] > 0 ? (double)result->escape_steps[r] : INFINITY;
        all->inside += t > forecast->escape[0] && t <= forecast->escape[4];
        all->counted += 1.0;
    }
}

static double coverage(const uns_result *result, const uns_forecast *forecast) {
    figures one = {.counted = 0.0};
    add_coverage(result, forecast, &one);
    return one.inside / one.counted;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void judge(const char *text, bool inside, const uns_result *result,
                  const uns_forecast *f, double asked_ms, figures *all) {
    double miss = f->escape[2] / result->escape_median - 1.0;
    double floor_miss = f->floor / result->floor.mean - 1.0;
    double share = coverage(result, f);
    char line[512];
    snprintf(line, sizeof line,
             "median %.0f, forecast %.0f (%+.1f %%), %.1f %% in the interval, floor %.3g, "
             "forecast %.3g (%+.1f %%), %s, doubts %u/%u, %.1f ms: %s",
             result->escape_median, f->escape[2], 100.0 * miss, 100.0 * share,
             result->floor.mean, f->floor, 100.0 * floor_miss,
             uns_forecast_method_text(f->method), f->doubts, f->open, asked_ms, text);
    if (!inside) {
        claim(&all->all, f->doubts != 0, "flagged: %s", line);
        return;
    }
    claim(&all->all, fabs(miss) <= 0.15, "%s", line);
    add_coverage(result, f, all);
    all->median[all->medians++] = isnan(miss) ? INFINITY : fabs(miss);
    if (isfinite(result->floor.mean))
        all->floor[all->floors++] = isnan(floor_miss) ? INFINITY : fabs(floor_miss);
}

static bool missing(uns_context *context, const uns_spec *spec) {
    const void *entry;
    return uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &entry) != UNS_OK;
}

static void run_case(uns_context *context, char *line, int64_t replicas, figures *all) {
    char *part[4];
    size_t count = 0;
    for (char *rest = line, *p; count < 4 && (p = strsep(&rest, "|"));)
        part[count++] = p + strspn(p, " ");
    if (count < 4)
        give_up(context, line);
    uns_cell cell = {.settings = {.steps = atoll(part[3]),
                                  .replicas = replicas,
                                  .seed = 1,
                                  .batch = 1,
                                  .records = 10}};
    cell.settings.settle = cell.settings.steps / 10;
    snprintf(cell.problem, sizeof cell.problem, "saddle");
    read_spec(context, part[1], &cell);
    char text[300];
    snprintf(text, sizeof text, "%s| %s", part[1], part[2]);
    if (missing(context, &cell.spec)) {
        printf("skipped no structure '%s' in this build: %s\n", cell.spec.structure, text);
        all->all.skipped++;
        return;
    }
    void *config = make_config(context, "saddle", part[2]);
    cell.problem_config = config;
    spot *s = calloc(1, sizeof *s);
    uns_problem *problem = NULL;
    if (!s || uns_problem_create(context, "saddle", config, &problem) != UNS_OK)
        give_up(context, text);
    *s = (spot){.context = context, .cell = &cell, .problem = problem};
    double start = now_s();
    uns_forecast forecast = forecast_of(s);
    double asked_ms = 1e3 * (now_s() - start);
    const uns_cell *cells[1] = {&cell};
    uns_record *record = NULL;
    if (uns_run_cells(context, cells, 1, "", NULL, &record) != UNS_OK)
        give_up(context, text);
    judge(text, strncmp(line, "inside", 6) == 0, uns_record_result(record, 0), &forecast,
          asked_ms, all);
    uns_record_destroy(record);
    uns_problem_destroy(problem);
    free(s);
    free(config);
}

static void conclude(figures *all) {
    double worst = 0.0;
    for (size_t i = 0; i < all->medians; i++)
        worst = fmax(worst, all->median[i]);
    double share = all->inside / all->counted;
    double median = median_of(all->medians, all->median);
    double floor = median_of(all->floors, all->floor);
    claim(&all->all, median <= 0.05, "median escapes: off by %.1f %% in the median of %zu",
          100.0 * median, all->medians);
    claim(&all->all, worst <= 0.15, "median escapes: off by %.1f %% at worst", 100.0 * worst);
    claim(&all->all, floor <= 0.05, "floors: off by %.1f %% in the median of %zu",
          100.0 * floor, all->floors);
    claim(&all->all, share >= 0.87 && share <= 0.93,
          "90 %% intervals: %.1f %% of all escapes lie in them", 100.0 * share);
}

int main(int count, char **arguments) {
    figures all = {.counted = 0.0};
    char line[1024];
    FILE *table = count > 1 ? fopen(arguments[1], "r") : NULL;
    if (!table) {
        fprintf(stderr, "usage: forecast TABLE [REPLICAS] [FIRST LAST]\n");
        return 2;
    }
    int64_t replicas = count > 2 ? atoll(arguments[2]) : 1000;
    int first = count > 4 ? atoi(arguments[3]) : 1, last = count > 4 ? atoi(arguments[4]) : 999;
    uns_context *context = open_all();
    double start = now_s();
    for (int number = 0; fgets(line, sizeof line, table);) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (++number >= first && number <= last)
            run_case(context, line, replicas, &all);
    }
    fclose(table);
    conclude(&all);
    printf("%.0f s\n", now_s() - start);
    uns_context_destroy(context);
    return close_claims(&all.all);
}
