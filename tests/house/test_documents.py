"""What documents tell a stranger to type works: imports import, and installs install."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from retender.tests.house.tree import ROOT, all_modules, shown

DOCUMENTS = sorted(ROOT.glob("*.md"))
# In code (`from x import y`), and in words (`y` from `x`).
_IMPORTED = re.compile(
    r"^\s*from (?P<module>retender[\w.]*) import \(?(?P<names>[\w, ]+)\)?$", re.MULTILINE
)
_NAMED = re.compile(r"`(?P<names>\w+)`\s+from\s+`(?P<module>retender[\w.]*)`")
_PUBLISHED = re.compile(r"pip install [^`\n]*\bretender\b|needs retender\[")


def imports() -> Iterator[tuple[str, str, str]]:
    """Give each name that a document has imported, with its module and the document."""
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for found in [*_IMPORTED.finditer(text), *_NAMED.finditer(text)]:
            for name in found["names"].split(","):
                yield path.name, found["module"], name.strip()


@pytest.mark.parametrize(("document", "module", "name"), sorted(set(imports())))
def test_what_documents_import_is_there(document, module, name):
    assert hasattr(import_module(module), name), f"{document}: from {module} import {name}"


def test_the_kit_is_among_what_documents_import():
    kit = ("retender.plugin.testing", "PaymentProviderContract")
    named = {document for document, *what in imports() if tuple(what) == kit}
    assert {"README.md", "CONTRIBUTING.md"} <= named


def told() -> list[Path]:
    """Return all that says how to install something."""
    own = Path(__file__)
    return [*DOCUMENTS, *ROOT.glob("*.toml"), *(path for path in all_modules() if path != own)]


def test_nobody_is_told_to_install_what_is_not_published():
    """From a clone it is ``.[extra]``."""
    asked = {shown(path): _PUBLISHED.findall(path.read_text(encoding="utf-8")) for path in told()}
    assert {name: lines for name, lines in asked.items() if lines} == {}
