"""Explorer: every state that can be reached, breadth first, and where all of it comes to rest."""

import gc
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from retender.tests.model.invariants import MEANING, always, at_rest
from retender.tests.model.world import Model, Rules, World


@dataclass(frozen=True)
class Trace:
    """The shortest way to a state in which an invariant is broken."""

    invariant: str
    steps: tuple[str, ...]
    world: World

    def __str__(self) -> str:
        """Tell it as a numbered story."""
        head = f"{self.invariant}: {MEANING[self.invariant]} ({len(self.steps)} steps)"
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.steps, 1)]
        ledger = self.world.ledger
        rows = [f"order {ledger.order.state}"]
        rows += [f"{a.number} {a.state}" for a in ledger.attempts]
        rows += [f"{till.number} {till.state} x{len(till.refunds)}" for till in self.world.books]
        return "\n".join([head, *lines, f"     ends in: {'; '.join(rows)}"])


@dataclass
class Report:
    """What exploring one configuration found."""

    rules: Rules
    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    rests: int = 0
    ledgers: int = 0
    places: int = 0
    broken: dict[str, Trace] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return one line."""
        verdict = "broken: " + " ".join(sorted(self.broken)) if self.broken else "holds"
        return (
            f"{self.rules.name:28} {self.states:>9,} states {self.transitions:>10,} transitions "
            f"depth {self.depth:>3} {self.seconds:>6.1f} s  {self.rests:>4} rests  {verdict}"
        )


class Explorer:
    """One exploration."""

    def __init__(self, rules: Rules, *, limit: int = 10**7) -> None:
        """Begin at a new order."""
        self.model, self.report, self.limit = Model(rules), Report(rules), limit
        self.states = [self.model.first]
        self.ids = {self.model.first: 0}
        self.parents, self.labels = array("i", [-1]), array("i", [0])
        self.words = {"": 0}
        self.edges, self.offsets = array("i"), array("q", [0])

    def run(self, *, until: str | None = None) -> Report:
        """Explore everything, or until an invariant is broken, and judge it."""
        began = time.perf_counter()
        # Nothing here is garbage before the end, and looking for it takes half the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            self._explore(until)
        finally:
            if collects:
                gc.enable()
        self.report.seconds = time.perf_counter() - began
        return self.report

    def _explore(self, until: str | None) -> None:
        levels = array("H", [0])
        index = 0
        while index < len(self.states) and until not in self.report.broken:
            self._expand(index, levels)
            index += 1
            if len(self.states) > self.limit:
                message = f"{self.report.rules.name} has more than {self.limit} states"
                raise MemoryError(message)
        self.ids.clear()
        if until is None or until not in self.report.broken:
            for members in self._bottoms():
                self.report.rests += 1
                for member in members:
                    world = self.states[member]
                    for broken in at_rest(world.ledger, world.books):
                        self._note(broken, member)
        report = self.report
        report.states, report.depth = len(self.states), max(levels)
        report.ledgers, report.places = len(self.model.ledgers), len(self.model.order_of_places)

    def _expand(self, index: int, levels: "array[int]") -> None:
        world, ids, words = self.states[index], self.ids, self.words
        strict = self.report.rules.always_strict
        for broken in always(world.ledger, world.books, world.phase, strict=strict):
            self._note(broken, index)
        for kind, label, after, bug in self.model.moves(world):
            if bug:
                self._note("T", index)
            if after == world:
                continue
            self.report.transitions += 1
            found = ids.setdefault(after, len(self.states))
            if found == len(self.states):
                self.states.append(after)
                self.parents.append(index)
                self.labels.append(words.setdefault(label, len(words)))
                levels.append(levels[index] + 1)
            if kind in "st":
                self.edges.append(found)
        self.offsets.append(len(self.edges))

    def _note(self, broken: str, index: int) -> None:
        known = self.report.broken.get(broken)
        if known is None or len(known.steps) > self._depth(index):
            self.report.broken[broken] = Trace(broken, self._trace(index), self.states[index])

    def _depth(self, index: int) -> int:
        return len(self._trace(index))

    def _trace(self, index: int) -> tuple[str, ...]:
        words = list(self.words)
        steps = []
        while self.parents[index] >= 0:
            steps.append(words[self.labels[index]])
            index = self.parents[index]
        return tuple(reversed(steps))

    def _bottoms(self) -> Iterator[list[int]]:
        """
        Yield the bottom components of the recovery graph: system and time steps only.

        Whatever happened before, once nobody acts and nothing fails, all ends in
        one of them, if every step that stays possible is taken some day.
        """
        component = components(self.edges, self.offsets)
        leaves = set(component)
        for source in range(len(component)):
            for edge in range(self.offsets[source], self.offsets[source + 1]):
                if component[self.edges[edge]] != component[source]:
                    leaves.discard(component[source])
        members: dict[int, list[int]] = {leaf: [] for leaf in leaves}
        for index, its in enumerate(component):
            if its in leaves:
                members[its].append(index)
        yield from members.values()


def components(edges: "array[int]", offsets: "array[int]") -> "array[int]":
    """Return the strongly connected component of every node (Tarjan, without recursion)."""
    size = len(offsets) - 1
    number, low, component = (array("i", bytes(4 * size)) for _ in range(3))
    stack: list[int] = []
    path = [(root, offsets[root]) for root in reversed(range(size))]
    count = 0
    while path:
        node, edge = path.pop()
        if component[node]:
            continue
        if not number[node]:
            count += 1
            number[node] = low[node] = count
            stack.append(node)
        while edge < offsets[node + 1]:
            target = edges[edge]
            if not number[target]:
                path += [(node, edge), (target, offsets[target])]
                break
            if not component[target]:
                low[node] = min(low[node], low[target])
            edge += 1
        else:
            while low[node] == number[node] and not component[node]:
                component[stack[-1]] = number[node]
                stack.pop()
    return component
