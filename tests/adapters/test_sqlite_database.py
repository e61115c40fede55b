"""What is true of SQLite files in particular: locks, constraints, processes, and bad set-ups."""

import asyncio
import secrets
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import aiosqlite
import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from retender.adapters.sql.engine import commit, connected, open_engine
from retender.adapters.sql.sqlite import CONNECTIONS
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.errors import SetupError, StoreBusy, StoreFull, StoreUncertain
from retender.domain.model.payer import Payer
from retender.domain.model.transition import AttemptState, OrderState
from retender.tests.contracts.store.samples import (
    NOW,
    PAGES,
    a_fact,
    a_line,
    an_attempt,
    an_order,
    attempt_in,
    keep,
    order_in,
)

pytestmark = pytest.mark.asyncio

KEY = secrets.token_bytes(32)
SHORT = timedelta(seconds=0.1)


@pytest.fixture
def path(url):
    return url.removeprefix("sqlite:///")


@pytest.fixture
def unit_of_work(engine):
    return SqlUnitOfWork(engine, page_key=KEY)


@pytest_asyncio.fixture
async def impatient(url):
    engine = open_engine(url, patience=SHORT)
    yield SqlUnitOfWork(engine, page_key=KEY, patience=SHORT)
    await engine.dispose()


def another_process(path):
    """Return a connection that begins nothing by itself and waits for nobody."""
    return closing(sqlite3.connect(path, isolation_level=None, timeout=0))


# --- how a connection is set up ---------------------------------------------------------


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
async def test_every_connection_keeps_the_promises(engine, pragma, value):
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = await stack.enter_async_context(connected(engine, reading=True))
            assert await connection.scalar(text(f"PRAGMA {pragma}")) == value


# --- locks ------------------------------------------------------------------------------


async def test_a_writer_has_the_lock_from_the_beginning(unit_of_work, path):
    """Before it has written: who reads first and writes later would come too late."""
    async with unit_of_work():
        with another_process(path) as other:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT count(*) FROM orders").fetchone() == (0,)


async def test_a_failed_commit_lets_go_of_the_lock(unit_of_work, path):
    """Full disks fail there too; a rule that is only checked then is easier to come by."""
    with another_process(path) as other:
        other.execute(
            "CREATE TABLE late (order_id REFERENCES orders DEFERRABLE INITIALLY DEFERRED)"
        )
        async with unit_of_work() as work:
            await work._open().exec_driver_sql("INSERT INTO late VALUES ('none')")
            with pytest.raises(IntegrityError):
                await work.commit()
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        assert other.execute("SELECT count(*) FROM late").fetchone() == (0,)
    async with unit_of_work() as work:
        assert await work.orders.add(an_order())
        await work.commit()


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_commit_that_broke_off_may_have_been_kept(unit_of_work, mocker, is_kept):
    """A disk that fails in the middle of it does not say which."""
    execute = aiosqlite.Cursor.execute

    async def break_off(cursor, statement, *values):
        if is_kept or statement != "COMMIT":
            await execute(cursor, statement, *values)
        if statement != "COMMIT":
            return
        broken = sqlite3.OperationalError("disk I/O error")
        broken.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise broken

    mocker.patch.object(aiosqlite.Cursor, "execute", break_off)
    order = an_order()
    with pytest.raises(StoreUncertain):
        await keep(unit_of_work, order)
    mocker.stopall()
    async with unit_of_work(read_only=True) as reader:
        assert (await reader.orders.by_id(order.order_id) is not None) is is_kept
    await keep(unit_of_work, an_order())


async def test_a_commit_that_was_never_asked_for_kept_nothing(engine):
    async with connected(engine) as connection:
        await connection.invalidate()
        with pytest.raises(InvalidRequestError):
            await commit(connection)


async def test_a_reader_has_no_lock(unit_of_work, path):
    async with unit_of_work(read_only=True) as reader:
        assert await reader.orders.get("nobody") is None
        with another_process(path) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO inbox VALUES ('tea-house', 'evt-1', 'hash', 0)")
            other.execute("COMMIT")


async def test_a_reader_sees_one_moment(unit_of_work):
    """Everything it reads fits together, whatever is written meanwhile."""
    order = an_order()
    await keep(unit_of_work, order)
    async with unit_of_work(read_only=True) as reader:
        assert await reader.orders.by_id(order.order_id) == order
        async with unit_of_work() as writer:
            await writer.orders.hold(order.order_id)
            await writer.commit()
        assert await reader.orders.by_id(order.order_id) == order


async def test_a_lock_of_another_process_is_waited_for_and_then_reported(impatient, path):
    with another_process(path) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(StoreBusy):
            async with impatient():
                pytest.fail("nobody gets in here")
        assert 0.1 <= time.monotonic() - started < 3
        async with impatient(read_only=True) as reader:
            assert await reader.orders.get("nobody") is None
        other.execute("ROLLBACK")
    async with impatient() as work:
        assert await work.orders.add(an_order())
        await work.commit()


async def test_a_full_database_is_reported_and_keeps_what_it_had(url, unit_of_work):
    full = open_engine(url)

    def leave_no_room(connection, _):
        connection.cursor().execute("PRAGMA max_page_count = 1")  # what is there, and no more

    event.listen(full.sync_engine, "connect", leave_no_room)
    cramped, orders = SqlUnitOfWork(full, page_key=KEY), [an_order() for _ in range(200)]

    async def keep_all():
        for order in orders:
            await keep(cramped, order)

    with pytest.raises(StoreFull, match="nothing was changed"):
        await keep_all()
    await full.dispose()
    async with unit_of_work(read_only=True) as reader:
        kept = [await reader.orders.by_id(order.order_id) for order in orders]
    assert 0 < kept.index(None) < len(orders)
    assert set(kept[kept.index(None) :]) == {None}
    await keep(unit_of_work, orders[-1])


async def test_writers_take_turns_in_the_order_of_arrival(unit_of_work):
    order = an_order()
    await keep(unit_of_work, order)

    async def write(which):
        async with unit_of_work() as work:
            await work.story.add(a_line(order, fact=a_fact(str(which))))
            await work.commit()

    await asyncio.gather(*(write(which) for which in range(30)))
    async with unit_of_work(read_only=True) as work:
        story = await work.story.of_order(order.order_id)
    assert [line.fact for line in story] == [a_fact(str(which)) for which in range(30)]


async def test_too_many_readers_at_once_are_told_so(impatient):
    """Readers that stay are a bug of ours; everybody else must not hang for it."""
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            await stack.enter_async_context(impatient(read_only=True))
        with pytest.raises(StoreBusy, match="connections"):
            await stack.enter_async_context(impatient(read_only=True))
    async with impatient(read_only=True) as work:
        assert await work.orders.get("nobody") is None


# --- processes --------------------------------------------------------------------------

CHILD = """
import asyncio, sys
from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.unit_of_work import SqlUnitOfWork

async def main(url, order_id, times, hang):
    engine = open_engine(url)
    unit_of_work = SqlUnitOfWork(engine, page_key=bytes(32))
    for _ in range(times):
        async with unit_of_work() as work:
            assert await work.orders.by_id(order_id)
            assert await work.orders.hold(order_id)
            if hang:
                print("inside", flush=True)
                await asyncio.sleep(60)
            await work.commit()
    await engine.dispose()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "hang"))
"""


def start(url, order, times, how="go"):
    arguments = [sys.executable, "-c", CHILD, url, order.order_id, str(times), how]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


async def version_of(unit_of_work, order):
    async with unit_of_work(read_only=True) as work:
        return (await work.orders.by_id(order.order_id)).version


async def test_increments_of_several_processes_are_all_there(unit_of_work, url):
    order = an_order()
    await keep(unit_of_work, order)
    children = [start(url, order, 50) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    for child in children:
        child.stdout.close()
    assert await version_of(unit_of_work, order) == 100


async def test_a_killed_process_leaves_no_lock_and_nothing_half_done(unit_of_work, url):
    order = an_order()
    await keep(unit_of_work, order)
    child = start(url, order, 1, "hang")
    assert child.stdout.readline() == "inside\n"
    child.kill()
    child.wait(60)
    child.stdout.close()
    assert await version_of(unit_of_work, order) == 0
    async with unit_of_work() as work:
        assert await work.orders.hold(order.order_id)
        await work.commit()
    assert await version_of(unit_of_work, order) == 1


# --- what is a bug, and loud ------------------------------------------------------------


async def test_a_broken_reference_is_an_error_not_a_no(unit_of_work):
    """``False`` means "taken"; an attempt of no order is a bug, and must be loud."""
    attempt = an_attempt(an_order())
    with pytest.raises(IntegrityError) as caught:
        async with unit_of_work() as work:
            await work.attempts.add(attempt)
    assert str(attempt.charge.payer.openid) not in str(caught.value)


async def test_a_time_without_its_zone_is_refused(unit_of_work):
    naive = datetime(2026, 3, 14)  # noqa: DTZ001 - the point of the test
    with pytest.raises(Exception, match="zone"):
        async with unit_of_work() as work:
            await work.orders.add(an_order(created_at=naive))


# --- pages on the disk ------------------------------------------------------------------


async def test_pages_are_not_readable_on_the_disk(unit_of_work, tmp_path):
    order = an_order()
    await keep(unit_of_work, order, attempt_in(AttemptState.OPEN, order, page=PAGES[0]))
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert order.order_no.encode() in written
    assert b"pay.example/do" not in written


async def test_who_the_payer_is_is_not_readable_on_the_disk(unit_of_work, tmp_path):
    order = an_order()
    attempt = attempt_in(AttemptState.OPEN, order)
    await keep(unit_of_work, order, attempt)
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert order.order_no.encode() in written
    values = asdict(attempt.charge.payer).values()
    assert [each for each in values if len(each) > 3 and each.encode() in written] == []
    assert b"Canary" not in written


async def test_with_another_key_a_page_is_unknown_and_all_else_is_there(unit_of_work, engine):
    order = an_order()
    attempt = attempt_in(AttemptState.OPEN, order)
    await keep(unit_of_work, order, attempt)
    stranger = SqlUnitOfWork(engine, page_key=secrets.token_bytes(32))
    async with stranger(read_only=True) as work:
        found = await work.attempts.get(attempt.attempt_id)
    assert found is not None
    assert found.undecryptable
    assert found.page is None
    assert found.good_page(NOW) is None
    assert found.charge == replace(attempt.charge, payer=Payer())


# --- bad set-ups ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite+aiosqlite://", "name a file"),
        ("nonsense", "reads like"),
        ("", "reads like"),
        ("oracle://scott:tiger@host/db", "no store for oracle"),
    ],
)
async def test_a_url_that_cannot_be_meant_is_refused(url, hint):
    with pytest.raises(SetupError, match=hint) as caught:
        open_engine(url)
    assert "tiger" not in str(caught.value)


async def test_a_missing_folder_is_named(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/nowhere/retender.db")
    before = set(threading.enumerate())
    with pytest.raises(SetupError, match=r"nowhere/retender\.db.*folder"):
        async with SqlUnitOfWork(engine, page_key=KEY)():
            pytest.fail("nobody gets in here")
    await engine.dispose()
    # The driver does not wait for the thread of a connection that was not made.
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 5)


async def test_a_file_of_another_kind_is_not_touched(tmp_path):
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"not a database, but dear to somebody" * 100)
    before = file.read_bytes()
    engine = open_engine(f"sqlite:///{file}")
    with pytest.raises(SetupError, match="no SQLite database"):
        async with SqlUnitOfWork(engine, page_key=KEY)() as work:
            await work.orders.add(an_order())
    await engine.dispose()
    assert file.read_bytes() == before


async def test_a_database_without_tables_says_what_to_run(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(SetupError, match="retender db upgrade"):
        async with SqlUnitOfWork(engine, page_key=KEY)(read_only=True) as work:
            await work.orders.get("nobody")
    await engine.dispose()


async def test_what_was_committed_is_there_after_a_restart(url):
    order = order_in(OrderState.PAID)
    for step in ("write", "read"):
        engine = open_engine(url)
        unit_of_work = SqlUnitOfWork(engine, page_key=KEY)
        if step == "write":
            await keep(unit_of_work, order)
        else:
            async with unit_of_work(read_only=True) as work:
                assert await work.orders.by_id(order.order_id) == order
        await engine.dispose()
