"""The command ``retender``: what holds for all commands, and nothing that is slow to import."""

from pathlib import Path
from typing import Annotated

import typer

from retender.entrypoints.cli.lazy_commands import LazyGroup, examples

app = typer.Typer(
    name="retender",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    # Rich would be three quarters of the time that help takes.
    rich_markup_mode=None,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(value: bool) -> None:  # noqa: FBT001 -- typer's call
    if value:
        from importlib.metadata import version

        typer.echo(f"retender {version('retender')}")
        raise typer.Exit


@app.callback(
    epilog=examples(
        "retender demo --once",
        "retender doctor",
        "retender order place A-1 --user user-7 --amount 88.80 --subject 'Jasmine tea'",
        "retender order pay A-1 --user user-7 --with wechat --client pc",
    )
)
def start(
    ctx: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            help="The settings; default: RETENDER_CONFIG, else retender.toml.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 -- acts in its callback
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """
    Retender takes payments: an order can be paid again, another way, and is paid once.

    Exit codes: 0 done, 1 refused or failed, 2 wrongly called, 3 not known yet.
    """
    ctx.obj = config


def main() -> None:
    """Run the command line."""
    app()
