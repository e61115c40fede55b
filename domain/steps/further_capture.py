"""Tell a repeat of known evidence from money that was taken once more."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem
from retender.domain.model.cause import Source
from retender.domain.model.event import Event, EventKind
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import Refund, RefundCause, further_refund_number
from retender.domain.steps.open_attention import open_attention
from retender.ports.new_id import NewId
from retender.ports.payment_provider import Capture, ProviderTerms, Receipt
from retender.ports.unit_of_work import Work


async def known_already(
    work: Work,
    attempt: Attempt,
    receipt: Receipt,
    terms: ProviderTerms | None,
    *,
    source: Source,
    at: datetime,
    new_id: NewId,
) -> Outcome:
    """
    Tell a repeat from money that was taken once more (protocol, revision 2, rule 1).

    The first trade number that is heard is the capture's own. Another one is another capture
    only where the terms say so: a provider may name one capture by two ids. What was taken
    once more is in every sum. It goes back by itself only where a refund says which trade's
    money goes back, and then not before a query listed both. Else our refund would go by our
    number, which both captures bear: a human decides.
    """
    told = _told(attempt, receipt)
    known = attempt.provider_trade_no
    if known is None and told:
        known = told[0].provider_trade_no
        await work.attempts.fill_in(attempt.attempt_id, provider_trade_no=known)
    if terms is None or not terms.trade_no_is_capture:
        return Outcome.KNOWN
    outcome = Outcome.KNOWN
    for capture in told:
        further = FurtherCapture(
            attempt_id=attempt.attempt_id,
            order_id=attempt.order_id,
            account=attempt.account,
            provider_trade_no=capture.provider_trade_no,
            amount=capture.amount,
            found_at=at,
        )
        if capture.provider_trade_no == known or not await work.attempts.add_capture(further):
            continue
        automatic = terms.refunds.names_trade
        if automatic and await _give_back(work, attempt, further, at=at, new_id=new_id):
            outcome = Outcome.SURPLUS
            continue
        its = replace(receipt, provider_trade_no=capture.provider_trade_no, amount=capture.amount)
        code = AttentionCode.FURTHER_CAPTURE
        item = attention_of_receipt(attempt.account, attempt, its, code, source=source, at=at)
        data = {**item.data, "first_trade_no": known or ""}
        await open_attention(work, replace(item, data=data))
        outcome = Outcome.ATTENTION
    return outcome


def _told(attempt: Attempt, receipt: Receipt) -> Sequence[Capture]:
    """Return the captures that a receipt speaks of, the one that it is about first."""
    if receipt.provider_trade_no is None:
        return receipt.captures
    about = Capture(receipt.provider_trade_no, attempt.charge.amount)  # another one is a misfit
    others = [c for c in receipt.captures if c.provider_trade_no != about.provider_trade_no]
    return (about, *others)


async def _give_back(
    work: Work, attempt: Attempt, capture: FurtherCapture, *, at: datetime, new_id: NewId
) -> bool:
    """Write its refund down, and tell the shop; False if its number is taken."""
    number = further_refund_number(capture.account, capture.provider_trade_no)
    refund = Refund(
        refund_no=number,
        number=number,
        order_id=attempt.order_id,
        attempt_id=attempt.attempt_id,
        account=attempt.account,
        amount=capture.amount,
        cause=RefundCause.FURTHER,
        reason="Paid twice",
        created_at=at,
        next_try_at=at,
        trade_no=capture.provider_trade_no,
    )
    if not await work.refunds.add(refund):
        return False
    await work.outbox.add(
        Event(
            event_id=new_id(),
            kind=EventKind.SURPLUS_FOUND,
            subject=number,
            order_no=attempt.charge.order_no,
            at=at,
            data={
                "account": attempt.account,
                "amount": capture.amount.to_json(),
                "cause": str(refund.cause),
                "refund_no": number,
            },
        )
    )
    return True


def attention_of_receipt(
    account: str,
    attempt: Attempt | None,
    receipt: Receipt,
    code: AttentionCode,
    *,
    source: Source,
    at: datetime,
) -> AttentionItem:
    """Return what calls a human to evidence that fits nothing; named by what it says, so once."""
    number = receipt.number or receipt.reference or ""
    claim = f"{code}|{account}|{number}|{receipt.amount}|{receipt.foreign}"
    if code is AttentionCode.FURTHER_CAPTURE:
        claim = f"{claim}|{receipt.provider_trade_no}"
    return AttentionItem(
        attention_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
        code=code,
        account=account,
        number=number,
        at=at,
        source=source,
        data={
            "amount": str(receipt.amount),
            "state": str(receipt.state),
            "provider_trade_no": receipt.provider_trade_no or "",
            "foreign": receipt.foreign or "",
        },
        about=None if attempt is None else About.ATTEMPT,
        subject=None if attempt is None else attempt.attempt_id,
        order_no=None if attempt is None else attempt.charge.order_no,
    )
