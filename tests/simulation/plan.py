"""A plan: all that people do and all that goes wrong in one seed, decided before it begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.pay_policy import PageStrategy
from retender.tests.simulation.chance import stream
from retender.tests.simulation.script import ACCOUNTS, HOUR, MINUTE, OrderPlan, make_order

PROCESSES = ("server", "worker-1", "worker-2")

ORDERS = 40
"""How many orders a seed has."""

TO_PAY = (5 * MINUTE, 10 * MINUTE, 30 * MINUTE)
"""How long the payer sees that there is; the provider hears one minute more."""

CALL_FAULTS = (
    "lost_before_effect",
    "lost_after_effect",
    "http_5xx",
    "http_5xx_after_effect",
    "rate_limit",
    "provider_error",
    "provider_error_after_effect",
    "delay",
    "late",
    "refused",
)
"""What may happen to one call; the kinds of ``FaultKind``, and two that the wire brings."""

NOTICE_FAULTS = ("drop", "lost", "duplicate", "delay", "reorder", "forge")
"""What may happen to one notice; what was dropped is told again, what was lost never is."""

PLACES = (
    "before a commit",
    "after a commit",
    "before a commit that tells",
    "after a commit that tells",
)
"""Where a process may die or stop, besides anywhere; to tell is to write an event down."""


SHOPS = ((0.0,), (0.0,), (0.0, 3.0), (3.0, 8.0), (0.0, 0.0, 20.0, 2 * MINUTE))
"""How long a shop may take: nothing, some seconds, or longer than a round and than a lease."""


@dataclass(frozen=True, slots=True)
class Outage:
    """
    A gateway that is not itself for a while: ``refused``, ``silent``, ``http_5xx``, ``forgets``.

    Attributes:
        only: one operation that is out, while the others work; or all of them are.

    """

    account: str
    begins: float
    ends: float
    how: str
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Crash:
    """A process that dies at a place, or so many steps after a moment, and is started again."""

    process: str
    at: float
    steps: int
    place: str | None
    down: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A process that is stopped there, as by SIGSTOP, holds what it holds, and goes on later."""

    process: str
    at: float
    steps: int
    place: str | None
    lasts: float


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """The database's disk is ``full``, or somebody else keeps its lock: it is ``busy``."""

    kind: str
    at: float
    lasts: float


@dataclass(frozen=True, slots=True)
class Rotation:
    """
    An account's keys change at the gateway and at us, one after the other.

    Attributes:
        whose: the ``merchant``'s key, or the ``gateway``'s.
        we_are_first: we are restarted with the new key before the gateway has it.
        gap: seconds from one to the other, in which nothing that is signed is believed.

    """

    account: str
    at: float
    whose: str
    we_are_first: bool
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    One seed's world.

    Attributes:
        to_pay: for how many seconds an order can be paid.
        policy: the deployment's switch policy; every seed has one.
        strict_over: for ``adaptive``.
        strategy: which page a returning payer gets.
        disorder: how often the scheduler lets somebody else go first.
        call_rates: how likely each fault of a call is.
        notice_rates: the same of notices.
        shop_rate: how often the shop does not hear, or is not known to have heard.
        shop_takes: for about how many seconds it takes its time to answer, one as likely as
            the other.
        skews: by how many seconds each gateway's clock is ahead of ours.
        lies: when a stranger says that somebody has paid who has not.

    """

    seed: int
    to_pay: float
    policy: SwitchPolicy
    strict_over: int
    strategy: PageStrategy
    disorder: float
    orders: tuple[OrderPlan, ...]
    call_rates: Mapping[str, float]
    notice_rates: Mapping[str, float]
    shop_rate: float
    shop_takes: tuple[float, ...]
    outages: tuple[Outage, ...]
    crashes: tuple[Crash, ...]
    pauses: tuple[Pause, ...]
    store_troubles: tuple[StoreTrouble, ...]
    rotations: tuple[Rotation, ...]
    lies: tuple[float, ...]
    skews: Mapping[str, float]


def make_plan(seed: int, orders: int = ORDERS) -> Plan:
    """
    Decide everything of one seed.

    Which faults there are at all is drawn first (a swarm): a world in which every fault is
    possible is one in which the extremes never happen.
    """
    swarm = stream(seed, "swarm")
    policies = tuple(SwitchPolicy)
    to_pay = swarm.choice(TO_PAY)
    return Plan(
        seed=seed,
        to_pay=to_pay,
        policy=policies[seed % len(policies)],
        strict_over=swarm.choice((0, 100_000)),
        strategy=swarm.choice(tuple(PageStrategy)),
        disorder=swarm.choice((0.0, 0.1, 0.4)),
        orders=tuple(make_order(seed, index, to_pay) for index in range(orders)),
        call_rates=_rates(swarm, CALL_FAULTS, (0.0, 0.0, 0.0, 0.03, 0.15)),
        notice_rates=_rates(swarm, NOTICE_FAULTS, (0.0, 0.0, 0.2, 1.0)),
        shop_rate=swarm.choice((0.0, 0.0, 0.2)),
        shop_takes=stream(seed, "shop").choice(SHOPS),
        outages=(
            *_outages(stream(seed, "outages"), to_pay),
            *_partial_outages(stream(seed, "partial outages"), to_pay),
        ),
        crashes=tuple(_crashes(stream(seed, "crashes"), to_pay)),
        pauses=tuple(_pauses(stream(seed, "pauses"), to_pay)),
        store_troubles=tuple(_store_troubles(stream(seed, "store"), to_pay)),
        rotations=tuple(_rotations(stream(seed, "rotations"), to_pay)),
        lies=tuple(_lies(stream(seed, "lies"), to_pay)),
        skews={account: swarm.choice((0.0, 0.0, swarm.uniform(-115, 115))) for account in ACCOUNTS},
    )


def _rates(swarm: Random, names: Sequence[str], choices: Sequence[float]) -> Mapping[str, float]:
    return {name: swarm.choice(choices) for name in names}


def _outages(chance: Random, to_pay: float) -> list[Outage]:
    outages = []
    for account in ACCOUNTS:
        if chance.random() < 0.25:
            begins = chance.uniform(0, to_pay + 10 * MINUTE)
            lasts = chance.choice((2 * MINUTE, 10 * MINUTE, 45 * MINUTE, 3 * HOUR))
            how = chance.choice(("refused", "silent", "http_5xx"))
            if account == "hosted" and chance.random() < 0.6:
                how = "forgets"
            outages.append(Outage(account, begins, begins + lasts, how))
    return outages


def _partial_outages(chance: Random, to_pay: float) -> list[Outage]:
    many = chance.choice((0, 0, 1, 3))
    outages = []
    for _ in range(many):
        begins = chance.uniform(0, to_pay)
        outages.append(
            Outage(
                account=chance.choice(ACCOUNTS),
                begins=begins,
                ends=begins + chance.choice((2 * MINUTE, 10 * MINUTE, 45 * MINUTE)),
                how=chance.choice(("silent", "http_5xx")),
                only=chance.choice(("open", "query", "close", "close", "refund")),
            )
        )
    return outages


def _crashes(chance: Random, to_pay: float) -> list[Crash]:
    many = chance.choice((0, 0, 2, 6, 15))
    return [
        Crash(
            process=chance.choice(PROCESSES),
            at=chance.uniform(5, 1.5 * to_pay),
            steps=chance.randrange(200),
            place=chance.choice((None, None, *PLACES)),
            down=chance.choice((1.0, 20.0, 3 * MINUTE)),
        )
        for _ in range(many)
    ]


def _pauses(chance: Random, to_pay: float) -> list[Pause]:
    many = chance.choice((0, 0, 0, 2, 5))
    return [
        Pause(
            process=chance.choice(PROCESSES),
            at=chance.uniform(5, 1.2 * to_pay),
            steps=chance.randrange(100),
            place=chance.choice((None, None, None, *PLACES)),
            lasts=chance.choice((20.0, 90.0, 4 * MINUTE, 15 * MINUTE)),
        )
        for _ in range(many)
    ]


def _store_troubles(chance: Random, to_pay: float) -> list[StoreTrouble]:
    many = chance.choice((0, 0, 0, 1, 3))
    return [
        StoreTrouble(
            kind=chance.choice(("busy", "full")),
            at=chance.uniform(5, 1.2 * to_pay),
            lasts=chance.choice((3.0, 20.0, 2 * MINUTE, 10 * MINUTE)),
        )
        for _ in range(many)
    ]


def _rotations(chance: Random, to_pay: float) -> list[Rotation]:
    return [
        Rotation(
            account=account,
            at=chance.uniform(20, 1.2 * to_pay),
            whose=chance.choice(("merchant", "gateway")),
            we_are_first=chance.random() < 0.5,
            gap=chance.choice((1.0, 60.0, 15 * MINUTE)),
        )
        for account in ACCOUNTS
        if chance.random() < 0.12
    ]


def _lies(chance: Random, to_pay: float) -> list[float]:
    many = chance.choice((0, 0, 0, 5, 25))
    return sorted(chance.uniform(10, 1.3 * to_pay) for _ in range(many))
