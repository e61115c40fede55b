"""A payer who comes back, or is turned away, waits for no other writer of the store."""

import secrets
import sqlite3
from contextlib import closing, contextmanager

import pytest

from retender.adapters.afterwards import Background
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.errors import PayOrderPayTimeout
from retender.domain.model.story_kind import StoryKind
from retender.tests.domain.shop import Shop

pytestmark = pytest.mark.asyncio


@pytest.fixture
def background():
    return Background()


@pytest.fixture
def shop(engine, background):
    store = SqlUnitOfWork(engine, page_key=secrets.token_bytes(32))
    return Shop(store=store, afterwards=background)


@contextmanager
def another_writer(url):
    """Hold the one write lock that an SQLite file has."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def kinds(shop):
    return [line.kind for line in (await shop.story()).entries]


async def test_the_stored_page_comes_at_once(shop, url):
    """It waits for nobody, as nothing is written."""
    await shop.place()
    first = await shop.page()
    with another_writer(url):
        again = await shop.page()
        assert (again.reused, again.page) == (True, first.page)


async def test_the_refusal_comes_at_once_and_its_line_later(shop, background, url, caplog):
    await shop.place()
    shop.clock.pass_by(minutes=31)
    with another_writer(url), pytest.raises(PayOrderPayTimeout):
        await shop.pay()
    await background.settle()
    assert (await kinds(shop)).count(StoryKind.PAY_REFUSED) == 1
    assert "not noted" not in caplog.text
