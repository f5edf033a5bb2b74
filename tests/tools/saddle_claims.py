#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The paper's saddle experiment with 1,000 replicas on two seeds: escape ratios and floors within
bounds that were fixed beforehand. About twenty seconds on two cores.

Usage: saddle_claims.py BUILD
"""

import functools
import json
import os
import subprocess
import sys

import tap

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "unsaddle")
TRACE = {"sgd": 1.01, "idealized": 1.1}  # tr(A Sigma): Sigma = diag(1, 0.01), A = I or its root


@functools.lru_cache(maxsize=None)
def runs(seed):
    done = subprocess.run([PROGRAM, "run", "examples/saddle.yaml", f"seed={seed}", "--json"],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    return {(run["optimizer"], run["eta"]): run for run in json.loads(done.stdout)["runs"]}


def between(what, low, value, high):
    print(f"# {what}: {value:.5g} in [{low:.5g}, {high:.5g}]")
    assert low <= value <= high, f"{what} is {value}, not in [{low}, {high}]"


def escape(seed, optimizer, eta, kind):
    return runs(seed)[optimizer, eta]["escape_steps"][kind]


def floor(seed, optimizer, eta):
    return runs(seed)[optimizer, eta]["floor"]["mean"]


def check_medians(seed):
    ratio = escape(seed, "sgd", 1e-3, "median") / escape(seed, "rmsprop", 1e-3, "median")
    between("median SGD / RMSProp, both at 1e-3", 12.5, ratio, 14.5)


def check_means(seed):
    rmsprop = escape(seed, "rmsprop", 1e-3, "mean")
    between("mean SGD 1e-2 / RMSProp 1e-3", 0.95, escape(seed, "sgd", 1e-2, "mean") / rmsprop, 1.05)
    between("mean idealized / RMSProp", 0.95, escape(seed, "idealized", 1e-3, "mean") / rmsprop, 1.05)


def check_floors(seed):
    for (optimizer, eta), run in runs(seed).items():
        if optimizer in TRACE:
            law = eta * TRACE[optimizer] / 4
            between(f"floor {run['label']} / law", 0.95, run["floor"]["mean"] / law, 1.05)
    ratio = floor(seed, "sgd", 1e-2) / floor(seed, "rmsprop", 1e-3)
    between("floor SGD 1e-2 / RMSProp 1e-3", 8.5, ratio, 10.5)


CLAIMS = (("medians of the escape step", check_medians), ("means of the escape step", check_means),
          ("floors", check_floors))
tap.run([(f"seed {seed}: {name}", functools.partial(check, seed))
         for seed in (1, 2) for name, check in CLAIMS])
