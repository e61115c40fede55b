"""
What a commit's message looks like: a subject within 72 characters, then an empty line.

Run by pre-commit with the file that holds a new message; tests/house looks at those that are made.
"""

import sys
from pathlib import Path

SUBJECT = 72
_SCISSORS = "# ------------------------ >8 ------------------------"


def troubles(message: str) -> list[str]:
    """Say what is wrong with a message; what git itself adds does not count."""
    text = message.partition(_SCISSORS)[0]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    subject, *rest = lines or [""]
    found = []
    if not subject.strip():
        found.append("The first line is empty: it is the subject.")
    if len(subject) > SUBJECT:
        found.append(f"The subject has {len(subject)} characters, {SUBJECT} at most: {subject}")
    if rest and rest[0].strip():
        found.append(f"The second line is to be empty: {rest[0]}")
    return found


if __name__ == "__main__":
    wrong = troubles(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
