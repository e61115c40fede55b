"""What waits for a human as text for people: the list, one case, and how it ended."""

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from retender.entrypoints.cli.formatting import duration, instant, or_dash, table
from retender.entrypoints.cli.story import show_refund, show_story
from retender.entrypoints.words.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.domain.model.attention import AttentionItem
    from retender.domain.model.resolutions import Option
    from retender.domain.use_cases.list_attention import Attention
    from retender.domain.use_cases.show_attention import AttentionCase


def show_attention(console: "Console", attention: "Attention") -> None:
    """List what waits, the oldest first, and say what to do next."""
    if not attention.items:
        console.print("[green]Nothing needs you.[/green]")
        return
    rows = table("waiting", "why", "order", "account", "id")
    for item in attention.items:
        rows.add_row(
            duration(max(attention.at - item.at, timedelta())),
            f"[bold red]{item.code}[/bold red]",
            escape(or_dash(item.order_no)),
            or_dash(item.account),
            escape(item.attention_id),
        )
    console.print(rows)
    more = attention.count - len(attention.items)
    if more:
        console.print(f"[dim]and {more} more: --limit {min(1000, attention.count)}[/dim]")
    console.print("\nLook at one: [bold]retender attention show ID[/bold]")


def show_case(
    console: "Console", case: "AttentionCase", language: Language = Language.ENGLISH
) -> None:
    """Show all the evidence, then the ways to end it."""
    show_attention_item(console, case.item)
    console.print()
    if case.refund is not None:
        show_refund(console, case.refund)
        console.print()
    if case.story is not None:
        show_story(console, case.story, language)
        console.print()
    if case.options:
        _show_options(console, case.item, case.options)


def show_attention_item(console: "Console", item: "AttentionItem") -> None:
    """Show why a human is called, what is known, and how it ended if it has."""
    console.print(f"[bold red]{item.code}[/bold red]  {escape(item.attention_id)}")
    console.print(f"  {escape(item.source)}, met at {instant(item.at)}")
    named = {
        "order": item.order_no,
        str(item.about): item.subject,
        "account": item.account,
        "number": item.number,
        **item.data,
    }
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    for name, fact in named.items():
        if fact:
            facts.add_row(f"  {escape(name)}", escape(fact))
    console.print(facts)
    if item.ending is not None:
        ending = item.ending
        console.print(f"  [green]ended {instant(ending.at)}: {ending.resolution}[/green]")
        console.print(f"  {escape(ending.by)}: {escape(ending.why)}")


def _show_options(console: "Console", item: "AttentionItem", options: "Sequence[Option]") -> None:
    console.print("[bold]Ways to end it[/bold]")
    ways = Table.grid(padding=(0, 2))
    ways.add_column(no_wrap=True)
    ways.add_column(overflow="fold")
    for option in options:
        name = f"  {option.resolution}"
        if option.why_not is None:
            ways.add_row(f"[bold]{name}[/bold]", option.does)
        else:
            ways.add_row(f"[dim]{name}[/dim]", f"[dim]not now: {escape(option.why_not)}[/dim]")
    console.print(ways)
    its = escape(item.attention_id)
    if item.subject is not None:
        console.print(f"\nAsk again first:  [bold]retender attention recheck {its}[/bold]")
    console.print(
        f"End it:  [bold]retender attention resolve {its} --as HOW --reason WHY[/bold]",
        soft_wrap=True,
    )


def show_history(console: "Console", found: "Sequence[AttentionItem]") -> None:
    """List what ever waited, and how it ended."""
    if not found:
        console.print("[green]No attention items.[/green]")
        return
    rows = table("when", "why", "order", "account", "number", "how it ended")
    for item in found:
        ending = item.ending
        ended = "[yellow]it waits[/yellow]"
        if ending is not None:
            ended = escape(f"{ending.resolution}, {ending.by}: {ending.why}")
        code = f"[bold red]{item.code}[/bold red]"
        of = (escape(or_dash(item.order_no)), or_dash(item.account), escape(item.number))
        rows.add_row(instant(item.at), code, *of, ended)
    console.print(rows)
