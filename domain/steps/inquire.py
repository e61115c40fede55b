"""Ask a provider what became of an attempt, close it if wanted, and believe only what is proven."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import ProviderError, ProviderUnavailable
from retender.domain.model.event import StoryKind
from retender.domain.model.named import named_attempt
from retender.domain.model.outcome import Outcome
from retender.domain.steps.captured import apply_receipt, facts_of, facts_of_receipt, tell
from retender.domain.steps.open_attention import settle_absence
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.new_id import NewId
from retender.ports.payment_provider import PaymentProvider, ProviderTerms, Receipt, ReceiptState
from retender.ports.time_budget import TimeBudget
from retender.ports.unit_of_work import UnitOfWork
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
        return await self._settled(provider, attempt, "query")

    async def close(self, provider: PaymentProvider, attempt: Attempt) -> Receipt | None:
        """
        Close, settle what it proves, and confirm with a query what it does not.

        The wish to close must be written down already. None if the provider
        did not say.
        """
        receipt = await self._settled(provider, attempt, "close")
        if receipt is None or receipt.state is ReceiptState.OPEN:
            receipt = await self._settled(provider, attempt, "query")
        return receipt

    async def _settled(
        self, provider: PaymentProvider, attempt: Attempt, verb: str
    ) -> Receipt | None:
        with named_attempt(attempt):
            return await self._asked(provider, attempt, verb)

    async def _asked(
        self, provider: PaymentProvider, attempt: Attempt, verb: str
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
            ask = provider.close if verb == "close" else provider.query
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
        verb, asked_at = question.verb, question.asked_at
        # Looked at now, as the answer itself may have told that our clock is wrong.
        sure = not self.clock.is_wrong(attempt.account)
        page = question.terms.page_for(attempt.charge)
        asked = {
            "account": attempt.account,
            "source": verb,
            "asked_at": asked_at.isoformat(),
        }
        async with self.unit_of_work() as work:
            at = self.clock()
            if receipt is None:
                answer = f"{verb} of {attempt.account}: no answer that proves anything"
                await tell(
                    work,
                    attempt,
                    at=at,
                    what=answer,
                    why=str(problem),
                    kind=StoryKind.NO_ANSWER,
                    facts={**({} if problem is None else facts_of(problem)), **asked},
                )
            else:
                outcome = await apply_receipt(
                    work,
                    attempt,
                    receipt,
                    terms=question.terms,
                    asked_at=asked_at if sure else None,
                    source=verb,
                    at=at,
                    new_id=self.new_id,
                )
                its = receipt.state is not ReceiptState.NOT_FOUND and receipt.foreign is None
                if page.is_there_with_page and its:
                    await settle_absence(work, attempt.account, at=at)
                await tell(
                    work,
                    attempt,
                    at=at,
                    what=f"{verb} of {attempt.account}: {receipt.state}",
                    why=_meaning(attempt, receipt, outcome, sure=sure),
                    kind=StoryKind.ANSWER,
                    facts={**facts_of_receipt(receipt), **asked, "outcome": outcome},
                )
            await work.commit()


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, on what terms, and when it was sent."""

    verb: str
    terms: ProviderTerms
    asked_at: datetime


def is_askable(provider: PaymentProvider, attempt: Attempt) -> bool:
    """Tell whether the provider can be asked: by its own reference, or by our number."""
    return attempt.reference is not None or provider.terms.asked_by_number


_MEANING = {
    Outcome.WON: "believed: it is the order's payment",
    Outcome.SURPLUS: "believed: it is a surplus, and goes back",
    Outcome.DEAD: "believed: it can take no money any more",
    Outcome.ATTENTION: "it fits nothing, and waits for a human",
    Outcome.KNOWN: "noted, proves nothing new",
    Outcome.CONTRADICTED: "disbelieved: its page was handed out, so it is there; a human looks",
    Outcome.NOTHING: "noted: it can still be paid",
}


def _meaning(attempt: Attempt, receipt: Receipt, outcome: Outcome, *, sure: bool) -> str:
    """Say what an answer proves, or why it proves nothing."""
    if outcome is Outcome.NOTHING and receipt.state is ReceiptState.NOT_FOUND:
        if not sure:
            return "proves nothing: our clock and others are too far apart"
        until = attempt.watch_until.isoformat()
        return f"proves nothing: until {until} its page may still make the trade"
    return _MEANING[outcome]
