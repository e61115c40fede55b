"""Whatever route the store fails in, what is not done is answered as done to nobody."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.domain.model.errors import StoreBusy, StoreError, StoreFull, StoreUncertain
from retender.entrypoints.http.app import create_app
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.tests.entrypoints.shop import Shop, open_shop, order, request, settings_in

pytestmark = pytest.mark.asyncio

MOST = 25
"""No route needs so many units of work."""


class FailingStore:
    """
    A store that begins so many units of work, and fails in all that come after.

    Attributes:
        left: how many more begin; None: it is well.
        trouble: what it raises then; ``StoreUncertain`` at the commit, which is not kept.

    """

    def __init__(self) -> None:
        self.inner: UnitOfWork = MemoryUnitOfWork()
        self.left: int | None = None
        self.trouble: type[StoreError] = StoreBusy

    @asynccontextmanager
    async def __call__(self, *, read_only: bool = False, once: bool = False) -> AsyncIterator[Work]:
        if self.left is not None:
            if self.left == 0 and self.trouble is not StoreUncertain:
                raise self.trouble("It fails.")
            self.left -= self.left > 0
        async with self.inner(read_only=read_only, once=once) as work:
            if self.left == 0 and self.trouble is StoreUncertain and not read_only:

                async def cut_off() -> None:
                    raise StoreUncertain("Who knows?")

                work.commit = cut_off  # type: ignore[method-assign]  # of this one alone
            yield work


@dataclass(frozen=True)
class Deed:
    """One request of a route that writes: what must be so before, and what "done" says."""

    before: Callable[[Shop], Awaitable[object]]
    ask: Callable[[Shop], Awaitable[httpx.Response]]
    is_done: Callable[[Shop, httpx.Response], Awaitable[bool]]


async def nothing(_shop: Shop) -> None:
    """Nothing need be so."""


async def placed(shop: Shop) -> None:
    await shop.place()


async def with_a_page(shop: Shop) -> None:
    await shop.place()
    await shop.page()


async def paid(shop: Shop) -> None:
    await shop.place()
    await shop.pay_for_real()


async def paid_and_not_told(shop: Shop) -> None:
    await with_a_page(shop)
    (attempt,) = (await shop.story())["attempts"]
    shop.gateways["sandbox"].ledger.pay(attempt["number"], "buyer")


async def is_placed(shop: Shop, _answer: httpx.Response) -> bool:
    return (await shop.http.get("/v1/orders/o-1")).status_code == 200


async def is_there_to_pay(shop: Shop, answer: httpx.Response) -> bool:
    """A page or "ask again": the attempt is written down, and a page that was shown is kept."""
    attempts = (await shop.story())["attempts"]
    its = [each for each in attempts if each["attempt_id"] == answer.json()["attempt_id"]]
    shown = answer.status_code == 200
    return bool(its) and (not shown or its[0]["state"] == "OPEN")


async def is_given_up(shop: Shop, _answer: httpx.Response) -> bool:
    return (await shop.story())["order"]["state"] in {"CANCELLING", "CLOSED"}


async def is_written_down(shop: Shop, _answer: httpx.Response) -> bool:
    return (await shop.http.get("/v1/refunds/r-1")).status_code == 200


async def is_paid(shop: Shop, _answer: httpx.Response) -> bool:
    return (await shop.story())["order"]["state"] == "PAID"


async def tell(shop: Shop) -> httpx.Response:
    return await shop.take(shop.gateways["sandbox"].notices[-1])


DEEDS = {
    ("POST", "/v1/orders"): Deed(
        nothing, lambda shop: shop.http.post("/v1/orders", json=order()), is_placed
    ),
    ("POST", "/v1/orders/{order_no}/pay"): Deed(placed, lambda shop: shop.pay(), is_there_to_pay),
    ("POST", "/v1/orders/{order_no}/close"): Deed(
        with_a_page, lambda shop: shop.http.post("/v1/orders/o-1/close", json={}), is_given_up
    ),
    ("POST", "/v1/orders/{order_no}/refunds"): Deed(
        paid,
        lambda shop: shop.http.post("/v1/orders/o-1/refunds", json={"refund_no": "r-1"}),
        is_written_down,
    ),
    ("POST", "/v1/notices/{account}"): Deed(paid_and_not_told, tell, is_paid),
}
"""Every route that writes, and a second payment beside them."""

SWITCH = Deed(
    with_a_page,
    lambda shop: shop.http.post("/v1/orders/o-1/pay", json=request(account="other")),
    is_there_to_pay,
)


async def test_every_route_that_writes_is_tried(tmp_path):
    async with open_shop(settings_in(tmp_path, database_url="memory:")) as shop:
        paths = create_app(shop.container).openapi()["paths"]
    writing = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method in methods
        if method not in {"get", "head", "options"}
    }
    assert writing == set(DEEDS)


@pytest.mark.parametrize("trouble", [StoreBusy, StoreFull, StoreUncertain])
@pytest.mark.parametrize("deed", [*DEEDS.values(), SWITCH], ids=[*map(str, DEEDS), "switch"])
async def test_what_is_not_done_is_answered_as_done_to_nobody(deed, trouble, tmp_path):
    """The store fails from its first unit of work on, its second, and so on."""
    done_after = None
    for units in range(MOST):
        store = FailingStore()
        settings = settings_in(tmp_path, database_url="memory:")
        async with open_shop(settings, unit_of_work=store) as shop:
            await deed.before(shop)
            store.left, store.trouble = units, trouble
            answer = await deed.ask(shop)
            came_through, store.left = store.left != 0, None
            assert answer.status_code != 500, "trouble of the store is no bug of ours"
            if answer.is_success:
                assert await deed.is_done(shop, answer), f"after {units} units: {answer.text}"
            again = await deed.ask(shop)
            assert again.is_success, again.text
            assert await deed.is_done(shop, again)
        if came_through:
            assert answer.is_success
            done_after = units
            break
    assert done_after is not None, "there was no end of units"
