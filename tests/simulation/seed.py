"""One seed: play its plan, let everything come to rest, and audit it."""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from retender.tests.simulation.audit import audit, is_settled, summary_of
from retender.tests.simulation.books import Books
from retender.tests.simulation.chance import seeded_secrets, stream
from retender.tests.simulation.database import fresh_database
from retender.tests.simulation.kernel import VirtualLoop
from retender.tests.simulation.people import Life
from retender.tests.simulation.plan import Plan
from retender.tests.simulation.processes import quick_keys
from retender.tests.simulation.script import DAY, HOUR, MINUTE
from retender.tests.simulation.town import Ear, Town
from retender.tests.simulation.trouble import begin_troubles

_LOOK_EVERY = 15.0
_REST_WITHIN = 4 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What came of one seed.

    Attributes:
        problems: what is not as promised; empty if all is well.
        lines: the timeline.
        counts: how many orders and attempts ended in which state.
        exposure: seconds with more than one payable page, by order.
        switched: how many orders had more than one page.
        virtual_seconds: how much time passed in the town.
        steps: how many callbacks ran.

    """

    plan: Plan
    problems: tuple[str, ...]
    lines: tuple[str, ...]
    counts: Mapping[str, int]
    exposure: Mapping[str, float]
    switched: int
    virtual_seconds: float
    steps: int

    @property
    def digest(self) -> str:
        """Name the timeline: equal for equal ones."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


def play(plan: Plan) -> Outcome:
    """Play a plan from its beginning to the audit."""
    loop = VirtualLoop(stream(plan.seed, "scheduler"), plan.disorder)  # type: ignore[abstract]  # no sockets, on purpose
    with (
        TemporaryDirectory(prefix="retender-", dir=_memory()) as folder,
        quick_keys(),
        seeded_secrets(plan.seed),
        _listening() as ear,
        closing(Books(fresh_database(Path(folder)))) as books,
    ):
        return loop.run(_story(plan, loop, books, ear))


async def _story(plan: Plan, loop: VirtualLoop, books: Books, ear: Ear) -> Outcome:
    town = Town(plan, loop, books)
    lives = [Life(town, order) for order in plan.orders]
    town.spawn(_look_about(town), actor="town")
    troubles = begin_troubles(town)
    for task in [town.spawn(life.live(), actor=life.actor) for life in lives]:
        await task
    for trouble in troubles:
        await trouble
    end = max((outage.ends for outage in plan.outages), default=0.0)
    await asyncio.sleep(max(1.0, end - loop.time()))
    town.heal()
    town.log("nothing goes wrong any more")
    rested = await _rest(town, ear)
    if rested and any(gateway.delivery.pending() for gateway in town.gateways.values()):
        await asyncio.sleep(DAY + HOUR)  # what is delayed by a day comes now
        await _rest(town, ear)
    problems = [*audit(town, lives), *ear.heard, *map(str, loop.troubles)]
    return Outcome(
        plan=plan,
        problems=tuple(dict.fromkeys(problems)),
        lines=tuple(town.lines),
        counts=summary_of(town.books),
        exposure=dict(town.watch.exposure),
        switched=sum(len({p.number for p in life.pages}) > 1 for life in lives),
        virtual_seconds=loop.time(),
        steps=loop.steps,
    )


async def _rest(town: Town, ear: Ear) -> bool:
    """Wait until all is settled; false if that takes too long, or a bug was seen already."""
    end = town.loop.time() + _REST_WITHIN
    while town.loop.time() < end and not (town.bugs or ear.heard):
        await asyncio.sleep(2 * MINUTE)
        if is_settled(town.books):
            return True
    return False


async def _look_about(town: Town) -> None:
    """Look at the pages now and then, since time alone ends some."""
    while not town.is_quiet:
        await asyncio.sleep(_LOOK_EVERY)
        town.look()


def _memory() -> str | None:
    """Prefer a folder in memory: what is synchronous is quick there."""
    folder = Path("/dev/shm")  # noqa: S108 - a place, not a name that one could guess
    return str(folder) if folder.is_dir() else None


@contextmanager
def _listening() -> Iterator[Ear]:
    """Hear our code's errors, and keep them and all else off the screen."""
    ours, pool, ear = logging.getLogger("retender"), logging.getLogger("sqlalchemy.pool"), Ear()
    before = (ours.level, ours.propagate, pool.disabled)
    ours.addHandler(ear)
    ours.setLevel(logging.WARNING)
    ours.propagate = False
    pool.disabled = True  # it complains of connections that died with their process
    try:
        yield ear
    finally:
        ours.removeHandler(ear)
        ours.setLevel(before[0])
        ours.propagate, pool.disabled = before[1:]
