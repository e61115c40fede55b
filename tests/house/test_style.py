"""The house style, as far as a machine can check it and ruff does not."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from retender.tests.house.tree import ROOT, all_modules, shipped_modules, shown

FILE_LINES = 400
FUNCTION_LINES = 60
FORBIDDEN = {"utils", "common", "core", "base", "helpers", "manager", "service"}
IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z0-9, -]+\])?")


def parsed(path: Path) -> ast.Module:
    """Parse one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines from its name to its end, the docstring apart."""
    first = function.body[0]
    told = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if told else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Give the comments of a file with their line numbers."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def test_a_file_can_be_read_in_one_sitting() -> None:
    lengths = {shown(p): len(p.read_text(encoding="utf-8").splitlines()) for p in shipped_modules()}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    """Its docstring does not count, so that nobody saves on it."""
    too_long = [
        f"{shown(path)}:{node.lineno} {node.name} has {lines} lines"
        for path in shipped_modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := lines_of(node)) > FUNCTION_LINES
    ]
    assert too_long == []


def test_every_file_says_what_it_is() -> None:
    assert [shown(path) for path in all_modules() if not ast.get_docstring(parsed(path))] == []


def test_an_init_holds_one_docstring() -> None:
    inits = [path for path in all_modules() if path.name == "__init__.py"]
    assert inits
    full = [shown(path) for path in inits if len(parsed(path).body) != 1]
    assert full == ["plugin/__init__.py"], "it is nothing but names for others to import"


def test_no_name_is_a_drawer_for_anything() -> None:
    """A file called ``utils`` says nothing of what is in it."""
    drawers = {
        shown(path)
        for path in all_modules()
        for part in path.relative_to(ROOT).with_suffix("").parts
        if FORBIDDEN & set(part.split("_"))
    }
    assert drawers == set()


def test_every_ignored_type_error_is_named() -> None:
    unnamed = [
        f"{shown(path)}:{line}"
        for path in all_modules()
        for line, comment in comments(path)
        if (match := IGNORE.search(comment)) and not match["code"]
    ]
    assert unnamed == []


def test_the_core_counts_without_fractions() -> None:
    """Money and time are exact: no float is named, written or made in the core."""
    floats = [
        f"{shown(path)}:{node.lineno}"
        for room in ("domain", "ports")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert floats == []
