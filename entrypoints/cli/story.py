"""An order's story for people: what was tried, what came of it, and why."""

from functools import partial
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from retender.domain.model.order_summary import OrderSummary
from retender.entrypoints.cli.formatting import instant, since, state, table
from retender.entrypoints.words.language import Language
from retender.entrypoints.words.phrase import Phrase, only, phrase
from retender.entrypoints.words.speaker import Speaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.domain.model.attention import AttentionItem
    from retender.domain.model.order import Order
    from retender.domain.model.order_story import OrderStory
    from retender.domain.model.refund import Refund

ENGLISH = Speaker()


def speaker_of(order: "Order", language: Language) -> Speaker:
    """Return who tells an order's story: times are counted from its placing."""
    return Speaker(language, partial(since, order.created_at))


def show_order(console: "Console", order: "Order", speaker: Speaker = ENGLISH) -> None:
    """Show what is owed, and how it stands."""
    title = phrase("Order {order}", order=escape(order.order_no))
    console.print(f"[bold]{speaker.text(title)}[/bold]  {state(order.state)}")
    payer = speaker.text(phrase("payer {user}", user=escape(order.user_id)))
    console.print(f"  {escape(order.subject)}  [bold]{order.amount}[/bold]  {payer}")
    placed = phrase(
        "placed {at}, to be paid by {until}",
        at=instant(order.created_at),
        until=instant(order.shown_until),
    )
    console.print(f"  [dim]{speaker.text(placed)}[/dim]")
    if order.end_reason is not None:
        ended = phrase("it ended because of: {reason}", reason=order.end_reason)
        console.print(f"  [dim]{speaker.text(ended)}[/dim]")


def show_story(
    console: "Console", story: "OrderStory", language: Language = Language.ENGLISH
) -> None:
    """Tell everything that is written down about an order, times counted from its placing."""
    speaker = speaker_of(story.order, language)
    show_order(console, story.order, speaker)
    show_open_attention(console, story.attention, speaker)
    console.print()
    if story.attempts:
        console.print(_attempts(story, speaker))
    if story.refunds:
        console.print(_refunds(story, speaker))
    _show_sum(console, story, speaker)
    console.print(_timeline(story, speaker))


def show_open_attention(
    console: "Console", items: "Sequence[AttentionItem]", speaker: Speaker
) -> None:
    """Say of an order what of it waits for a human, if anything does."""
    for item in items:
        waits = phrase(
            "{code} waits for a human since {at}:",
            code=f"[bold red]{item.code}[/bold red]",
            at=instant(item.at),
        )
        console.print(f"  {speaker.text(waits)}")
        console.print(f"    retender attention show {escape(item.attention_id)}")


def show_refund(console: "Console", refund: "Refund") -> None:
    """Show how one refund stands."""
    console.print(f"[bold]Refund {escape(refund.refund_no)}[/bold]  {state(refund.state)}")
    console.print(f"  {refund.amount}  {refund.cause}: {escape(refund.reason)}")
    console.print(f"  [dim]decided {instant(refund.created_at)}, sent as {refund.number}[/dim]")
    if refund.problem:
        console.print(f"  [red]the provider said: {escape(refund.problem)}[/red]")
    if refund.next_try_at is not None:
        console.print(f"  [dim]the worker looks again at {instant(refund.next_try_at)}[/dim]")


def _attempts(story: "OrderStory", speaker: Speaker) -> Table:
    headings = (
        phrase("#"),
        phrase("with"),
        phrase("from"),
        phrase("page"),
        phrase("state"),
        phrase("asked"),
        phrase("ends"),
        phrase("number"),
    )
    rows = table(*map(speaker.text, headings))
    start = story.order.created_at
    for attempt in story.attempts:
        won = " ★" if story.order.winner == attempt.attempt_id else ""
        charge = attempt.charge
        rows.add_row(
            str(attempt.idx),
            attempt.account,
            charge.client_type,
            speaker.text(only(charge.page_kind)),
            state(attempt.state) + won,
            since(start, charge.created_at),
            since(start, charge.expires_at),
            attempt.number,
        )
    return rows


def _refunds(story: "OrderStory", speaker: Speaker) -> Table:
    headings = (
        phrase("refund"),
        phrase("of"),
        phrase("amount"),
        phrase("cause"),
        phrase("state"),
        phrase("decided"),
    )
    rows = table(*map(speaker.text, headings))
    idx = {attempt.attempt_id: attempt.idx for attempt in story.attempts}
    for refund in story.refunds:
        rows.add_row(
            escape(refund.refund_no),
            f"#{idx[refund.attempt_id]}",
            str(refund.amount),
            str(refund.cause),
            state(refund.state),
            since(story.order.created_at, refund.created_at),
        )
    return rows


def sum_of(summary: OrderSummary) -> Phrase:
    """Return the reckoning in one line."""
    return phrase(
        "{taken} taken, {back} given back, {kept} kept",
        taken=summary.taken,
        back=summary.given_back,
        kept=f"[bold]{summary.kept}[/bold]",
    )


def _show_sum(console: "Console", story: "OrderStory", speaker: Speaker) -> None:
    """Reckon up: taken, gone back, kept."""
    summary = OrderSummary.of(story)
    if summary.taken.minor:
        console.print(f"\n  {speaker.text(sum_of(summary))}")
    console.print()


def _timeline(story: "OrderStory", speaker: Speaker) -> Table:
    """Put what happened and what the shop was told in one line of time."""
    lines = Table(box=None, show_header=False, padding=(0, 1))
    lines.add_column(justify="right", style="dim", no_wrap=True, min_width=9)
    lines.add_column(style="cyan", no_wrap=True)
    lines.add_column(overflow="fold")
    lines.add_column(style="dim", overflow="fold")
    start = story.order.created_at
    idx = {attempt.attempt_id: f"#{attempt.idx}" for attempt in story.attempts}
    told = []
    for entry in story.entries:
        what, why = speaker.line(entry.fact)
        told.append((entry.at, idx.get(entry.attempt_id or "", ""), escape(what), escape(why)))
    is_told = speaker.text(phrase("the shop is told"))
    is_told = f"[bold magenta]{is_told}[/]"
    # Sorting is stable: an event comes after what made it true.
    told += [(event.at, "", is_told, f"[bold]{event.kind}[/bold]") for event in story.events]
    for at, which, what, why in sorted(told, key=lambda line: line[0]):
        lines.add_row(since(start, at), which, what, why)
    return lines
