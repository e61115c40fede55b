"""The SQLite store keeps every promise of the unit of work, in a real file."""

import secrets
from datetime import timedelta

import pytest
import pytest_asyncio

from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.tests.contracts.unit_of_work import UnitOfWorkContract

PAGE_KEY = secrets.token_bytes(32)
SHORT = timedelta(seconds=0.1)


@pytest_asyncio.fixture
async def another_engine(url):
    """What another process would have: connections and a line of its own."""
    engine = open_engine(url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def impatient_engine(url):
    engine = open_engine(url, patience=SHORT)
    yield engine
    await engine.dispose()


class TestSqliteStore(UnitOfWorkContract):
    @pytest.fixture
    def unit_of_work(self, engine):
        return SqlUnitOfWork(engine, page_key=PAGE_KEY)

    @pytest.fixture
    def rival(self, another_engine):
        return SqlUnitOfWork(another_engine, page_key=PAGE_KEY)

    @pytest.fixture
    def impatient(self, impatient_engine):
        return SqlUnitOfWork(impatient_engine, page_key=PAGE_KEY, patience=SHORT)
