"""A merchant's numbers and keys, read once from an account's settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from retender.domain.model.errors import SetupError
from retender.plugins.wechat_pay.signing import Signer

GATEWAY = "https://api.mch.weixin.qq.com"
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
MIN_KEY_BITS = 2048

_MCH_ID = re.compile(r"[0-9]{8,32}", re.ASCII)
_APP_ID = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_SERIAL = re.compile(r"[0-9A-Fa-f]{16,64}", re.ASCII)
_PUBLIC_KEY_ID = re.compile(PUBLIC_KEY_PREFIX + r"[0-9A-Za-z]{1,64}", re.ASCII)
_API_V3_KEY = re.compile(r"[!-~]{32}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """
    Who we are at WeChat Pay, and by what we know it.

    Attributes:
        signer: our number and our pen.
        app_id: the official account or website that the merchant is bound to.
        mobile_app_id: the same for the shop's app.
        api_v3_key: opens notices and platform certificates.
        public_key_id: the name of WeChat Pay's public key; None in certificate mode.
        public_key: that key.
        gateway: scheme and host, without a slash at the end.

    """

    signer: Signer
    app_id: str
    mobile_app_id: str
    api_v3_key: bytes = field(repr=False)
    public_key_id: str | None
    public_key: RSAPublicKey | None = field(repr=False)
    gateway: str

    def is_ours(self, mch_id: object, app_id: object) -> bool:
        """Tell whether a transaction of these two is this account's."""
        return mch_id == self.signer.mchid and app_id in {self.app_id, self.mobile_app_id}


def read_credentials(settings: Mapping[str, str]) -> Credentials:
    """
    Check every setting and parse every key.

    Raises:
        SetupError: the message names the setting and the fix, never its value.

    """
    app_id = _matching(settings, "app_id", _APP_ID, "the appid bound to the merchant")
    if settings.get("mobile_app_id"):
        mobile_app_id = _matching(settings, "mobile_app_id", _APP_ID, "the appid of the shop's app")
    else:
        mobile_app_id = app_id
    serial_no = _matching(
        settings, "merchant_serial_no", _SERIAL, "the hex serial number of the API certificate"
    )
    public_key_id, public_key = _platform_key(settings)
    return Credentials(
        signer=Signer(
            mchid=_matching(settings, "mch_id", _MCH_ID, "the digits of the merchant's number"),
            serial_no=serial_no,
            private_key=_private_key(settings),
        ),
        app_id=app_id,
        mobile_app_id=mobile_app_id,
        api_v3_key=_matching(
            settings, "api_v3_key", _API_V3_KEY, "the 32 characters set as APIv3 key"
        ).encode("ascii"),
        public_key_id=public_key_id,
        public_key=public_key,
        gateway=_gateway(settings.get("gateway") or GATEWAY),
    )


def _matching(
    settings: Mapping[str, str], name: str, pattern: re.Pattern[str], meaning: str
) -> str:
    value = settings.get(name, "").strip()
    if not pattern.fullmatch(value):
        raise SetupError(f"wechat_pay: {name} must be {meaning}.", setting=name)
    return value


def _private_key(settings: Mapping[str, str]) -> RSAPrivateKey:
    name = "private_key"
    try:
        key = load_pem_private_key(settings.get(name, "").strip().encode(), password=None)
    except (ValueError, TypeError):
        # Not chained: the parser's words might quote the key.
        raise SetupError(
            f"wechat_pay: {name} is no unencrypted PEM private key (apiclient_key.pem).",
            setting=name,
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_KEY_BITS:
        raise SetupError(f"wechat_pay: {name} is no RSA key of {MIN_KEY_BITS} bits.", setting=name)
    return key


def _platform_key(settings: Mapping[str, str]) -> tuple[str | None, RSAPublicKey | None]:
    """Read both or neither: without them, platform certificates are downloaded."""
    key_id, pem = settings.get("public_key_id", ""), settings.get("public_key", "")
    if not key_id and not pem:
        return None, None
    if not key_id or not pem:
        missing = "public_key" if key_id else "public_key_id"
        raise SetupError(
            f"wechat_pay: {missing} is missing; public_key and public_key_id go together, "
            "or neither is given and platform certificates are downloaded.",
            setting=missing,
        )
    _matching(settings, "public_key_id", _PUBLIC_KEY_ID, f"an id that begins {PUBLIC_KEY_PREFIX}")
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, TypeError) as trouble:
        raise SetupError(
            "wechat_pay: public_key is no PEM public key (pub_key.pem).", setting="public_key"
        ) from trouble
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise SetupError(
            f"wechat_pay: public_key is no RSA key of {MIN_KEY_BITS} bits.", setting="public_key"
        )
    return key_id.strip(), key


def _gateway(url: str) -> str:
    parts = urlsplit(url)
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not bare:
        raise SetupError(
            f"wechat_pay: gateway must be scheme and host alone, such as {GATEWAY}.",
            setting="gateway",
        )
    return url.rstrip("/")
