"""A store in trouble: "nothing was changed" is said only where it is so; again is safe."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from retender.domain.model.attempt_errors import PayOrderInterrupted
from retender.domain.model.errors import (
    PayOrderNotExist,
    ProviderRefused,
    ProviderUncertain,
    Refusal,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUncertain,
)
from retender.domain.model.pay_result import AnswerPending
from retender.domain.model.switch_policy import SwitchPolicy
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.pay_policy import PageStrategy
from retender.ports.unit_of_work import Work
from retender.tests.domain.shop import Shop

pytestmark = pytest.mark.asyncio

NOTHING = "nothing was changed"
MANY = 12
"""More commits than any of the deeds has."""


class Troubled:
    """
    A store that does so many commits, and is then in trouble.

    Attributes:
        left: commits until then; None: it is well.
        trouble: what it raises from then on, at every begin; ``StoreUncertain`` only once,
            by the commit itself.
        keeps: whether the commit of which nobody knows is kept.

    """

    def __init__(self, inner) -> None:
        self.inner = inner
        self.left: int | None = None
        self.trouble: type[StoreError] = StoreBusy
        self.keeps = False

    @asynccontextmanager
    async def __call__(self, *, read_only: bool = False, once: bool = False) -> AsyncIterator[Work]:
        if self.left == 0 and self.trouble is not StoreUncertain:
            raise self.trouble(f"It is in trouble; {NOTHING}.")
        async with self.inner(read_only=read_only, once=once) as work:
            commit = work.commit

            async def commit_once_less() -> None:
                if self.left == 0:
                    self.left = None
                    if self.keeps:
                        await commit()
                    raise StoreUncertain("Who knows?")
                await commit()
                if self.left:
                    self.left -= 1

            work.commit = commit_once_less
            yield work


@dataclass(frozen=True)
class Deed:
    """Something that a shop or a payer asks for, and what must be so before."""

    name: str
    ask: Callable[[Shop], Awaitable[object]]
    before: Callable[[Shop], Awaitable[object]]


async def nothing(_shop: Shop) -> None:
    """Nothing need be so."""


async def placed(shop: Shop) -> None:
    await shop.place()


async def with_a_page(shop: Shop) -> None:
    await shop.place()
    await shop.page("alipay")


async def with_a_page_to_ask_for_again(shop: Shop) -> None:
    shop.policy = replace(shop.policy, page_strategy=PageStrategy.ASK_PROVIDER)
    await shop.place()
    await shop.page("wechat")


async def with_a_page_that_must_be_dead(shop: Shop) -> None:
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.STRICT)
    await shop.place()
    await shop.page("wechat", "h5")


async def with_a_silent_provider(shop: Shop) -> None:
    await shop.place()
    shop.wechat.fail("open", ProviderUncertain("read time-out"), after_effect=True)


async def with_a_spent_number(shop: Shop) -> None:
    await shop.place()
    shop.wechat.fail("open", ProviderRefused(Refusal.NEW_NUMBER, provider_code="USED"))


async def with_two_pages(shop: Shop) -> None:
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.NONE)
    await with_a_page(shop)
    await shop.page("wechat")


async def paid(shop: Shop) -> None:
    await shop.place()
    page = await shop.page("wechat")
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    await shop.work_once()


def refund(shop: Shop) -> Awaitable[object]:
    return shop.refund_payment(order_no="A1", refund_no="RF1")


async def with_a_page_that_was_left(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    await shop.page("wechat", "pc")


async def paid_and_not_heard_of(shop):
    await shop.place()
    shop.wechat.pay((await shop.page("wechat")).attempt.number)


DEEDS = [
    Deed("place", lambda shop: shop.place(), nothing),
    Deed("pay", lambda shop: shop.pay(), placed),
    Deed("pay, no answer", lambda shop: shop.pay(), with_a_silent_provider),
    Deed("pay, spent number", lambda shop: shop.pay(), with_a_spent_number),
    Deed("pay again", lambda shop: shop.pay(), with_a_page_to_ask_for_again),
    Deed("switch", lambda shop: shop.pay(), with_a_page),
    Deed("switch, strict", lambda shop: shop.pay("alipay"), with_a_page_that_must_be_dead),
    Deed("close", lambda shop: shop.close_order(order_no="A1"), with_two_pages),
    Deed("come back", lambda shop: shop.page("alipay", "pc"), with_a_page_that_was_left),
    Deed("refund", refund, paid),
    Deed("refund, unheard", refund, paid_and_not_heard_of),
]

every_deed = pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)


async def ready_for(deed: Deed) -> tuple[Shop, Troubled]:
    """Return a shop in which the deed can be done, and its store."""
    shop = Shop()
    shop.unit_of_work.inner = store = Troubled(shop.unit_of_work.inner)
    await deed.before(shop)
    return shop, store


async def seen(shop: Shop) -> object:
    """Return everything that is known of the order."""
    try:
        return await shop.story()
    except PayOrderNotExist:
        return None


@every_deed
@pytest.mark.parametrize("trouble", [StoreBusy, StoreFull])
async def test_no_answer_says_that_nothing_was_changed_when_something_was(deed, trouble):
    """Wherever the store fails from then on, for good, and for readers too."""
    ended_well = False
    for commits in range(MANY):
        shop, store = await ready_for(deed)
        before = await seen(shop)
        store.left, store.trouble = commits, trouble
        problem = None
        try:
            await deed.ask(shop)
        except (StoreError, PayOrderInterrupted) as told:
            problem = told
        is_over = store.left != 0
        store.left = None
        if problem is not None:
            if type(problem) is trouble:
                assert NOTHING in problem.message
                assert await seen(shop) == before
            else:
                assert type(problem) is PayOrderInterrupted
                assert "press again" in problem.message
        ended_well = ended_well or is_over
    assert ended_well, f"{MANY} commits are not enough to do it in peace"


@every_deed
@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "lost"])
async def test_after_a_commit_of_which_nobody_knows_the_same_request_is_safe(deed, keeps):
    """At every commit of the deed, kept or lost: in the end all is as if nothing had been."""
    peaceful, _ = await ready_for(deed)
    await deed.ask(peaceful)
    wanted = await in_the_end(deed, peaceful)
    told = 0
    for commits in range(MANY):
        shop, store = await ready_for(deed)
        store.left, store.trouble, store.keeps = commits, StoreUncertain, keeps
        try:
            await deed.ask(shop)
        except StoreUncertain:
            told += 1
        store.left = None
        assert await in_the_end(deed, shop) == wanted
    assert told, "the caller was never told"


async def in_the_end(deed: Deed, shop: Shop) -> object:
    """Ask for the same until there is an answer, and look when all has come to rest."""
    for _ in range(3):
        shop.clock.pass_by(seconds=16)
        await deed.ask(shop)
    pages = sum(attempt.is_payable for attempt in (await shop.story()).attempts)
    await shop.settle_down(hours=1)
    kept = [sorted(gateway.kept().values()) for gateway in (shop.wechat, shop.alipay)]
    refunds = [str(refund.state) for refund in (await shop.story()).refunds]
    events = sorted(event.kind for event in shop.told)
    return pages, (await shop.states())[0], kept, refunds, events


async def test_a_unit_that_may_have_been_kept_is_not_done_again():
    """It would find its own work in its way."""
    done = []

    @retry_when_busy
    async def unit() -> None:
        done.append(1)
        raise StoreUncertain("Who knows?")

    with pytest.raises(StoreUncertain):
        await unit()
    assert done == [1]


async def test_an_attempt_that_was_made_is_pending_whatever_becomes_of_the_store():
    shop, store = await ready_for(Deed("pay", nothing, placed))
    store.left = 1
    answer = await shop.pay()
    store.left = None
    assert isinstance(answer, AnswerPending)
    assert answer.attempt.number == (await shop.attempt()).number


async def test_a_refund_that_is_written_down_is_due_whatever_becomes_of_the_store(caplog):
    shop, store = await ready_for(Deed("refund", nothing, paid))
    store.left = 1
    refund = await shop.refund_payment(order_no="A1", refund_no="RF1")
    store.left = None
    assert refund.state == "DUE"
    assert "order A1, refund RF1, account wechat: STORE_BUSY" in caplog.text
    await shop.work_once()
    assert (await shop.story()).refunds[0].state == "DONE"


async def test_an_order_that_is_given_up_is_cancelling_whatever_becomes_of_the_store():
    shop, store = await ready_for(Deed("close", nothing, with_a_page))
    store.left = 2
    order = await shop.close_order(order_no="A1")
    store.left = None
    assert order.state == "CANCELLING"
    await shop.settle_down(hours=1)
    assert (await shop.states())[0] == "CLOSED"


async def test_a_switch_that_cost_the_earlier_page_says_so():
    shop, store = await ready_for(Deed("switch", nothing, with_a_page))
    store.left = 1
    with pytest.raises(
        PayOrderInterrupted, match="an earlier one may be closed by now; press again"
    ):
        await shop.pay()
    store.left = None
    assert (await shop.states())[1] == ["CLOSING"]
