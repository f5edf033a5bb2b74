/* SPDX-License-Identifier: MIT
 * Views: names out of labels, and which cells may be compared. A label reads "name key=value
 * key=value": the optimizer's name and what the grid varies, of optimizer, problem and
 * settings.
 */
#include "report/view.h"
#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The next blank-separated word of *text; false at the end. */
static bool next_word(const char **text, char word[UNS_LABEL_SIZE]) {
    const char *from = *text + strspn(*text, " ");
    size_t length = strcspn(from, " ");
    *text = from + length;
    snprintf(word, UNS_LABEL_SIZE, "%.*s", (int)length, from);
    return length > 0;
}

static bool has_word(const char *text, const char *word) {
    char other[UNS_LABEL_SIZE];
    while (next_word(&text, other))
        if (strcmp(other, word) == 0)
            return true;
    return false;
}

static void append_word(char text[UNS_LABEL_SIZE], const char *word) {
    size_t used = strlen(text);
    snprintf(text + used, UNS_LABEL_SIZE - used, "%s%s", used ? " " : "", word);
}

/* Splits the label into the optimizer's name and the rest, but for η: it has a column of its
 * own. The name ends at the first key=value or at the problem's name. */
static void read_label(uns_view *view) {
    const uns_cell *cell = view->result->cell;
    const char *label = cell->label;
    char word[UNS_LABEL_SIZE];
    bool name = true;
    view->name[0] = view->setting[0] = '\0';
    while (next_word(&label, word)) {
        name = name && !strchr(word, '=') && strcmp(word, cell->problem) != 0;
        if (strncmp(word, "eta=", 4) != 0)
            append_word(name || !view->name[0] ? view->name : view->setting, word);
    }
}

static const uns_param_table *problem_table(const uns_context *context, const char *name) {
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PROBLEM); i++) {
        const uns_problem_ops *ops = uns_context_entry(context, UNS_KIND_PROBLEM, i);
        if (strcmp(ops->name, name) == 0)
            return ops->params;
    }
    return NULL;
}

/* Whether all fields print alike: struct padding must not count. */
static bool same_config(const uns_param_table *table, const void *a, const void *b) {
    char first[8192], second[8192]; /* UNS_REALS_MAX reals of 26 characters fit */
    for (size_t i = 0; i < table->count; i++) {
        uns_param_print(&table->rows[i], a, first, sizeof first);
        uns_param_print(&table->rows[i], b, second, sizeof second);
        if (strcmp(first, second) != 0)
            return false;
    }
    return true;
}

static bool same_settings(const uns_settings *a, const uns_settings *b) {
    return a->steps == b->steps && a->epochs == b->epochs && a->seed == b->seed &&
           a->batch == b->batch && a->settle == b->settle &&
           a->first_replica == b->first_replica;
}

static bool comparable(const uns_context *context, const uns_cell *a, const uns_cell *b) {
    if (strcmp(a->problem, b->problem) != 0 || !same_settings(&a->settings, &b->settings))
        return false;
    if (a->problem_config == b->problem_config)
        return true;
    const uns_param_table *table = problem_table(context, a->problem);
    return table && a->problem_config && b->problem_config &&
           same_config(table, a->problem_config, b->problem_config);
}

static void join_groups(const uns_context *context, uns_views *views) {
    for (size_t i = 0; i < views->count; i++) {
        uns_view *view = &views->view[i];
        view->group = views->groups;
        for (size_t j = 0; j < i && view->group == views->groups; j++)
            if (comparable(context, view->result->cell, views->view[j].result->cell))
                view->group = views->view[j].group;
        views->groups += view->group == views->groups;
    }
}

static bool group_shares(const uns_views *views, size_t group, const char *word) {
    for (size_t i = 0; i < views->count; i++)
        if (views->view[i].group == group && !has_word(views->view[i].setting, word))
            return false;
    return true;
}

static void name_method(const uns_views *views, uns_view *view) {
    const char *setting = view->setting;
    char word[UNS_LABEL_SIZE];
    snprintf(view->method, sizeof view->method, "%s", view->name);
    while (next_word(&setting, word))
        if (!group_shares(views, view->group, word))
            append_word(view->method, word);
}

static bool has_escape(const uns_result *result) {
    if (result->rows > 0)
        return !isnan(result->metrics[result->rows - 1].escaped);
    return result->escaped > 0;
}

uns_status uns_views_create(uns_context *context, const uns_result *const *results,
                            size_t count, uns_views *out) {
    uns_views views = {count, 0, NULL};
    views.view = uns_allocate(context, uns_size_product(count ? count : 1, sizeof(uns_view)));
    if (!views.view)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        uns_view *view = &views.view[i];
        const uns_cell *cell = results[i]->cell;
        view->result = results[i];
        view->escape = has_escape(results[i]);
        view->oracle = strcmp(cell->spec.moment, "exact") == 0;
        uns_number_exact(cell->spec.eta, view->eta);
        read_label(view);
    }
    join_groups(context, &views);
    for (size_t i = 0; i < count; i++)
        name_method(&views, &views.view[i]);
    *out = views;
    return UNS_OK;
}

void uns_views_release(uns_context *context, uns_views *views) {
    uns_release(context, views->view);
    views->view = NULL;
}

void uns_views_group_name(const uns_views *views, size_t group, char name[UNS_LABEL_SIZE]) {
    name[0] = '\0';
    size_t first = 0;
    while (first < views->count && views->view[first].group != group)
        first++;
    if (views->groups < 2 || first == views->count)
        return;
    const char *setting = views->view[first].setting;
    char word[UNS_LABEL_SIZE];
    while (next_word(&setting, word))
        if (group_shares(views, group, word))
            append_word(name, word);
}

void uns_view_name(const uns_view *view, char name[UNS_VIEW_NAME_SIZE]) {
    snprintf(name, UNS_VIEW_NAME_SIZE, "%s at η\u00a0=\u00a0%s", view->method, view->eta);
}

bool uns_view_sound(const uns_view *view) {
    return view->result->stop == UNS_STOP_STEPS && view->result->diverged == 0;
}
