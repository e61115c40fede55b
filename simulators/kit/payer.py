"""The simulated payer: the page in hand, what one can do with it, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from retender.domain.model.page import Page, page_to_json

DEFAULT_BUYER = "alice"

PageMaterial: TypeAlias = Page | Mapping[str, object] | str
"""
A payment page as it reaches the payer: our ``Page``; the same as the JSON that
the shop was answered (``{"kind": "form", ...}``); or bare: a string for what is
scanned, opened or handed to an app, a mapping for script parameters.
"""


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form ready to be posted by the payer's browser."""

    action: str
    fields: Mapping[str, str]


PageInHand: TypeAlias = str | FilledForm | Mapping[str, str]


def in_hand(page: PageMaterial) -> PageInHand:
    """
    Strip a page to what the payer's device acts on.

    Returns:
        the text of a QR code, link or app string; a ``FilledForm``; or script
        parameters.

    Raises:
        ValueError: a mapping that is none of these.

    """
    if isinstance(page, str):
        return page
    body = page if isinstance(page, Mapping) else page_to_json(page)
    match body:
        case {"url": str(text)} | {"content": str(text)} | {"text": str(text)}:
            return text
        case {"action": str(action), "fields": fields}:
            return FilledForm(action, _text_fields(fields))
        case {"parameters": parameters}:
            return _text_fields(parameters)
        case _:
            return _text_fields(body)


def _text_fields(fields: object) -> Mapping[str, str]:
    if isinstance(fields, Sequence) and not isinstance(fields, str):
        fields = dict(fields)
    if isinstance(fields, Mapping) and all(isinstance(each, str) for each in fields.values()):
        return {str(name): value for name, value in fields.items()}
    raise ValueError(f"not a payment page: {fields!r}")


class PayerAction(StrEnum):
    """
    What a payer can do; the same words for every brand.

    ``scan`` and ``log_in`` say who is paying; ``enter_password`` pays, after
    identifying the payer if nobody did; ``pay`` is the whole way in one step;
    ``not_enough_balance`` tries to pay and has too little; ``leave`` closes
    the page without paying.
    """

    SCAN = "scan"
    LOG_IN = "log_in"
    ENTER_PASSWORD = "enter_password"  # noqa: S105 -- an action, not a secret
    NOT_ENOUGH_BALANCE = "not_enough_balance"
    LEAVE = "leave"
    PAY = "pay"


@dataclass(frozen=True, slots=True)
class ActResult:
    """
    What the payer sees after acting.

    Attributes:
        ok: whether the step went through.
        code: ``OK``, or the brand's own code for the refusal.
        message: the same in words.
        number: the merchant's number on the page, if the page could be read.
    """

    ok: bool
    code: str = "OK"
    message: str = ""
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """
    What moved under one of the merchant's numbers, in minor units, for audits.

    Attributes:
        refunds: amount by the merchant's refund number; not those that failed.
        captures: amount by the gateway's own number, where there may be several captures.
        undone: refunds that failed after they were done, or that will.
    """

    number: str
    captured_minor: int
    refunds: Mapping[str, int]
    currency: str = "CNY"
    captures: Mapping[str, int] = field(default_factory=dict)
    undone: frozenset[str] = frozenset()

    @property
    def refunded_minor(self) -> int:
        """Return all that went back to the payer."""
        return sum(self.refunds.values())
