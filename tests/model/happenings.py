"""Happenings: what payers do at the providers, and what providers do by themselves."""

from collections.abc import Container, Iterator

from retender.tests.model.providers import CONSOLE, is_payable, put, takes_money
from retender.tests.model.state import HOSTED, Books, Fate, Phase, Till, Trade

Event = tuple[str, str, Books]
"""What happens at a provider by itself: whose doing, in words, the books after it."""


def what_payers_do(
    books: Books,
    phase: Phase,
    seen: Container[str],
    *,
    late: bool,
    lies: bool,
    twice: bool = False,
) -> Iterator[Event]:
    """
    Yield what payers may do at the providers now.

    They find every page but a hosted one, which they have from us alone: ``seen`` are the
    numbers of those that were kept, and so may have been shown.
    """
    for till in books:
        if till.account == HOSTED and till.ours not in seen:
            continue
        if is_payable(till, phase) or (late and is_payable(till, Phase.PAST_UPSTREAM)):
            if till.state is Trade.LATENT:
                scanned = till._replace(state=Trade.OPEN)
                yield "u", f"the payer scans {till.number}", put(books, scanned)
            else:
                words = f"the payer PAYS {till.number} at {till.account}"
                paid = _paid(till, in_time=phase is Phase.IN_TIME)
                yield "u", words, put(books, paid)
                if twice and till.account == HOSTED:
                    yield "f", f"{words}, twice", put(put(books, paid), paid.further)
        elif lies and till.state is Trade.CLOSED and takes_money(phase):
            words = f"{till.account} lied: {till.number} is PAID although it was closed"
            yield "f", words, put(books, _paid(till, in_time=False))


def _paid(till: Till, *, in_time: bool) -> Till:
    return till._replace(state=Trade.PAID, in_time=in_time, notices=(till.number,))


def what_providers_do(
    books: Books, *, hears_all: bool, console: bool = False, reverses: bool = False
) -> Iterator[Event]:
    """Yield what providers may do by themselves: refunds come to an end, notices get lost."""
    for till in books:
        for number, fate in till.refunds:
            if fate is Fate.PENDING:
                yield "s", f"{number} is done", put(books, ended(till, number, Fate.DONE))
                yield "f", f"{number} fails", put(books, ended(till, number, Fate.FAILED))
        by_hand = f"{CONSOLE}{till.number}"
        if console and till.account == HOSTED and till.holds_money and not till.fate_of(by_hand):
            words = f"somebody gives {till.number} back at the console"
            yield "u", words, put(books, ended(till, by_hand, Fate.DONE))
        # What no question of ours would bring up is told until it is heard.
        twice = till.reference and sum(o.reference == till.reference for o in books) > 1
        sure = tuple(
            notice
            for notice in till.notices
            if twice or notice.startswith(CONSOLE) or (reverses and ":" in notice)
        )
        if len(till.notices) > len(sure) and not hears_all:
            words = f"notices of {till.number} are lost for good"
            yield "f", words, put(books, till._replace(notices=sure))


def what_is_reversed(books: Books) -> Iterator[tuple[str, Books]]:
    """Yield refunds of ours at the hosted provider that fail after they were done."""
    for till in books:
        for number, fate in till.refunds if till.account == HOSTED else ():
            if fate is Fate.DONE and not number.startswith(CONSOLE):
                words = f"{number} fails after it was done"
                yield words, put(books, ended(till, number, Fate.FAILED))


def ended(till: Till, number: str, fate: Fate) -> Till:
    """Return the entry after a refund came to its end, of which a notice tells."""
    notice = f"{number}:{fate}"
    notices = (*(n for n in till.notices if not n.startswith(f"{number}:")), notice)
    return till.with_fate(number, fate)._replace(notices=tuple(sorted(notices)))
