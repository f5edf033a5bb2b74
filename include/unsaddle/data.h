/* SPDX-License-Identifier: MIT
 * Labelled image sets: the IDX format of MNIST (plain or .gz), and `glyphs`, images of the ten
 * digits drawn by the program itself.
 */
#ifndef UNSADDLE_DATA_H
#define UNSADDLE_DATA_H

#include <unsaddle/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* count images of rows × cols bytes (0 background, 255 ink), row-major, and their labels. */
typedef struct uns_images {
    size_t count, rows, cols;
    unsigned char *pixels; /* count·rows·cols */
    unsigned char *labels; /* count */
} uns_images;

/* Reads a pair of IDX files (magic 0x803 and 0x801; "name" or "name.gz", whichever exists).
 * The header is believed only as far as the file bears it out: a truncated or lying one,
 * another magic, differing counts are UNS_ERROR_FORMAT; a missing file UNS_ERROR_IO; each with
 * the name of the file in the message. */
UNS_NODISCARD UNS_API uns_status uns_images_read(uns_context *context, const char *images_path,
                                                 const char *labels_path, uns_images *out);

/* Draws `count` 28×28 glyphs, image i a function of (seed, first + i) alone: label uniform;
 * strokes under a random affine warp and thickness, with noise. */
UNS_NODISCARD UNS_API uns_status uns_images_glyphs(uns_context *context, uint64_t seed,
                                                   uint64_t first, size_t count,
                                                   uns_images *out);

/* Frees what read or glyphs made; zeroes the struct. */
UNS_API void uns_images_release(uns_context *context, uns_images *images);

#ifdef __cplusplus
}
#endif
#endif
