"""An order's story for people: what was tried, what came of it, and why."""

import re
from datetime import datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from retender.domain.model.order_summary import OrderSummary
from retender.entrypoints.cli.formatting import instant, since, state, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.domain.model.attention import AttentionItem
    from retender.domain.model.order import Order
    from retender.domain.model.order_story import OrderStory
    from retender.domain.model.refund import Refund

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+\d\d:\d\d")


def show_order(console: "Console", order: "Order") -> None:
    """Show what is owed, and how it stands."""
    console.print(f"[bold]Order {escape(order.order_no)}[/bold]  {state(order.state)}")
    console.print(f"  {escape(order.subject)}  [bold]{order.amount}[/bold]  payer {order.user_id}")
    ends = instant(order.shown_until)
    console.print(f"  [dim]placed {instant(order.created_at)}, to be paid by {ends}[/dim]")
    if order.end_reason is not None:
        console.print(f"  [dim]it ended because of: {order.end_reason}[/dim]")


def show_story(console: "Console", story: "OrderStory") -> None:
    """Tell everything that is written down about an order, times counted from its placing."""
    show_order(console, story.order)
    show_open_attention(console, story.attention)
    console.print()
    if story.attempts:
        console.print(_attempts(story))
    if story.refunds:
        console.print(_refunds(story))
    _show_sum(console, story)
    console.print(_timeline(story))


def show_open_attention(console: "Console", items: "Sequence[AttentionItem]") -> None:
    """Say of an order what of it waits for a human, if anything does."""
    for item in items:
        since = f"since {instant(item.at)}"
        console.print(f"  [bold red]{item.code}[/bold red] waits for a human {since}:")
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


def _attempts(story: "OrderStory") -> Table:
    rows = table("#", "with", "from", "page", "state", "asked", "ends", "number")
    start = story.order.created_at
    for attempt in story.attempts:
        won = " ★" if story.order.winner == attempt.attempt_id else ""
        charge = attempt.charge
        rows.add_row(
            str(attempt.idx),
            attempt.account,
            charge.client_type,
            str(charge.page_kind),
            state(attempt.state) + won,
            since(start, charge.created_at),
            since(start, charge.expires_at),
            attempt.number,
        )
    return rows


def _refunds(story: "OrderStory") -> Table:
    rows = table("refund", "of", "amount", "cause", "state", "decided")
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


def sum_of(summary: OrderSummary) -> str:
    """Return the reckoning in one line."""
    back = f"{summary.given_back} given back"
    return f"{summary.taken} taken, {back}, [bold]{summary.kept}[/bold] kept"


def _show_sum(console: "Console", story: "OrderStory") -> None:
    """Reckon up: taken, gone back, kept."""
    summary = OrderSummary.of(story)
    if summary.taken.minor:
        console.print(f"\n  {sum_of(summary)}")
    console.print()


def _timeline(story: "OrderStory") -> Table:
    """Put what happened and what the shop was told in one line of time."""
    lines = Table(box=None, show_header=False, padding=(0, 1))
    lines.add_column(justify="right", style="dim", no_wrap=True, min_width=9)
    lines.add_column(style="cyan", no_wrap=True)
    lines.add_column(overflow="fold")
    lines.add_column(style="dim", overflow="fold")
    start = story.order.created_at
    idx = {attempt.attempt_id: f"#{attempt.idx}" for attempt in story.attempts}
    told = [
        (entry.at, idx.get(entry.attempt_id or "", ""), escape(entry.what), escape(entry.why))
        for entry in story.entries
    ]
    # Sorting is stable: an event comes after what made it true.
    told += [
        (event.at, "", "[bold magenta]the shop is told[/]", f"[bold]{event.kind}[/bold]")
        for event in story.events
    ]
    for at, which, what, why in sorted(told, key=lambda line: line[0]):
        lines.add_row(since(start, at), which, *(relative(text, start) for text in (what, why)))
    return lines


def relative(text: str, start: datetime) -> str:
    """Write the instants in a text like all others here: counted from the order's placing."""
    return _INSTANT.sub(lambda found: since(start, datetime.fromisoformat(found[0])), text)
