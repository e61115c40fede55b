"""What texts and numbers that come from outside must look like."""

import re
import unicodedata

from retender.domain.model.errors import NumberInvalid, TextInvalid

SUBJECT_MAX = 120
"""Characters; WeChat Pay takes 127, and its limit may be counted otherwise than ours."""

_NUMBER = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_USER = re.compile(r"[!-~]{1,128}", re.ASCII)
_REFERENCE = re.compile(r"[!-~]{1,255}", re.ASCII)
_PROVIDER_NUMBER = re.compile(r"[A-Za-z0-9]{8,32}", re.ASCII)


def check_number(field: str, value: str) -> str:
    """Return a shop's order or refund number: 1 to 64 of ``A-Z a-z 0-9 _ . -``."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise NumberInvalid(field, "must be 1 to 64 letters, digits, '_', '.' or '-'")
    return value


def check_user(field: str, value: str) -> str:
    """Return a payer's id: 1 to 128 printable ASCII characters without spaces."""
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise NumberInvalid(field, "must be 1 to 128 printable ASCII characters without spaces")
    return value


def check_provider_number(value: str) -> str:
    """Return a provider-side number: 8 to 32 of ``A-Z a-z 0-9`` suits every provider."""
    if not _PROVIDER_NUMBER.fullmatch(value):
        raise NumberInvalid("number", "must be 8 to 32 ASCII letters and digits")
    return value


def check_reference(value: str) -> str:
    """Return a provider's own id of what it made: 1 to 255 printable ASCII characters."""
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise NumberInvalid("reference", "must be 1 to 255 printable ASCII characters")
    return value


def check_text(field: str, value: str, limit: int) -> str:
    """
    Return a text for people: not blank, not over-long, no control characters.

    Emoji, Chinese and every punctuation mark are fine; controls, line breaks,
    direction overrides and lone surrogates are not, since the text is signed,
    shown and printed.
    """
    if not isinstance(value, str) or not value.strip():
        raise TextInvalid(field, "must not be empty")
    if len(value) > limit:
        raise TextInvalid(field, f"must not be longer than {limit} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value) or any(
        char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff" for char in value
    ):
        raise TextInvalid(field, "must not hold control characters")
    return value
