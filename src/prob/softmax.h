/* SPDX-License-Identifier: MIT
 * The `softmax` problem's own struct: shared by what loads its data (softmax_data.c) and what
 * computes with it (softmax.c).
 */
#ifndef UNS_PROB_SOFTMAX_H
#define UNS_PROB_SOFTMAX_H

#include "kern/kern.h"
#include <unsaddle/data.h>
#include <unsaddle/problem.h>

enum {
    UNS_CLASSES = 10
};

/* Pixels of image i that may be inked: [low[i], high[i]), whole stripes where possible. */
typedef struct uns_image_set {
    uns_images images;
    uint32_t *low, *high;
} uns_image_set;

typedef struct uns_softmax_self {
    uns_context *context;
    const uns_kernels *kernels;
    uns_image_set train, test;
    size_t width; /* pixels an image */
    double l2, accuracy_goal;
    double level[256]; /* byte to [0, 1] */
    uns_block blocks[2];
} uns_softmax_self;

/* Its config; the table says what each field means. */
extern const uns_param_table uns_softmax_params;

/* create and destroy of the ops table. */
uns_status uns_softmax_create(uns_context *context, const void *config, void **out);
void uns_softmax_destroy(void *self);

#endif
