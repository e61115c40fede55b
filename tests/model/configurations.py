"""Configurations: what CI explores in three minutes, and what ``make model`` adds to it."""

from retender.ports.accounts import SwitchPolicy
from retender.tests.model.providers import EAGER, LAZY, LAZY_TOO
from retender.tests.model.world import Rules

NEVER: frozenset[str] = frozenset()
_STRICT, _NONE = SwitchPolicy.STRICT, SwitchPolicy.NONE
_ADAPTIVE, _BEST = SwitchPolicy.ADAPTIVE, SwitchPolicy.BEST_EFFORT

ONE_LAZY = Rules(name="one attempt, lazy", attempts=1, accounts=(LAZY,))
ONE_EAGER = Rules(name="one attempt, eager", attempts=1, accounts=(EAGER,), cancels=True)

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
)
"""Two attempts, one handler at a time in the middle of something; one attempt, two of them."""

LARGE = (
    Rules(name="strict, two lazy", policy=_STRICT, accounts=(LAZY, LAZY_TOO), hands=1),
    Rules(name="strict, given up", policy=_STRICT, hands=1, cancels=True),
    Rules(name="strict, two hands", policy=_STRICT, losses=NEVER, deaths=NEVER),
    Rules(name="best effort", policy=_BEST, hands=1),
    Rules(name="none", policy=_NONE, hands=1),
    Rules(name="adaptive strict", policy=_ADAPTIVE, strict_over=0, hands=1),
    Rules(name="best effort, two hands", policy=_BEST, losses=NEVER, deaths=NEVER),
    Rules(name="strict, three attempts", policy=_STRICT, hands=1, attempts=3, late=0),
)
"""Hours rather than minutes on one core."""
