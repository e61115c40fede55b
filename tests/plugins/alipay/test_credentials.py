"""Keys and certificates are read in every form they come in, and never shown."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from retender.domain.model.errors import SetupError
from retender.plugins.alipay.credentials import (
    Credentials,
    certificate_sn,
    public_key_of,
    read_certificates,
    read_private_key,
    read_public_key,
    read_roots,
    root_certificate_sn,
)

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORMATS = [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def certificate(
    common_name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, serial: int = 7
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Pay"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOON)
        .not_valid_after(NOON + timedelta(days=365))
        .sign(key, SHA256())
    )


@pytest.mark.parametrize("shape", FORMATS)
def test_a_private_key_comes_as_pem_or_on_one_line(shape: PrivateFormat) -> None:
    pem = KEY.private_bytes(Encoding.PEM, shape, NoEncryption()).decode()
    line = base64.b64encode(KEY.private_bytes(Encoding.DER, shape, NoEncryption())).decode()
    for text in (pem, "\n " + pem, line, line[:64] + "\n" + line[64:] + "\n"):
        assert read_private_key(text, "private_key").private_numbers() == KEY.private_numbers()


def test_a_public_key_comes_as_pem_or_on_one_line() -> None:
    shape = PublicFormat.SubjectPublicKeyInfo
    public = KEY.public_key()
    pem = public.public_bytes(Encoding.PEM, shape).decode()
    line = base64.b64encode(public.public_bytes(Encoding.DER, shape)).decode()
    for text in (pem, line):
        assert read_public_key(text, "alipay_public_key") == public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret words that are no key",
        "c2VjcmV0",
        "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----",
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    for read in (read_private_key, read_public_key):
        with pytest.raises(SetupError, match="the_setting") as refusal:
            read(text, "the_setting")
        assert "secret" not in str(refusal.value)


def test_a_key_of_another_kind_or_too_short_is_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 -- to be refused
    for key, words in ((curve, "no RSA key"), (short, "1024 bits")):
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(SetupError, match=words):
            read_private_key(private.decode(), "k")
        with pytest.raises(SetupError, match=words):
            read_public_key(public.decode(), "k")


def test_a_certificate_is_named_by_issuer_and_serial() -> None:
    named = certificate("Root", KEY, serial=255)
    text = b"CN=Root,OU=Authority,O=Test Pay,C=CN255"
    assert certificate_sn(named) == hashlib.md5(text, usedforsecurity=False).hexdigest()


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def sm2() -> str:
    """
    Make a certificate as China's own roots are: on curve SM2, signed with SM3 and SM2.

    One on P-256 whose names of curve and algorithm are written over with those, byte by byte;
    the lengths around them follow. No library here signs so, and none has to verify it.
    """
    curve = ec.generate_private_key(ec.SECP256R1())
    der = certificate("Chinese Root", curve).public_bytes(Encoding.DER)
    p256, ecdsa = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d040302")
    assert der.count(p256) == 1
    assert der.count(ecdsa) == 2
    der = der.replace(p256, bytes.fromhex("06082a811ccf5501822d"))
    der = der.replace(ecdsa, bytes.fromhex("06082a811ccf55018375"))
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def test_alipays_own_file_of_roots_configures() -> None:
    """Four in one file, one of them signed by an algorithm that our library refuses."""
    roots = [certificate(name, KEY) for name in ("R1", "Class 2 R1", "R2")]
    first, second, third = map(pem_of, roots)
    with pytest.raises((ValueError, UnsupportedAlgorithm)):
        x509.load_pem_x509_certificate(sm2().encode()).public_key()
    file = f"{first}\n{sm2()}\n{second}{third}"
    expected = "_".join(map(certificate_sn, roots))
    assert root_certificate_sn(read_roots(file, "alipay_root_cert")) == expected


@pytest.mark.parametrize("read", [read_roots, read_certificates])
def test_the_block_that_cannot_be_read_is_named(read: Callable[[str, str], object]) -> None:
    """Whichever it is, and whatever is wrong with it."""
    good = pem_of(certificate("One", KEY))
    begin, *lines, end = good.strip().splitlines()
    for spoilt in (lines[:2], [f"!{lines[0]}", *lines[1:]]):
        broken = "\n".join([begin, *spoilt, end])
        with pytest.raises(SetupError, match=r"alipay_root_cert .*block 2 of 3"):
            read(f"{good}{broken}\n{good}", "alipay_root_cert")


def test_a_file_without_a_root_of_rsa_is_refused() -> None:
    with pytest.raises(SetupError, match="signed with RSA"):
        read_roots(sm2(), "alipay_root_cert")


def test_roots_are_named_together_leaving_out_those_not_of_rsa() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    roots = [certificate("One", KEY), certificate("Curve", curve), certificate("Two", KEY)]
    pem = "\n\n".join(pem_of(each) for each in roots)
    expected = f"{certificate_sn(roots[0])}_{certificate_sn(roots[2])}"
    assert root_certificate_sn(read_roots(pem, "alipay_root_cert")) == expected
    with pytest.raises(SetupError, match="no RSA key"):
        public_key_of(roots[1], "alipay_public_cert")


def test_no_certificate_where_one_belongs_is_refused() -> None:
    for text in ("", "words"):
        with pytest.raises(SetupError, match="app_cert"):
            read_certificates(text, "app_cert")


def test_a_message_is_checked_with_the_certificate_it_names() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    plain = Credentials(app_id="1", private_key=KEY, alipay_key=KEY.public_key())
    assert plain.keys_for(None) == plain.keys_for("unasked") == (KEY.public_key(),)
    certified = Credentials(
        app_id="1", private_key=KEY, alipay_key=KEY.public_key(), certified_keys={"new": other}
    )
    assert certified.keys_for("new") == (other,)
    assert certified.keys_for("strange") == ()
    assert "Key" not in repr(certified)
