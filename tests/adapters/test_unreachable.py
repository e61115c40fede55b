"""A database that is away: operators are told which one and why, strangers no address."""

import secrets

import pytest
from sqlalchemy import make_url

from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.place import Place
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.errors import StoreBusy
from retender.domain.model.operators import for_operators

NOBODY = "payer:hush-hush@127.0.0.1:1/tea_shop"
WAYS = ("postgresql+psycopg", "postgresql+asyncpg", "mysql+asyncmy")


@pytest.mark.asyncio
@pytest.mark.parametrize("way", WAYS)
async def test_it_is_told_with_host_port_name_and_the_drivers_own_word(way):
    engine = open_engine(f"{way}://{NOBODY}")
    with pytest.raises(StoreBusy) as caught:
        async with SqlUnitOfWork(engine, page_key=secrets.token_bytes(32))(read_only=True):
            pass
    await engine.dispose()
    told = for_operators(caught.value)
    assert "127.0.0.1:1/tea_shop" in told
    assert "refused" in told or "Connect call failed" in told or "Can't connect" in told
    assert "hush-hush" not in told
    assert "payer" not in told
    assert "\n" not in told
    assert caught.value.message == "The database cannot be reached; nothing was changed."
    assert not caught.value.details


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql+psycopg://payer:hush@db.example/pay", "db.example:5432/pay"),
        ("mysql+asyncmy://payer:hush@db.example:3307/pay", "db.example:3307/pay"),
        ("postgresql+psycopg://payer@[::1]:5433/pay?password=hush", "[::1]:5433/pay"),
        ("postgresql+psycopg:///pay?host=/run/pg&password=hush", "/run/pg:5432/pay"),
        ("postgresql+psycopg:///pay?host=a:1&host=b:2", "a:1,b:2/pay"),
        ("postgresql+psycopg:///pay", "localhost:5432/pay"),
        ("mysql+asyncmy://payer@/pay?unix_socket=/run/my.sock", "/run/my.sock/pay"),
        ("sqlite+aiosqlite:////srv/pay.db", "/srv/pay.db"),
    ],
)
def test_a_place_names_no_user_no_password_and_no_option(url, place):
    assert str(Place.of(make_url(url))) == place
