"""``upgrade`` and ``check``: the database's tables are those that this version needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.differences import differences
from retender.adapters.sql.engine import (
    PATIENCE,
    commit,
    connected,
    database_url,
    open_engine,
    server_kind_of,
)
from retender.domain.model.errors import SetupError, StoreBusy
from retender.domain.model.operators import for_operators

VERSION_TABLE = "retender_schema"
"""Our own, so that a database may be shared with others who use Alembic."""

UPGRADE_PATIENCE = timedelta(minutes=1)
"""How long an upgrade waits for another one to finish."""

_MIGRATIONS = Path(__file__).with_name("migrations")


def newest() -> str:
    """Return the revision that this version of Retender works with."""
    head = ScriptDirectory(_MIGRATIONS).get_current_head()
    if head is None:  # the steps are shipped in the package
        message = "This installation of Retender lacks its migrations; install it again."
        raise SetupError(message)
    return head


async def current(url: str) -> str | None:
    """Return the revision of the database's tables; None if it has none yet."""
    if not _is_there(url):
        return None  # to connect would be to create it
    async with (
        _reaching(url, PATIENCE) as engine,
        connected(engine, reading=True) as connection,
    ):
        return await connection.run_sync(_revision)


class Standing(StrEnum):
    """How the tables of a database stand to what this version needs; part of the API."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


async def standing(url: str) -> Standing:
    """Tell how the database's tables stand to what this version needs."""
    return _standing(await current(url))


def _standing(revision: str | None) -> Standing:
    if revision is None:
        return Standing.NONE
    if revision == newest():
        return Standing.CURRENT
    return Standing.OLDER if revision in _known() else Standing.NEWER


async def differing(url: str) -> tuple[str, ...]:
    """Return where the tables of an up-to-date database are not as they should be, in words."""
    async with (
        _reaching(url, PATIENCE) as engine,
        connected(engine, reading=True) as connection,
    ):
        return await connection.run_sync(differences)


async def check(url: str) -> None:
    """
    Make sure that the database's tables are those that we need.

    Raises:
        SetupError: they are missing, older or newer; says what to do.

    """
    revision = await current(url)
    if revision != newest():
        _refuse_newer(revision)
        message = (
            f"The database has schema {revision or 'none'}, and this version of Retender needs "
            f"{newest()}: run `retender db upgrade`."
        )
        raise SetupError(message, schema=revision, needed=newest())


async def upgrade(url: str) -> str:
    """
    Bring the database's tables up to what this version needs, and return the revision.

    It does nothing if nothing is to do, makes an SQLite file if there is none,
    and may be run by several processes at once: they take turns. All of it is
    one transaction, but for MariaDB, which commits after every table; there a
    step that was interrupted goes on where it stopped. There is no way back but
    a backup.

    Raises:
        SetupError: a newer version of Retender has been here before, or the
            database cannot be reached.

    """
    async with _reaching(url, UPGRADE_PATIENCE) as engine, connected(engine) as connection:
        await connection.run_sync(_upgrade)
        await commit(connection)
    return newest()


@asynccontextmanager
async def _reaching(url: str, patience: timedelta) -> AsyncIterator[AsyncEngine]:
    """Open an engine for one errand; an operator is told what a program would try again."""
    engine = open_engine(url, patience=patience)
    try:
        yield engine
    except StoreBusy as trouble:
        raise SetupError(for_operators(trouble)) from trouble.__cause__
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    server_kind_of(connection.engine.url).wait_for_turn(connection, UPGRADE_PATIENCE)
    _refuse_newer(_revision(connection))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_there(url: str) -> bool:
    address = database_url(url)
    return server_kind_of(address).is_there(address)


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _known() -> set[str]:
    return {step.revision for step in ScriptDirectory(_MIGRATIONS).walk_revisions()}


def _refuse_newer(revision: str | None) -> None:
    if _standing(revision) is Standing.NEWER:
        message = (
            f"The database has schema {revision}, which this version of Retender does not know: "
            f"a newer one has upgraded it. Install that one, or restore a backup."
        )
        raise SetupError(message, schema=revision, needed=newest())
