"""On a server too the steps lead from nothing to the tables of today, whoever runs them."""

import asyncio
import re
import subprocess
import sys
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import URL, Engine, event, make_url, text

from retender.adapters.sql import schema
from retender.adapters.sql.engine import connected, open_engine, server_kind_of
from retender.adapters.sql.tables import metadata
from retender.domain.model.errors import SetupError
from retender.tests.adapters.databases import MARIADB, POSTGRESQL, a_database, with_driver

pytestmark = pytest.mark.asyncio

SERVERS = {"PostgreSQL": POSTGRESQL, "MariaDB": MARIADB}


@pytest_asyncio.fixture(params=SERVERS)
async def url(request):
    """Return the address of a database with nothing in it."""
    async with a_database(SERVERS[request.param], upgraded=False) as url:
        yield url


@pytest.fixture(params=SERVERS)
def server(request):
    """Return the address of a server."""
    return SERVERS[request.param]


async def facts(url):
    """Return all that the server tells of columns, indexes and constraints, in no order."""
    engine = open_engine(url)
    async with engine.connect() as connection:
        if engine.dialect.name == "mysql":
            tables = list(await connection.scalars(text("SHOW TABLES")))
            told = [
                (await connection.execute(text(f"SHOW CREATE TABLE {table}"))).one()[1]
                for table in tables
                if table != schema.VERSION_TABLE
            ]
            found = [line.strip(" ,") for table in told for line in table.splitlines()]
        else:
            found = [str(row) for ask in _CATALOGUE for row in await connection.execute(text(ask))]
    await engine.dispose()
    return sorted(line for line in found if schema.VERSION_TABLE not in line)


_CATALOGUE = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """
    SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
    """,
    r"""
    SELECT conrelid\:\:regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'\:\:regnamespace
    """,
)


async def test_an_upgrade_from_nothing_gives_the_tables_of_the_code(url):
    assert await schema.current(url) is None
    assert await schema.upgrade(url) == schema.newest()
    stepped = await facts(url)
    assert len(stepped) > 100
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    assert await facts(url) == stepped


async def test_nothing_differs_after_an_upgrade(url):
    await schema.upgrade(url)
    assert await schema.differing(url) == ()


@pytest.mark.parametrize(
    ("by_hand", "word"),
    [
        ("ALTER TABLE attempts DROP COLUMN captured_at", "column attempts.captured_at is missing"),
        ("ALTER TABLE orders DROP CONSTRAINT orders_paid_by_winner", "orders_paid_by_winner"),
        ("DROP INDEX orders_one_new_under_key", "orders_one_new_under_key is missing"),
        ("DROP INDEX refunds_by_try", "index refunds.refunds_by_try is missing"),
        ("ALTER TABLE refunds ADD COLUMN colour TEXT", "column refunds.colour is not ours"),
    ],
)
async def test_what_was_changed_by_hand_is_found(url, by_hand, word):
    """MariaDB's stand-ins for partial indexes too."""
    await schema.upgrade(url)
    engine = open_engine(url)
    if engine.dialect.name == "mysql" and by_hand.startswith("DROP INDEX"):
        by_hand += f" ON {by_hand.split()[-1].partition('_')[0]}"
    async with engine.begin() as connection:
        await connection.execute(text(by_hand))
    await engine.dispose()
    (found,) = await schema.differing(url)
    assert word in found


async def test_a_second_upgrade_changes_nothing_and_a_check_is_content(url):
    await schema.upgrade(url)
    before = await facts(url)
    assert await schema.upgrade(url) == schema.newest()
    assert await facts(url) == before
    assert await schema.current(url) == schema.newest()
    await schema.check(url)


async def test_a_database_without_tables_is_refused_with_the_way_out(url):
    with pytest.raises(SetupError, match="retender db upgrade"):
        await schema.check(url)


@pytest.mark.parametrize("step", [schema.check, schema.upgrade])
async def test_a_newer_schema_is_refused(url, step):
    await schema.upgrade(url)
    engine = open_engine(url)
    async with engine.begin() as connection:
        assert schema.VERSION_TABLE == "retender_schema"
        await connection.execute(text("UPDATE retender_schema SET version_num = '9999'"))
    await engine.dispose()
    before = await facts(url)
    with pytest.raises(SetupError, match=r"9999.*newer"):
        await step(url)
    assert await facts(url) == before


@pytest.mark.parametrize("stumbles_at", [2, 3, 4, 7, 11])
async def test_a_step_that_was_interrupted_is_taken_again(url, stumbles_at):
    """PostgreSQL undoes it; MariaDB, which cannot, goes on behind the last statement."""
    made = []

    def stumble(_, __, statement, *___):
        made.extend(re.findall(r"CREATE (?:UNIQUE )?(?:TABLE|INDEX)|ALTER TABLE", statement))
        if len(made) == stumbles_at:
            raise ZeroDivisionError

    event.listen(Engine, "before_cursor_execute", stumble)
    try:
        with pytest.raises(ZeroDivisionError):
            await schema.upgrade(url)
    finally:
        event.remove(Engine, "before_cursor_execute", stumble)
    assert await schema.current(url) is None
    await schema.upgrade(url)
    interrupted = await facts(url)
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    assert await facts(url) == interrupted


async def test_many_may_upgrade_at_once(url):
    """Tasks with connections of their own, and processes, all with the same empty database."""
    code = "import asyncio, sys; from retender.adapters.sql.schema import upgrade; "
    code += "print(asyncio.run(upgrade(sys.argv[1])))"
    process = subprocess.Popen(  # noqa: ASYNC220 - as wanted
        [sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True
    )
    done = await asyncio.gather(*(schema.upgrade(url) for _ in range(4)))
    answer, _ = await asyncio.to_thread(process.communicate, timeout=60)
    assert [*done, answer.strip()] == [schema.newest()] * 5


async def test_who_upgrades_is_waited_for_and_then_reported(url, mocker):
    """The turn of another upgrade, not its tables."""
    mocker.patch.object(schema, "UPGRADE_PATIENCE", timedelta(seconds=1))
    engine = open_engine(url)
    kind = server_kind_of(engine.url)
    async with connected(engine) as connection:
        await connection.run_sync(kind.wait_for_turn, timedelta(seconds=1))
        with pytest.raises(SetupError, match="locked"):
            await schema.upgrade(url)
    await engine.dispose()
    assert await schema.upgrade(url) == schema.newest()


# --- what is wrong is said in words, without the password ---------------------------------


def elsewhere(url: str, **changes: object) -> str:
    """Return the address with something in it that is wrong."""
    changed: URL = make_url(url).set(**changes)  # type: ignore[arg-type]  # the tests name real parts
    return changed.render_as_string(hide_password=False)


@pytest.mark.parametrize("step", [schema.check, schema.upgrade, schema.current])
async def test_a_server_that_is_not_there_is_named(server, step):
    nobody = elsewhere(server, host="127.0.0.1", port=9, password="s3cret-word")
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:9/.*cannot be reached: .") as caught:
        await step(nobody)
    assert "s3cret-word" not in str(caught.value)


async def test_a_database_that_is_not_there_is_named(server):
    with pytest.raises(SetupError, match="retender_nowhere"):
        await schema.check(elsewhere(server, database="retender_nowhere"))


async def test_a_user_whom_the_server_does_not_know_is_told_so(server):
    with pytest.raises(SetupError) as caught:
        await schema.check(elsewhere(server, username="nobody_of_ours", password="s3cret-word"))
    assert "s3cret-word" not in str(caught.value)


async def test_all_of_it_goes_by_asyncpg_as_well():
    async with a_database(POSTGRESQL, upgraded=False) as url:
        other_way = with_driver(url, "postgresql+asyncpg")
        assert await schema.current(other_way) is None
        with pytest.raises(SetupError, match="retender db upgrade"):
            await schema.check(other_way)
        done = await asyncio.gather(*(schema.upgrade(other_way) for _ in range(3)))
        assert done == [schema.newest()] * 3
        await schema.check(other_way)
        for wrong in (
            {"port": 9},
            {"database": "retender_nowhere"},
            {"username": "nobody_of_ours"},
        ):
            with pytest.raises(SetupError):
                await schema.current(elsewhere(other_way, **wrong))
