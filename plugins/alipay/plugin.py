"""The Alipay plugin: what an account must be told, and how its provider is made."""

from collections.abc import Sequence

from retender.plugins.alipay.terms import TERMS
from retender.plugins.hookspecs import (
    ProviderContext,
    ProviderPlugin,
    Setting,
    hookimpl,
)
from retender.ports.payment_provider import PaymentProvider

RETENDER_PLUGIN_API = 1

SETTINGS = (
    Setting(name="app_id", help="The app's id (APPID) in Alipay's open platform, 16 digits."),
    Setting(
        name="seller_id",
        help="The merchant's id (PID), 16 digits that begin with 2088; "
        "notices of another seller are not taken for ours.",
    ),
    Setting(
        name="private_key",
        help="The app's RSA private key of 2048 bits or more: PEM, or base64 on one line.",
        secret=True,
        proven_by_answer=True,
    ),
    Setting(
        name="alipay_public_key",
        help="Alipay's public key (not the app's): key mode.",
        required=False,
    ),
    Setting(
        name="app_cert",
        help="The app's certificate, appCertPublicKey.crt: certificate mode.",
        required=False,
    ),
    Setting(
        name="alipay_cert",
        help="Alipay's certificates, alipayCertPublicKey_RSA2.crt; several while they change.",
        required=False,
    ),
    Setting(
        name="alipay_root_cert",
        help="Alipay's root certificates, alipayRootCert.crt.",
        required=False,
    ),
    Setting(
        name="gateway",
        help="Where requests go; the sandbox has another address.",
        required=False,
        default="https://openapi.alipay.com/gateway.do",
    ),
    Setting(
        name="instalments",
        help="The Huabei counts that the account has contracted, such as 3,6,12.",
        required=False,
    ),
    Setting(
        name="hb_fq_seller_percent",
        help="Who bears the instalment fee: 0 the payer, 100 the shop.",
        required=False,
        default="0",
    ),
    Setting(
        name="qr_product_code",
        help="The product of QR payments: QR_CODE_OFFLINE, or FACE_TO_FACE_PAYMENT.",
        required=False,
        default="QR_CODE_OFFLINE",
    ),
)


def build(context: ProviderContext) -> PaymentProvider:
    """Make the provider of one account; reads its keys, sends nothing."""
    from retender.plugins.alipay.configuration import configure  # noqa: PLC0415  # slow to import
    from retender.plugins.alipay.provider import Alipay  # noqa: PLC0415  # slow to import

    return Alipay(configure(context.settings), context.transport, context.clock)


PLUGIN = ProviderPlugin(
    name="alipay",
    title="Alipay",
    terms=TERMS,
    settings=SETTINGS,
    build=build,
)


@hookimpl
def register_providers() -> Sequence[ProviderPlugin]:
    """Bring Alipay."""
    return [PLUGIN]
