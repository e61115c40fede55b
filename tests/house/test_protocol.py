"""What comments cite of the protocol stands in docs/protocol.md."""

import re

import pytest

from retender.tests.house.tree import ROOT, shipped_modules, shown

TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"[Pp]rotocol (\d\.\d)")
_RULE = re.compile(r"revision 2,\s+rule (\d+)")


def cited(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return which file cites what."""
    return [
        (shown(path), found)
        for path in shipped_modules()
        for found in pattern.findall(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("file", "section"), cited(_SECTION))
def test_a_section_that_is_cited_is_there(file: str, section: str) -> None:
    assert f"\n### {section} " in TEXT, file


@pytest.mark.parametrize(("file", "rule"), cited(_RULE))
def test_a_rule_that_is_cited_is_there(file: str, rule: str) -> None:
    rules = TEXT.partition("## 2. Revision 2")[2].partition("## 3.")[0]
    assert re.search(rf"^{rule}\. \*\*", rules, re.MULTILINE), file
