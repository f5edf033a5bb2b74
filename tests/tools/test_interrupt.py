#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ctrl-C as a user presses it: what is done is kept or shown, and twice quits at once.

Usage: test_interrupt.py BUILD
"""

import json
import re
import signal
import subprocess
import sys
import time

import tap
from test_cli import LIMIT_S, LONG, RECORD, Place, expect


def wait_for(place, process, signals, start_s=0.7):
    time.sleep(start_s)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    out, err = process.communicate(timeout=LIMIT_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_one_interrupt_finishes_the_record():
    with Place(long=LONG) as place:
        for number in signal.SIGINT, signal.SIGTERM:
            process = place.start("run", "long.yaml", "--out", "kept")
            result = expect(wait_for(place, process, [number]), 130, "interrupted", "kept")
            assert "of 3 cells were not finished" in result.stderr, result.stderr
            assert place.names("kept") == RECORD
            stops = {run["stop"] for run in json.loads(place.read("kept", "summary.json"))["runs"]}
            assert "interrupted" in stops
            expect(place.run("show", "kept"), 0, "interrupted", "")
        process = place.start("run", "long.yaml", "--json", "--quiet")
        json.loads(expect(wait_for(place, process, [signal.SIGINT]), 130, None, "").stdout)


WIDE = """\
problem: {name: quadratic, d: 200000, rotation: none, noise_rotation: none, spacing: even,
  condition: 1e9, optimum: 0, distance: 0}
steps: 10
seed: 1
optimizers:
  - sgd: {eta: 1e-3}
"""


def test_interrupted_instruments_tell_what_is_known():
    with Place(wide=WIDE) as place:
        slow = place.start("certify", "wide.yaml", "tau_h=1e-9")
        expect(wait_for(place, slow, [signal.SIGINT]), 130, "least curvature", "nothing was decided")
        slow = place.start("certify", "wide.yaml", "tau_h=1e-9", "--json")
        told = json.loads(expect(wait_for(place, slow, [signal.SIGINT]), 130, None).stdout)
        assert told["interrupted"] and told["verdict"] == "undecided" and told["products"] > 0
        slow = place.start("measure", "plan.yaml", "draws=200000")
        told = expect(wait_for(place, slow, [signal.SIGINT]), 130, "Curvature", None)
        assert re.search(r"interrupted: \d+ of \d+ preconditioners were looked at", told.stderr), told


def test_two_interrupts_quit_at_once():
    # The second may come after the run has stopped by the first: then the record is there.
    with Place(long=LONG) as place:
        process = place.start("run", "long.yaml", "--out", "kept")
        begun = time.monotonic()
        result = wait_for(place, process, [signal.SIGINT, signal.SIGINT])
        assert result.returncode in (-signal.SIGINT, 130), result
        assert time.monotonic() - begun < 10


if __name__ == "__main__":
    tap.run(tap.functions(sys.modules[__name__]))
