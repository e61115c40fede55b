"""What each use case costs the database: statements, BEGIN and COMMIT among them, and commits."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.tests.domain.shop import Shop

pytestmark = pytest.mark.asyncio

BUDGETS = {
    "place": (4, 1),
    "pay": (12, 2),
    "again": (2, 0),
    # Two of them read from which state something moves, which the story tells; two are the
    # savepoint around the provider's number, which another attempt may bear.
    "notice": (13, 1),
    "show": (4, 0),
}
"""Statements and commits of writers, at most."""


@dataclass
class Cost:
    """What was counted."""

    statements: list[str] = field(default_factory=list)

    @property
    def commits(self) -> int:
        """Count the transactions that wrote something."""
        writers = 0
        wrote = False
        for statement in self.statements:
            wrote = wrote or statement.split()[0] in {"INSERT", "UPDATE", "DELETE"}
            if statement == "COMMIT":
                writers, wrote = writers + wrote, False
        return writers


@contextmanager
def counted(engine: AsyncEngine) -> Iterator[Cost]:
    cost = Cost()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        cost.statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield cost
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.fixture(params=["psycopg_url", "asyncpg_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def test_no_use_case_costs_more_than_its_budget(engine: AsyncEngine) -> None:
    """And none costs less: who saves a statement lowers the budget."""
    shop = Shop(store=SqlUnitOfWork(engine, page_key=bytes(32)))
    found = {}

    async def cost(name: str, use_case: Awaitable[object]) -> object:
        with counted(engine) as its:
            answer = await use_case
        found[name] = (len(its.statements), its.commits)
        return answer

    await cost("place", shop.place())
    page = await cost("pay", shop.page("wechat", "pc"))
    await cost("again", shop.page("wechat", "pc"))
    await cost("notice", shop.hear("wechat", shop.wechat.pay(page.attempt.number)))  # type: ignore[attr-defined]
    await cost("show", shop.show_order(order_no="A1"))
    assert found == BUDGETS
