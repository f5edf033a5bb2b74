#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the README to the truth: its program is examples/quickstart.c, its table and its picture
are what the saddle experiment gives, digit by digit.

Usage: check_readme.py BUILD
"""

import os
import re
import subprocess
import sys
import tempfile

import tap

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.path.abspath(sys.argv[1])


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", read("README.md"), re.S | re.M)
    return [text for name, text in fenced if name == language]


def test_the_program_in_c_is_the_example():
    example = read("examples/quickstart.c").split("\n", 1)[1]
    assert blocks("c") == [example], "README's C differs from examples/quickstart.c"


def test_the_example_finds_the_minimum():
    done = subprocess.run([f"{BUILD}/examples/quickstart"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    values = [abs(float(v)) for v in re.findall(r"-?[0-9.]+e[-+][0-9]+", done.stdout)]
    assert len(values) == 2 and max(values) < 1e-3, done.stdout


def test_table_and_picture_are_what_the_experiment_gives():
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run([f"{BUILD}/unsaddle", "run", "examples/saddle.yaml", "--out",
                               f"{place}/saddle"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with open(f"{place}/saddle/plot.svg", encoding="utf-8") as file:
            picture = file.read()
    table = next(b for b in blocks("") if "escape step" in b)
    assert done.stdout.strip() == table.strip(), f"README's table is not\n{done.stdout}"
    assert picture == read("docs/pictures/saddle.svg"), "docs/pictures/saddle.svg is not plot.svg"


tap.run(tap.functions(sys.modules[__name__]))
