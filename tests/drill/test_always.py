"""The rules that hold after every commit: each sees its own break, and sound books break none."""

import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from retender.tests.simulation import town
from retender.tests.simulation.always import broken, may_break
from retender.tests.simulation.plan import make_plan
from retender.tests.simulation.seed import play

SOUND = """
    CREATE TABLE orders (order_id, order_no, state, winner, late_payment);
    CREATE TABLE attempts (attempt_id, order_id, state, amount_minor, next_check_at);
    CREATE TABLE refunds (refund_no, order_id, attempt_id, account, trade_no, cause, state,
        amount_minor, next_try_at);
    CREATE TABLE captures (account, provider_trade_no);
    CREATE TABLE outbox (order_no, kind);
    INSERT INTO orders VALUES ('o', 'S-1', 'PAID', 'won', NULL),
        ('p', 'S-2', 'CLOSED', NULL, 'refund');
    INSERT INTO outbox VALUES ('S-1', 'order.paid');
    INSERT INTO attempts VALUES
        ('won', 'o', 'SUCCEEDED', 900, NULL),
        ('twice', 'o', 'REFUNDING', 900, NULL),
        ('watched', 'o', 'CLOSING', 900, 7),
        ('late', 'p', 'REFUNDED', 500, NULL);
    INSERT INTO refunds VALUES
        ('R1', 'o', 'twice', 'a', NULL, 'duplicate', 'DUE', 900, 7),
        ('R2', 'o', 'won', 'a', NULL, 'shop', 'DONE', 300, NULL),
        ('R3', 'o', 'won', 'a', NULL, 'shop', 'STUCK', 900, NULL),
        ('R4', 'p', 'late', 'a', NULL, 'late', 'DONE', 500, NULL),
        ('R5', 'o', 'won', 'a', 'T-2', 'further', 'SENT', 900, 7);
    INSERT INTO captures VALUES ('a', 'T-1'), ('a', 'T-2'), ('b', 'T-3');
"""

BREAKS = {
    "UPDATE attempts SET state = 'CLOSED' WHERE attempt_id = 'won'": (
        "S-1: is PAID, and its winner has not SUCCEEDED"
    ),
    "DELETE FROM outbox": "S-1: is PAID, and nobody will be told",
    "UPDATE orders SET late_payment = 'refund' WHERE order_id = 'o'": (
        "S-1: is PAID, and the shop wanted no money any more"
    ),
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
    "UPDATE refunds SET trade_no = 'T-3' WHERE refund_no = 'R5'": (
        "S-1: gives back a further capture that it does not know of"
    ),
    "UPDATE refunds SET state = 'SENT', next_try_at = 7 WHERE refund_no = 'R3'": (
        "S-1: gives back more than was taken"
    ),
}


RULED = (
    "SELECT order_id, order_no, state, winner FROM orders",
    "SELECT attempt_id, order_id, state, amount_minor, next_check_at FROM attempts",
    "SELECT refund_no, attempt_id, cause, state, amount_minor, next_try_at, trade_no FROM refunds",
    "SELECT account, provider_trade_no FROM captures",
    "SELECT order_no, kind FROM outbox",
)


@pytest.fixture
def books():
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection.executescript(SOUND)


def test_sound_books_break_no_rule(books):
    assert broken(books) == []


@pytest.mark.parametrize("deed", BREAKS)
def test_each_break_is_seen(books, deed):
    books.execute(deed)
    assert broken(books) == [BREAKS[deed]]


def test_the_simulation_looks_where_a_rule_may_break_and_tells_of_a_break_once(mocker):
    look = mocker.patch.object(town, "broken", return_value=["S0-0: seen"])
    outcome = play(make_plan(0, orders=1))
    assert outcome.problems.count("S0-0: seen") == 1
    assert look.call_count > 1


def test_no_commit_that_is_not_looked_at_changes_what_the_rules_are_about(mocker):
    counts: Counter[bool] = Counter()
    concerned, seen = False, None

    def note(statement):
        nonlocal concerned
        concerned = concerned or may_break(statement)
        return True

    def look(books):
        nonlocal concerned, seen
        now = [books.execute(query).fetchall() for query in RULED]
        assert concerned or now == seen
        counts[concerned] += 1
        concerned, seen = False, now
        return []

    mocker.patch.object(town, "may_break", note)
    mocker.patch.object(town, "broken", look)
    assert play(make_plan(0)).problems == ()
    assert min(counts[True], counts[False]) > 100
