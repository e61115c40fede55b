"""``unopened``: stored pages and payers that do not open, since the page key was changed."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import connected
from retender.adapters.sql.leases import among
from retender.adapters.sql.mapping import attempt_of
from retender.adapters.sql.reading import apart
from retender.adapters.sql.seal import PageSeal
from retender.adapters.sql.tables import attempts
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.transition import LIVE

_LOOK_AT_MOST = 100

_NEWEST = (
    select(attempts)
    .where(
        among(attempts.c.state, LIVE),
        or_(attempts.c.sealed_page.is_not(None), attempts.c.sealed_payer.is_not(None)),
    )
    .order_by(attempts.c.watch_until.desc())
    .limit(_LOOK_AT_MOST)
)


async def unopened(engine: AsyncEngine, page_key: bytes) -> tuple[int, int]:
    """
    Count the newest live attempts of which something is sealed, and of them those that fail.

    A row that cannot be read says nothing of the key, and is left out.

    Returns:
        how many were looked at, and how many of these do not open under this key.

    """
    seal = PageSeal(page_key)
    async with connected(engine, reading=True) as connection:
        rows = (await connection.execute(_NEWEST)).all()
    read = apart(rows, lambda row: attempt_of(row, seal))
    found = [attempt for attempt in read if not isinstance(attempt, RowUnreadable)]
    return len(found), sum(attempt.undecryptable for attempt in found)
