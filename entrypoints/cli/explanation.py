"""An order explained to people: the summary, then every decision with its evidence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from retender.domain.model.attention import AttentionCode
from retender.domain.model.cause import Problem
from retender.domain.model.order import EndReason
from retender.domain.model.order_summary import EndOf, OpenEnd, OrderSummary
from retender.domain.model.refund import RefundCause
from retender.domain.model.story_money import Answer, RefundAnswered, RefundMisfit
from retender.domain.model.transition import OrderState
from retender.entrypoints.cli.formatting import instant, since, state
from retender.entrypoints.cli.story import show_open_attention, show_order, speaker_of, sum_of
from retender.entrypoints.words.language import Language
from retender.entrypoints.words.phrase import Phrase, Several, only, phrase
from retender.entrypoints.words.speaker import Speaker

if TYPE_CHECKING:
    from rich.console import Console

    from retender.domain.model.attempt import Attempt
    from retender.domain.model.order_story import OrderStory
    from retender.domain.model.refund import Refund
    from retender.domain.model.story import Fact


@dataclass(frozen=True, slots=True)
class _Told:
    """One thing of the timeline, its texts ready to be shown."""

    at: datetime
    whose: str | None
    what: str
    why: str


def show_explanation(
    console: "Console", story: "OrderStory", language: Language = Language.ENGLISH
) -> None:
    """Tell first what it came to, then how and why; times are counted from the placing."""
    start, speaker = story.order.created_at, speaker_of(story.order, language)
    show_order(console, story.order, speaker)
    show_open_attention(console, story.attention, speaker)
    title = phrase("Summary")
    console.print(f"\n[bold]{speaker.text(title)}[/bold]")
    for sentence in _summary(story, speaker):
        _print(console, speaker.text(sentence))
    told = list(_told(story, speaker))
    its = [one for one in told if one.whose is None]
    _show_part(console, speaker, phrase("The order"), "", its, start=start)
    for attempt in story.attempts:
        title = phrase("#{idx}  {way}", idx=attempt.idx, way=_way(attempt))
        won = " ★" if story.order.winner == attempt.attempt_id else ""
        about = f"  {state(attempt.state)}{won}  [dim]{attempt.number}[/dim]"
        its = [one for one in told if one.whose == attempt.attempt_id]
        _show_part(console, speaker, title, about, its, start=start)


# --- the summary --------------------------------------------------------------------------


def _summary(story: "OrderStory", speaker: Speaker) -> Iterator[Phrase]:
    summary = OrderSummary.of(story)
    yield _who_won(story, summary, speaker)
    if summary.taken.minor:
        yield phrase("{sums}; {due} was due.", sums=sum_of(summary), due=story.order.amount)
    idx = {attempt.attempt_id: attempt.idx for attempt in story.attempts}
    yield from _otherwise(story, idx)
    for refund in story.refunds:
        yield phrase(
            "{amount} of #{idx} back, since {cause}: {refund} {state}.",
            amount=refund.amount,
            idx=idx[refund.attempt_id],
            cause=_cause(refund),
            refund=escape(refund.refund_no),
            state=state(refund.state),
        )
    for end in summary.open_ends:
        yield phrase("Still open: {end}.", end=_open_end(end))
    if not summary.open_ends:
        yield phrase("Nothing is open any more.")


def _cause(refund: "Refund") -> Phrase | RefundCause:
    if refund.cause is RefundCause.SHOP:
        return phrase("the shop asked ({reason})", reason=escape(refund.reason))
    return refund.cause


def _otherwise(story: "OrderStory", idx: Mapping[str, int]) -> Iterator[Phrase]:
    """Name money that was taken otherwise than asked: it is in no sum, and must not be missed."""
    for item in story.attention:
        number = idx.get(item.subject or "")
        if item.code is AttentionCode.AMOUNT_MISMATCH and number is not None:
            yield phrase(
                "{title} {account} says that it took {amount} under #{idx}, where {due} was asked "
                "for; it is in no sum, and a human must look.",
                title=_styled("bold red", phrase("In question:")),
                account=item.account,
                amount=escape(item.data["amount"]),
                idx=number,
                due=story.order.amount,
            )


def _who_won(story: "OrderStory", summary: OrderSummary, speaker: Speaker) -> Phrase:
    winner, evidence, reason = summary.winner, summary.evidence, story.order.end_reason
    if winner is None and story.order.state is not OrderState.CLOSED:
        return phrase("Nobody has paid it yet.")
    if winner is None and reason is EndReason.DEADLINE:
        return phrase("Nobody paid it in time; it ended because of: {reason}.", reason=reason)
    if winner is None:
        return phrase("Nobody paid it; it ended because of: {reason}.", reason=reason)
    won = phrase(
        "{winner}: {way}, under {number}.",
        winner=_styled("bold green", phrase("#{idx} won", idx=winner.idx)),
        way=_way(winner),
        number=winner.number,
    )
    if evidence is None:
        return won
    what, why = _line(evidence.fact, speaker)
    return phrase(
        "{won} Evidence at {at}: {what}; {why}.", won=won, at=evidence.at, what=what, why=why
    )


def _way(attempt: "Attempt") -> Phrase:
    client = attempt.charge.client_type
    return phrase("{account} from {client}", account=attempt.account, client=client)


def _styled(style: str, words: Phrase) -> Phrase:
    return Phrase(f"[{style}]{{words}}[/]", {"words": words})


def _open_end(end: OpenEnd) -> Phrase:
    stands = state(end.state)
    if end.of is EndOf.ORDER and end.until is None:
        return phrase("the order is {state} until none of its pages can take money", state=stands)
    if end.of is EndOf.ORDER:
        return phrase(
            "the order is {state} and may be paid until {until}", state=stands, until=end.until
        )
    what = _refund_stands(end.refund, stands) if end.refund else _attempt_stands(end, stands)
    if end.look_at is not None:
        return phrase(
            "{what}; the worker looks next at {at} ({instant})",
            what=what,
            at=end.look_at,
            instant=instant(end.look_at),
        )
    if end.refund is None:
        return what
    stuck = _styled("bold red", phrase("an operator must look"))
    return phrase("{what}; {stuck}", what=what, stuck=stuck)


def _refund_stands(refund: "Refund", stands: str) -> Phrase:
    its = escape(refund.refund_no)
    if not refund.problem:
        return phrase("refund {refund} is {state}", refund=its, state=stands)
    return phrase(
        "refund {refund} is {state} ({problem})",
        refund=its,
        state=stands,
        problem=escape(refund.problem),
    )


def _attempt_stands(end: OpenEnd, stands: str) -> Phrase:
    idx = end.attempt.idx if end.attempt else 0
    if end.until is None:
        return phrase("#{idx} is {state}", idx=idx, state=stands)
    return phrase(
        "#{idx} is {state}, may take money until {until}", idx=idx, state=stands, until=end.until
    )


# --- the timeline -------------------------------------------------------------------------


def _told(story: "OrderStory", speaker: Speaker) -> Iterator[_Told]:
    """Put what happened and what the shop is told in one line of time."""
    lines = [
        _Told(entry.at, entry.attempt_id, *_line(entry.fact, speaker)) for entry in story.entries
    ]
    whose = {refund.refund_no: refund.attempt_id for refund in story.refunds}
    whose |= {attempt.attempt_id: attempt.attempt_id for attempt in story.attempts}
    for event in story.events:
        is_told = speaker.text(phrase("the shop is told {event}", event=event.kind))
        lines.append(_Told(event.at, whose.get(event.subject), f"[magenta]{is_told}[/]", ""))
    # Sorting is stable: an event comes after what made it true.
    return iter(sorted(lines, key=lambda line: line.at))


def _line(fact: "Fact", speaker: Speaker) -> tuple[str, str]:
    """Say what a line tells, and why; codes and numbers stand beside it, if no word of it does."""
    what, why = speaker.line(fact)
    beside = Several(
        tuple(code for code in _codes(fact) if speaker.text(code) not in f"{what} {why}"),
        phrase(", "),
    )
    codes = escape(speaker.text(phrase(" ({codes})", codes=beside)))
    return f"{escape(what)}[dim]{codes}[/dim]" if beside.phrases else escape(what), escape(why)


def _codes(fact: "Fact") -> Iterator[Phrase]:
    problem = getattr(fact, "problem", None)
    if isinstance(problem, Problem):
        yield only(problem.code)
        if code := problem.details.get("provider_code"):
            yield only(code)
    answer = getattr(fact, "answer", None)
    if isinstance(answer, Answer) and answer.provider_trade_no:
        yield phrase("trade {number}", number=answer.provider_trade_no)
    if isinstance(fact, RefundAnswered | RefundMisfit) and fact.provider_refund_no:
        yield phrase("refund {number}", number=fact.provider_refund_no)


def _show_part(
    console: "Console",
    speaker: Speaker,
    title: Phrase,
    about: str,
    told: Iterable[_Told],
    *,
    start: datetime,
) -> None:
    """Show one part of the timeline, what repeats itself once."""
    console.print(f"\n[bold]{escape(speaker.text(title))}[/bold]{about}")
    lines = Table.grid(padding=(0, 1))
    lines.add_column(justify="right", style="cyan", no_wrap=True, min_width=9)
    lines.add_column(overflow="fold")
    for (what, why), run in groupby(told, key=lambda one: (one.what, one.why)):
        times = [since(start, one.at) for one in run]
        often = phrase("({times} times, last at {last})", times=len(times), last=times[-1])
        again = f" [dim]{speaker.text(often)}[/dim]" if times[1:] else ""
        lines.add_row(times[0], f"{what}{again}")
        if why:
            lines.add_row("", Padding(Text.from_markup(why, style="dim"), (0, 0, 0, 2)))
    console.print(lines)


def _print(console: "Console", sentence: str) -> None:
    """Print an indented paragraph."""
    paragraph = Table.grid(padding=(0, 1))
    paragraph.add_column(width=1)
    paragraph.add_column(overflow="fold")
    paragraph.add_row("", sentence)
    console.print(paragraph)
