"""A commit that is cut off: whether it was kept, nobody can say, and nobody claims to."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import commit, connected, database_url, open_engine
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.errors import StoreBusy, StoreUncertain
from retender.domain.model.order import Order
from retender.tests.adapters.databases import EVERYWHERE
from retender.tests.contracts.store.samples import an_order, keep

pytestmark = pytest.mark.asyncio

KEY = secrets.token_bytes(32)
_MOST = 65_536


@pytest.fixture(params=[name for name in EVERYWHERE if name != "sqlite_url"])
def url(request):
    return request.getfixturevalue(request.param)


@dataclass(slots=True)
class Wire:
    """
    A wire to a database's server, which cuts the next COMMIT off.

    Attributes:
        port: where it begins.
        cut: on the way there, on the way back, or not at all.

    """

    port: int = 0
    cut: str = "never"

    async def there(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> bool:
        """Carry what the client says; False when a COMMIT was swallowed."""
        while data := await source.read(_MOST):
            commits = b"COMMIT" in data.upper()
            if commits and self.cut == "on the way there":
                return False
            sink.write(data)
            await sink.drain()
        return True

    async def back(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Carry what the server says, but for the answer to a COMMIT."""
        while data := await source.read(_MOST):
            if self.cut == "on the way back":
                return
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """Lay a wire to the server, and return the database's address at its near end."""
    address, wire = database_url(url), Wire()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(address.host, address.port)
        ways = [
            asyncio.create_task(wire.there(reader, far_writer)),
            asyncio.create_task(wire.back(far_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        far_writer.close()
        writer.close()

    async with await asyncio.start_server(carry, "127.0.0.1", 0) as server:
        wire.port = server.sockets[0].getsockname()[1]
        near = address.set(host="127.0.0.1", port=wire.port)
        yield wire, near.render_as_string(hide_password=False)


@asynccontextmanager
async def engine_at(address: str) -> AsyncIterator[AsyncEngine]:
    """Open an engine, and look after nothing: another one empties the tables."""
    engine = open_engine(address)
    try:
        yield engine
    finally:
        await engine.dispose()


async def version_of(unit_of_work: SqlUnitOfWork, order: Order) -> int:
    async with unit_of_work(read_only=True) as work:
        found = await work.orders.by_id(order.order_id)
    assert found is not None
    return found.version


@pytest.mark.parametrize(
    ("cut", "version"), [("on the way there", 0), ("on the way back", 1)], ids=["lost", "kept"]
)
async def test_both_may_be_and_both_are_told_alike(engine, url, cut, version):
    """Once it was kept and once it was not: from here there is no telling them apart."""
    order, truth = an_order(), SqlUnitOfWork(engine, page_key=KEY)
    await keep(truth, order)
    async with wire_to(url) as (wire, address), engine_at(address) as far:
        unit_of_work = SqlUnitOfWork(far, page_key=KEY)
        if cut == "on the way back":
            await keep(unit_of_work, an_order())  # asyncpg asks twice, the first time: to prepare
        async with unit_of_work() as work:
            assert await work.orders.hold(order.order_id)
            wire.cut = cut
            with pytest.raises(StoreUncertain, match="may or may not have been written"):
                await work.commit()
        wire.cut = "never"
        await keep(unit_of_work, an_order())
    assert await version_of(truth, order) == version


@pytest.mark.parametrize("earlier", [0, 1])
async def test_what_is_cut_off_before_its_commit_was_surely_not_kept(engine, url, earlier):
    """Also on a connection that committed something else before."""
    order, truth = an_order(), SqlUnitOfWork(engine, page_key=KEY)
    await keep(truth, order)
    count = text("UPDATE orders SET version = version + 1")
    async with wire_to(url) as (wire, address), engine_at(address) as far:
        for _ in range(earlier):
            async with connected(far) as connection:
                await connection.execute(count)
                await commit(connection)
        async with connected(far) as connection:
            await connection.execute(count)
            wire.cut = "on the way back"
            with pytest.raises(StoreBusy, match="nothing was changed"):
                await connection.execute(count)
    assert await version_of(truth, order) == earlier


async def test_who_leaves_without_a_commit_does_not_notice_a_broken_connection(engine, url):
    """The server undoes it, as was to be."""
    order, truth = an_order(), SqlUnitOfWork(engine, page_key=KEY)
    await keep(truth, order)
    async with wire_to(url) as (wire, address), engine_at(address) as far:
        unit_of_work = SqlUnitOfWork(far, page_key=KEY)
        async with unit_of_work() as work:
            await work.orders.hold(order.order_id)
            wire.cut = "on the way back"
        wire.cut = "never"
        await keep(unit_of_work, an_order())
    assert await version_of(truth, order) == 0


async def test_a_commit_whose_caller_is_stopped_is_stopped_not_uncertain(engine, url):
    """A stop is nobody's error: it must get to whoever asked for it."""
    order = an_order()
    await keep(SqlUnitOfWork(engine, page_key=KEY), order)
    async with wire_to(url) as (_, address), engine_at(address) as far:
        hold_on = asyncio.Event()

        def watch(_connection, _cursor, statement, *_):
            if statement == "COMMIT":
                hold_on.set()

        async def hold_and_commit():
            async with SqlUnitOfWork(far, page_key=KEY)() as work:
                await work.orders.hold(order.order_id)
                event.listen(far.sync_engine, "before_cursor_execute", watch)
                await work.commit()

        task = asyncio.create_task(hold_and_commit())
        await hold_on.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
