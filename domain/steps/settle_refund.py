"""``settle_refund``: the one way from a provider's word on a refund to its state and events."""

import hashlib
from dataclasses import replace
from datetime import datetime

from retender.domain.model.attention import AttentionCode
from retender.domain.model.cause import Cause, Reason, Source
from retender.domain.model.event import Event, EventKind
from retender.domain.model.lease import is_free
from retender.domain.model.refund import MOST_TRIES, Refund, next_try
from retender.domain.model.story_money import RefundAnswered, RefundMisfit, RefundTold
from retender.domain.model.transition import AttemptEvent, RefundEvent, RefundState
from retender.domain.steps.open_attention import attention_about, facts_of_refund, open_attention
from retender.domain.steps.tell import tell
from retender.ports.new_id import NewId
from retender.ports.payment_provider import RefundReceipt, RefundReceiptState
from retender.ports.unit_of_work import Work


async def settle_refund(
    work: Work,
    refund: Refund,
    receipt: RefundReceipt,
    *,
    source: Source,
    at: datetime,
    new_id: NewId,
    held_until: datetime | None = None,
    absence_proves: bool = False,
) -> None:
    """
    Draw from a refund receipt what it proves, in the caller's transaction.

    DONE ends it, and the surplus with it; FAILED makes it STUCK, for an
    operator; PENDING plans another look; NOT_FOUND makes it due again, under
    the same number. FAILED of one that is DONE may be an old word that comes late:
    it is DOUBTED, and asked after. Where the absence proves nothing, since nobody was asked
    or it is too early, NOT_FOUND plans another look as well. Harmless when repeated. That the
    money went back counts whoever brings it; what is planned or given up is so by the holder of
    the lease, if there is one, since a "no" is as old as its question, and the holder may be
    sending.
    """
    await work.orders.hold(refund.order_id)  # before the rows of it: so does everybody
    if _is_contradicted(refund, receipt):
        await _keep_misfit(work, refund, receipt, source, at=at, held_until=held_until)
        return
    answered = RefundAnswered(
        refund_no=refund.refund_no,
        number=refund.number,
        source=source,
        answer=receipt.state,
        amount=receipt.amount,
        provider_refund_no=receipt.provider_refund_no,
        absence_proves=absence_proves,
        words=receipt.problem,
    )
    await tell(work, refund, answered, at=at)
    cause = Cause(
        reason=Reason.REFUND_ANSWERED, source=source, answer=receipt.state, words=receipt.problem
    )
    match receipt.state:
        case RefundReceiptState.DONE:
            number = receipt.provider_refund_no
            await confirm_refund(
                work, refund, cause=cause, at=at, new_id=new_id, provider_refund_no=number
            )
        case RefundReceiptState.FAILED if refund.state is RefundState.DONE:
            await _doubt(work, refund, receipt, cause=cause, at=at)
        case RefundReceiptState.FAILED:
            await fail_refund(
                work,
                refund,
                cause,
                at=at,
                new_id=new_id,
                held_until=held_until,
                provider_refund_no=receipt.provider_refund_no,
            )
        case RefundReceiptState.PENDING:
            if refund.tries >= MOST_TRIES:
                cause = Cause(reason=Reason.TRIES_RAN_OUT)
                await fail_refund(work, refund, cause, at=at, new_id=new_id, held_until=held_until)
            else:
                known = receipt.provider_refund_no
                await look_again(work, refund, known, at=at, held_until=held_until)
        case RefundReceiptState.NOT_FOUND if not absence_proves:
            await look_again(work, refund, at=at, held_until=held_until)
        case RefundReceiptState.NOT_FOUND:
            await _try_what_is_absent(
                work, refund, cause, at=at, new_id=new_id, held_until=held_until
            )


def _is_contradicted(refund: Refund, receipt: RefundReceipt) -> bool:
    """Tell whether what we know and what a receipt says cannot both be true."""
    if receipt.amount is not None and receipt.amount != refund.amount:
        return True
    return receipt.state is RefundReceiptState.DONE and refund.state is RefundState.OVERTAKEN


async def _try_what_is_absent(
    work: Work,
    refund: Refund,
    cause: Cause,
    *,
    at: datetime,
    new_id: NewId,
    held_until: datetime | None,
) -> None:
    """
    Send what never arrived again; what was done once cannot be absent, and is a human's.

    Not if it was sent again since it was asked after: of that one nothing was said.
    """
    found = await work.refunds.get(refund.refund_no)
    if found is not None and found.sent_at != refund.sent_at:
        return
    if refund.state is RefundState.DOUBTED:
        cause = Cause(reason=Reason.REVERSED_AND_UNKNOWN)
        await fail_refund(work, refund, cause, at=at, new_id=new_id, held_until=held_until)
    else:
        await try_refund_again(work, refund, cause, at=at, new_id=new_id, held_until=held_until)


async def look_again(
    work: Work,
    refund: Refund,
    provider_refund_no: str | None = None,
    *,
    at: datetime,
    held_until: datetime | None,
) -> None:
    """Plan another look at a refund, unless it is held by another, who does the same."""
    planned, token = next_try(refund, at), _token(refund, held_until, at)
    await work.refunds.reschedule(refund.refund_no, planned, provider_refund_no, held_until=token)


def _token(refund: Refund, held_until: datetime | None, at: datetime) -> datetime | None:
    """Return what the row must bear still: the caller's lease, or the one that is over."""
    if held_until is None and is_free(refund.leased_until, at):
        return refund.leased_until  # nobody's then, and it must be nobody's still
    return held_until


async def try_refund_again(
    work: Work,
    refund: Refund,
    cause: Cause,
    *,
    at: datetime,
    new_id: NewId,
    held_until: datetime | None,
) -> None:
    """Plan to send the same number again; after the last try an operator is called."""
    if refund.tries >= MOST_TRIES:
        cause = Cause(reason=Reason.TRIES_RAN_OUT, words=problem_words(cause))
        await fail_refund(work, refund, cause, at=at, new_id=new_id, held_until=held_until)
        return
    await work.refunds.move(
        refund.refund_no,
        RefundEvent.TRY_AGAIN,
        at=at,
        cause=cause,
        next_try_at=next_try(refund, at),
        problem=problem_words(cause),
        held_until=held_until,
    )


async def _doubt(
    work: Work, refund: Refund, receipt: RefundReceipt, *, cause: Cause, at: datetime
) -> None:
    """Have it asked after, now. What was said to be given back in all held it: that is over."""
    doubted = await work.refunds.move(
        refund.refund_no,
        RefundEvent.DOUBTED,
        at=at,
        cause=cause,
        next_try_at=at,
        provider_refund_no=receipt.provider_refund_no,
        problem=problem_words(cause),
    )
    if not doubted:
        return
    await work.attempts.forget_total(refund.attempt_id)
    if refund.is_automatic:
        await work.attempts.move(refund.attempt_id, AttemptEvent.REFUND_DOUBTED, at=at, cause=cause)


async def fail_refund(
    work: Work,
    refund: Refund,
    cause: Cause,
    *,
    at: datetime,
    new_id: NewId,
    held_until: datetime | None,
    provider_refund_no: str | None = None,
) -> None:
    """
    Give up on a refund for good: STUCK, with the provider's own words, for an operator.

    Not if somebody else holds it, or has held it since it was loaded: an operator
    may have had it sent again, and its amount would be free while it is on its way.
    """
    problem = problem_words(cause)
    failed = await work.refunds.move(
        refund.refund_no,
        RefundEvent.FAILED,
        at=at,
        cause=cause,
        provider_refund_no=provider_refund_no,
        problem=problem,
        held_until=_token(refund, held_until, at),
    )
    if not failed:
        return
    if refund.is_automatic:
        await work.attempts.move(refund.attempt_id, AttemptEvent.REFUND_FAILED, at=at, cause=cause)
    reversed_ = refund.state is RefundState.DOUBTED
    kind = EventKind.REFUND_REVERSED if reversed_ else EventKind.REFUND_STUCK
    await announce_refund(work, refund, kind, at=at, new_id=new_id, problem=problem)
    order = await work.orders.by_id(refund.order_id)
    stuck = replace(refund, state=RefundState.STUCK, problem=problem)
    item = attention_about(
        stuck,
        None if order is None else order.order_no,
        code=AttentionCode.REFUND_STUCK,
        attention_id=new_id(),
        at=at,
        source="refused for good, or its tries ran out",
        data=facts_of_refund(stuck),
    )
    await open_attention(work, item)


async def give_up_unsent(
    work: Work,
    refund: Refund,
    cause: Cause,
    *,
    at: datetime,
    new_id: NewId,
    held_until: datetime | None,
) -> None:
    """Give up on a DUE refund that must not be sent; nothing moved under its number."""
    if held_until is None and not is_free(refund.leased_until, at):
        return  # whoever holds it finds out the same
    sent = await work.refunds.move(
        refund.refund_no, RefundEvent.SENT, at=at, cause=cause, held_until=held_until
    )
    if sent:
        await fail_refund(work, refund, cause, at=at, new_id=new_id, held_until=held_until)


async def confirm_refund(
    work: Work,
    refund: Refund,
    *,
    cause: Cause,
    at: datetime,
    new_id: NewId,
    provider_refund_no: str | None = None,
) -> bool:
    """End a refund as DONE, and its surplus with it, and tell the shop; False if it was DONE."""
    if refund.state is RefundState.DUE:
        # Its answer was lost and the notice came first: it had been sent.
        await work.refunds.move(refund.refund_no, RefundEvent.SENT, at=at, cause=cause)
    done = await work.refunds.move(
        refund.refund_no,
        RefundEvent.CONFIRMED,
        at=at,
        cause=cause,
        provider_refund_no=provider_refund_no,
    )
    if not done:
        return False
    if refund.is_automatic:
        await work.attempts.move(
            refund.attempt_id, AttemptEvent.REFUND_CONFIRMED, at=at, cause=cause
        )
    if refund.state is not RefundState.DOUBTED:  # of that one the shop has heard nothing else
        kind = EventKind.SURPLUS_REFUNDED if refund.is_of_surplus else EventKind.REFUND_DONE
        await announce_refund(work, refund, kind, at=at, new_id=new_id)
    return True


async def _keep_misfit(
    work: Work,
    refund: Refund,
    receipt: RefundReceipt,
    source: Source,
    *,
    at: datetime,
    held_until: datetime | None,
) -> None:
    """Keep a word on another amount than ours for a human; it settles nothing."""
    code = AttentionCode.AMOUNT_MISMATCH
    ours = None if refund.state is RefundState.OVERTAKEN else refund.amount
    misfit = RefundMisfit(
        refund_no=refund.refund_no,
        number=refund.number,
        source=source,
        answer=receipt.state,
        said=receipt.amount,
        ours=ours,
        provider_refund_no=receipt.provider_refund_no,
    )
    await tell(work, refund, misfit, at=at)
    claim = f"{code}|refund|{refund.number}|{receipt.amount}"
    order = await work.orders.by_id(refund.order_id)
    item = attention_about(
        refund,
        None if order is None else order.order_no,
        code=code,
        attention_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
        at=at,
        source=source,
        data={"amount": str(receipt.amount or refund.amount), "ours": str(ours or "nothing")},
    )
    await work.attention.add(item)
    # It stays SENT until a human decides; without a plan it would be asked about at once again.
    await look_again(work, refund, receipt.provider_refund_no, at=at, held_until=held_until)


async def announce_refund(
    work: Work, refund: Refund, kind: EventKind, *, at: datetime, new_id: NewId, **more: str
) -> None:
    """
    Let the shop hear what became of a refund, and say so in the story.

    To be called once for each change of its state. A refund that was done, reversed and done
    again is told of each time: the second event bears its own id as its subject.
    """
    order = await work.orders.by_id(refund.order_id)
    if order is None:  # a foreign key forbids it
        message = f"Refund {refund.refund_no} has no order."
        raise LookupError(message)
    event = Event(
        event_id=new_id(),
        kind=kind,
        subject=refund.refund_no,
        order_no=order.order_no,
        at=at,
        data={
            "refund_no": refund.refund_no,
            "amount": refund.amount.to_json(),
            "cause": str(refund.cause),
            **more,
        },
    )
    if not await work.outbox.add(event):
        await work.outbox.add(replace(event, subject=event.event_id))
    told = RefundTold(
        refund_no=refund.refund_no,
        event=kind,
        amount=refund.amount,
        cause=refund.cause,
        problem=more.get("problem"),
    )
    await tell(work, refund, told, at=at)


def problem_words(cause: Cause) -> str:
    """Return what a refund keeps as its problem: the provider's own words, or the bare reason."""
    bare = cause.reason.replace("_", " ")
    if cause.reason is Reason.TRIES_RAN_OUT:
        return f"{bare}; {cause.words}" if cause.words else bare
    if cause.reason is Reason.NOT_LISTED_BOTH:
        return f"{bare}: {' and '.join(cause.trade_nos)}"
    if cause.reason is Reason.REFUND_ANSWERED:
        return cause.words or f"{cause.source}: {cause.answer}"
    return cause.words or bare
