"""The lock file for development holds what pyproject.toml asks for, and names nobody's machine."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from retender.tests.house.tree import ROOT, pyproject

LOCK = (ROOT / "dev.lock").read_text(encoding="utf-8")
PINNED = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+)", re.MULTILINE)


def asked_for() -> list[Requirement]:
    """Return all that a developer needs, of every extra."""
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    return [Requirement(line) for line in lines if not line.startswith("retender[")]


def test_every_requirement_is_locked_at_a_version_that_it_allows() -> None:
    locked = {found["name"]: Version(found["version"]) for found in PINNED.finditer(LOCK)}
    assert locked
    wrong = [
        str(asked)
        for asked in asked_for()
        if (version := locked.get(canonicalize_name(asked.name))) is None
        or version not in asked.specifier
    ]
    assert wrong == [], "run make lock"


def test_it_holds_versions_with_hashes_and_nothing_else() -> None:
    """No address and no path: it is read on machines that reach packages in other ways."""
    lines = [line.strip().removesuffix("\\").strip() for line in LOCK.splitlines()]
    odd = [
        line
        for line in lines
        if not re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line)
        and not re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; [\w\s.'=!<>()]+)?", line)
    ]
    assert odd == []
    assert LOCK.count("==") <= LOCK.count("--hash=")
