"""``retender plugins``: what is installed, what it brings, and what became of it."""

from typing import TYPE_CHECKING

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, print_result
from retender.entrypoints.cli.run import chosen_plugins

if TYPE_CHECKING:
    from rich.console import Console

    from retender.domain.model.client_type import ClientType
    from retender.plugins.hookspecs import Setting
    from retender.plugins.host import Plugin, PluginHost

app = new_app()

_STYLES = {"loaded": "green", "broken": "bold red"}


@app.command(epilog=examples("retender plugins", "retender plugins --json"))
def plugins(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """
    List plugins with their providers and client types.

    Also those that are blocked, not chosen or broken, and why.
    """
    host = chosen_plugins(ctx)
    data = [_plugin_json(plugin) for plugin in host.plugins]
    print_result(data, lambda console: _show(console, host), as_json=as_json)


def _plugin_json(plugin: "Plugin") -> dict[str, object]:
    from retender.entrypoints.cli.terms import terms_json
    from retender.simulators.kit.installed import installed_simulators

    simulated = installed_simulators()
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "state": str(plugin.state),
        "why": plugin.why,
        "providers": [
            {
                "name": provider.name,
                "title": provider.title,
                "terms": terms_json(provider.terms),
                "settings": [_setting_json(setting) for setting in provider.settings],
                "simulator": provider.name in simulated,
            }
            for provider in plugin.providers
        ],
        "client_types": [_client_json(client) for client in plugin.client_types],
    }


def _setting_json(setting: "Setting") -> dict[str, object]:
    return {
        "name": setting.name,
        "help": setting.help,
        "required": setting.required,
        "secret": setting.secret,
        "default": setting.default,
    }


def _client_json(client: "ClientType") -> dict[str, object]:
    return {
        "code": client.code,
        "title": client.title,
        "device": str(client.device),
        "page_kinds": [str(kind) for kind in client.page_kinds],
    }


def _show(console: "Console", host: "PluginHost") -> None:
    from rich.markup import escape

    from retender.entrypoints.cli.formatting import table

    rows = table("plugin", "from", "version", "state", "brings")
    for plugin in host.plugins:
        style = _STYLES.get(str(plugin.state), "yellow")
        rows.add_row(
            f"[bold]{plugin.name}[/bold]",
            plugin.distribution,
            plugin.version,
            f"[{style}]{plugin.state}[/]",
            "\n".join([*([escape(plugin.why)] if plugin.why else []), *_brings(plugin)]),
        )
    console.print(rows)
    console.print("\n[dim]More of a provider: retender providers describe NAME[/dim]")


def _brings(plugin: "Plugin") -> list[str]:
    lines = []
    for provider in plugin.providers:
        kinds = ", ".join(dict.fromkeys(str(page.kind) for page in provider.terms.pages))
        lines.append(f"provider [bold]{provider.name}[/bold]: {kinds}")
    for client in plugin.client_types:
        kinds = ", ".join(map(str, client.page_kinds))
        lines.append(f"client type [bold]{client.code}[/bold]: {kinds}")
    return lines
