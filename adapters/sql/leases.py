"""Leases in SQL: which rows are free, which are held, and which of them are due."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    union_all,
)

# Statements are built once, at import, and get their values by name: building one takes
# longer than running it. No column has such a name, or it would be taken for a new value.
ITS, NOW, HELD, MOST, ACCOUNT, BUT, THEM = (
    f"{name}_" for name in ("its", "now", "held", "most", "account", "but", "them")
)


def its(name: str = ITS) -> Any:  # noqa: ANN401 - it takes the type of what it is compared with
    """Return the place where a value goes."""
    return bindparam(name)


def guarded(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """
    Say that a row that is named by its key must fulfil these too.

    A database must find it by its key and look at the conditions then. Bare ones invite it to
    walk an index of theirs, where its statistics are of a quieter hour: thousands of rows.
    """
    return case((and_(*conditions), literal_column("1"))) == literal_column("1")


def is_free(table: Table) -> ColumnElement[bool]:
    """Rows that nobody holds, or no more."""
    return or_(table.c.leased_until.is_(None), table.c.leased_until <= its(NOW))


def is_held(table: Table) -> ColumnElement[bool]:
    """Rows that bear exactly this lease, or none."""
    return table.c.leased_until.is_not_distinct_from(its(HELD))


def among(column: Column[Any], names: Iterable[StrEnum]) -> ColumnElement[bool]:
    """Rows that have one of these names of ours."""
    return column.in_([literal_column(f"'{name.value}'") for name in names])


def first_of_each(
    wanted: Select[Any], column: Column[Any], names: Iterable[StrEnum], *order: Column[Any]
) -> Select[Any]:
    """
    Return the first rows of several states together: at most ``MOST``, in this order.

    Each state's come out of an index in order. Asked for together, a database would read all
    rows of all the states, and sort them, to return the first.
    """
    of_one = [
        select(wanted.where(among(column, [name])).order_by(*order).limit(its(MOST)).subquery())
        for name in names
    ]
    together = union_all(*of_one).subquery()
    return select(together).order_by(*(together.c[each.name] for each in order)).limit(its(MOST))


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
