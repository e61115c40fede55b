"""Mapping: rows to values of the model and back, each field by name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from retender.adapters.sql.facts import fact_of, facts_text
from retender.adapters.sql.reading import AnyRow, reader
from retender.adapters.sql.seal import PageSeal
from retender.domain.model.attempt import Attempt, Charge
from retender.domain.model.attention import AttentionCode, AttentionItem, Ending
from retender.domain.model.event import Event
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.payer import Payer
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import StoryEntry

Values: TypeAlias = dict[str, object]


def order_values(order: Order) -> Values:
    """Return an order as column values."""
    return {
        "order_id": order.order_id,
        "order_no": order.order_no,
        "user_id": order.user_id,
        "subject": order.subject,
        "amount_minor": order.amount.minor,
        "currency": order.amount.currency,
        "order_key": order.key,
        "created_at": order.created_at,
        "shown_until": order.shown_until,
        "state": order.state,
        "winner": order.winner,
        "end_reason": order.end_reason,
        "late_payment": order.late_payment,
        "version": order.version,
    }


@reader("order", "order_id")
def order_of(row: AnyRow) -> Order:
    """Return the order of a row."""
    return Order(
        order_id=row.order_id,
        order_no=row.order_no,
        user_id=row.user_id,
        subject=row.subject,
        amount=Money(row.amount_minor, row.currency),
        key=row.order_key,
        created_at=row.created_at,
        shown_until=row.shown_until,
        state=row.state,
        winner=row.winner,
        end_reason=row.end_reason,
        late_payment=row.late_payment,
        version=row.version,
    )


def sums_of(row: AnyRow) -> OrderSums:
    """Return the sums beside an order's row; databases add up to numbers of various kinds."""
    return OrderSums(
        taken=Money(int(row.taken_minor), row.currency),
        given_back=Money(int(row.given_back_minor), row.currency),
        going_back=Money(int(row.going_back_minor), row.currency),
    )


def attempt_values(attempt: Attempt, seal: PageSeal) -> Values:
    """Return an attempt and its charge as column values, page and payer sealed."""
    charge = attempt.charge
    page = attempt.page
    return {
        "attempt_id": attempt.attempt_id,
        "order_id": attempt.order_id,
        "idx": attempt.idx,
        "account": attempt.account,
        "fingerprint": attempt.fingerprint,
        "number": charge.number,
        "reference": charge.reference,
        "amount_minor": charge.amount.minor,
        "currency": charge.amount.currency,
        "client_type": charge.client_type,
        "device": charge.device,
        "page_kind": charge.page_kind,
        "created_at": charge.created_at,
        "expires_at": charge.expires_at,
        "charge_details": _charge_details(charge),
        "watch_until": attempt.watch_until,
        "state": attempt.state,
        "sealed_page": None if page is None else seal.seal(attempt.attempt_id, page),
        "sealed_payer": seal.seal_payer(attempt.attempt_id, charge.payer),
        "page_until": attempt.page_until,
        "opened_at": attempt.opened_at,
        "asking_until": attempt.asking_until,
        "next_check_at": attempt.next_check_at,
        "checks": attempt.checks,
        "leased_until": attempt.leased_until,
        "provider_trade_no": attempt.provider_trade_no,
        "captured_at": attempt.captured_at,
        "told_back_minor": None if attempt.told_back is None else attempt.told_back.minor,
    }


@reader("attempt", "attempt_id")
def attempt_of(row: AnyRow, seal: PageSeal) -> Attempt:
    """Return the attempt of a row; a page or payer that does not open is none."""
    sealed_page, sealed_payer = row.sealed_page, row.sealed_payer
    page = None if sealed_page is None else seal.open(row.attempt_id, sealed_page)
    payer = seal.open_payer(row.attempt_id, sealed_payer)
    # A payer of whom nothing is known is never sealed.
    lost = (sealed_page is not None and page is None) or (
        sealed_payer is not None and payer == Payer()
    )
    return Attempt(
        attempt_id=row.attempt_id,
        order_id=row.order_id,
        idx=row.idx,
        account=row.account,
        fingerprint=row.fingerprint,
        charge=_charge_of(row, row.charge_details, payer),
        watch_until=row.watch_until,
        state=row.state,
        page=page,
        page_until=row.page_until,
        opened_at=row.opened_at,
        asking_until=row.asking_until,
        next_check_at=row.next_check_at,
        checks=row.checks,
        leased_until=row.leased_until,
        provider_trade_no=row.provider_trade_no,
        captured_at=row.captured_at,
        told_back=_money_of(row.told_back_minor, row.currency),
        undecryptable=lost,
    )


def _money_of(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _charge_details(charge: Charge) -> Values:
    """Return what of a charge is only ever read back whole."""
    return {
        "order_no": charge.order_no,
        "subject": charge.subject,
        "notify_url": charge.notify_url,
        "instalments": charge.instalments,
    }


def _charge_of(row: AnyRow, details: Mapping[str, Any], payer: Payer) -> Charge:
    return Charge(
        number=row.number,
        order_no=details["order_no"],
        amount=Money(row.amount_minor, row.currency),
        subject=details["subject"],
        client_type=row.client_type,
        device=row.device,
        page_kind=row.page_kind,
        created_at=row.created_at,
        expires_at=row.expires_at,
        notify_url=details["notify_url"],
        payer=payer,
        instalments=details["instalments"],
        reference=row.reference,
    )


def refund_values(refund: Refund) -> Values:
    """Return a refund as column values."""
    return {
        "refund_no": refund.refund_no,
        "number": refund.number,
        "order_id": refund.order_id,
        "attempt_id": refund.attempt_id,
        "account": refund.account,
        "amount_minor": refund.amount.minor,
        "currency": refund.amount.currency,
        "cause": refund.cause,
        "reason": refund.reason,
        "created_at": refund.created_at,
        "state": refund.state,
        "tries": refund.tries,
        "next_try_at": refund.next_try_at,
        "leased_until": refund.leased_until,
        "provider_refund_no": refund.provider_refund_no,
        "problem": refund.problem,
        "trade_no": refund.trade_no,
        "sent_at": refund.sent_at,
    }


@reader("refund", "refund_no")
def refund_of(row: AnyRow) -> Refund:
    """Return the refund of a row."""
    return Refund(
        refund_no=row.refund_no,
        number=row.number,
        order_id=row.order_id,
        attempt_id=row.attempt_id,
        account=row.account,
        amount=Money(row.amount_minor, row.currency),
        cause=row.cause,
        reason=row.reason,
        created_at=row.created_at,
        state=row.state,
        tries=row.tries,
        next_try_at=row.next_try_at,
        leased_until=row.leased_until,
        provider_refund_no=row.provider_refund_no,
        problem=row.problem,
        trade_no=row.trade_no,
        sent_at=row.sent_at,
    )


def capture_values(capture: FurtherCapture) -> Values:
    """Return a further capture as column values."""
    return {
        "account": capture.account,
        "provider_trade_no": capture.provider_trade_no,
        "attempt_id": capture.attempt_id,
        "order_id": capture.order_id,
        "amount_minor": capture.amount.minor,
        "currency": capture.amount.currency,
        "found_at": capture.found_at,
    }


@reader("further capture", "provider_trade_no")
def capture_of(row: AnyRow) -> FurtherCapture:
    """Return the further capture of a row."""
    return FurtherCapture(
        attempt_id=row.attempt_id,
        order_id=row.order_id,
        account=row.account,
        provider_trade_no=row.provider_trade_no,
        amount=Money(row.amount_minor, row.currency),
        found_at=row.found_at,
    )


def event_values(event: Event) -> Values:
    """Return an event as column values."""
    return {
        "event_id": event.event_id,
        "kind": event.kind,
        "subject": event.subject,
        "order_no": event.order_no,
        "at": event.at,
        "data": event.data,
    }


@reader("event", "event_id")
def event_of(row: AnyRow) -> Event:
    """Return the event of a row."""
    return Event(
        event_id=row.event_id,
        kind=row.kind,
        subject=row.subject,
        order_no=row.order_no,
        at=row.at,
        data=row.data,
    )


def attention_values(item: AttentionItem) -> Values:
    """Return an attention item as column values."""
    return {
        "attention_id": item.attention_id,
        "code": item.code,
        "account": item.account,
        "number": item.number,
        "at": item.at,
        "source": item.source,
        "data": item.data,
        "about": item.about,
        "subject": item.subject,
        "order_no": item.order_no,
        **({} if item.ending is None else ending_values(item.ending)),
    }


def ending_values(ending: Ending) -> Values:
    """Return how an attention item ended as column values; together they are set or null."""
    return {
        "ended_at": ending.at,
        "resolution": ending.resolution,
        "ended_why": ending.why,
        "ended_by": ending.by,
    }


def attention_of(row: AnyRow) -> AttentionItem:
    """
    Return the attention item of a row.

    One that cannot be read is a call for a human all the same: it says that it cannot be read,
    and is ended like any other. So it hides no other call.
    """
    try:
        return _attention_of(row)
    except RowUnreadable as unreadable:
        at = row.at if isinstance(row.at, datetime) else datetime.fromtimestamp(0, UTC)
        return AttentionItem(
            attention_id=unreadable.key,
            code=AttentionCode.ROW_UNREADABLE,
            account=unreadable.facts.get("account", ""),
            number=unreadable.facts.get("number", ""),
            at=at,
            source=f"this call itself: {unreadable.why}",
        )


@reader("attention", "attention_id")
def _attention_of(row: AnyRow) -> AttentionItem:
    return AttentionItem(
        attention_id=row.attention_id,
        code=row.code,
        account=row.account,
        number=row.number,
        at=row.at,
        source=row.source,
        data=row.data,
        about=row.about,
        subject=row.subject,
        order_no=row.order_no,
        ending=None
        if row.ended_at is None
        else Ending(at=row.ended_at, resolution=row.resolution, why=row.ended_why, by=row.ended_by),
    )


def entry_values(entry: StoryEntry) -> Values:
    """Return a line of a story as column values."""
    return {
        "order_id": entry.order_id,
        "attempt_id": entry.attempt_id,
        "at": entry.at,
        "kind": entry.kind,
        "facts": facts_text(entry.fact),
    }


@reader("line of the story", "seq")
def entry_of(row: AnyRow) -> StoryEntry:
    """Return the line of a row."""
    return StoryEntry(
        order_id=row.order_id,
        attempt_id=row.attempt_id,
        at=row.at,
        fact=fact_of(row.kind, row.facts),
    )
