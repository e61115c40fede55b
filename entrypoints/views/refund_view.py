"""What callers see of a refund."""

from datetime import datetime
from typing import Self

from pydantic import Field

from retender.domain.model.refund import Refund
from retender.entrypoints.views.money_view import MoneyView
from retender.entrypoints.views.view import View


class RefundView(View):
    """Money on its way back."""

    refund_no: str = Field(examples=["R-20260701-0042-1"])
    number: str = Field(description="the provider-side number")
    attempt_id: str = Field(description="whose money goes back")
    amount: MoneyView
    cause: str = Field(
        description="shop, duplicate, cancelled, late, further or external", examples=["shop"]
    )
    reason: str = Field(examples=["One tin broke"])
    state: str = Field(
        description="DUE, SENT and DOUBTED: not yet known; DONE: it went back; "
        "STUCK: an operator looks; OVERTAKEN: another hand gave it back",
        examples=["DONE"],
    )
    created_at: datetime
    tries: int = 0
    next_try_at: datetime | None = None
    provider_refund_no: str | None = None
    problem: str | None = Field(None, description="the provider's last no")

    @classmethod
    def of(cls, refund: Refund) -> Self:
        """Show it."""
        return cls(
            refund_no=refund.refund_no,
            number=refund.number,
            attempt_id=refund.attempt_id,
            amount=MoneyView.of(refund.amount),
            cause=refund.cause,
            reason=refund.reason,
            state=refund.state,
            created_at=refund.created_at,
            tries=refund.tries,
            next_try_at=refund.next_try_at,
            provider_refund_no=refund.provider_refund_no,
            problem=refund.problem,
        )
