/* SPDX-License-Identifier: MIT
 * A run directory on disk: refused when it holds anything else, files whole or not at all.
 */
#include "run/record.h"

#include "base/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ".part"

enum {
    PATH_SIZE = 4096,
    READ_MAX = 1 << 30 /* bytes of one file; a longer one is no run's */
};

const char *uns_file_name(uns_file file) {
#define NAME(code, name) [code] = name,
    static const char *const names[UNS_FILE_COUNT] = {UNS_FILE_LIST(NAME)};
#undef NAME
    return names[file];
}

static uns_status fail_io(uns_context *context, const char *folder, const char *name,
                          const char *what) {
    return uns_fail(context, UNS_ERROR_IO, "%s%s%s: %s: %s", folder, *name ? "/" : "", name,
                    what, strerror(errno));
}

/* A run's file, its temporary name, or a picture or page made from a run. */
static bool belongs(const char *name) {
    size_t length = strlen(name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return true;
    if (length > 4 && (strcmp(name + length - 4, ".svg") == 0))
        return true;
    for (int i = 0; i < UNS_FILE_COUNT; i++) {
        const char *file = uns_file_name((uns_file)i);
        size_t n = strlen(file);
        if (strncmp(name, file, n) == 0 && (!name[n] || strcmp(name + n, PART) == 0))
            return true;
    }
    return false;
}

static uns_status check_entries(uns_context *context, const char *folder, DIR *entries) {
    const struct dirent *entry;
    while ((entry = readdir(entries)))
        if (!belongs(entry->d_name))
            return uns_fail(context, UNS_ERROR_IO,
                            "%s holds '%s', which is no file of a run: nothing is written "
                            "there; name a new folder or an empty one",
                            folder, entry->d_name);
    if (access(folder, W_OK | X_OK) != 0)
        return fail_io(context, folder, "", "cannot write there");
    return UNS_OK;
}

/* The nearest folder above that exists must take new entries. */
static uns_status check_parent(uns_context *context, const char *folder) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s", folder);
    for (;;) {
        char *slash = strrchr(path, '/');
        if (!slash)
            strcpy(path, ".");
        else
            slash[slash == path] = '\0';
        if (access(path, W_OK | X_OK) == 0)
            return UNS_OK;
        if (errno != ENOENT || !slash || slash == path)
            return fail_io(context, folder, "", "cannot make this folder");
    }
}

uns_status uns_record_check(uns_context *context, const char *folder) {
    if (!*folder || strlen(folder) + 64 > PATH_SIZE)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "the folder's name is %s",
                        *folder ? "too long" : "empty");
    DIR *entries = opendir(folder);
    if (!entries && errno == ENOENT)
        return check_parent(context, folder);
    if (!entries)
        return fail_io(context, folder, "", "cannot use this folder");
    uns_status status = check_entries(context, folder, entries);
    closedir(entries);
    return status;
}

/* mkdir -p. */
static uns_status make_folder(uns_context *context, const char *folder, bool *made) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s", folder);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return fail_io(context, path, "", "cannot make this folder");
    }
    *made = mkdir(path, 0777) == 0;
    return *made || errno == EEXIST ? UNS_OK
                                    : fail_io(context, path, "", "cannot make this folder");
}

static void part_name(uns_file file, char name[64]) {
    snprintf(name, 64, "%s" PART, uns_file_name(file));
}

static bool write_all(int fd, const char *text) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return fsync(fd) == 0;
}

static uns_status write_part(uns_context *context, const char *folder, int directory,
                             uns_file file, const char *text) {
    char name[64];
    part_name(file, name);
    int fd =
        openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return fail_io(context, folder, uns_file_name(file), "cannot create");
    bool written = write_all(fd, text);
    int cause = errno;
    if (close(fd) == 0 && written)
        return UNS_OK;
    errno = written ? errno : cause;
    return fail_io(context, folder, uns_file_name(file), "cannot write");
}

static uns_status write_files(uns_context *context, const char *folder, int directory,
                              const char *const *texts) {
    char name[64];
    for (int i = 0; i < UNS_FILE_COUNT; i++)
        UNS_TRY(write_part(context, folder, directory, (uns_file)i, texts[i]));
    for (int i = 0; i < UNS_FILE_COUNT; i++) {
        part_name((uns_file)i, name);
        if (renameat(directory, name, directory, uns_file_name((uns_file)i)) != 0)
            return fail_io(context, folder, uns_file_name((uns_file)i), "cannot put in place");
    }
    return fsync(directory) == 0 ? UNS_OK : fail_io(context, folder, "", "cannot write");
}

static void remove_parts(int directory) {
    char name[64];
    for (int i = 0; i < UNS_FILE_COUNT; i++) {
        part_name((uns_file)i, name);
        unlinkat(directory, name, 0);
    }
}

uns_status uns_folder_write(uns_context *context, const char *folder,
                            const char *const *texts) {
    bool made = false;
    UNS_TRY(uns_record_check(context, folder));
    UNS_TRY(make_folder(context, folder, &made));
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return fail_io(context, folder, "", "cannot use this folder");
    uns_status status = write_files(context, folder, directory, texts);
    if (status != UNS_OK)
        remove_parts(directory);
    close(directory);
    if (status != UNS_OK && made)
        rmdir(folder);
    return status;
}

static char *read_stream(FILE *stream) {
    size_t size = 0, space = 1 << 16;
    char *text = malloc(space);
    while (text) {
        size += fread(text + size, 1, space - size - 1, stream);
        if (size < space - 1)
            break;
        char *more = space < READ_MAX ? realloc(text, space *= 2) : NULL;
        if (!more)
            free(text);
        text = more;
    }
    if (text)
        text[size] = '\0';
    return text;
}

uns_status uns_folder_read(uns_context *context, const char *folder, uns_file file,
                           char **text) {
    char path[PATH_SIZE];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, uns_file_name(file)) >=
        sizeof path)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "the folder's name is too long");
    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return fail_io(context, folder, uns_file_name(file),
                       "cannot read (is this the folder of a run?)");
    *text = read_stream(stream);
    bool failed = ferror(stream) != 0;
    fclose(stream);
    if (*text && !failed)
        return UNS_OK;
    free(*text);
    *text = NULL;
    return failed ? fail_io(context, folder, uns_file_name(file), "cannot read")
                  : uns_fail(context, UNS_ERROR_MEMORY, "%s: too large", path);
}
