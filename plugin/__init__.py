"""
The one import that a plugin needs.

::

    from retender.plugin import Charge, Opened, ProviderPlugin, RedirectPage, hookimpl

What stands here is documented where it is defined, pinned by a test of names and types, and
numbered: a plugin's module says ``RETENDER_PLUGIN_API = 1``, and is loaded only by a Retender
that offers this number. The contract kit and what else tests need is ``retender.plugin.testing``.
"""

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import ClientType, Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.errors import (
    NoticeProblem,
    NoticeRejected,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
    RetenderError,
    SetupError,
)
from retender.domain.model.money import Money
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    Opened,
    Page,
    PageKind,
    QrPage,
    RedirectPage,
)
from retender.domain.model.payer import Payer
from retender.plugins.api_version import API_VERSION
from retender.plugins.ask_only import AskOnly
from retender.plugins.hookspecs import (
    GATEWAY,
    BuildProvider,
    ProviderContext,
    ProviderPlugin,
    Secret,
    Setting,
    hookimpl,
)
from retender.plugins.text_limit import TextLimit, Unit
from retender.ports.clock import Clock
from retender.ports.payment_provider import (
    Acknowledgement,
    AmountBounds,
    BillLine,
    Capture,
    ClosePower,
    Notice,
    PageTerms,
    PayerNeed,
    PaymentProvider,
    ProviderTerms,
    RawNotice,
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
    RefundTerms,
)
from retender.ports.secret_proof import ProvesSecrets, SecretProof, SecretState
from retender.ports.transport import Request, Response, Transport

__all__ = [
    "API_VERSION",
    "GATEWAY",
    "Acknowledgement",
    "AmountBounds",
    "AppStringPage",
    "AskOnly",
    "BillLine",
    "BuildProvider",
    "Capture",
    "Charge",
    "ClientType",
    "Clock",
    "ClosePower",
    "Device",
    "ExpiryTerms",
    "FormPage",
    "JsapiPage",
    "Money",
    "Notice",
    "NoticeProblem",
    "NoticeRejected",
    "Opened",
    "Page",
    "PageKind",
    "PageTerms",
    "Payer",
    "PayerNeed",
    "PaymentProvider",
    "ProvesSecrets",
    "ProviderContext",
    "ProviderError",
    "ProviderPlugin",
    "ProviderRefused",
    "ProviderTerms",
    "ProviderUnavailable",
    "ProviderUncertain",
    "QrPage",
    "RawNotice",
    "Receipt",
    "ReceiptState",
    "RedirectPage",
    "RefundOrder",
    "RefundReceipt",
    "RefundReceiptState",
    "RefundTerms",
    "Refusal",
    "Request",
    "Response",
    "RetenderError",
    "Secret",
    "SecretProof",
    "SecretState",
    "Setting",
    "SetupError",
    "TextLimit",
    "Transport",
    "Unit",
    "hookimpl",
]
