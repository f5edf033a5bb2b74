#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What instruments cost a run, in instructions (Valgrind), and that they change no bit of it.

`instruments.every: auto` is held to 2 %, wherever it reads at all; the watch for stalls, which is off
unless a plan asks for it, is only told. Instructions, because what is counted has no noise; a
plan's `auto` is itself chosen by counted costs, never by a clock.

Usage: instrument_cost.py BUILD
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "unsaddle")
EXAMPLES = os.path.join(os.path.dirname(__file__), "../../examples")
SAME = ("metrics.csv", "escapes.csv", "points.csv")
LIMIT = 0.02

SGD, RMSPROP = "sgd: {eta: 1e-3}", "rmsprop: {eta: 1e-3, beta: {rule: eta^2/3, C: 1}}"
FULL = "rmsprop: {eta: 1e-3, structure: full}"
SADDLE2D, FACTORS = "{name: saddle2d}", "{name: matrix-factorization, n: 6, rank: 1}"
SMALL, WIDER = "{name: quadratic, d: 2}", "{name: saddle}"

# Problem, optimizer, batch, replicas, steps: enough for two readings.
CASES = [
    (SADDLE2D, SGD, 1, 1, 80000), (SADDLE2D, RMSPROP, 1, 1, 80000),
    (SADDLE2D, SGD, 1, 1000, 4000), (SADDLE2D, RMSPROP, 1, 1000, 4000),
    (SMALL, SGD, 1, 1, 80000), (SMALL, FULL, 1, 1, 80000), (SMALL, SGD, 1, 20, 60000),
    (WIDER, SGD, 1, 1, 80000), (FACTORS, SGD, 16, 1, 90000), (FACTORS, RMSPROP, 16, 20, 80000),
]


def run(folder, plan, words):
    """Instructions of the run, and what it left of the trajectory."""
    if os.path.exists(folder):
        shutil.rmtree(folder)
    counted = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run([*counted, PROGRAM, "run", plan, "threads=1", *words, "--out", folder,
                           "--quiet"], capture_output=True, text=True, check=True)
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    left = []
    for name in SAME:
        with open(os.path.join(folder, name), "rb") as file:
            left.append(file.read())
    return int(found.group(1).replace(",", "")), left


def rows(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return sum(1 for _ in file) - 1


def short(problem, optimizer):
    name = re.search(r"name: ([\w-]+)", problem).group(1)
    return name + (", full" if "full" in optimizer else ", " + optimizer.split(":")[0])


def claim_auto(place, case):
    problem, optimizer, batch, replicas, steps = case
    plan, folder = os.path.join(place, "plan.yaml"), os.path.join(place, "out")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(f"problem: {problem}\nsteps: {steps}\nreplicas: {replicas}\nbatch: {batch}\n"
                   f"seed: 1\noptimizers:\n  - {optimizer}\n")
    plain, before = run(folder, plan, [])
    read, after = run(folder, plan, ["instruments.every=auto"])
    share, readings = read / plain - 1, rows(folder, "readings.csv")
    good = share <= LIMIT and readings >= 2 and before == after
    print(f"{'ok' if good else 'FAILED':8s}instruments.every: auto: {short(problem, optimizer):27s} "
          f"{replicas:4d} replicas, {steps:6d} steps: {readings:2d} readings, {100 * share:+.2f} %, "
          f"{'the same bits' if before == after else 'other bits'}", flush=True)
    return good


def tell_stall(place, example, words):
    plan, folder = os.path.join(EXAMPLES, example), os.path.join(place, "out")
    plain, _ = run(folder, plan, words)
    watched, _ = run(folder, plan, [*words, "stall.every=500"])
    print(f"        stall.every: 500 on {example} {' '.join(words)}: {rows(folder, 'episodes.csv')} "
          f"episodes, {100 * (watched / plain - 1):+.1f} %", flush=True)


def main():
    if not shutil.which("valgrind"):
        print("skipped instrument cost: valgrind is missing\n0 passed, 0 failed, 1 skipped")
        return 0
    place = tempfile.mkdtemp(prefix="unsaddle-cost-")
    try:
        good = [claim_auto(place, case) for case in CASES]
        tell_stall(place, "saddle.yaml", ["steps=20000", "replicas=200"])
        tell_stall(place, "matrix-factorization.yaml", ["steps=4000"])
    finally:
        shutil.rmtree(place)
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed, 0 skipped")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
