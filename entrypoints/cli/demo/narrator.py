"""The narrator: tells what happens, and ticks off what must be true."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule

from retender.entrypoints.cli.formatting import since
from retender.entrypoints.cli.page import qr_code

if TYPE_CHECKING:
    from rich.console import Console


class Narrator:
    """
    Writes the story with the story's own times, and remembers what went wrong.

    Attributes:
        failures: the facts that were not so.
        checked: how many facts were looked at.

    """

    def __init__(self, console: "Console", clock: Callable[[], datetime]) -> None:
        """Speak on the console; times are the clock's."""
        self.console = console
        self.failures: list[str] = []
        self.checked = 0
        self._clock = clock
        self._began = clock()

    def chapter(self, title: str, about: str) -> None:
        """Begin a story; its times count from here."""
        self._began = self._clock()
        self.console.print()
        self.console.print(Rule(f"[bold]{title}[/bold]", align="left"))
        self.console.print(f"[dim]{about}[/dim]\n")

    def say(self, text: str) -> None:
        """Tell what happens now."""
        when = since(self._began, self._clock())
        self.console.print(f"[dim]{when:>6}[/dim]  {text}")

    def aside(self, text: str) -> None:
        """Add a detail."""
        self.console.print(f"        [dim]{text}[/dim]")

    def qr(self, content: str) -> None:
        """Show a QR code as the payer sees it."""
        self.console.print(Padding(qr_code(content), (0, 0, 0, 8), expand=False))
        self.aside(escape(content))

    def check(self, fact: str, *, truth: bool, seen: object = None) -> None:
        """Tick a fact off, or cross it out and remember it."""
        self.checked += 1
        if truth:
            self.console.print(f"        [bold green]✓[/bold green] {escape(fact)}")
            return
        self.failures.append(fact)
        told = "" if seen is None else f" [dim](seen: {escape(str(seen))})[/dim]"
        self.console.print(f"        [bold red]✗ {escape(fact)}[/bold red]{told}", soft_wrap=True)
