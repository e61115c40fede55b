"""
Reading: a row that makes no sense says so.

It is ``RowUnreadable``: one alone raises it, among many it stands in the place of its
value, so that the others can be read.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import Row, Table

from retender.adapters.sql.columns import Spoilt
from retender.domain.model.errors import InvalidInput
from retender.domain.model.row_errors import RowUnreadable

T = TypeVar("T")
ReaderT = TypeVar("ReaderT", bound=Callable[..., Any])
# A row's columns are typed by the tables, which the type checker cannot see.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]


class _Part:
    """The columns of one table in a row of several, under their own names."""

    def __init__(self, row: AnyRow, table: str, names: tuple[str, ...]) -> None:
        self._fields = names
        self._values = {name: getattr(row, f"{table}_{name}") for name in names}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the column holds
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values.values())


def part_of(row: AnyRow, table: Table) -> AnyRow:
    """Return what a joined row, labelled by table, has of one table; it reads like its own row."""
    return cast("AnyRow", _Part(row, table.name, tuple(table.columns.keys())))


_WHOSE = ("account", "number", "order_id", "order_no")


def reader(what: str, key: str) -> Callable[[ReaderT], ReaderT]:
    """Let a reader say which row makes no sense, and why, whatever it stumbles over."""

    def reading(read: ReaderT) -> ReaderT:
        @wraps(read)
        def careful(row: AnyRow, *args: Any) -> Any:  # noqa: ANN401 - as it reads
            try:
                _refuse_spoilt(row)
                return read(row, *args)
            except (ValueError, TypeError, KeyError, InvalidInput) as problem:
                why = problem.message if isinstance(problem, InvalidInput) else str(problem)
                raise RowUnreadable(what, str(getattr(row, key)), why, _facts(row)) from problem

        return cast("ReaderT", careful)

    return reading


def _refuse_spoilt(row: AnyRow) -> None:
    for nth, value in enumerate(row):
        if type(value) is Spoilt:
            message = f"{row._fields[nth]} is {value.why}"
            raise ValueError(message)


def _facts(row: AnyRow) -> dict[str, str]:
    """Say whose the row is, as far as it can be read."""
    named = {name: getattr(row, name, None) for name in _WHOSE}
    return {name: value for name, value in named.items() if isinstance(value, str)}


def apart(rows: Iterable[AnyRow], read: Callable[[AnyRow], T]) -> Sequence[T | RowUnreadable]:
    """Read each row; what cannot be read stands in its own place, and spoils no other."""
    return [_or_refused(row, read) for row in rows]


def _or_refused(row: AnyRow, read: Callable[[AnyRow], T]) -> T | RowUnreadable:
    try:
        return read(row)
    except RowUnreadable as unreadable:
        return unreadable
