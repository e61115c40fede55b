"""
Races between use cases, on every database: each is decided by a lock or a constraint.

The memory store and the model serialise transactions, so a lock that is missing shows
here only. Each test names what decides it; without that it fails on PostgreSQL or MariaDB.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from retender.domain.model.attention import Resolution
from retender.domain.model.errors import IdempotencyConflict, RetenderError, StoreBusy
from retender.domain.model.order import LatePayment
from retender.domain.model.pay_result import PageReady
from retender.domain.model.transition import ENDING, OrderState, RefundEvent, RefundState
from retender.domain.steps.external_refund import hear_of_total
from retender.domain.use_cases.expire_orders import ExpireOrders
from retender.domain.use_cases.resolve_attention import ResolveAttention
from retender.tests.adapters.databases import EVERYWHERE, TwoProcesses
from retender.tests.domain.shop import PRICE, Clock, Shop

pytestmark = pytest.mark.asyncio

ORDERS = [f"order-{n}" for n in range(10)]
TRIES = 10


class Meeting:
    """
    A unit of work whose commits wait for one another, two by two, for a moment.

    Only those that make an amount of money taken: a new refund, and one that is sent again.

    Whoever is kept out by a lock cannot come to the meeting, and the other goes on alone. If
    nothing keeps them apart, both have read before either has written.
    """

    def __init__(self, unit_of_work):
        self.unit_of_work, self.first = unit_of_work, None
        self.arrived = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, *, read_only=False, once=False):
        async with self.unit_of_work(read_only=read_only, once=once) as work:
            yield work if read_only else MeetingWork(work, self.meet)

    async def meet(self):
        if self.first is not None:
            self.first.set()
            self.first = None
            return
        self.first = mine = asyncio.Event()
        self.arrived.set()
        try:
            await asyncio.wait_for(mine.wait(), 0.5)
        except TimeoutError:
            self.first = None if self.first is mine else self.first


class MeetingWork:
    """A transaction that meets another one before it commits."""

    def __init__(self, work, meet):
        self.work, self.meet, self.takes = work, meet, False

    def __getattr__(self, name):
        return getattr(self.work, name)

    @property
    def refunds(self):
        return self

    async def add(self, refund):
        self.takes = True
        return await self.work.refunds.add(refund)

    async def move(self, refund_no, event, **more):
        self.takes = self.takes or event is RefundEvent.RETRIED
        return await self.work.refunds.move(refund_no, event, **more)

    async def get(self, refund_no):
        return await self.work.refunds.get(refund_no)

    async def of_order(self, order_id):
        return await self.work.refunds.of_order(order_id)

    async def commit(self):
        if self.takes:
            await self.meet()
        await self.work.commit()


@pytest.fixture(params=EVERYWHERE)
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def shop(engine, another_engine):
    return Shop(store=TwoProcesses(engine, another_engine))


async def answered(deed):
    """Do it as callers do: again if the database had no time; a no is an answer."""
    for _ in range(TRIES):
        try:
            return await deed()
        except StoreBusy:
            await asyncio.sleep(0.01)
        except RetenderError as no:
            return no
    raise AssertionError(f"the database had no time for {TRIES} tries")


async def at_once(*deeds_of_order):
    """Do all deeds of all orders at once, each order's side by side."""
    deeds = [answered(lambda deed=deed, o=o: deed(o)) for o in ORDERS for deed in deeds_of_order]
    answers = await asyncio.gather(*deeds)
    step = len(deeds_of_order)
    return [answers[n : n + step] for n in range(0, len(answers), step)]


async def all_paid(shop):
    for order_no in ORDERS:
        await shop.place(order_no)
        ready = await shop.page("wechat", "pc", order_no)
        await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))


async def test_refund_beside_refund(shop):
    """Two full ones under two numbers: the order's row is held while the sum is reckoned."""
    await all_paid(shop)
    refunds = (
        lambda o: shop.refund_payment(order_no=o, refund_no=f"{o}-a"),
        lambda o: shop.refund_payment(order_no=o, refund_no=f"{o}-b"),
    )
    await at_once(*refunds)
    for order_no in ORDERS:
        assert len((await shop.story(order_no)).refunds) == 1
    assert set(shop.wechat.kept().values()) == {0}


async def test_retry_beside_refund(shop):
    """A stuck refund's amount is free until it is sent again: both hold the order's row."""
    await shop.place()
    ready = await shop.page("wechat", "pc")
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    shop.wechat.failing_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="a")
    shop.wechat.failing_refunds = False
    (stuck,) = await shop.list_attention_history()
    meeting = Meeting(shop.unit_of_work)
    retry = ResolveAttention(meeting, shop.clock, shop.new_id)
    another = replace(shop.refund_payment, unit_of_work=meeting)
    going = asyncio.ensure_future(answered(lambda: another(order_no="A1", refund_no="b")))
    await meeting.arrived.wait()  # it has reckoned, and is about to commit
    again = Resolution.RETRY
    await answered(
        lambda: retry(attention_id=stuck.attention_id, resolution=again, reason="again", by="ann")
    )
    await going
    await shop.settle_down(hours=1)
    refunds = (await shop.story()).refunds
    assert [r.amount for r in refunds if r.state is RefundState.DONE] == [PRICE]


async def test_total_beside_total(shop):
    """Two totals of another hand's refunds, told at once: the order is held while one is drawn."""
    await all_paid(shop)

    async def hear(order_no, total):
        attempt = await shop.attempt(order_no=order_no)
        amount = replace(attempt.charge.amount, minor=total)
        async with shop.unit_of_work() as work:
            facts = {"source": "notice", "at": shop.clock(), "new_id": shop.new_id}
            await hear_of_total(work, attempt, amount, **facts)
            await work.commit()

    await at_once(lambda o: hear(o, 1000), lambda o: hear(o, 1500))
    for order_no in ORDERS:
        refunds = (await shop.story(order_no)).refunds
        assert sum(refund.amount.minor for refund in refunds) == 1500


async def test_refund_beside_a_refund_of_another_hand(shop):
    """
    The shop gives all back while the console gives a part: no more than was paid goes back.

    No lock decides this one: whichever is written first, the provider refuses ours, and by its
    total and our books ours is OVERTAKEN. Without that it would stay STUCK.
    """
    shop.wechat.tells_totals = True
    await all_paid(shop)
    notices = {}
    for order_no in ORDERS:
        number = (await shop.attempt(order_no=order_no)).number
        shop.wechat.by_hand[number] = 1000
        notices[order_no] = shop.wechat.notice(number, f"console-{order_no}")
    await at_once(
        lambda o: shop.hear("wechat", notices[o]),
        lambda o: shop.refund_payment(order_no=o, refund_no=f"{o}-a"),
    )
    await shop.settle_down(hours=2)
    for order_no in ORDERS:
        refunds = (await shop.story(order_no)).refunds
        assert {r.state for r in refunds} <= {RefundState.DONE, RefundState.OVERTAKEN}
        done = [r.amount.minor for r in refunds if r.state is RefundState.DONE]
        assert sum(done) in {1000, PRICE.minor}
    assert all(kept >= 0 for kept in shop.wechat.kept().values())


async def test_close_beside_pay(shop):
    """No page is out for an order that is given up: the order's row is changed by both."""
    for order_no in ORDERS:
        await shop.place(order_no)
    answers = await at_once(
        lambda o: shop.pay("wechat", "pc", o), lambda o: shop.close_order(order_no=o)
    )
    assert_no_page_is_out([await shop.story(o) for o in ORDERS])
    shown = [page for page, _ in answers if isinstance(page, PageReady)]
    assert not [p for p in shown if shop.wechat.is_payable(p.attempt.number)]


async def test_close_beside_close(shop):
    """One says that late money goes back, one that it pays: held before it is judged."""
    for order_no in ORDERS:
        await shop.place(order_no)
        await shop.page("alipay", "h5", order_no)  # it cannot be closed yet
    answers = await at_once(
        *[
            lambda o, word=word: shop.close_order(order_no=o, late_payment=word)
            for word in LatePayment
        ]
    )
    for order_no, answer in zip(ORDERS, answers, strict=True):
        word = (await shop.story(order_no)).order.late_payment
        told = dict(zip(LatePayment, answer, strict=True))
        heard = [w for w in told if not isinstance(told[w], IdempotencyConflict)]
        assert heard == [word], "whoever was not heard is told so"


async def test_expiry_beside_pay(shop):
    """The same at the deadline: no attempt is begun for an order that is expiring."""
    for order_no in ORDERS:
        await shop.place(order_no)
    late = Clock()
    late.now = (await shop.story(ORDERS[0])).order.shown_until
    expire = ExpireOrders(shop.unit_of_work, late, shop.new_id)
    await at_once(lambda o: shop.pay("wechat", "pc", o), lambda _: expire())
    assert_no_page_is_out([await shop.story(o) for o in ORDERS])


def assert_no_page_is_out(stories):
    for story in stories:
        assert story.order.state in {*ENDING, OrderState.CLOSED}
        assert not [attempt for attempt in story.attempts if attempt.is_payable]


@pytest.mark.parametrize("made_here", [False, True], ids=["asked for", "made here"])
async def test_pay_beside_pay(shop, made_here):
    """Four presses of one request make one attempt: the request is unique while it is payable."""
    shop.wechat.made_here = made_here
    for order_no in ORDERS:
        await shop.place(order_no)
    answers = await at_once(*[lambda o: shop.pay("wechat", "pc", o)] * 4)
    for order_no, pressed in zip(ORDERS, answers, strict=True):
        (attempt,) = (await shop.story(order_no)).attempts
        shown = {answer.page for answer in pressed if isinstance(answer, PageReady)}
        # Who is asked may be asked again, under the same number; what is made here is made once.
        assert attempt.page in shown
        assert len(shown) == 1 or not made_here


async def test_capture_beside_capture(shop):
    """Both pages are paid and told of at once: one row changes, and it elects the winner."""
    notices = {}
    for order_no in ORDERS:
        await shop.place(order_no)
        first = await shop.page("alipay", "h5", order_no)
        shop.alipay.begin(first.attempt.number)
        shop.wechat.fail("query")
        second = await shop.page("wechat", "pc", order_no)
        shop.alipay.trades.pop(first.attempt.number, None)  # it could not be closed
        notices[order_no] = (
            shop.alipay.pay(first.attempt.number),
            shop.wechat.pay(second.attempt.number),
        )
    await at_once(
        lambda o: shop.hear("alipay", notices[o][0]), lambda o: shop.hear("wechat", notices[o][1])
    )
    await shop.settle_down(hours=1)
    for order_no in ORDERS:
        order, attempts = await shop.states(order_no)
        assert (order, sorted(attempts)) == ("PAID", ["REFUNDED", "SUCCEEDED"])
    kept = [*shop.alipay.kept().values(), *shop.wechat.kept().values()]
    assert sum(kept) == PRICE.minor * len(ORDERS)
