"""Refunds that we did not make: what another hand gave back is written into the books."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem
from retender.domain.model.cause import Cause, Reason, Source
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.transition import (
    UNDER_WAY,
    AttemptEvent,
    RefundEvent,
    RefundState,
)
from retender.domain.steps.open_attention import open_attention
from retender.domain.steps.settle_refund import announce_refund, fail_refund
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import Work


async def hear_of_total(
    work: Work, attempt: Attempt, total: Money, *, source: Source, at: datetime, new_id: NewId
) -> None:
    """
    Reckon with all that a provider says was given back of a charge, whoever did it.

    What is more than ours that are DONE is another hand's (protocol, revision 2, rule 7). While
    one of ours is under way nothing is drawn: whose money it is shows once that is known, so
    the greatest total is kept. Harmless when repeated.
    """
    its = attempt.attempt_id
    await reckon_total(work, its, total, source=source, at=at, new_id=new_id)
    await work.attempts.hear_total(its, total)


async def reckon_total(
    work: Work,
    attempt_id: str,
    total: Money | None = None,
    *,
    source: Source,
    at: datetime,
    new_id: NewId,
) -> None:
    """
    Draw from the greatest total that was heard what it proves; also when one of ours has ended.

    ``total`` is one that is heard just now.
    """
    attempt = await work.attempts.get(attempt_id)
    if attempt is None or (total is None and attempt.told_back is None):
        return
    its = await _of_attempt(work, attempt)
    if any(refund.state in UNDER_WAY for refund in its):
        return
    attempt = await work.attempts.get(attempt_id) or attempt  # nobody changes it from now on
    told = max(known.minor for known in (attempt.told_back, total) if known is not None)
    external = told - _given_back(its)
    if external <= 0:
        return
    name = f"{attempt.attempt_id}|{told}"
    amount = Money(external, attempt.charge.amount.currency)
    await _write_down(work, attempt, its, amount, name=name, source=source, at=at, new_id=new_id)


async def hear_of_one(
    work: Work,
    attempt: Attempt,
    amount: Money,
    *,
    number: str,
    source: Source,
    at: datetime,
    new_id: NewId,
) -> None:
    """
    Reckon with one refund of another hand that a provider names by its own number.

    What was drawn from a total before may be this very refund: only what is above that counts,
    until the next total is told.
    """
    its = await _of_attempt(work, attempt)
    more = amount.minor - sum(refund.amount.minor for refund in its if _is_of_total(refund))
    if more > 0:
        await _write_down(
            work,
            attempt,
            its,
            Money(more, amount.currency),
            name=number,
            source=source,
            at=at,
            new_id=new_id,
            is_named=True,
        )


async def hear_of_reversal(
    work: Work, attempt: Attempt, *, number: str, words: str | None, at: datetime, new_id: NewId
) -> bool:
    """
    Reckon with a refund of another hand that failed, perhaps after it was done.

    Nobody can be asked by a number that is not ours, so it is a human's at once. False if
    only a human can tell whether it is in our books.
    """
    refund = await work.refunds.by_number(attempt.account, _number(attempt, number))
    if refund is None:
        others = await _of_attempt(work, attempt)
        return not any(_is_of_total(other) for other in others)  # it may be in there
    cause = Cause(reason=Reason.REVERSED, words=words)
    doubted = await work.refunds.move(refund.refund_no, RefundEvent.DOUBTED, at=at, cause=cause)
    if doubted:
        await work.attempts.forget_total(attempt.attempt_id)
        its = replace(refund, state=RefundState.DOUBTED)
        await fail_refund(work, its, cause, at=at, new_id=new_id, held_until=None)
    return True


async def is_overtaken(work: Work, refund: Refund, *, told: Money | None = None) -> bool:
    """
    Tell whether another hand gave back what a refund of ours was to give back.

    Of a request of the shop: so much that it leaves too little. Of a surplus: all of it, since
    what is left of that is the payer's; with a part of it gone, it is a human's.
    """
    attempt = await work.attempts.get(refund.attempt_id)
    if attempt is None:
        return False
    its = await _of_attempt(work, attempt)
    gone = max(_given_back(its), 0 if told is None else told.minor)
    return _is_overtaken(refund, await _taken(work, attempt) - gone)


def _is_overtaken(refund: Refund, left: int) -> bool:
    return left <= 0 if refund.is_of_surplus else refund.amount.minor > left


async def overtake(work: Work, refund: Refund, *, at: datetime, new_id: NewId) -> None:
    """
    End a refund of ours whose money another hand gave back; nothing moved under its number.

    It is in no sum. The surplus that it was to give back is given back all the same.
    """
    cause = Cause(reason=Reason.OVERTAKEN)
    if not await work.refunds.move(refund.refund_no, RefundEvent.OVERTAKEN, at=at, cause=cause):
        return  # it came to another end meanwhile
    if refund.is_automatic:
        await work.attempts.move(
            refund.attempt_id, AttemptEvent.REFUND_CONFIRMED, at=at, cause=cause
        )
    await announce_refund(work, refund, EventKind.REFUND_OVERTAKEN, at=at, new_id=new_id)


async def _of_attempt(work: Work, attempt: Attempt) -> Sequence[Refund]:
    """Return the attempt's refunds, with the order held: sums are reckoned of them."""
    await work.orders.hold(attempt.order_id)
    refunds = await work.refunds.of_order(attempt.order_id)
    return [refund for refund in refunds if refund.attempt_id == attempt.attempt_id]


def _given_back(refunds: Sequence[Refund]) -> int:
    return sum(refund.amount.minor for refund in refunds if refund.state is RefundState.DONE)


def _is_of_total(refund: Refund) -> bool:
    """Tell whether it was drawn from a total, so that nobody knows of which refunds it is made."""
    external = refund.cause is RefundCause.EXTERNAL and refund.provider_refund_no is None
    return external and refund.state is RefundState.DONE


async def _taken(work: Work, attempt: Attempt) -> int:
    """Return all that was taken under the attempt's number, further captures too."""
    captures = await work.attempts.captures_of(attempt.order_id)
    further = [c.amount.minor for c in captures if c.attempt_id == attempt.attempt_id]
    return attempt.charge.amount.minor + sum(further)


def _number(attempt: Attempt, name: str) -> str:
    """Return our number of another hand's refund: the same for the same one."""
    digest = hashlib.sha256(f"{attempt.account}|{name}".encode()).hexdigest()[:31]
    return f"X{digest.upper()}"


async def _write_down(
    work: Work,
    attempt: Attempt,
    its: Sequence[Refund],
    amount: Money,
    *,
    name: str,
    source: Source,
    at: datetime,
    new_id: NewId,
    is_named: bool = False,
) -> None:
    number = _number(attempt, name)
    left = await _taken(work, attempt) - _given_back(its)
    if amount.minor > left and all(refund.number != number for refund in its):
        await _call_for_too_much(work, attempt, amount, number=number, source=source, at=at)
        return
    external = Refund(
        refund_no=number,
        number=number,
        order_id=attempt.order_id,
        attempt_id=attempt.attempt_id,
        account=attempt.account,
        amount=amount,
        cause=RefundCause.EXTERNAL,
        reason="Given back by another hand",
        created_at=at,
        state=RefundState.DONE,
        provider_refund_no=name if is_named else None,
    )
    if not await work.refunds.add(external):
        return  # it was heard of before
    await announce_refund(work, external, EventKind.REFUND_EXTERNAL, at=at, new_id=new_id)
    for refund in its:
        if refund.state is RefundState.STUCK and _is_overtaken(refund, left - amount.minor):
            await overtake(work, refund, at=at, new_id=new_id)


async def _call_for_too_much(
    work: Work, attempt: Attempt, amount: Money, *, number: str, source: Source, at: datetime
) -> None:
    """Let more than was captured wait for a human: such a sum is nobody's to believe."""
    order = await work.orders.by_id(attempt.order_id)
    claim = f"{AttentionCode.AMOUNT_MISMATCH}|{number}|{amount}"
    await open_attention(
        work,
        AttentionItem(
            attention_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
            code=AttentionCode.AMOUNT_MISMATCH,
            account=attempt.account,
            number=attempt.number,
            at=at,
            source=source,
            data={"refunded": str(amount), "captured": str(attempt.charge.amount)},
            about=About.ATTEMPT,
            subject=attempt.attempt_id,
            order_no=None if order is None else order.order_no,
        ),
    )
