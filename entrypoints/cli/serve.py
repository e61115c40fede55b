"""``retender serve``: the HTTP API, the pages and the notices."""

import asyncio
from typing import Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import print_note

app = new_app()


@app.command(
    epilog=examples(
        "retender serve", "retender serve --port 9000", "retender --config shop.toml serve"
    )
)
def serve(
    ctx: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Instead of http.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of http.port; 0 takes a free one.")
    ] = None,
) -> None:
    """
    Serve the HTTP API, the pages and the notices.

    It runs no due work: start `retender worker` beside it, once or many times.
    """
    from retender.entrypoints.cli.serving import run_server
    from retender.entrypoints.container import open_container
    from retender.entrypoints.draining import log_draining
    from retender.entrypoints.http.app import create_app
    from retender.entrypoints.listening import address_of, listen
    from retender.entrypoints.logs import configure_logging
    from retender.entrypoints.sealing import log_page_key
    from retender.entrypoints.settings_file import load_settings

    settings = load_settings(ctx.obj)
    chosen = settings.http.port if port is None else port
    with listen(host or settings.http.host, chosen) as listener:

        async def run() -> None:
            async with open_container(settings) as container:
                configure_logging(settings.log, secrets=container.secrets())
                await log_draining(container)
                await log_page_key(container)
                print_note(f"Listening on {address_of(listener)}, known as {settings.public_url}")
                await run_server(create_app(container), listener)

        asyncio.run(run())
