#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the program as a user would: every command, every kind of error, every exit status.

Usage: test_cli.py BUILD
"""

import csv
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

import tap

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "unsaddle")
LIMIT_S = 30
RECORD = {"config.yaml", "meta.json", "metrics.csv", "escapes.csv", "points.csv", "readings.csv",
          "episodes.csv", "summary.json", "plot.svg"}

PLAN = """\
problem: {name: saddle2d, noise: gaussian}
steps: 3000
replicas: 20
seed: 3
settle: 100
optimizers:
  - sgd:     {eta: [1e-2, 3e-2]}
  - rmsprop: {eta: 1e-2, beta: {rule: eta^2/3, C: 1}, burn_in: auto}
"""
DIVERGING = """\
problem: {name: quadratic}
steps: 3000
replicas: 2
optimizers:
  - sgd: {eta: 1e30}
"""
LONG = PLAN.replace("steps: 3000", "steps: 1000000000")


class Place:
    """An empty folder, with a plan in it, in which the program runs."""

    def __init__(self, **files):
        self.path = tempfile.mkdtemp(prefix="unsaddle-cli-")
        for name, text in ({"plan": PLAN} | files).items():
            self.write(name + ".yaml", text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["chmod", "-R", "u+w", self.path], check=False)
        shutil.rmtree(self.path)

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, *name):
        with open(os.path.join(self.path, *name), encoding="utf-8") as file:
            return file.read()

    def names(self, *folder):
        return set(os.listdir(os.path.join(self.path, *folder)))

    def run(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run([PROGRAM, *words], cwd=self.path, text=True, timeout=LIMIT_S,
                              check=False, **options)

    def start(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen([PROGRAM, *words], cwd=self.path, text=True, **options)


def expect(result, status, out=None, err=None):
    """Exit status, and what standard output and standard error must contain ("" = be empty)."""
    shown = f"{result.args[1:]}\nstatus {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert result.returncode == status, f"expected status {status}: {shown}"
    for name, text, wanted in ("output", result.stdout, out), ("errors", result.stderr, err):
        if wanted == "":
            assert text == "", f"expected no {name}: {shown}"
        elif wanted is not None:
            assert wanted in text, f"expected '{wanted}' in the {name}: {shown}"
    return result


def test_help_and_version_go_to_standard_output():
    with Place() as place:
        expect(place.run("--version"), 0, "unsaddle ", "")
        for command in ([], ["run"], ["show"], ["certify"], ["measure"], ["check"], ["list"], ["new"], ["info"],
                        ["bench"], ["help"]):
            for word in "--help", "-h":
                result = expect(place.run(*command, word), 0, "Exit status:", "")
                for status in "  0  ", "  1  ", "  2  ", "  3  ", " 10  ", " 11  ", " 12  ", "130  ":
                    assert status in result.stdout, status
            if command:
                assert expect(place.run("help", *command), 0, "Usage:", "").stdout == result.stdout
                assert command[0] in expect(place.run("--help"), 0).stdout
        expect(place.run("help"), 0, "Commands:", "")


def test_the_man_page_knows_every_command_option_and_status():
    with open(os.path.join(ROOT, "man/unsaddle.1"), encoding="utf-8") as file:
        page = file.read()
    with Place() as place:
        for command in re.findall(r"^  ([a-z]+) +\w", place.run("--help").stdout, re.M):
            assert f".Cm {command}" in page, command
            for option in re.findall(r"\[--([\w-]+)", place.run(command, "--help").stdout):
                assert f"Fl -{option}" in page or f"-{option}" in page, option
        for status in 0, 1, 2, 3, 10, 11, 12, 130:
            assert f".It {status}\n" in page, status


def test_the_man_page_is_clean():
    if not shutil.which("groff"):
        raise tap.Skip("groff is missing")
    result = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z",
                             os.path.join(ROOT, "man/unsaddle.1")],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0 and result.stderr == "", result.stderr


def test_wrong_usage_names_the_right_word():
    cases = [
        ([], "Usage:"), (["rnu"], "did you mean 'run'?"), (["--hepl"], "no option '--hepl'"),
        (["run"], "needs CONFIG"), (["run", "plan.yaml", "--ouy", "x"], "did you mean 'out'?"),
        (["run", "plan.yaml", "--out"], "needs a value"),
        (["run", "plan.yaml", "--json=1"], "takes no value"), (["run", "-x"], "no option '-x'"),
        (["run", "plan.yaml", "other.yaml"], "'other.yaml' is no key=value"),
        (["show"], "needs DIR"), (["show", "a", "b"], "does not take 'b'"),
        (["list", "rmsprp"], "did you mean 'rmsprop'?"), (["list", "a", "b"], "does not take"),
        (["list", "optimisers"], "nothing is called"), (["new"], "needs"),
        (["new", "sadle"], "did you mean 'saddle'?"), (["info", "x"], "does not take 'x'"),
        (["help", "shwo"], "did you mean 'show'?"),
        (["bench", "--rules", "adamv"], "did you mean 'adam"),
        (["bench", "etta=1"], "did you mean 'eta'?"),
        (["bench", "--layouts", "1k"], "'1k' is no layout"),
        (["bench", "--threads", "none"], "'none' is no number of threads"),
        (["bench", "--seconds", "-1"], "no positive number"),
        (["bench", "--layouts", "1x900G"], "GiB are available"),
        (["bench", "--layouts", "1x1k", "--compare", "absent.json"], "absent.json"),
        (["bench", "--layouts", "1x1k", "--compare", "plan.yaml"], "plan.yaml:1:"),
    ]
    with Place() as place:
        for words, message in cases:
            expect(place.run(*words), 2, "", message)
        assert place.names() == {"plan.yaml"}


def test_errors_in_a_plan_have_place_and_nearest_name_and_write_nothing():
    cases = [
        ("plan.yaml", "setps: 3000", "steps: 3000", "plan.yaml:2:1: ", "steps"),
        ("plan.yaml", "rmspop: ", "rmsprop: ", "plan.yaml:8:5: ", "rmsprop"),
        ("plan.yaml", "name: sadle2d", "name: saddle2d", "plan.yaml:1:17: ", "saddle2d"),
        ("plan.yaml", "replicas: many", "replicas: 20", "plan.yaml:3:11: ", "replicas"),
        ("plan.yaml", "replicas: 0", "replicas: 20", "plan.yaml:3:11: ", "range"),
        ("plan.yaml", "steps: [3000", "steps: 3000", "plan.yaml:", ""),
    ]
    for name, wrong, right, where, what in cases:
        with Place(plan=PLAN.replace(right, wrong)) as place:
            for command in "run", "check":
                result = expect(place.run(command, name), 2, "", where)
                assert what in result.stderr, result.stderr
            assert place.names() == {"plan.yaml"}, place.names()


def test_errors_in_overrides_and_missing_files():
    with Place() as place:
        expect(place.run("run", "absent.yaml"), 2, "", "absent.yaml")
        expect(place.run("run", "."), 2, "")
        expect(place.run("run", "plan.yaml", "setps=3"), 2, "", "steps")
        expect(place.run("run", "plan.yaml", "steps=few"), 2, "", "steps=few")
        expect(place.run("run", "plan.yaml", "optimizers.adam.eta=1"), 2, "", "adam")
        expect(place.run("run", "plan.yaml", "problem.name=softmax", "problem.data=idx",
                         "problem.path=/nowhere"), 2, "")
        assert place.names() == {"plan.yaml"}


SOFTMAX = """\
steps: 10
problem:
  name: softmax
  data: idx
  path: .
optimizers: [sgd]
"""
NO_ORACLE = """\
problem: {name: softmax, train: 20, test: 20}
steps: 10
optimizers:
  - sgd
  - idealized: {eta: 1e-3}
"""


def idx(kind, *sizes):
    """The head of an IDX file: kind 3 images, 1 labels."""
    return bytes([0, 0, 8, kind]) + b"".join(size.to_bytes(4, "big") for size in sizes)


def test_problems_and_optimizers_that_cannot_be_made_are_reported_where_they_stand():
    rotated = "problem: {name: saddle, d: 1000000}\nsteps: 1\noptimizers: [sgd]\n"
    files = {"train-images-idx3-ubyte": [b"no images", idx(3, 5, 2, 2) + bytes(7),
                                         idx(3, 2**31, 28, 28)],
             "train-labels-idx1-ubyte": [b"no labels", idx(1, 5), idx(1, 2**31)]}
    with Place(softmax=SOFTMAX, pathless=SOFTMAX.replace("  path: .\n", ""), oracle=NO_ORACLE,
               rotated=rotated) as place:
        cases = [(["softmax.yaml"], "softmax.yaml:3:9: ", "train-images-idx3-ubyte"),
                 (["pathless.yaml"], "pathless.yaml:3:9: ", "needs 'path'"),
                 (["softmax.yaml", "epochs=1"], "softmax.yaml:3:9: ", "train-images-idx3-ubyte"),
                 (["rotated.yaml"], "rotated.yaml:1:17: ", "random rotations"),
                 (["plan.yaml", "problem={name: saddle, d: 1000000}"],
                  "override 'problem={name: saddle, d: 1000000}': ", "random rotations"),
                 (["oracle.yaml"], "oracle.yaml:5:5: ", "needs an oracle"),
                 (["oracle.yaml", "optimizers=idealized"], "override 'optimizers=idealized': ",
                  "needs an oracle")]

        def refused(words, where, what):
            for command in "run", "check":
                result = expect(place.run(command, *words), 2, "")
                assert result.stderr.startswith(f"unsaddle: {where}") and what in result.stderr \
                    and result.stderr.count("\n") == 1, result.stderr

        for case in cases:
            refused(*case)
        expect(place.run("certify", "rotated.yaml"), 2, "", "unsaddle: rotated.yaml:1:17: ")
        expect(place.run("check", "oracle.yaml", "--yaml"), 2, "", "oracle.yaml:5:5: ")
        for i in range(3):
            for name, contents in files.items():
                with open(os.path.join(place.path, name), "wb") as file:
                    file.write(contents[i])
            refused(["softmax.yaml"], "softmax.yaml:3:9: ", "train-images-idx3-ubyte")
        assert not any(name.startswith("runs") and place.names(name) for name in place.names())


def test_check_prints_the_cells_without_running():
    with Place() as place:
        result = expect(place.run("check", "plan.yaml", "steps=777"), 0, "3 cells, no errors", "")
        assert "rmsprop" in result.stdout and "777 steps" in result.stdout
        resolved = expect(place.run("check", "plan.yaml", "--yaml"), 0, "optimizers:", "").stdout
        place.write("resolved.yaml", resolved)
        again = expect(place.run("check", "resolved.yaml", "--yaml"), 0, None, "").stdout
        assert again == resolved, again
        assert place.names() == {"plan.yaml", "resolved.yaml"}


def test_what_a_structure_keeps_is_told_before_the_run():
    plan = "problem: matrix-factorization\nsteps: 5\nreplicas: 2\noptimizers: [adafactor, sgd]\n"
    with Place(sums=plan) as place:
        line = "the mean squares of rows and columns, no matrices; 384 bytes of state and"
        checked = expect(place.run("check", "sums.yaml"), 0, line, "").stdout
        assert checked.count("of state") == 1 and "for 2 replicas" in checked, checked
        expect(place.run("run", "sums.yaml", "--out", "a"), 0, None,
               f"adafactor: structure factored: {line}")
        expect(place.run("run", "sums.yaml", "--out", "b", "--quiet"), 0, None, "")


def test_run_prints_the_table_and_writes_the_record():
    with Place() as place:
        result = expect(place.run("run", "plan.yaml"), 0, "escape step", "wrote runs/plan")
        assert "rmsprop" in result.stdout, result.stdout
        assert place.names("runs", "plan") == RECORD
        shown = expect(place.run("show", "runs/plan"), 0, None, "").stdout
        assert shown == result.stdout, shown + result.stdout
        xml.fromstring(place.read("runs", "plan", "plot.svg"))
        assert expect(place.run("show", "runs/plan", "--svg"), 0).stdout == \
            place.read("runs", "plan", "plot.svg"), "another picture"
        rows = list(csv.DictReader(place.read("runs", "plan", "metrics.csv").splitlines()))
        assert len(rows) >= 3 * 100, len(rows)
        expect(place.run("run", "plan.yaml"), 0, None, "wrote runs/plan-2")
        expect(place.run("run", "runs/plan/config.yaml", "--out", "again"), 0)
        assert figures(place.read("again", "summary.json")) == \
            figures(place.read("runs", "plan", "summary.json"))


def figures(text):
    """A summary without what may vary."""
    summary = json.loads(text)
    for run in summary["runs"]:
        assert run.pop("steps_per_second") > 0
        assert run.pop("wall_s") > 0
        assert run["structure"].pop("root_seconds") >= 0
    return summary


def test_json_is_the_summary_alone_and_writes_nothing():
    with Place() as place:
        result = expect(place.run("run", "plan.yaml", "--json"), 0)
        summary = json.loads(result.stdout)
        assert place.names() == {"plan.yaml"}
        assert [run["optimizer"] for run in summary["runs"]] == ["sgd", "sgd", "rmsprop"]
        assert [run["eta"] for run in summary["runs"]] == [1e-2, 3e-2, 1e-2]
        for run in summary["runs"]:
            assert {"optimizer", "label", "eta", "replicas", "escaped", "escape_steps", "floor",
                    "final", "structure", "steps_per_second", "wall_s", "stop"} <= set(run)
            assert {"mean", "median", "ci95"} <= set(run["escape_steps"])
            assert {"mean", "ci95"} <= set(run["floor"])
            assert run["replicas"] == 20 and run["stop"] == "steps"
        expect(place.run("run", "plan.yaml", "--json", "--out", "kept"), 0)
        shown = expect(place.run("show", "kept", "--json"), 0, None, "").stdout
        assert shown == place.read("kept", "summary.json")
        assert shown.endswith("}\n") and not shown.endswith("\n\n"), shown[-20:]


def test_two_runs_and_two_thread_counts_differ_in_wall_time_alone():
    with Place() as place:
        runs = [expect(place.run("run", "plan.yaml", "--json", "--quiet", *more), 0, None, "")
                for more in ([], [], ["threads=1"], ["threads=2"])]
        first = figures(runs[0].stdout)
        for run in runs[1:]:
            assert figures(run.stdout) == first


def test_overrides_reach_the_run():
    with Place() as place:
        result = place.run("run", "plan.yaml", "--json", "optimizers.sgd.eta=5e-3", "replicas=4",
                           "steps=50")
        runs = json.loads(expect(result, 0).stdout)["runs"]
        assert [run["eta"] for run in runs] == [5e-3, 1e-2]
        assert all(run["replicas"] == 4 and run["final"]["steps"] == 50 for run in runs)


def test_quiet_is_silent():
    with Place() as place:
        expect(place.run("run", "plan.yaml", "--quiet", "--out", "kept"), 0, "", "")
        assert place.names("kept") == RECORD


def test_divergence_is_a_result_and_a_status():
    mixed = DIVERGING.replace("1e30", "[1e30, 1e-2]")
    with Place(all=DIVERGING, some=mixed) as place:
        result = expect(place.run("run", "all.yaml"), 3, "diverged", "1 of 1 cells diverged")
        assert place.names("runs", "all") == RECORD
        assert json.loads(place.read("runs", "all", "summary.json"))["runs"][0]["stop"] == \
            "diverged", result.stdout
        expect(place.run("run", "some.yaml", "--out", "a"), 0, "Diverged: sgd at")
        expect(place.run("run", "some.yaml", "--out", "b", "--strict"), 3)
        expect(place.run("run", "plan.yaml", "--out", "c", "--strict"), 0)
        expect(place.run("show", "runs/all"), 0, "diverged")


def test_a_folder_with_other_files_is_refused_before_the_run():
    with Place(long=LONG) as place:
        expect(place.run("run", "long.yaml", "--out", "."), 1, "", "long.yaml")
        os.mkdir(os.path.join(place.path, "closed"))
        os.chmod(os.path.join(place.path, "closed"), 0o500)
        if os.geteuid() != 0:
            expect(place.run("run", "long.yaml", "--out", "closed"), 1, "", "closed")
        expect(place.run("run", "long.yaml", "--out", "plan.yaml"), 1, "", "plan.yaml")
        expect(place.run("run", "long.yaml", "--out", "plan.yaml/below"), 1, "", "plan.yaml")
        assert place.names() == {"plan.yaml", "long.yaml", "closed"}
        place.write("runs", "a file where the folder should be")
        expect(place.run("run", "long.yaml"), 1, "", "runs")


def test_a_run_that_cannot_start_leaves_no_folder():
    with Place() as place:
        place.write("train-images-idx3-ubyte", "no images")
        place.write("train-labels-idx1-ubyte", "no labels")
        expect(place.run("run", "plan.yaml", "problem.name=softmax", "problem.data=idx",
                         "problem.path=."), 2, "")
        assert "runs" not in place.names() or place.names("runs") == set()


def test_certify_gives_its_verdict_by_text_json_and_status():
    with Place() as place:
        expect(place.run("certify", "plan.yaml"), 10, "Saddle (proof)", "")
        expect(place.run("run", "plan.yaml", "--out", "r", "--quiet"), 0, "", "")
        found = expect(place.run("certify", "r", "--cell", "sgd eta=3e-2", "tau_g=10",
                                 "--json"), 0, None, "")
        verdict = json.loads(found.stdout)
        assert verdict["verdict"] == "second-order stationary", verdict
        assert verdict["lambda_low"] >= -verdict["tau_h"], verdict
        expect(place.run("certify", "r", "tau_g=1e-12"), 11, "Gradient too large", "")
        expect(place.run("certify", "r", "--at", "start"), 10, "Saddle", "")
        saddle = place.run("certify", "plan.yaml", "--witness", "w.csv", "--json")
        assert json.loads(saddle.stdout)["curvature"] < -0.09, saddle.stdout
        witness = [float(line.split(",")[1]) for line in place.read("w.csv").split()[1:]]
        assert abs(abs(witness[1]) - 1) < 1e-6 and abs(witness[0]) < 1e-6, witness


def test_certify_says_what_is_undecided():
    noisy = ("problem: {name: quadratic, d: 20, distance: 0, condition: 1e6, multiplicative: 1}\n"
             "steps: 10\noptimizers: [sgd]\n")
    words = ("samples=64", "delta=0.1", "tau_h=2", "tau_g=0.01")
    with Place(noisy=noisy) as place:
        said = expect(place.run("certify", "noisy.yaml", *words), 12, "Undecided: no curvature lies below -2", "")
        assert "the gradient may lie on either side of tau_g" in said.stdout, said.stdout
        found = json.loads(place.run("certify", "noisy.yaml", "--json", *words).stdout)
        limits = f"in [{found['gradient_low']:.4g}, {found['gradient_high']:.4g}]   tau_g 0.01\n"
        assert limits in said.stdout and found["products"] < found["budget"], said.stdout
        expect(place.run("certify", "noisy.yaml", "products=1", "samples=64", "tau_h=1e-9", "tau_g=10"), 12,
               "Undecided: neither a saddle nor its absence was shown within 1 products", "")
        expect(place.run("certify", "noisy.yaml", "samples=4", "delta=0.1", "tau_h=1e-7", "tau_g=10"), 12,
               "fresh ones do\nnot show that it lies below -1e-07", "")
        told = expect(place.run("measure", "noisy.yaml", "draws=256", *words), 0, "Undecided: ")
        assert "By these samples the gradient lies in [" in told.stdout, told.stdout


def test_certify_takes_the_rung_that_is_asked_for():
    with Place() as place:
        for rung, shown in (("auto", "(exact)"), ("complex-step", "(complex step)"),
                            ("differences", "(differences)")):
            sure = "estimate" if rung == "differences" else "proof"
            expect(place.run("certify", "plan.yaml", "rung=" + rung), 10, shown, "")
            expect(place.run("certify", "plan.yaml", "rung=" + rung), 10, f"Saddle ({sure})", "")


def test_certify_refuses_with_the_nearest_name():
    with Place() as place:
        expect(place.run("run", "plan.yaml", "--out", "r", "--quiet"), 0)
        for words, told in ((("r", "--cell", "rmsprob"), "did you mean 'rmsprop'"),
                            (("r", "tauh=1"), "did you mean 'tau_h'"),
                            (("r", "delta=2"), "out of range"),
                            (("r", "r"), "no key=value"),
                            (("plan.yaml", "--at", "end"), "only a run's folder"),
                            (("r", "--at", "middle"), "start or end"),
                            (("nowhere.yaml",), "nowhere.yaml")):
            expect(place.run("certify", *words), 2, "", told)


def test_show_refuses_what_is_no_record():
    with Place() as place:
        expect(place.run("show", "absent"), 2, "", "absent")
        expect(place.run("show", "plan.yaml"), 2, "")
        expect(place.run("run", "plan.yaml", "--quiet", "--out", "kept", "steps=100"), 0)
        place.write("kept/summary.json", place.read("kept", "summary.json")[:200])
        expect(place.run("show", "kept"), 2, "", "summary.json")


def test_standard_output_that_fails_is_an_error():
    with Place() as place:
        expect(place.run("run", "plan.yaml", "--out", "kept"), 0)
        for words in (["list"], ["list", "--markdown"], ["show", "kept"], ["show", "kept", "--json"],
                      ["info"], ["--help"], ["--version"], ["new", "saddle", "-"],
                      ["check", "plan.yaml"], ["run", "plan.yaml", "--out", "full"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                expect(place.run(*words, stdout=full), 1, None, "standard output: ")
            command = f'exec "$0" {" ".join(words)} >&-'
            closed = subprocess.run(["sh", "-c", command, PROGRAM], cwd=place.path, text=True,
                                    capture_output=True, timeout=LIMIT_S, check=False)
            expect(closed, 1, "", "standard output")
        assert place.names("full") == RECORD
        for words, verdict in ((["certify", "plan.yaml"], 10), (["certify", "plan.yaml", "--json"], 10),
                               (["certify", "kept", "tau_g=1e-12"], 11)):
            with open("/dev/full", "w", encoding="utf-8") as full:
                expect(place.run(*words, stdout=full), 1, None, "standard output: ")
            expect(place.run(*words), verdict, None, "")


def test_a_reader_who_leaves_ends_nothing_but_the_writing():
    with Place() as place:
        process = place.start("run", "plan.yaml", "--out", "kept")
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(LIMIT_S) == 1, errors
        assert place.names("kept") == RECORD
        process.stderr.close()


def terminal(place, *words, seconds):
    """Runs the program on a pseudo-terminal for a while, interrupts it; what it drew."""
    master, slave = pty.openpty()
    process = place.start(*words, stdout=slave, stderr=slave)
    os.close(slave)
    drawn, end, sent = b"", time.monotonic() + seconds, False
    while True:
        if not sent and time.monotonic() > end:
            process.send_signal(signal.SIGINT)
            sent = True
        if select.select([master], [], [], 0.1)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            drawn += part
    os.close(master)
    return process.wait(LIMIT_S), drawn.decode()


def test_progress_is_one_line_redrawn_on_a_terminal():
    with Place(long=LONG) as place:
        status, drawn = terminal(place, "run", "long.yaml", "--out", "kept", seconds=1.5)
        assert status == 130, drawn
        assert drawn.count("\r") >= 3 and "steps/s" in drawn and "left" in drawn, drawn
        assert "━" in drawn or "─" in drawn
        status, drawn = terminal(place, "run", "plan.yaml", "--quiet", "--out", "q", seconds=30)
        assert (status, drawn) == (0, "")


def test_list_knows_every_name_and_its_parameters():
    with Place() as place:
        everything = expect(place.run("list"), 0, "presets", "").stdout
        names = {}
        for kind in "presets", "problems", "moments", "structures", "settings", "certify", "measure":
            shown = expect(place.run("list", kind), 0, kind, "").stdout
            names[kind] = re.findall(r"^  ([a-z][\w.-]*)", shown, re.M)
            assert names[kind], kind
        for name in sum(names.values(), []):
            assert name in everything, name
            expect(place.run("list", name), 0, name, "")
        assert {"sgd", "rmsprop", "adam", "idealized"} <= set(names["presets"])
        assert {"saddle2d", "saddle", "quadratic", "softmax"} <= set(names["problems"])
        assert "steps" in names["settings"]
        expect(place.run("list", "rmsprop"), 0, "* structure", "")
        expect(place.run("list", "eta"), 0, "key of an optimizer")
        expect(place.run("list", "tau_g"), 0, "key of certify")
        expect(place.run("list", "mesure"), 2, "", "did you mean 'measure'?")


def test_the_reference_page_is_the_programs():
    with Place() as place:
        page = expect(place.run("list", "--markdown"), 0, "# Reference", "").stdout
    with open(os.path.join(ROOT, "docs/reference.md"), encoding="utf-8") as file:
        assert file.read() == page, \
            "docs/reference.md is old; make it anew: build/unsaddle list --markdown > docs/reference.md"
    for line in page.splitlines():
        if line.startswith("| `") and "| what |" not in line:
            assert line.count(" | ") >= 1 and line.endswith("|"), line


def test_info_tells_the_machine():
    with Place() as place:
        shown = expect(place.run("info"), 0, None, "").stdout
        for key in "version", "cpu", "instructions", "threads", "BLAS", "memory", "program":
            assert re.search(rf"^{key} +\S", shown, re.M), key


def test_starters_are_valid_plans_and_never_overwrite():
    with Place() as place:
        for name in "saddle", "mnist", "matrix-factorization":
            expect(place.run("new", name), 0, "", f"wrote {name}.yaml")
            expect(place.run("check", f"{name}.yaml"), 0, "no errors", "")
            expect(place.run("new", name), 2, "", "exists")
            text = expect(place.run("new", name, "-"), 0, None, "").stdout
            assert text == place.read(name + ".yaml"), name
            with open(os.path.join(ROOT, "examples", name + ".yaml"), encoding="utf-8") as file:
                assert text == file.read(), f"examples/{name}.yaml is not what 'new' writes"
        expect(place.run("new", "saddle", "plan.yaml"), 2, "", "exists")
        assert place.read("plan.yaml") == PLAN
        expect(place.run("new", "saddle", "absent/x.yaml"), 1, "", "absent/x.yaml")
        expect(place.run("run", "saddle.yaml", "steps=200", "replicas=2", "--out", "kept"), 0)
        expect(place.run("run", "mnist.yaml", "epochs=0", "steps=20", "--out", "m"), 0, "accuracy")
        expect(place.run("run", "matrix-factorization.yaml", "steps=50", "--out", "f"), 0)


def test_a_classifier_ends_with_its_accuracy():
    with Place() as place:
        place.run("new", "mnist")
        result = place.run("run", "mnist.yaml", "epochs=0", "steps=400", "problem.train=500",
                           "problem.test=200", "--out", "kept")
        expect(result, 0, "of the held-out samples correctly")
        xml.fromstring(place.read("kept", "plot.svg"))


def test_a_bench_can_be_compared_with_an_earlier_one():
    words = ["bench", "--rules", "adamw,lion", "--layouts", "3x100", "--threads", "1,2",
             "--seconds", "0.01"]
    with Place() as place:
        expect(place.run(*words, "--out", "first.json"), 0, "adamw", "4 rows")
        rows = json.loads(place.read("first.json"))["rows"]
        assert len(rows) == 4 and all(row["warm"]["best"] > 0 for row in rows)
        result = expect(place.run(*words, "--compare", "first.json", "--json"), 0)
        assert len(json.loads(result.stdout)["rows"]) == 4
        expect(place.run(*words, "--compare", "first.json"), 0, "before")
        expect(place.run(*words[:-6], "--layouts", "1x2k", "--seconds", "0.01", "--compare",
                         "first.json"), 0, None, "none of these rows")


def main():
    tap.run(tap.functions(sys.modules[__name__]))


if __name__ == "__main__":
    main()
