"""Keys and certificates of both sides, made when a simulator starts and thrown away with it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from retender.plugins.alipay.credentials import certificate_sn, root_certificate_sn


@dataclass(frozen=True, slots=True)
class Certified:
    """A key with a certificate that vouches for it."""

    key: RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def sn(self) -> str:
        """The certificate's serial number as Alipay writes it."""
        return certificate_sn(self.certificate)


@dataclass(slots=True)
class KeyRing:
    """
    Everything that is signed with or checked against.

    Attributes:
        root: the authority that vouches for the others.
        app: the merchant's.
        alipay: the gateway's, now; ``roll`` changes it.
        stranger: a forger's key, vouched for by nobody.

    """

    root: Certified
    app: Certified
    alipay: Certified
    stranger: RSAPrivateKey = field(repr=False)
    made_at: datetime
    earlier: list[Certified] = field(default_factory=list)

    @classmethod
    def make(cls, now: datetime) -> "KeyRing":
        """Make everything new; takes about half a second."""
        root_key = _new_key()
        root = Certified(root_key, _certify("Simulated Root", root_key, None, now))
        app = _new_key()
        return cls(
            root=root,
            app=Certified(app, _certify("Simulated App", app, root, now)),
            alipay=_alipay(root, now),
            stranger=_new_key(),
            made_at=now,
        )

    @property
    def root_sn(self) -> str:
        """The root's serial number as requests must name it."""
        return root_certificate_sn([self.root.certificate])

    @property
    def alipay_certificates(self) -> str:
        """Every certificate of the gateway so far, the present one first."""
        return "\n".join(each.pem for each in [self.alipay, *self.earlier])

    def roll(self) -> None:
        """Let the gateway sign with a new key and certificate from now on."""
        self.earlier.insert(0, self.alipay)
        self.alipay = _alipay(self.root, self.made_at)


def private_pem(key: RSAPrivateKey) -> str:
    """Write a private key as PKCS #1 PEM, which every SDK reads."""
    shape = PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, shape, NoEncryption()).decode()


def public_pem(key: RSAPublicKey) -> str:
    """Write a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _new_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _alipay(root: Certified, now: datetime) -> Certified:
    key = _new_key()
    return Certified(key, _certify("Simulated Alipay", key, root, now))


def _certify(
    common_name: str, key: RSAPrivateKey, issuer: Certified | None, now: datetime
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Retender Simulator"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Test Only"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer.key if issuer else key, SHA256())
    )
