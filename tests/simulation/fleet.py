"""Many seeds: played on all cores, told in the order of the seeds, added up."""

import signal
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import count
from multiprocessing import get_context
from time import monotonic, process_time

from retender.tests.simulation.plan import ORDERS, make_plan
from retender.tests.simulation.seed import play

_AHEAD = 3
"""So many seeds for each process are handed out before their turn to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """
    What is left of a seed: little enough to be sent to another process.

    Attributes:
        seed: plays it again, byte for byte.
        orders: how many it had.
        problems: what is not as promised.
        policy: its switch policy.
        exposed: seconds for which an order had more than one payable page, all orders together.
        switched: how many orders had more than one page.
        counts: how many orders and attempts ended in which state.
        cpu_seconds: what it cost.
        digest: of its timeline.

    """

    seed: int
    orders: int
    problems: tuple[str, ...]
    policy: str
    exposed: float
    switched: int
    counts: Mapping[str, int]
    cpu_seconds: float
    digest: str


def play_seed(seed: int) -> Played:
    """Play one seed, in whichever process this is."""
    began = process_time()
    outcome = play(make_plan(seed))
    return Played(
        seed=seed,
        orders=len(outcome.plan.orders),
        problems=outcome.problems,
        policy=outcome.plan.policy,
        exposed=sum(outcome.exposure.values()),
        switched=outcome.switched,
        counts=outcome.counts,
        cpu_seconds=process_time() - began,
        digest=outcome.digest,
    )


def play_seeds(seeds: Iterable[int], *, processes: int) -> Iterator[Played]:
    """
    Play seeds as they come, and yield them in their order, whoever was first.

    Closing the iterator forgets what has not begun, and waits for the rest.
    """
    if processes <= 1:
        yield from map(play_seed, seeds)
        return
    with ExitStack() as exits:
        pool = ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_leave_interrupts
        )
        exits.callback(pool.shutdown, cancel_futures=True)
        waiting: deque[Future[Played]] = deque()
        for seed in seeds:
            waiting.append(pool.submit(play_seed, seed))
            if len(waiting) >= _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _leave_interrupts() -> None:
    """Let the first process alone decide what Ctrl-C means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def seeds_from(
    first: int,
    *,
    orders: int | None = None,
    seconds: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[int]:
    """Yield seeds that hold at least so many orders, or until so many seconds have passed."""
    ends = None if seconds is None else clock() + seconds
    for seed in count(first):
        if orders is not None and (seed - first) * ORDERS >= orders:
            return
        if ends is not None and clock() >= ends:
            return
        yield seed


@dataclass(slots=True)
class Tally:
    """
    Many seeds, added up.

    Attributes:
        failed: seeds in which something was not as promised, each with its problems.

    """

    first: int
    seeds: int = 0
    orders: int = 0
    cpu_seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _exposed: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _switched: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        """Add one seed."""
        self.seeds += 1
        self.orders += played.orders
        self.cpu_seconds += played.cpu_seconds
        self.counts.update(played.counts)
        self._exposed[played.policy] += played.exposed
        self._switched[played.policy] += played.switched
        if played.problems:
            self.failed[played.seed] = played.problems

    @property
    def pace(self) -> float:
        """Orders in a minute of one core."""
        return self.orders / self.cpu_seconds * 60 if self.cpu_seconds else 0.0

    def exposure(self) -> Iterator["Exposure"]:
        """Say, by policy, for how long payers could have paid twice."""
        for policy in sorted(self._exposed):
            switched = self._switched[policy]
            seconds = self._exposed[policy] / switched if switched else 0.0
            yield Exposure(policy, switched, round(seconds, 1))

    def facts(self) -> dict[str, object]:
        """Return all of it as JSON values."""
        return {
            "first_seed": self.first,
            "seeds": self.seeds,
            "orders": self.orders,
            "orders_per_minute_and_core": round(self.pace),
            "ended": dict(sorted(self.counts.items())),
            "exposure": [asdict(each) for each in self.exposure()],
            "failed": [
                {"seed": seed, "problems": list(problems)} for seed, problems in self.failed.items()
            ],
        }


@dataclass(frozen=True, slots=True)
class Exposure:
    """
    How long two pages of one order could be paid at a time.

    Attributes:
        policy: the switch policy.
        orders: how many orders had more than one page.
        exposure_seconds: of such an order, on average.

    """

    policy: str
    orders: int
    exposure_seconds: float
