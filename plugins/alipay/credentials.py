"""Alipay's keys and certificates: read once from settings, in every form they come in."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import NameOID, ObjectIdentifier

from retender.domain.model.errors import SetupError

MIN_KEY_BITS = 2048

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

_RSA_SIGNATURES = bytes.fromhex("2a864886f70d0101")
"""How the names of all signature algorithms with RSA begin in DER: 1.2.840.113549.1.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """
    Who we are at Alipay, and by which keys we know Alipay.

    In key mode there is one public key of Alipay's; in certificate mode each
    message names the certificate whose key signed it, and requests name ours.

    Attributes:
        app_id: our app.
        private_key: signs our requests.
        alipay_key: checks Alipay's messages, in key mode.
        certified_keys: checks them in certificate mode, by certificate serial number.
        app_cert_sn: our certificate's serial number, in certificate mode.
        alipay_root_cert_sn: the trusted roots' serial numbers, in certificate mode.

    """

    app_id: str
    private_key: RSAPrivateKey = field(repr=False)
    alipay_key: RSAPublicKey = field(repr=False)
    certified_keys: Mapping[str, RSAPublicKey] = field(default_factory=dict, repr=False)
    app_cert_sn: str | None = None
    alipay_root_cert_sn: str | None = None

    def keys_for(self, cert_sn: str | None) -> tuple[RSAPublicKey, ...]:
        """
        Return the keys of which one must have signed; none: a certificate we do not trust.

        A message that names no certificate may be signed with any that is configured.
        """
        if not self.certified_keys:
            return (self.alipay_key,)
        if cert_sn is None:
            return tuple(self.certified_keys.values())
        return (self.certified_keys[cert_sn],) if cert_sn in self.certified_keys else ()


def read_private_key(text: str, setting: str) -> RSAPrivateKey:
    """
    Read our private key: PEM, or base64 on one line; PKCS #1 or PKCS #8.

    Raises:
        SetupError: it is none of these; the message names ``setting``, never the key.

    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_private_key(text.strip().encode(), password=None)
        else:
            key = load_der_private_key(_from_base64(text), password=None)
    except (ValueError, TypeError):
        # Not chained: the parser's words might quote the key.
        raise SetupError(
            f"alipay: {setting} is no RSA private key (PEM, or base64 on one line).",
            setting=setting,
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise SetupError(f"alipay: {setting} is no RSA key.", setting=setting)
    _check_size(key.key_size, setting)
    return key


def read_public_key(text: str, setting: str) -> RSAPublicKey:
    """
    Read Alipay's public key: PEM, or base64 on one line.

    Raises:
        SetupError: it is neither; the message names ``setting``.

    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_public_key(text.strip().encode())
        else:
            key = load_der_public_key(_from_base64(text))
    except (ValueError, TypeError) as trouble:
        raise SetupError(
            f"alipay: {setting} is no RSA public key (PEM, or base64 on one line).",
            setting=setting,
        ) from trouble
    if not isinstance(key, RSAPublicKey):
        raise SetupError(f"alipay: {setting} is no RSA key.", setting=setting)
    _check_size(key.key_size, setting)
    return key


def read_certificates(pem: str, setting: str) -> list[x509.Certificate]:
    """
    Read one or more PEM certificates.

    Raises:
        SetupError: there is none, or one cannot be read; the message says which.

    """
    return [_certificate(block, setting) for block in _blocks(pem, setting)]


def read_roots(pem: str, setting: str) -> list[x509.Certificate]:
    """
    Read those of Alipay's root certificates that are signed with RSA, in the file's order.

    Its own file holds others, signed by algorithms that not every library reads (SM2). They
    count for nothing here, so whether they can be read does not matter.

    Raises:
        SetupError: there is none, or one cannot be read; the message says which.

    """
    blocks = [block for block in _blocks(pem, setting) if _is_signed_with_rsa(block, setting)]
    if not blocks:
        raise SetupError(
            f"alipay: {setting} holds no certificate that is signed with RSA.", setting=setting
        )
    return [_certificate(block, setting) for block in blocks]


@dataclass(frozen=True, slots=True)
class _Block:
    """One certificate of a file, as text, and where it stands."""

    text: str
    place: str


def _blocks(pem: str, setting: str) -> list[_Block]:
    texts = _PEM.findall(pem)
    if not texts:
        raise SetupError(f"alipay: {setting} holds no PEM certificate.", setting=setting)
    return [_Block(text, f"block {number} of {len(texts)}") for number, text in enumerate(texts, 1)]


def _certificate(block: _Block, setting: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(block.text.encode())
    except ValueError as trouble:
        raise _unreadable(block, setting) from trouble


def _unreadable(block: _Block, setting: str) -> SetupError:
    message = f"alipay: {setting} holds a certificate that cannot be read: {block.place}."
    return SetupError(message, setting=setting)


def _is_signed_with_rsa(block: _Block, setting: str) -> bool:
    """Read the algorithm's name alone, past whatever a library makes of the rest."""
    try:
        der = _from_base64("".join(block.text.splitlines()[1:-1]))
        certificate, _ = _value(der)
        _to_be_signed, after = _value(certificate)
        algorithm, _ = _value(after)
        name, _ = _value(algorithm)
    except (ValueError, IndexError) as trouble:
        raise _unreadable(block, setting) from trouble
    return name.startswith(_RSA_SIGNATURES)


def _value(der: bytes) -> tuple[bytes, bytes]:
    """Return the contents of the first DER value, and what comes after it."""
    length, at = der[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(der[2:at])
    if len(der) < at + length:
        raise ValueError("cut off")
    return der[at : at + length], der[at + length :]


def public_key_of(certificate: x509.Certificate, setting: str) -> RSAPublicKey:
    """Return the key that a certificate vouches for."""
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise SetupError(f"alipay: {setting} holds a certificate of no RSA key.", setting=setting)
    return key


def certificate_sn(certificate: x509.Certificate) -> str:
    """Return Alipay's serial number of a certificate: MD5 of issuer and decimal serial."""
    issuer = certificate.issuer
    parts = [
        ("CN", NameOID.COMMON_NAME),
        ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
        ("O", NameOID.ORGANIZATION_NAME),
        ("C", NameOID.COUNTRY_NAME),
    ]
    name = ",".join(f"{label}={_part(issuer, oid)}" for label, oid in parts)
    text = f"{name}{certificate.serial_number}"
    # A name for a certificate, prescribed by Alipay; nothing rests on its strength.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def root_certificate_sn(roots: Sequence[x509.Certificate]) -> str:
    """Return Alipay's serial number of its roots that are signed with RSA: joined by ``_``."""
    return "_".join(certificate_sn(root) for root in roots)


def _part(name: x509.Name, oid: ObjectIdentifier) -> str:
    values = name.get_attributes_for_oid(oid)
    # The reference implementations print a missing part as their language's null.
    return str(values[0].value) if values else "None"


def _from_base64(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


def _check_size(bits: int, setting: str) -> None:
    if bits < MIN_KEY_BITS:
        raise SetupError(
            f"alipay: {setting} has {bits} bits; RSA2 needs at least {MIN_KEY_BITS}.",
            setting=setting,
        )
