"""Bare ``make`` lists what there is, and the documents name only what there is."""

import os
import re
import shutil
import subprocess

import pytest

from retender.tests.house.tree import ROOT, shown

MAKEFILE = ROOT / "Makefile"
SPOKEN = re.compile(r"(?:`|^ {4}|^)make ([a-z][a-z-]*)", re.MULTILINE)


@pytest.fixture(scope="module")
def targets() -> set[str]:
    """Every target that is meant for people."""
    (line,) = (
        line.partition(":")[2]
        for line in MAKEFILE.read_text(encoding="utf-8").splitlines()
        if line.startswith(".PHONY")
    )
    return set(line.split())


def test_bare_make_lists_every_target_with_one_line_of_help(targets: set[str]) -> None:
    make = shutil.which("make")
    assert make, "make is how this project is run"
    # The suite itself may run under make, which would make this one talk of directories.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        [make], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    ).stdout
    listed = dict(line.split(maxsplit=2)[1:] for line in said.splitlines())
    assert set(listed) == targets
    assert all(listed.values())


def test_the_documents_name_only_targets_that_exist(targets: set[str]) -> None:
    papers = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / ".ci/run"]
    named = {
        (shown(paper), name)
        for paper in papers
        for name in SPOKEN.findall(paper.read_text(encoding="utf-8"))
    }
    assert named, "the documents do say how to run things"
    assert {(paper, name) for paper, name in named if name not in targets} == set()
