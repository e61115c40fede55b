"""The one way to the gateway: every request signed, every success proven, every no decoded."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from retender.domain.model.errors import (
    NoticeProblem,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
)
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.wechat_pay.beijing import from_text
from retender.plugins.wechat_pay.codes import BILL, CERTIFICATES, Doubt, Meaning
from retender.plugins.wechat_pay.credentials import Credentials
from retender.plugins.wechat_pay.platform_keys import PlatformCertificate, PlatformKeys
from retender.plugins.wechat_pay.signing import NotOpened, NotProven, Proof, decrypt
from retender.ports.transport import Request, Response

NONCE_LENGTH = 32
ACCEPTED = 202

_FIRST_SUCCESS, _FIRST_REDIRECT, _FIRST_ERROR = 200, 300, 400
_SHOWN = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    A decoded answer: proven if it is a success, a bare word if it is an error.

    Attributes:
        status: 200 to 299, or 400 to 499.
        body: the JSON object; empty if there was none.
        code: the error's code; empty if it has none that we can read.
        message: the error's words, for people.
        reason: the number at the end of the error's ``Request-ID``.

    """

    status: int
    body: Mapping[str, object] = field(default_factory=dict, repr=False)
    code: str = ""
    message: str = ""
    reason: str = ""

    @property
    def is_success(self) -> bool:
        """Tell whether it is one."""
        return self.status < _FIRST_REDIRECT


class GatewayClient:
    """
    Signs, sends, proves, decodes.

    Attributes:
        keys: by which answers and notices are proven.
        quarantined: how often each word that stands in no table was heard.

    """

    def __init__(self, credentials: Credentials, context: ProviderContext) -> None:
        """Send by the context's transport, at the context's time."""
        self.quarantined: Counter[str] = Counter()
        self._credentials = credentials
        self._context = context
        fixed: dict[str, RSAPublicKey] = {}
        if credentials.public_key_id is not None and credentials.public_key is not None:
            fixed[credentials.public_key_id] = credentials.public_key
        self.keys = PlatformKeys(fixed, self._certificates, context.clock)

    async def ask(
        self, operation: str, method: str, target: str, said: Mapping[str, object] | None = None
    ) -> Answer:
        """
        Ask once, and once more if the answer was a signature probe.

        Every call of this gateway does the same once or twice, so repeating the
        very bytes is harmless.

        Raises:
            ProviderUnavailable: surely not sent.
            ProviderUncertain: sent, and no answer that can be believed.

        """
        await self.keys.ready()
        body = b"" if said is None else to_bytes(said)
        for is_repeat in (False, True):
            response = await self._send(operation, method, target, body)
            try:
                return await self._decode(operation, response)
            except NotProven as trouble:
                if is_repeat or trouble.problem is not NoticeProblem.PROBE:
                    raise ProviderUncertain(
                        f"The answer to {operation} cannot be believed: {trouble}.",
                        problem=str(trouble.problem),
                    ) from trouble
        raise AssertionError("the second answer is returned or raised")

    async def fetch(self, operation: str, url: str) -> bytes:
        """
        Fetch a file from an address that a proven answer named; it is not signed.

        Raises:
            ProviderRefused: it is not there (any more).

        """
        if not url.startswith(self._credentials.gateway + "/"):
            raise ProviderUncertain(f"The link for {operation} leads away from the gateway.")
        target = url.removeprefix(self._credentials.gateway)
        response = await self._send(operation, "GET", target, b"")
        if response.status == _FIRST_SUCCESS:
            return response.body
        answer = _error(response)
        self.judge(operation, answer, BILL.get(answer.code))
        raise ProviderUncertain(f"No usable answer to {operation}.", status=response.status)

    def judge(self, operation: str, answer: Answer, meaning: Meaning | None) -> Doubt:
        """
        Return the doubt that an error leaves, if the caller can resolve it.

        Raises:
            ProviderRefused: it is a clear no.
            ProviderUncertain: it may have been done, or the code stands in no table.

        """
        if isinstance(meaning, Refusal):
            raise refused(meaning, answer)
        if meaning is None:
            raise self.quarantine(operation, answer.code or f"HTTP {answer.status}")
        if meaning is Doubt.UNSURE:
            raise ProviderUncertain(
                f"The provider answered {answer.code} to {operation}.", provider_code=answer.code
            )
        return meaning

    def quarantine(self, operation: str, word: str) -> ProviderUncertain:
        """Count a word that stands in no table; what it means is not guessed."""
        self.quarantined[word] += 1
        _log.warning("unknown code %r in answer to %s", word[:_SHOWN], operation)
        return ProviderUncertain(
            f"The provider answered {operation} with a code that we do not know.",
            provider_code=word[:_SHOWN],
        )

    async def _send(self, operation: str, method: str, target: str, body: bytes) -> Response:
        credentials, context = self._credentials, self._context
        authorization = credentials.signer.authorization(
            method, target, body, at=context.clock(), nonce=context.random_text(NONCE_LENGTH)
        )
        headers = {
            "Accept": "application/json",
            "Authorization": authorization,
            "User-Agent": "retender",
        }
        if body:
            headers["Content-Type"] = "application/json"
        if credentials.public_key_id is not None:
            headers["Wechatpay-Serial"] = credentials.public_key_id
        url = credentials.gateway + target
        return await context.transport(
            Request(operation=operation, method=method, url=url, headers=headers, body=body)
        )

    async def _decode(self, operation: str, response: Response) -> Answer:
        if _FIRST_SUCCESS <= response.status < _FIRST_REDIRECT:
            await self._prove(response)
            if response.status == ACCEPTED:
                raise ProviderUncertain(f"{operation} was accepted, and is not done yet.")
            body = {} if not response.body else _object(response.body)
            if body is None:
                raise ProviderUncertain(f"The answer to {operation} is no JSON object.")
            return Answer(status=response.status, body=body)
        if response.status < _FIRST_ERROR:
            raise ProviderUncertain(f"No usable answer to {operation}.", status=response.status)
        # Errors bear no signature. One that does must not be a forgery.
        if "wechatpay-signature" in response.headers:
            await self._prove(response)
        return _error(response)

    async def _prove(self, response: Response) -> None:
        proof = Proof.of(response.headers)
        proof.check_window(self._context.clock())
        try:
            key = await self.keys.key_for(proof.serial)
        except ProviderUnavailable as trouble:
            # Whatever was asked for has been sent by now.
            raise ProviderUncertain(trouble.message) from trouble
        proof.check(response.body, key)

    async def opens_certificates(self) -> bool | None:
        """
        Tell whether the APIv3 key opens the platform's certificates; None: there are none.

        Whether those are believed is another question: their seal alone proves the key.

        Raises:
            ProviderError: there is no answer that tells.

        """
        response = await self._ask_certificates()
        if response is None:
            return None
        try:
            fetched = _read_certificates(response.body, self._credentials.api_v3_key)
        except NotOpened:
            return False
        except NotProven as trouble:
            raise ProviderUncertain(
                f"The answer to certificates is no use: {trouble}."
            ) from trouble
        return True if fetched else None

    async def _certificates(self) -> Sequence[PlatformCertificate]:
        response = await self._ask_certificates()
        if response is not None:
            fetched = _read_certificates(response.body, self._credentials.api_v3_key)
            # The list proves itself: only who knows our APIv3 key can have sealed it.
            keys = {each.serial: each.key for each in fetched}
            proof = Proof.of(response.headers)
            proof.check_window(self._context.clock())
            fixed = self._credentials.public_key
            is_fixed = proof.serial == self._credentials.public_key_id
            proof.check(response.body, fixed if is_fixed else keys.get(proof.serial))
            return fetched
        return ()

    async def _ask_certificates(self) -> Response | None:
        """Return the answer that holds them, or None: the merchant has none."""
        response = await self._send("certificates", "GET", "/v3/certificates", b"")
        if response.status == _FIRST_SUCCESS:
            return response
        if response.status < _FIRST_ERROR:
            raise ProviderUncertain("No usable answer to certificates.", status=response.status)
        answer = _error(response)
        self.judge("certificates", answer, CERTIFICATES.get(answer.code))
        return None


def refused(refusal: Refusal, answer: Answer) -> ProviderRefused:
    """Return the error for a clear no, the provider's own words beside it."""
    return ProviderRefused(refusal, provider_code=answer.code, provider_message=answer.message)


def to_bytes(said: Mapping[str, object]) -> bytes:
    """Return the body of a request: serialised once, signed and sent as it is."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _object(body: bytes) -> Mapping[str, object] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _error(response: Response) -> Answer:
    body = _object(response.body) or {}
    code, message = body.get("code"), body.get("message")
    _, dash, reason = response.headers.get("request-id", "").rpartition("-")
    return Answer(
        status=response.status,
        code=code if isinstance(code, str) else "",
        message=message[:_SHOWN] if isinstance(message, str) else "",
        reason=reason if dash and reason.isdigit() else "",
    )


def _read_certificates(body: bytes, api_v3_key: bytes) -> list[PlatformCertificate]:
    match _object(body):
        case {"data": list(entries)}:
            return [_read_certificate(entry, api_v3_key) for entry in entries]
        case _:
            raise NotProven(NoticeProblem.MALFORMED, "no list of certificates")


def _read_certificate(entry: object, api_v3_key: bytes) -> PlatformCertificate:
    match entry:
        case {
            "serial_no": str(serial),
            "effective_time": str(effective),
            "expire_time": str(expire),
            "encrypt_certificate": dict(sealed),
        }:
            pem = decrypt(sealed, api_v3_key)
        case _:
            raise NotProven(NoticeProblem.MALFORMED, "an entry that is no certificate")
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        times = from_text(effective), from_text(expire)
    except ValueError as trouble:
        raise NotProven(NoticeProblem.MALFORMED, "a certificate that cannot be read") from trouble
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise NotProven(NoticeProblem.MALFORMED, "a certificate of no RSA key")
    return PlatformCertificate(serial=serial, key=key, effective_at=times[0], expires_at=times[1])
