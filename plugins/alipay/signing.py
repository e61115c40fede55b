"""RSA2: what exactly Alipay's two sides sign, and signing and checking it."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

_DECODER = json.JSONDecoder(parse_float=str)
CERTIFICATE = "alipay_cert_sn"
_UNSIGNED = {"sign", "sign_type"}
_BLANKS = " \t\r\n"


def sign(text: str, key: RSAPrivateKey, charset: str = "utf-8") -> str:
    """Return the RSA2 signature (PKCS #1 v1.5, SHA-256) of ``text``, in base64 on one line."""
    signature = key.sign(text.encode(charset), PKCS1v15(), SHA256())
    return base64.b64encode(signature).decode("ascii")


def is_signed(text: str, signature: str, key: RSAPublicKey, charset: str = "utf-8") -> bool:
    """Tell whether ``signature`` was made over ``text`` by the owner of ``key``."""
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, text.encode(charset), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):  # of what is no base64, too
        return False
    return True


def request_text(parameters: Mapping[str, str]) -> str:
    """
    Return what a request's signature covers.

    Every parameter that is sent, ``sign_type`` and ``biz_content`` included,
    but for ``sign`` itself and whatever is blank; by name, raw, not escaped.
    """
    return joined(
        {name: value for name, value in parameters.items() if name != "sign" and value.strip()}
    )


def notice_texts(parameters: Mapping[str, str]) -> Iterator[str]:
    """
    Yield what a notice's signature may cover, the likeliest first.

    Unlike a request's it leaves out ``sign_type``. Whether empty values count, and whether
    the certificate's serial number does, is documented both ways, so all are tried; none lets
    a forger add or take away anything that says something.
    """
    received = {name: value for name, value in parameters.items() if name not in _UNSIGNED}
    without = {name: value for name, value in received.items() if name != CERTIFICATE}
    for told in (without, received) if without != received else (received,):
        yield joined(told)
        filled = {name: value for name, value in told.items() if value}
        if filled != told:
            yield joined(filled)


def joined(parameters: Mapping[str, str]) -> str:
    """Return parameters as they are signed: by name, raw, not escaped."""
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))


class MalformedAnswer(ValueError):
    """The body is not an answer of the gateway's shape."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A gateway's answer taken apart, nothing of it believed yet.

    Attributes:
        text: the answer object exactly as sent: this is what was signed.
        fields: the same, decoded.
        sign: the signature, or None: errors made before the gateway knew who
            asks bear none.
        cert_sn: which certificate's key made it, in certificate mode.

    """

    text: str
    fields: Mapping[str, object]
    sign: str | None
    cert_sn: str | None

    def get(self, name: str) -> str | None:
        """Return a field that is a non-empty text, else None."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None


def read_answer(body: str, method: str) -> Answer:
    """
    Take apart the answer to a call of ``method``.

    The signature covers the raw substring, escapes and spaces included, so the
    object is located by walking the JSON text, wherever ``sign`` stands.

    Raises:
        MalformedAnswer: not JSON, a name twice, no answer in it, or a tail.

    """
    parts = _top_level(body)
    for name in (f"{method.replace('.', '_')}_response", "error_response"):
        if name in parts:
            text = parts[name]
            break
    else:
        raise MalformedAnswer(f"no answer to {method} in the body")
    fields = _decoded(text)
    if not isinstance(fields, dict):
        raise MalformedAnswer("the answer is no object")
    return Answer(text, fields, _text(parts.get("sign")), _text(parts.get("alipay_cert_sn")))


def _top_level(body: str) -> dict[str, str]:
    """Return the raw text of every value of the outermost object."""
    parts: dict[str, str] = {}
    at = _expect(body, 0, "{")
    while True:
        name, at = _value(body, _skip(body, at))
        at = _expect(body, at, ":")
        start = _skip(body, at)
        _, at = _value(body, start)
        if not isinstance(name, str) or name in parts:
            raise MalformedAnswer("a name is no text, or stands twice")
        parts[name] = body[start:at]
        at = _skip(body, at)
        if body[at : at + 1] != ",":
            break
        at += 1
    if _skip(body, _expect(body, at, "}")) != len(body):
        raise MalformedAnswer("something follows the answer")
    return parts


def _value(body: str, at: int) -> tuple[object, int]:
    try:
        value: object
        value, end = _DECODER.raw_decode(body, at)
    except (ValueError, RecursionError) as trouble:
        raise MalformedAnswer("not JSON") from trouble
    return value, end


def _decoded(text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise MalformedAnswer("a name stands twice")
        return fields

    return json.loads(text, object_pairs_hook=once, parse_float=str)


def _text(raw: str | None) -> str | None:
    value = json.loads(raw) if raw is not None else None
    return value if isinstance(value, str) and value else None


def _skip(body: str, at: int) -> int:
    while body[at : at + 1] in _BLANKS and at < len(body):
        at += 1
    return at


def _expect(body: str, at: int, mark: str) -> int:
    at = _skip(body, at)
    if body[at : at + 1] != mark:
        raise MalformedAnswer(f"expected {mark!r} at {at}")
    return at + 1
