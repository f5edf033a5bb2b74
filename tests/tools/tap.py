# SPDX-License-Identifier: MIT
"""TAP for the Python checks. Not a test framework: a check is a function that asserts."""

import sys
import traceback


class Skip(Exception):
    """Raised by a check that cannot be made here; its text is the reason."""


def run(checks):
    """Runs (name, function) pairs and exits with 1 if any failed."""
    print(f"1..{len(checks)}")
    failed = False
    for name, check in checks:
        try:
            check()
            print(f"ok - {name}")
        except Skip as reason:
            print(f"ok - {name} # SKIP {reason}")
        except Exception as error:
            failed = True
            said = str(error) if isinstance(error, AssertionError) else ""
            message = said or traceback.format_exc()
            print(f"not ok - {name}\n" + "\n".join("  " + m for m in message.splitlines()))
        sys.stdout.flush()
    sys.exit(1 if failed else 0)


def functions(module):
    """The functions of a module called test_…, by their names as sentences."""
    return [(name[5:].replace("_", " "), value) for name, value in vars(module).items()
            if name.startswith("test_")]
