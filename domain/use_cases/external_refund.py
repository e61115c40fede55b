"""Refunds that we did not make: what another hand gave back is written into the books."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.event import EventKind
from retender.domain.model.incident import About, Incident, IncidentCode
from retender.domain.model.money import Money
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.transition import (
    UNDER_WAY,
    AttemptEvent,
    RefundEvent,
    RefundState,
)
from retender.domain.use_cases.call_human import call_human
from retender.domain.use_cases.settle_refund import announce_refund
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import Work


async def hear_of_total(
    work: Work, attempt: Attempt, total: Money, *, source: str, at: datetime, new_id: NewId
) -> None:
    """
    Reckon with all that a provider says was given back of a capture, whoever did it.

    What is more than ours that are DONE is another hand's (protocol, revision 2, rule 7). While
    one of ours is under way nothing is drawn: whose money it is shows once that is known.
    Harmless when repeated.
    """
    its = await _of_attempt(work, attempt)
    if any(refund.state in UNDER_WAY for refund in its):
        return
    external = total.minor - sum(_given_back(its))
    if external <= 0:
        return
    name = f"{attempt.attempt_id}|{total.minor}"
    amount = Money(external, total.currency)
    await _write_down(work, attempt, its, amount, name=name, source=source, at=at, new_id=new_id)


async def hear_of_one(
    work: Work,
    attempt: Attempt,
    amount: Money,
    *,
    number: str,
    source: str,
    at: datetime,
    new_id: NewId,
) -> None:
    """Reckon with one refund of another hand that a provider names by its own number."""
    its = await _of_attempt(work, attempt)
    await _write_down(work, attempt, its, amount, name=number, source=source, at=at, new_id=new_id)


async def overtake(work: Work, refund: Refund, *, at: datetime, new_id: NewId) -> bool:
    """
    End a refund of ours whose money another hand gave back; nothing moved under its number.

    It is in no sum. The surplus that it was to give back is given back all the same.
    """
    why = "another hand gave back what it was to give back"
    if not await work.refunds.move(refund.refund_no, RefundEvent.OVERTAKEN, at=at, why=why):
        return False
    if refund.is_automatic:
        await work.attempts.move(refund.attempt_id, AttemptEvent.REFUND_CONFIRMED, at=at, why=why)
    await announce_refund(work, refund, EventKind.REFUND_OVERTAKEN, at=at, new_id=new_id)
    return True


async def _of_attempt(work: Work, attempt: Attempt) -> Sequence[Refund]:
    """Return the attempt's refunds, with the order held: sums are reckoned of them."""
    await work.orders.hold(attempt.order_id)
    refunds = await work.refunds.of_order(attempt.order_id)
    return [refund for refund in refunds if refund.attempt_id == attempt.attempt_id]


def _given_back(refunds: Sequence[Refund]) -> list[int]:
    return [refund.amount.minor for refund in refunds if refund.state is RefundState.DONE]


async def _write_down(
    work: Work,
    attempt: Attempt,
    its: Sequence[Refund],
    amount: Money,
    *,
    name: str,
    source: str,
    at: datetime,
    new_id: NewId,
) -> None:
    number = "X" + hashlib.sha256(f"{attempt.account}|{name}".encode()).hexdigest()[:31].upper()
    left = attempt.charge.amount.minor - sum(_given_back(its))
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
    )
    if not await work.refunds.add(external):
        return  # it was heard of before
    await announce_refund(work, external, EventKind.REFUND_EXTERNAL, at=at, new_id=new_id)
    for refund in its:
        if refund.state is RefundState.STUCK and refund.amount.minor > left - amount.minor:
            await overtake(work, refund, at=at, new_id=new_id)


async def _call_for_too_much(
    work: Work, attempt: Attempt, amount: Money, *, number: str, source: str, at: datetime
) -> None:
    """Let more than was captured wait for a human: such a sum is nobody's to believe."""
    order = await work.orders.by_id(attempt.order_id)
    claim = f"{IncidentCode.AMOUNT_MISMATCH}|{number}|{amount}"
    await call_human(
        work,
        Incident(
            incident_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
            code=IncidentCode.AMOUNT_MISMATCH,
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
