"""
A row that cannot be read, on every database: it is set aside, and the others go on.

Another version of the software wrote it, or a hand did. Each value that can be spoilt is.
"""

import secrets

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from retender.adapters.sql.engine import commit, connected
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.attention import About, AttentionCode, Resolution
from retender.domain.model.backlog import WorkKind
from retender.domain.model.errors import ProviderUnavailable
from retender.domain.model.row_errors import RowUnreadable
from retender.tests.adapters.databases import EVERYWHERE
from retender.tests.contracts.store.samples import (
    a_line,
    a_refund,
    an_attempt,
    an_attention_item,
    an_event,
    an_order,
    keep,
)
from retender.tests.domain.shop import Shop
from retender.tests.entrypoints.workers import worker_of

pytestmark = pytest.mark.asyncio

SPOIL_NUMBER = "UPDATE attempts SET number = :number WHERE attempt_id = :it"
CODE = AttentionCode.ROW_UNREADABLE


@pytest.fixture(params=EVERYWHERE)
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def unit_of_work(engine):
    return SqlUnitOfWork(engine, page_key=secrets.token_bytes(32))


@pytest.fixture
def shop(unit_of_work):
    return Shop(store=unit_of_work)


@pytest.fixture
def write(engine):
    """Write by hand what no code of ours writes; False if the database itself refuses it."""

    async def by_hand(statement, **values):
        try:
            async with connected(engine) as connection:
                if engine.dialect.name == "sqlite":
                    await connection.execute(text("PRAGMA ignore_check_constraints = ON"))
                assert (await connection.execute(text(statement), values)).rowcount
                await commit(connection)
        except DBAPIError:
            return False
        return True

    return by_hand


# --- who reads it, is told --------------------------------------------------------------------

SPOILT = (
    "orders SET state = 'LOST'",
    "orders SET currency = '???'",
    "orders SET amount_minor = -5",
    "orders SET created_at = 999999999999999999",
    "orders SET end_reason = 'boredom'",
    "attempts SET number = 'short'",
    "attempts SET state = 'LOST'",
    "attempts SET page_kind = 'papyrus'",
    "attempts SET expires_at = 999999999999999999",
    "attempts SET charge_details = '[]'",
    "attempts SET charge_details = '{}'",
    "attempts SET charge_details = '{'",
    "refunds SET currency = '???'",
    "refunds SET cause = 'whim'",
    "refunds SET created_at = 999999999999999999",
    "outbox SET kind = 'order.sold'",
    "outbox SET at = 999999999999999999",
    "outbox SET data = '[]'",
    "outbox SET data = '{\"n\": 1}'",
    "story SET at = 999999999999999999",
    "story SET kind = 'order.forgotten'",
    "story SET facts = '{'",
    "story SET facts = '[]'",
    "story SET facts = '{}'",
    "story SET facts = '[1, 2, 3, 4, 5, 6, 7]'",
)


async def a_kept_world(unit_of_work):
    order = an_order()
    attempt = an_attempt(order)
    await keep(unit_of_work, order, attempt, a_refund(attempt), an_event(order))
    async with unit_of_work() as work:
        await work.story.add(a_line(order))
        await work.commit()
    return order


async def read_all(work, order):
    await work.orders.by_id(order.order_id)
    await work.attempts.of_order(order.order_id)
    await work.refunds.of_order(order.order_id)
    await work.outbox.of_order(order.order_no)
    await work.story.of_order(order.order_id)


@pytest.mark.parametrize("spoilt", SPOILT)
async def test_a_row_that_makes_no_sense_is_named_and_never_guessed(
    unit_of_work, write, engine, spoilt
):
    order = await a_kept_world(unit_of_work)
    if not await write(f"UPDATE {spoilt}"):
        assert engine.dialect.name != "sqlite"  # others have true types, and refuse some of it
        return
    table, _, column = spoilt.split()[:3]
    async with unit_of_work(read_only=True) as work:
        with pytest.raises(RowUnreadable) as refused:
            await read_all(work, order)
    assert refused.value.code == "STORE_ROW_UNREADABLE"
    whose = {"outbox": "order_no", "story": "order_id"}.get(table, "order_id")
    assert refused.value.facts[whose] in {order.order_id, order.order_no}
    if column not in {"number", "amount_minor", "currency", "charge_details", "facts"}:
        assert f"{column} is" in refused.value.why


async def test_a_call_that_cannot_be_read_hides_no_other(unit_of_work, write):
    good, odd = an_attention_item(), an_attention_item()
    await keep(unit_of_work, odd, good)
    it = {"it": odd.attention_id}
    assert await write("UPDATE attention SET code = 'NEWER' WHERE attention_id = :it", **it)
    async with unit_of_work(read_only=True) as work:
        stand_in, found = await work.attention.open()
        await work.backlog.over(10)
        size = await work.backlog.size()
    assert found == good
    assert size.waiting[good.code].count == 1
    assert (stand_in.attention_id, stand_in.code) == (odd.attention_id, CODE)
    assert "NEWER" in stand_in.source


# --- what is due beside it, is done -----------------------------------------------------------


async def calls(shop):
    async with shop.unit_of_work(read_only=True) as work:
        opened = await work.attention.open()
    return {(call.about, call.subject): call for call in opened if call.code is CODE}


async def test_an_attempt_is_set_aside_and_the_next_is_checked(shop, write):
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        await shop.page(order_no=order_no)
    odd, good = [await shop.attempt(order_no=order_no) for order_no in ("A1", "A2")]
    shop.wechat.pay(good.number)
    assert await write(SPOIL_NUMBER, it=odd.attempt_id, number="x")
    shop.clock.pass_by(minutes=10)
    await worker_of(shop).run_once()
    assert await shop.states("A2") == ("PAID", ["SUCCEEDED"])
    call = (await calls(shop))[About.ATTEMPT, odd.attempt_id]
    assert (call.order_no, call.account) == ("A1", "wechat")
    assert call.data["key"] == odd.attempt_id

    shop.clock.pass_by(minutes=14)
    assert (await shop.find_due_work()).attempt_ids == ()
    shop.clock.pass_by(minutes=2)
    await worker_of(shop).run_once()
    assert len(await calls(shop)) == 1
    shown = await shop.show_attention(attention_id=call.attention_id)
    assert [option.resolution for option in shown.options] == [Resolution.NOTED]

    await write(SPOIL_NUMBER, it=odd.attempt_id, number=odd.number)
    await shop.settle_down()
    assert await shop.states("A1") == ("CLOSED", ["CLOSED"])
    assert set(await calls(shop)) == {(About.ATTEMPT, odd.attempt_id)}, "a human ends it"


async def test_a_refund_is_set_aside_and_the_next_is_sent(shop, write):
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        ready = await shop.page(order_no=order_no)
        await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
        shop.wechat.fail("refund", ProviderUnavailable("away"))
        await shop.refund_payment(order_no=order_no, refund_no=f"R-{order_no}")
    shop.wechat.trouble.clear()
    assert await write("UPDATE refunds SET currency = '???' WHERE refund_no = 'R-A1'")
    shop.clock.pass_by(hours=2)
    await worker_of(shop).run_once()
    call = (await calls(shop))[About.REFUND, "R-A1"]
    assert (call.order_no, call.data["key"]) == ("A1", "R-A1")
    (refund,) = (await shop.story("A2")).refunds
    assert refund.state == "DONE"
    await write("UPDATE refunds SET currency = 'CNY' WHERE refund_no = 'R-A1'")
    await shop.settle_down()
    (refund,) = (await shop.story("A1")).refunds
    assert refund.state == "DONE"


async def test_an_order_is_set_aside_and_the_next_one_ends(shop, write):
    orders = [await shop.place(order_no) for order_no in ("A1", "A2", "A3")]
    assert await write("UPDATE orders SET currency = '???' WHERE order_no = 'A1'")
    await shop.page(order_no="A2")
    assert await write("UPDATE attempts SET number = 'x'")
    shop.clock.pass_by(minutes=40)
    rounds = [await shop.expire_orders(limit=2) for _ in range(3)]
    assert (await shop.story("A3")).order.state == "CLOSED"
    ended = [sum(r.expiring for r in rounds), sum(r.closed for r in rounds)]
    assert ended == [1, 1], "what is set aside is not counted"
    found = await calls(shop)
    assert set(found) == {(About.ORDER, order.order_id) for order in orders[:2]}
    assert found[About.ORDER, orders[1].order_id].data["row"] == "attempt"

    await write("UPDATE orders SET currency = 'CNY' WHERE order_no = 'A1'")
    await write("UPDATE attempts SET number = 'MENDED01'")
    call = found[About.ORDER, orders[0].order_id]
    await shop.resolve_attention(
        attention_id=call.attention_id, resolution=Resolution.NOTED, reason="mended", by="ann"
    )
    await shop.settle_down()
    assert (await shop.story("A1")).order.state == "CLOSED"


async def test_an_event_is_set_aside_and_the_next_is_told(shop, write):
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        ready = await shop.page(order_no=order_no)
        await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    assert await write("UPDATE outbox SET data = '[]' WHERE order_no = 'A1'")
    assert await shop.announce_events() == 1
    assert [event.order_no for event in shop.told] == ["A2"]
    ((about, _),) = await calls(shop)
    assert about is About.EVENT
    assert await shop.announce_events() == 0
    shop.clock.pass_by(hours=2)
    await shop.escalate()
    assert len(await calls(shop)) == 1


async def test_what_is_unknown_for_long_is_called_for_beside_it(shop, write):
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        await shop.page("alipay", order_no=order_no)
    odd = await shop.attempt(order_no="A1")
    assert await write(SPOIL_NUMBER, it=odd.attempt_id, number="x")
    shop.clock.pass_by(hours=5)
    assert (await shop.escalate()).opened == 1
    assert set(await calls(shop)) == {(About.ATTEMPT, odd.attempt_id)}


async def test_a_notice_about_it_comes_again_and_a_human_is_called(shop, write):
    await shop.place()
    attempt = (await shop.page()).attempt
    raw = shop.wechat.pay(attempt.number)
    assert await write("UPDATE attempts SET currency = '???'")
    for _ in range(2):
        with pytest.raises(RowUnreadable):
            await shop.hear("wechat", raw)
    ((about, _),) = await calls(shop)
    assert about is About.ATTEMPT
    await write("UPDATE attempts SET currency = 'CNY'")
    assert (await shop.hear("wechat", raw)).order_no == "A1"
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_a_payment_is_taken_though_its_order_cannot_be_read(shop, write):
    """What is proven must not wait for a row that it changes nothing of but the state."""
    await shop.place()
    attempt = (await shop.page()).attempt
    raw = shop.wechat.pay(attempt.number)
    assert await write("UPDATE orders SET currency = '???'")
    assert (await shop.hear("wechat", raw)).order_no == "A1"
    await write("UPDATE orders SET currency = 'CNY'")
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_who_is_unknown_for_long_is_called_for_though_its_order_cannot_be_read(shop, write):
    """The call is kept without its line in the story, and holds up no other call."""
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        await shop.page("alipay", order_no=order_no)
    assert await write("UPDATE orders SET currency = '???' WHERE order_no = 'A1'")
    shop.clock.pass_by(hours=5)
    assert (await shop.escalate()).opened == 2
    async with shop.unit_of_work(read_only=True) as work:
        opened = await work.attention.open()
    assert [call.order_no for call in opened] == ["A1", "A2"]


async def test_a_call_is_not_taken_back_while_its_row_cannot_be_read(shop, write):
    """The money of a closed attempt came late: that its row says CLOSED ends nothing."""
    await shop.place()
    attempt = (await shop.page()).attempt
    raw = shop.wechat.pay(attempt.number)
    await write("UPDATE attempts SET state = 'CLOSED', next_check_at = NULL")
    assert await write("UPDATE attempts SET currency = '???'")
    with pytest.raises(RowUnreadable):
        await shop.hear("wechat", raw)
    await shop.escalate()
    assert set(await calls(shop)) == {(About.ATTEMPT, attempt.attempt_id)}


BEFORE_ALL_TIME = -900_000_000_000_000_000


async def test_a_time_that_makes_no_sense_spoils_no_figures(shop, write):
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        await shop.page(order_no=order_no)
    odd = await shop.attempt(order_no="A1")
    spoil = "UPDATE attempts SET next_check_at = :at WHERE attempt_id = :it"
    assert await write(spoil, it=odd.attempt_id, at=BEFORE_ALL_TIME)
    by = shop.clock()
    async with shop.unit_of_work(read_only=True) as work:
        assert (await work.backlog.size()).due_since is None
        late = await work.backlog.overdue(by, by)
    assert late[WorkKind.ATTEMPTS].count == 1
    assert late[WorkKind.ATTEMPTS].since == by
    shop.clock.pass_by(minutes=1)
    await worker_of(shop).run_once()
    assert set(await calls(shop)) == {(About.ATTEMPT, odd.attempt_id)}
