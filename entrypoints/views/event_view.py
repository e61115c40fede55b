"""What callers see of an event: what the shop is told."""

from datetime import datetime
from typing import Self

from pydantic import Field

from retender.domain.model.event import Event
from retender.entrypoints.views.money_view import MoneyView
from retender.entrypoints.views.view import View


class EventView(View):
    """What the shop is told."""

    event_id: str
    kind: str = Field(examples=["order.paid"])
    at: datetime
    data: dict[str, str | MoneyView] = Field(description="texts, and amounts as everywhere")

    @classmethod
    def of(cls, event: Event) -> Self:
        """Show it."""
        data = {
            name: fact if isinstance(fact, str) else MoneyView.model_validate(fact)
            for name, fact in event.data.items()
        }
        return cls(event_id=event.event_id, kind=event.kind, at=event.at, data=data)
