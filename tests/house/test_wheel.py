"""What a user installs: the rooms under ``retender/``, all of them, and nothing else."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from retender.tests.house.tree import ROOT, SHIPPED, pyproject

LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*_cache", "*.egg-info")
COPIED = ("pyproject.toml", "README.md", "LICENSE")


def shipped_files() -> set[str]:
    """Name every file of the rooms as the wheel should: code, data and markers alike."""
    return {
        f"retender/{path.relative_to(ROOT).as_posix()}"
        for room in SHIPPED
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """
    The wheel, built from a clean copy of the tree.

    A copy, as setuptools leaves files in ``build/`` that a later wheel would
    take in. Without isolation, as a test must not need a network.
    """
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, source)
    for room in SHIPPED:
        shutil.copytree(ROOT / room, source / room, ignore=LEFT_BEHIND)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "--wheel-dir", place, source], check=True, cwd=place)
    (built,) = place.glob("retender-*.whl")
    with ZipFile(built) as opened:
        yield opened


def dist_info(wheel: ZipFile, name: str) -> str:
    """Read one file of the wheel's metadata."""
    (found,) = (n for n in wheel.namelist() if n.endswith(f".dist-info/{name}"))
    return wheel.read(found).decode("utf-8")


@pytest.fixture(scope="module")
def metadata(wheel: ZipFile) -> Message:
    """What the wheel says of itself."""
    return Parser().parsestr(dist_info(wheel, "METADATA"))


def test_only_one_name_enters_site_packages(wheel: ZipFile) -> None:
    version = pyproject()["project"]["version"]
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"retender", f"retender-{version}.dist-info"}


def test_every_file_of_the_rooms_is_inside_and_no_other(wheel: ZipFile) -> None:
    """Code, migrations, templates, type markers and the contract kit."""
    inside = {name for name in wheel.namelist() if name.startswith("retender/")}
    assert inside == shipped_files()


def test_a_stranger_gets_the_contract_kit_and_the_simulation_and_not_our_tests(
    wheel: ZipFile,
) -> None:
    tests = {n for n in wheel.namelist() if n.startswith("retender/tests/")}
    assert {name.split("/")[2] for name in tests} == {"contracts", "simulation"}
    assert [name for name in tests if "/test_" in name] == []


def test_it_installs_a_command_the_built_in_plugins_and_their_simulators(wheel: ZipFile) -> None:
    lines = dist_info(wheel, "entry_points.txt").splitlines()
    project = pyproject()["project"]
    for group in (project["scripts"], *project["entry-points"].values()):
        for name, target in group.items():
            assert f"{name} = {target}" in lines


def test_it_carries_its_licence(wheel: ZipFile, metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    licence = dist_info(wheel, "licenses/LICENSE")
    assert licence == Path(ROOT / "LICENSE").read_text(encoding="utf-8")


def test_it_serves_every_python_from_the_floor_up(wheel: ZipFile, metadata: Message) -> None:
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Tag: py3-none-any" in dist_info(wheel, "WHEEL")
