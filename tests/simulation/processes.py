"""Our processes: a server and two workers on one database file, each mortal by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import cache, lru_cache
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from retender.adapters.ids import UlidIds
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.adapters.watched_clock import GatewayClocks
from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.errors import RetenderError, UndefinedTransition
from retender.domain.model.money import Money
from retender.entrypoints.container import Container
from retender.entrypoints.settings import Settings
from retender.entrypoints.store import Store
from retender.entrypoints.worker import Round
from retender.plugins.host import PluginHost, load_plugins
from retender.simulators.alipay import keys as alipay_keys
from retender.tests.simulation.chance import stream
from retender.tests.simulation.database import engine_of, is_planned
from retender.tests.simulation.gateways import KEY_BITS, short_key
from retender.tests.simulation.hosted import provider
from retender.tests.simulation.hosted.terms import NAME
from retender.tests.simulation.kernel import Node
from retender.tests.simulation.wire import Line

if TYPE_CHECKING:
    from retender.tests.simulation.town import Town

T = TypeVar("T")

PAGE_KEY = bytes(range(32))
PATIENCE = 30.0
ROUND_EVERY = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
EMPTY_ROUNDS = 8
"""Of so many rounds that would find nothing to do, one is made."""

_LETTERS = ascii_letters + digits


class Unreachable(Exception):
    """The server is down, or died, or does not answer: nobody knows what it did."""


@cache
def plugins() -> PluginHost:
    """Load the plugins once; they hold no state."""
    return load_plugins(plugins={NAME: provider})


_parsed = lru_cache(maxsize=64)(load_pem_private_key)


def quick_keys() -> ExitStack:
    """
    Let keys be short, and parse each private key once.

    That a short key is refused has its own tests, and nothing else depends on the length. A
    process reads its keys at every start, which takes long too.
    """
    exits = ExitStack()
    for brand in ("alipay", "wechat_pay"):
        credentials = f"retender.plugins.{brand}.credentials"
        exits.enter_context(patch(f"{credentials}.load_pem_private_key", _parsed))
        exits.enter_context(patch(f"{credentials}.MIN_KEY_BITS", KEY_BITS))
    exits.enter_context(patch.object(alipay_keys, "_new_key", short_key))
    return exits


class Process:
    """
    One process: its memory is a container, its life a node; what it wrote is in the file.

    Attributes:
        node: its present life.
        container: everything that it made since it was started.

    """

    def __init__(self, town: "Town", name: str) -> None:
        """Start it."""
        self.town = town
        self.name = name
        self._starts = 0
        self.start()

    def start(self) -> None:
        """Begin a life with an empty memory."""
        self._starts += 1
        self.node = Node(self.name)
        self.container = self._assembled()
        if self.name != "server":
            self.town.spawn(self._work(), actor=self.name, node=self.node)

    def _assembled(self) -> Container:
        """Put the real parts together, on this town's time, chance, wires and file."""
        town = self.town
        chance = stream(town.plan.seed, self.name, self._starts)
        clocks = GatewayClocks(clock=town.clock, deadlines=DeadlinePolicy())
        store = Store(
            unit_of_work=SqlUnitOfWork(
                engine_of(town.books.path, self.node, town.disk), page_key=PAGE_KEY
            ),
            embedded=True,
            **dict.fromkeys(
                (
                    "upgrade",
                    "current",
                    "check",
                    "standing",
                    "differences",
                    "shortcomings",
                    "unopened",
                ),
                _not_needed,
            ),
        )
        return Container(
            settings=settings_of(town),
            clock=town.clock,
            store=store,
            page_key=PAGE_KEY,
            plugins=plugins(),
            gateway_clocks=clocks,
            transports=lambda account: Line.to(town, account, clocks.of(account)),
            random=chance.random,
            random_text=lambda length: "".join(chance.choices(_LETTERS, k=length)),
            new_id=UlidIds(town.clock, chance.randbytes),
            announcer=town.shop.hears,
        )

    def is_down(self) -> bool:
        """Tell whether it was killed and not yet started again."""
        return not self.node.alive

    async def _work(self) -> None:
        """
        Run the real worker's rounds.

        Most rounds in which there is nothing to do are left out, since they change nothing:
        they would be most of what the machine does here.
        """
        town, worker = self.town, self.container.worker()
        pause, idle = ROUND_EVERY, 0
        while True:
            done = Round()
            if idle % EMPTY_ROUNDS == EMPTY_ROUNDS - 1 or town.books.has_work(town.clock()):
                done = await worker.run_once()
            idle = idle + 1 if done == Round() else 0
            if not idle:
                town.log(f"round: {_told(done)}")
            longest = LONGEST_PAUSE if town.is_quiet else ROUND_EVERY
            pause = min(2 * pause, longest) if idle else ROUND_EVERY
            if not done.full:
                chance = town.chance_here()
                await asyncio.sleep(pause.total_seconds() * chance.uniform(0.5, 1.5))

    async def ask(self, what: Callable[[Container], Awaitable[T]]) -> T:
        """
        Let it do something, as a request from outside.

        Raises:
            Unreachable: it is down, or gave no answer.
            RetenderError: it said so.

        """
        if not self.node.alive:
            raise Unreachable
        answer: asyncio.Future[tuple[T | None, Exception | None]] = self.town.loop.create_future()

        async def handle() -> None:
            said: tuple[T | None, Exception | None]
            try:
                said = (await what(self.container), None)
            except UndefinedTransition as bug:
                self.town.bugs.append(f"{self.name}: {bug}")
                said = (None, bug)
            except RetenderError as no:
                said = (None, no)
            except Exception as bug:  # noqa: BLE001 - told by the audit
                if not is_planned(bug):
                    self.town.bugs.append(f"{self.name}: {bug!r}")
                said = (None, Unreachable())
            if not answer.done():
                answer.set_result(said)

        self.town.loop.spawn(handle(), self.node)
        try:
            async with asyncio.timeout(PATIENCE):
                value, problem = await answer
        except TimeoutError:
            raise Unreachable from None
        if problem is not None:
            raise problem
        return value  # type: ignore[return-value]  # without a problem there is a value


async def _not_needed() -> Any:  # noqa: ANN401 - nobody takes it
    """Stand in for what only an operator's commands ask of a store."""


def _told(done: Round) -> str:
    counts = ((name, getattr(done, name)) for name in Round.__slots__ if getattr(done, name))
    return ", ".join(f"{name} {value}" for name, value in counts)


def settings_of(town: "Town") -> Settings:
    """Return the settings of the town's one deployment, as they are now."""
    plan = town.plan
    return Settings.model_validate(
        {
            "database_url": f"sqlite:///{town.books.path}",
            # WeChat Pay sends notices to https only; nothing here goes over a network.
            "public_url": "https://pay.example.com",
            "pay": {
                "pay_within_seconds": int(plan.to_pay),
                "switch_policy": plan.policy,
                "strict_over": {"CNY": Money(plan.strict_over, "CNY")},
                "page_strategy": plan.strategy,
            },
            "accounts": {
                name: {"provider": name, **settings} for name, settings in town.settings.items()
            },
        }
    )
