"""``unless_taken``: writing where a uniqueness rule may say no, and the transaction goes on."""

import sqlite3

from sqlalchemy import Executable
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

_TAKEN = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


async def unless_taken(connection: AsyncConnection, statement: Executable) -> int | None:
    """
    Execute an INSERT or UPDATE and return how many rows it changed.

    None if a uniqueness rule forbids it. The savepoint is for databases in
    which a failed statement spoils its whole transaction. Any other broken
    constraint is a bug of ours, and raised.
    """
    try:
        async with connection.begin_nested():
            return (await connection.execute(statement)).rowcount
    except IntegrityError as error:
        if getattr(error.orig, "sqlite_errorcode", None) in _TAKEN:
            return None
        raise
