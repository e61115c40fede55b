"""How a command runs a use case: settings, container, one event loop, all closed again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from retender.entrypoints.container import Container
    from retender.plugins.host import PluginHost

ResultT = TypeVar("ResultT")


def run(
    ctx: typer.Context,
    use: Callable[["Container"], Awaitable[ResultT]],
    *,
    upgrade: bool = True,
) -> ResultT:
    """
    Open the container of the chosen settings, use it once, and close it.

    Args:
        ctx: knows which settings were chosen.
        use: awaits one thing of the container, and returns it.
        upgrade: bring an embedded database up to date before.

    Raises:
        SetupError: settings, plugins or accounts are wrong; says what to do.

    """
    from retender.entrypoints.container import open_container
    from retender.entrypoints.settings_file import load_settings

    settings = load_settings(ctx.obj)

    async def opened() -> ResultT:
        async with open_container(settings, upgrade=upgrade) as container:
            return await use(container)

    return asyncio.run(opened())


def chosen_plugins(ctx: typer.Context) -> "PluginHost":
    """Load the plugins that the settings choose; no database, no account."""
    from retender.entrypoints.settings_file import load_settings
    from retender.plugins.host import load_plugins

    chosen = load_settings(ctx.obj).plugins
    return load_plugins(only=chosen.only, block=chosen.block)
