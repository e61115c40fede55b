"""
Operators: in which ways a line is spoilt.

They are Cosmic Ray's where it has them, and five of our own. Chosen are those
whose mutants somebody could have written by mistake: `+` becomes `-`, and not
`<<` too, which every run kills and which only flatters the rate.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import cosmic_ray.plugins
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Keyword
from parso.tree import BaseNode, NodeOrLeaf

Position = tuple[int, int]
Span = tuple[Position, Position]

# What each comparison becomes: its negation, and the two that differ from it in one case of three.
_COMPARISONS = {
    "Eq": ("NotEq", "LtE", "GtE"),
    "NotEq": ("Eq", "Lt", "Gt"),
    "Lt": ("LtE", "NotEq", "GtE"),
    "LtE": ("Lt", "Eq", "Gt"),
    "Gt": ("GtE", "NotEq", "LtE"),
    "GtE": ("Gt", "Eq", "Lt"),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
_BINARY = {
    "Add": ("Sub",),
    "Sub": ("Add",),
    "Mul": ("FloorDiv",),
    "Div": ("Mul",),
    "FloorDiv": ("Mul",),
    "Mod": ("FloorDiv",),
    "Pow": ("Mul",),
    "BitOr": ("BitAnd",),
    "BitAnd": ("BitOr",),
    "BitXor": ("BitAnd",),
}
_OTHERS = (
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "NumberReplacer",
    "ZeroIterationForLoop",
)


class DropStatement(Operator):
    """A call, a raise or a `+=` that stands alone is forgotten: a lock, a check, a sum."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Say where it stands."""
        if node.type == "simple_stmt" and _is_deed(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put `pass` in its place."""
        assert index == 0
        deed = node.children[0]
        prefix = deed.get_first_leaf().prefix
        node.children[0] = Keyword("pass", deed.start_pos, prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show what it does."""
        return (
            Example("hold(order)\n", "pass\n"),
            Example("async def f():\n    await hold(order)\n", "async def f():\n    pass\n"),
            Example("if x:\n    raise E(1)\n", "if x:\n    pass\n"),
            Example("total += 1\n", "pass\n"),
        )


def _is_deed(node: Any) -> bool:
    if node.type == "expr_stmt":
        sign = node.children[1]
        return sign.type == "operator" and sign.value != "="
    return node.type in {"atom_expr", "power", "raise_stmt"}


class InvertMembership(Operator):
    """`in` becomes `not in`, and the other way round."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Say where it stands."""
        for sign in self._signs(node):
            yield sign.start_pos, sign.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Say the contrary."""
        sign = self._signs(node)[index]
        to = "not in" if sign.get_code().strip() == "in" else "in"
        node.children[node.children.index(sign)] = Keyword(to, sign.start_pos, " ")
        return node

    @staticmethod
    def _signs(node: NodeOrLeaf) -> list[Any]:
        if node.type != "comparison":
            return []
        assert isinstance(node, BaseNode)
        return [each for each in node.children[1::2] if each.get_code().split()[-1] == "in"]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show what it does."""
        return (
            Example("x = a in b", "x = a not in b"),
            Example("x = a not in b", "x = a in b"),
        )


class DropElement(Operator):
    """One row of a table is missing: an element of a literal outside of any function."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Say where each row stands."""
        for row in _rows(node):
            yield row[0].start_pos, row[-1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Leave one row out."""
        rows = _rows(node)
        node.children = [part for n, row in enumerate(rows) if n != index for part in row]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show what it does."""
        return (
            Example("T = {'a': 1, 'b': 2}", "T = { 'b': 2}"),
            Example("T = (1, 2, 3)", "T = (1, 3)", occurrence=1),
        )


class SwapValues(Operator):
    """Two neighbours in a table have each other's value."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Say where two neighbours with different values stand."""
        for one, other in _neighbours(node):
            yield one[0].start_pos, other[-1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Exchange the values, and leave the keys."""
        one, other = _neighbours(node)[index]
        at, to = (node.children.index(row[2]) for row in (one, other))
        node.children[at], node.children[to] = node.children[to], node.children[at]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show what it does."""
        return (Example("T = {'a': 1, 'b': 2}", "T = {'a': 2, 'b': 1}"),)


def _neighbours(node: NodeOrLeaf) -> list[tuple[Sequence[Any], Sequence[Any]]]:
    pairs = [row for row in _rows(node) if len(row) > 2 and getattr(row[1], "value", "") == ":"]
    return [
        (one, other)
        for one, other in pairwise(pairs)
        if one[2].get_code().strip() != other[2].get_code().strip()
    ]


def _rows(node: NodeOrLeaf) -> list[list[Any]]:
    """Return the elements of a literal of two or more, each with the comma behind it."""
    if node.type not in {"testlist_comp", "dictorsetmaker"} or _in_function(node):
        return []
    assert isinstance(node, BaseNode)
    if any(child.type in {"comp_for", "sync_comp_for"} for child in node.children):
        return []
    rows: list[list[Any]] = [[]]
    for child in node.children:
        rows[-1].append(child)
        if getattr(child, "value", None) == ",":
            rows.append([])
    rows = [row for row in rows if row]
    return rows if len(rows) > 1 else []


def _in_function(node: NodeOrLeaf) -> bool:
    above = node.parent
    while above is not None:
        if above.type in {"funcdef", "lambdef"}:
            return True
        above = above.parent
    return False


class ExceptionReplacer(Operator):
    """An `except` that catches something else: Cosmic Ray's own stumbles over dotted names."""

    _OTHER = "ZeroDivisionError"

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Say where each class that is caught stands."""
        for name in self._names(node):
            yield name.start_pos, name.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Catch what is never raised instead."""
        name = self._names(node)[index]
        above = name.parent
        prefix = name.get_first_leaf().prefix
        above.children[above.children.index(name)] = Keyword(self._OTHER, name.start_pos, prefix)
        return node

    @staticmethod
    def _names(node: NodeOrLeaf) -> list[Any]:
        if node.type != "except_clause":
            return []
        assert isinstance(node, BaseNode)
        caught: Any = node.children[1]
        if caught.type != "atom":
            return [caught]
        inner = caught.children[1]
        return list(inner.children[::2]) if inner.type == "testlist_comp" else [inner]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show what it does."""
        return (
            Example("try: f()\nexcept a.B: pass\n", "try: f()\nexcept ZeroDivisionError: pass\n"),
            Example(
                "try: f()\nexcept (A, b.C): pass\n",
                "try: f()\nexcept (A, ZeroDivisionError): pass\n",
                occurrence=1,
            ),
        )


class Operators:
    """The operators that are used, by name, as Cosmic Ray asks for them."""

    _OURS: ClassVar = {
        each.__name__: each
        for each in (
            DropStatement,
            InvertMembership,
            DropElement,
            SwapValues,
            ExceptionReplacer,
        )
    }

    def __init__(self) -> None:
        core = OperatorProvider()
        names = [
            *(f"ReplaceComparisonOperator_{a}_{b}" for a, to in _COMPARISONS.items() for b in to),
            *(f"ReplaceBinaryOperator_{a}_{b}" for a, to in _BINARY.items() for b in to),
            *_OTHERS,
        ]
        self._all = {name: core[name] for name in names} | self._OURS

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __getitem__(self, name: str) -> type[Operator]:
        return self._all[name]


def install() -> None:
    """Let Cosmic Ray use these operators, and no others."""
    cosmic_ray.plugins.OPERATOR_PROVIDERS.clear()
    cosmic_ray.plugins.OPERATOR_PROVIDERS["retender"] = Operators()
