"""ClockDifference: how far a provider's clock is from ours, as far as it has been measured."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

ClockDifference: TypeAlias = Callable[[str], timedelta]
"""
Returns by how much an account's gateway is surely ahead of us; behind: below zero.

It errs on the side of zero: what may as well be the time that an answer took, or one odd
answer, or is not known at all, is no difference. It waits for nobody; a gateway that was too
far off is asked again behind it, so that a clock that was set counts soon.
"""
