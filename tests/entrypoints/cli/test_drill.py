"""``retender drill``: what it says of seeds that are as promised, and of one that is not."""

import json

import pytest
from typer.testing import CliRunner

from retender.entrypoints.cli import drill
from retender.entrypoints.cli.main import app
from retender.tests.simulation import fleet, plan, seed
from retender.tests.simulation.seed import Outcome


@pytest.fixture
def a_world_with_a_fault(monkeypatch):
    """Let every seed fail at once."""

    def play(chosen):
        return Outcome(
            plan=chosen,
            problems=("S5-0: two are kept",),
            lines=("0.000 order S5-0 placed",),
            counts={"orders PAID": 2},
            exposure={"S5-0": 7.0},
            switched=1,
            virtual_seconds=1.0,
            steps=1,
        )

    for module in (fleet, seed):
        monkeypatch.setattr(module, "play", play)


@pytest.fixture
def small_seeds(monkeypatch):
    monkeypatch.setattr(plan, "ORDERS", 2)
    monkeypatch.setattr(plan.make_plan, "__defaults__", (2,))


def run(*words):
    done = CliRunner().invoke(app, ["drill", *words])
    return done.exit_code, done.stdout


@pytest.mark.usefixtures("small_seeds")
def test_seeds_are_played_and_added_up():
    code, said = run("--orders", "1", "--first", "3", "--processes", "1", "--json")
    facts = json.loads(said)
    assert (code, facts["first_seed"], facts["seeds"], facts["orders"]) == (0, 3, 1, 2)
    assert facts["failed"] == []
    assert facts["shortest"] is None
    assert len(facts["exposure"]) == 1


@pytest.mark.usefixtures("small_seeds")
def test_one_seed_shows_its_timeline():
    code, said = run("--seed", "3")
    assert code == 0
    assert "placed, " in said
    assert "All is as promised." in said
    assert "retender drill --seed 3" in said


@pytest.mark.usefixtures("a_world_with_a_fault")
def test_a_seed_that_fails_is_told_and_shrunk_and_no_other_is_played():
    code, said = run("--orders", "500", "--first", "5", "--processes", "1", "--shrink", "0")
    assert code == 1
    assert "seed 5 FAILED: S5-0: two are kept" in said
    assert "The shortest story found:" in said
    assert "1 seeds from 5, 40 orders" in said


@pytest.mark.usefixtures("a_world_with_a_fault")
def test_all_can_be_played_in_spite_of_a_failure():
    words = ("--orders", "80", "--first", "5", "--processes", "1", "--go-on", "--shrink", "0")
    code, said = run(*words, "--json")
    facts = json.loads(said)
    assert code == 1
    assert [each["seed"] for each in facts["failed"]] == [5, 6]
    assert facts["shortest"][0].startswith("seed 5,")


@pytest.mark.usefixtures("small_seeds")
def test_whatever_comes_first_ends_a_drill():
    words = ("--first", "3", "--processes", "1", "--json")
    code, said = run("--orders", "3", "--hours", "1", *words)
    assert (code, json.loads(said)["orders"]) == (0, 2)
    done = CliRunner().invoke(app, ["drill", "--orders", "500", "--hours", "0", *words])
    assert (done.exit_code, json.loads(done.stdout)["orders"]) == (0, 0)
    assert "The time was over after 0 of 500 orders" in done.stderr


def test_a_drill_can_be_bounded_in_time():
    seconds = iter((0, 10, 20, 30, 40))
    seeds = fleet.seeds_from(7, seconds=25, clock=lambda: next(seconds))
    assert list(seeds) == [7, 8]


def test_without_the_simulation_it_says_so(monkeypatch):
    monkeypatch.setattr(drill, "_ROOM", "retender.tests.nowhere")
    code, _ = run("--seed", "1")
    assert code == 1
    assert "SETUP" in CliRunner().invoke(app, ["drill", "--seed", "1"]).stderr
