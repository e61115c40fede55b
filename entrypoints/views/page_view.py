"""What callers see of a page to pay with, or of an answer that is still to come."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field

from retender.domain.model.page import page_to_json
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.entrypoints.views.view import View


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
