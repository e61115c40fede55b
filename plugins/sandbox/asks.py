"""An ask, in JSON on the wire, and packed into a QR code that needs no call."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from retender.plugins.sandbox.wire import decoded, encoded, instant

_TEXTS = ("number", "currency", "subject", "product", "openid", "notify_url")


@dataclass(frozen=True, slots=True)
class Ask:
    """
    What a merchant asks for; everything in it is frozen under its number.

    Attributes:
        expires_at: from then on nobody can pay.

    """

    number: str
    minor: int
    currency: str
    subject: str
    product: str
    openid: str
    instalments: int
    expires_at: datetime
    notify_url: str


def ask_to_json(ask: Ask) -> dict[str, object]:
    """Return the ask as plain JSON values."""
    return {
        **{name: getattr(ask, name) for name in _TEXTS},
        "minor": ask.minor,
        "instalments": ask.instalments,
        "expires_at": ask.expires_at.isoformat(),
    }


def ask_from_json(message: Mapping[str, object]) -> Ask:
    """
    Read an ask.

    Raises:
        ValueError: something is missing or of the wrong kind.

    """
    return Ask(
        **{name: text_in(message, name) for name in _TEXTS},
        minor=whole_in(message, "minor"),
        instalments=whole_in(message, "instalments"),
        expires_at=instant(text_in(message, "expires_at")),
    )


def packed(ask: Ask, until: datetime) -> str:
    """Return the ask, and until when it may be scanned, as letters that suit a link."""
    text = encoded({**ask_to_json(ask), "until": until.isoformat()})
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def unpacked(letters: str) -> tuple[Ask, datetime]:
    """
    Read what ``packed`` wrote.

    Raises:
        ValueError: it did not.

    """
    try:
        text = base64.urlsafe_b64decode(letters).decode()
    except (binascii.Error, UnicodeDecodeError) as trouble:
        raise ValueError("not a packed ask") from trouble
    message = decoded(text)
    return ask_from_json(message), instant(text_in(message, "until"))


def text_in(message: Mapping[str, object], name: str) -> str:
    """Return a text of a message; ``ValueError`` if it is none."""
    if isinstance(value := message.get(name), str):
        return value
    raise ValueError(f"{name} must be a text")


def whole_in(message: Mapping[str, object], name: str) -> int:
    """Return a whole number of a message, not negative; ``ValueError`` if it is none."""
    value = message.get(name)
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} must be a whole number, not negative")
    return value
