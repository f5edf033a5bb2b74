/* SPDX-License-Identifier: MIT
 * Folders for runs that were given none.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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
