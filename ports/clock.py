"""Clock: what time it is, for everything that asks."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present as an aware UTC time. The only source of time in the system."""
