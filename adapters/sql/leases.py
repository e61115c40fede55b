"""Leases in SQL: which rows are free, which are held, and which of them are due."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, bindparam, literal_column, or_

# Statements are built once, at import, and get their values by name: building one takes
# longer than running it. No column has such a name, or it would be taken for a new value.
ITS, NOW, HELD, MOST, ACCOUNT, BUT, THEM = (
    f"{name}_" for name in ("its", "now", "held", "most", "account", "but", "them")
)


def its(name: str = ITS) -> Any:  # noqa: ANN401 - it takes the type of what it is compared with
    """Return the place where a value goes."""
    return bindparam(name)


def is_free(table: Table) -> ColumnElement[bool]:
    """Rows that nobody holds, or no more."""
    return or_(table.c.leased_until.is_(None), table.c.leased_until <= its(NOW))


def is_held(table: Table) -> ColumnElement[bool]:
    """Rows that bear exactly this lease, or none."""
    return table.c.leased_until.is_not_distinct_from(its(HELD))


def among(column: Column[Any], names: Iterable[StrEnum]) -> ColumnElement[bool]:
    """Rows that have one of these names of ours."""
    return column.in_([literal_column(f"'{name.value}'") for name in names])


def of_accounts(column: Column[Any], *, one: bool, but: bool) -> Iterator[ColumnElement[bool]]:
    """Rows of one account, and rows of all accounts but some."""
    if one:
        yield column == its(ACCOUNT)
    if but:
        yield column.not_in(bindparam(BUT, expanding=True))


def due_by(now: datetime, account: str | None, but: Collection[str]) -> dict[str, object]:
    """Return the values for a statement that looks for what is due."""
    values: dict[str, object] = {NOW: now}
    if account is not None:
        values[ACCOUNT] = account
    if but:
        values[BUT] = sorted(but)
    return values
