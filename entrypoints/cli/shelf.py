"""The shelf of commands: what there is stands here, and is loaded only when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from retender.domain.model.errors import RetenderError
from retender.entrypoints.cli.say import complain

if TYPE_CHECKING:  # typer brings its own click, whose types it does not export
    from typer._click import Command, HelpFormatter
    from typer._click import Context as AnyContext

_ROOM = "retender.entrypoints.cli"


@dataclass(frozen=True, slots=True)
class Shelved:
    """
    A command that nobody has asked for yet.

    Attributes:
        module: where it is, below this folder; it has an ``app``.
        line: what it does, for the list of commands; the first line of its own help.
        panel: under which heading it is listed.

    """

    module: str
    line: str
    panel: str


_RUN, _PAY, _LOOK, _TRY = "Run it", "Take payments", "Look after it", "Try it"

SHELF: Mapping[str, Shelved] = {
    "serve": Shelved("serve", "Serve the HTTP API, the pages and the notices.", _RUN),
    "worker": Shelved("worker", "Expire orders, find out about attempts, send refunds.", _RUN),
    "db": Shelved("db", "Create, upgrade and inspect the database.", _RUN),
    "order": Shelved("order", "Place, show, pay and close orders.", _PAY),
    "refund": Shelved("refund", "Give money back, and see what became of it.", _PAY),
    "methods": Shelved("methods", "List what an order can be paid with now.", _PAY),
    "doctor": Shelved(
        "doctor", "Check settings, database, keys and clocks, with a fix each.", _LOOK
    ),
    "explain": Shelved("explain", "Explain an order: every decision with its evidence.", _LOOK),
    "attention": Shelved("attention", "List what waits for a human, show it, and end it.", _LOOK),
    "plugins": Shelved("plugins", "List plugins with their providers and client types.", _LOOK),
    "providers": Shelved("providers", "Describe what a provider offers, and on what terms.", _LOOK),
    "states": Shelved("states", "Draw the states of orders, attempts and refunds.", _LOOK),
    "demo": Shelved("demo.command", "Play two second payments on a running system.", _TRY),
    "drill": Shelved("drill", "Play whole shops under faults, and audit the books.", _TRY),
    "simulator": Shelved("simulator", "Run the simulated gateway of a provider.", _TRY),
}


class ShelvedGroup(TyperGroup):
    """
    A group that lists its commands without importing them.

    Importing the whole stack takes seconds, and asking for help must not. It is
    also where every error of the core ends: in one line, not in a traceback.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 -- typer's own settings, passed on
        """Put a stand-in on the shelf for each command."""
        super().__init__(**settings)
        for name, shelved in SHELF.items():
            self.add_command(TyperCommand(name, help=shelved.line), name)

    def format_commands(self, ctx: "AnyContext", formatter: "HelpFormatter") -> None:  # noqa: ARG002
        """List the commands under headings, in the order of the shelf."""
        for panel in dict.fromkeys(shelved.panel for shelved in SHELF.values()):
            with formatter.section(panel):
                formatter.write_dl([(n, s.line) for n, s in SHELF.items() if s.panel == panel])

    def resolve_command(
        self, ctx: "AnyContext", args: list[str]
    ) -> tuple[str | None, "Command | None", list[str]]:
        """Take the command from the shelf; now it is imported."""
        if args and args[0] in SHELF:
            self.add_command(take(args[0]), args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: "AnyContext") -> object:
        """Run the command; an error of the core becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except RetenderError as error:
            code = complain(error, as_json=bool(ctx.meta.get("json")))
            raise typer.Exit(code) from error


def take(name: str) -> "Command":
    """Import a command's module and return the command."""
    command = typer.main.get_command(import_module(f"{_ROOM}.{SHELF[name].module}").app)
    command.name = name
    return command


def new_app() -> typer.Typer:
    """Return an empty command, or group of commands, in the style of the house."""
    return typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        # Rich would be three quarters of the time that help takes.
        rich_markup_mode=None,
        # A traceback with local variables would show secrets.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def examples(*lines: str) -> str:
    """Return the end of a help text: command lines to copy."""
    # The \b keeps the lines as they are.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
