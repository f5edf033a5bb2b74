#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stalls as a user meets them: the example that is led off its saddles, and what the record says.

Usage: test_stall.py BUILD
"""

import csv
import json
import os
import sys

import tap
from test_cli import ROOT, Place, expect


def test_a_stalled_factorization_is_led_to_a_stationary_point():
    plan = os.path.join(ROOT, "examples", "stall.yaml")
    with Place() as place:
        expect(place.run("certify", plan, "tau_g=1"), 10, "Saddle (proof)")
        result = expect(place.run("run", plan, "replicas=5", "--out", "kept"), 0, "along the witness")
        assert "were saddles" in result.stdout, result.stdout
        rows = list(csv.DictReader(place.read("kept", "episodes.csv").splitlines()))
        saddles = [row for row in rows if row["verdict"] == "saddle"]
        acted = [row for row in saddles if row["acted"] == "1"]
        assert len(acted) >= 10 and len(acted) < len(saddles), (len(acted), len(saddles))
        assert all(float(row["decrease"]) > 0 and row["left"] for row in acted)
        medians = {run["label"]: run["escape_steps"]["median"]
                   for run in json.loads(place.read("kept", "summary.json"))["runs"]}
        assert medians["sgd stall.act=witness"] * 2 < medians["sgd stall.act=none"], medians
        expect(place.run("certify", "kept", "--cell", "sgd stall.act=witness"), 0,
               "Second-order stationary (bound)")


def test_the_readme_has_the_examples_medians():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        readme = file.read()
    with Place() as place:
        expect(place.run("run", os.path.join(ROOT, "examples", "stall.yaml"), "--out", "kept"), 0)
        waiting, acting = (f"{run['escape_steps']['median']:,.0f}"
                           for run in json.loads(place.read("kept", "summary.json"))["runs"])
        said = f"{waiting} steps in the median against {acting}."
        assert said in readme, f"README does not say: {said}"


def test_readings_are_in_the_record_and_in_the_table():
    with Place() as place:
        result = expect(place.run("run", "plan.yaml", "instruments.every=1000", "--out", "kept"), 0,
                        "Last reading, at step 3,000")
        rows = list(csv.DictReader(place.read("kept", "readings.csv").splitlines()))
        assert [row["step"] for row in rows] == ["1000", "2000", "3000"] * 3, rows
        assert all(float(row["noise"]) > 0 for row in rows)
        assert expect(place.run("show", "kept"), 0, None, "").stdout == result.stdout


def main():
    tap.run(tap.functions(sys.modules[__name__]))


if __name__ == "__main__":
    main()
