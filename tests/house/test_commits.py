"""Each commit says in a line what it does."""

import subprocess

import pytest

from retender.tests.house.commit_message import troubles
from retender.tests.house.tree import ROOT

RULED_SINCE = "30a076efbc42"
"""The last commit before there was a rule."""


def git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_every_commit_since_there_is_a_rule_keeps_it() -> None:
    known = subprocess.run(
        ["git", "merge-base", "--is-ancestor", RULED_SINCE, "HEAD"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    # A shallow clone has the last commit alone.
    which = [f"{RULED_SINCE}..HEAD"] if known.returncode == 0 else ["-1", "HEAD"]
    messages = git("log", "--no-merges", "--format=%B%x00", *which).split("\0")
    wrong = [line for message in messages if message.strip() for line in troubles(message.strip())]
    assert wrong == []


@pytest.mark.parametrize(
    "message",
    [
        "Fix it",
        "x" * 72,
        "Fix it\n\nBecause it was broken, and a body may be as long as it likes." + "x" * 99,
        "Fix it\n# Please enter the commit message\n",
        "Fix it\n# ------------------------ >8 ------------------------\ndiff --git a b\n",
    ],
)
def test_a_message_that_keeps_the_rule(message: str) -> None:
    assert troubles(message) == []


@pytest.mark.parametrize(
    ("message", "said"),
    [("x" * 73, "73 characters"), ("Fix it\nand more", "second line"), ("\n\nFix it", "empty")],
)
def test_a_message_that_breaks_it(message: str, said: str) -> None:
    assert any(said in trouble for trouble in troubles(message))
