"""What callers see of an order, of its attempts, and of all that happened to it."""

from datetime import datetime
from typing import Self

from pydantic import Field, JsonValue

from retender.domain.model.attempt import Attempt
from retender.domain.model.order import Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.story import StoryEntry
from retender.domain.model.surplus import Surplus
from retender.domain.use_cases.show_order import ShownOrder
from retender.entrypoints.views.event_view import EventView
from retender.entrypoints.views.facts_view import facts_view
from retender.entrypoints.views.money_view import MoneyView
from retender.entrypoints.views.refund_view import RefundView
from retender.entrypoints.views.view import View
from retender.entrypoints.words.language import Language
from retender.entrypoints.words.speaker import Speaker


class OrderView(View):
    """What is owed, and whether it was paid."""

    order_no: str = Field(examples=["20260701-0042"])
    user_id: str = Field(examples=["user-7"])
    subject: str = Field(examples=["Jasmine tea, 2 tins"])
    amount: MoneyView
    state: str = Field(description="NEW, EXPIRING, CANCELLING, PAID or CLOSED", examples=["NEW"])
    key: str | None = None
    created_at: datetime = Field(examples=["2026-07-01T08:00:00Z"])
    pay_until: datetime = Field(
        description="the deadline that the payer sees", examples=["2026-07-01T08:30:00Z"]
    )
    end_reason: str | None = Field(None, description="deadline or cancelled, if it ended unpaid")
    late_payment: str | None = Field(
        None, description="refund or accept: the shop's word when it gave the order up"
    )

    @classmethod
    def of(cls, order: Order) -> Self:
        """Show it."""
        return cls(
            order_no=order.order_no,
            user_id=order.user_id,
            subject=order.subject,
            amount=MoneyView.of(order.amount),
            state=order.state,
            key=order.key,
            created_at=order.created_at,
            pay_until=order.shown_until,
            end_reason=order.end_reason,
            late_payment=order.late_payment,
        )


class AttemptView(View):
    """One try to pay; the page itself is only given to who asks to pay."""

    attempt_id: str = Field(examples=["01K4YQ7Z0V6M3T9E2B5C8D1F4G"])
    idx: int = Field(description="1 for the first", examples=[1])
    account: str = Field(examples=["alipay"])
    client_type: str = Field(examples=["h5"])
    page_kind: str = Field(examples=["redirect"])
    instalments: int | None = None
    number: str = Field(
        description="the provider-side number", examples=["01K4YQ7Z0WXA8H2J5N6P7R3S4T"]
    )
    amount: MoneyView
    state: str = Field(examples=["OPEN"])
    winner: bool = Field(description="whether it is the one that paid the order", examples=[False])
    created_at: datetime
    expires_at: datetime = Field(description="when the provider stops taking money under it")
    captured_at: datetime | None = None
    provider_trade_no: str | None = None

    @classmethod
    def of(cls, attempt: Attempt, order: Order) -> Self:
        """Show it."""
        charge = attempt.charge
        return cls(
            attempt_id=attempt.attempt_id,
            idx=attempt.idx,
            account=attempt.account,
            client_type=charge.client_type,
            page_kind=charge.page_kind,
            instalments=charge.instalments,
            number=attempt.number,
            amount=MoneyView.of(charge.amount),
            state=attempt.state,
            winner=order.winner == attempt.attempt_id,
            created_at=charge.created_at,
            expires_at=charge.expires_at,
            captured_at=attempt.captured_at,
            provider_trade_no=attempt.provider_trade_no,
        )


class SurplusView(View):
    """Money above what is due, and the refund that gives it back."""

    attempt_id: str
    amount: MoneyView
    cause: str = Field(description="duplicate or late")
    refund_no: str
    refund_state: str

    @classmethod
    def of(cls, surplus: Surplus) -> Self:
        """Show it."""
        return cls(
            attempt_id=surplus.attempt.attempt_id,
            amount=MoneyView.of(surplus.amount),
            cause=surplus.cause,
            refund_no=surplus.refund.refund_no,
            refund_state=surplus.refund.state,
        )


class StoryView(View):
    """One thing that happened, and why."""

    at: datetime
    kind: str = Field(description="what it is about; branch on this", examples=["page.reused"])
    what: str = Field(
        description="in the language of `Content-Language`", examples=["attempt CREATING -> OPEN"]
    )
    why: str
    attempt_id: str | None = None
    facts: dict[str, JsonValue] = Field(
        description="the same for machines, by name; amounts and times as everywhere"
    )

    @classmethod
    def of(cls, entry: StoryEntry, speaker: Speaker) -> Self:
        """Show it."""
        what, why = speaker.line(entry.fact)
        return cls(
            at=entry.at,
            kind=entry.kind,
            what=what,
            why=why,
            attempt_id=entry.attempt_id,
            facts=facts_view(entry.fact),
        )


class SumsView(View):
    """What an order's payments and refunds add up to."""

    taken: MoneyView = Field(description="by providers, however often")
    given_back: MoneyView
    going_back: MoneyView = Field(description="on its way back, or stuck; part of what is kept")
    kept: MoneyView = Field(description="taken less given_back")

    @classmethod
    def of(cls, sums: OrderSums) -> Self:
        """Show them."""
        return cls(
            taken=MoneyView.of(sums.taken),
            given_back=MoneyView.of(sums.given_back),
            going_back=MoneyView.of(sums.going_back),
            kept=MoneyView.of(sums.kept),
        )


class ShownOrderView(View):
    """
    An order with its sums and attempts, and what else was asked for.

    What was not asked for is left unset: dump with ``exclude_unset``.
    """

    order: OrderView
    sums: SumsView
    attempts: list[AttemptView] = Field(description="every try; none was overwritten")
    refunds: list[RefundView] | None = Field(None, description="with `expand=refunds`")
    surpluses: list[SurplusView] | None = Field(
        None, description="with `expand=surpluses`: money above what is due"
    )
    events: list[EventView] | None = Field(
        None, description="with `expand=events`: what the shop is told"
    )
    story: list[StoryView] | None = Field(
        None,
        description="with `expand=story`: everything that was done and learnt, with its reason",
    )

    @classmethod
    def of(cls, shown: ShownOrder, language: Language = Language.ENGLISH) -> Self:
        """Show it, with the sentences in a language."""
        parts: dict[str, object] = {}
        if shown.refunds is not None:
            parts["refunds"] = [RefundView.of(refund) for refund in shown.refunds]
        if shown.surpluses is not None:
            parts["surpluses"] = [SurplusView.of(surplus) for surplus in shown.surpluses]
        if shown.events is not None:
            parts["events"] = [EventView.of(event) for event in shown.events]
        if shown.story is not None:
            speaker = Speaker(language)
            parts["story"] = [StoryView.of(entry, speaker) for entry in shown.story]
        return cls.model_validate(
            {
                "order": OrderView.of(shown.order),
                "sums": SumsView.of(shown.sums),
                "attempts": [AttemptView.of(attempt, shown.order) for attempt in shown.attempts],
                **parts,
            }
        )
