"""
What a test needs beyond this process, told by what it uses and not by where it lies.

``pytest -m 'not servers'`` leaves some out. pyproject.toml says the same names to people.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from inspect import unwrap
from pathlib import Path
from types import CodeType, FunctionType

import pytest


@dataclass(frozen=True, slots=True)
class Uses:
    """
    What makes a test one of a kind.

    Attributes:
        imports: modules that its file imports, with all that is in them.
        fixtures: what it asks for, by name: itself, by another fixture, or as a parameter.
        names: what it speaks of, it or a function or fixture of the tests that it calls.

    """

    imports: tuple[str, ...] = ()
    fixtures: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


MARKERS = {
    "servers": Uses(
        fixtures=("psycopg_url", "asyncpg_url", "mariadb_url", "server"),
        names=("a_database", "a_cluster"),
    ),
    "browser": Uses(imports=("playwright",)),
    "model": Uses(imports=("retender.tests.model",)),
    "processes": Uses(
        fixtures=("set_quick_scene",), names=("subprocess", "create_subprocess_exec", "fork")
    ),
    "simulation": Uses(imports=("retender.tests.simulation",)),
}

CLI_SHOP = ("shop", "tests/entrypoints/cli")
"""A running sandbox and a running server, for all tests of commands."""


def markers_of(item: pytest.Item) -> Iterator[str]:
    """Name the markers of one test."""
    imported, asked, named = imports_of(item.path), fixtures_of(item), words_of(item)
    for name, uses in MARKERS.items():
        if (
            any(_within(module, room) for module in imported for room in uses.imports)
            or any(fixture in asked for fixture in uses.fixtures)
            or any(word in named for word in uses.names)
        ):
            yield name


def group_of(item: pytest.Item) -> str | None:
    """
    Name the tests that share something costly: one process plays all of them.

    That is what is made once for a file, and the running shop of the commands.
    """
    asked = fixtures_of(item)
    name, folder = CLI_SHOP
    if folder in asked.get(name, ()):
        return f"{folder}:{name}"
    for made in _definitions(item):
        if made.scope == "module" and made.baseid.startswith("tests/"):
            return item.nodeid.partition("::")[0]
    return None


def _within(module: str, named: str) -> bool:
    return module == named or module.startswith(f"{named}.")


def _definitions(item: pytest.Item) -> list[pytest.FixtureDef[object]]:
    found = getattr(item, "_fixtureinfo", None)
    return [made[-1] for made in found.name2fixturedefs.values() if made] if found else []


def fixtures_of(item: pytest.Item) -> dict[str, set[str]]:
    """
    Name all that a test asks for, with the folder or file that defines it.

    A parameter that is a fixture's name counts: the test will ask for it when it runs.
    """
    asked = {made.argname: {made.baseid} for made in _definitions(item)}
    given: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    words = {*given, *(value for value in given.values() if isinstance(value, str))}
    return {word: set[str]() for word in words} | asked


def words_of(item: pytest.Item) -> set[str]:
    """Name what a test speaks of, and its fixtures."""
    functions = [getattr(item, "function", None), *(made.func for made in _definitions(item))]
    return {word for function in functions if function for word in _words(unwrap(function))}


@cache
def _words(function: Callable[..., object]) -> frozenset[str]:
    """Name what a function speaks of, and every function of the tests that it calls."""
    seen: set[object] = set()
    words: set[str] = set()
    waiting: list[object] = [function]
    while waiting:
        each = waiting.pop()
        if each in seen or not isinstance(each, FunctionType):
            continue
        seen.add(each)
        spoken = set(_spoken(each.__code__))
        words |= spoken
        called = (each.__globals__.get(word) for word in spoken)
        waiting += [
            unwrap(other) for other in called if callable(other) and _is_of_tests(other, each)
        ]
    return frozenset(words)


def _is_of_tests(called: object, caller: FunctionType) -> bool:
    module = str(getattr(called, "__module__", None))
    return module == caller.__module__ or "tests." in module


def _spoken(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _spoken(inner)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Name what a file imports: modules, and the names that it takes from them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)
