"""Samples: orders, attempts and the rest to try a store with; each call makes a new one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import TypeVar, assert_never

from retender.domain.model.attempt import Attempt, Charge
from retender.domain.model.attention import About, AttentionCode, AttentionItem, Ending, Resolution
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.client_type import Device
from retender.domain.model.event import Event, EventKind
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import MINOR_MAX, Money
from retender.domain.model.order import EndReason, LatePayment, Order
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    Page,
    PageKind,
    QrPage,
    RedirectPage,
)
from retender.domain.model.payer import Payer
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import StoryEntry
from retender.domain.model.story_money import RefundDecided
from retender.domain.model.transition import (
    KEPT,
    LIVE,
    UNDER_WAY,
    AttemptState,
    OrderState,
    RefundState,
)
from retender.ports.unit_of_work import UnitOfWork

NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)
"""When every sample happens: to the microsecond, as stores must keep it."""

TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
BEIJING = timezone(timedelta(hours=8))

ODD_TEXT = "茶 & <b>\"Tee\"</b> 'x'=+% 100% 🍵👨\u200d👩\u200d👧 \\ ; -- é ñ"

PAGES: tuple[Page, ...] = (
    FormPage("https://pay.example/do?a=1&b=2", (("biz", '{"t":"茶🍵"}'), ("biz", ""), ("é", "&"))),
    FormPage("https://pay.example/", (), charset="gbk"),
    RedirectPage("https://pay.example/go?x=%E8%8C%B6&y=1+2"),
    QrPage("weixin://wxpay/bizpayurl?pr=🍵"),
    AppStringPage("app_id=1&sign=aB%2B%3D"),
    JsapiPage((("timeStamp", "1773500966"), ("package", "prepay_id=wx1"), ("paySign", "a+/="))),
)
"""Every kind of page, with what is hard to keep about it."""

CAUSE = Cause(reason=Reason.DECIDED_BY, by="olga", words=ODD_TEXT)
"""Why samples are moved."""

T = TypeVar("T")

_serial = count(1)


def new_id() -> str:
    """Return an id that no sample had before: 26 characters, as everywhere."""
    return f"{next(_serial):026d}"


def an_order(**facts: object) -> Order:
    """Return a NEW order with 30 minutes to pay, changed as told."""
    order_id = new_id()
    order = Order(
        order_id=order_id,
        order_no=f"shop-{order_id}",
        user_id="payer-1",
        subject="Tea",
        amount=Money(8880, "CNY"),
        created_at=NOW,
        shown_until=NOW + 30 * MINUTE,
    )
    return replace(order, **facts)  # type: ignore[arg-type]  # the tests name real fields


def order_in(state: OrderState, **facts: object) -> Order:
    """Return an order that is in this state, with all that the state demands."""
    ended = state not in {OrderState.NEW, OrderState.PAID}
    demanded: dict[str, object] = {
        "state": state,
        "winner": new_id() if state is OrderState.PAID else None,
        "end_reason": EndReason.DEADLINE if ended else None,
    }
    return an_order(**{**demanded, **facts})


def a_charge(**facts: object) -> Charge:
    """Return a charge with all that may be said about one, changed as told."""
    charge = Charge(
        number=new_id(),
        order_no="shop-1",
        amount=Money(8880, "CNY"),
        subject=ODD_TEXT,
        client_type="pc",
        device=Device.SCREEN,
        page_kind=PageKind.QR,
        created_at=NOW,
        expires_at=(NOW + 31 * MINUTE).replace(microsecond=0),
        notify_url="https://retender.example/v1/notices/tea?a=1&b=茶",
        payer=Payer(
            openid="o-6_🍵",
            client_ip="2001:db8::1",
            return_url="https://shop.example/",
            email="ann+canary@example.com",
            name="安 Canary",
            phone="+8613800138000",
            language="zh-Hans-CN",
            shipping_country="CN",
        ),
        instalments=3,
    )
    return replace(charge, **facts)  # type: ignore[arg-type]  # the tests name real fields


def an_attempt(order: Order, **facts: object) -> Attempt:
    """Return the order's first attempt, CREATING and due in 15 s, changed as told."""
    attempt = Attempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        idx=1,
        account="tea-house",
        fingerprint="f" * 32,
        charge=a_charge(order_no=order.order_no, amount=order.amount),
        watch_until=NOW + 33 * MINUTE,
        next_check_at=(
            NOW + timedelta(seconds=15)
            if facts.get("state", AttemptState.CREATING) in LIVE
            else None
        ),
    )
    return replace(attempt, **facts)  # type: ignore[arg-type]  # the tests name real fields


def attempt_in(state: AttemptState, order: Order, **facts: object) -> Attempt:
    """Return an attempt that is in this state, with every other field filled as it may be."""
    is_kept = state in KEPT
    filled: dict[str, object] = {
        "state": state,
        "page": PAGES[0] if is_kept else None,
        "page_until": NOW + MINUTE if is_kept else None,
        "opened_at": NOW if is_kept else None,
        "asking_until": NOW + 2 * TICK,
        "next_check_at": NOW + TICK if state in LIVE else None,
        "leased_until": NOW + 3 * TICK,
        "checks": 7,
    }
    return an_attempt(order, **{**filled, **facts})


def a_refund(attempt: Attempt, **facts: object) -> Refund:
    """Return a DUE refund of all that the attempt took, asked for by the shop, changed as told."""
    number = new_id()
    refund = Refund(
        refund_no=f"refund-{number}",
        number=number,
        order_id=attempt.order_id,
        attempt_id=attempt.attempt_id,
        account=attempt.account,
        amount=attempt.charge.amount,
        cause=RefundCause.SHOP,
        reason="Spilt",
        created_at=NOW,
        next_try_at=NOW if facts.get("state", RefundState.DUE) in UNDER_WAY else None,
    )
    return replace(refund, **facts)  # type: ignore[arg-type]  # the tests name real fields


def a_capture(attempt: Attempt, **facts: object) -> FurtherCapture:
    """Return a further capture of all that the attempt took, changed as told."""
    capture = FurtherCapture(
        attempt_id=attempt.attempt_id,
        order_id=attempt.order_id,
        account=attempt.account,
        provider_trade_no=f"T/{new_id()}",
        amount=attempt.charge.amount,
        found_at=NOW,
    )
    return replace(capture, **facts)  # type: ignore[arg-type]  # the tests name real fields


def an_event(order: Order, **facts: object) -> Event:
    """Return the news that the order is paid, changed as told."""
    event = Event(
        event_id=new_id(),
        kind=EventKind.ORDER_PAID,
        subject=order.order_id,
        order_no=order.order_no,
        at=NOW,
        data={"amount": Money(8880, "CNY").to_json(), "note": ODD_TEXT, "": ""},
    )
    return replace(event, **facts)  # type: ignore[arg-type]  # the tests name real fields


def an_attention_item(**facts: object) -> AttentionItem:
    """Return an attention item, changed as told."""
    item = AttentionItem(
        attention_id=new_id(),
        code=AttentionCode.AMOUNT_MISMATCH,
        account="tea-house",
        number=new_id(),
        at=NOW,
        source="notice",
        data={"amount": "0.01 CNY", "note": ODD_TEXT},
    )
    return replace(item, **facts)  # type: ignore[arg-type]  # the tests name real fields


ABOUT = {
    AttentionCode.UNKNOWN_TOO_LONG: About.ATTEMPT,
    AttentionCode.REFUND_TOO_LONG: About.REFUND,
    AttentionCode.REFUND_STUCK: About.REFUND,
    AttentionCode.UNTOLD_TOO_LONG: About.EVENT,
}
"""What a call of each code is about."""


def a_call(code: AttentionCode, subject: str, **facts: object) -> AttentionItem:
    """Return a call of our own for a human, about this subject."""
    return an_attention_item(code=code, about=ABOUT[code], subject=subject, **facts)


def an_ending(**facts: object) -> Ending:
    """Return how an attention item ended, changed as told."""
    ending = Ending(at=NOW, resolution=Resolution.NOTED, why=ODD_TEXT, by="olga")
    return replace(ending, **facts)  # type: ignore[arg-type]  # the tests name real fields


def a_fact(words: str) -> RefundDecided:
    """Return what a line may say, with somebody's words."""
    its = Money(MINOR_MAX, "JPY")
    return RefundDecided(refund_no="R-1", amount=its, cause=RefundCause.SHOP, reason=words)


def a_line(order: Order, **facts: object) -> StoryEntry:
    """Return a line of the order's story, changed as told."""
    line = StoryEntry(
        order_id=order.order_id,
        at=NOW,
        fact=a_fact(ODD_TEXT),
        attempt_id=None,
    )
    return replace(line, **facts)  # type: ignore[arg-type]  # the tests name real fields


def all_orders() -> Iterator[Order]:
    """Yield orders that together have every kind of value in every field."""
    for state in OrderState:
        yield order_in(state, version=len(state))
    yield order_in(
        OrderState.CLOSED, end_reason=EndReason.CANCELLED, late_payment=LatePayment.REFUND
    )
    yield an_order(subject=ODD_TEXT, user_id="!~'\"\\;--", key="a:b/c%_", order_no="A-z_0.9")
    yield an_order(subject="🍵" * 120, user_id="u" * 128, key="k" * 128, order_no="n" * 64)
    yield an_order(amount=Money(1, "JPY"))
    yield an_order(amount=Money(MINOR_MAX, "KWD"), version=2**31 - 1)
    yield an_order(created_at=NOW.replace(microsecond=0), shown_until=NOW.replace(microsecond=1))
    yield an_order(created_at=NOW.astimezone(BEIJING))
    yield an_order(
        created_at=datetime(1970, 1, 1, tzinfo=UTC),
        shown_until=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    )


def all_attempts(order: Order) -> Iterator[Attempt]:
    """Yield attempts of the order that together have every kind of value in every field."""
    won = AttemptState.SUCCEEDED  # one at most
    samples = [
        *(attempt_in(state, order) for state in AttemptState if state is not won),
        *(attempt_in(AttemptState.OPEN, order, page=page) for page in PAGES),
        an_attempt(order, charge=a_charge(payer=Payer(), instalments=None)),
        an_attempt(order, charge=a_charge(device=Device.PHONE, number="aB345678")),
        *(an_attempt(order, charge=a_charge(page_kind=kind)) for kind in PageKind),
        an_attempt(order, charge=a_charge(amount=Money(MINOR_MAX, "KWD"), number="9" * 32)),
        an_attempt(order, next_check_at=None, watch_until=NOW.astimezone(BEIJING)),
        attempt_in(
            won,
            order,
            provider_trade_no="2026031422001",
            captured_at=NOW - TICK,
        ),
    ]
    for idx, sample in enumerate(samples, start=1):
        yield replace(sample, idx=idx, fingerprint=f"{idx:032x}")


def all_refunds(attempt: Attempt) -> Iterator[Refund]:
    """Yield refunds of the attempt that together have every kind of value in every field."""
    for state in RefundState:
        yield a_refund(attempt, state=state, tries=len(state), leased_until=NOW + TICK)
    yield a_refund(attempt, cause=RefundCause.DUPLICATE, reason=ODD_TEXT, next_try_at=None)
    yield a_refund(attempt, provider_refund_no="50300806962026", problem=ODD_TEXT)
    yield a_refund(attempt, cause=RefundCause.FURTHER, trade_no="4200000000202011", sent_at=NOW)
    yield a_refund(attempt, amount=Money(1, "JPY"), created_at=NOW.astimezone(BEIJING))


async def keep(
    unit_of_work: UnitOfWork, *things: Order | Attempt | Refund | Event | AttentionItem
) -> None:
    """Write the samples down in one transaction, all of them."""
    async with unit_of_work() as work:
        for thing in things:
            match thing:
                case Order():
                    kept = await work.orders.add(thing)
                case Attempt():
                    kept = await work.attempts.add(thing)
                case Refund():
                    kept = await work.refunds.add(thing)
                case Event():
                    kept = await work.outbox.add(thing)
                case AttentionItem():
                    kept = await work.attention.add(thing)
                case _:
                    assert_never(thing)
            assert kept, f"refused: {thing}"
        await work.commit()


async def a_kept_attempt(
    unit_of_work: UnitOfWork, state: AttemptState = AttemptState.CREATING, **facts: object
) -> Attempt:
    """Return an attempt in this state that is in the store, free to be asked for."""
    order = an_order()
    attempt = attempt_in(state, order, **{"asking_until": None, **facts})
    await keep(unit_of_work, order, attempt)
    return attempt


async def a_paid_order(unit_of_work: UnitOfWork, **facts: object) -> tuple[Order, Attempt]:
    """Return an order and an attempt of it that are in the store."""
    order = an_order()
    attempt = an_attempt(order, **facts)
    await keep(unit_of_work, order, attempt)
    return order, attempt


async def a_kept_refund(unit_of_work: UnitOfWork, **facts: object) -> Refund:
    """Return a refund that is in the store, due now and free."""
    _, attempt = await a_paid_order(unit_of_work)
    refund = a_refund(attempt, **facts)
    await keep(unit_of_work, refund)
    return refund


def readable(rows: Sequence[T | RowUnreadable]) -> list[T]:
    """Return rows of which each must have been read."""
    found: list[T] = []
    for row in rows:
        assert not isinstance(row, RowUnreadable), row.message
        found.append(row)
    return found
