"""The list of commands; the module of each is imported only when it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from retender.domain.model.errors import RetenderError
from retender.entrypoints.cli.output import print_error

if TYPE_CHECKING:  # typer brings its own click, whose types it does not export
    from typer._click import Command, HelpFormatter
    from typer._click import Context as AnyContext

_ROOM = "retender.entrypoints.cli"


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """
    A command that is not imported yet.

    Attributes:
        module: where it is, below this folder; it has an ``app``.
        line: what it does, for the list of commands; the first line of its own help.
        panel: under which heading it is listed.

    """

    module: str
    line: str
    panel: str


_RUN, _PAY, _LOOK, _TRY = "Run it", "Take payments", "Look after it", "Try it"

COMMANDS: Mapping[str, LazyCommand] = {
    "serve": LazyCommand("serve", "Serve the HTTP API, the pages and the notices.", _RUN),
    "worker": LazyCommand("worker", "Expire orders, find out about attempts, send refunds.", _RUN),
    "db": LazyCommand("db", "Create, upgrade and inspect the database.", _RUN),
    "order": LazyCommand("order", "Place, show, pay and close orders.", _PAY),
    "refund": LazyCommand("refund", "Give money back, and see what became of it.", _PAY),
    "methods": LazyCommand("methods", "List what an order can be paid with now.", _PAY),
    "doctor": LazyCommand(
        "doctor", "Check settings, database, keys and clocks, with a fix each.", _LOOK
    ),
    "explain": LazyCommand("explain", "Explain an order: every decision with its evidence.", _LOOK),
    "attention": LazyCommand(
        "attention", "List what waits for a human, show it, and end it.", _LOOK
    ),
    "plugins": LazyCommand("plugins", "List plugins with their providers and client types.", _LOOK),
    "providers": LazyCommand(
        "providers", "Describe what a provider offers, and on what terms.", _LOOK
    ),
    "states": LazyCommand("states", "Draw the states of orders, attempts and refunds.", _LOOK),
    "demo": LazyCommand("demo.command", "Play two second payments on a running system.", _TRY),
    "drill": LazyCommand("drill", "Play whole shops under faults, and audit the books.", _TRY),
    "simulator": LazyCommand("simulator", "Run the simulated gateway of a provider.", _TRY),
}


class LazyGroup(TyperGroup):
    """
    A group that lists its commands without importing them.

    Importing the whole stack takes seconds, and asking for help must not. It is
    also where every error of the core ends: in one line, not in a traceback.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 -- typer's own settings, passed on
        """Add a stand-in for each command."""
        super().__init__(**settings)
        for name, lazy in COMMANDS.items():
            self.add_command(TyperCommand(name, help=lazy.line), name)

    def format_commands(self, ctx: "AnyContext", formatter: "HelpFormatter") -> None:  # noqa: ARG002
        """List the commands under headings, in the order of COMMANDS."""
        for panel in dict.fromkeys(lazy.panel for lazy in COMMANDS.values()):
            with formatter.section(panel):
                formatter.write_dl([(n, s.line) for n, s in COMMANDS.items() if s.panel == panel])

    def resolve_command(
        self, ctx: "AnyContext", args: list[str]
    ) -> tuple[str | None, "Command | None", list[str]]:
        """Import the command that is called, in place of its stand-in."""
        if args and args[0] in COMMANDS:
            self.add_command(load_command(args[0]), args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: "AnyContext") -> object:
        """Run the command; an error of the core becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except RetenderError as error:
            code = print_error(error, as_json=bool(ctx.meta.get("json")))
            raise typer.Exit(code) from error


def load_command(name: str) -> "Command":
    """Import a command's module and return the command."""
    command = typer.main.get_command(import_module(f"{_ROOM}.{COMMANDS[name].module}").app)
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
