"""The town: one shop, four gateways, our processes, everybody's clock, and what was seen."""

import asyncio
import logging
import re
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar
from urllib.parse import urlsplit

from retender.domain.model.errors import RetenderError, UndefinedTransition
from retender.ports.payment_provider import RawNotice
from retender.ports.transport import Request
from retender.simulators.kit.delivery import MerchantUnreachable
from retender.simulators.kit.faults import Faults
from retender.tests.simulation.always import broken, may_break
from retender.tests.simulation.books import Books
from retender.tests.simulation.chance import stream
from retender.tests.simulation.database import Disk, is_planned
from retender.tests.simulation.gateways import make_gateways
from retender.tests.simulation.kernel import Node, VirtualLoop, here
from retender.tests.simulation.plan import CALL_FAULTS, NOTICE_FAULTS, PROCESSES, Plan
from retender.tests.simulation.processes import Process, Unreachable
from retender.tests.simulation.script import ACCOUNTS
from retender.tests.simulation.shop import Calm, Shop
from retender.tests.simulation.watch import Watch
from retender.tests.simulation.wire import pump

START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

_NUMBER = re.compile("01[0-9A-HJKMNP-TV-Z]{24}")

_actor: ContextVar[str] = ContextVar("actor", default="town")


class Town:
    """
    Everything of one seed.

    Attributes:
        lines: the timeline, line by line.
        bugs: what must not happen and was seen at once.
        disk: what our database is on.
        calm: since when nothing hinders our processes.
        shop: hears of what became true.
        settings: of our accounts, for whichever process is started next.
        is_quiet: nothing goes wrong any more, and nobody does anything.
        latest: the town that was built last; for mutants.

    """

    latest: ClassVar["Town | None"] = None

    def __init__(self, plan: Plan, loop: VirtualLoop, books: Books) -> None:
        """Build it; nobody moves yet."""
        Town.latest = self
        self.plan = plan
        self.loop = loop
        self.lines: list[str] = []
        self.bugs: list[str] = []
        self.is_quiet = False
        self.call_rates: Mapping[str, float] = plan.call_rates
        self.notice_rates: Mapping[str, float] = plan.notice_rates
        self.calm = Calm(loop.time)
        self.shop = Shop(self, plan.shop_rate)
        self._streams: dict[str, Random] = {}
        self._orders: dict[str, str | None] = {}
        self._world = here()
        self.books = books
        self.began = self.clock()
        self.disk = Disk(is_looked_at=may_break, committed=self.look_at_books)
        self.gateways = make_gateways(self.clock, plan.seed)
        for account, gateway in self.gateways.items():
            gateway.clock.advance(timedelta(seconds=plan.skews[account]))
        self.settings = {
            account: dict(gateway.settings) for account, gateway in self.gateways.items()
        }
        self.watch = Watch(self)
        self.processes = {name: Process(self, name) for name in PROCESSES}
        for account in ACCOUNTS:
            actor = f"notices of {account}"
            self.spawn(pump(self, account, self.stream(actor)), actor=actor)

    # --- time, chance, tasks and the timeline ---

    def clock(self) -> datetime:
        """Return our time."""
        return START + timedelta(seconds=self.loop.time())

    def stream(self, actor: str) -> Random:
        """Return an actor's own chance."""
        if actor not in self._streams:
            self._streams[actor] = stream(self.plan.seed, actor)
        return self._streams[actor]

    def chance_here(self) -> Random:
        """Return the chance of whoever began what is going on."""
        return self.stream(_actor.get())

    def chance_of(self, request: Request) -> Random:
        """Return the chance of the order that a call is about, whoever makes it."""
        found = _NUMBER.search(f"{request.url} {request.body.decode()}")
        if found is None:
            return self.chance_here()
        number = found.group()
        if number not in self._orders:
            self._orders[number] = self.books.order_of(number)
        order_no = self._orders[number]
        return self.chance_here() if order_no is None else self.stream(f"calls of {order_no}")

    def spawn(
        self, coro: Coroutine[Any, Any, None], *, actor: str, node: Node | None = None
    ) -> asyncio.Task[None]:
        """Start something on an actor's behalf."""
        token = _actor.set(actor)
        try:
            return self.loop.spawn(coro, node or self._world)
        finally:
            _actor.reset(token)

    def later(self, seconds: float, deed: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let something happen later, whoever is dead by then."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await deed()

        self.spawn(wait(), actor=_actor.get())

    def log(self, what: str) -> None:
        """Add a line to the timeline."""
        self.lines.append(f"{self.loop.time():12.3f}  {_actor.get():<22}  {what}")

    # --- what goes wrong ---

    def faults(self, account: str) -> Faults:
        """Return a gateway's fault dials."""
        return self.gateways[account].faults

    def outage_of(self, account: str, operation: str) -> str | None:
        """Tell how a gateway is out at this moment for an operation, if it is."""
        now = self.loop.time()
        for outage in self.plan.outages:
            is_out = outage.account == account and outage.begins <= now < outage.ends
            if is_out and outage.only in {None, operation}:
                return outage.how
        return None

    def heal(self) -> None:
        """Let nothing go wrong any more; what was lost stays lost."""
        self.call_rates = dict.fromkeys(CALL_FAULTS, 0.0)
        self.notice_rates = dict.fromkeys(NOTICE_FAULTS, 0.0)
        self.shop.rate = 0.0
        for gateway in self.gateways.values():
            gateway.faults.clear()
        for process in self.processes.values():
            process.node.fates.clear()
            if not process.node.alive:
                process.start()
        self.is_quiet = True

    # --- who comes in from outside ---

    async def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Take a gateway's notice to our server, as its HTTP endpoint does."""
        account = urlsplit(url).path.rpartition("/")[2]
        raw = RawNotice(
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
            received_at=self.clock(),
        )
        try:
            taken = await self.processes["server"].ask(
                lambda container: container.take_notice()(account=account, raw=raw)
            )
        except Unreachable as trouble:
            raise MerchantUnreachable from trouble
        except RetenderError as no:
            self.log(f"notice: {no.code}")
            return 503, b""
        self.log(f"notice: {taken.code} {taken.order_no or ''}")
        self.look()
        return taken.acknowledgement.status, taken.acknowledgement.body

    def look(self) -> None:
        """Look at what can be checked at once."""
        self.watch.look()

    def look_at_books(self, books: sqlite3.Cursor) -> None:
        """Look whether what was just committed leaves everything true that must be."""
        self.bugs += [each for each in broken(books) if each not in self.bugs]


class Ear(logging.Handler):
    """Listens for what the code under test calls an error: a bug, wherever it is swallowed."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note it, with the exception if there is one."""
        if record.name.endswith("announce_events"):
            return  # the shop that did not hear; it is told again
        if record.levelno < logging.ERROR and UndefinedTransition.code not in record.getMessage():
            return  # trouble that the world makes, and the worker gets over
        trouble = record.exc_info[1] if record.exc_info else None
        if is_planned(trouble):
            return
        self.heard.append(f"{record.name}: {record.getMessage()} {trouble or ''!r}")
