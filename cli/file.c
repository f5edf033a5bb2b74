/* SPDX-License-Identifier: MIT
 * Files that are there whole or stay as they were. A regular file, or one that is not there
 * yet, is written beside its place and moved there; what is neither, a device or a pipe, is
 * written where it is. Nothing is removed but what was made here.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cli_status fail(const char *path, int cause) {
    cli_say("%s: %s", path, cause ? strerror(cause) : "not all could be written");
    return CLI_INTERNAL;
}

/* Through a link to the file itself, which is to be replaced and not the link. */
static bool resolve(const char *path, bool exists, char place[CLI_PATH_SIZE]) {
    char *real = exists ? realpath(path, NULL) : NULL;
    int length = snprintf(place, CLI_PATH_SIZE, "%s", real ? real : path);
    free(real);
    return length < CLI_PATH_SIZE;
}

static cli_status open_part(const char *path, mode_t mode, cli_file *file) {
    const char *slash = strrchr(file->place, '/'), *name = slash ? slash + 1 : file->place;
    snprintf(file->part, sizeof file->part, "%.*spart-%ld-%s", (int)(name - file->place),
             file->place, (long)getpid(), name);
    int fd = open(file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail(path, errno);
    file->stream = fdopen(fd, "w");
    if (file->stream && (mode == 0 || fchmod(fd, mode) == 0))
        return CLI_FINE;
    int cause = errno;
    if (file->stream)
        fclose(file->stream);
    else
        close(fd);
    unlink(file->part);
    return fail(path, cause);
}

cli_status cli_file_open(const char *path, cli_file *file) {
    struct stat found;
    bool exists = stat(path, &found) == 0;
    *file = (cli_file){.path = path};
    if (!resolve(path, exists, file->place))
        return fail(path, ENAMETOOLONG);
    if (!exists || S_ISREG(found.st_mode))
        return open_part(path, exists ? found.st_mode & 0777 : 0, file);
    file->stream = fopen(path, "we");
    return file->stream ? CLI_FINE : fail(path, errno);
}

cli_status cli_file_close(cli_file *file) {
    /* errno: a failure of the writing, which is all that came between */
    bool whole = !ferror(file->stream) && fflush(file->stream) == 0 &&
                 (!file->part[0] || fsync(fileno(file->stream)) == 0);
    int cause = errno;
    if (fclose(file->stream) != 0 && whole) {
        cause = errno;
        whole = false;
    }
    if (!file->part[0])
        return whole ? CLI_FINE : fail(file->path, cause);
    if (whole && rename(file->part, file->place) == 0)
        return CLI_FINE;
    cause = whole ? errno : cause;
    unlink(file->part);
    return fail(file->path, cause);
}

cli_status cli_file_write(const char *path, const char *text) {
    cli_file file;
    cli_status status = cli_file_open(path, &file);
    if (status != CLI_FINE)
        return status;
    fputs(text, file.stream);
    return cli_file_close(&file);
}
