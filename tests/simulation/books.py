"""Our database, read past all of the code under test."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDER_OF = """
    SELECT order_no FROM orders WHERE order_id IN (
        SELECT order_id FROM attempts WHERE number = :number
        UNION SELECT order_id FROM refunds WHERE number = 'F' || :number)
"""
_HAS_WORK = """
    SELECT EXISTS (SELECT 1 FROM attempts WHERE next_check_at <= :now)
        OR EXISTS (SELECT 1 FROM refunds WHERE next_try_at <= :now)
        OR EXISTS (SELECT 1 FROM outbox WHERE sent_at IS NULL)
        OR EXISTS (SELECT 1 FROM orders WHERE state = 'NEW' AND shown_until <= :now)
        OR EXISTS (SELECT 1 FROM orders
            WHERE state IN ('EXPIRING', 'CANCELLING') AND order_id NOT IN (
            SELECT order_id FROM attempts WHERE state IN ('CREATING', 'OPEN', 'CLOSING')))
"""


def instant_of(stored: int) -> datetime:
    """Read an instant as our database keeps it."""
    return _EPOCH + timedelta(microseconds=stored)


class Books:
    """What is committed, on a connection of its own; nothing is ever written."""

    def __init__(self, database: Path) -> None:
        """Open the file."""
        self.path = database
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def rows(self, query: str, **values: object) -> list[sqlite3.Row]:
        """Read what is committed now."""
        return self._connection.execute(query, values).fetchall()

    def order_of(self, number: str) -> str | None:
        """Return the shop's number of the order that an attempt's or refund's number is of."""
        found = self.rows(_ORDER_OF, number=number)
        return str(found[0]["order_no"]) if found else None

    def has_work(self, now: datetime) -> bool:
        """Tell whether a worker could find anything to do; leased work counts as well."""
        ((found,),) = self.rows(_HAS_WORK, now=(now - _EPOCH) // timedelta(microseconds=1))
        return bool(found)
