/* SPDX-License-Identifier: MIT
 * What the instruments said: the stalls that a run looked into and the last readings, a
 * sentence a cell. Not the tables themselves, which are the record's.
 */
#include "base/base.h"
#include "report/parts.h"

#include <math.h>
#include <stdlib.h>

enum {
    NAMED_MOST = 8 /* cells told of; the record has all */
};

/* Saddles among the episodes of a cell. */
typedef struct saddles {
    size_t count, acted, left;
    double lowest, highest; /* curvature */
    double steps, forecast; /* medians over those left */
} saddles;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the finite; NaN where there are none. Sorts. */
static double median(double *values, size_t count) {
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof *values, compare);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

static saddles count_saddles(const uns_result *result) {
    saddles all = {.lowest = NAN, .highest = NAN, .steps = NAN, .forecast = NAN};
    double *steps = malloc((2 * result->episodes + 1) * sizeof *steps);
    size_t left = 0, foretold = 0;
    for (size_t i = 0; i < result->episodes; i++) {
        const uns_episode *e = &result->episode[i];
        if (e->verdict != UNS_VERDICT_SADDLE)
            continue;
        all.count++;
        all.acted += e->acted;
        all.left += e->left >= 0;
        all.lowest = fmin(all.lowest, e->curvature);
        all.highest = fmax(all.highest, e->curvature);
        if (!steps || e->left < 0)
            continue;
        steps[left++] = (double)e->left;
        if (!isnan(e->leave[1]))
            steps[result->episodes + foretold++] = e->leave[1];
    }
    if (steps) {
        all.steps = median(steps, left);
        all.forecast = median(steps + result->episodes, foretold);
    }
    free(steps);
    return all;
}

static void say_figure(const char *before, double value, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    uns_number_figures(value, 3, text);
    fprintf(out, "%s%s", before, text);
}

static void say_steps(const char *before, double value, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    uns_number_steps(value < 100.0 ? value : round(value), text);
    fprintf(out, "%s%s", before, text);
}

static void say_many(size_t count, const char *one, const char *many, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    uns_number_steps((double)count, text);
    fprintf(out, "%s\u00a0%s", text, count == 1 ? one : many);
}

static void say_more(size_t count, const char *one, const char *many, FILE *out) {
    fputs("; ", out);
    say_many(count, one, many, out);
}

/* How long they took; where nothing was done, beside what was forecast. */
static void say_time(const saddles *all, bool alone, FILE *out) {
    say_steps(all->left > 1 ? " after a median of " : " after ", all->steps, out);
    fputs(all->steps == 1.0 ? " step" : " steps", out);
    if (!alone || isnan(all->forecast))
        return;
    say_steps(", forecast ", all->forecast, out);
}

static void say_saddles(const saddles *all, const uns_settings *settings, FILE *out) {
    say_many(all->count, "was a saddle", "were saddles", out);
    say_figure(" (curvature ", all->lowest, out);
    if (all->highest != all->lowest)
        say_figure(" to ", all->highest, out);
    fputs(")", out);
    if (settings->stall.act != UNS_STALL_NONE)
        say_more(all->acted, "step", "steps", out);
    if (settings->stall.act == UNS_STALL_WITNESS)
        fputs(" along the witness, decrease verified", out);
    if (settings->stall.act == UNS_STALL_LARGER)
        fputs(" of the larger size", out);
    say_more(all->left, "left", "left", out);
    if (all->left > 0)
        say_time(all, settings->stall.act == UNS_STALL_NONE, out);
}

static void say_stalls(const uns_view *view, FILE *out) {
    const uns_result *result = view->result;
    char name[UNS_VIEW_NAME_SIZE];
    if (result->cell->settings.stall.every == 0)
        return;
    uns_view_name(view, name);
    fprintf(out, "Stalls of %s: ", name);
    if (result->episodes == 0) {
        fputs("none.\n", out);
        return;
    }
    saddles all = count_saddles(result);
    say_many(result->episodes, "looked into, of which ", "looked into, of which ", out);
    if (all.count == 0)
        fputs("none was shown to be a saddle", out);
    else
        say_saddles(&all, &result->cell->settings, out);
    fputs(".\n", out);
}

static void say_reading(const uns_view *view, FILE *out) {
    const uns_result *result = view->result;
    char name[UNS_VIEW_NAME_SIZE];
    if (result->cell->settings.instruments.every == 0)
        return;
    uns_view_name(view, name);
    if (result->readings == 0) {
        fprintf(
            out,
            result->cell->settings.instruments.every > 0
                ? "No reading of %s: it ended before the first was due.\n"
                : "No reading of %s: the run is too short for one at 1\u00a0%% of its cost; "
                  "give instruments.every.\n",
            name);
        return;
    }
    const uns_reading *last = &result->reading[result->readings - 1];
    say_steps("Last reading, at step ", (double)last->step, out);
    fprintf(out, " of %s:", name);
    if (!isnan(last->noise)) {
        say_figure(" ‖∇f‖² ", last->gradient, out);
        say_figure(", noise of a batch ", last->noise, out);
    }
    if (!isnan(last->curvature))
        say_figure(isnan(last->noise) ? " least curvature " : ", least curvature ",
                   last->curvature, out);
    /* a way down so slow is rounding, or none that this run could take */
    if (last->leave[1] <= 100.0 * (double)result->cell->settings.steps) {
        say_steps(", to leave along it ", last->leave[1], out);
        fprintf(out, " steps%s", last->doubts ? " (outside the formula's conditions)" : "");
    }
    fputs(".\n", out);
}

void uns_events_write(const uns_views *views, FILE *out) {
    size_t told = 0;
    for (size_t i = 0; i < views->count; i++) {
        const uns_settings *settings = &views->view[i].result->cell->settings;
        if (settings->stall.every == 0 && settings->instruments.every == 0)
            continue;
        if (told++ >= NAMED_MOST)
            continue;
        say_stalls(&views->view[i], out);
        say_reading(&views->view[i], out);
    }
    if (told > NAMED_MOST)
        fprintf(out, "And so on for %zu more: readings.csv and episodes.csv have all.\n",
                told - NAMED_MOST);
}
