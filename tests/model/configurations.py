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
| the shop gives up: money that comes goes back, or pays; both words at once | ``given up ...`` |
| a provider of the other kind | ``other_kind`` |
| coming back to a page that could not be closed, while another leaves it | ``coming back ...`` |
| notices: repeated, at once, unanswered by a crash, never lost | ``notices, twice`` |
| the announcer: two of them, crashes, answers lost, leases that run out | ``announcers ...`` |
| workers that sleep past their leases and go on | ``naps ...`` |
| a human's ``retry``, ``refunded``, ``dead``, ``noted``, well timed or not, honest or not; whom
  humans are called for | ``a human ...`` |

Left to the simulation: many orders at once, the stores' own transactions, the
plugins and their signatures, amounts that differ, partial refunds, accounts that
vanish from the configuration, rotated keys, how long anything takes.
"""

from dataclasses import replace

from retender.domain.model.attention import Resolution
from retender.domain.model.order import LatePayment
from retender.domain.model.switch_policy import SwitchPolicy
from retender.tests.model.other_kind import OTHER_KIND
from retender.tests.model.providers import EAGER, LAZY, LAZY_TOO
from retender.tests.model.rules import EVERY_CALL, NEVER, Rules

_REFUND_IT, _ACCEPT_IT = LatePayment.REFUND, LatePayment.ACCEPT
_STRICT, _NONE = SwitchPolicy.STRICT, SwitchPolicy.NONE
_ADAPTIVE, _BEST = SwitchPolicy.ADAPTIVE, SwitchPolicy.BEST_EFFORT
_REFUNDS = frozenset({"refund", "query_refund"})
_OPEN = frozenset({"open"})
_REFUND = frozenset({"refund"})
_MONEY = frozenset({Resolution.RETRY, Resolution.REFUNDED})
_DEAD = frozenset({Resolution.DEAD, Resolution.NOTED})

ONE_LAZY = Rules(name="one attempt, lazy", attempts=1, accounts=(LAZY,))
ONE_EAGER = Rules(name="one attempt, eager", attempts=1, accounts=(EAGER,), cancels=(_REFUND_IT,))

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
COMING_BACK = Rules(
    name="coming back to a page that is closed",
    attempts=1,
    presses=1,
    deaths=frozenset({"pay"}),
    losses=frozenset({"close"}),
)
"""One page, which the payer leaves and wants again at once; no other is ever made."""
GIVEN_UP = Rules(
    name="given up, to refund",
    attempts=1,
    accounts=(LAZY,),
    presses=1,
    deaths=frozenset({"cancel"}),
    cancels=(_REFUND_IT,),
    hears_all=True,
)
"""Without lost notices: a payment that was made in time is heard of, whatever the word."""
BOTH_WORDS = replace(
    GIVEN_UP, name="given up, both words at once", cancels=(_REFUND_IT, _ACCEPT_IT)
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
    cancels=(_REFUND_IT,),
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
    cancels=(_REFUND_IT,),
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
HUMAN_SURPLUS = Rules(
    name="a human decides, surplus",
    policy=_NONE,
    hands=1,
    deaths=NEVER,
    losses=NEVER,
    refusals=_REFUND,
    decides=_MONEY | {Resolution.NOTED},
)
HUMAN_REFUNDS = Rules(
    name="a human decides, two refunds",
    attempts=1,
    accounts=(EAGER,),
    hands=1,
    deaths=NEVER,
    losses=NEVER,
    refusals=_REFUND,
    shop_refunds=("S1", "S2"),
    decides=_MONEY,
)
HUMAN_TIRED = replace(
    HUMAN_REFUNDS,
    name="a human decides, tries run out",
    losses=_REFUND,
    tires=True,
    shop_refunds=("S1",),
)
HUMAN_DEAD = Rules(
    name="a human says dead",
    policy=_STRICT,
    hands=1,
    deaths=NEVER,
    losses=NEVER,
    misfits=True,
    decides=_DEAD,
)
LIARS = replace(HUMAN_REFUNDS, name="a human lies, two refunds", liars=True)
LIARS_DEAD = Rules(
    name="a human lies, dead",
    attempts=1,
    accounts=(LAZY,),
    hands=1,
    deaths=NEVER,
    losses=frozenset({"query"}),
    misfits=True,
    decides=_DEAD,
    liars=True,
    hears_all=True,
)

_POLICIES = {
    "strict": _STRICT,
    "adaptive strict": _ADAPTIVE,
    "best effort": _BEST,
    "none": _NONE,
}
# Three attempts, as on a ladder: nothing fails, then one kind of fault at a time, then everything.
_QUIET = Rules(name="", attempts=3, hands=1, deaths=NEVER, losses=NEVER)
_RUNGS = {
    "refunds lost": replace(_QUIET, losses=_REFUNDS),
    "questions lost": replace(_QUIET, losses=frozenset({"query"})),
    "opens lost": replace(_QUIET, losses=_OPEN),
    "closes lost": replace(_QUIET, losses=frozenset({"close"})),
    "not reached": replace(_QUIET, unavailable=EVERY_CALL),
    "refused, slow": replace(_QUIET, refusals=_OPEN | _REFUND, slow_refunds=True),
    "workers die": replace(_QUIET, deaths=frozenset({"check", "refund", "expire", "notice"})),
    "pay dies": replace(_QUIET, deaths=frozenset({"pay"})),
    "given up": replace(_QUIET, cancels=(_REFUND_IT,)),
    "two at once": replace(_QUIET, hands=2, presses=1),
}
_EVERYTHING = Rules(
    name="",
    attempts=3,
    hands=1,
    cancels=(_REFUND_IT,),
    unavailable=_OPEN | _REFUND,
    refusals=_OPEN | _REFUND,
    slow_refunds=True,
)


def _three(rung: str, rules: Rules) -> tuple[Rules, ...]:
    """Return one rung of the ladder for every policy, three attempts at two providers."""
    return tuple(
        replace(rules, name=f"three, {name}, {rung}", policy=policy, strict_over=0)
        for name, policy in _POLICIES.items()
    )


CI = (
    ONE_LAZY,
    ONE_EAGER,
    Rules(name="strict", policy=_STRICT, hands=1),
    COMING_BACK,
    GIVEN_UP,
    replace(GIVEN_UP, name="given up, accepted", cancels=(_ACCEPT_IT,)),
    BOTH_WORDS,
    *OTHER_KIND,
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
    HUMAN_SURPLUS,
    HUMAN_REFUNDS,
    HUMAN_TIRED,
    HUMAN_DEAD,
    LIARS,
    LIARS_DEAD,
    *_three("nothing fails", _QUIET),
)
"""
Two attempts, one handler at a time in the middle of something; one attempt, two of them.

And three attempts, while nothing fails: the first rung of the ladder that ``LARGE`` goes on.
"""


LARGE = (
    *(rules for rung, quiet in _RUNGS.items() for rules in _three(rung, quiet)),
    *_three("everything", _EVERYTHING),
)
"""
One kind of fault at a time, for every policy, in seconds to an hour each; then everything at once.

Those last are explored as far as the bounds go.
"""

TWO_SENDERS = replace(HUMAN_REFUNDS, name="a human beside two senders", hands=2, presses=1)
"""A command, a worker and a human's ``retry``: a late "no" must not end what is just being sent."""
SLEEPERS = replace(TWO_SENDERS, name="a human beside sleepers", shop_refunds=("S1",), naps=1)

WIDE = (
    TWO_SENDERS,
    Rules(
        name="two attempts, strict, two lazy", policy=_STRICT, accounts=(LAZY, LAZY_TOO), hands=1
    ),
    Rules(name="two attempts, strict, given up", policy=_STRICT, hands=1, cancels=(_REFUND_IT,)),
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
    replace(
        HUMAN_SURPLUS,
        name="a human decides, surplus, all",
        losses=_REFUND,
        slow_refunds=True,
        tires=True,
    ),
    replace(
        HUMAN_REFUNDS,
        name="a human decides, two refunds, all",
        losses=_REFUND,
        slow_refunds=True,
        tires=True,
    ),
    SLEEPERS,
    replace(
        HUMAN_SURPLUS,
        name="a human lies, surplus, all",
        losses=_REFUND,
        slow_refunds=True,
        tires=True,
        liars=True,
    ),
    replace(
        LIARS_DEAD,
        name="a human lies, dead, best effort",
        attempts=2,
        accounts=(EAGER, LAZY),
        losses=NEVER,
    ),
)
"""Minutes each: two attempts with all faults, two handlers at once, humans beside all of it."""
