"""What time it is by the database's own clock, if that is another machine's than ours."""

import ipaddress
from datetime import UTC, datetime

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import connected, server_kind_of


def is_elsewhere(url: URL) -> bool:
    """Tell whether a database surely runs on another host: then its clock is a witness."""
    given = [url.host] if url.host else list(url.normalized_query.get("host", ()))
    hosts = [host for host in given if not _is_here(host)]
    return server_kind_of(url).remote and bool(hosts) and len(hosts) == len(given)


def _is_here(host: str) -> bool:
    if host.startswith("/") or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def database_time(engine: AsyncEngine) -> datetime:
    """
    Ask the database what time it is: aware, UTC, at the moment of the statement.

    Raises:
        StoreError: it cannot be asked.

    """
    question = text(server_kind_of(engine.url).now)
    async with connected(engine, reading=True, once=True) as connection:
        said: datetime = (await connection.execute(question)).scalar_one()
    return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)
