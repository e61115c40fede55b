"""Leases in SQL: which rows are free, which are held, and which of them are due."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, or_


def is_free(table: Table, now: datetime) -> ColumnElement[bool]:
    """Rows that nobody holds, or no more."""
    return or_(table.c.leased_until.is_(None), table.c.leased_until <= now)


def is_held(table: Table, held_until: datetime | None) -> ColumnElement[bool]:
    """Rows that bear exactly this lease, or none."""
    return table.c.leased_until.is_not_distinct_from(held_until)


def of_accounts(
    column: Column[Any], account: str | None, but: Collection[str]
) -> Iterator[ColumnElement[bool]]:
    """Rows of one account, and rows of all accounts but some."""
    if account is not None:
        yield column == account
    if but:
        yield column.not_in(sorted(but))
