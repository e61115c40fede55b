"""A database for each test that wants one: a file of its own, or an emptied one on a server."""

import shutil

import pytest
import pytest_asyncio

from retender.adapters.sql.schema import upgrade
from retender.tests.adapters.databases import (
    MARIADB,
    POSTGRESQL,
    SHORT,
    a_database,
    an_engine,
    with_driver,
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_database(tmp_path_factory):
    """An upgraded database, to be copied: quicker than upgrading one for each test."""
    path = tmp_path_factory.mktemp("empty") / "retender.db"
    await upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(empty_database, tmp_path):
    shutil.copy(empty_database, tmp_path / "retender.db")
    return f"sqlite:///{tmp_path / 'retender.db'}"


@pytest.fixture
def url(sqlite_url):
    """Which database a test's engines lead to; test files name another, or all of them."""
    return sqlite_url


@pytest_asyncio.fixture
async def engine(url):
    async with an_engine(url) as engine:
        yield engine


@pytest_asyncio.fixture
async def another_engine(url):
    async with an_engine(url) as engine:
        yield engine


@pytest_asyncio.fixture
async def impatient_engine(url):
    async with an_engine(url, patience=SHORT) as engine:
        yield engine


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def psycopg_url():
    async with a_database(POSTGRESQL) as url:
        yield url


@pytest.fixture(scope="session")
def asyncpg_url(psycopg_url):
    return with_driver(psycopg_url, "postgresql+asyncpg")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mariadb_url():
    async with a_database(MARIADB) as url:
        yield url
