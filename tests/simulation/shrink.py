"""Shrinking: a failing plan, with everything taken out that it fails without."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from retender.tests.simulation.plan import Plan
from retender.tests.simulation.script import ACCOUNTS, OrderPlan
from retender.tests.simulation.seed import Outcome, play

T = TypeVar("T")

_Fewer = Callable[[OrderPlan], Iterator[OrderPlan]]


def shrink(failed: Outcome, *, most: int) -> Outcome:
    """
    Return the smallest failing outcome found within so many plays.

    Whole orders go first, then kinds of faults and what goes wrong by itself, then the
    visits, tabs and shop's deeds of each order, then single moves. Each order draws from a
    stream of its own, so the others stay what they were.
    """
    best, kind = failed, _kind(failed.problems[0])
    plays, tried = 0, set[int]()
    progress = True
    while progress:
        progress = False
        for plan in _smaller(best.plan):
            if plays >= most:
                return best
            if hash(repr(plan)) in tried:
                continue
            tried.add(hash(repr(plan)))
            plays += 1
            outcome = play(plan)
            if any(_kind(problem) == kind for problem in outcome.problems):
                best, progress = outcome, True
                break
    return best


def _kind(problem: str) -> str:
    """Return what makes two problems the same: their words, without names and numbers."""
    return " ".join(word for word in problem.split() if word.isalpha())


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Yield plans with something taken out, the largest pieces first."""
    for orders in _fewer(plan.orders):
        if orders:
            yield replace(plan, orders=orders)
    yield from _fewer_faults(plan)
    yield from _with_fewer_moves(plan, _without_an_actor)
    yield from _with_fewer_moves(plan, _without_a_move)


def _fewer(things: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    """Leave out the one half, or the other, then quarters, at last single ones."""
    size = (len(things) + 1) // 2
    while size:
        for begin in range(0, len(things), size):
            yield things[:begin] + things[begin + size :]
        size //= 2


def _fewer_faults(plan: Plan) -> Iterator[Plan]:
    for dials in ("call_rates", "notice_rates"):
        rates = getattr(plan, dials)
        for fault in (name for name, rate in rates.items() if rate):
            yield _changed(plan, dials, {**rates, fault: 0.0})
    for kind in ("rotations", "crashes", "pauses", "store_troubles", "outages", "lies"):
        for fewer in _fewer(getattr(plan, kind)):
            yield _changed(plan, kind, fewer)
    if any(plan.skews.values()):
        yield replace(plan, skews=dict.fromkeys(ACCOUNTS, 0.0))
    if plan.shop_rate:
        yield replace(plan, shop_rate=0.0)
    if any(plan.shop_takes):
        yield replace(plan, shop_takes=(0.0,))
    if plan.disorder:
        yield replace(plan, disorder=0.0)


def _changed(plan: Plan, name: str, value: object) -> Plan:
    return replace(plan, **{name: value})  # type: ignore[arg-type]  # one of the plan's own


def _with_fewer_moves(plan: Plan, fewer: _Fewer) -> Iterator[Plan]:
    for index, order in enumerate(plan.orders):
        for smaller in fewer(order):
            yield replace(plan, orders=(*plan.orders[:index], smaller, *plan.orders[index + 1 :]))


def _without_an_actor(order: OrderPlan) -> Iterator[OrderPlan]:
    """Leave out a visit, a second tab, or the shop."""
    for who in dict.fromkeys(move.who for move in order.moves):
        yield replace(order, moves=tuple(move for move in order.moves if move.who != who))


def _without_a_move(order: OrderPlan) -> Iterator[OrderPlan]:
    for gone in range(len(order.moves)):
        yield replace(order, moves=order.moves[:gone] + order.moves[gone + 1 :])
