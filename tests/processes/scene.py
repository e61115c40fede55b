"""The scene: gateways, servers and workers as processes, on loopback, with settings made now."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from retender.adapters.sql.schema import upgrade
from retender.entrypoints.cli.toml import toml
from retender.tests.processes.family import Family, a_family
from retender.tests.processes.postgresql import free_port

ACCOUNTS = ("sandbox", "wechat_pay", "alipay")
"""Each is named as its provider is."""

_PATIENCE = 60.0
_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Scene:
    """
    Everything that runs.

    Attributes:
        database_url: of the store that servers and workers share.
        servers: where the API is, by the process's name.
        workers: names of processes.
        gateways: where the simulators are, by account.
        speed: how much faster than real time the clocks of all of them run.

    """

    folder: Path
    family: Family
    database_url: str
    servers: Mapping[str, str]
    workers: Sequence[str]
    gateways: Mapping[str, str]
    speed: float

    @property
    def mortals(self) -> Sequence[str]:
        """Who may be killed: servers and workers; the gateways are other people's."""
        return (*self.servers, *self.workers)

    async def ready(self) -> None:
        """Wait until every server answers that it is ready."""
        async with a_client() as http:
            for url in self.servers.values():
                await _answers(http, f"{url}/readyz")


@asynccontextmanager
async def set_scene(
    folder: Path,
    database_url: str,
    *,
    accounts: Sequence[str] = ACCOUNTS,
    speed: float = 1,
    switch_policy: str = "adaptive",
    lease_seconds: float = 4,
) -> AsyncIterator[Scene]:
    """
    Start simulators, two servers and two workers; end with killing them all.

    Args:
        folder: for settings, logs and results.
        database_url: tables are made there.
        accounts: whose gateways are simulated.
        speed: of everybody's clock; above 1, seconds in the settings pass faster.
        switch_policy: what must be true of the first page before a second.
        lease_seconds: real ones, after which another worker takes over: short where
            workers are killed, long where nobody is to take over what is merely slow.

    """
    await upgrade(database_url)
    async with a_family(folder, speed=speed) as family, a_client() as http:
        gateways = {name: f"http://127.0.0.1:{free_port()}" for name in accounts}
        for name, url in gateways.items():
            switches = ("--switch", "allow_http_notify_url=true") if name == "wechat_pay" else ()
            port = url.rpartition(":")[2]
            family.add(f"gateway-{name}", "simulator", name, "--port", port, "--json", *switches)
        for url in gateways.values():
            await _answers(http, f"{url}/_simulator/books")
        servers = {f"server-{n}": f"http://127.0.0.1:{free_port()}" for n in (1, 2)}
        workers = ("worker-1", "worker-2")
        settings = folder / "retender.toml"
        given = {name: json.loads(family.out(f"gateway-{name}").read_text()) for name in accounts}
        write_settings(
            settings,
            database_url,
            servers["server-1"],
            given,
            speed=speed,
            switch_policy=switch_policy,
            lease_seconds=lease_seconds,
        )
        for name, url in servers.items():
            port = url.rpartition(":")[2]
            family.add(name, "--config", str(settings), "serve", "--port", port)
        for name in workers:
            family.add(name, "--config", str(settings), "worker")
        scene = Scene(folder, family, database_url, servers, workers, gateways, speed)
        await scene.ready()
        yield scene


def write_settings(
    file: Path,
    database_url: str,
    public_url: str,
    accounts: Mapping[str, Mapping[str, str]],
    *,
    speed: float = 1,
    switch_policy: str = "adaptive",
    lease_seconds: float = 4,
) -> None:
    """Write settings in which all comes to an end soon; time-outs are real, the rest is fast."""
    lease = round(lease_seconds * speed)
    tables: dict[str, Mapping[str, str | int | float]] = {
        "": {
            "database_url": database_url,
            "public_url": public_url,
            "page_key": os.urandom(32).hex(),
        },
        "pay": {
            "pay_within_seconds": 60,
            "grace_seconds": 30,
            "watch_seconds": 5,
            "asking_seconds": round(4 * speed),
            "switch_policy": switch_policy,
        },
        "worker": {"interval_seconds": 0.25, "batch": 100, "lease_seconds": lease},
        "transport": {"connect_seconds": 1, "read_seconds": 2, "total_seconds": 2},
    }
    tables |= {f"accounts.{name}": settings for name, settings in accounts.items()}
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
        out.write(toml(tables))


def a_client(**options: Any) -> httpx.AsyncClient:
    """Return a client for processes of this machine; a proxy has no business between them."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    return httpx.AsyncClient(trust_env=False, timeout=10, limits=limits, **options)


async def _answers(http: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            with suppress(httpx.TransportError):  # it does not listen yet
                if (await http.get(url)).is_success:
                    return
            await asyncio.sleep(_LOOK_EVERY)
