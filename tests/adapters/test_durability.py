"""A database that would lose or mix up what was committed is recognised."""

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from retender.adapters.sql.durability import shortcomings
from retender.adapters.sql.engine import open_engine

pytestmark = pytest.mark.asyncio


async def test_a_database_as_the_store_opens_it_keeps_what_is_committed(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'own.db'}")
    try:
        assert await shortcomings(engine) == ()
    finally:
        await engine.dispose()


async def test_a_database_as_it_comes_does_not_and_each_reason_is_told(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'own.db'}")
    try:
        found = await shortcomings(engine)
    finally:
        await engine.dispose()
    assert found == (
        "journal_mode is delete, not wal: readers and the writer would wait for each other",
        "foreign_keys is 0, not 1: an attempt could outlive its order",
    )
