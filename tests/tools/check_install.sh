#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs into an empty folder and builds a small program against what lies there, by pkg-config.
# Usage: check_install.sh BUILD
set -u
here=$(dirname "$0")
. "$here/tap.sh"
build=$(cd "$1" && pwd) || exit 1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cat > "$place/user.c" << 'END'
#include <stdio.h>
#include <stdlib.h>
#include <unsaddle/context.h>
#include <unsaddle/problems.h>
#include <unsaddle/run.h>

int main(void) {
    uns_context *context = NULL;
    uns_status status = uns_context_create(NULL, &context);
    uns_plan_source source = {.size = sizeof source, .text = "problem: saddle2d\nsteps: 9\noptimizers: sgd"};
    uns_plan *plan = NULL;
    uns_record *record = NULL;
    char *summary = NULL;
    if (status == UNS_OK)
        status = uns_problems_register(context);
    if (status == UNS_OK)
        status = uns_plan_create(context, &source, &plan);
    if (status == UNS_OK)
        status = uns_run(context, plan, NULL, &record);
    if (status == UNS_OK)
        status = uns_record_summary(context, record, &summary);
    puts(status == UNS_OK ? summary : uns_context_message(context));
    free(summary);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
    return status == UNS_OK ? 0 : 1;
}
END

install_there() {
    DESTDIR=$place/root meson install -C "$build" --no-rebuild --quiet
}

compile_user() { # pkg-config's --static, or nothing
    pc=$(find "$place/root" -name unsaddle.pc) && [ -n "$pc" ] || { echo "no unsaddle.pc installed"; return 1; }
    PKG_CONFIG_PATH=$(dirname "$pc")
    PKG_CONFIG_SYSROOT_DIR=$place/root
    export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
    flags=$(pkg-config $1 --cflags --libs unsaddle-run) || return 1
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror "$place/user.c" -o "$place/user" $flags
}

run_user() {
    LD_LIBRARY_PATH=$library "$place/user"
}

program_runs() {
    LD_LIBRARY_PATH=$library "$(find "$place/root" -path '*/bin/unsaddle')" --version
}

attempt "meson install succeeds" install_there
attempt "a program compiles against the installed library" compile_user ""
library=$(dirname "$(find "$place/root" -name libunsaddle.so)")
attempt "that program runs" run_user
attempt "the installed unsaddle runs" program_runs
# Without the shared libraries the linker takes the static ones.
find "$place/root" -name 'libunsaddle*.so*' -exec rm {} +
attempt "a program links statically by pkg-config --static" compile_user --static
attempt "the static program runs alone" run_user
finish
