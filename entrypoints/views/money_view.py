"""An amount as callers see it: as text, and as minor units."""

from typing import Self

from pydantic import Field

from retender.domain.model.money import Money
from retender.entrypoints.views.view import View


class MoneyView(View):
    """An amount: for people, and for reckoning."""

    amount: str = Field(description="decimal string", examples=["88.80"])
    currency: str = Field(description="ISO 4217 code", examples=["CNY"])
    minor: int = Field(description="the same in minor units", examples=[8880])

    @classmethod
    def of(cls, money: Money) -> Self:
        """Show it."""
        return cls(amount=money.decimal(), currency=money.currency, minor=money.minor)
