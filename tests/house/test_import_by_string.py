"""No import goes round the contracts by a string: import-linter sees statements alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from retender.tests.house.tree import ROOT, package_of, shipped_modules, shown

# What can load code by its name. The rest of importlib reads texts and numbers.
MEANS = {
    "__import__",
    "compile",
    "entry_points",
    "eval",
    "exec",
    "import_module",
    "patch",  # unittest.mock's, where its target is a string
    "pkgutil",
    "resolve_name",
    "runpy",
    "spec_from_file_location",
    "find_spec",
    "exec_module",
}

# File -> what it uses, and why it may.
ALLOWED = {
    "plugins/host.py": (
        {"entry_points"},
        "A plugin is a stranger's package: only its entry point is known.",
    ),
    "simulators/kit/installed.py": (
        {"entry_points"},
        "So is a simulator, and no provider may load its own.",
    ),
    "entrypoints/cli/lazy_commands.py": (
        {"import_module"},
        "Loads a command's module of the same folder when it is called: help stays quick.",
    ),
    "entrypoints/cli/drill.py": (
        {"import_module", "retender.tests", "retender.tests.simulation"},
        "The simulation leans on entrypoints, and a build may lack it.",
    ),
    "tests/simulation/processes.py": (
        {"patch", "retender.plugins"},
        "Puts short keys, quick to make, into the providers for one seed's time.",
    ),
}


def found_in(source: str, package: str) -> set[str]:
    """Name the means that a file uses, and the modules outside its room that it spells out."""
    tree = ast.parse(source)
    return {*_means(tree), *_spelt(tree, package)}


def _means(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names = [part for alias in node.names for part in alias.name.split(".")]
            case ast.ImportFrom():
                # Under another name it is the same; the import is where it is seen.
                names = [alias.name for alias in node.names] + (node.module or "").split(".")
                # Its other forms take an object, or a string: both are looked at where called.
                names = [name for name in names if name != "patch"]
            case ast.Call(func=ast.Name(id="patch"), args=[target, *_]) if not _is_dotted(target):
                names = ["patch"]
            case ast.Attribute():
                names = [node.attr] if node.attr != "compile" else []
            case ast.Name():
                names = [node.id] if node.id != "patch" else []
            case _:
                names = []
        yield from MEANS.intersection(names)


def _is_dotted(target: ast.expr) -> bool:
    return isinstance(target, ast.Name | ast.Attribute)


def _spelt(tree: ast.Module, package: str) -> Iterator[str]:
    """Modules of other rooms in strings: whoever takes one can load it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.rstrip(".")  # the rest may be put behind it
            if name.startswith("retender.") and _room(name) != _room(package) and _exists(name):
                yield name


def _room(name: str) -> list[str]:
    parts = name.split(".")
    return parts[:3] if parts[1] == "tests" else parts[:2]


def _exists(name: str) -> bool:
    path = ROOT.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


def used_by(path: Path) -> set[str]:
    """Look at one file of the tree."""
    return found_in(path.read_text(encoding="utf-8"), package_of(path.parent))


def test_only_the_listed_files_import_by_string() -> None:
    found = {shown(path): used for path in shipped_modules() if (used := used_by(path))}
    assert found == {name: means for name, (means, _) in ALLOWED.items()}


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("from importlib import import_module\nimport_module('x')", "import_module"),
        ("from importlib import import_module as quick", "import_module"),
        ("import importlib\nimportlib.import_module('x')", "import_module"),
        ("__import__('x')", "__import__"),
        ("import builtins\nbuiltins.__import__('x')", "__import__"),
        ("from importlib.metadata import entry_points", "entry_points"),
        ("import importlib.metadata as m\nm.entry_points()", "entry_points"),
        ("import importlib.util\nimportlib.util.find_spec('x')", "find_spec"),
        ("import runpy\nrunpy.run_module('x')", "runpy"),
        ("from pkgutil import resolve_name", "resolve_name"),
        ("import pkgutil", "pkgutil"),
        ("exec('import x')", "exec"),
        ("eval('1')", "eval"),
        ("from unittest.mock import patch\npatch('x.y', 1)", "patch"),
        ("from unittest.mock import patch\npatch(f'{x}.y', 1)", "patch"),
        ("ROOM = 'retender.adapters.sql'", "retender.adapters.sql"),
        ("ROOM = 'retender.domain.steps.captured'", "retender.domain.steps.captured"),
    ],
)
def test_a_planted_import_by_string_is_found(planted: str, found: str) -> None:
    assert found in found_in(planted, "retender.entrypoints.cli")


def test_what_loads_nothing_is_let_be() -> None:
    harmless = (
        "import re\nfrom importlib.resources import files\nfrom importlib.metadata import version\n"
        "re.compile('x')\nfiles('retender.entrypoints.http')\nlog = 'retender.start'\n"
    )
    assert found_in(harmless, "retender.entrypoints.cli") == set()
