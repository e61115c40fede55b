"""A busy store: every unit of work is done again a few times, and no provider is called twice."""

import ast
import inspect
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules

import pytest

from retender.domain import use_cases
from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal, StoreBusy
from retender.domain.steps.retry_when_busy import MOST_TIMES
from retender.ports.unit_of_work import Work
from retender.tests.domain.shop import Shop

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")


class Busy:
    """A store that is busy a number of times for each unit, at its begin or at its commit."""

    def __init__(self, inner, moment: str) -> None:
        self.inner, self.moment = inner, moment
        self.times = self.left = 0

    def be(self, times: int) -> None:
        """Be busy so often for each unit that is done from now on."""
        self.times = self.left = times

    @asynccontextmanager
    async def __call__(self, *, read_only: bool = False, once: bool = False) -> AsyncIterator[Work]:
        if read_only:
            async with self.inner(read_only=True, once=once) as work:
                yield work
            return
        self.turn_away("begin")
        async with self.inner() as work:
            commit = work.commit

            async def commit_unless_busy() -> None:
                self.turn_away("commit")
                await commit()
                self.left = self.times

            work.commit = commit_unless_busy
            yield work

    def turn_away(self, moment: str) -> None:
        if self.moment == moment and self.left:
            self.left -= 1
            raise StoreBusy("test")


@pytest.fixture(params=["begin", "commit"])
def busy(request):
    return request.param


@pytest.fixture
def shop(busy):
    shop = Shop()
    shop.unit_of_work.inner = Busy(shop.unit_of_work.inner, busy)
    return shop


async def a_day_in_a_shop(shop) -> None:
    """Do all that writes: place, pay, switch, hear, refund in many ways, expire, tell."""
    gone = ProviderRefused(Refusal.REJECTED, provider_code="NO")
    await shop.place("A1")
    old = (await shop.page("alipay", "pc")).attempt
    await shop.page("alipay", "pc")  # the stored page, once more
    new = (await shop.page("wechat", "pc")).attempt
    await shop.hear("wechat", shop.wechat.pay(new.number))
    await shop.hear("alipay", shop.alipay.pay(old.number))  # a surplus
    shop.alipay.fail("refund", UNKNOWN, after_effect=True)
    await shop.work_once()
    shop.wechat.pending_refunds = True
    shop.wechat.fail("query_refund", UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="RF1")
    await shop.settle_down(hours=0.1)
    shop.wechat.pending_refunds = False

    await shop.place("A2")
    shop.wechat.fail("open", gone)
    with pytest.raises(Exception, match="refused"):
        await shop.pay(order_no="A2")
    shop.wechat.fail("open", UNKNOWN)
    await shop.pay(order_no="A2")
    shop.wechat.fail("close", UNKNOWN)
    await shop.close_order(order_no="A2")

    await shop.place("A3")
    await shop.page("wechat", "pc", order_no="A3")
    await shop.settle_down(hours=2)


async def test_a_store_that_is_busy_for_a_while_changes_nothing_for_anybody(busy):
    """As often as a unit is done again: the same states, the same money, the same told once."""
    quiet, crowded = Shop(), Shop()
    store = Busy(crowded.unit_of_work.inner, busy)
    crowded.unit_of_work.inner = store
    store.be(MOST_TIMES - 1)
    await a_day_in_a_shop(quiet)
    await a_day_in_a_shop(crowded)

    def money(shop):
        return [sorted(gateway.kept().values()) for gateway in (shop.wechat, shop.alipay)]

    def opened(shop):
        calls = [*shop.wechat.calls, *shop.alipay.calls]
        return sum(call.startswith("open") for call in calls)

    assert money(crowded) == money(quiet)
    assert opened(crowded) == opened(quiet), "no page is asked for twice"
    kinds = [sorted(event.kind for event in shop.told) for shop in (crowded, quiet)]
    assert kinds[0] == kinds[1]
    for name in ("A1", "A2", "A3"):
        assert await crowded.states(name) == await quiet.states(name)
        refunds = [(await shop.story(name)).refunds for shop in (crowded, quiet)]
        assert [r.state for r in refunds[0]] == [r.state for r in refunds[1]]


async def test_the_page_that_a_provider_gave_is_not_lost(shop):
    await shop.place()
    shop.unit_of_work.inner.be(MOST_TIMES - 1)
    ready = await shop.page()
    assert await shop.states() == ("NEW", ["OPEN"])
    assert [call.split()[0] for call in shop.wechat.calls] == ["open"]
    assert ready.page == (await shop.attempt()).page


async def test_who_was_turned_away_once_too_often_is_told(shop):
    """Nothing was changed; it is the caller's to come again."""
    shop.unit_of_work.inner.be(MOST_TIMES)
    with pytest.raises(StoreBusy):
        await shop.place()
    shop.unit_of_work.inner.be(0)
    assert (await shop.place()).order_no == "A1"


async def test_an_operator_can_see_how_busy_it_is(shop, caplog):
    caplog.set_level(logging.INFO, "retender.domain.steps.retry_when_busy")
    shop.unit_of_work.inner.be(1)
    await shop.place()
    assert "PlaceOrder._is_added is done again" in caplog.text


async def test_every_unit_that_writes_is_done_again():
    missing, found = set(), 0
    for module in iter_modules(use_cases.__path__, "retender.domain.use_cases."):
        tree = ast.parse(inspect.getsource(import_module(module.name)))
        for function in ast.walk(tree):
            if isinstance(function, ast.AsyncFunctionDef) and _writes(function):
                found += 1
                if not any(
                    getattr(d, "id", "") == "retry_when_busy" for d in function.decorator_list
                ):
                    missing.add(function.name)
    assert missing == set()
    assert found > 20


async def test_what_is_done_again_asks_no_provider():
    """Its answer would be asked for again, and might be another one."""
    for module in iter_modules(use_cases.__path__, "retender.domain.use_cases."):
        tree = ast.parse(inspect.getsource(import_module(module.name)))
        for function in ast.walk(tree):
            if isinstance(function, ast.AsyncFunctionDef) and any(
                getattr(d, "id", "") == "retry_when_busy" for d in function.decorator_list
            ):
                awaited = {
                    ast.unparse(node.value.func)
                    for node in ast.walk(function)
                    if isinstance(node, ast.Await) and isinstance(node.value, ast.Call)
                }
                assert not [call for call in awaited if "provider" in call or "inquire" in call]


def _writes(function: ast.AsyncFunctionDef) -> bool:
    return any(
        ast.unparse(item.context_expr).endswith("unit_of_work()")
        for node in ast.walk(function)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
    )
