"""A plan: all that people do and all that goes wrong in one seed, decided before it begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from retender.domain.use_cases.policy import PageStrategy
from retender.ports.accounts import SwitchPolicy
from retender.tests.simulation.chance import stream

ACCOUNTS = ("alipay", "wechat_pay", "sandbox")
CLIENTS = {
    "alipay": ("pc", "h5", "pc/qr", "app"),
    "wechat_pay": ("pc", "h5", "wechat_h5", "app"),
    "sandbox": ("pc", "h5", "pc/qr", "wechat_h5"),
}
"""From where a payer presses at an account, with the kind of page if they insist on one."""

PROCESSES = ("server", "worker-1", "worker-2")

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
ORDERS = 20
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

NOTICE_FAULTS = ("drop", "duplicate", "delay", "reorder", "forge")

_SPECIAL_CENTS = (9001, 9003, 9005, 9007, 9008, 9009)
"""Endings that choose an outcome at the sandbox: paid at once, paid while closing, one short."""


@dataclass(frozen=True, slots=True)
class Move:
    """
    One thing that somebody does.

    Attributes:
        at: seconds after the order was placed.
        verb: see ``people``.
        account: with which account, where that matters.
        client: from where.
        luck: 0 to 1, for choices that depend on what there is by then.

    """

    at: float
    verb: str
    account: str = ""
    client: str = ""
    luck: float = 0.0


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """One order, and what is done about it."""

    order_no: str
    minor: int
    begins: float
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """A gateway that is not itself for a while: ``refused``, ``silent`` or ``http_5xx``."""

    account: str
    begins: float
    ends: float
    how: str


@dataclass(frozen=True, slots=True)
class Crash:
    """A process that dies at a place, or so many steps after a moment, and is started again."""

    process: str
    at: float
    steps: int
    place: str | None
    down: float


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
        skews: by how many seconds each gateway's clock is ahead of ours.

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
    outages: tuple[Outage, ...]
    crashes: tuple[Crash, ...]
    skews: Mapping[str, float]


def make_plan(seed: int, orders: int = ORDERS) -> Plan:
    """
    Decide everything of one seed.

    Which faults there are at all is drawn first (a swarm): a world in which every fault is
    possible is one in which the extremes never happen.
    """
    swarm = stream(seed, "swarm")
    policies = tuple(SwitchPolicy)
    to_pay = stream(seed, "to pay").choice(TO_PAY)
    return Plan(
        seed=seed,
        to_pay=to_pay,
        policy=policies[seed % len(policies)],
        strict_over=swarm.choice((0, 100_000)),
        strategy=swarm.choice(tuple(PageStrategy)),
        disorder=swarm.choice((0.0, 0.1, 0.4)),
        orders=tuple(_order(seed, index, to_pay) for index in range(orders)),
        call_rates=_rates(swarm, CALL_FAULTS, (0.0, 0.0, 0.0, 0.03, 0.15)),
        notice_rates=_rates(swarm, NOTICE_FAULTS, (0.0, 0.0, 0.2, 1.0)),
        shop_rate=swarm.choice((0.0, 0.0, 0.2)),
        outages=tuple(_outages(stream(seed, "outages"))),
        crashes=tuple(_crashes(stream(seed, "crashes"))),
        skews={account: swarm.choice((0.0, 0.0, swarm.uniform(-115, 115))) for account in ACCOUNTS},
    )


_DEEDS = ("pay_last",) * 3 + ("pay_any",) * 2 + ("pay_all",) * 3 + ("scan", "leave")


def _rates(swarm: Random, names: Sequence[str], choices: Sequence[float]) -> Mapping[str, float]:
    return {name: swarm.choice(choices) for name in names}


def _outages(chance: Random) -> list[Outage]:
    outages = []
    for account in ACCOUNTS:
        if chance.random() < 0.25:
            begins = chance.uniform(0, 40 * MINUTE)
            lasts = chance.choice((2 * MINUTE, 10 * MINUTE, 45 * MINUTE, 3 * HOUR))
            how = chance.choice(("refused", "silent", "http_5xx"))
            outages.append(Outage(account, begins, begins + lasts, how))
    return outages


def _crashes(chance: Random) -> list[Crash]:
    many = chance.choice((0, 0, 2, 6, 15))
    return [
        Crash(
            process=chance.choice(PROCESSES),
            at=chance.uniform(5, 45 * MINUTE),
            steps=chance.randrange(200),
            place=chance.choice((None, "before a commit", "after a commit")),
            down=chance.choice((1.0, 20.0, 3 * MINUTE)),
        )
        for _ in range(many)
    ]


def _order(seed: int, index: int, to_pay: float) -> OrderPlan:
    chance = stream(seed, "order", index)
    special = chance.random() < 0.25
    minor = chance.choice(_SPECIAL_CENTS) if special else chance.randrange(1, 300_000)
    moves = sorted(_moves(chance, to_pay), key=lambda move: move.at)
    return OrderPlan(f"S{seed}-{index}", minor, chance.uniform(0, 5 * MINUTE), tuple(moves))


def _moves(chance: Random, to_pay: float) -> list[Move]:
    """Let one payer open, leave, come back, switch and pay, and the shop meddle."""
    moves: list[Move] = []
    at = chance.uniform(0, 20)
    usual = _way(chance)
    for _ in range(chance.choice((1, 2, 2, 3, 4))):
        moves += _visit(chance, at, usual, to_pay)
        at += chance.choice((1, 5, 60, to_pay / 6, to_pay / 2, to_pay - at - 2))
        at = min(max(at, 0), to_pay + 30)
    if chance.random() < 0.15:
        moves.append(Move(chance.uniform(0, to_pay + MINUTE), chance.choice(("close", "cancel"))))
    if chance.random() < 0.2:
        moves.append(Move(chance.uniform(0, to_pay), "place"))
    if chance.random() < 0.3:
        for _ in range(chance.choice((1, 1, 3))):
            verb = chance.choice(("refund", "refund_part", "refund_part"))
            moves.append(Move(chance.uniform(MINUTE, 1.5 * to_pay), verb, luck=chance.random()))
    return moves


def _way(chance: Random) -> tuple[str, str]:
    """Choose an account and a client type."""
    account = chance.choice(ACCOUNTS)
    return account, chance.choice(CLIENTS[account])


def _visit(chance: Random, at: float, usual: tuple[str, str], to_pay: float) -> list[Move]:
    """Press once or in two tabs, and perhaps pay: soon, later, at the last second or after it."""
    moves = []
    for _ in range(2 if chance.random() < 0.2 else 1):
        account, client = usual if chance.random() < 0.4 else _way(chance)
        moves.append(Move(at + chance.choice((0, 0, 0.3)), "press", account, client))
    when = chance.choice(
        (
            at + chance.uniform(1, 15),
            at + chance.uniform(1, 15),
            at + chance.uniform(15, to_pay / 3),
            to_pay + chance.choice((-1.5, -0.2, 0.2, 2)),
            to_pay + MINUTE + chance.choice((-1.5, -0.2, 0.2, 2, 60, 110)),
            to_pay + chance.uniform(3, 20) * MINUTE,
        )
    )
    verb = chance.choice(_DEEDS)
    moves.append(Move(when, verb, luck=chance.random()))
    return moves
