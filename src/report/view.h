/* SPDX-License-Identifier: MIT
 * A view: one cell's result with the names a reader knows it by, and the group of cells it may
 * be compared with. Table, conclusion and picture all read views.
 */
#ifndef UNS_REPORT_VIEW_H
#define UNS_REPORT_VIEW_H

#include "report/number.h"

#include <unsaddle/run.h>

enum {
    UNS_LABEL_SIZE = sizeof(((uns_cell *)0)->label)
};

typedef struct uns_view {
    const uns_result *result;
    char eta[UNS_NUMBER_SIZE];
    char name[UNS_LABEL_SIZE];    /* of the optimizer: its preset, or what the plan calls it */
    char setting[UNS_LABEL_SIZE]; /* what the grid varies besides η: "beta=0.9" */
    char method[UNS_LABEL_SIZE];  /* the name, and what sets it apart within its group */
    size_t group;                 /* cells of one group have the same problem and settings */
    bool escape;                  /* the problem has an escape criterion */
    bool oracle;                  /* the second moment is handed over, not estimated */
} uns_view;

typedef struct uns_views {
    size_t count, groups;
    uns_view *view; /* [count], in the order of the plan */
} uns_views;

/* Views of `count` results, borrowed; freed by release. UNS_ERROR_MEMORY. */
uns_status uns_views_create(uns_context *context, const uns_result *const *results,
                            size_t count, uns_views *out);
void uns_views_release(uns_context *context, uns_views *views);

/* What all cells of the group share of their labels ("" when there is one group only). */
void uns_views_group_name(const uns_views *views, size_t group, char name[UNS_LABEL_SIZE]);

/* "rmsprop at η = 1e-3", with no-break spaces around the sign. */
enum {
    UNS_VIEW_NAME_SIZE = UNS_LABEL_SIZE + UNS_NUMBER_SIZE + 16
};
void uns_view_name(const uns_view *view, char name[UNS_VIEW_NAME_SIZE]);

/* Finished as planned, with no replica lost. */
bool uns_view_sound(const uns_view *view);

#endif
