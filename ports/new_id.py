"""NewId: fresh names for orders, attempts, events and provider-side numbers."""

from collections.abc import Callable
from typing import TypeAlias

NewId: TypeAlias = Callable[[], str]
"""
Returns a new unique id: 26 characters of ``[0-9A-Z]`` that sort by time.

It doubles as provider-side number, so it must satisfy every provider: 8 to 32
characters of ``[A-Za-z0-9]``, and room for one letter in front.
"""
