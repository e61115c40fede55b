"""The gateway's side of the wire: who is asking, and signing what is said."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.requests import Request
from starlette.responses import Response

from retender.plugins.wechat_pay.beijing import to_text
from retender.plugins.wechat_pay.signing import (
    PROBE_PREFIX,
    REPLAY_WINDOW,
    SCHEME,
    encrypt,
    is_signed,
    message_text,
    request_text,
    sign,
)
from retender.simulators.kit.delivery import Dressing, Forgery, RenderedNotice
from retender.simulators.wechat_pay.identity import Identity
from retender.simulators.wechat_pay.refusals import Refused
from retender.simulators.wechat_pay.switches import (
    CERTIFICATE,
    MIGRATION,
    WechatPaySwitches,
)

_CREDENTIAL = re.compile(r'(?P<name>[a-z_]+)="(?P<value>[^"]*)"')
_NEEDED = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was proven to come from the merchant."""

    target: str
    body: bytes
    wants_public_key: bool


async def read_request(
    request: Request, identity: Identity, now: datetime, *, agent_first: bool
) -> Asked:
    """
    Check headers, time and signature, in this order.

    Args:
        request: as it came.
        identity: knows the merchant's key.
        now: the gateway's time.
        agent_first: whether a missing User-Agent is told before all else.

    """
    body = await request.body()
    headers = request.headers
    if not headers.get("user-agent"):
        raise Refused("INVALID_REQUEST" if agent_first else "SIGN_ERROR", "no User-Agent")
    if not {"application/json", "*/*"} & set(re.split(r"[,;\s]+", headers.get("accept", ""))):
        raise Refused("INVALID_REQUEST", "Accept must be application/json")
    if body and not headers.get("content-type", "").startswith("application/json"):
        raise Refused("INVALID_REQUEST", "Content-Type must be application/json")
    target = _target(request)
    _check_authorization(
        headers.get("authorization", ""), request.method, target, body, identity=identity, now=now
    )
    wanted = headers.get("wechatpay-serial") == identity.public_key_id
    return Asked(target, body, wants_public_key=wanted)


def _target(request: Request) -> str:
    raw: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (raw + b"?" + query if query else raw).decode("ascii")


def _check_authorization(
    header: str, method: str, target: str, body: bytes, *, identity: Identity, now: datetime
) -> None:
    scheme, _, rest = header.partition(" ")
    said = {match["name"]: match["value"] for match in _CREDENTIAL.finditer(rest)}
    if scheme != SCHEME or set(said) != _NEEDED:
        raise Refused("SIGN_ERROR", "no usable Authorization header")
    if not said["timestamp"].isdigit():
        raise Refused("SIGN_ERROR", "the timestamp is no number")
    if abs(now.timestamp() - int(said["timestamp"])) > REPLAY_WINDOW.total_seconds():
        raise Refused("SIGN_ERROR", "the timestamp is more than five minutes off")
    if said["mchid"] != identity.mchid or said["serial_no"] != identity.merchant_serial:
        raise Refused("SIGN_ERROR", "no such merchant or certificate")
    text = request_text(method, target, said["timestamp"], said["nonce_str"], body)
    if not is_signed(text, said["signature"], identity.merchant_key.public_key()):
        raise Refused("SIGN_ERROR", "the signature does not fit the request")


@dataclass(slots=True)
class PlatformPen:
    """
    Signs answers and notices with the key that the trust switch asks for.

    Attributes:
        flips: counts notices, so that in a migration the keys take turns.

    """

    identity: Identity
    switches: WechatPaySwitches
    flips: int = 0
    request_ids: Callable[[], str] = field(default=lambda: secrets.token_hex(16).upper())

    def answer(self, asked: Asked, status: int, body: bytes, now: datetime) -> Response:
        """Return a signed answer, or one signed as badly as the switches say."""
        switches = self.switches
        headers = {"Request-ID": self.request_ids()}
        at = now - timedelta(minutes=6) if switches.answer_signature == "stale" else now
        if switches.answer_signature != "none":
            serial, key = self._key(by_public_key=asked.wants_public_key)
            if switches.answer_signature == "stranger_key":
                key = self.identity.merchant_key
            headers |= self._headers(serial, key, body, at)
        if switches.answer_signature == "flipped_byte":
            headers["Wechatpay-Signature"] = _flipped(headers["Wechatpay-Signature"])
        elif switches.answer_probes > 0:
            switches.answer_probes -= 1
            headers["Wechatpay-Signature"] = PROBE_PREFIX + headers["Wechatpay-Signature"]
        return _json_response(status, body, headers)

    def refuse(self, refused: Refused) -> Response:
        """Return an error: never signed."""
        request_id = self.request_ids()
        if self.switches.numeric_reasons and refused.reason:
            request_id = f"{request_id}-{refused.reason}"
        body = json.dumps(refused.body(), ensure_ascii=False).encode()
        return _json_response(refused.status, body, {"Request-ID": request_id})

    def notice(
        self,
        event: Mapping[str, object],
        plain: Mapping[str, object],
        dressing: Dressing,
        *,
        probe: bool,
    ) -> RenderedNotice:
        """
        Seal and sign one delivery.

        Args:
            event: ``id``, ``event_type`` and the like; equal in every retry.
            plain: what is sealed.
            dressing: time, forgery, and fields to alter before sealing.
            probe: sign it as a probe.

        """
        kind = str(event["kind"])
        sealed = json.dumps(_altered(plain, dressing.alterations), ensure_ascii=False)
        envelope = {name: value for name, value in event.items() if name != "kind"}
        envelope["create_time"] = to_text(dressing.now)
        envelope["resource"] = {
            "original_type": kind,
            **encrypt(
                sealed.encode(), self.identity.api_v3_key.encode(), secrets.token_hex(6), kind
            ),
        }
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        self.flips += 1
        serial, key = self._key(by_public_key=self.flips % 2 == 0)
        if dressing.forgery == Forgery.STRANGER_KEY:
            key = self.identity.merchant_key
        headers = self._headers(serial, key, body, dressing.now)
        if probe:
            headers["Wechatpay-Signature"] = PROBE_PREFIX + headers["Wechatpay-Signature"]
        if dressing.forgery == Forgery.FLIPPED_BYTE:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        return RenderedNotice({**headers, "Content-Type": "application/json"}, body)

    def _key(self, *, by_public_key: bool) -> tuple[str, RSAPrivateKey]:
        identity, trust = self.identity, self.switches.trust
        if trust == CERTIFICATE or (trust == MIGRATION and not by_public_key):
            newest = identity.certificates[-1]
            return newest.serial, newest.key
        return identity.public_key_id, identity.public_key

    def _headers(
        self, serial: str, key: RSAPrivateKey, body: bytes, now: datetime
    ) -> dict[str, str]:
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": sign(message_text(timestamp, nonce, body), key),
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": SCHEME,
        }


def _json_response(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    media_type = "application/json; charset=utf-8" if body else None
    return Response(body, status_code=status, headers=dict(headers), media_type=media_type)


def _flipped(signature: str) -> str:
    raw = bytearray(base64.b64decode(signature))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode("ascii")


def _altered(plain: Mapping[str, object], alterations: Mapping[str, str]) -> dict[str, object]:
    """Overwrite fields, ``amount.total`` style; a number stays a number."""
    altered: dict[str, object] = json.loads(json.dumps(plain))
    for path, value in alterations.items():
        *outer, name = path.split(".")
        place = altered
        for step in outer:
            match place.get(step):
                case dict() as inner:
                    place = inner
                case _:
                    raise ValueError(f"a notice has no field {path!r}")
        place[name] = int(value) if isinstance(place.get(name), int) else value
    return altered
