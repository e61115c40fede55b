"""The sandbox's wire: JSON, with an HMAC over time and body on every message."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

TIME_HEADER: Final = "x-sandbox-time"
SIGNATURE_HEADER: Final = "x-sandbox-signature"
MERCHANT_HEADER: Final = "x-sandbox-merchant"


def signature_of(secret: str, *parts: str) -> str:
    """Return the HMAC-SHA256 of the parts, one a line, in hex."""
    text = "\n".join(parts)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_signed(secret: str, signature: str, *parts: str) -> bool:
    """Tell whether the signature was made with this secret, in constant time."""
    wanted = signature_of(secret, *parts)
    return hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace"))


def signed_headers(secret: str, purpose: str, now: datetime, body: str) -> dict[str, str]:
    """Return the headers that prove a message; ``purpose`` keeps one from passing for another."""
    stamp = now.isoformat()
    return {
        "content-type": "application/json",
        TIME_HEADER: stamp,
        SIGNATURE_HEADER: signature_of(secret, purpose, stamp, body),
    }


def proves(secret: str, purpose: str, headers: Mapping[str, str], body: str) -> bool:
    """Tell whether the headers prove the body, whatever it may hold."""
    stamp = headers.get(TIME_HEADER, "")
    return is_signed(secret, headers.get(SIGNATURE_HEADER, ""), purpose, stamp, body)


def encoded(message: Mapping[str, object]) -> str:
    """Return the message as JSON text."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def decoded(text: str) -> Mapping[str, object]:
    """
    Read a JSON object.

    Raises:
        ValueError: it is none.

    """
    try:
        message = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if isinstance(message, dict):
        return message
    raise ValueError("not a JSON object")


def instant(text: str) -> datetime:
    """
    Read an aware instant.

    Raises:
        ValueError: it is none, or has no offset.

    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return read.astimezone(UTC)
