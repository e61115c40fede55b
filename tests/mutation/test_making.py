"""Mutants: which are made, what names them, and what is known of them the next time."""

import ast

from retender.tests.mutation import making
from retender.tests.mutation.making import Fate, Places, Session

SOURCE = """\
from dataclasses import dataclass

LIMITS = {"a": 1, "b": 2}


@dataclass(frozen=True)
class Refund:
    amount: int | None = 5

    def left(self, taken: int | None = None) -> int | None:
        for each in (1,):
            if taken == each:
                raise ValueError(
                    "all gone"
                )
        return self.amount
"""


def line_of(text: str) -> int:
    return SOURCE[: SOURCE.index(text)].count("\n") + 1


def make(tmp_path, monkeypatch, source=SOURCE):
    monkeypatch.setattr(making, "ROOT", tmp_path)
    (tmp_path / "refund.py").write_text(source)
    return Session(tmp_path / "sessions", "refund.py")


def keys(session: Session) -> set[str]:
    made = (mutant.spoil() for mutant in session.mutants)
    return {f"{spoilt.key.function}: {spoilt.key.after}" for spoilt in made if spoilt}


def test_what_differs_in_annotations_and_decorators_only_is_left_out(tmp_path, monkeypatch):
    made = keys(make(tmp_path, monkeypatch))

    assert not [key for key in made if "& None" in key or "frozen" in key]
    assert "Refund.left: if not taken == each:" in made
    assert "Refund.left: pass" in made
    assert "Refund: amount: int | None = 6" in made


def test_every_mutant_is_python_and_differs(tmp_path, monkeypatch):
    made = [spoilt for m in make(tmp_path, monkeypatch).mutants if (spoilt := m.spoil())]

    assert len(made) > 10
    for spoilt in made:
        assert ast.dump(ast.parse(spoilt.source)) != ast.dump(ast.parse(SOURCE))


def test_a_name_stays_when_the_line_moves(tmp_path, monkeypatch):
    before = keys(make(tmp_path, monkeypatch))

    assert keys(make(tmp_path, monkeypatch, "# moved\n\n" + SOURCE)) == before


def test_a_statement_of_several_lines_is_one_place_and_a_block_only_its_head():
    places = Places(SOURCE)

    raised = line_of("raise")
    assert places.of(raised) == ("Refund.left", frozenset(range(raised, raised + 3)))
    assert places.of(line_of("if taken")) == ("Refund.left", frozenset({line_of("if taken")}))
    assert places.of(line_of("for each")) == ("Refund.left", frozenset({line_of("for each")}))


def test_what_runs_at_import_has_no_lines_that_say_whether_it_ran():
    places = Places(SOURCE)

    assert places.of(line_of("LIMITS")) == ("", frozenset())
    assert places.of(line_of("amount: int")) == ("Refund", frozenset())
    assert places.of(line_of("def left")) == ("Refund.left", frozenset())


def test_what_was_tried_is_known_the_next_time_until_the_module_changes(tmp_path, monkeypatch):
    session = make(tmp_path, monkeypatch)
    for mutant, fate in zip(session.mutants, Fate, strict=False):
        session.keep(mutant, fate, by="a test")

    assert Session(tmp_path / "sessions", "refund.py").fates == session.fates
    assert set(session.fates.values()) == set(Fate)
    assert not make(tmp_path, monkeypatch, SOURCE + "\n").fates
