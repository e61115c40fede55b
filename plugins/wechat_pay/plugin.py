"""The hook by which WeChat Pay comes in, and what an account of it must be told."""

from collections.abc import Sequence

from retender.plugins.hookspecs import ProviderContext, ProviderPlugin, Setting, hookimpl
from retender.plugins.wechat_pay.terms import TERMS
from retender.ports.payment_provider import PaymentProvider

RETENDER_PLUGIN_API = 1

SETTINGS = (
    Setting(name="mch_id", help="The merchant's number, digits only (merchant platform)."),
    Setting(name="app_id", help="The appid bound to it, for pages in a browser or in WeChat."),
    Setting(
        name="mobile_app_id",
        help="The appid of the shop's mobile app, for app pages; without it, app_id is used.",
        required=False,
    ),
    Setting(
        name="merchant_serial_no",
        help="The serial number, in hex, of the merchant's API certificate.",
    ),
    Setting(
        name="private_key",
        help="That certificate's private key, PEM (apiclient_key.pem).",
        secret=True,
        proven_by_answer=True,
    ),
    Setting(
        name="api_v3_key",
        help="The 32 characters set as APIv3 key; without one there are no notices.",
        secret=True,
    ),
    Setting(
        name="public_key_id",
        help="The id of WeChat Pay's public key, PUB_KEY_ID_...; without it, platform "
        "certificates are downloaded.",
        required=False,
    ),
    Setting(
        name="public_key",
        help="WeChat Pay's public key, PEM (pub_key.pem); goes with public_key_id.",
        required=False,
    ),
    Setting(
        name="gateway",
        help="Scheme and host of the API: another one for a fallback or a simulator.",
        required=False,
        default="https://api.mch.weixin.qq.com",
    ),
)


def build(context: ProviderContext) -> PaymentProvider:
    """Make the provider of one account, its keys parsed once."""
    # Cryptography is slow to import, and lists of plugins need none.
    from retender.plugins.wechat_pay.credentials import read_credentials  # noqa: PLC0415
    from retender.plugins.wechat_pay.provider import WechatPay  # noqa: PLC0415

    return WechatPay(read_credentials(context.settings), context)


PLUGIN = ProviderPlugin(
    name=TERMS.provider,
    title=TERMS.title,
    terms=TERMS,
    settings=SETTINGS,
    build=build,
)


@hookimpl
def register_providers() -> Sequence[ProviderPlugin]:
    """Bring WeChat Pay."""
    return [PLUGIN]
