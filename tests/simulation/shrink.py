"""Shrinking: a failing plan, with everything taken out that it fails without."""

from collections.abc import Iterator
from dataclasses import replace

from retender.tests.simulation.plan import ACCOUNTS, Plan
from retender.tests.simulation.seed import Outcome, play


def shrink(failed: Outcome, *, most: int) -> Outcome:
    """
    Return the smallest failing outcome found within so many plays.

    Whole orders go first, then kinds of faults, crashes, outages and clocks, then single
    moves. Each order draws from a stream of its own, so the others stay what they were.
    """
    best, kind = failed, _kind(failed.problems[0])
    plays = 0
    progress = True
    while progress:
        progress = False
        for plan in _smaller(best.plan):
            if plays >= most:
                return best
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
    yield from _fewer_orders(plan)
    yield from _fewer_faults(plan)
    for index, order in enumerate(plan.orders):
        for gone in range(len(order.moves)):
            fewer = replace(order, moves=order.moves[:gone] + order.moves[gone + 1 :])
            yield replace(plan, orders=(*plan.orders[:index], fewer, *plan.orders[index + 1 :]))


def _fewer_orders(plan: Plan) -> Iterator[Plan]:
    size = len(plan.orders) // 2
    while size:
        for begin in range(0, len(plan.orders), size):
            left = plan.orders[:begin] + plan.orders[begin + size :]
            if left:
                yield replace(plan, orders=left)
        size //= 2


def _fewer_faults(plan: Plan) -> Iterator[Plan]:
    for fault in (name for name, rate in plan.call_rates.items() if rate):
        yield replace(plan, call_rates={**plan.call_rates, fault: 0.0})
    for fault in (name for name, rate in plan.notice_rates.items() if rate):
        yield replace(plan, notice_rates={**plan.notice_rates, fault: 0.0})
    if plan.crashes:
        yield replace(plan, crashes=plan.crashes[1:])
        yield replace(plan, crashes=plan.crashes[:-1])
    if plan.outages:
        yield replace(plan, outages=plan.outages[1:])
    if any(plan.skews.values()):
        yield replace(plan, skews=dict.fromkeys(ACCOUNTS, 0.0))
    if plan.shop_rate:
        yield replace(plan, shop_rate=0.0)
