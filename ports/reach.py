"""CheckReach: whether an account's gateway is called at all now."""

from collections.abc import Callable
from typing import TypeAlias

CheckReach: TypeAlias = Callable[[str], None]
"""
Raises ``ProviderUnavailable``, with ``retry_at`` among its details, if calls of this account
would not be sent now: it did not answer for long, and is left alone. Asks nobody.
"""
