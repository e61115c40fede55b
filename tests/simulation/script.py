"""What people do about one order, decided before it begins."""

from dataclasses import dataclass
from random import Random

from retender.tests.simulation.chance import stream

ACCOUNTS = ("alipay", "wechat_pay", "sandbox", "hosted")
CLIENTS = {
    "alipay": ("pc", "h5", "pc/qr", "app"),
    "wechat_pay": ("pc", "h5", "wechat_h5", "app"),
    "sandbox": ("pc", "h5", "pc/qr", "wechat_h5"),
    "hosted": ("pc", "h5"),
}
"""From where a payer presses at an account, with the kind of page if they insist on one."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

_SPECIAL_CENTS = (9001, 9003, 9005, 9007, 9008, 9009)
"""Endings that choose an outcome at the sandbox: paid at once, paid while closing, one short."""

_WAVERING = 0.15
"""So many payers cannot make up their minds to pay, and do nothing else."""

_DEEDS = ("pay_last",) * 3 + ("pay_any",) * 2 + ("pay_all",) * 3 + ("scan", "leave")


@dataclass(frozen=True, slots=True)
class Move:
    """
    One thing that somebody does.

    Attributes:
        at: seconds after the order was placed.
        who: a visit of the payer, a second tab, or the shop; shrinking drops one at a time.
        verb: see ``people``.
        account: with which account, where that matters.
        client: from where.
        luck: 0 to 1, for choices that depend on what there is by then.

    """

    at: float
    who: str
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


def make_order(seed: int, index: int, to_pay: float) -> OrderPlan:
    """Decide what becomes of a seed's order that can be paid for so many seconds."""
    chance = stream(seed, "order", index)
    special = chance.random() < 0.25
    minor = chance.choice(_SPECIAL_CENTS) if special else chance.randrange(1, 300_000)
    moves = _wavering(stream(seed, "wavering", index), to_pay) or _moves(chance, to_pay)
    moves = sorted(moves, key=lambda move: move.at)
    return OrderPlan(f"S{seed}-{index}", minor, chance.uniform(0, 5 * MINUTE), tuple(moves))


def _moves(chance: Random, to_pay: float) -> list[Move]:
    """Let one payer open, leave, come back, switch and pay, and the shop meddle."""
    moves: list[Move] = []
    at = chance.uniform(0, 20)
    usual = _way(chance)
    for visit in range(chance.choice((1, 2, 2, 3, 4))):
        moves += _visit(chance, f"visit {visit + 1}", at, usual, to_pay)
        at += chance.choice((1, 5, 60, to_pay / 6, to_pay / 2, to_pay - at - 2))
        at = min(max(at, 0), to_pay + 30)
    if chance.random() < 0.15:
        verb = chance.choice(("close", "cancel"))
        at = chance.uniform(0, to_pay + MINUTE)
        moves.append(Move(at, "shop", verb, luck=chance.random()))
    if chance.random() < 0.2:
        moves.append(Move(chance.uniform(0, to_pay), "shop again", "place"))
    if chance.random() < 0.3:
        for _ in range(chance.choice((1, 1, 3))):
            verb = chance.choice(("refund", "refund_part", "refund_part"))
            at = chance.uniform(MINUTE, 1.5 * to_pay)
            moves.append(Move(at, "shop's refunds", verb, luck=chance.random()))
    if chance.random() < 0.1:
        at = chance.uniform(MINUTE, 1.5 * to_pay)
        moves.append(Move(at, "shop's console", "console", luck=chance.random()))
    return moves


def _wavering(chance: Random, to_pay: float) -> list[Move]:
    """Let some press the same again and again, open nothing, and try to pay far too late."""
    if chance.random() >= _WAVERING:
        return []
    who, (account, client) = "waverer", _way(chance)
    presses = [Move(chance.uniform(0, to_pay), who, "press", account, client) for _ in range(3)]
    end = to_pay + MINUTE
    return [*presses, *(Move(end + chance.uniform(0, to_pay), who, "pay_last") for _ in range(3))]


def _way(chance: Random) -> tuple[str, str]:
    """Choose an account and a client type."""
    account = chance.choice(ACCOUNTS)
    return account, chance.choice(CLIENTS[account])


def _visit(
    chance: Random, who: str, at: float, usual: tuple[str, str], to_pay: float
) -> list[Move]:
    """Press once or in two tabs, and perhaps pay: soon, later, at the last second or after it."""
    moves = []
    for tab in (who, f"second tab of {who}")[: 2 if chance.random() < 0.2 else 1]:
        account, client = usual if chance.random() < 0.4 else _way(chance)
        moves.append(Move(at + chance.choice((0, 0, 0.3)), tab, "press", account, client))
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
    moves.append(Move(when, who, chance.choice(_DEEDS), luck=chance.random()))
    return moves
