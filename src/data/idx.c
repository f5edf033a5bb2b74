/* SPDX-License-Identifier: MIT
 * The IDX format of MNIST: a big-endian magic (0, 0, type 8 = unsigned byte, number of
 * dimensions), the dimensions as 32-bit numbers, then the bytes. Not for other element types or
 * dimensions. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten
 * digits".
 *
 * A header is a claim. It is compared with what the file can hold before memory is taken, and
 * with what the file does hold afterwards.
 */
#include "base/base.h"
#include "data/bytes.h"
#include <stdint.h>
#include <string.h>
#include <unsaddle/data.h>

enum {
    MAGIC_LABELS = 0x801,
    MAGIC_IMAGES = 0x803,
    DIMENSIONS_MAX = 3
};

/* What one file says: dimension[1] and [2] are 1 for labels. */
typedef struct idx_claim {
    uint32_t dimension[DIMENSIONS_MAX];
    size_t header, bytes; /* bytes of the header, and of the data after it */
} idx_claim;

static uint32_t big_endian(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const char *kind_of(uint32_t magic) {
    return magic == MAGIC_IMAGES ? "images" : magic == MAGIC_LABELS ? "labels" : NULL;
}

static uns_status wrong_magic(uns_bytes *file, uint32_t found, uint32_t wanted) {
    if (kind_of(found))
        return uns_fail(file->context, UNS_ERROR_FORMAT,
                        "'%s' is an IDX file of %s; %s are wanted here", file->name,
                        kind_of(found), kind_of(wanted));
    return uns_fail(file->context, UNS_ERROR_FORMAT,
                    "'%s' is no IDX file of %s: it starts with 0x%08x instead of 0x%08x",
                    file->name, kind_of(wanted), found, wanted);
}

static uns_status read_exactly(uns_bytes *file, const char *what, void *out, size_t n) {
    size_t got;
    UNS_TRY(uns_bytes_read(file, out, n, &got));
    if (got == n)
        return UNS_OK;
    return uns_fail(file->context, UNS_ERROR_FORMAT,
                    "'%s' is cut short: its %s has %zu of %zu bytes", file->name, what, got, n);
}

/* The dimensions multiplied and held against the size of the file. */
static uns_status check_claim(uns_bytes *file, idx_claim *claim) {
    const uint32_t *n = claim->dimension;
    if (n[0] == 0 || n[1] == 0 || n[2] == 0)
        return uns_fail(file->context, UNS_ERROR_FORMAT,
                        "'%s' claims to be empty: dimensions %u × %u × %u", file->name, n[0],
                        n[1], n[2]);
    claim->bytes = uns_size_product(uns_size_product(n[0], n[1]), n[2]);
    uint64_t most = uns_bytes_most(file);
    uint64_t room = most > claim->header ? most - claim->header : 0;
    if (claim->bytes <= room && (file->packed || claim->bytes == room))
        return UNS_OK;
    return uns_fail(file->context, UNS_ERROR_FORMAT,
                    "'%s' claims %u × %u × %u bytes of data, but its %llu bytes %s %llu",
                    file->name, n[0], n[1], n[2], (unsigned long long)file->file_size,
                    file->packed ? "cannot unpack to more than" : "hold",
                    (unsigned long long)room);
}

static uns_status read_claim(uns_bytes *file, uint32_t magic, idx_claim *claim) {
    unsigned char head[4 + 4 * DIMENSIONS_MAX];
    size_t dimensions = magic & 0xff;
    UNS_TRY(read_exactly(file, "header", head, 4));
    if (big_endian(head) != magic)
        return wrong_magic(file, big_endian(head), magic);
    UNS_TRY(read_exactly(file, "header", head + 4, 4 * dimensions));
    for (size_t i = 0; i < DIMENSIONS_MAX; i++)
        claim->dimension[i] = i < dimensions ? big_endian(head + 4 + 4 * i) : 1;
    claim->header = 4 + 4 * dimensions;
    return check_claim(file, claim);
}

/* The data, and nothing after it: this also drives gzip to its checksum. */
static uns_status read_data(uns_bytes *file, const idx_claim *claim, unsigned char *out) {
    unsigned char extra;
    size_t got;
    UNS_TRY(read_exactly(file, "data", out, claim->bytes));
    UNS_TRY(uns_bytes_read(file, &extra, 1, &got));
    if (got == 0)
        return UNS_OK;
    return uns_fail(file->context, UNS_ERROR_FORMAT,
                    "'%s' holds more than the %zu bytes of data that its header claims",
                    file->name, claim->bytes);
}

/* Both files are open: claims first, so that nothing is taken for a pair that cannot match. */
static uns_status read_pair(uns_bytes *images, uns_bytes *labels, uns_images *set) {
    uns_context *context = images->context;
    idx_claim image_claim, label_claim;
    UNS_TRY(read_claim(images, MAGIC_IMAGES, &image_claim));
    UNS_TRY(read_claim(labels, MAGIC_LABELS, &label_claim));
    if (image_claim.dimension[0] != label_claim.dimension[0])
        return uns_fail(context, UNS_ERROR_FORMAT, "'%s' has %u images but '%s' has %u labels",
                        images->name, image_claim.dimension[0], labels->name,
                        label_claim.dimension[0]);
    set->count = image_claim.dimension[0];
    set->rows = image_claim.dimension[1];
    set->cols = image_claim.dimension[2];
    set->pixels = uns_allocate(context, image_claim.bytes);
    set->labels = uns_allocate(context, label_claim.bytes);
    if (!set->pixels || !set->labels)
        return UNS_ERROR_MEMORY;
    UNS_TRY(read_data(images, &image_claim, set->pixels));
    return read_data(labels, &label_claim, set->labels);
}

static uns_status read_labels_and_pair(uns_bytes *images, const char *labels_path,
                                       uns_images *set) {
    uns_bytes labels;
    UNS_TRY(uns_bytes_open(images->context, labels_path, &labels));
    uns_status status = read_pair(images, &labels, set);
    uns_bytes_close(&labels);
    return status;
}

uns_status uns_images_read(uns_context *context, const char *images_path,
                           const char *labels_path, uns_images *out) {
    if (!context || !images_path || !labels_path || !out)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "images_read: a NULL argument");
    uns_images set = {0};
    uns_bytes images;
    UNS_TRY(uns_bytes_open(context, images_path, &images));
    uns_status status = read_labels_and_pair(&images, labels_path, &set);
    uns_bytes_close(&images);
    if (status != UNS_OK)
        uns_images_release(context, &set);
    else
        *out = set;
    return status;
}

void uns_images_release(uns_context *context, uns_images *images) {
    if (!images)
        return;
    uns_release(context, images->pixels);
    uns_release(context, images->labels);
    memset(images, 0, sizeof *images);
}
