"""What callers send: the form is checked here, the meaning in the core."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from retender.domain.model.errors import AmountInvalid, CurrencyUnknown
from retender.domain.model.money import Money
from retender.domain.model.payer import Payer


def _decimal_text(value: object) -> object:
    """Refuse JSON numbers: ``88.8`` has been a float before we could see it."""
    if not isinstance(value, str):
        raise AmountInvalid(value, 'an amount is a JSON string such as "88.80", never a number')
    return value


def _currency_text(value: object) -> object:
    if not isinstance(value, str):
        raise CurrencyUnknown(value)
    return value


class Body(BaseModel):
    """A request's JSON object; a member that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MoneyBody(Body):
    """An amount as it is written for people, and its currency."""

    amount: Annotated[str, BeforeValidator(_decimal_text)] = Field(
        description="decimal string; never a JSON number", examples=["88.80"]
    )
    currency: Annotated[str, BeforeValidator(_currency_text)] = Field(
        description="ISO 4217 code", examples=["CNY"]
    )

    def money(self) -> Money:
        """Read it exactly."""
        return Money.parse(self.amount, self.currency)


class OrderBody(Body):
    """What is owed."""

    order_no: str = Field(
        description="the shop's own number: 1 to 64 letters, digits, `_`, `.` or `-`",
        examples=["20260701-0042"],
    )
    user_id: str = Field(description="who pays; nobody else may", examples=["user-7"])
    subject: str = Field(description="what the payer reads", examples=["Jasmine tea, 2 tins"])
    amount: MoneyBody
    key: str | None = Field(
        None, description="a payer has at most one open order under one key", examples=["cart-9"]
    )
    pay_within_seconds: int | None = Field(
        None, ge=0, le=10**9, description="time to pay; default: as configured", examples=[1800]
    )

    def pay_within(self) -> timedelta | None:
        """Return the time to pay, if it is said."""
        seconds = self.pay_within_seconds
        return None if seconds is None else timedelta(seconds=seconds)


class PayerBody(Body):
    """What the payer's side supplies; `GET .../methods` says which page needs what."""

    openid: str | None = Field(
        None, pattern=r"^[!-~]{1,128}$", description="the payer's id at the provider"
    )
    client_ip: str | None = Field(
        None,
        pattern=r"^[!-~]{1,64}$",
        description="the payer's own public address, as the shop's server saw it",
    )
    return_url: str | None = Field(
        None,
        max_length=512,
        pattern=r"^https?://[!-~]+$",
        description="where the browser goes after paying; proves nothing",
        examples=["https://shop.example.com/thanks"],
    )

    email: str | None = Field(None, max_length=254, description="the payer's e-mail address, ASCII")
    name: str | None = Field(None, max_length=128, description="the payer's name")
    phone: str | None = Field(
        None, max_length=16, description="with its country's number, such as +8613800138000"
    )
    language: str | None = Field(None, max_length=35, description="a tag such as zh-CN")
    shipping_country: str | None = Field(
        None, max_length=2, description="where the goods go: two capitals of ISO 3166"
    )

    def payer(self) -> Payer:
        """Return the core's value; the address of who calls is the shop's, not the payer's."""
        return Payer(**self.model_dump())


class PayBody(Body):
    """With which account, and from where, the payer wants to pay now."""

    user_id: str = Field(description="who pays", examples=["user-7"])
    account: str = Field(description="with which provider account", examples=["alipay"])
    client_type: str | None = Field(
        None,
        description="from where; default: recognised from the `User-Agent` of this request, "
        "so a shop's server passes on the payer's",
        examples=["h5"],
    )
    page_kind: str | None = Field(
        None, description="insist on a kind of page; default: the client's first choice"
    )
    instalments: int | None = Field(None, description="number of monthly rates")
    payer: PayerBody = PayerBody()


class CloseBody(Body):
    """Who gives the order up, and what becomes of money that comes all the same."""

    user_id: str | None = Field(
        None, description="if given, another user's order does not exist", examples=["user-7"]
    )
    late_payment: Literal["refund", "accept"] = Field(
        "refund",
        description="`refund`: money that is heard of after this call goes back; `accept`: it "
        "still pays the order. The first word stands",
    )


class RefundBody(Body):
    """What to give back, under a number that makes repeats harmless."""

    refund_no: str = Field(
        description="the shop's own number of this refund", examples=["R-20260701-0042-1"]
    )
    amount: MoneyBody | None = Field(None, description="default: all that is left")
    reason: str = Field("Refund", description="what the payer may read", examples=["One tin broke"])
