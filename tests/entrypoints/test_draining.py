"""What a start says of accounts that are drained or gone; a store that is down stops no start."""

import pytest

from retender.entrypoints.container import open_container
from retender.entrypoints.draining import log_draining
from retender.entrypoints.settings import Settings

DOWN = [
    "postgresql+asyncpg://payer:hush-hush@127.0.0.1:1/shop",
    "mysql+asyncmy://payer:hush-hush@127.0.0.1:1/shop",
]


@pytest.mark.asyncio
@pytest.mark.parametrize("url", DOWN)
async def test_a_database_that_is_down_is_told_and_stops_no_start(url, caplog):
    settings = Settings(database_url=url, page_key="00" * 32)
    async with open_container(settings) as container:
        await log_draining(container)
    assert "cannot count" in caplog.text
    assert "hush-hush" not in caplog.text
