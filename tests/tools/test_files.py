#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files that commands are told to write: there whole or as they were, whatever stands in their place.

Usage: test_files.py BUILD
"""

import os
import resource
import signal
import subprocess
import sys

import tap
from test_cli import LIMIT_S, Place, expect


def short_of_room():
    """Before a program: files of its own end at 1024 bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


WIDE = "problem: {name: saddle, dimension: 300}\nsteps: 1\noptimizers: [sgd]\n"
WRITING = (["certify", "wide.yaml", "--witness"],
           ["bench", "--rules", "sgd,momentum,adam,lion,rmsprop", "--layouts", "1x100", "--threads",
            "1", "--seconds", "0.01", "--out"])


def test_a_file_that_cannot_be_written_leaves_what_was_there():
    with Place(wide=WIDE) as place:
        place.write("kept", "precious\n")
        os.chmod(os.path.join(place.path, "kept"), 0o640)
        os.symlink("kept", os.path.join(place.path, "link"))
        os.symlink("/dev/full", os.path.join(place.path, "full"))
        before = place.names()
        for words in WRITING:
            for name in "kept", "link", "new":
                expect(place.run(*words, name, preexec_fn=short_of_room), 1, None,
                       f"unsaddle: {name}: File too large")
                assert place.names() == before and place.read("kept") == "precious\n", place.names()
            expect(place.run(*words, "full"), 1, None, "unsaddle: full: No space left on device")
            expect(place.run(*words, "absent/new"), 1, None, "unsaddle: absent/new: No such file")
            assert place.names() == before, place.names()
            assert os.path.islink(os.path.join(place.path, "full"))


def test_a_file_written_anew_keeps_its_link_and_its_mode():
    with Place(wide=WIDE) as place:
        for words in WRITING:
            place.write("kept", "old\n")
            os.chmod(os.path.join(place.path, "kept"), 0o640)
            os.symlink("kept", os.path.join(place.path, "link"))
            before = place.names()
            place.run(*words, "link")
            assert len(place.read("kept")) > 1024 and place.names() == before, place.names()
            assert os.path.islink(os.path.join(place.path, "link"))
            assert os.stat(os.path.join(place.path, "kept")).st_mode & 0o777 == 0o640
            os.remove(os.path.join(place.path, "link"))


def test_a_pipe_is_written_in_place():
    with Place(wide=WIDE) as place:
        pipe = os.path.join(place.path, "pipe")
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
            expect(place.run("certify", "wide.yaml", "--witness", "pipe"), 10)
            assert len(reader.communicate(timeout=LIMIT_S)[0].split()) == 301
        assert place.names() >= {"pipe"}


def main():
    tap.run(tap.functions(sys.modules[__name__]))


if __name__ == "__main__":
    main()
