"""``unless_taken``: writing where a uniqueness rule may say no, and the transaction goes on."""

from collections.abc import Mapping
from contextlib import nullcontext

from sqlalchemy import Executable
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.engine import product_of


async def unless_taken(
    connection: AsyncConnection, statement: Executable, values: Mapping[str, object]
) -> int | None:
    """
    Execute an INSERT or UPDATE and return how many rows it changed.

    None if a uniqueness rule forbids it. Any other broken constraint is a bug
    of ours, and raised.
    """
    product = product_of(connection.engine.url)
    savepoint = connection.begin_nested() if product.savepoints else nullcontext()
    try:
        async with savepoint:
            return (await connection.execute(statement, values)).rowcount
    except IntegrityError as error:
        if product.is_taken(error.orig):
            return None
        raise
