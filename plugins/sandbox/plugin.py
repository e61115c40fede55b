"""The sandbox as a plugin: its name, its settings, and how an account of it is built."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from retender.domain.model.errors import SetupError
from retender.plugins.hookspecs import ProviderContext, ProviderPlugin, Setting, hookimpl
from retender.plugins.sandbox.terms import NAME, TERMS, TITLE
from retender.ports.payment_provider import PaymentProvider

RETENDER_PLUGIN_API = 1

SETTINGS = (
    Setting(
        name="secret",
        help="Any text of 16 characters or more; what simulator and account say is signed by it.",
        secret=True,
        proven_by_answer=True,
    ),
    Setting(
        name="gateway",
        help="Address of a running sandbox simulator. Without it everything stays in this "
        "process: only amounts that choose their outcome get paid, and nobody sends notices.",
        required=False,
    ),
    Setting(
        name="merchant",
        help="Who the account is at the simulator.",
        required=False,
        default="sandbox",
    ),
)

_SECRET_MIN = 16


def build(context: ProviderContext) -> PaymentProvider:
    """Build an account's provider, with a gateway of its own if it names none."""
    from retender.plugins.sandbox.gateway import NOWHERE, SandboxGateway  # noqa: PLC0415 - on use
    from retender.plugins.sandbox.provider import Sandbox  # noqa: PLC0415 - on use

    secret, merchant = context.settings["secret"], context.settings["merchant"]
    if len(secret) < _SECRET_MIN:
        raise SetupError(
            f"Account {context.account!r} of plugin {NAME!r}: setting 'secret' is shorter than "
            f"{_SECRET_MIN} characters. Make one with: openssl rand -hex 32",
            plugin=NAME,
            account=context.account,
            setting="secret",
        )
    base_url = context.settings.get("gateway", NOWHERE).rstrip("/")
    if urlsplit(base_url).scheme not in {"http", "https"}:
        raise SetupError(
            f"Account {context.account!r} of plugin {NAME!r}: setting 'gateway' must be an "
            f"address such as http://127.0.0.1:9003.",
            plugin=NAME,
            account=context.account,
            setting="gateway",
        )
    transport = (
        context.transport
        if "gateway" in context.settings
        else SandboxGateway(secret=secret, clock=context.clock, merchant=merchant)
    )
    return Sandbox(base_url, merchant, secret, transport, context.clock)


PLUGIN = ProviderPlugin(name=NAME, title=TITLE, terms=TERMS, settings=SETTINGS, build=build)


@hookimpl
def register_providers() -> Sequence[ProviderPlugin]:
    """Bring the sandbox."""
    return [PLUGIN]
