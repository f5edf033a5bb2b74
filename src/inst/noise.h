/* SPDX-License-Identifier: MIT
 * The noise instrument from within: what the stream leaves behind and the statistics read.
 *
 * The draws are cut into 16 groups in order. Sums that are numbers are kept a group; sums that
 * are vectors a part of two groups. Groups 0–7 also feed the sketch, whose vectors are judged
 * on groups 8–15.
 */
#ifndef UNS_INST_NOISE_H
#define UNS_INST_NOISE_H

#include "inst/sketch.h"

#include <unsaddle/noise.h>

enum {
    UNS_NOISE_GROUPS = 16,
    UNS_NOISE_PARTS = UNS_NOISE_GROUPS / 2,
    UNS_NOISE_WINDOW = 8 /* latest differences (and draws) kept for tr Σ² (and tr G²) */
};

/* Σ1, Σp, Σp² of a projection p, a group. */
typedef struct uns_sums {
    double count[UNS_NOISE_GROUPS], first[UNS_NOISE_GROUPS], second[UNS_NOISE_GROUPS];
} uns_sums;

struct uns_noise {
    uns_context *context;
    uns_noise_config config;
    size_t d, stride, draws, taken; /* stride: d rounded up, so that vectors are aligned */
    double *memory;
    double *mean, *square;       /* [parts][stride]: Σg, Σg∘g */
    double *previous, *fed;      /* [stride] */
    double *difference, *recent; /* [window][stride]; recent only for an estimate */
    size_t differences, recents; /* in the present part */
    uns_sketch sketch;
    double *top;            /* [stride] unit top vector of G, from the first half */
    double *length;         /* [directions] */
    uns_sums *along;        /* [directions], then [pairs], then top */
    uns_sums norm;          /* of ‖g‖²: first Σ‖g‖² */
    uns_sums products;      /* (δᵀδ')² */
    uns_sums draw_products; /* (gᵀg')² */
    uns_sums estimate;      /* gᵀĈg */
    double estimate_square; /* ‖Ĉ‖_F² */
    double estimate_spread; /* and its standard error */
    double largest;
    double gram[UNS_NOISE_PARTS * UNS_NOISE_PARTS]; /* of the parts' Σg */
};

size_t uns_noise_group(const uns_noise *noise, size_t draw);

#endif
