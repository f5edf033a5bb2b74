/* SPDX-License-Identifier: MIT
 * Reads plain and gzip files through one call. The zlib state lives in the context's memory.
 */
#include "data/bytes.h"
#include "base/base.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GZIP_WINDOW = 15 + 16, /* largest window; +16: gzip wrapper, checksum verified */
    DEFLATE_RATIO = 1032   /* a match of 258 bytes takes at least 2 bits */
};

static voidpf unpack_allocate(voidpf context, uInt items, uInt size) {
    return uns_allocate(context, uns_size_product(items, size));
}

static void unpack_release(voidpf context, voidpf memory) {
    uns_release(context, memory);
}

/* As read(2), until n bytes or the end of the file. */
static uns_status read_fully(uns_bytes *bytes, void *out, size_t n, size_t *got) {
    size_t done = 0;
    while (done < n) {
        ssize_t count = read(bytes->file, (unsigned char *)out + done, n - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return uns_fail(bytes->context, UNS_ERROR_IO, "cannot read '%s': %s", bytes->name,
                            strerror(errno));
        if (count == 0)
            break;
        done += (size_t)count;
    }
    *got = done;
    return UNS_OK;
}

/* Sets name to path + suffix and opens it; a missing file is UNS_OK with file = −1. O_NONBLOCK:
 * a pipe must be refused, not waited for. */
static uns_status open_name(uns_bytes *bytes, const char *path, const char *suffix) {
    int length = snprintf(bytes->name, sizeof bytes->name, "%s%s", path, suffix);
    if (length < 0 || (size_t)length >= sizeof bytes->name)
        return uns_fail(bytes->context, UNS_ERROR_IO, "path of %d bytes is too long: '%.60s…'",
                        length, path);
    bytes->file = open(bytes->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (bytes->file >= 0 || errno == ENOENT)
        return UNS_OK;
    return uns_fail(bytes->context, UNS_ERROR_IO, "cannot open '%s': %s", bytes->name,
                    strerror(errno));
}

static uns_status require_regular(uns_bytes *bytes) {
    struct stat about;
    if (fstat(bytes->file, &about) != 0)
        return uns_fail(bytes->context, UNS_ERROR_IO, "cannot read '%s': %s", bytes->name,
                        strerror(errno));
    if (S_ISDIR(about.st_mode))
        return uns_fail(bytes->context, UNS_ERROR_IO, "'%s' is a folder, not a file",
                        bytes->name);
    if (!S_ISREG(about.st_mode))
        return uns_fail(bytes->context, UNS_ERROR_IO, "'%s' is not a regular file",
                        bytes->name);
    bytes->file_size = (uint64_t)about.st_size;
    return UNS_OK;
}

static uns_status start_unpacking(uns_bytes *bytes) {
    bytes->input = uns_allocate(bytes->context, UNS_BYTES_BUFFER);
    if (!bytes->input)
        return UNS_ERROR_MEMORY;
    bytes->stream.zalloc = unpack_allocate;
    bytes->stream.zfree = unpack_release;
    bytes->stream.opaque = bytes->context;
    if (inflateInit2(&bytes->stream, GZIP_WINDOW) != Z_OK)
        return UNS_ERROR_MEMORY; /* uns_allocate has set the message */
    bytes->packed = true;
    return UNS_OK;
}

static uns_status look_inside(uns_bytes *bytes) {
    unsigned char head[2];
    size_t got = 0;
    UNS_TRY(require_regular(bytes));
    UNS_TRY(read_fully(bytes, head, sizeof head, &got));
    if (lseek(bytes->file, 0, SEEK_SET) != 0)
        return uns_fail(bytes->context, UNS_ERROR_IO, "cannot read '%s': %s", bytes->name,
                        strerror(errno));
    bool gzip = got == 2 && head[0] == 0x1f && head[1] == 0x8b;
    return gzip ? start_unpacking(bytes) : UNS_OK;
}

uns_status uns_bytes_open(uns_context *context, const char *path, uns_bytes *bytes) {
    memset(bytes, 0, sizeof *bytes);
    bytes->context = context;
    bytes->file = -1;
    UNS_TRY(open_name(bytes, path, ""));
    if (bytes->file < 0)
        UNS_TRY(open_name(bytes, path, ".gz"));
    if (bytes->file < 0)
        return uns_fail(context, UNS_ERROR_IO, "no such file: '%s' (nor '%s')", path,
                        bytes->name);
    uns_status status = look_inside(bytes);
    if (status != UNS_OK)
        uns_bytes_close(bytes);
    return status;
}

void uns_bytes_close(uns_bytes *bytes) {
    if (bytes->packed)
        (void)inflateEnd(&bytes->stream);
    uns_release(bytes->context, bytes->input);
    if (bytes->file >= 0)
        (void)close(bytes->file);
    memset(bytes, 0, sizeof *bytes);
    bytes->file = -1;
}

uint64_t uns_bytes_most(const uns_bytes *bytes) {
    if (!bytes->packed)
        return bytes->file_size;
    return bytes->file_size < UINT64_MAX / DEFLATE_RATIO ? bytes->file_size * DEFLATE_RATIO
                                                         : UINT64_MAX;
}

static uns_status refill(uns_bytes *bytes) {
    size_t got = 0;
    UNS_TRY(read_fully(bytes, bytes->input, UNS_BYTES_BUFFER, &got));
    bytes->stream.next_in = bytes->input;
    bytes->stream.avail_in = (uInt)got;
    return UNS_OK;
}

/* What inflate said; `dry`: it was given no input because the file has no more. */
static uns_status judge(uns_bytes *bytes, int code, bool dry) {
    if (code == Z_OK || code == Z_STREAM_END)
        return UNS_OK;
    if (code == Z_MEM_ERROR)
        return UNS_ERROR_MEMORY;
    if (code == Z_BUF_ERROR && dry)
        return uns_fail(bytes->context, UNS_ERROR_FORMAT,
                        "'%s': the compressed data is cut short", bytes->name);
    return uns_fail(bytes->context, UNS_ERROR_FORMAT, "'%s': damaged compressed data (%s)",
                    bytes->name, bytes->stream.msg ? bytes->stream.msg : zError(code));
}

/* One call of inflate; at the end of the gzip stream nothing may follow it in the file. */
static uns_status unpack_some(uns_bytes *bytes) {
    z_stream *stream = &bytes->stream;
    if (stream->avail_in == 0)
        UNS_TRY(refill(bytes));
    bool dry = stream->avail_in == 0;
    int code = inflate(stream, Z_NO_FLUSH);
    UNS_TRY(judge(bytes, code, dry));
    if (code != Z_STREAM_END)
        return UNS_OK;
    bytes->ended = true;
    if (stream->avail_in == 0)
        UNS_TRY(refill(bytes));
    if (stream->avail_in == 0)
        return UNS_OK;
    return uns_fail(bytes->context, UNS_ERROR_FORMAT, "'%s': bytes follow the compressed data",
                    bytes->name);
}

uns_status uns_bytes_read(uns_bytes *bytes, void *out, size_t n, size_t *got) {
    if (!bytes->packed)
        return read_fully(bytes, out, n, got);
    size_t done = 0;
    while (done < n && !bytes->ended) {
        size_t part = n - done < UNS_BYTES_BUFFER ? n - done : UNS_BYTES_BUFFER;
        bytes->stream.next_out = (unsigned char *)out + done;
        bytes->stream.avail_out = (uInt)part;
        UNS_TRY(unpack_some(bytes));
        done += part - bytes->stream.avail_out;
    }
    *got = done;
    return UNS_OK;
}
