"""
Every error that Retender raises on purpose, in one tree.

The branches are what the caller can do about it::

    RetenderError
    ├── InvalidInput            change the request, then ask again
    │   ├── AmountInvalid  CurrencyUnknown  TextInvalid  NumberInvalid
    │   ├── PayerInputMissing  PayerInputInvalid   see ``payer_errors``
    │   ├── UnknownName         account, client type, provider, page kind ...: lists what there is
    │   ├── NoCommonPage        this client cannot show what this provider offers
    │   └── NotOffered          amount, currency or instalments outside the provider's terms
    ├── PayOrderError           the order says no; asking again says no again
    │   ├── PayOrderNotExist    also when it is another user's: do not tell
    │   ├── PayOrderStateError  paid, closing or closed
    │   ├── PayOrderPayTimeout  too late to pay, or too late for this provider
    │   ├── PayOrderFail        the provider said no; nothing moved
    │   ├── SwitchRefused       another page is still payable; says until when
    │   ├── TooManyAttempts     see ``attempt_errors``
    │   └── AccountDrained      this account takes no new payments; pay another way
    ├── ConflictError           something of that name is already there, and differs
    │   ├── IdempotencyConflict  OpenOrderExists
    ├── RefundError             a refund cannot be made like this; see ``refund_errors``
    ├── AttentionError           what waits for a human; see ``attention_errors``
    ├── ProviderError           what is known of the money when a call to a provider goes wrong
    │   ├── ProviderRefused     a decoded answer said no: nothing moved by this call
    │   ├── ProviderUnavailable surely not reached: may be asked again
    │   ├── ProviderUncertain   may have acted: find out before anything else
    │   └── ProviderClockOff    not asked: its clock and ours are too far apart; pay another way
    ├── NoticeRejected          not the provider's word: nothing is believed, nothing changes
    ├── StoreError              the database is in trouble; asking again is safe
    │   ├── StoreBusy  StoreFull   no time, no room: nothing changed but what the message tells
    │   └── StoreUncertain      cut off in mid-commit: all of it is written, or nothing
    ├── SetupError              for operators: names the plugin, the setting and the fix
    └── UndefinedTransition     a bug: the state table has no such edge

``code`` is part of the API and never changes; ``details`` is a flat mapping of
facts for machines. Neither ever carries a secret.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum


class RetenderError(Exception):
    """
    The root: an error with a stable code, a sentence, and facts.

    Attributes:
        code: what programs branch on.
        message: one sentence for people, with the way out where there is one.
        details: facts as plain values; safe to show to the caller.
        operators: the sentence for commands and logs, see ``for_operators``.

    """

    code: str = "RETENDER_ERROR"

    def __init__(self, message: str, **details: object) -> None:
        """Keep the sentence and the facts."""
        super().__init__(message)
        self.message = self.operators = message
        self.details: Mapping[str, object] = {k: v for k, v in details.items() if v is not None}


# --- change the request ---------------------------------------------------------------


class InvalidInput(RetenderError):
    """The request cannot be meant; ``field`` in the details names the culprit."""

    code = "INPUT_INVALID"


class AmountInvalid(InvalidInput):
    """Negative, zero where money is due, fractional, huge, or no number at all."""

    code = "AMOUNT_INVALID"

    def __init__(self, amount: object, why: str) -> None:
        """Say what was given (shortened) and what an amount is."""
        super().__init__(f"{quoted(amount)} is not an amount: {why}.", field="amount")


class CurrencyUnknown(InvalidInput):
    """The currency is no active ISO 4217 code."""

    code = "CURRENCY_UNKNOWN"

    def __init__(self, currency: object) -> None:
        """Say what was given."""
        super().__init__(
            f"{quoted(currency)} is not an ISO 4217 currency code such as CNY.", field="currency"
        )


class TextInvalid(InvalidInput):
    """A text is empty, too long or holds control characters."""

    code = "TEXT_INVALID"

    def __init__(self, field: str, why: str) -> None:
        """Name the field and the rule."""
        super().__init__(f"{field} {why}.", field=field)


class NumberInvalid(InvalidInput):
    """An order, refund or user number does not have the allowed form."""

    code = "NUMBER_INVALID"

    def __init__(self, field: str, why: str) -> None:
        """Name the field and the rule."""
        super().__init__(f"{field} {why}.", field=field)


class UnknownName(InvalidInput):
    """Nothing of that kind bears that name; the message lists what there is."""

    def __init__(self, kind: str, name: str, known: Iterable[str] | None) -> None:
        """Say what was asked for, and, unless ``known`` is None, what is close and all there is."""
        names = sorted(known or ())
        listed = f" There is: {', '.join(names) or 'none'}." if known is not None else ""
        close = get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(
            f"There is no {kind} named {quoted(name)}.{hint}{listed}",
            field=kind.replace(" ", "_"),
            known=None if known is None else names,
        )
        self.code = f"{kind.replace(' ', '_').upper()}_UNKNOWN"


class NoCommonPage(InvalidInput):
    """The client type can show none of the pages that the provider offers it."""

    code = "NO_COMMON_PAGE"

    def __init__(
        self, client_type: str, shows: Iterable[str], offers: Iterable[str], wanted: str | None
    ) -> None:
        """Put the two lists side by side."""
        can, does = list(shows), sorted(set(offers))
        asked = f"; asked for was {wanted}" if wanted else ""
        super().__init__(
            f"Client type {client_type!r} shows {', '.join(can) or 'nothing'}; "
            f"the provider offers it {', '.join(does) or 'nothing'}{asked}.",
            client_shows=can,
            provider_offers=does,
        )


class NotOffered(InvalidInput):
    """Amount, currency or instalments lie outside the provider's published terms."""

    code = "NOT_OFFERED"


# --- the order says no ----------------------------------------------------------------


class PayOrderError(RetenderError):
    """The order cannot be paid like this; the code says why."""


class PayOrderNotExist(PayOrderError):
    """No such order, or another user's: the two are not told apart on purpose."""

    code = "PAY_ORDER_NOT_EXIST"

    def __init__(self, order_no: str) -> None:
        """Repeat the number, nothing else."""
        super().__init__(f"There is no order {quoted(order_no)}.")


class PayOrderStateError(PayOrderError):
    """The order is paid, closing or closed."""

    code = "PAY_ORDER_STATE_ERROR"

    def __init__(self, order_no: str, state: str, why: str = "it can no longer be paid") -> None:
        """Name the state that stands in the way."""
        super().__init__(f"Order {order_no} is {state}: {why}.", order_no=order_no, state=state)


class PayOrderPayTimeout(PayOrderError):
    """The time to pay is over, or what remains is too short for this provider."""

    code = "PAY_ORDER_PAY_TIMEOUT"


class PayOrderFail(PayOrderError):
    """The provider said no and nothing moved; its own code and words ride along."""

    code = "PAY_ORDER_FAIL"


class SwitchRefused(PayOrderError):
    """
    The earlier page may still be paid, and the policy forbids a second one.

    ``until`` is when the earlier page is surely dead; finish it or wait.
    """

    code = "PAY_ORDER_SWITCH_REFUSED"

    def __init__(self, order_no: str, account: str, until: datetime, remaining_s: int) -> None:
        """Say which page stands in the way and for how long."""
        super().__init__(
            f"The page of {account} for order {order_no} may still be paid: "
            f"finish it, or wait {remaining_s} s.",
            order_no=order_no,
            account=account,
            until=until.isoformat(),
            remaining_seconds=remaining_s,
        )
        self.until = until


class AccountDrained(PayOrderError):
    """The account takes no new payments; what is begun there is finished. Pay another way."""

    code = "ACCOUNT_DRAINED"

    def __init__(self, account: str) -> None:
        """Name the account."""
        super().__init__(f"{account} takes no new payments: pay another way.", account=account)


# --- already there, and different ------------------------------------------------------


class ConflictError(RetenderError):
    """Something of that name exists and is not what was asked for."""


class IdempotencyConflict(ConflictError):
    """The same number was used before with other parameters; ``fields`` names them."""

    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self, what: str, number: str, fields: Iterable[str]) -> None:
        """Name the fields that differ."""
        names = sorted(fields)
        super().__init__(
            f"{what} {number} exists with another {', '.join(names)}.", number=number, fields=names
        )


class OpenOrderExists(ConflictError):
    """The payer has an unpaid order under this key: pay it or close it first."""

    code = "OPEN_ORDER_EXISTS"

    def __init__(self, order_no: str, key: str) -> None:
        """Name the open order and the two ways on."""
        super().__init__(
            f"Order {order_no} of this payer is open under key {quoted(key)}: "
            f"pay {order_no}, or close {order_no}, then place the new one.",
            order_no=order_no,
            ways=["pay", "close"],
        )


# --- what is known of the money --------------------------------------------------------


class ProviderError(RetenderError):
    """A call to a provider went wrong, or was not even made; the branches say what is known."""


class Refusal(StrEnum):
    """What a provider's clear no means for the attempt."""

    REJECTED = "rejected"
    """No trade exists under this number and none will: parameters, limits, set-up."""
    NEW_NUMBER = "new_number"
    """This number is spent or bound to other parameters; a new one may go."""
    ALREADY_PAID = "already_paid"
    """The number was paid: ask, then settle."""
    NOT_NOW = "not_now"
    """Nothing was done; the same request may succeed later (rate, balance)."""


class ProviderRefused(ProviderError):
    """
    A decoded answer said no: this call moved nothing and never will.

    It needs the provider's own code, so none can be made out of a time-out.
    """

    code = "PROVIDER_REFUSED"

    def __init__(self, refusal: Refusal, *, provider_code: str, provider_message: str = "") -> None:
        """Keep the provider's own words beside the meaning."""
        if not provider_code:
            raise ValueError("a refusal carries the code that the provider answered with")
        super().__init__(
            f"The provider refused: {provider_code} {provider_message}".rstrip() + ".",
            refusal=str(refusal),
            provider_code=provider_code,
            provider_message=provider_message or None,
        )
        self.refusal = refusal
        self.provider_code = provider_code
        self.provider_message = provider_message


class ProviderUnavailable(ProviderError):
    """Surely not reached: nothing was sent, so the same request may be made again."""

    code = "PROVIDER_UNAVAILABLE"


class ProviderUncertain(ProviderError):
    """Sent, and no usable answer: it may have acted. Never to be read as no."""

    code = "PROVIDER_UNCERTAIN"


class ProviderClockOff(ProviderError):
    """Not asked for anything new: no deadline would mean the same there and here."""

    code = "PROVIDER_CLOCK_OFF"


class NoticeProblem(StrEnum):
    """Why a notice is not believed, or believed but not acted on; part of the API."""

    UNSIGNED = "NOTICE_UNSIGNED"
    SIGNATURE_WRONG = "NOTICE_SIGNATURE_WRONG"
    PROBE = "NOTICE_SIGNATURE_PROBE"
    STALE = "NOTICE_STALE"
    MALFORMED = "NOTICE_MALFORMED"
    NOT_TEXT = "NOTICE_NOT_UTF8"
    TOO_LARGE = "NOTICE_TOO_LARGE"
    UNKNOWN_KEY = "NOTICE_KEY_UNKNOWN"


class NoticeRejected(RetenderError):
    """
    The message is not proven to be the provider's: nothing is believed.

    The provider is answered with a failure, so an honest one sends again.
    """

    code = "NOTICE_REJECTED"

    def __init__(self, problem: NoticeProblem, message: str) -> None:
        """Name the problem; its value is the code."""
        super().__init__(message)
        self.problem = problem
        self.code = str(problem)


# --- operators and bugs ----------------------------------------------------------------


class StoreError(RetenderError):
    """The database is in trouble: what it means for what was to be written, the branches say."""


class StoreBusy(StoreError):
    """The database stayed locked or aborted us; nothing was changed, ask again."""

    code = "STORE_BUSY"


class StoreFull(StoreError):
    """The database's disk is full; nothing was changed: free some of it, then ask again."""

    code = "STORE_FULL"


class StoreUncertain(StoreError):
    """A commit was cut off: kept or not, only reading tells. The same request again is safe."""

    code = "STORE_UNCERTAIN"


class SetupError(RetenderError):
    """Configuration or plugins are wrong; the message names the culprit and the fix."""

    code = "SETUP_ERROR"


class UndefinedTransition(RetenderError):
    """The state table knows no such edge: a bug of ours, never of the caller."""

    code = "UNDEFINED_TRANSITION"


def quoted(value: object, limit: int = 64) -> str:
    """Quote a caller's value for a message: short, escaped, one line."""
    return text if len(text := repr(value)) <= limit else text[: limit - 1] + "…"
