"""Accounts out of the settings: each provider built with its own credentials and connection."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from retender.domain.model.errors import SetupError, UnknownName
from retender.entrypoints.addresses import Addresses
from retender.entrypoints.settings import AccountSettings, Settings
from retender.plugins.hookspecs import GATEWAY, ProviderContext, ProviderPlugin, Secret
from retender.plugins.host import PluginHost
from retender.ports.accounts import Account
from retender.ports.clock import Clock
from retender.ports.transport import Transport


class ConfiguredAccounts:
    """Implements ``Accounts`` with those that the settings name."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        """Keep them, in the order of the configuration."""
        self._accounts = {account.name: account for account in accounts}

    def get(self, name: str) -> Account:
        """Return one, or raise ``UnknownName`` with all the names there are."""
        try:
            return self._accounts[name]
        except KeyError:
            raise UnknownName("account", name, self._accounts) from None

    def all(self) -> Sequence[Account]:
        """Return all, in the order of the configuration."""
        return tuple(self._accounts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBuilder:
    """
    Builds accounts; every account has a connection of its own.

    Attributes:
        plugins: knows the providers.
        transports: makes an account's way to its gateway.
        clock: what time it is.
        random_text: chance, as text.
        epoch_key: keys the digest that tells new credentials from old ones.

    """

    plugins: PluginHost
    transports: Callable[[str], Transport]
    clock: Clock
    random_text: Callable[[int], str]
    epoch_key: bytes = field(repr=False)

    def __call__(self, settings: Settings) -> ConfiguredAccounts:
        """
        Build all; those that are switched off are drained.

        Raises:
            SetupError: names the account, the plugin, the setting and the fix.

        """
        addresses = Addresses(settings.public_url)
        return ConfiguredAccounts(
            [
                self._account(name, chosen, addresses.notice(name))
                for name, chosen in settings.accounts.items()
            ]
        )

    def _account(self, name: str, chosen: AccountSettings, notify_url: str) -> Account:
        plugin = self.plugins.provider(chosen.provider, account=name)
        context = ProviderContext(
            account=name,
            settings=settings_for(plugin, name, chosen),
            transport=self.transports(name),
            clock=self.clock,
            random_text=self.random_text,
        )
        return Account(
            name=name,
            title=chosen.title or plugin.title,
            provider=self.plugins.build(plugin.name, context),
            credentials_epoch=chosen.credentials_epoch
            or self._epoch(plugin.name, context.settings),
            notify_url=notify_url,
            switch_policy=chosen.switch_policy,
            drained=not chosen.enabled,
            gateway_is_local=_is_on_loopback(context.settings.get(GATEWAY)),
        )

    def _epoch(self, provider: str, settings: Mapping[str, str]) -> str:
        """
        Name these settings so that other ones get another name, and nobody can guess from it.

        Keyed, since a short secret could be found from a bare digest by trying.
        """
        text = "\0".join([provider, *(f"{k}\0{v}" for k, v in sorted(settings.items()))])
        return hmac.digest(self.epoch_key, text.encode(), hashlib.sha256).hex()[:16]


def settings_for(plugin: ProviderPlugin, account: str, chosen: AccountSettings) -> dict[str, str]:
    """
    Return what the plugin is told: its settings as given or by default, secrets wrapped.

    Raises:
        SetupError: one is missing, or one was given that the plugin does not know.

    """
    given = chosen.own
    known = {setting.name: setting for setting in plugin.settings}
    for name in given:
        if name not in known:
            raise SetupError(
                f"accounts.{account}.{name} is no setting of {plugin.name}."
                f"{_meant(name, known)} There is: {', '.join(known)}."
            )
    values: dict[str, str] = {}
    for name, setting in known.items():
        value = given[name].get_secret_value() if name in given else setting.default
        if value is None:
            if setting.required:
                raise SetupError(
                    f"accounts.{account} of {plugin.name} lacks {name}: {setting.help} "
                    f"Set {name} or {name}_file."
                )
            continue
        values[name] = Secret(value) if setting.secret else value
    return values


def _is_on_loopback(gateway: str | None) -> bool:
    host = urlsplit(gateway).hostname if gateway else None
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def secrets_of(settings: Settings, plugins: PluginHost) -> Iterator[str]:
    """Yield what no log may show: the database's password, keys, what plugins call secret."""
    database = urlsplit(settings.database_url.get_secret_value())
    options = dict(parse_qsl(database.query))
    if password := database.password:
        yield password
        yield unquote(password)
    yield from (options[name] for name in ("password", "passwd") if name in options)
    if settings.page_key is not None:
        yield settings.page_key.get_secret_value()
    for account in settings.accounts.values():
        plugin = plugins.providers.get(account.provider)
        hidden = {setting.name for setting in plugin.settings if setting.secret} if plugin else ()
        yield from (account.own[name].get_secret_value() for name in hidden if name in account.own)
