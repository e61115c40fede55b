"""Our words into WeChat Pay's JSON and back; no network, no clock."""

from collections.abc import Mapping
from datetime import datetime

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import RetenderError
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.domain.model.payer_errors import PayerInputMissing
from retender.plugins.text_limit import TextLimit, Unit
from retender.plugins.wechat_pay.beijing import from_text, to_text
from retender.plugins.wechat_pay.codes import REFUND_STATES, TRADE_STATES
from retender.plugins.wechat_pay.credentials import Credentials
from retender.ports.payment_provider import (
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)

PRODUCTS: Mapping[PageKind, str] = {
    PageKind.QR: "native",
    PageKind.REDIRECT: "h5",
    PageKind.APP_STRING: "app",
    PageKind.JSAPI: "jsapi",
}
"""The last part of the path under which each kind of page is ordered."""

LIMITS: Mapping[str, TextLimit] = {
    "description": TextLimit(127),
    "attach": TextLimit(128),
    "refund reason": TextLimit(80, Unit.BYTES),
}
"""What the gateway takes of texts; a longer one would be refused, and so would each repeat."""


class Unreadable(Exception):
    """A message that was proven, and yet says nothing that we can use."""


class UnknownWord(Unreadable):
    """
    A state that stands in no table.

    Attributes:
        word: the state.

    """

    def __init__(self, word: str) -> None:
        """Keep the word, to be counted."""
        super().__init__("it speaks of a state that we do not know")
        self.word = word


def prepay_body(charge: Charge, credentials: Credentials) -> dict[str, object]:
    """
    Return the body of a prepay request, a function of the charge and nothing else.

    The gateway compares a repeated number field by field, so the payer who
    comes back gets a page only if we say the very same again.
    """
    in_app = charge.page_kind is PageKind.APP_STRING
    body: dict[str, object] = {
        "appid": credentials.mobile_app_id if in_app else credentials.app_id,
        "mchid": credentials.signer.mchid,
        "description": LIMITS["description"].cut(charge.subject),
        "out_trade_no": charge.number,
        "time_expire": to_text(charge.expires_at),
        "attach": LIMITS["attach"].cut(charge.order_no),
        "notify_url": charge.notify_url,
        "amount": {"total": charge.amount.minor, "currency": charge.amount.currency},
    }
    if charge.page_kind is PageKind.JSAPI:
        body["payer"] = {"openid": _needed(charge.payer.openid, "openid", charge)}
    if charge.page_kind is PageKind.REDIRECT:
        body["scene_info"] = {
            "payer_client_ip": _needed(charge.payer.client_ip, "client_ip", charge),
            "h5_info": {"type": "Wap"},
        }
    return body


def _needed(value: str | None, name: str, charge: Charge) -> str:
    if not value:
        raise PayerInputMissing([name], charge.page_kind)
    return value


def refund_body(order: RefundOrder) -> dict[str, object]:
    """
    Return the body of a refund request.

    It names the charge by our number even once theirs is known: a repeat that
    said otherwise would be another request to the gateway.
    """
    return {
        "out_trade_no": order.charge_number,
        "out_refund_no": order.number,
        "reason": LIMITS["refund reason"].cut(order.reason),
        "notify_url": order.notify_url,
        "amount": {
            "refund": order.amount.minor,
            "total": order.paid.minor,
            "currency": order.amount.currency,
        },
    }


def read_transaction(said: Mapping[str, object], credentials: Credentials) -> Receipt:
    """
    Read what a query or a notice says of an order.

    Raises:
        Unreadable: a field that we cannot do without is missing or odd.

    """
    word, number = _text(said, "trade_state"), _text(said, "out_trade_no")
    state = TRADE_STATES.get(word)
    if state is None:
        raise UnknownWord(word)
    paid = state is ReceiptState.PAID
    trade_no = said.get("transaction_id")
    return Receipt(
        number=number,
        state=state,
        amount=_money(said, "total") if paid else None,
        provider_trade_no=trade_no if isinstance(trade_no, str) and trade_no else None,
        captured_at=_time(said.get("success_time")) if paid else None,
        foreign=_foreign(said, credentials),
    )


def _foreign(said: Mapping[str, object], credentials: Credentials) -> str | None:
    mch_id, app_id = said.get("mchid"), said.get("appid")
    if credentials.is_ours(mch_id, app_id):
        return None
    return f"it is of merchant {mch_id} and app {app_id}"


def read_refund(said: Mapping[str, object], *, word: str = "status") -> RefundReceipt:
    """
    Read what an answer or a notice says of a refund.

    Args:
        said: the JSON object.
        word: the field that holds the state; notices call it otherwise.

    Raises:
        Unreadable: a field that we cannot do without is missing or odd.

    """
    status = _text(said, word)
    state = REFUND_STATES.get(status)
    if state is None:
        raise UnknownWord(status)
    refund_no = said.get("refund_id")
    return RefundReceipt(
        number=_text(said, "out_refund_no"),
        state=state,
        amount=_money(said, "refund"),
        provider_refund_no=refund_no if isinstance(refund_no, str) and refund_no else None,
        problem=status if state is RefundReceiptState.FAILED else None,
        charge_number=number
        if isinstance(number := said.get("out_trade_no"), str) and number
        else None,
    )


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"it does not say {name}")
    return value


def _money(said: Mapping[str, object], name: str) -> Money:
    match said.get("amount"):
        case dict() as amount:
            minor, currency = amount.get(name), amount.get("currency", "CNY")
        case _:
            raise Unreadable("it does not say how much")
    if not isinstance(minor, int) or not isinstance(currency, str):
        raise Unreadable(f"its amount.{name} is no whole number")
    try:
        return Money(minor, currency)
    except RetenderError as trouble:
        raise Unreadable(f"its amount.{name} is no money") from trouble


def _time(value: object) -> datetime | None:
    """Read when the money came; that it came is true whatever stands here."""
    try:
        return from_text(str(value))
    except ValueError:
        return None
