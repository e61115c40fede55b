"""Terms: what members of our enumerations are called; states and codes keep their names."""

from collections.abc import Mapping
from enum import StrEnum

from retender.domain.model.answers import ReceiptState, RefundReceiptState
from retender.domain.model.attention import Resolution
from retender.domain.model.cause import Source
from retender.domain.model.errors import Refusal
from retender.domain.model.misfit import Misfit
from retender.domain.model.order import EndReason
from retender.domain.model.outcome import Outcome
from retender.domain.model.page import PageKind
from retender.domain.model.refund import RefundCause
from retender.domain.model.switch_policy import SwitchPolicy
from retender.entrypoints.words.phrase import Phrase, phrase

_TERMS: Mapping[type[StrEnum], Mapping[StrEnum, Phrase]] = {
    Source: {
        Source.NOTICE: phrase("notice"),
        Source.QUERY: phrase("query"),
        Source.CLOSE: phrase("close"),
        Source.BILL: phrase("bill"),
        Source.REFUND: phrase("refund"),
        Source.REFUND_QUERY: phrase("refund query"),
    },
    ReceiptState: {
        ReceiptState.NOT_FOUND: phrase("not found"),
        ReceiptState.OPEN: phrase("open"),
        ReceiptState.PAID: phrase("paid"),
        ReceiptState.CLOSED: phrase("closed"),
    },
    RefundReceiptState: {
        RefundReceiptState.NOT_FOUND: phrase("not found"),
        RefundReceiptState.PENDING: phrase("pending"),
        RefundReceiptState.DONE: phrase("done"),
        RefundReceiptState.FAILED: phrase("failed"),
    },
    Outcome: {
        Outcome.WON: phrase("believed: it is the order's payment"),
        Outcome.SURPLUS: phrase("believed: it is a surplus, and goes back"),
        Outcome.DEAD: phrase("believed: it can take no money any more"),
        Outcome.ATTENTION: phrase("it fits nothing, and waits for a human"),
        Outcome.KNOWN: phrase("noted, proves nothing new"),
        Outcome.CONTRADICTED: phrase(
            "disbelieved: its page was handed out, so it is there; a human looks"
        ),
        Outcome.NOTHING: phrase("noted: it can still be paid"),
    },
    Refusal: {
        Refusal.NOT_NOW: phrase("not now"),
        Refusal.ALREADY_PAID: phrase("already paid"),
        Refusal.NEW_NUMBER: phrase("only under a new number"),
        Refusal.REJECTED: phrase("for good"),
    },
    SwitchPolicy: {
        SwitchPolicy.ADAPTIVE: phrase("adaptive"),
        SwitchPolicy.STRICT: phrase("strict"),
        SwitchPolicy.BEST_EFFORT: phrase("best_effort"),
        SwitchPolicy.NONE: phrase("none"),
    },
    PageKind: {
        PageKind.FORM: phrase("form"),
        PageKind.REDIRECT: phrase("redirect"),
        PageKind.QR: phrase("qr"),
        PageKind.APP_STRING: phrase("app_string"),
        PageKind.JSAPI: phrase("jsapi"),
    },
    RefundCause: {
        RefundCause.SHOP: phrase("the shop asked"),
        RefundCause.DUPLICATE: phrase("another attempt had paid the order"),
        RefundCause.CANCELLED: phrase("the shop had given the order up"),
        RefundCause.LATE: phrase("the order was closed when the money came"),
        RefundCause.FURTHER: phrase("it was paid twice under one number"),
        RefundCause.EXTERNAL: phrase("another hand made it"),
    },
    EndReason: {
        EndReason.DEADLINE: phrase("deadline"),
        EndReason.CANCELLED: phrase("cancelled"),
    },
    Resolution: {
        Resolution.DEAD: phrase("dead"),
        Resolution.REFUNDED: phrase("refunded"),
        Resolution.RETRY: phrase("retry"),
        Resolution.NOTED: phrase("noted"),
        Resolution.SETTLED: phrase("settled"),
    },
    Misfit: {
        Misfit.ACCOUNT: phrase("another account"),
        Misfit.CREDENTIALS: phrase("the account's credentials changed"),
        Misfit.PAGE_KEY: phrase(
            "the page key changed, and what was stored under the old one does not open"
        ),
        Misfit.CREDENTIALS_OR_PAGE_KEY: phrase("the account's credentials or the page key changed"),
        Misfit.CLIENT_TYPE: phrase("another client type"),
        Misfit.PAGE_KIND: phrase("another page kind"),
        Misfit.AMOUNT: phrase("another amount"),
        Misfit.INSTALMENTS: phrase("other instalments"),
        Misfit.OPENID: phrase("another payer at the provider"),
        Misfit.CLIENT_IP: phrase("the payer comes from another address"),
        Misfit.RETURN_URL: phrase("another return url"),
        Misfit.EMAIL: phrase("another email"),
        Misfit.NAME: phrase("another name"),
        Misfit.PHONE: phrase("another phone"),
        Misfit.LANGUAGE: phrase("another language"),
        Misfit.SHIPPING_COUNTRY: phrase("another shipping country"),
        Misfit.NOT_PAYABLE: phrase("no longer payable"),
        Misfit.TIME_OVER: phrase("its time at the provider is over"),
        Misfit.PAGE_RAN_OUT: phrase("its page ran out and cannot be made again"),
    },
}
"""By type first: members of two enumerations may be equal, as both are texts."""


def term_of(member: StrEnum) -> Phrase | None:
    """Return what a member is called; None if it keeps its name in every language."""
    return _TERMS.get(type(member), {}).get(member)
