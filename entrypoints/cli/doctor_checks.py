"""What the doctor checks: settings, plugins, database, page key, accounts, clocks, workers."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from dependency_injector.providers import Object

from retender.domain.model.attention import AttentionCode
from retender.domain.model.errors import RetenderError, SetupError
from retender.domain.model.operators import for_operators
from retender.entrypoints.cli.account_checks import AccountChecks
from retender.entrypoints.cli.check_result import Check, CheckResult, run_check
from retender.entrypoints.container import Container
from retender.entrypoints.draining import draining
from retender.entrypoints.overdue import overdue, patience
from retender.entrypoints.page_key import KEY_BYTES, source_of_page_key
from retender.entrypoints.sealing import HOW_TO_MEND, changed_page_key
from retender.entrypoints.settings import Settings
from retender.entrypoints.settings_file import load_settings
from retender.plugins.host import PluginState

_MOST_CALLS = 1000
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


async def check_everything(config: Path | None, *, online: bool) -> AsyncIterator[CheckResult]:
    """Check everything, and go on after all that is wrong, as far as one can."""
    try:
        settings = load_settings(config)
    except SetupError as error:
        for line in error.message.splitlines():
            yield CheckResult(
                "settings", "wrong", line, "Correct it in the file or the environment."
            )
        told = "not looked at: only settings that can be read say what there is"
        yield CheckResult("everything else", "note", told)
        return
    yield CheckResult("settings", "well", f"read, with {len(settings.accounts)} accounts")
    yield _public_url(settings)
    container = Container(settings=settings)
    async with container.exits():
        key = _page_key(container)
        yield key
        checks: list[tuple[str, Check]] = [
            ("database", lambda: _database(container)),
            ("plugins", lambda: _plugins(container)),
        ]
        if key.state == "wrong":
            # What follows is checked all the same; under no key anything would be sealed.
            container.page_key.override(Object(bytes(KEY_BYTES)))
        else:
            checks.append(("page key", lambda: _stored_pages(container)))
        checks.append(("accounts", lambda: _accounts(container, online=online)))
        checks.append(("our clock", lambda: _own_clock(container)))
        checks.append(("accounts", lambda: _draining(container)))
        checks.append(("worker", lambda: _worker(container)))
        checks.append(("rows", lambda: _unreadable(container)))
        for about, check in checks:
            for result in await run_check(about, check):
                yield result


def _public_url(settings: Settings) -> CheckResult:
    """Notices must be able to get here, and providers insist on TLS."""
    parts = urlsplit(settings.public_url)
    if parts.hostname in _LOOPBACK:
        told = f"{settings.public_url} is this machine only: no provider can send notices to it"
        fix = "Set public_url to how the world reaches you; the worker asks meanwhile."
        return CheckResult("public_url", "note", told, fix)
    if parts.scheme != "https":
        told = f"{settings.public_url} is not https: WeChat Pay and others refuse such notices"
        return CheckResult("public_url", "note", told, "Set public_url to an https address.")
    return CheckResult("public_url", "well", settings.public_url)


def _page_key(container: Container) -> CheckResult:
    try:
        container.page_key()
    except SetupError as error:
        return CheckResult("page key", "wrong", error.message)
    which = source_of_page_key(container.settings())
    return CheckResult("page key", "well", f"{KEY_BYTES} bytes of {which}, ready to seal pages")


async def _stored_pages(container: Container) -> AsyncIterator[CheckResult]:
    """Whether what is stored opens under the key."""
    if await _is_current(container):
        changed = await changed_page_key(container)
        if changed:
            yield CheckResult("stored pages", "wrong", changed, HOW_TO_MEND)


async def _is_current(container: Container) -> bool:
    """Tell whether there is anything to read; why not is told where the database is looked at."""
    try:
        return await container.store().standing() == "current"
    except RetenderError:
        return False


async def _database(container: Container) -> AsyncIterator[CheckResult]:
    """Reached, with the tables that this version needs, and durable."""
    store, place = container.store(), container.settings().database
    revision = await store.current()
    if revision is None and store.embedded:
        told = f"{place} does not exist yet"
        fix = "Nothing to do: the first command that needs it makes it."
        yield CheckResult("database", "note", told, fix)
        return
    try:
        await store.check()
        yield CheckResult("database", "well", f"{place} reached, schema {revision}")
    except SetupError as error:
        yield CheckResult("database", "wrong", for_operators(error))
    problems = await store.shortcomings()
    for problem in problems:
        yield CheckResult("durability", "wrong", problem, "Use a local disk, and a newer SQLite.")
    if not problems:
        yield CheckResult("durability", "well", "what is committed survives")


async def _plugins(container: Container) -> AsyncIterator[CheckResult]:
    for plugin in container.plugins().plugins:
        if plugin.state is PluginState.BROKEN:
            fix = f"Mend or uninstall it, or set plugins.block to {plugin.name}."
            yield CheckResult(f"plugin {plugin.name}", "wrong", f"broken: {plugin.why}", fix)
    names = ", ".join(container.plugins().providers)
    if names:
        yield CheckResult("plugins", "well", f"providers: {names}")
    else:
        fix = "Install one, and look at plugins.only and plugins.block."
        yield CheckResult("plugins", "wrong", "none brings a provider", fix)


async def _accounts(container: Container, *, online: bool) -> AsyncIterator[CheckResult]:
    names = container.settings().accounts
    if not names:
        fix = "Add a table [accounts.NAME]; `retender providers describe` says what it needs."
        yield CheckResult("accounts", "note", "none is configured: nothing can be paid", fix)
        return
    try:
        container.plugins()
    except SetupError:
        told = f"not looked at, since the plugins do not load: {', '.join(names)}"
        yield CheckResult("accounts", "note", told)
        return
    check_account = AccountChecks(container, online=online)
    for name in names:
        async for result in check_account(name):
            yield result


async def _own_clock(container: Container) -> AsyncIterator[CheckResult]:
    """Hear what the database's clock says, if it is another, and what all say together."""
    clocks = container.gateway_clocks()
    offset = await clocks.ask_database()
    if offset is not None:
        told = f"the database's clock is {offset.total_seconds():+.1f} s from ours"
        yield CheckResult("clock of the database", "well", told)
    difference = clocks.difference()
    if difference:
        told = f"others who agree are {difference.total_seconds():+.0f} s from it"
        fix = "Set this machine's clock (NTP): until then nothing is begun, and nothing ends."
        yield CheckResult("our clock", "wrong", told, fix)


async def _draining(container: Container) -> AsyncIterator[CheckResult]:
    """Say what is still under way at accounts that take no new payments, or are gone."""
    if not await _is_current(container):
        return  # there is nothing to count
    for each in await draining(container):
        about = f"account {each.account}"
        if each.configured:
            told = f"it is drained; {each.live} of its attempts may still be paid"
            fix = "Leave its table in the settings until there are none."
            yield CheckResult(about, "note", told, fix if each.live else "")
        else:
            told = f"it is in no settings, and {each.live} of its attempts may still be paid"
            table = f"[accounts.{each.account}]"
            fix = f"Bring {table} back with enabled = false: nobody can ask about them."
            yield CheckResult(about, "wrong", told, fix)


async def _worker(container: Container) -> AsyncIterator[CheckResult]:
    """Whether somebody does what is due."""
    if not await _is_current(container):
        return  # nothing can be due
    found, longest = await overdue(container), patience(container.settings())
    seconds = f"{longest.total_seconds():g} s"
    if not found:
        yield CheckResult("worker", "well", f"nothing is due for more than {seconds}")
        return
    much = ", ".join(
        f"{each.count} {kind if each.count > 1 else kind.removesuffix('s')}"
        for kind, each in found.items()
    )
    since = min(each.since for each in found.values())
    ago = container.clock()() - since
    told = (
        f"no worker seems to run: {much} due for more than {seconds}, the first since "
        f"{since.isoformat(timespec='seconds')} ({ago.total_seconds() / 60:.0f} min)"
    )
    fix = (
        "Start `retender worker`. If one runs, its log says what holds it up: an account whose "
        "gateway does not answer, for one."
    )
    yield CheckResult("worker", "wrong", told, fix)


async def _unreadable(container: Container) -> AsyncIterator[CheckResult]:
    """List what is set aside because a stored row cannot be read."""
    if not await _is_current(container):
        return
    async with container.unit_of_work()(read_only=True) as work:
        opened = await work.attention.open(limit=_MOST_CALLS)
    for call in opened:
        if call.code is AttentionCode.ROW_UNREADABLE:
            row = f"{call.data.get('row', 'row')} {call.data.get('key', call.attention_id)}"
            told = f"it cannot be read: {call.data.get('problem', call.source)}"
            end = f"retender attention resolve {call.attention_id} --as noted --reason mended"
            fix = f"Mend the row, then `{end}`."
            yield CheckResult(row, "wrong", told, fix)
