"""How databases find rows when there are 100,000 orders: by an index, and in its order."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.columns import Instant
from retender.adapters.sql.engine import commit, connected, open_engine
from retender.adapters.sql.tables import metadata
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.attention import AttentionCode
from retender.ports.unit_of_work import Work
from retender.tests.adapters.databases import (
    MARIADB,
    POSTGRESQL,
    a_database,
    an_engine,
    with_driver,
)
from retender.tests.adapters.test_store_contract import READ
from retender.tests.contracts.store.deeds import DEEDS, Scene, a_scene, do
from retender.tests.contracts.store.samples import MINUTE, NOW, a_line, an_order, keep

pytestmark = pytest.mark.asyncio

# ruff: noqa: S608 -- the names in the statements are our own

MANY = {"postgresql": 100_000, "mysql": 20_000, "sqlite": 20_000}
"""How many orders there are; it is PostgreSQL's planner that changes its mind."""
ACCOUNT = "tea-house"
LONG_AGO = NOW - timedelta(days=30)

NUMBERS = {
    "postgresql": "generate_series(1, {}) AS s(n)",
    "mysql": "(SELECT seq AS n FROM seq_1_to_{}) AS s",
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s "
    "WHERE n < {}) SELECT n FROM s) AS s",
}
NUMBERS = {name: numbers.format(MANY[name]) for name, numbers in NUMBERS.items()}
ID = {
    "postgresql": "lpad(CAST(n AS varchar), 32, '{}')",
    "mysql": "lpad(CAST(n AS char), 32, '{}')",
    "sqlite": "substr('{0}{0}{0}{0}{0}{0}{0}{0}' || n, -32)",
}
"""A number of 32 characters, the same for everything that belongs to one order."""

PAST = Instant().process_bind_param(LONG_AGO, None)  # type: ignore[arg-type]
"""What is final is of long ago; so is, now and then, what is not."""

SOME = "n % 100 = 0"
"""One of a hundred is under way."""


def grown(table: str, its: str) -> dict[str, str]:
    """Return what differs from the row that is copied, as SQL."""
    state = f"CASE WHEN {SOME} THEN 'OPEN' ELSE 'CLOSED' END"
    due = f"CASE WHEN {SOME} THEN {PAST} + n END"
    one = {
        "orders": {
            "order_id": its,
            "order_no": its,
            "state": f"CASE WHEN n % 200 = 0 THEN 'NEW' WHEN {SOME} THEN 'EXPIRING' "
            "ELSE 'CLOSED' END",
            "shown_until": f"{PAST} + n",
        },
        "attempts": {
            "attempt_id": its,
            "order_id": its,
            "number": its,
            "state": state,
            "next_check_at": due,
            "watch_until": f"{PAST} + n",
            "leased_until": "NULL",
        },
        "refunds": {
            "refund_no": its,
            "number": its,
            "order_id": its,
            "attempt_id": its,
            "state": f"CASE WHEN {SOME} THEN 'SENT' ELSE 'DONE' END",
            "created_at": f"{PAST} + n",
            "next_try_at": due,
            "leased_until": "NULL",
        },
        "inbox": {"event_key": its},
        "attention": {
            "seq": "n + 1000",
            "attention_id": its,
            "subject": its,
            "order_no": its,
            "ended_at": f"CASE WHEN {SOME} THEN NULL ELSE {PAST} + n END",
        },
        "outbox": {
            "seq": "n + 1000",
            "event_id": its,
            "subject": its,
            "order_no": its,
            "sent_at": f"CASE WHEN {SOME} THEN NULL ELSE {PAST} + n END",
            "next_try_at": "NULL",
            "leased_until": "NULL",
        },
        "story": {"seq": "n + 1000", "order_id": its},
        "captures": {"provider_trade_no": its, "order_id": its},
    }
    return one[table]


async def grow(engine: AsyncEngine) -> None:
    """Copy the scene's rows very often, as old orders that are over, but for a few."""
    dialect = engine.dialect.name
    pad = "Z"  # no id of ours is like that
    async with connected(engine) as connection:
        for table in metadata.sorted_tables:
            differs = grown(table.name, ID[dialect].format(pad))
            await connection.execute(text(_copies(table, differs, NUMBERS[dialect])))
        await commit(connection)
    async with connected(engine, reading=True, once=True) as connection:
        if dialect == "mysql":
            names = ", ".join(table.name for table in metadata.sorted_tables)
            (await connection.exec_driver_sql(f"ANALYZE TABLE {names}")).all()
        else:
            await connection.exec_driver_sql("ANALYZE")


def _copies(table: Table, differs: dict[str, str], numbers: str) -> str:
    key = ", ".join(column.name for column in table.primary_key)
    names = [column.name for column in table.columns]
    values = ", ".join(differs.get(name, f"one.{name}") for name in names)
    one = f"(SELECT * FROM {table.name} ORDER BY {key} LIMIT 1) AS one"
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {one}, {numbers}"


# --- what is asked ------------------------------------------------------------------------

READS: dict[str, Callable[[Work, Scene], Awaitable[object]]] = {
    "orders.get": lambda w, s: w.orders.get(s.order.order_no),
    "orders.by_id": lambda w, s: w.orders.by_id(s.order.order_id),
    "orders.with_sums": lambda w, s: w.orders.with_sums(s.order.order_no),
    "orders.open_under": lambda w, _: w.orders.open_under("payer-1", "table-7"),
    "orders.past_deadline": lambda w, _: w.orders.past_deadline(NOW, 20),
    "orders.expiring_without_live_attempts": lambda w, _: w.orders.expiring_without_live_attempts(
        20
    ),
    "attempts.get": lambda w, s: w.attempts.get(s.attempt.attempt_id),
    "attempts.by_number": lambda w, s: w.attempts.by_number("tea-house", s.attempt.number),
    "attempts.by_reference": lambda w, _: w.attempts.by_reference("tea-house", "theirs"),
    "attempts.captures_of": lambda w, s: w.attempts.captures_of(s.order.order_id),
    "attempts.of_order": lambda w, s: w.attempts.of_order(s.order.order_id),
    "attempts.with_order": lambda w, s: w.attempts.with_order(s.order.order_no),
    "attempts.any_due": lambda w, _: w.attempts.any_due(NOW, account="tea-house"),
    "refunds.get": lambda w, s: w.refunds.get(s.due.refund_no),
    "refunds.by_number": lambda w, s: w.refunds.by_number("tea-house", s.due.number),
    "refunds.of_order": lambda w, s: w.refunds.of_order(s.order.order_id),
    "refunds.any_due": lambda w, _: w.refunds.any_due(NOW, account="tea-house"),
    "outbox.any_due": lambda w, _: w.outbox.any_due(NOW),
    "outbox.of_order": lambda w, s: w.outbox.of_order(s.order.order_no),
    "attention.get": lambda w, s: w.attention.get(s.item.attention_id),
    "attention.all": lambda w, _: w.attention.all(20),
    "attention.open": lambda w, _: w.attention.open(20),
    "attention.open_of": lambda w, s: w.attention.open_of(s.order.order_no),
    "attention.open_about": lambda w, s: w.attention.open_about(s.attempt.attempt_id),
    "backlog.attempts": lambda w, _: w.backlog.attempts(NOW, LONG_AGO, 20),
    "backlog.refunds": lambda w, _: w.backlog.refunds(
        AttentionCode.REFUND_TOO_LONG, NOW, LONG_AGO, 20
    ),
    "backlog.events": lambda w, _: w.backlog.events(NOW, LONG_AGO, 20),
    "backlog.over": lambda w, _: w.backlog.over(20),
    "backlog.due": lambda w, _: w.backlog.due(NOW, ["tea-house", "another"]),
    "backlog.size": lambda w, _: w.backlog.size(),
    "backlog.live_attempts": lambda w, _: w.backlog.live_attempts(),
    "backlog.overdue": lambda w, _: w.backlog.overdue(LONG_AGO, LONG_AGO),
    "story.of_order": lambda w, s: w.story.of_order(s.order.order_id),
}


CLAIMS: dict[str, Callable[[Work], Awaitable[object]]] = {
    "attempts.claim_due": lambda w: w.attempts.claim_due(NOW, NOW + MINUTE, 10, account=ACCOUNT),
    "refunds.claim_due": lambda w: w.refunds.claim_due(NOW, NOW + MINUTE, 10, account=ACCOUNT),
}
"""As the worker claims: each lane for its own account."""


async def test_every_question_of_the_port_is_asked_here() -> None:
    assert set(READS) == READ - {"story.place"}, "that one asks nobody"


SERVERS = {"psycopg": POSTGRESQL, "asyncpg": POSTGRESQL, "mariadb": MARIADB}


@asynccontextmanager
async def a_big_database(way: str, sqlite_url: str) -> AsyncIterator[AsyncEngine]:
    """Open a database of this test's own: emptying one that has grown takes longer."""
    if way == "sqlite":
        async with an_engine(sqlite_url) as engine:
            yield engine
        return
    async with a_database(SERVERS[way]) as url:
        address = with_driver(url, "postgresql+asyncpg") if way == "asyncpg" else url
        engine = open_engine(address)
        try:
            yield engine
        finally:
            await engine.dispose()


@contextmanager
def asked(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """Note the statements that go to the database, with their values."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if statement.lstrip("(").split()[0] in {"SELECT", "UPDATE", "INSERT", "DELETE", "WITH"}:
            found.append((statement, values))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("way", ["sqlite", "psycopg", "mariadb"])
async def test_everything_is_found_by_an_index_and_in_its_order(way: str, sqlite_url: str) -> None:
    """No table that grows is read from end to end, and nothing sorts more than it returns."""
    async with a_big_database(way, sqlite_url) as engine:
        slow = await _slow_ones(engine)
    told = [f"{name}: {why[:300]}" for name, found in slow.items() for why in found]
    assert not told, "\n".join(told)


async def _slow_ones(engine: AsyncEngine) -> dict[str, list[str]]:
    unit_of_work = SqlUnitOfWork(engine, page_key=bytes(32))
    scene = await a_scene(unit_of_work)
    async with unit_of_work() as work:
        await work.story.add(a_line(scene.order))
        await work.inbox.add("tea-house", "evt-0", "hash", NOW)
        await DEEDS["attempts.add_capture"](work, scene)
        await work.commit()
    await grow(engine)
    slow: dict[str, list[str]] = {}
    for name, read in READS.items():
        with asked(engine) as statements:
            async with unit_of_work(read_only=True) as work:
                await read(work, scene)
        slow[name] = await _slow(engine, statements)
    for name in DEEDS:
        with asked(engine) as statements:
            async with unit_of_work() as work:
                await (do(name, work, scene) if name not in CLAIMS else CLAIMS[name](work))
        slow[name] = await _slow(engine, statements)
    return slow


async def _slow(engine: AsyncEngine, statements: list[tuple[str, Any]]) -> list[str]:
    """Say of each statement that is slow why."""
    explain = {"postgresql": _of_postgresql, "mysql": _of_mariadb, "sqlite": _of_sqlite}
    found = []
    for statement, values in statements:
        async with connected(engine) as connection:
            told = explain[engine.dialect.name](connection, statement, values)
            why = [each async for each in told]
        found += [f"{each}: {statement}" for each in why]
    return found


async def _of_postgresql(connection: Any, statement: str, values: Any) -> Any:
    run = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    (told,) = (await connection.exec_driver_sql(run, values)).one()
    plans = told if isinstance(told, list) else json.loads(told)
    for node in _nodes(plans[0]["Plan"]):
        kind = node["Node Type"]
        if kind == "Seq Scan" and node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > 500:
            yield f"reads all {node['Relation Name']}"
        if kind == "Sort" and node["Plans"][0]["Actual Rows"] > max(node["Actual Rows"], 20):
            yield f"sorts {node['Plans'][0]['Actual Rows']} for {node['Actual Rows']}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def _of_mariadb(connection: Any, statement: str, values: Any) -> Any:
    if statement.startswith("INSERT"):
        return
    for row in await connection.exec_driver_sql(f"EXPLAIN {statement}", values):
        many = int(str(row.rows or 0).split()[0]) > 2000
        if row.type in {"ALL", "index"} and many:
            yield f"reads all {row.table}"
        if "filesort" in (row.Extra or "") and many:
            yield f"sorts {row.rows} of {row.table}"


async def _of_sqlite(connection: Any, statement: str, values: Any) -> Any:
    tables = {table.name for table in metadata.sorted_tables}
    for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        words = row.detail.split()
        is_whole = words[0] == "SCAN" and words[1] in tables and "INDEX" not in words
        if is_whole and "WHERE" in statement:  # else it stops at the limit
            yield row.detail
        if "TEMP B-TREE FOR ORDER BY" in row.detail and statement.count("LIMIT") == 1:
            yield row.detail


# --- old statistics -----------------------------------------------------------------------


@pytest.mark.parametrize("way", ["psycopg", "asyncpg"])
async def test_an_order_is_held_by_its_key_whatever_the_statistics(
    way: str, sqlite_url: str
) -> None:
    """They are of a quieter hour: by them few orders are open, so an index of those looks good."""
    async with a_big_database(way, sqlite_url) as engine:
        assert await _used_to_hold(engine) == ["orders_pk"]


async def _used_to_hold(engine: AsyncEngine) -> list[str]:
    """Let the statistics grow old, and say by which index an order is held then."""
    unit_of_work = SqlUnitOfWork(engine, page_key=bytes(32))
    order = an_order(shown_until=NOW + 30 * MINUTE)
    await keep(unit_of_work, order)
    its = ID["postgresql"].format("Z")
    until = Instant().process_bind_param(order.shown_until, None)  # type: ignore[arg-type]
    copies = {"order_id": its, "order_no": its, "shown_until": f"{until} + n"}
    orders = metadata.tables["orders"]
    closed = _copies(orders, {**copies, "state": "'CLOSED'"}, NUMBERS["postgresql"])
    await _by_hand(engine, "ALTER TABLE orders SET (autovacuum_enabled = off)", closed, "ANALYZE")
    await _by_hand(engine, "UPDATE orders SET state = 'NEW'")
    with asked(engine) as statements:
        async with unit_of_work() as work:
            assert await work.orders.hold_new(order.order_id, NOW)
    ((statement, values),) = statements
    async with connected(engine) as connection:
        run = f"EXPLAIN (FORMAT JSON) {statement}"
        (told,) = (await connection.exec_driver_sql(run, values)).one()
    plans = told if isinstance(told, list) else json.loads(told)
    used = [node.get("Index Name") for node in _nodes(plans[0]["Plan"])]
    return [str(name) for name in used if name]


async def _by_hand(engine: AsyncEngine, *statements: str) -> None:
    async with connected(engine) as connection:
        for statement in statements:
            await connection.execute(text(statement))
        await commit(connection)
