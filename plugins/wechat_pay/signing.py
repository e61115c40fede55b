"""WECHATPAY2-SHA256-RSA2048 and AES-256-GCM: what is signed, by whom, and what proves it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from retender.domain.model.errors import NoticeProblem

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CIPHER = "AEAD_AES_256_GCM"
REPLAY_WINDOW = timedelta(minutes=5)
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"

_TIMESTAMP_DIGITS = 12


class NotProven(Exception):
    """
    A message is not proven to come from WeChat Pay; nothing of it is believed.

    Attributes:
        problem: why, in the words that a rejected notice uses too.

    """

    def __init__(self, problem: NoticeProblem, message: str) -> None:
        """Keep the kind of problem beside the sentence."""
        super().__init__(message)
        self.problem = problem


class NotOpened(NotProven):
    """An envelope is sealed with another key than ours."""


def sign(text: bytes, key: RSAPrivateKey) -> str:
    """Return the signature (PKCS #1 v1.5, SHA-256) in base64 on one line."""
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode("ascii")


def is_signed(text: bytes, signature: str, key: RSAPublicKey) -> bool:
    """Tell whether ``signature`` was made over ``text`` by the owner of ``key``."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):  # of what is no base64, too
        return False
    return True


def request_text(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """
    Return what a request's signature covers: five lines, the last one ended too.

    Args:
        method: as on the wire, in capitals.
        target: path and query, escaped exactly as on the wire.
        timestamp: seconds since 1970.
        nonce: any text that does not come twice.
        body: the exact bytes sent; empty for GET.

    """
    return b"\n".join([method.encode(), target.encode(), *_lines(timestamp, nonce, body)])


def message_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """Return what the signature of an answer or a notice covers: three lines."""
    return b"\n".join(_lines(timestamp, nonce, body))


def _lines(timestamp: str, nonce: str, body: bytes) -> tuple[bytes, ...]:
    return timestamp.encode(), nonce.encode(), body, b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """
    The merchant's pen: signs requests, and pages that need a client-side signature.

    Attributes:
        mchid: the merchant's number.
        serial_no: of the merchant's API certificate.
        private_key: that certificate's key.

    """

    mchid: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)

    def authorization(
        self, method: str, target: str, body: bytes, *, at: datetime, nonce: str
    ) -> str:
        """Return the ``Authorization`` header of one request."""
        timestamp = _seconds(at)
        signature = sign(request_text(method, target, timestamp, nonce, body), self.private_key)
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{self.serial_no}"'
        )

    def jsapi_parameters(
        self, appid: str, prepay_id: str, *, at: datetime, nonce: str
    ) -> tuple[tuple[str, str], ...]:
        """Return what the script bridge takes to open the cashier inside WeChat."""
        package = f"prepay_id={prepay_id}"
        timestamp = _seconds(at)
        return (
            ("appId", appid),
            ("timeStamp", timestamp),
            ("nonceStr", nonce),
            ("package", package),
            ("signType", "RSA"),
            ("paySign", self._sign_lines(appid, timestamp, nonce, package)),
        )

    def app_parameters(
        self, appid: str, prepay_id: str, *, at: datetime, nonce: str
    ) -> dict[str, str]:
        """Return what the app SDK takes; unlike the script's, the bare id is signed."""
        timestamp = _seconds(at)
        return {
            "appId": appid,
            "partnerId": self.mchid,
            "prepayId": prepay_id,
            "package": "Sign=WXPay",
            "nonceStr": nonce,
            "timeStamp": timestamp,
            "sign": self._sign_lines(appid, timestamp, nonce, prepay_id),
        }

    def _sign_lines(self, *lines: str) -> str:
        return sign(client_text(*lines), self.private_key)


def client_text(*lines: str) -> bytes:
    """Return what a client-side signature covers: four lines, each one ended."""
    return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """
    The four headers that say who sent an answer or a notice, and when.

    They are believed in steps: ``of`` finds them, ``check_window`` throws out
    probes and old messages before any key is looked for, ``check`` decides.
    """

    timestamp: str
    nonce: str
    signature: str = field(repr=False)
    serial: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Proof":
        """
        Take the proof out of headers with names in lower case.

        Raises:
            NotProven: one is missing, or it is of another algorithm.

        """
        found = {
            name: headers.get(f"wechatpay-{name}", "")
            for name in ("timestamp", "nonce", "signature", "serial")
        }
        if missing := sorted(name for name, value in found.items() if not value):
            raise NotProven(NoticeProblem.UNSIGNED, f"no Wechatpay-{missing[0].title()} header")
        # The algorithm is ours to choose: the message may only agree with it.
        if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise NotProven(NoticeProblem.SIGNATURE_WRONG, f"signed by other means than {SCHEME}")
        return cls(**found)

    def check_window(self, now: datetime) -> None:
        """
        Refuse probes, and what is not of these five minutes.

        Raises:
            NotProven: PROBE, STALE or MALFORMED.

        """
        if self.signature.startswith(PROBE_PREFIX):
            raise NotProven(NoticeProblem.PROBE, "a signature probe: wrong on purpose")
        digits = self.timestamp
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _TIMESTAMP_DIGITS):
            raise NotProven(NoticeProblem.MALFORMED, "Wechatpay-Timestamp is no number of seconds")
        if abs(now.timestamp() - int(digits)) >= REPLAY_WINDOW.total_seconds():
            raise NotProven(NoticeProblem.STALE, "signed five minutes or more from now")

    def check(self, body: bytes, key: RSAPublicKey | None) -> None:
        """
        Check the signature over the exact bytes received.

        Args:
            body: empty for an answer without one.
            key: of the proof's serial, or None if nobody knows that serial.

        Raises:
            NotProven: UNKNOWN_KEY or SIGNATURE_WRONG.

        """
        if key is None:
            raise NotProven(NoticeProblem.UNKNOWN_KEY, "signed with a key that we do not know")
        if not is_signed(message_text(self.timestamp, self.nonce, body), self.signature, key):
            raise NotProven(NoticeProblem.SIGNATURE_WRONG, "the signature does not fit the message")


def decrypt(sealed: Mapping[str, object], key: bytes) -> bytes:
    """
    Open an AES-256-GCM envelope: a notice's ``resource`` or a platform certificate.

    Raises:
        NotProven: MALFORMED: not such an envelope.
        NotOpened: it is sealed with another key.

    """
    match sealed:
        case {"algorithm": algorithm, "nonce": str(nonce), "ciphertext": str(ciphertext)}:
            aad = sealed.get("associated_data") or ""
        case _:
            raise NotProven(NoticeProblem.MALFORMED, "not an encrypted resource")
    if algorithm != CIPHER or not isinstance(aad, str):
        raise NotProven(NoticeProblem.MALFORMED, f"encrypted by other means than {CIPHER}")
    try:
        raw = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), raw, aad.encode())
    except InvalidTag as trouble:
        raise NotOpened(
            NoticeProblem.MALFORMED, "cannot be decrypted: is api_v3_key right?"
        ) from trouble
    except ValueError as trouble:
        raise NotProven(NoticeProblem.MALFORMED, "cannot be decrypted") from trouble


def encrypt(plain: bytes, key: bytes, nonce: str, associated_data: str) -> dict[str, str]:
    """Seal an envelope that ``decrypt`` opens."""
    raw = AESGCM(key).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": CIPHER,
        "ciphertext": base64.b64encode(raw).decode("ascii"),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))
