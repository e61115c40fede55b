"""
Configurations: what CI explores, what ``make model ARGS=large`` adds, and what neither does.

| covered here, in every order of steps | where |
|---|---|
| opening, switching, paying once or twice, under every switch policy, with lost answers, requests
  that arrive late, crashes, expiry | ``strict`` to ``none, losses`` |
| providers surely not reached; pages refused, first and repeated | ``... not reached, refused`` |
| surplus refunds: refused, slow, failing, tries run out, finished by hand | ``surplus ...`` |
| the shop's refunds: racing, refused, beside a surplus | ``shop refunds ...`` |
| payments after the order is closed, from a lie or a late clock | ``late payments`` |
| notices: repeated, at once, unanswered by a crash, never lost | ``notices, twice`` |
| the announcer: two of them, crashes, answers lost, leases that run out | ``announcers ...`` |
| workers that sleep past their leases and go on | ``naps ...`` |

Left to the simulation: many orders at once, the stores' own transactions, the
plugins and their signatures, amounts that differ, partial refunds, accounts that
vanish from the configuration, rotated keys, how long anything takes.
"""

from retender.ports.accounts import SwitchPolicy
from retender.tests.model.providers import EAGER, LAZY, LAZY_TOO
from retender.tests.model.rules import EVERY_CALL, NEVER, Rules

_STRICT, _NONE = SwitchPolicy.STRICT, SwitchPolicy.NONE
_ADAPTIVE, _BEST = SwitchPolicy.ADAPTIVE, SwitchPolicy.BEST_EFFORT
_REFUNDS = frozenset({"refund", "query_refund"})
_OPEN = frozenset({"open"})
_REFUND = frozenset({"refund"})

ONE_LAZY = Rules(name="one attempt, lazy", attempts=1, accounts=(LAZY,))
ONE_EAGER = Rules(name="one attempt, eager", attempts=1, accounts=(EAGER,), cancels=True)

SURPLUS_REFUSED = Rules(
    name="surplus refused, slow, not reached",
    policy=_NONE,
    hands=1,
    deaths=_REFUND,
    losses=_REFUNDS,
    unavailable=_REFUNDS,
    refusals=_REFUND,
    slow_refunds=True,
)
SURPLUS_BY_HAND = Rules(
    name="surplus by hand, tries run out",
    policy=_NONE,
    hands=1,
    deaths=NEVER,
    losses=_REFUND,
    refusals=_REFUND,
    slow_refunds=True,
    operator=True,
    tires=True,
)
SHOP_REFUNDS = Rules(
    name="shop refunds refused, tries run out",
    attempts=1,
    accounts=(EAGER,),
    hands=1,
    presses=1,
    deaths=frozenset({"shop refund"}),
    losses=_REFUND,
    refusals=_REFUND,
    slow_refunds=True,
    operator=True,
    tires=True,
    shop_refunds=("S1", "S2"),
)
SHOP_REFUNDS_RACE = Rules(
    name="shop refunds race",
    attempts=1,
    accounts=(EAGER,),
    presses=1,
    deaths=NEVER,
    losses=_REFUND,
    shop_refunds=("S1", "S2"),
)
LATE_PAYMENTS = Rules(
    name="late payments, lies",
    policy=_NONE,
    hands=1,
    deaths=NEVER,
    losses=NEVER,
    late_clocks=True,
    lies=True,
    hears_all=True,
    cancels=True,
)
NOTICES = Rules(
    name="notices, twice",
    policy=_NONE,
    hands=1,
    deaths=frozenset({"notice"}),
    losses=_OPEN,
    hears_all=True,
    inbox=True,
)
ANNOUNCERS = Rules(
    name="announcers, nothing fails",
    attempts=1,
    accounts=(EAGER,),
    presses=1,
    deaths=NEVER,
    losses=NEVER,
    cancels=True,
    announces=True,
)
ANNOUNCERS_FAIL = Rules(
    name="announcers fail, sleep, die",
    attempts=1,
    accounts=(EAGER,),
    presses=1,
    deaths=frozenset({"announce", "expire"}),
    losses=frozenset({"tell"}),
    announces=True,
    naps=1,
)
NAPS = Rules(
    name="naps, one attempt",
    attempts=1,
    accounts=(LAZY,),
    presses=1,
    deaths=frozenset({"work"}),
    losses=NEVER,
    naps=2,
)

CI = (
    ONE_LAZY,
    ONE_EAGER,
    Rules(name="strict", policy=_STRICT, hands=1),
    Rules(
        name="adaptive strict, losses",
        policy=_ADAPTIVE,
        strict_over=0,
        hands=1,
        deaths=NEVER,
        losses=frozenset({"open", "close"}),
    ),
    Rules(name="best effort, losses", policy=_BEST, hands=1, deaths=NEVER, late=0),
    Rules(
        name="best effort, pay dies", policy=_BEST, hands=1, deaths=frozenset({"pay"}), losses=NEVER
    ),
    Rules(
        name="none, losses",
        policy=_NONE,
        hands=1,
        deaths=NEVER,
        losses=frozenset({"open", "refund"}),
    ),
    Rules(
        name="best effort, not reached, refused",
        policy=_BEST,
        hands=1,
        deaths=NEVER,
        late=0,
        losses=_OPEN,
        unavailable=EVERY_CALL,
        refusals=_OPEN,
    ),
    Rules(
        name="strict, not reached, refused",
        policy=_STRICT,
        hands=1,
        deaths=NEVER,
        losses=_OPEN,
        unavailable=EVERY_CALL,
        refusals=_OPEN,
    ),
    SURPLUS_REFUSED,
    SURPLUS_BY_HAND,
    SHOP_REFUNDS,
    SHOP_REFUNDS_RACE,
    Rules(
        name="shop refunds beside a surplus",
        policy=_NONE,
        hands=1,
        deaths=NEVER,
        losses=_REFUND,
        shop_refunds=("S1",),
    ),
    LATE_PAYMENTS,
    NOTICES,
    ANNOUNCERS,
    ANNOUNCERS_FAIL,
    NAPS,
)
"""Two attempts, one handler at a time in the middle of something; one attempt, two of them."""


def _three(name: str, policy: SwitchPolicy, *, strict_over: int = 10**9) -> Rules:
    """Three attempts at two providers, with every fault at once."""
    return Rules(
        name=f"three attempts, {name}",
        policy=policy,
        strict_over=strict_over,
        attempts=3,
        hands=1,
        cancels=True,
        unavailable=_OPEN | _REFUND,
        refusals=_OPEN | _REFUND,
        slow_refunds=True,
    )


LARGE = (
    _three("strict", _STRICT),
    _three("adaptive strict", _ADAPTIVE, strict_over=0),
    _three("best effort", _BEST),
    _three("none", _NONE),
)
"""Hours rather than minutes: they are explored as far as the bound goes."""

WIDE = (
    Rules(
        name="two attempts, strict, two lazy", policy=_STRICT, accounts=(LAZY, LAZY_TOO), hands=1
    ),
    Rules(name="two attempts, strict, given up", policy=_STRICT, hands=1, cancels=True),
    Rules(name="two attempts, best effort", policy=_BEST, hands=1),
    Rules(name="two attempts, none", policy=_NONE, hands=1),
    Rules(name="two attempts, adaptive strict", policy=_ADAPTIVE, strict_over=0, hands=1),
    Rules(name="two hands, strict", policy=_STRICT, losses=NEVER, deaths=NEVER),
    Rules(name="two hands, best effort", policy=_BEST, losses=NEVER, deaths=NEVER),
    Rules(
        name="announcers of a surplus",
        policy=_NONE,
        hands=1,
        presses=1,
        deaths=frozenset({"announce"}),
        losses=frozenset({"tell"}),
        announces=True,
    ),
    Rules(name="naps, surplus", policy=_NONE, presses=1, deaths=NEVER, losses=NEVER, naps=1),
)
"""Minutes each: two attempts with all faults, or two handlers at once."""
