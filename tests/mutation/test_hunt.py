"""The hunt: which tests a mutant meets, and that it sees what it should."""

import os
import subprocess
import sys

import pytest

from retender.tests.mutation import survivors
from retender.tests.mutation.hunt import LONGEST_SECONDS, MOST_TESTS, SAY_OF_A_FILE, choose
from retender.tests.mutation.making import Key, Mutant
from retender.tests.mutation.reach import ROOT, Reached, digest, read

MUTANT = Mutant("domain/model/money.py", "Money.plus", "AddNot", 0, "job", frozenset({40, 41}))


def reached(test: str, seconds: float, *lines: int) -> Reached:
    return Reached(test, seconds, {"domain/model/money.py": frozenset(lines)})


def hunt(folder, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it as `make mutation` does, on what little is enough to see it work."""
    command = [sys.executable, "-m", "retender.tests.mutation", "--folder", str(folder)]
    command += ["--sample", "0", "--at-once", "2", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "build" / "tree")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_test_of_the_module_comes_first_then_those_that_run_least():
    near = reached("tests/test_money.py::t", 0.4, 40)
    quick = reached("tests/test_a.py::t", 0.1, 41)
    slow = reached("tests/test_b.py::t", 2.0, 40, 41, 42, 43)
    elsewhere, endless = (
        reached("tests/test_c.py::t", 0.1, 7),
        reached("t.py::t", LONGEST_SECONDS, 40),
    )

    broad = reached("tests/test_d.py::t", 0.05, 40, 41, 42)

    first, rest = choose([endless, slow, broad, quick, elsewhere, near], MUTANT)

    assert first == [near.test, quick.test, broad.test]
    assert rest == [slow.test]


def test_every_file_has_a_say_however_many_quick_tests_there_are():
    quick = [reached(f"tests/test_quick.py::t{n}", 0.1, 40) for n in range(MOST_TESTS)]
    slow = [reached(f"tests/test_races.py::t{n}", 2.0 + n / 4, 40) for n in range(5)]

    first, rest = choose([*quick, *slow], MUTANT)

    assert first == [each.test for each in quick[: len(first)]]
    assert rest[-SAY_OF_A_FILE:] == [each.test for each in slow[:SAY_OF_A_FILE]]


def test_what_runs_at_import_meets_every_test_of_its_module():
    at_import = Mutant("domain/model/money.py", "", "AddNot", 0, "job", frozenset())

    first, _ = choose([reached("tests/test_c.py::t", 0.1, 7)], at_import)

    assert first == ["tests/test_c.py::t"]


def test_a_function_that_runs_at_import_only_meets_every_test_of_its_module_too():
    first, _ = choose([reached("tests/test_c.py::t", 0.1, 7)], MUTANT)

    assert first == ["tests/test_c.py::t"]


def test_a_table_that_no_test_runs_meets_those_beside_it():
    """It is made while tests are collected, so none of them has run it."""
    table = Mutant("plugins/tea/codes.py", "", "DropElement", 0, "job", frozenset())
    pure = Reached("tests/plugins/tea/test_codes.py::t", 0.1, {})
    neighbour = Reached("tests/simulators/t.py::t", 0.1, {"plugins/tea/tea.py": frozenset({1})})
    stranger = Reached("tests/plugins/pot/t.py::t", 0.1, {"plugins/pot/pot.py": frozenset({1})})

    first, rest = choose([stranger, neighbour, pure], table)

    assert [*first, *rest] == [pure.test, neighbour.test]


def test_what_a_test_runs_is_read_as_it_was_written_and_not_after_its_file_changed(tmp_path):
    test = "tests/mutation/test_hunt.py::t"
    path = tmp_path / "reach.jsonl"
    path.write_text(reached(test, 0.5, 3, 70).to_json({"tests/mutation/test_hunt.py": "old"}))
    assert read(path) == {}

    now = {"tests/mutation/test_hunt.py": digest(ROOT / "tests/mutation/test_hunt.py")}
    path.write_text(reached(test, 0.5, 3, 70).to_json(now) + "\n" + '{"half": ')
    assert read(path) == {test: reached(test, 0.5, 3, 70)}


def test_a_share_of_the_mutants_of_amounts_and_deadlines_is_killed_or_explained(tmp_path):
    asked = ["--tests", "tests/domain/model", "--modules", "model/money", "model/deadline"]

    ended = hunt(tmp_path, *asked, "--most", "30")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "all tried" in ended.stdout

    # All is known now, so that nothing is tried again.
    again = hunt(tmp_path, *asked, "--most", "30")
    assert "30 places, 0 to try" in again.stdout


def test_without_the_tests_that_matter_survivors_are_named(tmp_path):
    asked = ["--tests", "tests/domain/model/test_transition.py", "--modules", "model/money"]

    ended = hunt(tmp_path, *asked, "--most", "4")

    assert ended.returncode == 1
    assert "survivors that nobody has explained" in ended.stdout
    assert "domain/model/money.py" in (tmp_path / "unexplained.toml").read_text()


def test_every_survivor_in_the_list_names_a_line_that_is_still_there():
    for key in survivors.read():
        written = " ".join((ROOT / key.module).read_text().split())
        assert key.before in written, f"no longer there: {key}"


AWKWARD = Key("a.py", "F.f", "AddNot", """if "it's" == b'\\n':""", """if not "it's" == b'\\n':""")


def test_what_is_written_to_be_explained_is_read_as_it_was_once_it_has_a_reason(
    tmp_path, monkeypatch
):
    listed = tmp_path / "survivors.toml"
    monkeypatch.setattr(survivors, "FILE", listed)
    entry = survivors.as_toml([AWKWARD])
    listed.write_text(entry.replace('why = ""', 'why = "nobody is told"'))
    assert survivors.read() == {
        AWKWARD: survivors.Survivor(AWKWARD, equivalent=False, why="nobody is told")
    }


@pytest.mark.parametrize("times", [1, 2])
def test_a_survivor_without_a_reason_or_that_stands_twice_is_refused(tmp_path, monkeypatch, times):
    listed = tmp_path / "survivors.toml"
    monkeypatch.setattr(survivors, "FILE", listed)
    why = 'why = ""' if times == 1 else 'why = "known"'
    listed.write_text(survivors.as_toml([AWKWARD] * times).replace('why = ""', why))
    with pytest.raises(ValueError, match="twice, or without a reason"):
        survivors.read()
