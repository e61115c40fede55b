"""What time it is by a database, and which databases are witnesses of our clock."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url

from retender.adapters.sql.database_time import database_time, is_elsewhere
from retender.adapters.sql.engine import open_engine
from retender.tests.adapters.databases import EVERYWHERE


@pytest.fixture(params=[name for name in EVERYWHERE if name != "sqlite_url"])
def url(request):
    return request.getfixturevalue(request.param)


@pytest.mark.asyncio
async def test_a_database_says_what_time_it_is(url):
    engine = open_engine(url)
    before = datetime.now(UTC)
    said = await database_time(engine)
    await engine.dispose()
    assert said.tzinfo is UTC
    # They run on this machine, so that their clock is ours.
    assert before <= said <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        ("postgresql+psycopg://pay:x@db.example.com/pay", True),
        ("postgresql+asyncpg://pay:x@10.1.2.3:5433/pay", True),
        ("mysql+asyncmy://pay:x@db.example.com/pay", True),
        ("postgresql+psycopg:///pay?host=db1.example.com&host=db2.example.com", True),
        ("postgresql+psycopg:///pay?host=/run/postgresql", False),
        ("postgresql+psycopg:///pay?host=db1.example.com&host=localhost", False),
        ("postgresql+psycopg:///pay", False),
        ("postgresql+psycopg://pay:x@localhost/pay", False),
        ("postgresql+psycopg://pay:x@127.0.0.1/pay", False),
        ("postgresql+psycopg://pay:x@[::1]/pay", False),
        ("mysql+asyncmy://pay:x@LOCALHOST/pay", False),
        ("sqlite+aiosqlite:///pay.db", False),
    ],
)
def test_only_a_database_on_another_host_is_a_witness(url, elsewhere):
    assert is_elsewhere(make_url(url)) is elsewhere
