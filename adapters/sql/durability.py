"""``shortcomings``: what about a database's set-up would lose what was committed, or mix it up."""

from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import READ_ONLY

# Each pragma with the values that keep the promise of the store, and why they are needed.
_NEEDED: dict[str, tuple[frozenset[str], str]] = {
    "journal_mode": (frozenset({"wal"}), "readers and the writer would wait for each other"),
    "synchronous": (frozenset({"2", "3"}), "a power cut could lose what was committed"),
    "foreign_keys": (frozenset({"1"}), "an attempt could outlive its order"),
}


async def shortcomings(engine: AsyncEngine) -> tuple[str, ...]:
    """
    Return what is wrong with a connection as the store gets it, in words; nothing: all is well.

    The store sets all of this itself on every connection. A file system that
    cannot share memory, or a build of SQLite that ignores a pragma, shows here.
    """
    found = []
    async with engine.execution_options(**{READ_ONLY: True}).connect() as connection:
        for pragma, (needed, otherwise) in _NEEDED.items():
            result = await connection.exec_driver_sql(f"PRAGMA {pragma}")
            value = str(result.scalar_one()).lower()
            if value not in needed:
                found.append(f"{pragma} is {value}, not {min(needed)}: {otherwise}")
    return tuple(found)
