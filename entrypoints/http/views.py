"""What callers get to see: the core's values as JSON, each amount as text and as minor units."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from retender.domain.model.attempt import Attempt
from retender.domain.model.event import Event, StoryEntry
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.order_story import OrderStory
from retender.domain.model.page import page_to_json
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.domain.model.refund import Refund
from retender.domain.use_cases.list_methods import Method


class View(BaseModel):
    """One JSON object of an answer."""

    model_config = ConfigDict(frozen=True)


class MoneyView(View):
    """An amount: for people, and for reckoning."""

    amount: str = Field(description="decimal string", examples=["88.80"])
    currency: str = Field(description="ISO 4217 code", examples=["CNY"])
    minor: int = Field(description="the same in minor units", examples=[8880])

    @classmethod
    def of(cls, money: Money) -> Self:
        """Show it."""
        return cls(amount=money.decimal(), currency=money.currency, minor=money.minor)


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


class SurplusView(View):
    """Money above what is due, and the refund that gives it back."""

    attempt_id: str
    amount: MoneyView
    cause: str = Field(description="duplicate or late")
    refund_no: str
    refund_state: str


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


class StoryView(View):
    """One thing that happened, and why."""

    at: datetime
    what: str = Field(examples=["attempt CREATING -> OPEN"])
    why: str
    attempt_id: str | None = None
    data: dict[str, str]

    @classmethod
    def of(cls, entry: StoryEntry) -> Self:
        """Show it."""
        return cls(
            at=entry.at,
            what=entry.what,
            why=entry.why,
            attempt_id=entry.attempt_id,
            data=entry.data,
        )


class OrderStoryView(View):
    """An order with everything that happened to it; nothing is ever overwritten."""

    order: OrderView
    attempts: list[AttemptView]
    refunds: list[RefundView]
    surpluses: list[SurplusView]
    events: list[EventView]
    story: list[StoryView]

    @classmethod
    def of(cls, found: OrderStory) -> Self:
        """Show it."""
        return cls(
            order=OrderView.of(found.order),
            attempts=[AttemptView.of(attempt, found.order) for attempt in found.attempts],
            refunds=[RefundView.of(refund) for refund in found.refunds],
            surpluses=[
                SurplusView(
                    attempt_id=surplus.attempt.attempt_id,
                    amount=MoneyView.of(surplus.amount),
                    cause=surplus.cause,
                    refund_no=surplus.refund.refund_no,
                    refund_state=surplus.refund.state,
                )
                for surplus in found.surpluses
            ],
            events=[EventView.of(event) for event in found.events],
            story=[StoryView.of(entry) for entry in found.entries],
        )


class FormView(View):
    """A form that the browser posts."""

    kind: Literal["form"]
    action: str
    fields: list[tuple[str, str]] = Field(description="hidden inputs, raw text, in order")
    charset: str = "utf-8"


class RedirectView(View):
    """A link that the browser follows."""

    kind: Literal["redirect"]
    url: str


class QrView(View):
    """The text of a QR code."""

    kind: Literal["qr"]
    content: str


class AppStringView(View):
    """A signed text for the provider's app SDK."""

    kind: Literal["app_string"]
    text: str


class JsapiView(View):
    """Signed parameters for the script bridge of the provider's in-app browser."""

    kind: Literal["jsapi"]
    parameters: dict[str, str]


AnyPageView = Annotated[
    FormView | RedirectView | QrView | AppStringView | JsapiView, Field(discriminator="kind")
]


class PageReadyView(View):
    """A page that pays the order now; show it yourself, or send the browser to ``page_url``."""

    status: Literal["page_ready"] = "page_ready"
    order_no: str
    attempt_id: str
    account: str
    client_type: str
    page: AnyPageView
    page_url: str = Field(description="the same page, ready for a browser")
    page_until: datetime = Field(description="until when the page works; then press pay again")
    pay_until: datetime = Field(description="the deadline that the payer sees")
    reused: bool = Field(description="whether the stored page was handed out again")

    @classmethod
    def of(cls, ready: PageReady, page_url: str) -> Self:
        """Show it."""
        return cls.model_validate(
            {
                "order_no": ready.order.order_no,
                "attempt_id": ready.attempt.attempt_id,
                "account": ready.attempt.account,
                "client_type": ready.attempt.charge.client_type,
                "page": page_to_json(ready.page),
                "page_url": page_url,
                "page_until": ready.page_until,
                "pay_until": ready.pay_until,
                "reused": ready.reused,
            }
        )


class AnswerPendingView(View):
    """The provider has not answered yet: no failure. Send the same request again."""

    status: Literal["answer_pending"] = "answer_pending"
    order_no: str
    attempt_id: str = Field(description="what to look for among the order's attempts")
    account: str
    client_type: str
    retry_after_seconds: int = Field(examples=[2])
    page_url: str = Field(description="shows the page once there is one")

    @classmethod
    def of(cls, pending: AnswerPending, page_url: str) -> Self:
        """Show it."""
        return cls(
            order_no=pending.order.order_no,
            attempt_id=pending.attempt.attempt_id,
            account=pending.attempt.account,
            client_type=pending.attempt.charge.client_type,
            retry_after_seconds=max(1, -(-pending.retry_after // timedelta(seconds=1))),
            page_url=page_url,
        )


class MethodView(View):
    """One line of a cashier."""

    account: str = Field(description="what to say when paying", examples=["alipay"])
    title: str = Field(examples=["Alipay"])
    provider: str = Field(examples=["alipay"])
    page_kind: str | None = Field(examples=["redirect"])
    needs: list[str] = Field(description="what `payer` must hold", examples=[["client_ip"]])
    instalments: list[int]
    available: bool = Field(examples=[True])
    why_not: str | None = Field(description="the code of what stands in the way")
    because: str | None = Field(None, description="the same in words")
    retry_at: datetime | None = Field(
        None, description="from when on it may be available again, where that is known"
    )

    @classmethod
    def of(cls, method: Method) -> Self:
        """Show it."""
        return cls(
            account=method.account,
            title=method.title,
            provider=method.provider,
            page_kind=method.page_kind,
            needs=list(method.needs),
            instalments=list(method.instalments),
            available=method.available,
            why_not=method.why_not,
            because=method.because,
            retry_at=method.retry_at,
        )


class MethodsView(View):
    """What this client type can pay the order with, now."""

    client_type: str = Field(examples=["h5"])
    methods: list[MethodView]
