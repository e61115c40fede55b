"""The stage: simulators, server, worker and database, started for the demo and stopped with it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from retender.entrypoints.addresses import Addresses
from retender.entrypoints.cli.demo import shop
from retender.entrypoints.cli.demo.clock import SkippingClock
from retender.entrypoints.cli.demo.narrator import Narrator
from retender.entrypoints.cli.demo.shop import Gateway, Json, Shop
from retender.entrypoints.cli.gateways import new_simulator
from retender.entrypoints.cli.serving import serving
from retender.entrypoints.cli.story import show_story
from retender.entrypoints.cli.toml import toml
from retender.entrypoints.listening import LOOPBACK, address_of, listen

if TYPE_CHECKING:
    from retender.entrypoints.container import Container
    from retender.entrypoints.settings import Settings

_ROUND_SECONDS = 0.2
_ACCOUNTS = {"alipay": "alipay", "wechat": "wechat_pay"}


@dataclass(slots=True)
class Stage:
    """
    Everything that runs, and the hands that the story has on it.

    Attributes:
        urls: what to open in a browser, by name.
        pages: pages that payers have before them.
        settings_file: with which other commands can look at the same system.

    """

    narrator: Narrator
    clock: SkippingClock
    shop: Shop
    alipay: Gateway
    wechat: Gateway
    urls: Mapping[str, str]
    settings_file: Path
    _browser: httpx.AsyncClient
    _container: "Container"
    pages: dict[str, Json] = field(default_factory=dict)

    def skip(self, by: timedelta, *, quietly: bool = False) -> None:
        """Let the story's time pass, without waiting for it."""
        self.clock.skip(by)
        if not quietly:
            minutes = by // timedelta(minutes=1)
            later = "a minute" if minutes == 1 else f"{minutes} minutes"
            self.narrator.say(
                f"[italic]... {later} later: all clocks here were put forward[/italic]"
            )

    async def open_in_browser(self, page: Json) -> str:
        """Open a page as a payer's browser would; return what it shows."""
        return await shop.open_in_browser(self._browser, page)

    async def show_story(self, order_no: str) -> None:
        """Show what ``retender order show`` shows."""
        self.narrator.say(f"[bold]retender order show {order_no}[/bold] tells it all:\n")
        story = await self._container.explain_order()(order_no=order_no)
        show_story(self.narrator.console, story)


@asynccontextmanager
async def set_stage(narrator: Narrator, clock: SkippingClock, folder: Path) -> AsyncIterator[Stage]:
    """
    Start everything on free ports of the loopback interface, and stop it again.

    All of it runs in this process, so that one clock can be put forward for all;
    between the parts there are real sockets and the real protocols.
    """
    from retender.entrypoints.container import open_container
    from retender.entrypoints.http.app import create_app

    async with AsyncExitStack() as stack:
        listener = listen(LOOPBACK, 0)
        url = address_of(listener)
        simulated = {
            account: await _simulate(stack, provider, clock)
            for account, provider in _ACCOUNTS.items()
        }
        file = _write_settings(folder, url, simulated)
        container = await stack.enter_async_context(
            open_container(_load_settings(file), clock=clock)
        )
        await stack.enter_async_context(serving(create_app(container), listener))
        await stack.enter_async_context(_working(container))
        clients = {
            name: await stack.enter_async_context(_client(address))
            for name, address in {
                "shop": url,
                "": "",
                **{name: gateway.url for name, gateway in simulated.items()},
            }.items()
        }
        wechat = Gateway(clients["wechat"])
        # Notices go over plain http here: one machine, loopback only.
        await wechat.turn(allow_http_notify_url=True)
        yield Stage(
            narrator=narrator,
            clock=clock,
            shop=Shop(clients["shop"]),
            alipay=Gateway(clients["alipay"]),
            wechat=wechat,
            urls={
                "the API": Addresses(url).openapi,
                "Alipay's side": simulated["alipay"].url,
                "WeChat Pay's side": simulated["wechat"].url,
            },
            settings_file=file,
            _browser=clients[""],
            _container=container,
        )


@dataclass(frozen=True, slots=True)
class _Simulated:
    """A running simulator: where it is, and what an account must be told."""

    url: str
    settings: Mapping[str, str]


async def _simulate(stack: AsyncExitStack, provider: str, clock: SkippingClock) -> _Simulated:
    """Make a gateway with fresh keys, and serve it."""
    from retender.simulators.kit.sending import HttpSender

    listener = listen(LOOPBACK, 0)
    url = address_of(listener)
    sender = HttpSender()
    stack.push_async_callback(sender.aclose)
    # Making keys takes a second or so, and nothing else is to be held up by it.
    simulator = await asyncio.to_thread(new_simulator, provider, url, clock=clock, send=sender)
    await stack.enter_async_context(serving(simulator.app, listener, clock=simulator.clock.now))
    return _Simulated(url, simulator.settings)


def _write_settings(folder: Path, url: str, simulated: Mapping[str, _Simulated]) -> Path:
    """Write the settings down, so that any other command can look at the demo."""
    tables: dict[str, dict[str, str | float]] = {
        "": {"database_url": f"sqlite+aiosqlite:///{folder / 'retender.db'}", "public_url": url},
        "worker": {"interval_seconds": _ROUND_SECONDS},
        "log": {"level": "error"},
    }
    for account, gateway in simulated.items():
        tables[f"accounts.{account}"] = {"provider": _ACCOUNTS[account], **gateway.settings}
    file = folder / "retender.toml"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
        out.write(toml(tables))
    return file


def _load_settings(file: Path) -> "Settings":
    """Read the demo's settings; those of this shell are not for it, and stay as they are."""
    from retender.entrypoints.settings import ENV_PREFIX
    from retender.entrypoints.settings_file import load_settings

    names = [name for name in os.environ if name.upper().startswith(ENV_PREFIX)]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        return load_settings(file)
    finally:
        os.environ.update(hidden)


@asynccontextmanager
async def _working(container: "Container") -> AsyncIterator[None]:
    """Keep a worker at work until the block is left."""
    worker = container.worker()
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await asyncio.wait([task])


def _client(address: str) -> httpx.AsyncClient:
    # A proxy of the environment has no business between processes of one machine.
    return httpx.AsyncClient(base_url=address, timeout=10, trust_env=False)
