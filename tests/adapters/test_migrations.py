"""The steps lead from nothing to the tables of today, once, and never over newer ones."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from datetime import timedelta

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_cursor

from retender.adapters.sql import schema
from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.tables import metadata
from retender.domain.model.errors import SetupError, StoreBusy

pytestmark = pytest.mark.asyncio


@pytest.fixture
def new(tmp_path):
    """Where a database will be."""
    return tmp_path / "new.db"


def url_of(path):
    return f"sqlite:///{path}"


def statements(path):
    """Return what SQLite was told of each table and index, each line of it, in no order."""
    with sqlite3.connect(path) as connection:
        told = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT IN (?, ?)",
            (schema.VERSION_TABLE, "sqlite_sequence"),
        ).fetchall()
    connection.close()
    return {name: sorted(re.split(r",?\s*\n\s*", sql)) for name, sql in told}


def rewrite_revision(path, revision):
    with sqlite3.connect(path) as connection:
        assert schema.VERSION_TABLE == "retender_schema"
        connection.execute("UPDATE retender_schema SET version_num = ?", (revision,))
    connection.close()


async def test_an_upgrade_from_nothing_gives_the_tables_of_the_code(new, tmp_path):
    assert await schema.upgrade(url_of(new)) == schema.newest()
    made = create_engine(url_of(tmp_path / "made.db"))
    metadata.create_all(made)
    assert statements(new) == statements(tmp_path / "made.db")
    made.dispose()


async def test_nothing_differs_after_an_upgrade(new):
    await schema.upgrade(url_of(new))
    assert await schema.differing(url_of(new)) == ()


async def test_a_second_upgrade_changes_nothing(new):
    await schema.upgrade(url_of(new))
    before = statements(new)
    with sqlite3.connect(new) as connection:
        connection.execute("INSERT INTO inbox VALUES ('tea-house', 'evt-1', 'hash', 0)")
    connection.close()
    assert await schema.upgrade(url_of(new)) == schema.newest()
    assert statements(new) == before
    with sqlite3.connect(new) as connection:
        assert connection.execute("SELECT count(*) FROM inbox").fetchone() == (1,)
    connection.close()


async def test_the_present_revision_can_be_asked_for(new):
    assert await schema.current(url_of(new)) is None
    assert not new.exists()  # asking makes nothing
    await schema.upgrade(url_of(new))
    assert await schema.current(url_of(new)) == schema.newest()


async def test_a_database_that_is_up_to_date_is_fine(new):
    await schema.upgrade(url_of(new))
    await schema.check(url_of(new))


async def test_a_database_without_tables_is_refused_with_the_way_out(new):
    sqlite3.connect(new).close()
    with pytest.raises(SetupError, match="retender db upgrade"):
        await schema.check(url_of(new))


@pytest.mark.parametrize("step", [schema.check, schema.upgrade])
async def test_a_newer_schema_is_refused(new, step):
    """Going on would break what the newer version relies on."""
    await schema.upgrade(url_of(new))
    rewrite_revision(new, "9999")
    before = statements(new)
    with pytest.raises(SetupError, match=r"9999.*newer") as caught:
        await step(url_of(new))
    assert caught.value.details["schema"] == "9999"
    assert statements(new) == before


async def test_there_is_no_way_back():
    """What a step deletes cannot be made up again: the way back is a backup."""
    for revision in ScriptDirectory(schema._MIGRATIONS).walk_revisions():
        assert not hasattr(revision.module, "downgrade")


async def test_the_steps_are_one_line():
    assert len(ScriptDirectory(schema._MIGRATIONS).get_heads()) == 1


async def test_a_failed_step_leaves_nothing(new, mocker):
    """One transaction: the next upgrade begins where this one began."""
    mocker.patch.object(schema, "_refuse_newer", side_effect=ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        await schema.upgrade(url_of(new))
    mocker.patch("alembic.runtime.migration.HeadMaintainer.update_to_step", side_effect=OSError)
    mocker.patch.object(schema, "_refuse_newer")
    with pytest.raises(OSError):  # noqa: PT011 - raised by the patch above, after the tables
        await schema.upgrade(url_of(new))
    assert statements(new) == {}
    mocker.stopall()
    assert await schema.upgrade(url_of(new)) == schema.newest()


async def test_many_may_upgrade_at_once(new):
    """Tasks with connections of their own, all with the same empty file."""
    done = await asyncio.gather(*(schema.upgrade(url_of(new)) for _ in range(8)))
    assert set(done) == {schema.newest()}


async def test_many_processes_may_upgrade_at_once(new):
    """As workers that are started together do."""
    code = "import asyncio, sys; from retender.adapters.sql.schema import upgrade; "
    code += "print(asyncio.run(upgrade(sys.argv[1])))"
    command = [sys.executable, "-c", code, url_of(new)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - as wanted
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert answers == [schema.newest()] * 3
    assert [process.returncode for process in processes] == [0] * 3


@pytest.mark.parametrize(("times", "patience", "opens"), [(3, 5, True), (1000, 0.05, False)])
async def test_who_is_told_locked_while_a_new_file_is_set_up_waits(
    new, mocker, times, patience, opens
):
    """Two who change a new file's journal at once: SQLite tells one of them "locked" at once."""
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    execute, left = AsyncAdapt_aiosqlite_cursor.execute, [busy] * times

    def stumble(self, operation, *more):
        if "journal_mode" in operation and left:
            raise left.pop()
        return execute(self, operation, *more)

    mocker.patch.object(AsyncAdapt_aiosqlite_cursor, "execute", stumble)
    engine = open_engine(url_of(new), patience=timedelta(seconds=patience))
    try:
        async with engine.connect() as connection:
            assert opens
            mode = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar()
            assert mode == "wal"
    except StoreBusy:
        assert not opens
    finally:
        await engine.dispose()
