"""The rules that hold after every commit: each sees its own break, and sound books break none."""

import sqlite3
from contextlib import closing

import pytest

from retender.tests.simulation.always import Always
from retender.tests.simulation.books import Books
from retender.tests.simulation.plan import make_plan
from retender.tests.simulation.seed import play

SOUND = """
    CREATE TABLE orders (order_id, order_no, state, winner);
    CREATE TABLE attempts (attempt_id, order_id, state, amount_minor, next_check_at);
    CREATE TABLE refunds (refund_no, order_id, attempt_id, cause, state, amount_minor, next_try_at);
    CREATE TABLE outbox (order_no, kind);
    INSERT INTO orders VALUES ('o', 'S-1', 'PAID', 'won'), ('p', 'S-2', 'CLOSED', NULL);
    INSERT INTO outbox VALUES ('S-1', 'order.paid');
    INSERT INTO attempts VALUES
        ('won', 'o', 'SUCCEEDED', 900, NULL),
        ('twice', 'o', 'REFUNDING', 900, NULL),
        ('watched', 'o', 'CLOSING', 900, 7),
        ('late', 'p', 'REFUNDED', 500, NULL);
    INSERT INTO refunds VALUES
        ('R1', 'o', 'twice', 'duplicate', 'DUE', 900, 7),
        ('R2', 'o', 'won', 'shop', 'DONE', 300, NULL),
        ('R3', 'o', 'won', 'shop', 'STUCK', 900, NULL),
        ('R4', 'p', 'late', 'late', 'DONE', 500, NULL);
"""

BREAKS = {
    "UPDATE attempts SET state = 'CLOSED' WHERE attempt_id = 'won'": (
        "S-1: is PAID, and its winner has not SUCCEEDED"
    ),
    "DELETE FROM outbox": "S-1: is PAID, and nobody will be told",
    "UPDATE attempts SET state = 'SUCCEEDED' WHERE attempt_id = 'late'": (
        "S-2: keeps money of an attempt that is not its winner"
    ),
    "INSERT INTO attempts VALUES ('open', 'p', 'OPEN', 500, 7)": (
        "S-2: is CLOSED, and a page of it may live"
    ),
    "UPDATE attempts SET next_check_at = NULL WHERE attempt_id = 'watched'": (
        "S-1: has an attempt that nobody will ask after"
    ),
    "DELETE FROM refunds WHERE refund_no = 'R1'": (
        "S-1: has a surplus, and no refund of all of it is written down"
    ),
    "UPDATE refunds SET amount_minor = 499 WHERE refund_no = 'R4'": (
        "S-2: has a surplus, and no refund of all of it is written down"
    ),
    "UPDATE refunds SET next_try_at = NULL WHERE refund_no = 'R1'": (
        "S-1: has a refund that nobody will send or ask after"
    ),
    "UPDATE refunds SET cause = 'late' WHERE refund_no = 'R2'": (
        "S-1: gives back by itself what pays it"
    ),
    "UPDATE refunds SET state = 'SENT', next_try_at = 7 WHERE refund_no = 'R3'": (
        "S-1: gives back more than was taken"
    ),
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shop.db"
    write(path, SOUND)
    return path


@pytest.fixture
def always(file):
    with closing(Books(file)) as books:
        yield Always(books)


def write(file, statements):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(statements)


def test_sound_books_break_no_rule(always):
    assert list(always.broken()) == []


@pytest.mark.parametrize("deed", BREAKS)
def test_a_break_is_seen_at_the_next_look_and_told_once(file, always, deed):
    list(always.broken())
    write(file, deed)
    assert list(always.broken()) == [BREAKS[deed]]
    assert list(always.broken()) == []


def test_the_simulation_looks_after_every_commit(mocker):
    mocker.patch.object(Always, "broken", return_value=["S0-0: seen"])
    assert "S0-0: seen" in play(make_plan(0, orders=1)).problems
