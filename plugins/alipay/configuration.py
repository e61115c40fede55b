"""An account's settings, read once into what the provider works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

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

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
CERTIFICATES: Final = ("app_cert", "alipay_cert", "alipay_root_cert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """
    One account at Alipay.

    Attributes:
        credentials: who we are and by which keys we know Alipay.
        seller_id: whose money it is; notices of another seller are not ours.
        gateway: where requests and pages go.
        instalments: the Huabei counts that this account has contracted.
        seller_percent: how much of the instalment fee the shop bears.
        qr_product_code: the product under which QR codes were contracted.

    """

    credentials: Credentials
    seller_id: str
    gateway: str
    instalments: tuple[int, ...]
    seller_percent: str
    qr_product_code: str


def configure(settings: Mapping[str, str]) -> Configuration:
    """
    Read an account's settings.

    Raises:
        SetupError: one cannot be right; the message names it and never shows a key.

    """
    return Configuration(
        credentials=_credentials(settings),
        seller_id=settings["seller_id"],
        gateway=_gateway(settings["gateway"]),
        instalments=_instalments(settings.get("instalments", "")),
        seller_percent=_seller_percent(settings["hb_fq_seller_percent"]),
        qr_product_code=settings["qr_product_code"],
    )


def _credentials(settings: Mapping[str, str]) -> Credentials:
    private_key = read_private_key(settings["private_key"], "private_key")
    given = [name for name in CERTIFICATES if settings.get(name)]
    plain = settings.get("alipay_public_key")
    if plain and not given:
        return Credentials(
            app_id=settings["app_id"],
            private_key=private_key,
            alipay_key=read_public_key(plain, "alipay_public_key"),
        )
    if plain or len(given) != len(CERTIFICATES):
        raise SetupError(
            "alipay: give either alipay_public_key (key mode), or all of "
            f"{', '.join(CERTIFICATES)} (certificate mode).",
            setting="alipay_public_key",
        )
    app_cert, alipay_cert, root_cert = CERTIFICATES
    [app, *_] = read_certificates(settings[app_cert], app_cert)
    alipay = read_certificates(settings[alipay_cert], alipay_cert)
    roots = read_roots(settings[root_cert], root_cert)
    if public_key_of(app, "app_cert").public_numbers() != private_key.public_key().public_numbers():
        raise SetupError("alipay: app_cert is not of private_key.", setting="app_cert")
    keys = {certificate_sn(each): public_key_of(each, "alipay_cert") for each in alipay}
    return Credentials(
        app_id=settings["app_id"],
        private_key=private_key,
        alipay_key=public_key_of(alipay[0], "alipay_cert"),
        certified_keys=keys,
        app_cert_sn=certificate_sn(app),
        alipay_root_cert_sn=root_certificate_sn(roots),
    )


def _gateway(url: str) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or parts.query or parts.fragment:
        raise SetupError(
            f"alipay: gateway {url!r} must be an https address without a query "
            "(http on loopback only).",
            setting="gateway",
        )
    return url


def _instalments(text: str) -> tuple[int, ...]:
    counts = [each.strip() for each in text.split(",") if each.strip()]
    if not all(each.isdecimal() and int(each) > 1 for each in counts):
        raise SetupError(
            f"alipay: instalments {text!r} must read like 3,6,12.", setting="instalments"
        )
    return tuple(dict.fromkeys(int(each) for each in counts))


def _seller_percent(text: str) -> str:
    if text not in {"0", "100"}:
        raise SetupError(
            "alipay: hb_fq_seller_percent is 0 (the payer bears the fee) or 100 (the shop).",
            setting="hb_fq_seller_percent",
        )
    return text
