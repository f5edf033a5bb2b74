/* SPDX-License-Identifier: MIT
 * Fuzzes the IDX reader: one input is a pair of files. Its first two bytes (low first) are the
 * length of the images file, which follows; the rest is the labels file.
 *
 * Found besides crashes: leaks, and an accepted plain file whose data is not what it holds.
 * Built with -fsanitize=fuzzer it fuzzes; linked with replay.c it replays the corpus.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unsaddle/data.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth, const char *what) {
    if (truth)
        return;
    fprintf(stderr, "fuzz_idx: %s\n", what);
    abort();
}

static void *count_allocate(void *live, size_t bytes, size_t align) {
    ++*(long *)live;
    return aligned_alloc(align, bytes);
}

static void count_release(void *live, void *block) {
    --*(long *)live;
    free(block);
}

/* A file in memory, with a path. */
static int hold(const uint8_t *data, size_t size, char path[32]) {
    int file = memfd_create("idx", MFD_CLOEXEC);
    demand(file >= 0, "no memory file");
    demand(write(file, data, size) == (ssize_t)size, "short write");
    snprintf(path, 32, "/proc/self/fd/%d", file);
    return file;
}

static void check_plain(const uint8_t *file, size_t size, size_t header,
                        const unsigned char *data, size_t count) {
    if (file[0] == 0x1f)
        return;
    demand(size == header + count, "a size that does not fit was accepted");
    demand(memcmp(file + header, data, count) == 0, "data differs from the file");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    size_t length = data[0] | (size_t)data[1] << 8;
    data += 2;
    size -= 2;
    length = length < size ? length : size;
    long live = 0;
    uns_context_config config = {.size = sizeof config,
                                 .allocate = count_allocate,
                                 .release = count_release,
                                 .user = &live,
                                 .threads = 1};
    uns_context *context;
    demand(uns_context_create(&config, &context) == UNS_OK, "no context");
    char paths[2][32];
    int images = hold(data, length, paths[0]);
    int labels = hold(data + length, size - length, paths[1]);
    uns_images set = {0};
    if (uns_images_read(context, paths[0], paths[1], &set) == UNS_OK) {
        check_plain(data, length, 16, set.pixels, set.count * set.rows * set.cols);
        check_plain(data + length, size - length, 8, set.labels, set.count);
    } else {
        demand(strstr(uns_context_message(context), "/proc/self/fd/") != NULL,
               "a message without the file's name");
    }
    uns_images_release(context, &set);
    close(images);
    close(labels);
    uns_context_destroy(context);
    demand(live == 0, "a leak");
    return 0;
}
