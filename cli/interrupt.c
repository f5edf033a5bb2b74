/* SPDX-License-Identifier: MIT
 * Ctrl-C: once, the run stops after its current step and the record is finished; twice, the
 * program ends at once.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A signal handler has no other way to reach the run. */
static volatile int interrupted;
static volatile sig_atomic_t silent;

static void interrupt(int signal_number) {
    static const char text[] =
        "\nunsaddle: stopping; the record will be finished. Ctrl-C again quits at once.\n";
    int saved = errno;
    if (!silent)
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
    interrupted = 1;
    signal(signal_number, SIG_DFL);
    errno = saved;
}

const volatile int *cli_interrupt_catch(bool quiet) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    silent = quiet;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &interrupted;
}
