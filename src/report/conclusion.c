/* SPDX-License-Identifier: MIT
 * The conclusion: what the numbers say, in plain words, and nothing that they do not.
 */
#include "report/compare.h"
#include "report/parts.h"

#include <math.h>
#include <string.h>

enum {
    FEW_REPLICAS = 10, /* below, chance may decide */
    NAMED_MOST = 6     /* cells in a list */
};

static void say_steps(double steps, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    uns_number_steps(steps, text);
    fputs(text, out);
}

static void say_ratio(double ratio, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    if (ratio >= 1e6) { /* one of the two is down at the rounding error */
        fputs("more than a million times", out);
        return;
    }
    uns_number_ratio(ratio, text);
    fprintf(out, "%s times", text);
}

static void say_figures(double value, int figures, FILE *out) {
    char text[UNS_NUMBER_SIZE];
    uns_number_figures(value, figures, text);
    fputs(text, out);
}

static void say_name(const uns_view *view, FILE *out) {
    char name[UNS_VIEW_NAME_SIZE];
    uns_view_name(view, name);
    fputs(name, out);
}

/* "At η = 1e-3 rmsprop leaves the saddle 13.5 times sooner than sgd (median)" */
static void say_sooner(const uns_view *a, const uns_view *b, double ratio, FILE *out) {
    fprintf(out, "At η\u00a0=\u00a0%s %s leaves the saddle %s", a->eta, a->method,
            isnan(uns_view_median(b)) ? "more than " : "");
    say_ratio(ratio, out);
    fprintf(out, " sooner than %s (median)", b->method);
}

static void say_both_medians(const uns_view *a, const uns_view *b, FILE *out) {
    fputs("escape about equally fast (median ", out);
    say_steps(uns_view_median(a), out);
    fputs(" and ", out);
    say_steps(uns_view_median(b), out);
    fputs(" steps)", out);
}

/* Two methods as fast as each other, one of them farther from the minimum. */
static bool say_equal_speed(const uns_field *field, FILE *out) {
    uns_pair best = uns_best_pair(field, uns_gain_at_equal_speed);
    if (!best.better)
        return false;
    const uns_view *slow = uns_twin(field, best.better, best.other);
    double ratio = slow ? uns_sooner(best.better, slow) : 0;
    if (ratio > 0) {
        say_sooner(best.better, slow, ratio, out);
        fprintf(out, "; to be about as fast, %s takes η\u00a0=\u00a0%s and then stays ",
                best.other->method, best.other->eta);
    } else {
        say_name(best.better, out);
        fputs(" and ", out);
        say_name(best.other, out);
        fputc(' ', out);
        say_both_medians(best.better, best.other, out);
        fprintf(out, ", but %s stays ", best.other->method);
    }
    say_ratio(uns_closer(best.better, best.other), out);
    fputs(" farther from the minimum.", out);
    return true;
}

/* One method sooner than another and not farther from the minimum. */
static bool say_dominance(const uns_field *field, FILE *out) {
    uns_pair best = uns_best_pair(field, uns_gain_by_dominance);
    if (!best.better)
        return false;
    say_name(best.better, out);
    fprintf(out, " leaves the saddle %s",
            isnan(uns_view_median(best.other)) ? "more than " : "");
    say_ratio(best.gain, out);
    fputs(" sooner than ", out);
    say_name(best.other, out);
    double ratio = uns_closer(best.better, best.other);
    fputs(" (median) and stays ", out);
    if (ratio > 0) {
        say_ratio(ratio, out);
        fputs(" closer to the minimum.", out);
    } else {
        fputs("about as close to the minimum.", out);
    }
    return true;
}

/* All as fast and as close as each other. */
static bool say_tie(const uns_extremes *found, FILE *out) {
    if (!found->complete || !uns_equally_fast(found->soonest, found->latest) ||
        !uns_equally_close(found->closest, found->farthest))
        return false;
    fputs("All escape about equally fast (median ", out);
    say_steps(uns_view_median(found->soonest), out);
    fputs(" to ", out);
    say_steps(uns_view_median(found->latest), out);
    fputs(" steps) and stay about equally close to the minimum (", out);
    say_figures(uns_view_floor(found->closest), 3, out);
    fputs(" to ", out);
    say_figures(uns_view_floor(found->farthest), 3, out);
    fputs("): nothing here tells them apart.", out);
    return true;
}

/* Sooner at the same step size, where no floor was reached to set against it. */
static bool say_speed(const uns_field *field, const uns_extremes *found, FILE *out) {
    uns_pair best = uns_best_pair(field, uns_gain_at_equal_step);
    if (found->closest || !best.better)
        return false;
    say_sooner(best.better, best.other, best.gain, out);
    fputs("; the run is too short to tell how close they stay to the minimum.", out);
    return true;
}

static void say_soonest_and_closest(const uns_extremes *found, FILE *out) {
    say_name(found->soonest, out);
    fputs(" leaves the saddle soonest (median ", out);
    say_steps(uns_view_median(found->soonest), out);
    fputs(" steps)", out);
    if (found->closest == found->soonest) {
        fputs(" and stays closest to the minimum (f − f* = ", out);
        say_figures(uns_view_floor(found->closest), 2, out);
        fputs(" on average).", out);
    } else if (found->closest) {
        fputs("; ", out);
        say_name(found->closest, out);
        fputs(" stays closest to the minimum (f − f* = ", out);
        say_figures(uns_view_floor(found->closest), 2, out);
        fputs(" on average).", out);
    } else {
        fputs("; the run is too short to tell how close the cells stay to the minimum.", out);
    }
}

static void say_single_escape(const uns_view *view, FILE *out) {
    char share[UNS_NUMBER_SIZE];
    uns_number_share((double)view->result->escaped, (double)view->result->replicas, share);
    say_name(view, out);
    fputs(" leaves the saddle at step ", out);
    say_steps(uns_view_median(view), out);
    if (view->result->replicas > 1) {
        fprintf(out, " (median; %s of the replicas within ", share);
        say_steps(uns_view_steps(view), out);
        fputs(" steps)", out);
    }
    if (!isnan(uns_view_floor(view))) {
        fputs(" and then stays ", out);
        say_figures(uns_view_floor(view), 2, out);
        fputs(" above the minimum", out);
    }
    fputs("; there is nothing to compare it with.", out);
}

/* No median was reached: nothing escaped, or fewer than half of each cell's replicas. */
static void say_not_reached(const uns_field *field, const uns_extremes *found, FILE *out) {
    const uns_view *most = NULL;
    double steps = 0;
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        if (!view)
            continue;
        steps = uns_view_steps(view); /* the same in the whole group */
        if (!most || (double)view->result->escaped * (double)most->result->replicas >
                         (double)most->result->escaped * (double)view->result->replicas)
            most = view;
    }
    if (most->result->escaped == 0) {
        fputs("Nothing escaped within ", out);
        say_steps(steps, out);
        fputs(" steps: take more steps or a larger η.", out);
        return;
    }
    char share[UNS_NUMBER_SIZE];
    uns_number_share((double)most->result->escaped, (double)most->result->replicas, share);
    fputs("Fewer than half of the replicas escaped within ", out);
    say_steps(steps, out);
    fputs(found->count > 1 ? " steps, even with the fastest, " : " steps with ", out);
    say_name(most, out);
    fprintf(out, " (%s): take more steps.", share);
}

static void say_escape(const uns_field *field, const uns_extremes *found, FILE *out) {
    if (!found->soonest)
        say_not_reached(field, found, out);
    else if (found->count == 1)
        say_single_escape(found->soonest, out);
    else if (!say_tie(found, out) && !say_equal_speed(field, out) &&
             !say_dominance(field, out) && !say_speed(field, found, out))
        say_soonest_and_closest(found, out);
}

/* Runs without an escape are ranked by accuracy where there is one, else by the final value. */
static double merit(const uns_view *view, bool accuracy) {
    return accuracy ? view->result->final_accuracy : -view->result->final_value;
}

static void say_merit(const uns_view *view, bool accuracy, FILE *out) {
    if (accuracy)
        fprintf(out, "%.2f\u00a0%%", 100 * view->result->final_accuracy);
    else
        say_figures(view->result->final_value, 4, out);
}

static const uns_view *best_merit(const uns_field *field, bool accuracy,
                                  const uns_view *without) {
    const uns_view *best = NULL;
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        if (view && view != without && !isnan(merit(view, accuracy)) &&
            (!best || merit(view, accuracy) > merit(best, accuracy)))
            best = view;
    }
    return best;
}

static void say_ranking(const uns_field *field, FILE *out) {
    const uns_view *first = best_merit(field, true, NULL);
    bool accuracy = first != NULL;
    if (!accuracy)
        first = best_merit(field, false, NULL);
    if (!first) {
        fputs("No cell has a final value: there is nothing to compare.", out);
        return;
    }
    const uns_view *second = best_merit(field, accuracy, first);
    say_name(first, out);
    fputs(accuracy ? " classifies " : " ends at f = ", out);
    say_merit(first, accuracy, out);
    fputs(accuracy ? " of the held-out samples correctly" : "", out);
    if (!second) {
        fputs("; there is nothing to compare it with.", out);
        return;
    }
    bool tie = merit(first, accuracy) == merit(second, accuracy);
    fprintf(out, ", %s; ",
            tie        ? "and is not alone in it"
            : accuracy ? "the most of all"
                       : "the lowest of all");
    say_name(second, out);
    fputs(tie ? " does as well: " : " comes next with ", out);
    say_merit(second, accuracy, out);
    fputc('.', out);
}

static bool is_lost(const uns_view *view) {
    return view->result->diverged > 0 || view->result->stop == UNS_STOP_DIVERGED;
}

/* The cells of the group that diverged, or else those that were cut short. */
static size_t count_unsound(const uns_field *field, bool lost) {
    size_t count = 0;
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = &field->views->view[i];
        count += view->group == field->group && !uns_view_sound(view) && is_lost(view) == lost;
    }
    return count;
}

static void say_lost_share(const uns_view *view, FILE *out) {
    if (!is_lost(view) || view->result->diverged == view->result->replicas)
        return;
    fputs(" (", out);
    say_steps((double)view->result->diverged, out);
    fputs(" of ", out);
    say_steps((double)view->result->replicas, out);
    fputs(" replicas)", out);
}

/* Names them: "Diverged: sgd at η = 10 (3 of 1,000 replicas)." */
static void say_unsound(const uns_field *field, bool lost, FILE *out) {
    size_t named = 0, count = count_unsound(field, lost);
    for (size_t i = 0; i < field->views->count && named < NAMED_MOST; i++) {
        const uns_view *view = &field->views->view[i];
        if (view->group != field->group || uns_view_sound(view) || is_lost(view) != lost)
            continue;
        fputs(named++ ? ", " : lost ? " Diverged: " : " Not finished: ", out);
        say_name(view, out);
        say_lost_share(view, out);
    }
    if (count > named)
        fprintf(out, " and %zu more", count - named);
    if (count > 0)
        fputc('.', out);
}

/* No member is left to compare. */
static void say_nothing_sound(const uns_field *field, FILE *out) {
    size_t lost = count_unsound(field, true), cut = count_unsound(field, false);
    if (lost == 0)
        fputs(
            "The run was cut short before any cell was finished: there is nothing to compare.",
            out);
    else if (cut == 0)
        fputs("Every cell diverged: take a smaller η.", out);
    else
        fputs("No cell ran to its end without divergence: there is nothing to compare.", out);
}

/* What a reader must know to weigh the sentence. */
static void say_chance(const uns_field *field, const uns_extremes *found, FILE *out) {
    bool few = false;
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        few |= view && view->escape && view->result->replicas < FEW_REPLICAS;
    }
    if (few && found->count > 1)
        fputs(" With so few replicas this may be chance.", out);
}

/* ... and the table, which has a column of means. */
static void say_means(const uns_field *field, FILE *out) {
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        if (view && view->result->escaped > 0 &&
            view->result->escaped < view->result->replicas) {
            fputs(" (Means are over the replicas that escaped, medians over all.)", out);
            return;
        }
    }
}

static void say_group(const uns_field *field, bool means, FILE *out) {
    uns_extremes found = uns_find_extremes(field);
    bool escape = false;
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        escape |= view && view->escape;
    }
    if (found.count == 0) {
        say_nothing_sound(field, out);
        return;
    }
    if (escape)
        say_escape(field, &found, out);
    else
        say_ranking(field, out);
    say_chance(field, &found, out);
    if (means)
        say_means(field, out);
    say_unsound(field, true, out);
    say_unsound(field, false, out);
}

static void say_groups(const uns_views *views, bool means, FILE *out) {
    char name[UNS_LABEL_SIZE];
    for (size_t group = 0; group < views->groups; group++) {
        uns_field field = {views, group};
        uns_views_group_name(views, group, name);
        if (name[0])
            fprintf(out, "%s: ", name);
        say_group(&field, means, out);
        fputc('\n', out);
    }
}

void uns_conclusion_write(const uns_views *views, FILE *out) {
    say_groups(views, true, out);
}

void uns_caption_write(const uns_views *views, FILE *out) {
    say_groups(views, false, out);
}
