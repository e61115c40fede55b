"""TakeNotice: hear a provider's message, believe what is proven, and answer it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retender.domain.model.attention import About, AttentionCode, AttentionItem
from retender.domain.model.cause import Source
from retender.domain.model.errors import NoticeRejected
from retender.domain.model.named import named
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story_money import NoticeHeard
from retender.domain.model.transition import CAPTURED
from retender.domain.steps.captured import (
    apply_receipt,
    attempt_of,
    captured,
)
from retender.domain.steps.external_refund import (
    hear_of_one,
    hear_of_reversal,
    hear_of_total,
    reckon_total,
)
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.settle_refund import settle_refund
from retender.domain.steps.tell import answer_of, tell
from retender.domain.use_cases.set_aside import SetAside
from retender.ports.accounts import Accounts
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.payment_provider import (
    Acknowledgement,
    Notice,
    RawNotice,
    Receipt,
    RefundReceipt,
    RefundReceiptState,
)
from retender.ports.unit_of_work import UnitOfWork, Work


class NoticeOutcome(StrEnum):
    """What became of a message that is the provider's; part of the API."""

    TAKEN = "NOTICE_TAKEN"
    REPEATED = "NOTICE_REPEATED"
    IGNORED = "NOTICE_IGNORED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTaken:
    """
    What to answer, and what became of the message.

    Attributes:
        acknowledgement: in the provider's own form.
        code: ``NOTICE_...`` as taken or rejected, ``EVIDENCE_...`` if it fits nothing.
        order_no: the shop's order that it speaks of, where there is one.

    """

    acknowledgement: Acknowledgement
    code: str
    order_no: str | None = None


@dataclass(frozen=True, slots=True)
class TakeNotice:
    """
    Verify, note, settle, commit, and only then say "received".

    A message that is not proven changes nothing and is answered with a failure,
    so an honest provider sends again. One that is proven but fits nothing is
    kept as an attention item and acknowledged: sending it again would not help.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: Clock
    new_id: NewId

    async def __call__(self, *, account: str, raw: RawNotice) -> NoticeTaken:
        """
        Take one message; the same one again is harmless.

        Raises:
            UnknownName: no such account.
            ProviderError, StoreBusy, StoreUncertain: could not be taken now, or nobody
                knows if it was; answer with 5xx, and the provider sends again.
            RowUnreadable: what it speaks of cannot be read, and waits for a human.

        """
        provider = self.accounts.get(account).provider
        try:
            with named(account=account):
                notice = await provider.parse_notice(raw)
        except NoticeRejected as problem:
            return NoticeTaken(acknowledgement=provider.acknowledge(problem), code=problem.code)
        try:
            code, order_no = await self._take(account, notice, raw)
        except RowUnreadable as unreadable:  # it comes again, and finds the row mended some day
            if unreadable.what in {About.ORDER, About.ATTEMPT, About.REFUND}:
                set_aside = SetAside(self.unit_of_work, self.clock, self.new_id)
                await set_aside(unreadable, About(unreadable.what), unreadable.key)
            raise
        return NoticeTaken(acknowledgement=provider.acknowledge(None), code=code, order_no=order_no)

    @retry_when_busy
    async def _take(self, account: str, notice: Notice, raw: RawNotice) -> tuple[str, str | None]:
        async with self.unit_of_work() as work:
            taken = await self._settle(work, account, notice, raw)
            await work.commit()
        return taken

    async def _settle(
        self, work: Work, account: str, notice: Notice, raw: RawNotice
    ) -> tuple[str, str | None]:
        now = self.clock()
        body_hash = hashlib.sha256(raw.body).hexdigest()
        if not await work.inbox.add(account, notice.event_key, body_hash, now):
            return NoticeOutcome.REPEATED, None
        if notice.receipt is not None:
            heard = await self._hear(work, account, notice, notice.receipt, now)
            if notice.receipt.foreign is not None:
                return heard  # nothing else that it says is about us, either
            if notice.refund is not None:
                await self._hear_of_ours(work, account, notice.refund, now)
            if notice.receipt.refunded is not None:
                await self._hear_of_total(work, account, notice.receipt, now)
            return heard
        if notice.refund is not None:
            return await self._hear_of_refund(work, account, notice.refund, now)
        return NoticeOutcome.IGNORED, None

    async def _hear(
        self, work: Work, account: str, notice: Notice, receipt: Receipt, now: datetime
    ) -> tuple[str, str | None]:
        """Weigh what it says of a charge; nobody was asked, so absence proves nothing."""
        attempt = await attempt_of(work, account, receipt)
        if attempt is None:
            await captured(
                work,
                account=account,
                receipt=receipt,
                source=Source.NOTICE,
                at=now,
                new_id=self.new_id,
            )
            foreign = receipt.foreign is not None
            return AttentionCode.FOREIGN if foreign else AttentionCode.UNKNOWN_NUMBER, None
        place = work.story.place()
        outcome = await apply_receipt(
            work,
            attempt,
            receipt,
            terms=self.accounts.get(account).provider.terms,
            asked_at=None,
            source=Source.NOTICE,
            at=now,
            new_id=self.new_id,
            fresh=True,
        )
        heard = NoticeHeard(
            account=account,
            event_key=notice.event_key,
            answer=answer_of(receipt),
            outcome=outcome,
            about=notice.about or None,
        )
        await tell(work, attempt, heard, at=now, place=place)
        order_no = attempt.charge.order_no
        if outcome is Outcome.ATTENTION:
            foreign = receipt.foreign is not None
            if foreign:
                return AttentionCode.FOREIGN, order_no
            fits = receipt.amount == attempt.charge.amount
            return (
                AttentionCode.FURTHER_CAPTURE if fits else AttentionCode.AMOUNT_MISMATCH,
                order_no,
            )
        return NoticeOutcome.TAKEN, order_no

    async def _hear_of_ours(
        self, work: Work, account: str, receipt: RefundReceipt, now: datetime
    ) -> None:
        """
        Settle the refund half of a notice that speaks of a charge, too.

        Only under a number of ours: where a refund had none, such notices bear the charge's
        own number in its place. What others gave back is told by the charge's total.
        """
        refund = await work.refunds.by_number(account, receipt.number)
        if refund is not None:
            await self._settle_refund(work, refund, receipt, now)

    async def _settle_refund(
        self, work: Work, refund: Refund, receipt: RefundReceipt, now: datetime
    ) -> None:
        await settle_refund(work, refund, receipt, source=Source.NOTICE, at=now, new_id=self.new_id)
        await reckon_total(
            work, refund.attempt_id, source=Source.NOTICE, at=now, new_id=self.new_id
        )

    async def _hear_of_total(
        self, work: Work, account: str, receipt: Receipt, now: datetime
    ) -> None:
        attempt = await attempt_of(work, account, receipt)
        if attempt is not None and attempt.state in CAPTURED and receipt.refunded is not None:
            await hear_of_total(
                work, attempt, receipt.refunded, source=Source.NOTICE, at=now, new_id=self.new_id
            )

    async def _hear_of_stranger(
        self, work: Work, account: str, receipt: RefundReceipt, now: datetime
    ) -> str | None:
        """Write down a refund that we did not make; None if it is of no charge of ours."""
        if receipt.charge_number is None or receipt.amount is None:
            return None
        attempt = await work.attempts.by_number(account, receipt.charge_number)
        # That it was paid may be heard later: that money went back proves that it was.
        if attempt is None or not (attempt.is_live or attempt.state in CAPTURED):
            return None
        if receipt.state is RefundReceiptState.DONE:
            await hear_of_one(
                work,
                attempt,
                receipt.amount,
                number=receipt.number,
                source=Source.NOTICE,
                at=now,
                new_id=self.new_id,
            )
        elif receipt.state is RefundReceiptState.FAILED:
            known = await hear_of_reversal(
                work,
                attempt,
                number=receipt.number,
                words=receipt.problem,
                at=now,
                new_id=self.new_id,
            )
            if not known:
                return None
        return attempt.charge.order_no

    async def _hear_of_refund(
        self, work: Work, account: str, receipt: RefundReceipt, now: datetime
    ) -> tuple[str, str | None]:
        refund = await work.refunds.by_number(account, receipt.number)
        if refund is None:
            order_no = await self._hear_of_stranger(work, account, receipt, now)
            if order_no is not None:
                return NoticeOutcome.TAKEN, order_no
            claim = f"{AttentionCode.UNKNOWN_REFUND}|{account}|{receipt.number}|{receipt.state}"
            await work.attention.add(
                AttentionItem(
                    attention_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
                    code=AttentionCode.UNKNOWN_REFUND,
                    account=account,
                    number=receipt.number,
                    at=now,
                    source=Source.NOTICE,
                    data={"amount": str(receipt.amount), "state": str(receipt.state)},
                )
            )
            return AttentionCode.UNKNOWN_REFUND, None
        await self._settle_refund(work, refund, receipt, now)
        order = await work.orders.by_id(refund.order_id)
        return NoticeOutcome.TAKEN, None if order is None else order.order_no
