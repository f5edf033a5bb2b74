/* SPDX-License-Identifier: MIT
 * unsaddle new: starter plans. A file that exists is never overwritten.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct starter {
    const char *name;
    const char *text;
} starter;

/* The texts of examples/, which a test compares. */
static const starter starters[] = {
    {"saddle",
     "# The saddle experiment of Staib, Reddi, Kale, Kumar and Sra (2019): who leaves the "
     "saddle first,\n"
     "# and who settles closest to the minimum? A list is a grid: this file is eight runs.\n"
     "problem: {name: saddle2d, noise: gaussian}\n"
     "steps: 100000\n"
     "replicas: 1000\n"
     "seed: 1\n"
     "optimizers:\n"
     "  - sgd:       {eta: [1e-3, 3e-3, 1e-2, 3e-2]}\n"
     "  - rmsprop:   {eta: [1e-4, 1e-3, 1e-2], beta: {rule: eta^2/3, C: 1}, burn_in: auto}\n"
     "  - idealized: {eta: 1e-3}\n"},
    {"mnist", "# Softmax regression on images of digits. As it stands the program draws the "
              "digits itself; for\n"
              "# MNIST give the folder of its four files, plain or gzipped:\n"
              "#\n"
              "#     unsaddle run mnist.yaml problem.data=idx problem.path=FOLDER\n"
              "problem: {name: softmax, data: glyphs}\n"
              "epochs: 3\n"
              "batch: 8\n"
              "seed: 1\n"
              "optimizers:\n"
              "  - rmsprop: {eta: 1e-3, beta: {rule: eta^2/3, C: 1}}\n"},
    {"matrix-factorization",
     "# A symmetric matrix of rank 3, seen entry by entry and with some noise, is factored "
     "from a start\n"
     "# near zero: a strict saddle where the gradient noise dies out as well.\n"
     "problem: {name: matrix-factorization, n: 20, rank: 3, noise: 0.1}\n"
     "steps: 10000\n"
     "batch: 16\n"
     "replicas: 20\n"
     "seed: 1\n"
     "optimizers:\n"
     "  - sgd:     {eta: [0.1, 0.3, 1]}\n"
     "  - rmsprop: {eta: [1e-3, 3e-3, 1e-2], beta: {rule: eta^2/3, C: 1}}\n"
     "  - adam:    {eta: 1e-3}\n"},
    {NULL, NULL},
};

static const char *starter_name(const void *user, size_t index) {
    (void)user;
    return starters[index].name;
}

static const starter *find_starter(const char *name) {
    for (const starter *starter = starters; starter->name; starter++)
        if (strcmp(starter->name, name) == 0)
            return starter;
    char hint[CLI_HINT_SIZE];
    cli_hint(name, starter_name, NULL, hint);
    cli_say("there is no starter '%s'%s; there are saddle, mnist and matrix-factorization",
            name, hint);
    return NULL;
}

static cli_status fail_file(const char *path, const char *why) {
    cli_say("%s: %s", path, why);
    return CLI_INTERNAL;
}

static cli_status write_starter(const starter *starter, const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        cli_say("%s exists and is left as it is; give another name", path);
        return CLI_INPUT;
    }
    if (fd < 0)
        return fail_file(path, strerror(errno));
    size_t length = strlen(starter->text);
    ssize_t written = write(fd, starter->text, length);
    if (written != (ssize_t)length || close(fd) != 0) {
        unlink(path);
        return fail_file(path, errno ? strerror(errno) : "not all could be written");
    }
    cli_say("wrote %s; next: unsaddle run %s", path, path);
    return CLI_FINE;
}

static cli_status write_new(const cli_arguments *arguments) {
    const starter *starter = find_starter(arguments->operand[0]);
    char path[CLI_PATH_SIZE];
    if (!starter)
        return CLI_INPUT;
    if (arguments->count > 1)
        snprintf(path, sizeof path, "%s", arguments->operand[1]);
    else
        snprintf(path, sizeof path, "%s.yaml", starter->name);
    if (strcmp(path, "-") == 0) {
        fputs(starter->text, stdout);
        return CLI_FINE;
    }
    return write_starter(starter, path);
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {{NULL, NULL, NULL}};

const cli_command cli_new = {
    .name = "new",
    .operands = "saddle|mnist|matrix-factorization [FILE]",
    .summary = "write a starter plan",
    .help = "Writes a starter plan to FILE (saddle.yaml and the like when left out; - is\n"
            "standard output). A file that exists is left as it is.",
    .least = 1,
    .most = 2,
    .options = options,
    .run = write_new,
};
