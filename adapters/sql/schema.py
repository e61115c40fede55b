"""``upgrade`` and ``check``: the database's tables are those that this version needs."""

from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from retender.adapters.sql.engine import READ_ONLY, database_url, open_engine
from retender.domain.model.errors import SetupError

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
    engine = open_engine(url)
    try:
        async with engine.execution_options(**{READ_ONLY: True}).connect() as connection:
            return await connection.run_sync(_revision)
    finally:
        await engine.dispose()


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

    It creates the database if there is none, does nothing if nothing is to do,
    and may be run by several processes at once: all of it is one transaction
    that begins with the write lock. There is no way back but a backup.

    Raises:
        SetupError: a newer version of Retender has been here before.

    """
    engine = open_engine(url, patience=UPGRADE_PATIENCE)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
    return newest()


def _upgrade(connection: Connection) -> None:
    _refuse_newer(_revision(connection))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_there(url: str) -> bool:
    return Path(str(database_url(url).database)).exists()


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _refuse_newer(revision: str | None) -> None:
    known = {step.revision for step in ScriptDirectory(_MIGRATIONS).walk_revisions()}
    if revision is not None and revision not in known:
        message = (
            f"The database has schema {revision}, which this version of Retender does not know: "
            f"a newer one has upgraded it. Install that one, or restore a backup."
        )
        raise SetupError(message, schema=revision, needed=newest())
