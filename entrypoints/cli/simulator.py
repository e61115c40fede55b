"""``retender simulator``: the simulated gateway of a provider."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated

import typer

from retender.domain.model.errors import InvalidInput
from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, print_json, print_note

app = new_app()


@app.command(
    epilog=examples(
        "retender simulator alipay --port 8001",
        "retender simulator wechat_pay --port 8002 --switch allow_http_notify_url=true",
        "retender simulator alipay >> retender.toml",
    )
)
def simulator(
    provider: Annotated[str, typer.Argument(help="Whose gateway: alipay, wechat_pay ...")],
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")
    ] = 0,
    account: Annotated[
        str | None, typer.Option(help="The account's name in the settings; default: the provider.")
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Turn an unconfirmed fact; value as JSON."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Run the simulated gateway of a provider.

    Keys are made at the start and die with it. Ready settings of an account go
    to stdout as TOML, or as JSON; open its address in a browser to pay, and
    drive it through the JSON control API under /_simulator/.
    """
    from retender.entrypoints.cli.gateways import new_simulator
    from retender.entrypoints.cli.serving import run_server
    from retender.entrypoints.cli.toml import toml
    from retender.entrypoints.listening import LOOPBACK, address_of, listen
    from retender.simulators.kit.sending import HttpSender
    from retender.simulators.kit.switches import UnknownSwitchError, turn

    changes = _switches(switch or [])
    with listen(LOOPBACK, port) as listener:
        sender = HttpSender()
        made = new_simulator(provider, address_of(listener), send=sender)
        try:
            turn(made.switches, changes)
        except UnknownSwitchError as error:
            raise InvalidInput(f"{error}.", field="switch") from error
        table = {"provider": provider, **made.settings}
        if as_json:
            print_json(table)
        else:
            typer.echo(toml({f"accounts.{account or provider}": table}), nl=False)
        print_note(f"{provider} is simulated at {address_of(listener)}, until Ctrl-C")

        async def run() -> None:
            try:
                await run_server(made.app, listener, clock=made.clock.now)
            finally:
                await sender.aclose()

        asyncio.run(run())


def _switches(texts: list[str]) -> Mapping[str, object]:
    """Read ``name=value``; a value that is no JSON is a word."""
    changes: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"--switch {text}: give NAME=VALUE.", field="switch")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    return changes
