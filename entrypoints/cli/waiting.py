"""What waits for a human, for humans: the list, one case, and how it ended."""

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from retender.entrypoints.cli.look import duration, either, instant, table
from retender.entrypoints.cli.story import show_refund, show_story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.domain.model.incident import Incident
    from retender.domain.use_cases.list_attention import Attention
    from retender.domain.use_cases.resolutions import Option
    from retender.domain.use_cases.show_attention import AttentionCase


def show_attention(console: "Console", attention: "Attention") -> None:
    """List what waits, the oldest first, and say what to do next."""
    if not attention.incidents:
        console.print("[green]Nothing needs you.[/green]")
        return
    rows = table("waiting", "why", "order", "account", "id")
    for incident in attention.incidents:
        rows.add_row(
            duration(max(attention.at - incident.at, timedelta())),
            f"[bold red]{incident.code}[/bold red]",
            escape(either(incident.order_no)),
            either(incident.account),
            escape(incident.incident_id),
        )
    console.print(rows)
    more = attention.count - len(attention.incidents)
    if more:
        console.print(f"[dim]and {more} more: --limit {min(1000, attention.count)}[/dim]")
    console.print("\nLook at one: [bold]retender attention show ID[/bold]")


def show_case(console: "Console", case: "AttentionCase") -> None:
    """Show all the evidence, then the ways to end it."""
    show_incident(console, case.incident)
    console.print()
    if case.refund is not None:
        show_refund(console, case.refund)
        console.print()
    if case.story is not None:
        show_story(console, case.story)
        console.print()
    if case.options:
        _show_options(console, case.incident, case.options)


def show_incident(console: "Console", incident: "Incident") -> None:
    """Show why a human is called, what is known, and how it ended if it has."""
    console.print(f"[bold red]{incident.code}[/bold red]  {escape(incident.incident_id)}")
    console.print(f"  {escape(incident.source)}, met at {instant(incident.at)}")
    named = {
        "order": incident.order_no,
        str(incident.about): incident.subject,
        "account": incident.account,
        "number": incident.number,
        **incident.data,
    }
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    for name, fact in named.items():
        if fact:
            facts.add_row(f"  {escape(name)}", escape(fact))
    console.print(facts)
    if incident.ending is not None:
        ending = incident.ending
        console.print(f"  [green]ended {instant(ending.at)}: {ending.resolution}[/green]")
        console.print(f"  {escape(ending.by)}: {escape(ending.why)}")


def _show_options(console: "Console", incident: "Incident", options: "Sequence[Option]") -> None:
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
    its = escape(incident.incident_id)
    if incident.subject is not None:
        console.print(f"\nAsk again first:  [bold]retender attention recheck {its}[/bold]")
    console.print(
        f"End it:  [bold]retender attention resolve {its} --as HOW --reason WHY[/bold]",
        soft_wrap=True,
    )
