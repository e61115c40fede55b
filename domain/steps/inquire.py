"""Ask a provider what became of an attempt, close it if wanted, and believe only what is proven."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Source
from retender.domain.model.errors import ProviderError, ProviderUnavailable
from retender.domain.model.named import named_attempt
from retender.domain.model.story_money import ProviderAnswered, ProviderDidNotAnswer
from retender.domain.steps.captured import apply_receipt
from retender.domain.steps.open_attention import settle_absence
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.tell import answer_of, problem_of, tell
from retender.ports.new_id import NewId
from retender.ports.payment_provider import PaymentProvider, ProviderTerms, Receipt, ReceiptState
from retender.ports.time_budget import TimeBudget
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class Inquire:
    """
    Query, close, confirm; no transaction is open while a provider is asked.

    What the provider did not say stays unknown: a time-out, an error, a "not
    found" before its time change nothing.

    Attributes:
        budget: the time that a command has for all its questions; None for whoever
            has the time that the transport gives.

    """

    unit_of_work: UnitOfWork
    clock: WatchedClock
    new_id: NewId
    budget: TimeBudget | None = None

    async def ask(self, provider: PaymentProvider, attempt: Attempt) -> Receipt | None:
        """Query and settle what it proves; None if the provider did not say."""
        return await self._settled(provider, attempt, Source.QUERY)

    async def close(self, provider: PaymentProvider, attempt: Attempt) -> Receipt | None:
        """
        Close, settle what it proves, and confirm with a query what it does not.

        The wish to close must be written down already. None if the provider
        did not say.
        """
        receipt = await self._settled(provider, attempt, Source.CLOSE)
        if receipt is None or receipt.state is ReceiptState.OPEN:
            receipt = await self._settled(provider, attempt, Source.QUERY)
        return receipt

    async def _settled(
        self, provider: PaymentProvider, attempt: Attempt, verb: Source
    ) -> Receipt | None:
        with named_attempt(attempt):
            return await self._asked(provider, attempt, verb)

    async def _asked(
        self, provider: PaymentProvider, attempt: Attempt, verb: Source
    ) -> Receipt | None:
        # Noted before the question is sent: a trade may be made while we wait.
        asked_at = self.clock()
        receipt: Receipt | None = None
        problem: ProviderError | None = None
        charge = attempt.charge
        try:
            if not is_askable(provider, attempt):
                message = f"Nothing was sent: {attempt.account} is asked by its own reference only."
                raise ProviderUnavailable(message)
            ask = provider.close if verb is Source.CLOSE else provider.query
            receipt = await (self.budget.answer(ask, charge) if self.budget else ask(charge))
        except ProviderError as error:
            problem = error
        asked = _Question(verb, provider.terms, asked_at)
        await self._noted(attempt, asked, receipt, problem)
        return receipt

    @retry_when_busy
    async def _noted(
        self,
        attempt: Attempt,
        question: "_Question",
        receipt: Receipt | None,
        problem: ProviderError | None,
    ) -> None:
        """Settle what an answer proves, and write it into the story."""
        # Looked at now, as the answer itself may have told that our clock is wrong.
        sure = not self.clock.is_wrong(attempt.account)
        async with self.unit_of_work() as work:
            if receipt is not None:
                await self._apply(work, attempt, question, receipt, sure=sure)
            if problem is not None:
                silence = ProviderDidNotAnswer(
                    account=attempt.account,
                    source=question.verb,
                    asked_at=question.asked_at,
                    problem=problem_of(problem),
                )
                await tell(work, attempt, silence, at=self.clock())
            await work.commit()

    async def _apply(
        self, work: Work, attempt: Attempt, question: "_Question", receipt: Receipt, *, sure: bool
    ) -> None:
        at, place = self.clock(), work.story.place()
        outcome = await apply_receipt(
            work,
            attempt,
            receipt,
            terms=question.terms,
            asked_at=question.asked_at if sure else None,
            source=question.verb,
            at=at,
            new_id=self.new_id,
        )
        page = question.terms.page_for(attempt.charge)
        its = receipt.state is not ReceiptState.NOT_FOUND and receipt.foreign is None
        if page.is_there_with_page and its:
            await settle_absence(work, attempt.account, at=at)
        answered = ProviderAnswered(
            account=attempt.account,
            source=question.verb,
            asked_at=question.asked_at,
            answer=answer_of(receipt),
            outcome=outcome,
            watch_until=attempt.watch_until,
            clock_is_wrong=not sure,
        )
        await tell(work, attempt, answered, at=at, place=place)


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, on what terms, and when it was sent."""

    verb: Source
    terms: ProviderTerms
    asked_at: datetime


def is_askable(provider: PaymentProvider, attempt: Attempt) -> bool:
    """Tell whether the provider can be asked: by its own reference, or by our number."""
    return attempt.reference is not None or provider.terms.asked_by_number
