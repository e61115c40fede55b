"""
Other kind: configurations with a provider that goes by ids of its own, and keeps little in order.

It is asked by its own id and tells by it; nobody sees its page if the answer was lost; and it

* says "not found" of what is there, and makes a second order if it is asked again:
  ``hosted, strict`` to ``... never asked again``,
* gives money back as often as it is asked to: ``... goes back twice``,
* lets another hand give money back at its console, and takes back what it gave:
  ``... another hand``,
* takes a payment twice under one number: ``... taken twice``.

Left out: that a refund of another hand fails, and that one of ours does so while somebody asks
after it; which of two answers is older cannot be told then.
"""

from dataclasses import replace

from retender.domain.model.switch_policy import SwitchPolicy
from retender.tests.model.providers import LAZY
from retender.tests.model.rules import NEVER, Rules
from retender.tests.model.state import HOSTED

_STRICT, _NONE, _BEST = SwitchPolicy.STRICT, SwitchPolicy.NONE, SwitchPolicy.BEST_EFFORT
_REFUNDS = frozenset({"refund", "query_refund"})
_OPEN = frozenset({"open"})
_REFUND = frozenset({"refund"})

HOSTED_STRICT = Rules(
    name="hosted, strict",
    policy=_STRICT,
    accounts=(HOSTED, LAZY),
    hands=1,
    deaths=frozenset({"pay"}),
    losses=frozenset({"open", "query"}),
)
HOSTED_AGAIN = Rules(
    name="hosted, never asked again",
    accounts=(HOSTED, LAZY),
    hands=1,
    deaths=NEVER,
    losses=_OPEN,
    asks_again=True,
)
"""Who is asked for a page again makes a second order; both can be paid."""
HOSTED_REFUNDS = Rules(
    name="hosted, shop refunds, each goes back twice",
    attempts=1,
    accounts=(HOSTED,),
    presses=1,
    deaths=frozenset({"refund", "shop refund"}),
    losses=_REFUNDS,
    shop_refunds=("S1", "S2"),
)
HOSTED_SURPLUS = Rules(
    name="hosted, a surplus goes back twice",
    policy=_NONE,
    accounts=(HOSTED, LAZY),
    hands=1,
    deaths=_REFUND,
    losses=_REFUNDS,
    unavailable=_REFUND,
)
HOSTED_FORGETS = Rules(
    name="hosted, one attempt, forgets, slow",
    attempts=1,
    accounts=(HOSTED,),
    deaths=frozenset({"pay", "check"}),
    forgets=True,
)
OTHER_HAND = Rules(
    name="hosted, shop refunds and another hand",
    attempts=1,
    accounts=(HOSTED,),
    presses=1,
    deaths=frozenset({"refund", "shop refund", "notice"}),
    losses=_REFUNDS,
    shop_refunds=("S1",),
    console=True,
    reverses=True,
)
OTHER_HAND_SURPLUS = Rules(
    name="hosted, a surplus and another hand",
    policy=_NONE,
    accounts=(HOSTED, LAZY),
    hands=1,
    presses=1,
    deaths=_REFUND,
    losses=_REFUND,
    console=True,
    reverses=True,
)
TAKEN_TWICE = Rules(
    name="hosted, taken twice, a human's",
    attempts=1,
    accounts=(HOSTED,),
    presses=1,
    deaths=_REFUND,
    losses=frozenset({"query", "refund"}),
    shop_refunds=("S1",),
    twice=True,
)
TAKEN_TWICE_NAMED = replace(
    TAKEN_TWICE,
    name="hosted, taken twice, goes back by its trade",
    hands=1,
    losses=_REFUNDS | {"query"},
    names_trade=True,
)
TAKEN_TWICE_SURPLUS = replace(
    TAKEN_TWICE_NAMED,
    name="hosted, a surplus taken twice",
    policy=_NONE,
    attempts=2,
    accounts=(HOSTED, LAZY),
    losses=_REFUND,
    shop_refunds=(),
)

OTHER_KIND = (
    HOSTED_STRICT,
    replace(HOSTED_STRICT, name="hosted, best effort, forgets", policy=_BEST, forgets=True),
    HOSTED_FORGETS,
    HOSTED_AGAIN,
    HOSTED_REFUNDS,
    HOSTED_SURPLUS,
    OTHER_HAND,
    OTHER_HAND_SURPLUS,
    TAKEN_TWICE,
    TAKEN_TWICE_NAMED,
    TAKEN_TWICE_SURPLUS,
)
"""What CI explores of it."""
