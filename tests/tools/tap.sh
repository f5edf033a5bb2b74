# SPDX-License-Identifier: MIT
# TAP for the shell checks; to be sourced. `attempt NAME COMMAND…` passes if the command succeeds.

tap_count=0
tap_failed=0

attempt() {
    tap_name=$1
    shift
    tap_count=$((tap_count + 1))
    if tap_output=$("$@" 2>&1); then
        echo "ok - $tap_name"
    else
        tap_failed=1
        echo "not ok - $tap_name"
        printf '%s\n' "$tap_output" | head -n 40 | sed 's/^/  /'
    fi
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok - $1 # SKIP $2"
}

finish() {
    echo "1..$tap_count"
    exit "$tap_failed"
}
