"""Who the simulated merchant and platform are: numbers and keys, made anew for each simulator."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

CERTIFICATE_LIFE = timedelta(days=5 * 365)

_PUBLIC_EXPONENT = 65537
_KEY_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCertificate:
    """
    A certificate under whose serial number the platform signs.

    Attributes:
        serial: 40 hex digits, in capitals.
        pem: as ``GET /v3/certificates`` hands it out, encrypted.

    """

    serial: str
    key: RSAPrivateKey = field(repr=False)
    pem: str = field(repr=False)
    effective_at: datetime
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class Identity:
    """
    One merchant at one platform.

    Attributes:
        mchid: the merchant's number.
        appid: the official account, for pages in a browser.
        mobile_appid: the mobile app, for pages in the shop's app.
        api_v3_key: 32 characters that seal notices and certificates.
        merchant_serial: of the merchant's API certificate.
        merchant_key: signs the merchant's requests.
        public_key_id: the name of the platform's public key.
        public_key: its private half.
        certificates: the platform's certificates, the newest last.

    """

    mchid: str = "1900000001"
    appid: str = "wx0000000000000001"
    mobile_appid: str = "wx0000000000000002"
    api_v3_key: str = field(repr=False)
    merchant_serial: str
    merchant_key: RSAPrivateKey = field(repr=False)
    public_key_id: str = "PUB_KEY_ID_0119000000012026011500000001"
    public_key: RSAPrivateKey = field(repr=False)
    certificates: list[PlatformCertificate]

    @property
    def merchant_key_pem(self) -> str:
        """Return the merchant's private key as an operator would have it."""
        return self.merchant_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode("ascii")

    @property
    def public_key_pem(self) -> str:
        """Return the platform's public key as an operator would have it."""
        return (
            self.public_key.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode("ascii")
        )


def new_identity(now: datetime, *, new_key: Callable[[], RSAPrivateKey] | None = None) -> Identity:
    """
    Make all keys. This takes about half a second, so tests share one identity.

    Args:
        now: from when the platform's certificate is valid.
        new_key: makes an RSA key; a fresh one of 2048 bits unless said.

    """
    make = new_key or _generate
    return Identity(
        api_v3_key=secrets.token_hex(16),
        merchant_serial=secrets.token_hex(20).upper(),
        merchant_key=make(),
        public_key=make(),
        certificates=[certify(make(), now)],
    )


def certify(key: RSAPrivateKey, now: datetime) -> PlatformCertificate:
    """Make a self-signed platform certificate that is valid from a day before ``now``."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated WeChat Pay")])
    # The top bit set and the sign bit clear: always 40 hex digits.
    number = secrets.randbits(158) | 1 << 158
    effective_at = (now - timedelta(days=1)).replace(microsecond=0)
    expires_at = effective_at + CERTIFICATE_LIFE
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(effective_at)
        .not_valid_after(expires_at)
        .sign(key, SHA256())
    )
    return PlatformCertificate(
        serial=f"{number:040X}",
        key=key,
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
        effective_at=effective_at,
        expires_at=expires_at,
    )


def _generate() -> RSAPrivateKey:
    return generate_private_key(_PUBLIC_EXPONENT, _KEY_BITS)
