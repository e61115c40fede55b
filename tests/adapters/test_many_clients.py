"""Sixty-four clients want the same twenty orders at once; on every database each is paid once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import TypeVar

import pytest

from retender.domain.model.errors import ConflictError, PayOrderError, StoreBusy
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.pay_result import PageReady
from retender.domain.model.refund_errors import RefundError
from retender.domain.model.story import OrderChanged
from retender.domain.model.transition import CAPTURED, AttemptState, OrderState, RefundState
from retender.tests.adapters.databases import EVERYWHERE, TwoProcesses
from retender.tests.domain.shop import PRICE, Shop

T = TypeVar("T")

pytestmark = pytest.mark.asyncio

CLIENTS = 64
ORDERS = [f"order-{n}" for n in range(20)]
DEEDS_EACH = 3
TRIES = 5
"""How often a client does all of it again if the database had no time: as callers do."""

PART = Money(1000, "CNY")


class Crowd:
    """What clients do, with chance from a seed; a no of the shop's is an answer like any other."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = Random(seed)  # noqa: S311 - it must be the same again
        self.answers: Counter[str] = Counter()

    async def client(self) -> None:
        deeds = (self.pay, self.pay, self.pay, self.refund, self.close, self.work)
        for order_no in self.random.sample(ORDERS, DEEDS_EACH):
            await self.insist(partial(self.shop.place, order_no))
            await self.random.choice(deeds)(order_no)

    async def insist(self, deed: Callable[[], Awaitable[T]]) -> T | None:
        for _ in range(TRIES):
            try:
                answer = await deed()
            except StoreBusy as busy:
                self.answers[busy.code] += 1
                await asyncio.sleep(self.random.uniform(0, 0.05))
            except (ConflictError, PayOrderError, RefundError) as no:
                self.answers[no.code] += 1
                return None
            else:
                self.answers["done"] += 1
                return answer
        raise AssertionError(f"the database had no time for {TRIES} tries")

    async def pay(self, order_no: str) -> None:
        """Press the button; with the page in hand, pay mostly, and be told of it twice."""
        account = self.random.choice(["wechat", "alipay"])
        client_type = self.random.choice(["pc", "h5"])
        answer = await self.insist(lambda: self.shop.pay(account, client_type, order_no))
        gateway = getattr(self.shop, account)
        if isinstance(answer, PageReady) and self.random.random() < 0.8:
            number = answer.attempt.number
            if gateway.is_payable(number):
                notice = gateway.pay(number)
                hear = (self.insist(lambda: self.shop.hear(account, notice)) for _ in range(2))
                await asyncio.gather(*hear)

    async def refund(self, order_no: str) -> None:
        """Ask for a part back under one of ten numbers; eight parts are all there is."""
        refund_no = f"{order_no}-part-{self.random.randrange(10)}"
        await self.insist(
            lambda: self.shop.refund_payment(order_no=order_no, refund_no=refund_no, amount=PART)
        )

    async def close(self, order_no: str) -> None:
        """Give it up, now and then."""
        if self.random.random() < 0.3:
            await self.insist(lambda: self.shop.close_order(order_no=order_no))

    async def work(self, _: str) -> None:
        """Be a worker for a round."""
        await self.insist(self.shop.work_once)


@pytest.fixture(params=EVERYWHERE)
def url(request):
    return request.getfixturevalue(request.param)


async def test_every_order_is_paid_once_whoever_comes(engine, another_engine):
    shop = Shop(store=TwoProcesses(engine, another_engine))
    crowd = Crowd(shop, seed=7)
    await asyncio.gather(*(crowd.client() for _ in range(CLIENTS)))
    await shop.settle_down(hours=2, every=300)
    winners = [await won_once(shop, order_no) for order_no in ORDERS]
    assert sum(winners) > len(ORDERS) / 2, crowd.answers
    assert crowd.answers["done"] > CLIENTS * DEEDS_EACH


async def won_once(shop: Shop, order_no: str) -> bool:
    """Assert what the protocol promises of one order at rest; tell whether it was paid."""
    story = await shop.story(order_no)
    order, attempts = story.order, story.attempts
    assert order.state in {OrderState.PAID, OrderState.CLOSED}
    won = [a for a in attempts if a.state is AttemptState.SUCCEEDED]
    assert [a.attempt_id for a in won] == ([order.winner] if order.winner else [])
    assert not [a for a in attempts if a.is_live or a.state is AttemptState.REFUNDING]

    gateways = {"wechat": shop.wechat, "alipay": shop.alipay}
    took = [a for a in attempts if a.number in gateways[a.account].kept()]
    assert took == [a for a in attempts if a.state in CAPTURED]
    kept = sum(gateways[a.account].kept()[a.number] for a in took)
    back = sum(r.amount.minor for r in story.refunds if not r.is_automatic)
    assert {r.state for r in story.refunds} <= {RefundState.DONE}
    assert kept == (PRICE.minor - back if won else 0)
    assert not [r for r in story.refunds if r.is_automatic and r.attempt_id == order.winner]
    assert sum(r.is_automatic for r in story.refunds) == len(took) - len(won)

    paid = [event for event in shop.told if event.subject == order.order_id]
    kinds = {event.event_id: event.kind for event in paid}
    assert list(kinds.values()) == [EventKind.ORDER_PAID if won else EventKind.ORDER_CLOSED]
    changes = [entry.fact for entry in story.entries if isinstance(entry.fact, OrderChanged)]
    assert sum(change.after is OrderState.PAID for change in changes) == len(won)
    return bool(won)
