"""
The promise, under random payers, faults, crashes and races: money is never lost or kept twice.

Each seed plays one order: presses, switches, payments on any page that a payer
still has, lost answers before and after their effect, lost notices, deaths in
the middle of a call, somebody else's action in the middle of a call. Then the
providers answer again, workers work, and everything must have ended well.
"""

import random
from dataclasses import replace

import pytest

from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.adapters.sql.engine import open_engine
from retender.adapters.sql.schema import upgrade
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain, RetenderError
from retender.domain.model.money import Money
from retender.domain.model.order import LatePayment
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.payment_provider import RawNotice, ReceiptState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.domain.gateway import Gateway
from retender.tests.domain.shop import PRICE, Shop

pytestmark = pytest.mark.asyncio

VERBS = ("open", "query", "close", "refund", "query_refund")


class Death(BaseException):
    """The process is no more; what asyncio would take for Ctrl-C is none of our business."""


class Story:
    """One order's random life."""

    def __init__(self, seed: int, policy: SwitchPolicy, store: UnitOfWork | None = None) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a seed that can be played again
        self.shop = Shop(store=store or MemoryUnitOfWork())
        self.shop.policy = replace(
            self.shop.policy,
            switch_policy=policy,
            strict_over={"CNY": Money(self.dice.choice([0, 10**6]), "CNY")},
        )
        self.on_the_way: list[tuple[str, RawNotice]] = []
        self.paid_in_time: set[str] = set()
        self.depth = 0

    @property
    def gateways(self) -> tuple[Gateway, Gateway]:
        return self.shop.wechat, self.shop.alipay

    async def play(self) -> None:
        await self.shop.place()
        for _ in range(self.dice.randrange(4, 30)):
            await self._act()
        for gateway in self.gateways:
            gateway.meanwhile.clear()  # nobody acts or dies any more; answers may still get lost
        await self.shop.settle_down(hours=3, every=120)

    async def _act(self) -> None:
        """Do one random thing; what is refused is refused, and a death is a death."""
        actions = [
            *[self._press] * 3,
            *[self._pay] * 3,
            self._deliver,
            self._time_passes,
            self._trouble,
            self._race,
            self._die,
            self.shop.work_once,
        ]
        if self.dice.random() < 0.03:
            actions = [self._give_up]
        self.depth += 1
        try:
            await self.dice.choice(actions)()
        except (RetenderError, Death, BaseExceptionGroup) as end:
            if isinstance(end, BaseExceptionGroup) and end.split(Death)[1] is not None:
                raise  # in one of several tasks was something else than death
            self.depth = min(self.depth, 1)  # the payer sees an error, the process is restarted
            if self.depth > 1:
                raise
        finally:
            self.depth -= 1

    async def _press(self) -> None:
        account = self.dice.choice(["wechat", "alipay"])
        await self.shop.pay(account, self.dice.choice(["pc", "h5"]))

    async def _pay(self) -> None:
        gateway = self.dice.choice(self.gateways)
        payable = [number for number in gateway.pages if gateway.is_payable(number)]
        if not payable:
            return
        number = self.dice.choice(payable)
        if self.dice.random() < 0.3:
            gateway.begin(number)
            return
        deadline = (await self.shop.story()).order.shown_until
        raw = gateway.pay(number)
        if self.shop.clock() < deadline:
            self.paid_in_time.add(number)
        for _ in range(self.dice.choice([0, 1, 1, 3])):
            self.on_the_way.append((gateway.name, raw))

    async def _deliver(self) -> None:
        if self.on_the_way:
            index = self.dice.randrange(len(self.on_the_way))
            account, raw = self.on_the_way.pop(index)
            await self.shop.hear(account, raw)

    async def _time_passes(self) -> None:
        self.shop.clock.pass_by(seconds=self.dice.choice([1, 10, 60, 60, 300, 900]))

    async def _trouble(self) -> None:
        gateway, verb = self.dice.choice(self.gateways), self.dice.choice([*VERBS, "refund"])
        if self.dice.random() < 0.2:
            gateway.fail(verb, ProviderUnavailable("connection refused"))
        else:
            after = self.dice.random() < 0.6
            gateway.fail(verb, ProviderUncertain("lost"), after_effect=after)

    async def _race(self) -> None:
        if self.depth < 3:
            self.dice.choice(self.gateways).during(self.dice.choice(VERBS), self._act)

    async def _die(self) -> None:
        async def death() -> None:
            raise Death

        self.dice.choice(self.gateways).during(self.dice.choice(VERBS), death)

    async def _give_up(self) -> None:
        word = self.dice.choice(list(LatePayment))
        await self.shop.close_order(order_no="A1", late_payment=word)

    async def check(self) -> None:
        """What must be true at rest, whatever happened before."""
        story = await self.shop.story()
        order, attempts = story.order, list(story.attempts)
        kept = {n: minor for gateway in self.gateways for n, minor in gateway.kept().items()}
        held = {number: minor for number, minor in kept.items() if minor}
        assert order.state in {"PAID", "CLOSED"}
        assert not [a for a in attempts if a.is_live or a.state in {"REFUNDING", "REFUND_STUCK"}]
        if order.state == "PAID":
            winner = next(a for a in attempts if a.attempt_id == order.winner)
            assert held == {winner.number: PRICE.minor}, "one payment is kept, the winner's"
        else:
            assert held == {}, "nothing is kept of an order that is not paid"
            unwanted = order.late_payment is LatePayment.REFUND
            assert unwanted or not self.paid_in_time, "a payment in time goes not back for nothing"
        for gateway in self.gateways:
            for number, trade in gateway.trades.items():
                if trade.state is ReceiptState.PAID:
                    known = next(a for a in attempts if a.number == number)
                    assert known.state in {"SUCCEEDED", "REFUNDED"}, "no capture is unknown"
                    assert len(trade.refunds) <= 1, "nothing is refunded twice"
        ids = [event.event_id for event in self.shop.told]
        assert len(ids) == len(set(ids)), "no event is told twice when nobody died telling"
        paid = [event for event in self.shop.told if event.kind == "order.paid"]
        assert len(paid) == (order.state == "PAID"), "the shop hears of payment exactly once"
        assert await self.shop.list_attention_history() == []


@pytest.mark.parametrize("policy", list(SwitchPolicy))
async def test_whatever_happens_one_payment_is_kept_and_every_other_given_back(policy):
    for seed in range(100):
        story = Story(seed, policy)
        try:
            await story.play()
            await story.check()
        except BaseException as failure:
            failure.add_note(f"seed {seed}, policy {policy}")
            raise


@pytest.mark.parametrize("seed", range(6))
async def test_the_promise_holds_on_the_embedded_database_too(seed, tmp_path):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    await upgrade(url)
    engine = open_engine(url)
    try:
        policy = list(SwitchPolicy)[seed % len(SwitchPolicy)]
        story = Story(seed, policy, SqlUnitOfWork(engine, page_key=bytes(32)))
        await story.play()
        await story.check()
    finally:
        await engine.dispose()
