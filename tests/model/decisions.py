"""
Decisions: what a human may say of what waits for one, and what becomes of the money then.

Any of the ways to end an attention item may be called at any time, also when it makes no
sense any more: refusing it is production's business. Who is honest looks into the
provider's books first, and

* calls nothing dead that was paid,
* says "retry" once the provider will look at a refused number as if it were new,
* says "refunded" if the books show it, or means to give the money back by other
  means: once the word was accepted, so that nobody of ours begins to send it any
  more, once those who were at it are done, and if the books show the money there then.

A liar says all of that whether it is so or not, and gives back nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from retender.domain.model.attention import ESCALATIONS, AttentionCode, AttentionItem, Resolution
from retender.domain.model.transition import LIVE, UNDER_WAY, AttemptState, RefundState
from retender.domain.use_cases.resolve_attention import ResolveAttention
from retender.tests.model.ground import Core
from retender.tests.model.handlers import Job
from retender.tests.model.happenings import ended
from retender.tests.model.providers import find, is_payable, put
from retender.tests.model.rules import Rules
from retender.tests.model.state import Books, Fate, Ledger, Phase, Till, Trade, Waits


class Decision(NamedTuple):
    """What is said of what: all of a job's ``about``."""

    resolution: Resolution
    waits: Waits

    def __str__(self) -> str:
        """Return it as the job's ``about``."""
        return f"{self.resolution}/{self.waits.code}/{self.waits.subject}"

    @classmethod
    def of(cls, job: Job) -> "Decision":
        """Read it from the job."""
        resolution, code, subject = job.about.split("/")
        return cls(Resolution(resolution), Waits(AttentionCode(code), subject))


async def decide(resolve: ResolveAttention, about: str) -> AttentionItem:
    """Let a human end an attention item."""
    said = Decision.of(Job("decide", about))
    return await resolve(
        attention_id=said.waits.attention_id,
        resolution=said.resolution,
        reason="I have looked",
        by="bea",
    )


def may_decide(rules: Rules, ledger: Ledger, books: Books) -> Iterator[tuple[str, Job]]:
    """Yield what may be said, in words, sensible or not."""
    for waits in sorted(ledger.waiting):
        for resolution in sorted(rules.decides):
            attempt = ledger.attempt_by_id(waits.subject)
            till = None if attempt is None else find(books, attempt.number)
            paid = till is not None and till.state is Trade.PAID
            if resolution is Resolution.DEAD and paid and not rules.liars:
                continue
            job = Job("decide", str(Decision(resolution, waits)))
            yield f"a human says {resolution} of {waits.subject}", job


def after_the_word(core: Core, job: Job) -> Core:
    """Keep in mind what was said although it is not so, or not yet; a retry is judged anew."""
    said = Decision.of(job)
    attempt = core.ledger.attempt_by_id(said.waits.subject)
    refund = next((r for r in core.ledger.refunds if r.refund_no == said.waits.subject), None)
    untrue, books = core.untrue, core.books
    if said.resolution is Resolution.DEAD and attempt is not None:
        till = find(core.books, attempt.number)
        if till is not None and till.state is Trade.PAID:
            untrue |= {attempt.number}
    elif said.resolution is Resolution.REFUNDED and refund is not None:
        till = _till_of(core, refund.attempt_id)
        if till is not None and till.fate_of(refund.number) is not Fate.DONE:
            untrue |= {refund.number}
    elif said.resolution is Resolution.RETRY and refund is not None:
        till = _till_of(core, refund.attempt_id)
        if till is not None and till.fate_of(refund.number) is Fate.REFUSED:
            books = put(books, till.without_fate(refund.number))
    return core._replace(untrue=untrue, books=books)


def goes_too_far(core: Core, after: Ledger) -> str | None:
    """Say that a human's word did what no word may do, if it did."""
    if after.order is not core.ledger.order:
        return "O"
    for old, new in zip(core.ledger.attempts, after.attempts, strict=True):
        if new.state is old.state:
            continue
        till = find(core.books, new.number)
        too_early = till is not None and is_payable(till, core.phase)
        if new.state not in _BY_WORD or (new.state is AttemptState.CLOSED and too_early):
            return "O"
    return None


_BY_WORD = {AttemptState.CLOSED, AttemptState.REFUNDING, AttemptState.REFUNDED}
"""What an attempt may become because somebody says something."""


def what_is_handed_over(core: Core, rules: Rules) -> Iterator[tuple[str, Core]]:
    """Yield money that is given back by other means, as it was said; only honest people do it."""
    for refund in core.ledger.refunds:
        till = _till_of(core, refund.attempt_id)
        if rules.liars or refund.number not in core.untrue or till is None:
            continue
        if any(fate is Fate.PENDING for _, fate in till.refunds):
            continue  # whoever looks into the books sees it on its way, and waits
        words, books = f"the books show the money of {refund.number} gone", core.books
        if till.holds_money:
            words = f"a human hands over the money of {refund.number}, as was said"
            books = put(books, till.with_fate(by_other_means(refund.number), Fate.DONE))
        yield words, core._replace(books=books, untrue=core.untrue - {refund.number})


def by_other_means(number: str) -> str:
    """Return under what the books of the model note money that a human handed over."""
    return f"H{number}"


def what_must_wait(ledger: Ledger, phase: Phase) -> frozenset[Waits]:
    """Return what ``Escalate`` would call a human for, if it had no patience at all."""
    calls = set()
    if phase is Phase.PAST_WATCH:
        live = (attempt for attempt in ledger.attempts if attempt.state in LIVE)
        calls |= {Waits(AttentionCode.UNKNOWN_TOO_LONG, attempt.attempt_id) for attempt in live}
    for refund in ledger.refunds:
        if refund.state in UNDER_WAY:
            calls.add(Waits(AttentionCode.REFUND_TOO_LONG, refund.refund_no))
        elif refund.state is RefundState.STUCK:
            calls.add(Waits(AttentionCode.REFUND_STUCK, refund.refund_no))
    return frozenset(calls)


def is_well_called(ledger: Ledger, phase: Phase) -> bool:
    """Tell whether a human is called for all that waits for one, and for nothing that is over."""
    ours = {waits for waits in ledger.waiting if waits.code in ESCALATIONS}
    return ours == what_must_wait(ledger, phase)


def is_misled(core: Core, till: Till, rules: Rules) -> bool:
    """
    Tell whether we keep this money because of a lie.

    A lie about a refund costs its money. One about an attempt costs nothing where
    its provider tells us of the payment until we have heard it.
    """
    attempt = core.ledger.attempt_of(till.number)
    if not rules.liars or attempt is None:
        return False
    refunds = [r for r in core.ledger.refunds if r.attempt_id == attempt.attempt_id]
    unheard = till.number in core.untrue and not rules.hears_all
    return unheard or any(refund.number in core.untrue for refund in refunds)


def finished_by_hand(core: Core, rules: Rules) -> Iterator[tuple[str, Books]]:
    """
    Yield stuck refunds that an operator has finished at the provider, under their own numbers.

    Who does that looks that no other is under way, here or there, and has us
    ask after it before the shop asks for another.
    """
    refunds = core.ledger.refunds
    shop_asks = len(rules.shop_refunds) > sum(not r.is_automatic for r in refunds)
    if not rules.operator or shop_asks:
        return
    for refund in refunds:
        others = [r for r in refunds if r.attempt_id == refund.attempt_id and r.state in UNDER_WAY]
        till = _till_of(core, refund.attempt_id)
        if refund.state is not RefundState.STUCK or others or till is None:
            continue
        if till.holds_money and not any(fate is Fate.PENDING for _, fate in till.refunds):
            words = f"an operator has {refund.number} finished at {till.account} by hand"
            yield words, put(core.books, ended(till, refund.number, Fate.DONE))


def _till_of(core: Core, attempt_id: str) -> Till | None:
    attempt = core.ledger.attempt_by_id(attempt_id)
    return None if attempt is None else find(core.books, attempt.number)
