#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one fixed experiment with the programs of two build folders, on one and on two threads, and
# compares the summaries digit by digit. The same folder twice compares the threads alone.
# Usage: check_compilers.sh BUILD OTHER_BUILD
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

summary() { # build threads file
    "$1/unsaddle" run "$here/bits.yaml" "threads=$2" --json --quiet --out "$place/run-$3" \
        > "$place/$3.json"
}

same() {
    "$here/same_summary.py" "$place/$1.json" "$place/$2.json"
}

attempt "$1 runs on one thread" summary "$1" 1 one
attempt "$1 runs on two threads" summary "$1" 2 two
attempt "one and two threads give the same bits" same one two
if [ "$1" != "$2" ]; then
    attempt "$2 runs on two threads" summary "$2" 2 other
    attempt "$1 and $2 give the same bits" same two other
fi
finish
