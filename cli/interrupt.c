/* SPDX-License-Identifier: MIT
 * Ctrl-C: once, what is under way stops at the next place where that leaves something to show;
 * twice, the program ends at once.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A signal handler has no other way to reach the run. */
static volatile int interrupted;
static const char *volatile text; /* NULL: nothing is said */

static void interrupt(int signal_number) {
    int saved = errno;
    if (text)
        (void)!write(STDERR_FILENO, text, strlen(text));
    interrupted = 1;
    signal(signal_number, SIG_DFL);
    errno = saved;
}

const volatile int *cli_interrupt_catch(const char *notice) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    text = notice;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &interrupted;
}
