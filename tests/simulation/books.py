"""Reading our database past all of the code under test."""

import sqlite3
from pathlib import Path

_ORDER_OF = """
    SELECT order_no FROM orders WHERE order_id IN (
        SELECT order_id FROM attempts WHERE number = :number
        UNION SELECT order_id FROM refunds WHERE number = 'F' || :number)
"""


def rows(database: Path, query: str, **values: str) -> list[sqlite3.Row]:
    """Read what is committed."""
    connection = sqlite3.connect(database)
    try:
        connection.row_factory = sqlite3.Row
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def order_of(database: Path, number: str) -> str | None:
    """Return the shop's number of the order that an attempt's or refund's number belongs to."""
    found = rows(database, _ORDER_OF, number=number)
    return str(found[0]["order_no"]) if found else None
