#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unsaddle measure as a user would call it, and a user's story: a run stalls, measure explains,
certify says saddle and which way is down, the run gets away, certify says stationary.

Usage: test_measure.py BUILD
"""

import csv
import json
import math
import os
import re
import subprocess
import sys
import tempfile

import tap

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "unsaddle")
SADDLE = os.path.join(ROOT, "examples/saddle.yaml")
STORY = os.path.join(ROOT, "examples/zero-saddle.yaml")
FEW = ["draws=256", "probes=2"]


def run(*words, status=0, cwd=ROOT):
    done = subprocess.run([PROGRAM, *words], cwd=cwd, text=True, timeout=100, check=False,
                          capture_output=True)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


def measure(*words):
    return json.loads(run("measure", *words, "--json").stdout)


def test_the_report_has_its_sections_and_its_answer():
    text = run("measure", SADDLE, *FEW).stdout
    for section in ("Gradient against noise", "Curvature", "Is this a saddle?",
                    "Noise of the step", "Who would leave, and when?", "What to do"):
        assert f"\n{section}" in text, section
    assert "Yes (proof)" in text and "times sooner" in text, text
    assert "Assumptions" not in text


def test_json_says_the_same_and_is_whole():
    found = measure(SADDLE)
    assert found["dimension"] == 2 and found["at"] == "start"
    assert found["curvature"]["smallest"] == [-0.1]
    assert found["verdict"]["verdict"] == "saddle"
    own, *others = found["metrics"]
    assert own["in_use"] and not any(m["in_use"] for m in others)
    assert 0.95 < own["today"]["escape_steps"]["median"] / 43115 < 1.05
    assert 0.9 < own["today"]["floor"] / 2.525e-4 < 1.1
    diagonal = next(m for m in others if m["name"] == "diagonal p=0.5")
    assert 0.9 < diagonal["today"]["escape_steps"]["median"] / 3160 < 1.1
    assert diagonal["step_noise"]["rank"]["value"] > 1.9
    assert math.isclose(diagonal["equal_floor"]["floor"], own["today"]["floor"], rel_tol=1e-9)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again = (run("measure", SADDLE, *FEW, "--json").stdout for _ in range(2))
    assert first == again
    assert first != run("measure", SADDLE, *FEW, "seed=2", "--json").stdout


def test_candidates_are_those_asked_for():
    found = measure(SADDLE, *FEW, "structures=diagonal,full", "exponents=0.25,1", "centred=no")
    assert [m["name"] for m in found["metrics"]] == [
        "identity", "diagonal p=0.25", "diagonal p=1", "full p=0.25", "full p=1"]


def test_measuring_uses_the_cell_that_is_named():
    found = measure(SADDLE, *FEW, "--cell", "rmsprop eta=1e-3")
    assert found["metrics"][0]["name"] == "diagonal p=0.5"
    assert found["metrics"][0]["estimate_error"]["value"] is not None
    assert "identity" in [m["name"] for m in found["metrics"]]


def test_assumptions_walk_the_run_again():
    with tempfile.TemporaryDirectory() as place:
        run("run", SADDLE, "steps=3000", "replicas=2", "optimizers=[rmsprop: {eta: 1e-2}]", "--out",
            f"{place}/r", "--quiet")
        text = run("measure", f"{place}/r", *FEW, "--assumptions").stdout
        assert "along 3000 steps of the run" in text, text
        found = measure(f"{place}/r", *FEW, "--assumptions")
        assert found["at"] == "end" and found["assumptions"]["steps"] == 3000
        assert found["assumptions"]["value_to"] == found["value"], "the path ends elsewhere"
        assert found["assumptions"]["largest_gradient"] > 1
        assert measure(f"{place}/r", *FEW, "path=50", "--assumptions")["assumptions"]["steps"] == 50


def test_an_exact_saddle_without_noise_is_to_be_left_by_a_step_of_its_own():
    with tempfile.TemporaryDirectory() as place:
        run("run", SADDLE, "problem={name: saddle, hessian: [-1], noise: [0]}", "steps=10",
            "optimizers=[sgd: {eta: 0.1}]", "--out", f"{place}/r", "--quiet")
        text = run("measure", f"{place}/r", *FEW).stdout
    assert "nan" not in text, text
    assert "Is this a saddle?\n  Yes (proof)" in text and "No forecast" in text, text
    advice = text.split("What to do")[1]
    assert "Nothing pushes here" in advice and "nothing to leave" not in advice, advice
    assert "--witness" in advice and "stall.act=witness" in advice, advice


def test_nothing_is_off_by_not_a_number():
    plan = ("problem: {name: saddle, hessian: [1, -1], noise: [0, 0]}\nsteps: 10\n"
            "optimizers: {rmsprop: {eta: 1e-2}}\n")
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "still.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(plan)
        text = run("measure", path, *FEW).stdout
        assert "nan" not in text and "off by" not in text, text
        assert "off by" in run("measure", SADDLE, "--cell", "rmsprop eta=1e-3", *FEW).stdout


def test_nothing_lies_below_a_known_minimum():
    plan = ("problem: {name: quadratic, d: 1, distance: 0}\nsteps: 10\n"
            "optimizers: {sgd: {eta: 1e-3}}\n")
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "minimum.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(plan)
        text = run("measure", path, *FEW).stdout
        assert "f                    0, the minimum of the problem: nothing lies lower\n" in text, text
        found = measure(path, *FEW)
        assert found["target"] is None and found["target_from"] == "none", found
        given = measure(path, "drop=0.1", *FEW)
        assert given["target"] == -0.1 and given["target_from"] == "asked", given


def test_mistakes_are_named_with_the_nearest_name():
    for words, wanted in ((["drawz=3"], "draws"), (["draws=3"], "draws"), (["model=sometimes"], "auto"),
                          (["--at", "middle"], "middle"), (["structures=diagonal,ful"], "full"), (["--assumption"], "assumptions"),
                          (["--at", "end"], "plan"), (["--cell", "sgd eta=1e-4"], "sgd eta=1e-3"),
                          (["steps"], "key=value")):
        done = run("measure", SADDLE, *words, status=2)
        assert done.stdout == "" and wanted in done.stderr, (words, done.stderr)
    assert "saddel.yaml" in run("measure", "examples/saddel.yaml", status=2).stderr


def test_documented_keys_are_those_printed():
    """docs/record.md has every key of the JSON."""
    with open(os.path.join(ROOT, "docs/record.md"), encoding="utf-8") as file:
        documented = set(re.findall(r"`([^`]+)`", file.read()))
    names = set()
    for entry in documented:
        names.update(re.findall(r"\w+", entry))

    def walk(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                assert key in names, f"docs/record.md does not name '{key}'"
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
    walk(measure(SADDLE, *FEW, "--assumptions", "path=100"))


class Story:
    """Steps of the story, in order; each leaves what the next one needs. A step along the witness
    taken by the run itself belongs between `certify` and `escape`."""

    def __init__(self, place):
        self.place = place
        self.folder = os.path.join(place, "stalled")
        self.witness = os.path.join(place, "witness.csv")

    def stall(self):
        run("run", STORY, "--out", self.folder, "--quiet")
        with open(os.path.join(self.folder, "summary.json"), encoding="utf-8") as file:
            cell, = json.load(file)["runs"]
        assert cell["escaped"] == 0, "nothing should have left"

    def explain(self):
        found = measure(self.folder, "structures=diagonal", "centred=no")
        text = run("measure", self.folder, "structures=diagonal", "centred=no").stdout
        assert "Is this a saddle?\n  Yes" in text, text
        assert "would be out in about" in text, text
        own = found["metrics"][0]["today"]
        assert found["curvature"]["share_negative"]["value"] > 0.5
        return own["escape_steps"]

    def certify(self):
        done = run("certify", self.folder, "--witness", self.witness, status=10)
        assert "Saddle (proof)" in done.stdout
        with open(self.witness, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        length = math.sqrt(sum(float(row["value"]) ** 2 for row in rows))
        assert len(rows) == 60 and abs(length - 1) < 1e-12

    def ended(self, name, *values):
        """Runs the story to its end; returns its cell."""
        folder = os.path.join(self.place, name)
        run("run", STORY, *values, "--out", folder, "--quiet")
        with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
            cell, = json.load(file)["runs"]
        assert cell["escaped"] == cell["replicas"]
        return cell

    def wait(self, expected):
        cell = self.ended("waited", "steps=6000")
        left = cell["escape_steps"]["median"] - 200  # measured 200 steps later
        assert 0.75 < expected["median"] / left < 1.25, (expected, left)
        return left

    def escape(self, waited):
        cell = self.ended("escaped", "steps=4000", "stall.every=100", "stall.act=witness")
        assert cell["escape_steps"]["median"] < waited / 4, cell["escape_steps"]
        done = run("certify", os.path.join(self.place, "escaped"))
        assert "Second-order stationary (bound)" in done.stdout

    def tell(self):
        self.stall()
        expected = self.explain()
        self.certify()
        self.escape(self.wait(expected))


def test_a_stalled_factorization_is_explained_certified_and_left():
    with tempfile.TemporaryDirectory() as place:
        Story(place).tell()


def number(word):
    try:
        return float(word.strip("[],?'>:;%"))
    except ValueError:
        return None


def same(said, given):
    """Word by word; numbers within 3 %, the standard errors among them within 30 %."""
    words, others = said.split(), given.split()
    if len(words) != len(others):
        return False
    for before, one, other in zip([""] + words, words, others):
        x, y = number(one), number(other)
        if x is None or y is None:
            if one != other:
                return False
        elif abs(x - y) > (0.3 if before == "+-" or abs(x) < 1e-12 else 0.03) * max(abs(x), 1e-12):
            return False
    return True


def test_the_story_in_the_readme_is_what_the_program_says():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        section = file.read().split("## Am I at a saddle?")[1].split("\n## ")[0]
    commands = re.findall(r"^build/unsaddle (.*)$", section, re.M)
    shown = re.findall(r"^```text\n(.*?)^```$", section, re.S | re.M)
    with tempfile.TemporaryDirectory() as place:
        os.symlink(os.path.join(ROOT, "examples"), os.path.join(place, "examples"))
        for command in commands:
            done = subprocess.run([PROGRAM, *command.split()], cwd=place, text=True, timeout=100,
                                  check=False, capture_output=True)
            assert done.returncode in (0, 10), done.stderr
            if command.split()[0] == "run":
                continue
            expected = shown.pop(0).rstrip("\n").split("\n")
            given = done.stdout.rstrip("\n").split("\n")
            assert len(expected) == len(given), f"README: other lines than\n{done.stdout}"
            for line, other in zip(expected, given):
                assert same(line, other), f"README says\n{line}\nbut the program\n{other}"
    assert not shown


tap.run(tap.functions(sys.modules[__name__]))
