"""
``make quick``: the tests that a change can break, the nearest first, within a time.

What needs more than this process (a server, a browser, other processes) and what explores
(model, simulation) is left to ``make test``, unless one asks: ``ARGS="-m servers"``.
"""

import argparse
import sys

import pytest

from retender.tests.selection.changed import Reach, changed_since
from retender.tests.selection.markers import MARKERS
from retender.tests.selection.minute import Minute


def main() -> int:
    """Choose, say what was chosen, and run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", default="main", help="a branch or a commit; default: main")
    parser.add_argument("--seconds", type=float, default=25, help="begin no test after so many")
    parser.add_argument("--changed", nargs="+", help="these files, whatever git says")
    given, rest = parser.parse_known_args()
    changed = given.changed or changed_since(given.since)
    files = Reach().broken_by(changed)
    sys.stdout.write(f"Changed files: {len(changed)}; ")
    if not files:
        sys.stdout.write("no test comes to them by imports.\n")
        return 0
    sys.stdout.write(f"{len(files)} test files come to them by imports.\n")
    sys.stdout.flush()
    left_out = f"not ({' or '.join(MARKERS)})"
    in_order = ["-p", "no:randomly", "-q", "-m", left_out]
    code = pytest.main([*in_order, *rest, *files], plugins=[Minute(given.seconds)])
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else int(code)


if __name__ == "__main__":
    sys.exit(main())
