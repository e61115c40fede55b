"""What commands print: results to stdout, for people or as JSON; messages to stderr."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from retender.domain.model.errors import ProviderUncertain, RetenderError
from retender.domain.model.operators import for_operators
from retender.entrypoints.words.language import Language

if TYPE_CHECKING:
    from rich.console import Console

OK, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3
"""Exit codes: done; refused or failed; wrongly called; the answer is not known yet."""

_NO_TERMINAL_WIDTH = 110


def _remember(ctx: typer.Context, value: bool) -> bool:  # noqa: FBT001 -- typer's call
    """Remember the choice where the handler of errors finds it."""
    ctx.meta["json"] = value
    return value


AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer in JSON, for machines.", callback=_remember)
]


InLanguage: TypeAlias = Annotated[
    Language, typer.Option("--lang", help="The language of the sentences.")
]


def console(*, error: bool = False) -> "Console":
    """Return where people read; colours only on a terminal."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else _NO_TERMINAL_WIDTH
    return Console(stderr=error, highlight=False, width=width)


def print_result(data: object, human: Callable[["Console"], None], *, as_json: bool) -> None:
    """Print the result, for a machine or for a human."""
    if as_json:
        print_json(data)
    else:
        human(console())


def print_json(data: object) -> None:
    """Print one JSON value to stdout, keys in a stable order, readable by people too."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()


def print_note(message: str) -> None:
    """Print a message for people, beside the result."""
    console(error=True).print(message, soft_wrap=True, markup=False)


def print_error(error: RetenderError, *, as_json: bool) -> int:
    """Print in one line what is wrong, with its stable code, and return the exit code."""
    from rich.text import Text

    if as_json:
        print_json(
            {"error": {"code": error.code, "message": for_operators(error), **error.details}}
        )
    line = Text.assemble((error.code, "bold red"), ": ", for_operators(error))
    console(error=True).print(line, soft_wrap=True)
    return UNKNOWN if isinstance(error, ProviderUncertain) else REFUSED
