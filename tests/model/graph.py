"""Graph: where everything comes to rest, and what can still be reached."""

from array import array
from collections.abc import Iterable, Iterator


class Graph:
    """A directed graph over 0, 1, 2 ... whose edges are given node by node."""

    def __init__(self) -> None:
        """Begin with no node."""
        self.edges, self.offsets = array("I"), array("Q", [0])

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self.offsets) - 1

    def add(self, targets: Iterable[int]) -> None:
        """Add the next node, with its edges."""
        self.edges.extend(targets)
        self.offsets.append(len(self.edges))

    def bottoms(self) -> Iterator[list[int]]:
        """
        Yield the strongly connected components that no edge leaves.

        From every node one of them can be reached; whoever takes every step that
        stays possible some day, ends in one of them.
        """
        component = self.components()
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

    def components(self) -> "array[int]":
        """Return the strongly connected component of every node (Tarjan, without recursion)."""
        size, edges, offsets = len(self), self.edges, self.offsets
        number, low, component = (array("I", bytes(4 * size)) for _ in range(3))
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

    def that_reach(self, goals: Iterable[int]) -> bytearray:
        """Return a 1 for every node from which one of the goals can be reached."""
        size = len(self)
        counts = array("Q", bytes(8 * (size + 1)))
        for target in self.edges:
            counts[target + 1] += 1
        for node in range(size):
            counts[node + 1] += counts[node]
        sources, filled = array("I", bytes(4 * len(self.edges))), array("Q", counts)
        for source in range(size):
            for edge in range(self.offsets[source], self.offsets[source + 1]):
                target = self.edges[edge]
                sources[filled[target]] = source
                filled[target] += 1
        reached, stack = bytearray(size), list(goals)
        for goal in stack:
            reached[goal] = 1
        while stack:
            node = stack.pop()
            for position in range(counts[node], counts[node + 1]):
                source = sources[position]
                if not reached[source]:
                    reached[source] = 1
                    stack.append(source)
        return reached
