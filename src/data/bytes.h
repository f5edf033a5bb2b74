/* SPDX-License-Identifier: MIT
 * A file as a stream of bytes, unpacked on the way when it is gzip. Not a general reader: it
 * only goes forward, and every complaint carries the file's name.
 */
#ifndef UNS_BYTES_H
#define UNS_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <unsaddle/context.h>
#include <zlib.h>

enum {
    UNS_BYTES_NAME = 4096,   /* longest path with its final NUL */
    UNS_BYTES_BUFFER = 32768 /* compressed bytes read at once */
};

typedef struct uns_bytes {
    uns_context *context;
    int file;             /* descriptor; −1 when closed */
    uint64_t file_size;   /* bytes on disk */
    bool packed, ended;   /* gzip; its end reached */
    z_stream stream;      /* where packed */
    unsigned char *input; /* UNS_BYTES_BUFFER, where packed */
    char name[UNS_BYTES_NAME];
} uns_bytes;

/* Opens `path`, or `path`.gz where there is none. Only regular files: UNS_ERROR_IO otherwise.
 * Whether it is packed is told by its first bytes, not by its name. */
UNS_NODISCARD uns_status uns_bytes_open(uns_context *context, const char *path,
                                        uns_bytes *bytes);
void uns_bytes_close(uns_bytes *bytes);

/* Up to n bytes; *got < n only at the end. UNS_ERROR_FORMAT: damaged or cut-off gzip. */
UNS_NODISCARD uns_status uns_bytes_read(uns_bytes *bytes, void *out, size_t n, size_t *got);

/* The most bytes that the file can unpack to: what a header may claim at all. */
uint64_t uns_bytes_most(const uns_bytes *bytes);

#endif
