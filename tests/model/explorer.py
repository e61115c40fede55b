"""
Explorer: every state that can be reached, breadth first, and where all of it comes to rest.

A state is one number: its core, and who stands where. Nothing is left out by
that: it is the same graph, whose moves are worked out once for each core and
each place instead of once for each state.
"""

import gc
import logging
import resource
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from retender.tests.model.graph import Graph
from retender.tests.model.ground import Core, Move
from retender.tests.model.handlers import Job
from retender.tests.model.invariants import MEANING, always, at_rest, has_ended
from retender.tests.model.requests import without_time_limits
from retender.tests.model.rules import Rules
from retender.tests.model.world import Model

_BITS = 26
_MASK = (1 << _BITS) - 1
_PULSE = 1 << 14
"""After so many states the time and the memory are looked at."""


@dataclass(frozen=True)
class Trace:
    """The shortest way to a state in which an invariant is broken."""

    invariant: str
    steps: tuple[str, ...]
    ends_in: str

    def __str__(self) -> str:
        """Tell it as a numbered story."""
        head = f"{self.invariant}: {MEANING[self.invariant]} ({len(self.steps)} steps)"
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([head, *lines, f"     ends in: {self.ends_in}"])


@dataclass
class Report:
    """
    What exploring one configuration found.

    Attributes:
        rules: the configuration.
        states: how many there are, or were met.
        transitions: steps between them.
        depth: of the state that is farthest from the beginning.
        seconds: how long it took.
        rests: in how many ways everything comes to rest.
        cores: how many states there are, whoever stands where.
        waiting: states that were met and not explored, when a bound was reached.
        megabytes: the most memory that the process held.
        broken: a shortest trace for each invariant that is broken.

    """

    rules: Rules
    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    rests: int = 0
    cores: int = 0
    waiting: int = 0
    megabytes: int = 0
    broken: dict[str, Trace] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return one line."""
        summary = "broken: " + " ".join(sorted(self.broken)) if self.broken else "holds"
        if self.waiting:
            summary += f" to depth {self.depth - 1}; BOUND REACHED, {self.waiting:,} states wait"
        return (
            f"{self.rules.name:36} {self.states:>10,} states {self.transitions:>11,} steps "
            f"depth {self.depth:>3} {self.seconds:>6.1f} s {self.megabytes:>5,} MB "
            f"{self.rests:>4} rests  {summary}"
        )


class Crew(NamedTuple):
    """Who is in the middle of something: places by rank, their jobs, the jobs' names."""

    ranks: tuple[int, ...]
    jobs: tuple[Job, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Bound:
    """When to stop although there is more: states, megabytes, seconds."""

    states: int = 10**8
    megabytes: int = 10**6
    seconds: float = 10**6


class Explorer:
    """One exploration."""

    def __init__(
        self,
        rules: Rules,
        *,
        bound: Bound | None = None,
        progress: Callable[[Report], None] | None = None,
    ) -> None:
        """Begin at a new order; ``progress`` hears how far it is, now and then."""
        self.model, self.report = Model(rules), Report(rules)
        self.bound, self.progress = bound or Bound(), progress
        self.crews = [Crew((), (), ())]
        self.crew_ids: dict[tuple[int, ...], int] = {(): 0}
        self.changes: dict[tuple[int, int, int], int] = {}
        first = self.model.first << _BITS
        self.states, self.ids = array("q", [first]), {first: 0}
        self.parents, self.levels = array("i", [-1]), array("H", [0])
        self.recovery = Graph()
        self.judged: set[int] = set()

    def run(self, *, until: str | None = None) -> Report:
        """Explore everything, or until an invariant is broken, and judge it."""
        began = time.perf_counter()
        # Nothing here is garbage before the end, and looking for it takes half the time.
        collects, level = gc.isenabled(), logging.root.manager.disable
        gc.disable()
        logging.disable()  # handlers warn of what happens to them, over and over
        try:
            with without_time_limits():
                self._explore(until, began)
        finally:
            logging.disable(level)
            if collects:
                gc.enable()
        self._count(began)
        return self.report

    def cores(self) -> list[Core]:
        """Return every core that was met."""
        return self.model.cores

    def _explore(self, until: str | None, began: float) -> None:
        index, states, broken = 0, self.states, self.report.broken
        while index < len(states) and until not in broken:
            self._expand(index)
            index += 1
            if not index % _PULSE and self._is_enough(index, began):
                self.report.waiting = len(states) - index
                return
        self.ids.clear()
        if until is None or until not in broken:
            self._judge_rests()

    def _is_enough(self, index: int, began: float) -> bool:
        report, bound = self.report, self.bound
        self._count(began)
        if self.progress:
            report.waiting = len(self.states) - index
            self.progress(report)
            report.waiting = 0
        return (
            report.states > bound.states
            or report.megabytes > bound.megabytes
            or report.seconds > bound.seconds
        )

    def _count(self, began: float) -> None:
        report = self.report
        report.seconds = time.perf_counter() - began
        report.states, report.depth = len(self.states), self.levels[-1]
        report.cores = len(self.model.cores)
        report.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    def _expand(self, index: int) -> None:
        state, ids, states = self.states[index], self.ids, self.states
        core = state >> _BITS
        if core not in self.judged:
            self.judged.add(core)
            for broken in always(self.model.cores[core], self.model.rules):
                self._note(broken, index)
        ways = []
        for move, target in self._moves(state):
            if move.bug:
                self._note(move.bug, index, move)
            if target == state:
                continue
            self.report.transitions += 1
            found = ids.setdefault(target, len(states))
            if found == len(states):
                states.append(target)
                self.parents.append(index)
                self.levels.append(self.levels[index] + 1)
            if move.kind in "st":
                ways.append(found)
        self.recovery.add(ways)

    def _moves(self, state: int) -> Iterator[tuple[Move, int]]:
        """Yield every move of a state, with the state after it."""
        model, core, crew_id = self.model, state >> _BITS, state & _MASK
        for move in model.alone(core):
            yield move, move.core << _BITS | crew_id
        crew = self.crews[crew_id]
        free = len(crew.ranks) < model.rules.hands
        for job, beside, move in model.starts(core):
            if crew.jobs:
                # A job about nothing in particular is all jobs of its name.
                busy = crew.jobs.count(job) if job.about else crew.names.count(job.name)
                if busy > beside:
                    continue
            if not move.place:
                yield move, move.core << _BITS | crew_id
            elif free:
                yield move, move.core << _BITS | self._change(crew_id, 0, move.place)
        for nth, rank in enumerate(crew.ranks):
            if nth and rank == crew.ranks[nth - 1]:
                continue
            for move in model.steps(core, rank):
                yield move, move.core << _BITS | self._change(crew_id, rank, move.place)

    def _change(self, crew_id: int, leaves: int, comes: int) -> int:
        """Return the crew after one handler left a place and came to another; 0 is none."""
        key = (crew_id, leaves, comes)
        if key not in self.changes:
            ranks = list(self.crews[crew_id].ranks)
            if leaves:
                ranks.remove(leaves)
            if comes:
                ranks.append(comes)
            crew = tuple(sorted(ranks))
            self.changes[key] = self.crew_ids.setdefault(crew, len(self.crews))
            if self.changes[key] == len(self.crews):
                jobs = tuple(self.model.place(rank).job for rank in crew)
                self.crews.append(Crew(crew, jobs, tuple(job.name for job in jobs)))
        return self.changes[key]

    def _judge_rests(self) -> None:
        """
        Look at the bottom components of the recovery graph: system and time steps only.

        Whatever happened before, once nobody acts and nothing fails, all ends in
        one of them, if every step that stays possible is taken some day.
        """
        rules, cores = self.model.rules, self.model.cores
        good = []
        for members in self.recovery.bottoms():
            self.report.rests += 1
            for member in members:
                core = cores[self.states[member] >> _BITS]
                for broken in at_rest(core, rules):
                    self._note(broken, member)
                if has_ended(core) and not self.states[member] & _MASK:
                    good.append(member)
        reached = self.recovery.that_reach(good)
        if (stranded := reached.find(0)) >= 0:
            self._note("L3", stranded)

    # --- traces ------------------------------------------------------------------------

    def _note(self, broken: str, index: int, move: Move | None = None) -> None:
        known = self.report.broken.get(broken)
        if known is None or len(known.steps) > self.levels[index] + (move is not None):
            steps = self._trace(index)
            if move is not None:
                steps = (*steps, _words(move))
            self.report.broken[broken] = Trace(broken, steps, self._picture(index))

    def _picture(self, index: int) -> str:
        core = self.model.cores[self.states[index] >> _BITS]
        rows = [f"order {core.ledger.order.state}"]
        rows += [f"{a.number} {a.state}" for a in core.ledger.attempts]
        rows += [f"{r.number} {r.state}" for r in core.ledger.refunds]
        rows += [f"{till.number} {till.state} x{till.given_back}" for till in core.books]
        return "; ".join(rows)

    def _trace(self, index: int) -> tuple[str, ...]:
        """Find the steps again: which move of each state led to the next."""
        steps = []
        while (parent := self.parents[index]) >= 0:
            state, target = self.states[parent], self.states[index]
            move = next(move for move, found in self._moves(state) if found == target)
            steps.append(_words(move))
            index = parent
        return tuple(reversed(steps))


def _words(move: Move) -> str:
    return "".join(map(str, move.words))
