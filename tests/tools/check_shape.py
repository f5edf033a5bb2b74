#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the sources to their shape: file and function length, licence heads, leftovers, format.

Usage: check_shape.py [TREE]
"""

import ast
import os
import re
import shutil
import statistics
import subprocess
import sys

import cfunctions
import tap

FOLDERS = ("include", "src", "cli", "examples", "bench", "tests", "tools", "python")
PRODUCT = ("include", "src", "cli", "examples")
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES = 600, 80, 15
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|^\s*#\s*if\s+0\b", re.M)
SHOWN = 20


class Source:
    def __init__(self, tree, path):
        self.path = path
        with open(os.path.join(tree, path), encoding="utf-8") as file:
            self.text = file.read()
        self.lines = self.text.count("\n")
        self.is_c = path.endswith((".c", ".h", ".cu"))
        self.is_python = path.endswith(".py") or "python3" in self.text.split("\n", 1)[0]

    def functions(self):
        """Returns [(first line, head, lines)]."""
        if self.is_c:
            return [(first, head, last - first + 1)
                    for head, first, last in cfunctions.functions(self.text)]
        if self.is_python:
            return [(node.lineno, node.name, node.end_lineno - node.lineno + 1)
                    for node in ast.walk(ast.parse(self.text)) if isinstance(node, ast.FunctionDef)]
        return []


def is_source(folder, name):
    if name.endswith((".c", ".h", ".cu", ".py", ".sh")):
        return True
    if "." in name:
        return False
    with open(os.path.join(folder, name), "rb") as file:
        return file.read(2) == b"#!"


def sources(tree):
    found = []
    for top in FOLDERS:
        for folder, folders, names in os.walk(os.path.join(tree, top)):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            found += [Source(tree, os.path.relpath(os.path.join(folder, name), tree))
                      for name in sorted(names) if is_source(folder, name)]
    assert found, "found no source to check"
    return found


def none_of(findings):
    findings = list(findings)
    more = [f"and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
    assert not findings, "\n".join(findings[:SHOWN] + more)


def check_files(files):
    none_of(f"{f.path}: {f.lines} lines, {FILE_LINES} at most: split by meaning"
            for f in files if f.lines > FILE_LINES)


def check_functions(files):
    none_of(f"{f.path}:{first}: {lines} lines, {FUNCTION_LINES} at most: {head[:60]}"
            for f in files for first, head, lines in f.functions() if lines > FUNCTION_LINES)


def check_median(files):
    lengths = [lines for f in files if f.is_c and f.path.startswith(PRODUCT)
               for _, _, lines in f.functions()]
    middle = statistics.median(lengths or [0])
    print(f"# {len(lengths)} functions, median {middle:g} lines, longest {max(lengths or [0])}")
    assert middle <= MEDIAN_LINES, f"the median function has {middle:g} lines, {MEDIAN_LINES} at most"


def check_heads(files):
    for f in files:
        head = f.text.split("\n")[:1] if f.is_c else f.text.split("\n")[:3]
        if not any("SPDX-License-Identifier: MIT" in line for line in head):
            yield f"{f.path}:1: no SPDX-License-Identifier at the head"


def check_leftovers(files):
    for f in files:
        for match in LEFTOVER.finditer(f.text):
            yield f"{f.path}:{f.text.count(chr(10), 0, match.end()) + 1}: '{match.group(0).strip()}'"


def check_format(tree, files):
    if not shutil.which("clang-format"):
        raise tap.Skip("clang-format is not installed (tools/setup --ci)")
    done = subprocess.run(["clang-format", "--dry-run", *(f.path for f in files if f.is_c)],
                          cwd=tree, stderr=subprocess.PIPE, text=True)
    none_of(line for line in done.stderr.splitlines() if "warning:" in line or "error:" in line)


def main():
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../..")
    files = sources(tree)
    tap.run([
        (f"no file is longer than {FILE_LINES} lines", lambda: check_files(files)),
        (f"no function is longer than {FUNCTION_LINES} lines", lambda: check_functions(files)),
        (f"the median function has at most {MEDIAN_LINES} lines", lambda: check_median(files)),
        ("every source names its licence at the head", lambda: none_of(check_heads(files))),
        ("no leftovers", lambda: none_of(check_leftovers(files))),
        ("clang-format would change nothing", lambda: check_format(tree, files)),
    ])


if __name__ == "__main__":
    main()
