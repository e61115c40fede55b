"""``retender providers``: what a provider offers, and on what terms."""

from typing import TYPE_CHECKING, Annotated

import typer

from retender.domain.model.errors import UnknownName
from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, print_result
from retender.entrypoints.cli.run import chosen_plugins

if TYPE_CHECKING:
    from rich.console import Console

    from retender.plugins.hookspecs import ProviderPlugin

app = new_app()


@app.callback()
def providers() -> None:
    """Describe what a provider offers, and on what terms."""


@app.command(
    epilog=examples(
        "retender providers describe alipay", "retender providers describe wechat_pay --json"
    )
)
def describe(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The provider: alipay, wechat_pay ...")],
    *,
    as_json: AsJson = False,
) -> None:
    """
    Show a provider's terms: pages, validity, closing, expiry, refunds, notices.

    And what an account of it must be told in the settings.
    """
    from retender.entrypoints.cli.terms import terms_json

    known = chosen_plugins(ctx).providers
    if name not in known:
        raise UnknownName("provider", name, known)
    provider = known[name]
    data = terms_json(provider.terms)
    print_result(data, lambda console: _show(console, provider), as_json=as_json)


def _show(console: "Console", provider: "ProviderPlugin") -> None:
    from rich.markup import escape

    from retender.entrypoints.cli.formatting import table
    from retender.entrypoints.cli.terms import show_terms

    show_terms(console, provider.terms)
    console.print("\n[bold]Settings of an account[/bold]\n")
    rows = table("setting", "", "what it is")
    for setting in provider.settings:
        need = "needed" if setting.required else f"else {escape(setting.default or 'none')}"
        secret = " [yellow]secret[/yellow]" if setting.secret else ""
        rows.add_row(f"[bold]{setting.name}[/bold]", f"{need}{secret}", escape(setting.help))
    console.print(rows)
