"""``shortcomings``: what about a database's set-up would lose what was committed, or mix it up."""

from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import connected, server_kind_of


async def shortcomings(engine: AsyncEngine) -> tuple[str, ...]:
    """
    Return what is wrong with a connection as the store gets it, in words; nothing: all is well.

    What can be set for a connection the store sets itself. The rest is the
    operator's: a server that does not flush, a replica, a file system that
    cannot share memory, a build of SQLite that ignores a pragma.
    """
    kind = server_kind_of(engine.url)
    async with connected(engine, reading=True) as connection:
        return tuple(await connection.run_sync(kind.shortcomings))
