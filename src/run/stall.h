/* SPDX-License-Identifier: MIT
 * The watch for stalls within a slice: the cheap test here, what follows from it in episode.c.
 */
#ifndef UNS_STALL_H
#define UNS_STALL_H

#include "run/survey.h"

typedef struct uns_stall_watch {
    uns_survey survey;
    size_t samples; /* behind value; 0: the whole objective */
    double *memory;
    void **half_blocks[2];
    double *half[2]; /* sums of gradients, replicas innermost */
    /* Of each replica. */
    double *value;            /* f at this test */
    double *lowest, *highest; /* f at the tests before */
    double *inner, *square;   /* of the two halves; Σ‖g‖² */
    double *goal;             /* f of an open episode that counts as left; -infinity: none */
    int64_t *wait;            /* no certificate before this step */
    unsigned char *pause;     /* how often the last looks were in vain */
    size_t open;              /* episodes not left */
    int64_t tests;
} uns_stall_watch;

/* episode.c: certificate, survey and, where the plan says so, the step, for replica r after t
 * moves. `gradient` and `noise` are the test's. */
UNS_NODISCARD uns_status uns_episode_begin(uns_slice *slice, uns_stall_watch *watch, size_t r,
                                           int64_t t, double gradient, double noise);
/* stall.c: after an episode, a pause that doubles with every one in a row. */
void uns_stall_pause(uns_slice *slice, size_t r, int64_t t);

#endif
