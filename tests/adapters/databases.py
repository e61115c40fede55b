"""The databases that tests run on: where the servers are, and one of our own on each."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from retender.adapters.sql.engine import PATIENCE, commit, connected, database_url, open_engine
from retender.adapters.sql.schema import upgrade
from retender.adapters.sql.tables import metadata
from retender.adapters.sql.unit_of_work import SqlUnitOfWork

# Not RETENDER_...: settings refuse names of that kind that they do not know.
POSTGRESQL = os.environ.get("POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("MARIADB_URL", "mariadb://root@127.0.0.1:3306/test")

EVERYWHERE = ("sqlite_url", "psycopg_url", "asyncpg_url", "mariadb_url")
"""Fixtures that give the address of an empty database with all tables, one for each way in."""

SHORT = timedelta(seconds=0.1)
"""For those who must not wait."""


@asynccontextmanager
async def a_database(server: str, *, upgraded: bool = True) -> AsyncIterator[str]:
    """Make a database on the server, and drop it in the end; skips aloud if nobody answers."""
    address = database_url(server)
    name = f"retender_{secrets.token_hex(6)}"
    engine = create_async_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
    except (OSError, DBAPIError) as trouble:
        pytest.skip(
            f"{address.render_as_string()} does not answer; start it, or set "
            f"POSTGRESQL_URL or MARIADB_URL: {trouble}"
        )
    try:
        url = address.set(database=name).render_as_string(hide_password=False)
        if upgraded:
            await upgrade(url)
        yield url
    finally:
        forced = " WITH (FORCE)" if address.get_backend_name() == "postgresql" else ""
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name}{forced}"))
        await engine.dispose()


@asynccontextmanager
async def an_engine(url: str, *, patience: timedelta = PATIENCE) -> AsyncIterator[AsyncEngine]:
    """Open an engine for one test; a database on a server is emptied when the test is over."""
    engine = open_engine(url, patience=patience)
    try:
        yield engine
        if engine.dialect.name != "sqlite":
            await _empty(engine)
    finally:
        await engine.dispose()


async def _empty(engine: AsyncEngine) -> None:
    """Delete all rows: quicker than making the tables again."""
    async with connected(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())
        await commit(connection)


def with_driver(url: str, driver: str) -> str:
    """Return the same database, reached another way."""
    return database_url(url).set(drivername=driver).render_as_string(hide_password=False)


_PAGE_KEY = secrets.token_bytes(32)


class TwoProcesses:
    """One database, reached in turn by two sets of connections."""

    def __init__(self, *engines):
        self.ways = cycle([SqlUnitOfWork(engine, page_key=_PAGE_KEY) for engine in engines])

    def __call__(self, *, read_only=False, once=False):
        return next(self.ways)(read_only=read_only, once=once)
