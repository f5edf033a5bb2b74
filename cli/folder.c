/* SPDX-License-Identifier: MIT
 * Folders for runs that were given none, and files put there whole.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char parent[] = "runs";
enum {
    NUMBERS = 100000
};

/* "plans/saddle.yaml" → "saddle". */
static void base_name(const char *config, char *name, size_t size) {
    const char *slash = strrchr(config, '/');
    snprintf(name, size, "%s", slash ? slash + 1 : config);
    char *dot = strrchr(name, '.');
    if (dot && dot > name && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        *dot = '\0';
}

static cli_status fail_folder(const char *folder) {
    cli_say("%s: cannot make this folder: %s; name another with --out", folder,
            strerror(errno));
    return CLI_INTERNAL;
}

cli_status cli_folder_claim(const char *config, char folder[CLI_PATH_SIZE]) {
    char name[256];
    base_name(config, name, sizeof name);
    if (mkdir(parent, 0777) != 0 && errno != EEXIST)
        return fail_folder(parent);
    for (int number = 1; number < NUMBERS; number++) {
        int length = snprintf(folder, CLI_PATH_SIZE, "%s/%s", parent, name);
        if (number > 1)
            snprintf(folder + length, (size_t)(CLI_PATH_SIZE - length), "-%d", number);
        if (mkdir(folder, 0777) == 0)
            return CLI_FINE;
        if (errno != EEXIST)
            return fail_folder(folder);
    }
    cli_say("%s/%s-%d and all before it exist; name another with --out", parent, name, NUMBERS);
    return CLI_INTERNAL;
}

static bool write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool whole = fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    return (fclose(file) == 0) && whole;
}

cli_status cli_file_write(const char *folder, const char *name, const char *text) {
    char path[CLI_PATH_SIZE + 64], part[CLI_PATH_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(part, sizeof part, "%s/part-%s", folder, name);
    if (write_text(part, text) && rename(part, path) == 0)
        return CLI_FINE;
    cli_say("%s: %s", path, strerror(errno));
    unlink(part);
    return CLI_INTERNAL;
}
