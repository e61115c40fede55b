"""What is shown of an order is what was asked for, and nothing else is read for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio
from sqlalchemy import event

from retender.tests.entrypoints.shop import Json

pytestmark = pytest.mark.asyncio

ALWAYS = {"order", "sums", "attempts"}


@contextmanager
def selects(shop) -> Iterator[list[str]]:
    """Collect the SELECTs that reach the engine meanwhile."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT"):
            found.append(statement)

    engine = shop.container.unit_of_work()._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


async def show(shop, *expand: str) -> Json:
    query = [("expand", each) for each in expand]
    answer = await shop.http.get("/v1/orders/o-1", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest_asyncio.fixture
async def paid_twice(shop):
    """An order that was paid from two pages; half of the first payment went back."""
    await shop.place()
    first = await shop.page(page_kind="qr")
    second = await shop.page(account="other", page_kind="qr")
    await shop.scan_and_pay(first)
    await shop.scan_and_pay(second, "other")
    body = {"refund_no": "r-1", "amount": {"amount": "44.40", "currency": "CNY"}}
    assert (await shop.http.post("/v1/orders/o-1/refunds", json=body)).status_code == 200
    return shop


@pytest.mark.parametrize(
    ("expand", "members", "read"),
    [
        ([], set(), 2),
        (["refunds"], {"refunds"}, 3),
        (["surpluses"], {"surpluses"}, 3),
        (["refunds,surpluses"], {"refunds", "surpluses"}, 3),
        (["events"], {"events"}, 3),
        (["story"], {"story"}, 3),
        (["events", "story"], {"events", "story"}, 4),
        (["refunds,surpluses,events,story"], {"refunds", "surpluses", "events", "story"}, 5),
        ([" refunds , events,", "events", ""], {"refunds", "events"}, 4),
    ],
)
async def test_each_part_is_read_and_shown_only_if_it_is_asked_for(
    paid_twice, expand, members, read
):
    with selects(paid_twice) as found:
        shown = await show(paid_twice, *expand)
    assert set(shown) == ALWAYS | members
    assert len(found) == read, found
    assert all(shown[name] for name in shown)


async def test_what_is_shown_does_not_depend_on_what_is_beside_it(paid_twice):
    alone = await show(paid_twice)
    everything = await show(paid_twice, "refunds,surpluses,events,story")
    assert {name: everything[name] for name in ALWAYS} == alone
    assert "key" in alone["order"], "what is null is there"
    assert "captured_at" in alone["attempts"][0]


async def test_the_sums_tell_what_was_taken_what_goes_back_and_what_is_kept(paid_twice):
    sums = {name: money["amount"] for name, money in (await show(paid_twice))["sums"].items()}
    assert sums == {
        "taken": "177.60",
        "given_back": "44.40",
        "going_back": "88.80",
        "kept": "133.20",
    }
    explained = (await paid_twice.http.get("/v1/orders/o-1/story")).json()["summary"]
    assert sums == {name: explained[name]["amount"] for name in sums}


@pytest.mark.parametrize("expand", ["refund", "refunds,stories", "order"])
async def test_a_part_that_does_not_exist_is_told_with_those_that_do(paid_twice, expand):
    answer = await paid_twice.http.get("/v1/orders/o-1", params={"expand": expand})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "EXPAND_UNKNOWN")
    assert problem["field"] == "expand"
    assert problem["known"] == ["events", "refunds", "story", "surpluses"]


async def test_another_users_order_is_not_there(paid_twice):
    answer = await paid_twice.http.get("/v1/orders/o-1", params={"user_id": "user-8"})
    assert (answer.status_code, answer.json()["code"]) == (404, "PAY_ORDER_NOT_EXIST")
