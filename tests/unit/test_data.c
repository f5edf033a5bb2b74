/* SPDX-License-Identifier: MIT
 * Image sets: IDX files written to a temporary folder, sound and damaged in every way that the
 * reader must name, and the glyphs. MNIST itself where the folder is named in UNS_MNIST.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unsaddle/data.h>
#include <zlib.h>

#include "data/strokes.h"

enum {
    ROWS = 3,
    COLS = 5,
    COUNT = 7,
    PIXELS = ROWS * COLS,
    FILE_MAX = 4096
};

/* Memory as a test instrument: what is live, the largest request, and a failure on order. */
typedef struct tally {
    long live, calls, fail_at;
    size_t largest;
} tally;

static tally memory;
static uns_context *context;
static char folder[256];

static void *tally_allocate(void *user, size_t bytes, size_t align) {
    tally *t = user;
    if (++t->calls == t->fail_at || bytes > (size_t)1 << 40)
        return NULL;
    t->live++;
    t->largest = bytes > t->largest ? bytes : t->largest;
    return aligned_alloc(align, bytes);
}

static void tally_release(void *user, void *block) {
    ((tally *)user)->live--;
    free(block);
}

static void open_folder(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/unsaddle-data-XXXXXX", base ? base : "/tmp");
    cr_assert(mkdtemp(folder));
    uns_context_config config = {.size = sizeof config,
                                 .allocate = tally_allocate,
                                 .release = tally_release,
                                 .user = &memory,
                                 .threads = 1};
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    memory.calls = 0;
    memory.largest = 0;
}

static const char *in_folder(const char *name) {
    static char paths[4][320];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void close_folder(void) {
    static const char *const names[] = {"images", "labels", "images.gz", "labels.gz"};
    for (size_t i = 0; i < 4; i++)
        (void)remove(in_folder(names[i]));
    cr_expect_eq(rmdir(folder), 0);
    uns_context_destroy(context);
    cr_expect_eq(memory.live, 0, "%ld blocks leaked", memory.live);
}

/* A file in the making. */
typedef struct text {
    size_t size;
    unsigned char bytes[FILE_MAX];
} text;

static void put_number(text *file, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        file->bytes[file->size++] = (unsigned char)(value >> shift);
}

static unsigned char pixel_of(size_t i) {
    return (unsigned char)(i * 37 % 251);
}

static text image_file(uint32_t magic, uint32_t count, uint32_t rows, uint32_t cols) {
    text file = {0};
    put_number(&file, magic);
    put_number(&file, count);
    put_number(&file, rows);
    put_number(&file, cols);
    for (size_t i = 0; i < COUNT * PIXELS; i++)
        file.bytes[file.size++] = pixel_of(i);
    return file;
}

static text label_file(uint32_t magic, uint32_t count) {
    text file = {0};
    put_number(&file, magic);
    put_number(&file, count);
    for (unsigned i = 0; i < COUNT; i++)
        file.bytes[file.size++] = (unsigned char)(i % 10);
    return file;
}

static text sound_images(void) {
    return image_file(0x803, COUNT, ROWS, COLS);
}

static text sound_labels(void) {
    return label_file(0x801, COUNT);
}

static void save(const char *name, const text *file) {
    FILE *out = fopen(in_folder(name), "wb");
    cr_assert(out);
    cr_assert_eq(fwrite(file->bytes, 1, file->size, out), file->size);
    cr_assert_eq(fclose(out), 0);
}

static text packed(const text *file) {
    text out = {0};
    z_stream stream = {.next_in = (Bytef *)file->bytes, .avail_in = (uInt)file->size};
    cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = out.bytes;
    stream.avail_out = FILE_MAX;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = FILE_MAX - stream.avail_out;
    (void)deflateEnd(&stream);
    return out;
}

static uns_status read_pair(uns_images *set) {
    return uns_images_read(context, in_folder("images"), in_folder("labels"), set);
}

static void expect_sound(void) {
    uns_images set = {0};
    cr_assert_eq(read_pair(&set), UNS_OK, "%s", uns_context_message(context));
    cr_assert(set.count == COUNT && set.rows == ROWS && set.cols == COLS);
    for (size_t i = 0; i < COUNT * PIXELS; i++)
        cr_assert_eq(set.pixels[i], pixel_of(i));
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(set.labels[i], i % 10);
    uns_images_release(context, &set);
    cr_expect(!set.pixels && !set.labels && set.count == 0);
}

/* The pair is refused with this code, the message names `file` and says `words`, nothing is
 * left allocated and the output is untouched. */
static void expect_refused(uns_status code, const char *file, const char *words) {
    uns_images set = {.count = 99};
    long live = memory.live;
    cr_expect_eq(read_pair(&set), code, "%s: %s", words, uns_context_message(context));
    const char *message = uns_context_message(context);
    cr_expect(strstr(message, in_folder(file)), "'%s' does not name %s", message, file);
    cr_expect(strstr(message, words), "'%s' does not say '%s'", message, words);
    cr_expect_eq(memory.live, live);
    cr_expect(set.count == 99 && !set.pixels && !set.labels);
}

static void save_pair(const text *images, const text *labels) {
    save("images", images);
    save("labels", labels);
}

TestSuite(idx, .init = open_folder, .fini = close_folder);

Test(idx, a_plain_pair_reads_back) {
    text images = sound_images(), labels = sound_labels();
    save_pair(&images, &labels);
    expect_sound();
}

Test(idx, a_gzip_pair_is_found_under_the_plain_name) {
    text images = sound_images(), labels = sound_labels();
    images = packed(&images);
    labels = packed(&labels);
    save("images.gz", &images);
    save("labels.gz", &labels);
    expect_sound();
}

Test(idx, packing_is_told_by_content_not_by_name) {
    text images = sound_images(), labels = sound_labels();
    images = packed(&images);
    save_pair(&images, &labels);
    expect_sound();
}

Test(idx, a_missing_file_is_named_with_both_spellings) {
    text images = sound_images();
    save("images", &images);
    expect_refused(UNS_ERROR_IO, "labels", "no such file");
    expect_refused(UNS_ERROR_IO, "labels.gz", "no such file");
}

Test(idx, a_folder_is_refused) {
    text labels = sound_labels();
    save("labels", &labels);
    cr_assert_eq(mkdir(in_folder("images"), 0700), 0);
    expect_refused(UNS_ERROR_IO, "images", "is a folder");
}

Test(idx, a_pipe_is_refused_without_waiting, .timeout = 10) {
    text labels = sound_labels();
    save("labels", &labels);
    cr_assert_eq(mkfifo(in_folder("images"), 0600), 0);
    expect_refused(UNS_ERROR_IO, "images", "not a regular file");
}

Test(idx, a_path_beyond_the_limit_is_refused) {
    static char path[6000];
    memset(path, 'a', sizeof path - 1);
    uns_images set;
    cr_expect_eq(uns_images_read(context, path, path, &set), UNS_ERROR_IO);
    cr_expect(strstr(uns_context_message(context), "too long"));
}

Test(idx, another_magic_is_refused) {
    text images = image_file(0x0d03, COUNT, ROWS, COLS), labels = label_file(0x802, COUNT);
    save_pair(&images, &labels);
    expect_refused(UNS_ERROR_FORMAT, "images", "0x00000d03 instead of 0x00000803");
    images = sound_images();
    save("images", &images);
    expect_refused(UNS_ERROR_FORMAT, "labels", "0x00000802 instead of 0x00000801");
}

Test(idx, images_and_labels_swapped_are_told_so) {
    text images = sound_images(), labels = sound_labels();
    save_pair(&labels, &images);
    expect_refused(UNS_ERROR_FORMAT, "images", "is an IDX file of labels; images are wanted");
}

Test(idx, every_truncation_is_refused) {
    text images = sound_images(), labels = sound_labels();
    save_pair(&images, &labels);
    for (text part = images; part.size-- > 0;) {
        save("images", &part);
        expect_refused(UNS_ERROR_FORMAT, "images", part.size < 16 ? "header has" : "claims");
    }
    save("images", &images);
    for (text part = labels; part.size-- > 0;) {
        save("labels", &part);
        expect_refused(UNS_ERROR_FORMAT, "labels", part.size < 8 ? "header has" : "claims");
    }
}

Test(idx, every_gzip_truncation_is_refused) {
    text images = sound_images(), labels = sound_labels();
    images = packed(&images);
    save_pair(&images, &labels);
    for (text part = images; part.size-- > 2;) {
        save("images", &part);
        expect_refused(UNS_ERROR_FORMAT, "images", "");
    }
    expect_refused(UNS_ERROR_FORMAT, "images", "compressed data is cut short");
}

/* Flags and dates in the gzip head do not matter; wherever the data would differ, it is found.
 */
Test(idx, no_damaged_gzip_byte_passes_for_data) {
    text images = sound_images(), labels = sound_labels();
    images = packed(&images);
    save_pair(&images, &labels);
    size_t refused = 0;
    for (size_t i = 0; i < images.size; i++) {
        text damaged = images;
        damaged.bytes[i] ^= 0x55;
        save("images", &damaged);
        uns_images set = {0};
        if (read_pair(&set) == UNS_OK)
            expect_sound();
        else
            refused++;
        uns_images_release(context, &set);
    }
    cr_expect_geq(refused, images.size - 10); /* 10: the head of a gzip file */
}

Test(idx, trailing_bytes_are_refused) {
    text images = sound_images(), labels = sound_labels();
    images.bytes[images.size++] = 1;
    save_pair(&images, &labels);
    expect_refused(UNS_ERROR_FORMAT, "images", "claims 7 × 3 × 5 bytes");
    images = packed(&images);
    save("images", &images);
    expect_refused(UNS_ERROR_FORMAT, "images", "more than the 105 bytes");
}

Test(idx, bytes_after_the_gzip_stream_are_refused) {
    text images = sound_images(), labels = sound_labels();
    images = packed(&images);
    images.bytes[images.size++] = 1;
    save_pair(&images, &labels);
    expect_refused(UNS_ERROR_FORMAT, "images", "bytes follow the compressed data");
}

Test(idx, a_header_that_claims_too_much_costs_no_memory) {
    text labels = sound_labels();
    text images = image_file(0x803, 0xffffffff, 0xffffffff, 0xffffffff);
    save_pair(&images, &labels);
    expect_refused(UNS_ERROR_FORMAT, "images", "claims 4294967295");
    images = packed(&images);
    save("images", &images);
    expect_refused(UNS_ERROR_FORMAT, "images", "cannot unpack to more than");
    images = image_file(0x803, COUNT, 1000, 1000);
    images = packed(&images);
    save("images", &images);
    expect_refused(UNS_ERROR_FORMAT, "images", "cannot unpack to more than");
    cr_expect_leq(memory.largest, (size_t)1 << 17, "%zu bytes were asked for", memory.largest);
}

Test(idx, differing_counts_are_refused) {
    text images = sound_images(), labels = sound_labels();
    labels = label_file(0x801, COUNT - 1);
    labels.size--;
    save_pair(&images, &labels);
    expect_refused(UNS_ERROR_FORMAT, "images", "has 7 images");
    expect_refused(UNS_ERROR_FORMAT, "labels", "has 6 labels");
}

Test(idx, an_empty_set_is_refused) {
    text images = image_file(0x803, 0, ROWS, COLS), labels = label_file(0x801, 0);
    images.size = 16;
    labels.size = 8;
    save_pair(&images, &labels);
    expect_refused(UNS_ERROR_FORMAT, "images", "claims to be empty");
}

Test(idx, every_failed_allocation_is_survived) {
    text images = sound_images(), labels = sound_labels();
    images = packed(&images);
    labels = packed(&labels);
    save_pair(&images, &labels);
    uns_images set = {0};
    uns_status status = UNS_ERROR_MEMORY;
    long live = memory.live, k = 0;
    while (status != UNS_OK && k++ < 100) {
        memory.calls = 0;
        memory.fail_at = k;
        status = read_pair(&set);
        cr_expect(status == UNS_OK || status == UNS_ERROR_MEMORY);
        cr_expect(status == UNS_OK || memory.live == live, "a block stays at failure %ld", k);
    }
    memory.fail_at = 0;
    cr_expect(k > 4 && k < 100, "%ld", k);
    uns_images_release(context, &set);
}

Test(idx, null_arguments_are_refused) {
    uns_images set;
    cr_expect_eq(uns_images_read(context, NULL, "labels", &set), UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_images_read(context, "images", "labels", NULL), UNS_ERROR_ARGUMENT);
    uns_images_release(context, NULL);
}

/* Counts of the digits and the mean pixel are the published ones. */
Test(idx, mnist_is_read_whole) {
    static const size_t published[10] = {5923, 6742, 5958, 6131, 5842,
                                         5421, 5918, 6265, 5851, 5949};
    const char *mnist = getenv("UNS_MNIST");
    if (!mnist || !*mnist)
        cr_skip("UNS_MNIST does not name a folder with the MNIST files");
    char paths[2][512];
    snprintf(paths[0], sizeof paths[0], "%s/train-images-idx3-ubyte", mnist);
    snprintf(paths[1], sizeof paths[1], "%s/train-labels-idx1-ubyte", mnist);
    uns_images set = {0};
    cr_assert_eq(uns_images_read(context, paths[0], paths[1], &set), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert(set.count == 60000 && set.rows == 28 && set.cols == 28);
    size_t counts[256] = {0};
    double sum = 0;
    for (size_t i = 0; i < set.count; i++)
        counts[set.labels[i]]++;
    for (size_t i = 0; i < set.count * 784; i++)
        sum += set.pixels[i];
    for (size_t d = 0; d < 10; d++)
        cr_expect_eq(counts[d], published[d]);
    cr_expect_float_eq(sum / (60000.0 * 784 * 255), 0.1307, 5e-5);
    uns_images_release(context, &set);
}

static uns_images draw(uint64_t seed, uint64_t first, size_t count) {
    uns_images set = {0};
    cr_assert_eq(uns_images_glyphs(context, seed, first, count, &set), UNS_OK);
    cr_assert(set.count == count && set.rows == 28 && set.cols == 28);
    return set;
}

TestSuite(glyphs, .init = open_folder, .fini = close_folder);

Test(glyphs, an_image_depends_on_seed_and_number_alone) {
    uns_images many = draw(5, 0, 40), few = draw(5, 17, 6), other = draw(6, 0, 40);
    cr_expect_arr_eq(few.pixels, many.pixels + 17 * 784, 6 * 784);
    cr_expect_arr_eq(few.labels, many.labels + 17, 6);
    cr_expect_neq(memcmp(other.pixels, many.pixels, 40 * 784), 0);
    uns_images_release(context, &many);
    uns_images_release(context, &few);
    uns_images_release(context, &other);
}

Test(glyphs, no_two_images_are_the_same) {
    uns_images set = draw(1, 0, 300);
    for (size_t i = 0; i < set.count; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(memcmp(set.pixels + i * 784, set.pixels + j * 784, 784), 0);
    uns_images_release(context, &set);
}

/* χ² with 9 degrees of freedom exceeds 27.9 once in a thousand. */
Test(glyphs, labels_are_balanced) {
    uns_images set = draw(1, 0, 5000);
    double counts[10] = {0}, chi = 0;
    for (size_t i = 0; i < set.count; i++) {
        cr_assert_lt(set.labels[i], 10);
        counts[set.labels[i]]++;
    }
    for (size_t d = 0; d < 10; d++)
        chi += (counts[d] - 500) * (counts[d] - 500) / 500;
    cr_expect_lt(chi, 27.9);
    uns_images_release(context, &set);
}

/* As in MNIST: about a fifth of the pixels inked, the middle of the ink in the middle. */
Test(glyphs, ink_is_spread_as_in_handwriting) {
    uns_images set = draw(2, 0, 2000);
    double inked = 0;
    for (size_t i = 0; i < set.count; i++) {
        const unsigned char *pixels = set.pixels + i * 784;
        unsigned darkest = 0;
        size_t count = 0;
        for (size_t j = 0; j < 784; j++) {
            count += pixels[j] > 0;
            darkest = pixels[j] > darkest ? pixels[j] : darkest;
        }
        cr_assert(count > 20 && count < 450, "image %zu has %zu inked pixels", i, count);
        cr_assert_gt(darkest, 120);
        inked += (double)count;
    }
    cr_expect_float_eq(inked / (784.0 * 2000), 0.19, 0.04);
    uns_images_release(context, &set);
}

/* Chance is 0.1; MNIST gives 0.82. */
Test(glyphs, nearest_mean_tells_the_digits_apart) {
    enum {
        TRAIN = 2000,
        HELD = 500
    };
    static double mean[10][784];
    uns_images set = draw(3, 0, TRAIN + HELD);
    double counts[10] = {0};
    size_t right = 0;
    for (size_t i = 0; i < TRAIN; i++) {
        counts[set.labels[i]]++;
        for (size_t j = 0; j < 784; j++)
            mean[set.labels[i]][j] += set.pixels[i * 784 + j];
    }
    for (size_t i = TRAIN; i < TRAIN + HELD; i++) {
        double best = 1e300;
        size_t guess = 0;
        for (size_t d = 0; d < 10; d++) {
            double distance = 0;
            for (size_t j = 0; j < 784; j++) {
                double off = set.pixels[i * 784 + j] - mean[d][j] / counts[d];
                distance += off * off;
            }
            if (distance < best) {
                best = distance;
                guess = d;
            }
        }
        right += guess == set.labels[i];
    }
    cr_expect_gt(right, HELD * 7 / 10, "%zu of %d", right, HELD);
    uns_images_release(context, &set);
}

Test(glyphs, every_skeleton_has_whole_strokes_inside_its_box) {
    for (int digit = 0; digit < 10; digit++)
        for (int variant = 0; variant < UNS_FIGURE_VARIANTS; variant++) {
            uns_figure f;
            uns_figure_get(digit, variant, &f);
            cr_assert(f.strokes >= 1 && f.strokes <= UNS_FIGURE_STROKES);
            cr_assert_leq(f.begin[f.strokes], UNS_FIGURE_POINTS);
            for (size_t s = 0; s < f.strokes; s++)
                cr_assert_geq(f.begin[s + 1], f.begin[s] + 2);
            for (size_t i = 0; i < f.begin[f.strokes]; i++)
                cr_assert(f.x[i] >= -0.5 && f.x[i] <= 0.5 && f.y[i] >= -0.5 && f.y[i] <= 0.5);
        }
}

Test(glyphs, failed_allocations_and_empty_requests_are_survived) {
    uns_images set = {.count = 99};
    long live = memory.live;
    cr_expect_eq(uns_images_glyphs(context, 1, 0, 0, &set), UNS_ERROR_ARGUMENT);
    for (int k = 1; k <= 2; k++) {
        memory.calls = 0;
        memory.fail_at = k;
        cr_expect_eq(uns_images_glyphs(context, 1, 0, 3, &set), UNS_ERROR_MEMORY);
        cr_expect_eq(memory.live, live);
    }
    memory.fail_at = 0;
    cr_expect_eq(uns_images_glyphs(context, 1, 0, SIZE_MAX / 4, &set), UNS_ERROR_MEMORY);
    cr_expect(memory.live == live && set.count == 99);
}
