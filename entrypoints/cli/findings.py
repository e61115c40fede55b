"""What the doctor looks at: settings, plugins, database, page key, accounts, clocks."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from retender.domain.model.attempt import Charge
from retender.domain.model.deadline import ClockStanding
from retender.domain.model.errors import (
    NoticeRejected,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    RetenderError,
    SetupError,
)
from retender.domain.model.money import Money
from retender.domain.model.operators import for_operators
from retender.entrypoints.accounts import AccountBuilder
from retender.entrypoints.container import Container
from retender.entrypoints.draining import draining
from retender.entrypoints.settings import Settings
from retender.entrypoints.settings_file import load_settings
from retender.plugins.host import PluginState
from retender.ports.accounts import Account
from retender.ports.payment_provider import RawNotice
from retender.ports.transport import Request, Response, Transport

State: TypeAlias = Literal["well", "note", "wrong"]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PAYABLE_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    Attributes:
        about: what was looked at.
        state: well; worth a note; wrong.
        told: what was found.
        fix: what to do about it.

    """

    about: str
    state: State
    told: str
    fix: str = ""


async def findings(config: Path | None, *, online: bool) -> AsyncIterator[Finding]:
    """Look at everything, and go on after what is wrong, as far as one can."""
    try:
        settings = load_settings(config)
    except SetupError as error:
        for line in error.message.splitlines():
            yield Finding("settings", "wrong", line, "Correct it in the file or the environment.")
        return
    yield Finding("settings", "well", f"read, with {len(settings.accounts)} accounts")
    yield _public_url(settings)
    container = Container(settings=settings)
    async with container.exits():
        key = _page_key(container)
        yield key
        if key.state == "wrong":
            return  # the database cannot be opened without it
        try:
            async for finding in _database(container):
                yield finding
            for finding in _plugins(container):
                yield finding
        except SetupError as error:
            yield Finding("set-up", "wrong", error.message)
            return
        async for finding in _accounts(container, online=online):
            yield finding
        async for finding in _draining(container):
            yield finding


def _public_url(settings: Settings) -> Finding:
    """Notices must be able to get here, and providers insist on TLS."""
    parts = urlsplit(settings.public_url)
    if parts.hostname in _LOOPBACK:
        told = f"{settings.public_url} is this machine only: no provider can send notices to it"
        fix = "Set public_url to how the world reaches you; the worker asks meanwhile."
        return Finding("public_url", "note", told, fix)
    if parts.scheme != "https":
        told = f"{settings.public_url} is not https: WeChat Pay and others refuse such notices"
        return Finding("public_url", "note", told, "Set public_url to an https address.")
    return Finding("public_url", "well", settings.public_url)


def _page_key(container: Container) -> Finding:
    try:
        container.page_key()
    except SetupError as error:
        return Finding("page key", "wrong", error.message)
    return Finding("page key", "well", "32 bytes, ready to seal stored pages")


async def _database(container: Container) -> AsyncIterator[Finding]:
    """Reached, with the tables that this version needs, and durable."""
    store, place = container.store(), container.settings().database
    try:
        revision = await store.current()
        if revision is None and store.embedded:
            told = f"{place} does not exist yet"
            fix = "Nothing to do: the first command that needs it makes it."
            yield Finding("database", "note", told, fix)
            return
        await store.check()
        yield Finding("database", "well", f"{place} reached, schema {revision}")
        problems = await store.shortcomings()
    except RetenderError as error:
        yield Finding("database", "wrong", for_operators(error))
        return
    for problem in problems:
        yield Finding("durability", "wrong", problem, "Use a local disk, and a newer SQLite.")
    if not problems:
        yield Finding("durability", "well", "what is committed survives")


def _plugins(container: Container) -> Iterator[Finding]:
    for plugin in container.plugins().plugins:
        if plugin.state is PluginState.BROKEN:
            fix = f"Mend or uninstall it, or set plugins.block to {plugin.name}."
            yield Finding(f"plugin {plugin.name}", "wrong", f"broken: {plugin.why}", fix)
    names = ", ".join(container.plugins().providers)
    if names:
        yield Finding("plugins", "well", f"providers: {names}")
    else:
        fix = "Install one, and look at plugins.only and plugins.block."
        yield Finding("plugins", "wrong", "none brings a provider", fix)


# --- accounts ----------------------------------------------------------------------------


class _Probe:
    """A way to nowhere: takes note that a request was signed and ready, and sends nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, request: Request) -> Response:
        """Refuse to send."""
        self.asked += 1
        raise ProviderUnavailable(f"Nothing was sent: {request.operation} was only looked at.")


async def _accounts(container: Container, *, online: bool) -> AsyncIterator[Finding]:
    settings = container.settings()
    if not settings.accounts:
        fix = "Add a table [accounts.NAME]; `retender providers describe` says what it needs."
        yield Finding("accounts", "note", "none is configured: nothing can be paid", fix)
    for name in settings.accounts:
        about = f"account {name}"
        try:
            yield await _keys(container, name)
            if online:
                way = container.transports()(name)
                yield await _asked(container, _built(container, name, way))
                yield _clock(container, name)
        except SetupError as error:
            yield Finding(about, "wrong", error.message)


async def _draining(container: Container) -> AsyncIterator[Finding]:
    """Say what is still under way at accounts that take no new payments, or are gone."""
    try:
        if await container.store().standing() != "current":
            return  # there is nothing to count
        found = await draining(container)
    except RetenderError:
        return  # it was told above why not
    for each in found:
        about = f"account {each.account}"
        if each.configured:
            told = f"it is drained; {each.live} of its attempts may still be paid"
            fix = "Leave its table in the settings until there are none."
            yield Finding(about, "note", told, fix if each.live else "")
        else:
            told = f"it is in no settings, and {each.live} of its attempts may still be paid"
            table = f"[accounts.{each.account}]"
            fix = f"Bring {table} back with enabled = false: nobody can ask about them."
            yield Finding(about, "wrong", told, fix)


def _built(container: Container, name: str, way: Transport) -> Account:
    """Build one account alone, so that another's trouble does not hide it."""
    settings = container.settings()
    build = AccountBuilder(
        plugins=container.plugins(),
        transports=lambda _: way,
        clock=container.clock(),
        random_text=container.random_text(),
        epoch_key=container.page_key(),
    )
    alone = settings.model_copy(update={"accounts": {name: settings.accounts[name]}})
    return build(alone).get(name)


async def _keys(container: Container, name: str) -> Finding:
    """Sign a question without sending it, and turn a forged notice away."""
    about, probe = f"account {name}", _Probe()
    account = _built(container, name, probe)
    try:
        await account.provider.query(_charge(container, account))
    except RetenderError as error:
        # If the probe was asked, its own refusal is what we wanted to see.
        if not probe.asked:
            fix = "Check its private key."
            return Finding(about, "wrong", f"cannot sign: {error.message}", fix)
    forged = RawNotice(headers={}, body=b"{}", received_at=container.clock()())
    try:
        await account.provider.parse_notice(forged)
    except (NoticeRejected, ProviderError):
        return Finding(about, "well", "keys load, a request is signed, a forged notice refused")
    fix = "Do not use this plugin: it believes anybody."
    return Finding(about, "wrong", "it believed a notice that nobody signed", fix)


async def _asked(container: Container, account: Account) -> Finding:
    """Ask the gateway after a number that it cannot know."""
    about = f"gateway of {account.name}"
    try:
        receipt = await account.provider.query(_charge(container, account))
    except ProviderRefused as error:
        fix = "Compare ids and keys with the provider's console."
        return Finding(about, "wrong", error.message, fix)
    except ProviderUnavailable as error:
        return Finding(
            about, "wrong", error.message, "Check the network, and the gateway's address."
        )
    except ProviderUncertain as error:
        fix = "Check the provider's public key or certificate: its answer was not believed."
        return Finding(about, "wrong", error.message, fix)
    return Finding(about, "well", f"answered, and was believed: {receipt.state}")


def _clock(container: Container, name: str) -> Finding:
    """Compare clocks: a deadline means the same to both only as far as they agree."""
    about, clock = f"clock of account {name}", container.gateway_clocks().of(name)
    if clock.offset is None or clock.last is None:
        return Finding(about, "note", "the gateway did not say what time it is")
    told = f"the gateway's clock is {clock.offset.total_seconds():+.1f} s from ours"
    allowed = f"pay.watch_seconds, which is {container.settings().pay.watch_seconds}"
    fix = "Synchronise this machine's clock (NTP), or raise pay.watch_seconds."
    match container.policy().deadlines.standing(clock.last.sure):
        case ClockStanding.NEAR:
            return Finding(about, "well", told)
        case ClockStanding.FAR:
            return Finding(about, "note", f"{told}: over half of {allowed}", fix)
        case ClockStanding.TOO_FAR:
            told = f"{told}, more than {allowed}: nobody can begin to pay there"
            return Finding(about, "wrong", told, fix)


def _charge(container: Container, account: Account) -> Charge:
    """Return a charge that nobody made, to ask after."""
    now = container.clock()().replace(microsecond=0)
    terms = account.provider.terms
    page, currency = terms.pages[0], min(terms.currencies)
    return Charge(
        number=container.new_id()(),
        order_no="doctor",
        amount=Money(terms.bounds(currency).smallest, currency),
        subject="Asked by the doctor",
        client_type="doctor",
        device=min(page.devices),
        page_kind=page.kind,
        created_at=now,
        expires_at=now + _PAYABLE_FOR,
        notify_url=account.notify_url,
    )
