/* SPDX-License-Identifier: MIT
 * unsaddle info: what the program runs on, for a bug report or a methods section.
 */
#include "cli.h"

#include <string.h>
#include <unistd.h>

static void print_path(const char *what, const char *link) {
    char path[CLI_PATH_SIZE];
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0)
        printf("%-12s %.*s\n", what, (int)length, path);
}

/* "model name" of x86, "Processor" or nothing elsewhere. */
static void print_cpu(void) {
    char line[512], name[512] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon && colon[1]) {
            snprintf(name, sizeof name, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (file)
        fclose(file);
    printf("%-12s %s, %ld cores online\n", "cpu", name, sysconf(_SC_NPROCESSORS_ONLN));
}

static void print_memory(void) {
    double page = (double)sysconf(_SC_PAGESIZE), gibi = 1024.0 * 1024 * 1024;
    printf("%-12s %.1f GiB, %.1f GiB of it free\n", "memory",
           page * (double)sysconf(_SC_PHYS_PAGES) / gibi,
           page * (double)sysconf(_SC_AVPHYS_PAGES) / gibi);
}

static void print_blas(const uns_context *context) {
    const char *core = uns_context_blas(context);
    if (strcmp(core, "none") == 0)
        printf("%-12s not linked: dense structures are not in this build\n", "BLAS");
    else
        printf("%-12s OpenBLAS, core %s%s\n", "BLAS", core,
               strcmp(core, "Prescott") == 0 ? " (slow; OPENBLAS_CORETYPE names another)" : "");
}

static cli_status info(const cli_arguments *arguments) {
    (void)arguments;
    uns_context *context = cli_context_open(0);
    if (!context)
        return CLI_INTERNAL;
    printf("%-12s %s\n", "version", UNS_VERSION);
    print_cpu();
    printf("%-12s %s\n", "instructions", uns_context_isa(context));
    printf("%-12s %d\n", "threads", uns_context_threads(context));
    print_blas(context);
    print_memory();
    print_path("program", "/proc/self/exe");
    print_path("folder", "/proc/self/cwd");
    uns_context_destroy(context);
    return CLI_FINE;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {{NULL, NULL, NULL}};

const cli_command cli_info = {
    .name = "info",
    .operands = "",
    .summary = "print the version, the machine and what is used of it",
    .help = "Prints the version, the processor, the instruction set, the threads and the BLAS "
            "core\n"
            "in use, the memory and where the program is.",
    .least = 0,
    .most = 0,
    .options = options,
    .run = info,
};
