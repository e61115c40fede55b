"""Parallel: explore many configurations at once, one process for each core."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from retender.tests.model.explorer import Bound, Explorer, Report
from retender.tests.model.mutants import MUTANTS, Mutant, hunt
from retender.tests.model.rules import Rules

_WorkT = TypeVar("_WorkT")


@contextmanager
def at_work(
    work: Callable[[int], _WorkT], count: int, workers: int | None = None, *, fresh: bool = False
) -> Iterator[list["Future[_WorkT]"]]:
    """
    Have ``work(0)`` to ``work(count - 1)`` done by so many processes; default: one a core.

    Fresh ones do one piece of work each: no memory is held, or counted, that another used.
    """
    # Each begins from nothing: what a process inherits, it holds in memory.
    spawn, most = get_context("spawn"), 1 if fresh else None
    with ProcessPoolExecutor(workers or os.cpu_count(), spawn, max_tasks_per_child=most) as pool:
        futures = [pool.submit(work, number) for number in range(count)]
        try:
            yield futures
        finally:
            for future in futures:
                future.cancel()


def explore(rules: Sequence[Rules], bound: Bound | None, every: float, number: int) -> Report:
    """Explore one of the configurations; say how far it is every so many seconds, if not 0."""
    said = 0.0

    def tell(report: Report) -> None:
        nonlocal said
        if report.seconds - said >= every:
            said = report.seconds
            pace = report.states / report.seconds
            sys.stdout.write(
                f"  {report.rules.name}: {report.states:,} states, {report.waiting:,} wait, "
                f"depth {report.depth}, {pace:,.0f} states/s, {report.megabytes:,} MB, "
                f"{report.seconds:,.0f} s\n"
            )
            sys.stdout.flush()

    return Explorer(rules[number], bound=bound, progress=tell if every else None).run()


def explorations(
    rules: Sequence[Rules],
    bound: Bound | None = None,
    *,
    every: float = 0,
    workers: int | None = None,
) -> Iterator[Report]:
    """Yield the report of each configuration, in their order."""
    work = partial(explore, rules, bound, every)
    with at_work(work, len(rules), workers, fresh=True) as futures:
        for future in futures:
            yield future.result()


def hunt_number(number: int) -> Report:
    """Hunt one of the mutants."""
    return hunt(MUTANTS[number])


def hunts() -> Iterator[tuple[Mutant, Report]]:
    """Yield each mutant with what became of it."""
    with at_work(hunt_number, len(MUTANTS)) as futures:
        for mutant, future in zip(MUTANTS, futures, strict=True):
            yield mutant, future.result()
