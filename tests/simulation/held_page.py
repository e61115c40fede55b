"""A page in a payer's hands: what watch, gateways and people speak of."""

from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.page import Page


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page in a payer's hands."""

    attempt: Attempt
    page: Page

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.attempt.account

    @property
    def number(self) -> str:
        """What it pays."""
        return self.attempt.number
