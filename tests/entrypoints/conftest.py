"""The shop that tests of entrypoints play with."""

import asyncio
import shutil

import pytest
import pytest_asyncio

from retender.adapters.sql import schema
from retender.tests.entrypoints.shop import open_shop, settings_in


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database with its tables, made once and copied for each test."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    asyncio.run(schema.upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def shop_folder(tmp_path, empty_database):
    """A folder with a fresh database in it."""
    shutil.copy(empty_database, tmp_path / "shop.db")
    return tmp_path


@pytest.fixture
def shop_settings(shop_folder):
    return settings_in(shop_folder)


@pytest_asyncio.fixture
async def shop(shop_settings):
    async with open_shop(shop_settings) as opened:
        yield opened
