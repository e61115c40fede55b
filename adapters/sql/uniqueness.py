"""Writing where a uniqueness rule may say no, and the transaction goes on."""

from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache

from sqlalchemy import Insert, Table, Update, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.engine import server_kind_of


async def add_unless_taken(
    connection: AsyncConnection, table: Table, values: Mapping[str, object]
) -> bool:
    """
    Insert a row, and say whether it was; False if a uniqueness rule forbids it.

    Any other broken constraint is a bug of ours, and raised.
    """
    statement = _insert(table, connection.dialect.name)
    try:
        return (await connection.execute(statement, values)).rowcount == 1
    except IntegrityError as error:
        if server_kind_of(connection.engine.url).is_taken(error.orig):
            return False
        raise


@cache
def _insert(table: Table, dialect: str) -> Insert:
    """
    Build the statement that inserts nothing where a rule forbids it.

    MariaDB has none that tells a taken number from a value that makes no sense: there the
    error tells, and its transaction goes on all the same.
    """
    if dialect == "postgresql":
        statement: Insert = postgresql.insert(table).on_conflict_do_nothing()
    elif dialect == "sqlite":
        statement = sqlite.insert(table).on_conflict_do_nothing()
    else:
        statement = insert(table)
    # Else SQLAlchemy does not ask how many rows an INSERT made.
    return statement.execution_options(preserve_rowcount=True)


async def change_unless_taken(
    connection: AsyncConnection, statement: Update, values: Mapping[str, object]
) -> int | None:
    """
    Execute an UPDATE and return how many rows it changed; None if a uniqueness rule forbids it.

    Where a failed statement spoils its transaction this takes a savepoint, so two statements
    more: it is for changes of what is unique.
    """
    kind = server_kind_of(connection.engine.url)
    savepoint = connection.begin_nested() if kind.savepoints else nullcontext()
    try:
        async with savepoint:
            return (await connection.execute(statement, values)).rowcount
    except IntegrityError as error:
        if kind.is_taken(error.orig):
            return None
        raise
