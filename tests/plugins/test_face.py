"""What a plugin may use does not change unseen."""

import ast
import inspect
from itertools import pairwise
from pathlib import Path

import pytest

from retender import plugin
from retender.plugin import testing
from retender.tests.plugins.face import written_out

PINNED = Path(__file__).with_name("face.txt")


def test_no_name_and_no_type_changes_unseen() -> None:
    """If it should, `python -m retender.tests.plugins.face > tests/plugins/face.txt`."""
    assert written_out() == PINNED.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", plugin.__all__)
def test_every_name_is_documented(name: str) -> None:
    """Where it is defined: a class by its docstring, a constant by the string below it."""
    thing = getattr(plugin, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing)
        return
    assert name in _documented_values(), f"{name} has no docstring where it is defined"


def _documented_values() -> set[str]:
    """Name every value of the imported modules that has a string below it."""
    found = {"hookimpl"}  # pluggy's own, explained by its hooks
    tree = ast.parse(Path(str(plugin.__file__)).read_text(encoding="utf-8"))
    modules = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    for module in modules:
        source = inspect.getsource(__import__(str(module), fromlist=["_"]))
        body = ast.parse(source).body
        for node, after in pairwise(body):
            target = _target(node)
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if target and is_text:
                found.add(target)
    return found


def _target(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return None


def test_the_tests_face_is_what_the_kit_offers() -> None:
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    assert "PaymentProviderContract" in testing.__all__
