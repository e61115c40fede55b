"""What is true of every database: rules of its own, one instant for a reader, leases, conflicts."""

import asyncio
import secrets
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from retender.adapters.clock import system_clock
from retender.adapters.sql.durability import shortcomings
from retender.adapters.sql.engine import PATIENCE, connected, database_url, open_engine
from retender.adapters.sql.server_kind import FORGOTTEN
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.backlog import Due
from retender.domain.model.errors import SetupError, StoreBusy, StoreUncertain
from retender.domain.model.transition import AttemptState, OrderEvent, OrderState
from retender.domain.use_cases.peek_due_work import PeekDueWork
from retender.tests.adapters.databases import EVERYWHERE, MARIADB, POSTGRESQL, a_database
from retender.tests.contracts.store.samples import (
    CAUSE,
    NOW,
    a_refund,
    an_attempt,
    an_order,
    attempt_in,
    keep,
)

pytestmark = pytest.mark.asyncio

KEY = secrets.token_bytes(32)
ON_SERVERS = [name for name in EVERYWHERE if name != "sqlite_url"]

on_servers = pytest.mark.parametrize("url", ON_SERVERS, indirect=True)


@pytest.fixture(params=EVERYWHERE)
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def unit_of_work(engine):
    return SqlUnitOfWork(engine, page_key=KEY)


@pytest.fixture
def rival(another_engine):
    return SqlUnitOfWork(another_engine, page_key=KEY)


# --- what the tables refuse, whoever writes ---------------------------------------------

FORBIDDEN = (
    "UPDATE orders SET amount_minor = 0",
    "UPDATE orders SET state = 'LOST'",
    "UPDATE orders SET state = 'PAID'",
    "UPDATE orders SET winner = 'A1'",
    "UPDATE orders SET order_key = 'table-7', user_id = 'ann'",
    "UPDATE orders SET order_no = 'one'",
    "UPDATE attempts SET amount_minor = -1",
    "UPDATE attempts SET state = 'LOST'",
    "UPDATE attempts SET state = 'SUCCEEDED', next_check_at = NULL",
    "UPDATE attempts SET state = 'CLOSED'",
    "UPDATE attempts SET idx = 1",
    "UPDATE attempts SET number = 'number01'",
    "UPDATE attempts SET provider_trade_no = '20260314'",
    "UPDATE attempts SET fingerprint = 'the same'",
    "UPDATE attempts SET order_id = 'nobody'",
    "UPDATE refunds SET amount_minor = 0",
    "UPDATE refunds SET state = 'LOST'",
    "UPDATE refunds SET state = 'DONE'",
    "UPDATE refunds SET cause = 'late'",
    "UPDATE refunds SET number = 'number01'",
    "UPDATE refunds SET attempt_id = 'nobody'",
    "DELETE FROM orders",
    "DELETE FROM attempts",
)

ALLOWED = (
    "UPDATE attempts SET state = 'CLOSED', next_check_at = NULL, fingerprint = 'the same'",
    "UPDATE orders SET state = 'CLOSED', order_key = 'table-7', user_id = 'ann'",
    "UPDATE refunds SET cause = 'shop'",
)
"""What the partial rules must not forbid: rows that they do not speak of."""


async def test_the_tables_refuse_what_must_not_be(unit_of_work, engine):
    """Also to an operator with a prompt, and to a version of ours that has a bug."""
    order = an_order()
    first, second = an_attempt(order), an_attempt(order, idx=2, fingerprint="e" * 32)
    await keep(unit_of_work, order, an_order(), first, second, a_refund(first), a_refund(first))
    assert [sql for sql in FORBIDDEN if await may(engine, sql)] == []
    assert [sql for sql in ALLOWED if not await may(engine, sql)] == []


async def may(engine, statement):
    """Tell whether the database would do it; it is undone at once."""
    async with connected(engine) as connection:
        try:
            await connection.execute(text(statement))
        except DBAPIError:
            return False
        return True


# --- readers ----------------------------------------------------------------------------


async def test_a_reader_sees_one_instant(unit_of_work, rival):
    """An order that is paid meanwhile is not shown with half of what belongs to it."""
    order = an_order()
    attempt = an_attempt(order)
    await keep(unit_of_work, order, attempt)
    async with unit_of_work(read_only=True) as reader:
        seen = await reader.orders.by_id(order.order_id)
        async with rival() as work:
            await work.orders.move(
                order.order_id, OrderEvent.CAPTURED, at=NOW, cause=CAUSE, winner=attempt.attempt_id
            )
            await work.commit()
        assert list(await reader.story.of_order(order.order_id)) == []
        assert await reader.orders.by_id(order.order_id) == seen
    async with unit_of_work(read_only=True) as reader:
        assert (await reader.orders.by_id(order.order_id)).state is OrderState.PAID


async def test_who_only_looked_leaves_nothing_to_the_next(unit_of_work):
    """A reader that read nothing gives back a connection on which others can write."""
    for _ in range(3):
        async with unit_of_work(read_only=True):
            pass
        await keep(unit_of_work, an_order())


@on_servers
async def test_a_reader_may_not_write(engine):
    async with connected(engine, reading=True) as connection:
        with pytest.raises((StoreBusy, DBAPIError)):
            await connection.execute(text("DELETE FROM story"))


# --- leases -----------------------------------------------------------------------------

CLAIMER = """
import asyncio, sys
from datetime import timedelta
from retender.adapters.clock import system_clock
from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.unit_of_work import SqlUnitOfWork

async def main(url, seconds, commit):
    unit_of_work = SqlUnitOfWork(open_engine(url), page_key=bytes(32))
    async with unit_of_work() as work:
        now = system_clock()
        until = now + timedelta(seconds=float(seconds))
        (attempt,) = await work.attempts.claim_due(now, until, 10)
        (refund,) = await work.refunds.claim_due(now, until, 10)
        if commit == "commit":
            await work.commit()
        print(until.timestamp(), flush=True)
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("how", ["commit", "no commit"])
async def test_what_a_killed_worker_held_comes_back(unit_of_work, url, how):
    """A second after its lease at most; at once, if it had not yet written the lease down."""
    lease = 1.5 if how == "commit" else 60
    order = an_order()
    attempt = attempt_in(AttemptState.OPEN, order, leased_until=None, next_check_at=NOW)
    await keep(unit_of_work, order, attempt, a_refund(attempt))
    command = [sys.executable, "-c", CLAIMER, url, str(lease), how]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    assert worker.stdout
    until = float(await asyncio.to_thread(worker.stdout.readline))
    if how == "commit":
        assert await claimed(unit_of_work) == []
    worker.kill()
    await asyncio.to_thread(worker.wait)
    worker.stdout.close()
    deadline = time.time() + 5 if how == "no commit" else until + 1
    while not (found := await claimed(unit_of_work)):
        assert time.time() < deadline, "nobody may have it"
        await asyncio.sleep(0.05)
    if how == "commit":
        assert time.time() >= until
    assert len(found) == 2
    assert await claimed(unit_of_work) == []


async def claimed(unit_of_work):
    """Return what is due and free, and lease it."""
    async with unit_of_work() as work:
        now = system_clock()
        until = now + timedelta(minutes=1)
        found = [
            *await work.attempts.claim_due(now, until, 10),
            *await work.refunds.claim_due(now, until, 10),
        ]
        await work.commit()
    return found


# --- conflicts --------------------------------------------------------------------------


@on_servers
async def test_of_two_that_wait_for_each_other_one_gives_way(unit_of_work, rival):
    """It is told that the store is busy, and does all of it again."""
    orders = [an_order(), an_order()]
    await keep(unit_of_work, *orders)
    meet = asyncio.Barrier(2)

    async def hold_both(way, first, second):
        async with way() as work:
            await work.orders.hold(first.order_id)
            await meet.wait()
            await work.orders.hold(second.order_id)
            await work.commit()

    outcomes = await asyncio.gather(
        hold_both(unit_of_work, *orders),
        hold_both(rival, *reversed(orders)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [StoreBusy]
    async with unit_of_work(read_only=True) as work:
        assert [(await work.orders.by_id(o.order_id)).version for o in orders] == [1, 1]


STRICTER = {
    "postgresql": ("BEGIN ISOLATION LEVEL REPEATABLE READ",),
    "mysql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION"),
}


@on_servers
async def test_a_row_that_changed_since_it_was_read_is_a_conflict(unit_of_work, engine):
    """In the stricter isolation that an operator may force: 40001, or MariaDB's 1020."""
    order = an_order()
    await keep(unit_of_work, order)
    async with connected(engine) as connection:
        await connection.exec_driver_sql("ROLLBACK")
        for statement in STRICTER[engine.dialect.name]:
            await connection.exec_driver_sql(statement)
        if engine.dialect.name == "mysql":
            await connection.execute(text("SET SESSION innodb_snapshot_isolation = ON"))
        await connection.execute(text("SELECT * FROM orders"))
        async with unit_of_work() as work:
            await work.orders.hold(order.order_id)
            await work.commit()
        with pytest.raises(StoreBusy):
            await connection.execute(text("UPDATE orders SET version = version + 1"))
        await connection.invalidate()  # it is no longer as the store set it up


async def say(connection, code):
    """Let the server itself raise an error of this code."""
    if connection.dialect.name == "mysql":
        await connection.execute(text(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}"))
    else:
        raised = f"RAISE EXCEPTION 'told' USING ERRCODE = '{code}'"
        await connection.execute(text(f"DO $$ BEGIN {raised}; END $$"))


AWAY = {
    "postgresql": (
        *("08000", "08003", "08006", "25006", "53200", "53300"),
        *("57P01", "57P02", "57P03", "57P04", "57P05", "58030"),
    ),
    "mysql": (1040, 1047, 1053, 1290, 1836, 2002, 2055, 3169),
}
"""Among them a standby that is told to write, and a node that has left its cluster."""


@on_servers
async def test_a_server_that_cannot_serve_now_is_a_time_of_trouble(unit_of_work, engine):
    """In the middle of a transaction, too; and its connection is not used again."""
    for code in AWAY[engine.dialect.name]:
        async with connected(engine) as connection:
            with pytest.raises(StoreBusy, match="cannot be reached"):
                await say(connection, code)
            assert connection.invalidated, f"{code}: the next try would meet the same server"
    await keep(unit_of_work, an_order())


GIVE_WAY = {
    "postgresql": ("40001", "40P01", "55P03", "57014", "25P03", "25P04"),
    "mysql": (1020, 1180, 1205, 1213, 1317, 1969, 3024, 3572),
}


@on_servers
async def test_a_server_that_tells_us_to_give_way_is_busy(engine):
    """The unit may be done again at once, on the same connection."""
    for code in GIVE_WAY[engine.dialect.name]:
        async with connected(engine) as connection:
            with pytest.raises(StoreBusy):
                await say(connection, code)
            assert not connection.invalidated


@on_servers
@pytest.mark.parametrize("moment", ["idle", "at work", "committing"])
async def test_a_connection_that_breaks_is_another_thing_at_each_moment(
    unit_of_work, rival, engine, another_engine, moment
):
    """Idle: nobody notices. At work: nothing was changed. Committing: who knows."""
    order = an_order()
    await keep(unit_of_work, order)
    if moment == "idle":
        await cut_all(engine, another_engine)
        await keep(unit_of_work, an_order())
        return
    with pytest.raises(StoreBusy if moment == "at work" else StoreUncertain):
        await hold_and_break(unit_of_work, order, lambda: cut_all(engine, another_engine), moment)
    async with rival(read_only=True) as work:
        assert (await work.orders.by_id(order.order_id)).version == 0
    await keep(unit_of_work, an_order())


@on_servers
async def test_a_single_question_on_a_broken_connection_is_asked_again(
    unit_of_work, engine, another_engine
):
    """No BEGIN finds it out, so whoever asks once asks anew, and nobody notices."""
    peek = PeekDueWork(unit_of_work, lambda: NOW)
    await peek(accounts=["tea-house"])
    await cut_all(engine, another_engine)
    assert await peek(accounts=["tea-house"]) == Due()


async def hold_and_break(unit_of_work, order, cut, moment):
    """Lose the connection in the middle of a unit of work, before another statement or none."""
    async with unit_of_work() as work:
        await work.orders.hold(order.order_id)
        await cut()
        if moment == "at work":
            await work.orders.hold(order.order_id)
        await work.commit()


async def cut_all(engine, another_engine):
    """Cut all of an engine's connections at the server, from another one."""
    async with another_engine.connect() as connection:
        if engine.dialect.name == "mysql":
            others = await connection.scalars(
                text(
                    "SELECT id FROM information_schema.processlist "
                    "WHERE db = DATABASE() AND id != CONNECTION_ID()"
                )
            )
            for other in list(others):
                await connection.execute(text(f"KILL {other}"))
        else:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid != pg_backend_pid()"
                )
            )


# --- set-ups ----------------------------------------------------------------------------


async def test_a_database_as_it_should_be_has_no_shortcomings(engine):
    assert await shortcomings(engine) == ()


@pytest.mark.parametrize("url", ["psycopg_url", "asyncpg_url"], indirect=True)
async def test_a_server_that_does_not_flush_is_told_of(engine):
    name = engine.url.database
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    hasty = open_engine(engine.url.render_as_string(hide_password=False))
    try:
        assert await shortcomings(hasty) == (
            "synchronous_commit is off, not on: a crash could lose what was committed",
        )
    finally:
        await hasty.dispose()
        async with engine.begin() as connection:
            await connection.execute(text(f"ALTER DATABASE {name} RESET synchronous_commit"))


@pytest.mark.parametrize("url", ["mariadb_url"], indirect=True)
async def test_a_server_that_is_too_old_is_told_of(engine, mocker):
    assert await shortcomings(engine) == ()
    mocker.patch.object(engine.sync_engine.dialect, "server_version_info", (10, 5, 9))
    (told,) = await shortcomings(engine)
    assert told.startswith("MariaDB is 10.5.9, older than 10.6")


@on_servers
async def test_every_connection_is_strict_and_impatient(engine):
    wanted: dict[str, dict[str, object]] = {
        "postgresql": {
            "SHOW transaction_isolation": "read committed",
            "SHOW lock_timeout": f"{PATIENCE.seconds}s",
            "SHOW idle_in_transaction_session_timeout": f"{FORGOTTEN.seconds // 60}min",
        },
        "mysql": {
            "SELECT @@tx_isolation": "READ-COMMITTED",
            "SELECT @@innodb_lock_wait_timeout": PATIENCE.seconds,
            "SELECT @@idle_transaction_timeout": FORGOTTEN.seconds,
            "SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'": 1,
            "SELECT @@character_set_client": "utf8mb4",
        },
    }
    settings = wanted[engine.dialect.name]
    for _ in range(2):  # a rollback in between must not undo them
        async with connected(engine) as connection:
            found = {ask: await connection.scalar(text(ask)) for ask in settings}
        assert found == settings


@pytest.mark.parametrize("server", [POSTGRESQL, MARIADB])
async def test_a_database_without_tables_says_what_to_run(server):
    async with a_database(server, upgraded=False) as url:
        engine = open_engine(url)
        with pytest.raises(SetupError, match="retender db upgrade"):
            async with SqlUnitOfWork(engine, page_key=KEY)(read_only=True) as work:
                await work.orders.get("nobody")
        await engine.dispose()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///shop.db", "sqlite+aiosqlite"),
        ("postgresql://ann@db/shop", "postgresql+psycopg"),
        ("postgres://ann@db/shop", "postgresql+psycopg"),
        ("postgresql+asyncpg://ann@db/shop", "postgresql+asyncpg"),
        ("mariadb://ann@db/shop", "mysql+asyncmy"),
        ("mysql://ann@db/shop", "mysql+asyncmy"),
        ("mariadb+asyncmy://ann@db/shop", "mysql+asyncmy"),
    ],
)
async def test_the_plain_name_of_a_database_is_enough(url, driver):
    assert database_url(url).drivername == driver


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql+psycopg2://ann:tiger@db/shop", r"postgresql\+psycopg://"),
        ("mysql+pymysql://ann:tiger@db/shop", r"mysql\+asyncmy://"),
        ("postgresql://ann:tiger@db", "no database"),
        ("mariadb://ann:tiger@db/", "no database"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused(url, hint):
    with pytest.raises(SetupError, match=hint) as caught:
        open_engine(url)
    assert "tiger" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("postgresql://ann@db/shop", "postgresql"),
        ("postgresql+asyncpg://ann@db/shop", "asyncpg"),
        ("mariadb://ann@db/shop", "mariadb"),
    ],
)
async def test_a_driver_that_is_not_installed_is_named_with_its_extra(url, extra, mocker):
    mocker.patch.dict(sys.modules, {"psycopg": None, "asyncpg": None, "asyncmy": None})
    with pytest.raises(SetupError, match=rf"pip install '\.\[{extra}\]'"):
        open_engine(url)
