#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program sees to it that OpenBLAS runs on the kernels of this processor and on one thread.

A library put in front of OpenBLAS plays one that does not know the processor.
Usage: test_core.py BUILD
"""

import os
import re
import subprocess
import sys
import tempfile

import tap

PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "unsaddle")
LIMIT_S = 30

# STUBBORN: stays with Prescott whatever the environment says.
STAND_IN = """\
#include <stdio.h>
#include <stdlib.h>
char *openblas_get_corename(void) {
    char *asked = getenv("OPENBLAS_CORETYPE");
    return asked && !STUBBORN ? asked : "Prescott";
}
void openblas_set_num_threads(int count) {
    fprintf(stderr, "threads %d\\n", count);
}
"""


def flags():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
    return found.group(1).split() if found else []


def info(**environment):
    """The line of `unsaddle info` about BLAS, and what was said on standard error."""
    settled = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    shown = subprocess.run([PROGRAM, "info"], env=settled | environment, text=True, timeout=LIMIT_S,
                           check=True, capture_output=True)
    return re.search(r"^BLAS +(.*)$", shown.stdout, re.M).group(1), shown.stderr


def stand_in(folder, stubborn):
    if "not linked" in info()[0]:
        raise tap.Skip("this build has no OpenBLAS")
    path = os.path.join(folder, "stand_in.so")
    subprocess.run(["cc", "-shared", "-fPIC", f"-DSTUBBORN={stubborn}", "-x", "c", "-", "-o", path],
                   input=STAND_IN, text=True, check=True)
    return path


def test_old_kernels_on_a_new_processor_are_changed_once():
    if "avx2" not in flags():
        raise tap.Skip("this processor has no AVX2")
    with tempfile.TemporaryDirectory() as folder:
        line, said = info(LD_PRELOAD=stand_in(folder, 0))
        assert re.fullmatch("OpenBLAS, core (SkylakeX|Zen|Haswell)", line), line
        assert ("SkylakeX" in line) == ("avx512dq" in flags() and "avx512vl" in flags()), line
        assert said == "threads 1\n" * 2, f"expected one new start: {said!r}"


def test_a_second_start_is_not_tried():
    with tempfile.TemporaryDirectory() as folder:
        line, said = info(LD_PRELOAD=stand_in(folder, 1))
        assert line.startswith("OpenBLAS, core Prescott"), line
        assert said.count("threads 1\n") <= 2, said


def test_a_core_that_the_user_chose_is_kept():
    with tempfile.TemporaryDirectory() as folder:
        line, said = info(LD_PRELOAD=stand_in(folder, 0), OPENBLAS_CORETYPE="Prescott")
        assert line.startswith("OpenBLAS, core Prescott"), line
        assert said == "threads 1\n", said


if __name__ == "__main__":
    tap.run(tap.functions(sys.modules[__name__]))
