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
from retender.domain.model.order import EndReason
from retender.domain.model.order_summary import EndOf, OpenEnd, OrderSummary
from retender.domain.model.refund import RefundCause
from retender.domain.model.transition import OrderState
from retender.entrypoints.cli.formatting import instant, since, state
from retender.entrypoints.cli.story import relative, show_open_attention, show_order, sum_of

if TYPE_CHECKING:
    from rich.console import Console

    from retender.domain.model.attempt import Attempt
    from retender.domain.model.event import StoryEntry
    from retender.domain.model.order_story import OrderStory

_BESIDE = {
    "problem": "",
    "provider_code": "",
    "attention": "",
    "provider_trade_no": "trade ",
    "provider_refund_no": "refund ",
}
"""Facts that are shown beside the words, if these do not hold them already."""

_BECAUSE = {
    RefundCause.DUPLICATE: "another attempt had paid the order",
    RefundCause.LATE: "the order was closed when the money came",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """One thing of the timeline, its texts ready to be shown."""

    at: datetime
    whose: str | None
    what: str
    why: str


def show_explanation(console: "Console", story: "OrderStory") -> None:
    """Tell first what it came to, then how and why; times are counted from the placing."""
    start = story.order.created_at
    show_order(console, story.order)
    show_open_attention(console, story.attention)
    console.print("\n[bold]OrderSummary[/bold]")
    for sentence in _summary(story):
        _print(console, sentence)
    told = list(_told(story))
    _show_part(console, "The order", "", [one for one in told if one.whose is None], start)
    for attempt in story.attempts:
        title = f"#{attempt.idx}  {attempt.account} from {attempt.charge.client_type}"
        won = " ★" if story.order.winner == attempt.attempt_id else ""
        about = f"  {state(attempt.state)}{won}  [dim]{attempt.number}[/dim]"
        its = [one for one in told if one.whose == attempt.attempt_id]
        _show_part(console, title, about, its, start)


# --- the summary --------------------------------------------------------------------------


def _summary(story: "OrderStory") -> Iterator[str]:
    start, summary = story.order.created_at, OrderSummary.of(story)
    yield _who_won(story, summary)
    if summary.taken.minor:
        yield f"{sum_of(summary)}; {story.order.amount} was due."
    idx = {attempt.attempt_id: attempt.idx for attempt in story.attempts}
    yield from _otherwise(story, idx)
    for refund in story.refunds:
        of = f"{refund.amount} of #{idx[refund.attempt_id]}"
        why = _BECAUSE.get(refund.cause, f"the shop asked ({escape(refund.reason)})")
        yield f"{of} back, since {why}: {escape(refund.refund_no)} {state(refund.state)}."
    for end in summary.open_ends:
        yield f"Still open: {_open_end(end, start)}"
    if not summary.open_ends:
        yield "Nothing is open any more."


def _otherwise(story: "OrderStory", idx: Mapping[str, int]) -> Iterator[str]:
    """Name money that was taken otherwise than asked: it is in no sum, and must not be missed."""
    for item in story.attention:
        number = idx.get(item.subject or "")
        if item.code is AttentionCode.AMOUNT_MISMATCH and number is not None:
            yield (
                f"[bold red]In question:[/] {item.account} says that it took "
                f"{escape(item.data['amount'])} under #{number}, where "
                f"{story.order.amount} was asked for; it is in no sum, and a human must look."
            )


def _who_won(story: "OrderStory", summary: OrderSummary) -> str:
    start, winner, evidence = story.order.created_at, summary.winner, summary.evidence
    if winner is None and story.order.state is OrderState.CLOSED:
        late = " in time" if story.order.end_reason is EndReason.DEADLINE else ""
        return f"Nobody paid it{late}; it ended because of: {story.order.end_reason}."
    if winner is None:
        return "Nobody has paid it yet."
    won = f"[bold green]#{winner.idx} won[/]: {_way(winner)}, under {winner.number}."
    if evidence is None:
        return won
    word = relative(f"{escape(evidence.what)}{_codes(evidence)}; {escape(evidence.why)}", start)
    return f"{won} Evidence at {since(start, evidence.at)}: {word}."


def _way(attempt: "Attempt") -> str:
    return f"{attempt.account} from {attempt.charge.client_type}"


def _open_end(end: OpenEnd, start: datetime) -> str:
    at = "" if end.look_at is None else f"{since(start, end.look_at)} ({instant(end.look_at)})"
    look = at and f"; the worker looks next at {at}"
    stands = state(end.state)
    if end.of is EndOf.ORDER:
        if end.until is None:
            return f"the order is {stands} until none of its pages can take money."
        return f"the order is {stands} and may be paid until {since(start, end.until)}."
    if end.refund is not None:
        stuck = "" if end.look_at else "; [bold red]an operator must look[/]"
        problem = f" ({escape(end.refund.problem)})" if end.refund.problem else ""
        return f"refund {escape(end.refund.refund_no)} is {stands}{problem}{look}{stuck}."
    until = "" if end.until is None else f", may take money until {since(start, end.until)}"
    whose = f"#{end.attempt.idx}" if end.attempt else "an attempt"
    return f"{whose} is {stands}{until}{look}."


# --- the timeline -------------------------------------------------------------------------


def _told(story: "OrderStory") -> Iterator[_Told]:
    """Put what happened and what the shop is told in one line of time."""
    start = story.order.created_at
    lines = [
        _Told(
            entry.at,
            entry.attempt_id,
            relative(f"{escape(entry.what)}{_codes(entry)}", start),
            relative(escape(entry.why), start),
        )
        for entry in story.entries
    ]
    whose = {refund.refund_no: refund.attempt_id for refund in story.refunds}
    whose |= {attempt.attempt_id: attempt.attempt_id for attempt in story.attempts}
    lines += [
        _Told(e.at, whose.get(e.subject), f"[magenta]the shop is told {e.kind}[/]", "")
        for e in story.events
    ]
    # Sorting is stable: an event comes after what made it true.
    return iter(sorted(lines, key=lambda line: line.at))


def _codes(entry: "StoryEntry") -> str:
    said = f"{entry.what} {entry.why}"
    facts = [(label, entry.data[name]) for name, label in _BESIDE.items() if name in entry.data]
    beside = [escape(f"{label}{fact}") for label, fact in facts if fact not in said]
    return f" [dim]({', '.join(beside)})[/dim]" if beside else ""


def _show_part(
    console: "Console", title: str, about: str, told: Iterable[_Told], start: datetime
) -> None:
    """Show one part of the timeline, what repeats itself once."""
    console.print(f"\n[bold]{escape(title)}[/bold]{about}")
    lines = Table.grid(padding=(0, 1))
    lines.add_column(justify="right", style="cyan", no_wrap=True, min_width=9)
    lines.add_column(overflow="fold")
    for (what, why), run in groupby(told, key=lambda one: (one.what, one.why)):
        times = [since(start, one.at) for one in run]
        again = f" [dim]({len(times)} times, last at {times[-1]})[/dim]" if times[1:] else ""
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
