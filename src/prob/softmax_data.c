/* SPDX-License-Identifier: MIT
 * The `softmax` problem's config and data: drawn glyphs, or a folder of IDX files. Holds no
 * mathematics; that is softmax.c.
 */
#include "base/base.h"
#include "prob/softmax.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>

enum {
    STRIPE = 16, /* lanes of the dot kernel: whole stripes have no slow tail */
    PATH_SIZE = UNS_TEXT_SIZE + 64,
    GLYPHS_TRAIN = 10000,
    GLYPHS_TEST = 2000
};

/* Held-out glyphs are numbered from here: the same ones whatever `train` is. */
static const uint64_t glyphs_test_first = UINT64_C(1) << 40;

typedef enum softmax_data {
    DATA_GLYPHS,
    DATA_IDX
} softmax_data;

typedef struct softmax_config {
    int data; /* softmax_data */
    char path[UNS_TEXT_SIZE];
    int64_t train, test, data_seed;
    double l2;
} softmax_config;

static const uns_named data_names[] = {{"glyphs", DATA_GLYPHS}, {"idx", DATA_IDX}, {NULL, 0}};
static const uns_named count_names[] = {{"all", 0}, {NULL, 0}};

static const uns_param param_rows[] = {
    {"data", NULL, UNS_PARAM_CHOICE, offsetof(softmax_config, data), 0, 0, 0, data_names,
     "glyphs", "", "digits drawn by the program, or IDX files (MNIST)"},
    {"path", NULL, UNS_PARAM_TEXT, offsetof(softmax_config, path), 0, 0, 0, NULL, "", "",
     "idx: folder of train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files, "
     "each plain or .gz"},
    {"train", NULL, UNS_PARAM_COUNT, offsetof(softmax_config, train), 0, 1e8, 0, count_names,
     "all", "images", "training images; all: every one of the files, or 10,000 glyphs"},
    {"test", NULL, UNS_PARAM_COUNT, offsetof(softmax_config, test), 0, 1e8, 0, count_names,
     "all", "images", "held-out images; all: every one of the files, or 2,000 glyphs"},
    {"data_seed", NULL, UNS_PARAM_COUNT, offsetof(softmax_config, data_seed), 0, 1e15, 0, NULL,
     "1", "", "seed of the glyphs"},
    {"l2", NULL, UNS_PARAM_REAL, offsetof(softmax_config, l2), 0, INFINITY, UNS_OPEN_HIGH, NULL,
     "0", "", "weight of ½·‖W‖² in the objective; the bias is left out"},
};

const uns_param_table uns_softmax_params = {"problem 'softmax'", sizeof(softmax_config),
                                            UNS_COUNT_OF(param_rows), param_rows};

static uns_status limit_count(uns_context *context, const char *key, int64_t limit,
                              const char *path, uns_images *images) {
    if ((uint64_t)limit > images->count)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "problem 'softmax': %s = %lld, but '%s' holds %zu images", key,
                        (long long)limit, path, images->count);
    if (limit > 0)
        images->count = (size_t)limit;
    return UNS_OK;
}

static uns_status check_labels(uns_context *context, const char *path,
                               const uns_images *images) {
    for (size_t i = 0; i < images->count; i++)
        if (images->labels[i] >= UNS_CLASSES)
            return uns_fail(context, UNS_ERROR_FORMAT,
                            "'%s': label %u of image %zu; softmax has the classes 0 to 9", path,
                            images->labels[i], i);
    return UNS_OK;
}

static uns_status read_set(uns_context *context, const char *folder, const char *prefix,
                           const char *key, int64_t limit, uns_images *images) {
    char images_path[PATH_SIZE], labels_path[PATH_SIZE];
    snprintf(images_path, sizeof images_path, "%s/%s-images-idx3-ubyte", folder, prefix);
    snprintf(labels_path, sizeof labels_path, "%s/%s-labels-idx1-ubyte", folder, prefix);
    UNS_TRY(uns_images_read(context, images_path, labels_path, images));
    UNS_TRY(limit_count(context, key, limit, images_path, images));
    return check_labels(context, labels_path, images);
}

static uns_status load_idx(uns_softmax_self *self, const softmax_config *config) {
    uns_context *context = self->context;
    uns_images *train = &self->train.images, *test = &self->test.images;
    if (config->path[0] == '\0')
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "problem 'softmax': data = idx needs 'path', the folder that holds "
                        "train-images-idx3-ubyte and the rest");
    UNS_TRY(read_set(context, config->path, "train", "train", config->train, train));
    UNS_TRY(read_set(context, config->path, "t10k", "test", config->test, test));
    if (train->rows == test->rows && train->cols == test->cols)
        return UNS_OK;
    return uns_fail(context, UNS_ERROR_FORMAT,
                    "'%s': training images are %zu × %zu, test images %zu × %zu", config->path,
                    train->rows, train->cols, test->rows, test->cols);
}

static uns_status draw_glyphs(uns_softmax_self *self, const softmax_config *config) {
    if (config->path[0] != '\0')
        return uns_fail(self->context, UNS_ERROR_PAIR,
                        "problem 'softmax': 'path' is for data = idx, but data = glyphs");
    uint64_t seed = (uint64_t)config->data_seed;
    size_t train = config->train ? (size_t)config->train : GLYPHS_TRAIN;
    size_t test = config->test ? (size_t)config->test : GLYPHS_TEST;
    UNS_TRY(uns_images_glyphs(self->context, seed, 0, train, &self->train.images));
    return uns_images_glyphs(self->context, seed, glyphs_test_first, test, &self->test.images);
}

static uns_status find_ink(uns_softmax_self *self, uns_image_set *set) {
    size_t count = set->images.count, width = self->width;
    set->low = uns_allocate(self->context, uns_size_product(count, sizeof *set->low));
    set->high = uns_allocate(self->context, uns_size_product(count, sizeof *set->high));
    if (!set->low || !set->high)
        return UNS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *pixels = set->images.pixels + i * width;
        size_t low = 0, high = width;
        while (high > 0 && pixels[high - 1] == 0)
            high--;
        while (low < high && pixels[low] == 0)
            low++;
        high = (high + STRIPE - 1) / STRIPE * STRIPE;
        set->low[i] = (uint32_t)(low / STRIPE * STRIPE);
        set->high[i] = (uint32_t)(high < width ? high : width);
    }
    return UNS_OK;
}

static uns_status prepare(uns_softmax_self *self, const softmax_config *config) {
    bool idx = config->data == DATA_IDX;
    UNS_TRY(idx ? load_idx(self, config) : draw_glyphs(self, config));
    const uns_images *train = &self->train.images;
    if (train->rows > INT_MAX / UNS_CLASSES / train->cols)
        return uns_fail(self->context, UNS_ERROR_RANGE,
                        "'%s': images of %zu × %zu are too large", config->path, train->rows,
                        train->cols);
    self->width = train->rows * train->cols;
    self->l2 = config->l2;
    /* what this model usually reaches: on MNIST, and on glyphs of the default size */
    self->accuracy_goal = idx ? 0.92 : 0.93;
    for (int i = 0; i < 256; i++)
        self->level[i] = i / 255.0;
    self->blocks[0] = (uns_block){"W", UNS_CLASSES, self->width, 0};
    self->blocks[1] = (uns_block){"b", UNS_CLASSES, 1, 0};
    UNS_TRY(find_ink(self, &self->train));
    return find_ink(self, &self->test);
}

static void release_set(uns_context *context, uns_image_set *set) {
    uns_images_release(context, &set->images);
    uns_release(context, set->low);
    uns_release(context, set->high);
}

void uns_softmax_destroy(void *memory) {
    uns_softmax_self *self = memory;
    if (!self)
        return;
    release_set(self->context, &self->train);
    release_set(self->context, &self->test);
    uns_release(self->context, self);
}

uns_status uns_softmax_create(uns_context *context, const void *config, void **out) {
    uns_softmax_self *self = uns_allocate(context, sizeof *self);
    if (!self)
        return UNS_ERROR_MEMORY;
    self->context = context;
    self->kernels = uns_kernels_of(context);
    uns_status status = prepare(self, config);
    if (status == UNS_OK)
        *out = self;
    else
        uns_softmax_destroy(self);
    return status;
}
