"""How a command gets at the use cases: settings, container, one event loop, closed again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from retender.entrypoints.container import Container
    from retender.plugins.host import PluginHost

AnswerT = TypeVar("AnswerT")


def ask(
    ctx: typer.Context,
    question: Callable[["Container"], Awaitable[AnswerT]],
    *,
    upgrade: bool = True,
) -> AnswerT:
    """
    Open the container of the chosen settings, ask it one thing, and close it.

    Args:
        ctx: knows which settings were chosen.
        question: what to ask.
        upgrade: bring an embedded database up to date before.

    Raises:
        SetupError: settings, plugins or accounts are wrong; says what to do.

    """
    from retender.entrypoints.container import open_container
    from retender.entrypoints.settings_file import load_settings

    settings = load_settings(ctx.obj)

    async def asked() -> AnswerT:
        async with open_container(settings, upgrade=upgrade) as container:
            return await question(container)

    return asyncio.run(asked())


def chosen_plugins(ctx: typer.Context) -> "PluginHost":
    """Load the plugins that the settings choose; no database, no account."""
    from retender.entrypoints.settings_file import load_settings
    from retender.plugins.host import load_plugins

    chosen = load_settings(ctx.obj).plugins
    return load_plugins(only=chosen.only, block=chosen.block)
