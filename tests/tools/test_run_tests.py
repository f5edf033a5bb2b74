#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that run_tests can fail: small programs that fail, leak, crash, hang or keep silent.

They are built here as a Meson project of their own, with Criterion and both sanitizers.
"""

import os
import subprocess
import sys
import tempfile

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "#include <criterion/criterion.h>\n#include <signal.h>\n#include <stdlib.h>\n"
CRITERION = {
    "passes": "Test(case, passes) { cr_assert(1); }",
    "fails": 'Test(case, fails) { cr_assert_eq(1, 2, "one is not %d", 2); }',
    "leaks": "Test(case, leaks) { void *volatile lost = malloc(33); lost = NULL; }",
    "crashes": "Test(case, crashes) { raise(SIGSEGV); }",
    "exits": "Test(case, exits) { exit(3); }",
    "skips": 'Test(case, skips) { cr_skip_test("the data is not here"); }',
    "overflows": "Test(case, overflows) { volatile int x = 2147483647; x = x + 1; }",
    "hangs": "Test(case, hangs) { for (;;) { } }",
}
PLAIN = {
    "silent": "int main(void) { return 0; }",
    "dies": '#include <stdio.h>\n#include <stdlib.h>\n'
            'int main(void) { puts("1..2\\nok - one"); fflush(stdout); abort(); }',
}
WITHOUT_TAP = {
    "refuses": '#include <stdio.h>\nint main(void) { puts("the reason"); return 1; }',
    "declines": '#include <stdio.h>\nint main(void) { puts("not here"); return 77; }',
}
MESON = "project('cases', 'c', default_options: ['b_sanitize=address,undefined'])\n" \
        "add_project_arguments('-fno-sanitize-recover=all', language: 'c')\n"


class Cases:
    """The built project; made once, on first use."""
    folder = None


def built():
    if Cases.folder:
        return Cases.folder.name
    Cases.folder = tempfile.TemporaryDirectory()
    top, meson = Cases.folder.name, MESON
    for name, text in {**CRITERION, **PLAIN, **WITHOUT_TAP}.items():
        with open(f"{top}/{name}.c", "w") as file:
            file.write((HEAD if name in CRITERION else "") + text + "\n")
        arguments, uses = "", ""
        if name in CRITERION:
            arguments, uses = "'--tap', '-j1'", ", dependencies: dependency('criterion')"
        protocol = "exitcode" if name in WITHOUT_TAP else "tap"
        meson += f"test('{name}', executable('{name}', '{name}.c'{uses}), args: [{arguments}], " \
                 f"protocol: '{protocol}', suite: '{name}', timeout: 20)\n"
    with open(f"{top}/meson.build", "w") as file:
        file.write(meson)
    for command in (["meson", "setup", f"{top}/build", top], ["ninja", "-C", f"{top}/build"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
    return top


def judged(name, scale=1.0):
    """Exit status and output of run_tests on that one program."""
    done = subprocess.run([sys.executable, f"{HERE}/run_tests", f"{built()}/build",
                           f"--scale={scale}", f"--suite={name}"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def expect(name, closing, *texts, scale=1.0):
    status, output = judged(name, scale)
    assert output.splitlines()[-1] == closing, f"closing line is not '{closing}':\n{output}"
    assert (status == 0) == (closing.startswith("1 passed, 0 failed")), f"status {status}:\n{output}"
    for text in texts:
        assert text in output, f"'{text}' is not in:\n{output}"


def test_a_passing_test_passes():
    expect("passes", "1 passed, 0 failed, 0 skipped")


def test_a_failing_test_is_named_with_its_message():
    expect("fails", "0 passed, 1 failed, 0 skipped", "case::fails", "one is not 2")


def test_a_leak_fails_although_the_program_exits_with_0():
    expect("leaks", "1 passed, 1 failed, 0 skipped", "LeakSanitizer: detected memory leaks")


def test_a_crash_fails():
    expect("crashes", "0 passed, 2 failed, 0 skipped", "case::crashes", "AddressSanitizer")


def test_a_test_that_exits_fails():
    expect("exits", "0 passed, 1 failed, 0 skipped", "case::exits")


def test_a_skip_is_counted_with_its_reason():
    expect("skips", "0 passed, 0 failed, 1 skipped", "the data is not here", "no test was run")


def test_undefined_behaviour_fails():
    expect("overflows", "0 passed, 2 failed, 0 skipped", "runtime error: signed integer overflow")


def test_a_program_that_says_nothing_fails():
    expect("silent", "0 passed, 1 failed, 0 skipped", "printed no test plan")


def test_a_program_that_dies_midway_fails():
    expect("dies", "1 passed, 1 failed, 0 skipped", "planned 2 tests, reported 1")


def test_a_program_without_tap_is_judged_by_its_status():
    expect("refuses", "0 passed, 1 failed, 0 skipped", "exit status 1", "the reason")
    expect("declines", "0 passed, 0 failed, 1 skipped", "not here")


def test_a_hang_is_ended_and_fails():
    expect("hangs", "0 passed, 1 failed, 0 skipped", "still running after 1 s", scale=0.05)


if __name__ == "__main__":
    tap.run(tap.functions(sys.modules[__name__]))
