"""Rows as an older schema kept them, and what must have become of them."""

from collections.abc import Sequence
from dataclasses import replace

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from retender.adapters.sql import schema
from retender.adapters.sql.engine import connected, open_engine
from retender.adapters.sql.product import plain
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.tests.contracts.store.samples import MINUTE, NOW

ROWS_OF_0001 = (
    """INSERT INTO orders (order_id, order_no, user_id, subject, amount_minor, currency,
    created_at, shown_until, state, winner, version) VALUES
    ('o-1', 'A-1', 'ann', 'Tea', 8880, 'CNY', 0, 0, 'PAID', 'a-1', 3)""",
    """INSERT INTO attempts (attempt_id, order_id, idx, account, fingerprint, number, amount_minor,
    currency, client_type, device, page_kind, created_at, expires_at, charge_details, watch_until,
    state, checks) VALUES ('a-1', 'o-1', 1, 'tea-house', 'f', '123456789', 8880, 'CNY', 'pc',
    'screen', 'qr', 0, 0, '{}', 0, 'SUCCEEDED', 0)""",
    """INSERT INTO refunds (refund_no, number, order_id, attempt_id, amount_minor, currency, cause,
    reason, created_at, state, tries, problem) VALUES
    ('r-1', 'F123456789', 'o-1', 'a-1', 100, 'CNY', 'shop', 'Spilt', 0, 'SENT', 4, 'no')""",
    """INSERT INTO outbox (seq, event_id, kind, subject, order_no, at, data, sent_at) VALUES
    (3, 'e-1', 'order.paid', 'o-1', 'A-1', 0, '{}', 7),
    (6, 'e-2', 'refund.done', 'r-0', 'A-1', 0, '{}', NULL)""",
)


async def upgraded_to(revision: str, url: str) -> None:
    """Bring a database to an older schema."""

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(schema._MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = open_engine(url)
    async with connected(engine) as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


async def fill(url: str, statements: Sequence[str]) -> None:
    """Put rows into a database."""
    engine = open_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(plain(statement))
    await engine.dispose()


async def see_rows_of_0001(url: str) -> None:
    """Assert that nothing was lost, and that what is new is filled in."""
    engine = open_engine(url)
    unit_of_work = SqlUnitOfWork(engine, page_key=bytes(32))
    async with unit_of_work() as work:
        refund = await work.refunds.by_number("tea-house", "F123456789")
        assert refund is not None
        assert (refund.refund_no, refund.account, refund.tries) == ("r-1", "tea-house", 4)
        assert refund.problem == "no"
        assert await work.refunds.add(replace(refund, refund_no="r-2")) is False
        assert await work.refunds.add(replace(refund, refund_no="r-3", account="coffee-house"))
        (untold,) = await work.outbox.claim_due(NOW, NOW + MINUTE, 10)
        assert (untold.event.event_id, untold.tries) == ("e-2", 0)
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT seq, event_id, sent_at FROM outbox"))
        assert sorted(map(tuple, rows)) == [(3, "e-1", 7), (6, "e-2", None)]
    await engine.dispose()
