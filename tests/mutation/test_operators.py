"""Every operator makes the mistake that it says, and nothing else."""

import pytest
from cosmic_ray.mutating import mutate_code

from retender.tests.mutation.operators import Operators

ALL = Operators()
EXAMPLES = [(name, example) for name in ALL for example in ALL[name].examples()]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_operator_makes_the_mistake_of_its_example(name, example):
    made = mutate_code(example.pre_mutation_code, ALL[name](), example.occurrence)

    assert made == example.post_mutation_code


def test_ours_are_among_them():
    assert {
        "DropStatement",
        "DropElement",
        "SwapValues",
        "InvertMembership",
        "ExceptionReplacer",
    } < set(ALL)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("DropElement", "def f():\n    return {'a': 1, 'b': 2}\n"),
        ("DropElement", "T = {n: n for n in x}\n"),
        ("DropElement", "T = {'a': 1}\n"),
        ("SwapValues", "T = {'a': 1, 'b': 1}\n"),
        ("SwapValues", "T = ('a', 'b')\n"),
        ("DropStatement", "x = hold(order)\n"),
        ("DropStatement", '"""A docstring."""\n'),
        ("InvertMembership", "for x in y:\n    pass\n"),
        ("ExceptionReplacer", "try:\n    f()\nfinally:\n    g()\n"),
    ],
)
def test_an_operator_leaves_alone_what_is_not_its_business(name, source):
    assert mutate_code(source, ALL[name](), 0) is None
