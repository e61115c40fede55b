"""A database for each test that wants one."""

import shutil

import pytest
import pytest_asyncio

from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.schema import upgrade


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_database(tmp_path_factory):
    """An upgraded database, to be copied: quicker than upgrading one for each test."""
    path = tmp_path_factory.mktemp("empty") / "retender.db"
    await upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(empty_database, tmp_path):
    shutil.copy(empty_database, tmp_path / "retender.db")
    return f"sqlite:///{tmp_path / 'retender.db'}"


@pytest_asyncio.fixture
async def engine(url):
    engine = open_engine(url)
    yield engine
    await engine.dispose()
