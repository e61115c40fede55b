"""The plugin host: finds plugins, loads them one by one, and keeps what they bring."""

import re
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pluggy

from retender.domain.model.client_type import ClientType
from retender.domain.model.errors import SetupError
from retender.plugins import hookspecs
from retender.plugins.api_version import check_api_version
from retender.plugins.hookspecs import GROUP, ProviderContext, ProviderPlugin
from retender.ports.payment_provider import PaymentProvider

OWN_DISTRIBUTION = "retender"
HANDED_IN = "handed in"

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class PluginState(StrEnum):
    """What became of a plugin."""

    LOADED = "loaded"
    NOT_CHOSEN = "not chosen"
    BLOCKED = "blocked"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """
    One plugin that was found, whatever became of it.

    Attributes:
        name: its entry point's name; what is chosen and blocked.
        distribution: which installed package it came with.
        version: of that package.
        state: what became of it.
        why: what to know about that: the trouble, or who blocked it.
        providers: what it brings.
        client_types: what it brings.

    """

    name: str
    distribution: str
    version: str
    state: PluginState
    why: str = ""
    providers: tuple[ProviderPlugin, ...] = ()
    client_types: tuple[ClientType, ...] = ()

    def __str__(self) -> str:
        """Name it so that an operator knows where it comes from."""
        if self.distribution == HANDED_IN:
            return f"{self.name!r} ({HANDED_IN})"
        return f"{self.name!r} (from {self.distribution} {self.version})"


@dataclass(frozen=True, slots=True)
class PluginHost:
    """
    What the plugins of this process bring; made by ``load_plugins``.

    Attributes:
        plugins: everything that was found, also what was not loaded and why.

    """

    plugins: tuple[Plugin, ...]

    @property
    def providers(self) -> Mapping[str, ProviderPlugin]:
        """Return all payment providers by name."""
        return {p.name: p for plugin in self.plugins for p in plugin.providers}

    @property
    def client_types(self) -> tuple[ClientType, ...]:
        """Return all client types, strangers' before our own: those are the more particular."""
        return tuple(c for plugin in self.plugins for c in plugin.client_types)

    def provider(self, name: str, *, account: str) -> ProviderPlugin:
        """
        Return the provider that an account is configured with.

        Raises:
            SetupError: there is none; says why if its plugin is broken or blocked.

        """
        if name in self.providers:
            return self.providers[name]
        words = f"Account {account!r} wants provider {name!r}, which no loaded plugin brings."
        hint = self._why_not(name)
        raise SetupError(f"{words} {hint}", account=account, provider=name)

    def build(self, provider: str, context: ProviderContext) -> PaymentProvider:
        """
        Build the provider of one account.

        Raises:
            SetupError: there is none of that name, or it cannot be built; names the
                plugin and the account, and never repeats a setting's value.

        """
        wanted = self.provider(provider, account=context.account)
        account = f"account {context.account!r}"
        try:
            built = wanted.build(context)
            calls_itself = built.terms.provider
        except SetupError:
            raise
        except (Exception, SystemExit) as trouble:  # noqa: BLE001 - a stranger's code may raise anything
            words = (
                f"Provider {provider!r} could not be built for {account}: {safe_words(trouble)}."
            )
        else:
            if calls_itself == provider:
                return built
            words = f"Provider {provider!r}, built for {account}, calls itself {calls_itself!r}."
        # Raised out here so that it has no context: a stranger's frames may hold secrets.
        raise SetupError(
            f"{words} That is for the authors of plugin {self.bringer(provider)}.",
            plugin=self.bringer(provider).name,
            account=context.account,
        )

    def bringer(self, provider: str) -> Plugin:
        """Return the plugin that brings a provider that is there."""
        return next(p for p in self.plugins if provider in {each.name for each in p.providers})

    def _why_not(self, name: str) -> str:
        for plugin in self.plugins:
            if plugin.name == name and plugin.state is not PluginState.LOADED:
                return f"Plugin {plugin} is {plugin.state}: {plugin.why}."
        close = get_close_matches(name, self.providers, n=1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        broken = [f"{p}: {p.why}" for p in self.plugins if p.state is PluginState.BROKEN]
        also = (
            f" Broken plugins, which might have brought it: {'; '.join(broken)}." if broken else ""
        )
        return f"{meant}There is: {', '.join(sorted(self.providers)) or 'none'}.{also}"


@dataclass(frozen=True, slots=True)
class _Found:
    """A plugin before it is loaded: its name and a way to its module or object."""

    plugin: Plugin
    entry_point: EntryPoint | None = None
    given: object = field(default=None, repr=False)

    def load(self) -> object:
        """Import the module, or return what was handed in."""
        return self.given if self.entry_point is None else self.entry_point.load()


def load_plugins(
    *,
    only: Collection[str] = (),
    block: Collection[str] = (),
    plugins: Mapping[str, object] | None = None,
) -> PluginHost:
    """
    Find and load all plugins: those handed in, then strangers', then our own.

    A plugin that breaks while loading is kept as broken, and matters when somebody wants
    what it would have brought. Three things stop the start at once, since they would
    otherwise go unnoticed: a chosen plugin that breaks, a hook that we do not know, and a
    name that two plugins claim.

    Args:
        only: names of the plugins to load, or empty: all that are installed.
        block: names of plugins never to import.
        plugins: modules or objects with our hooks, by name, that need no entry point.

    Raises:
        SetupError: names the plugin and the fix.

    """
    found = [*_handed_in(plugins or {}), *_installed()]
    _refuse_doubles(found)
    _refuse_unknown("only", only, found)
    _refuse_unknown("block", block, found)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    loaded = [_loaded(each, manager, only, block) for each in found]
    _refuse_unknown_hooks(manager, loaded)
    done = tuple(_asked(plugin, manager) for plugin in loaded)
    for plugin in done:
        if plugin.name in only and plugin.state is PluginState.BROKEN:
            raise SetupError(
                f"Plugin {plugin} was chosen and is broken: {plugin.why}. Mend it, or choose "
                f"without it.",
                plugin=plugin.name,
            )
    _refuse_two_claims("provider", ((p.name, plugin) for plugin in done for p in plugin.providers))
    _refuse_two_claims(
        "client type", ((c.code, plugin) for plugin in done for c in plugin.client_types)
    )
    return PluginHost(done)


# --- finding -----------------------------------------------------------------------------


def _handed_in(plugins: Mapping[str, object]) -> Iterator[_Found]:
    for name, given in plugins.items():
        plugin = Plugin(name=name, distribution=HANDED_IN, version="", state=PluginState.LOADED)
        yield _Found(plugin, given=given)


def _installed() -> list[_Found]:
    found = []
    for point in entry_points(group=GROUP):
        plugin = Plugin(
            name=point.name,
            distribution=point.dist.name if point.dist else "unknown",
            version=point.dist.version if point.dist else "",
            state=PluginState.LOADED,
        )
        found.append(_Found(plugin, entry_point=point))
    # Ours come last and get no say over a stranger's; otherwise by name, for a fixed order.
    return sorted(found, key=lambda f: (f.plugin.distribution == OWN_DISTRIBUTION, f.plugin.name))


def _refuse_doubles(found: Sequence[_Found]) -> None:
    known: dict[str, Plugin] = {}
    for each in found:
        first = known.setdefault(each.plugin.name, each.plugin)
        if first is not each.plugin:
            raise SetupError(
                f"Two plugins are named {first.name!r}: {first} and {each.plugin}. "
                f"Uninstall one of them.",
                plugins=[str(first), str(each.plugin)],
            )


def _refuse_unknown(setting: str, names: Iterable[str], found: Sequence[_Found]) -> None:
    known = sorted(each.plugin.name for each in found)
    for name in names:
        if name in known:
            continue
        close = get_close_matches(name, known, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise SetupError(
            f"Setting plugins.{setting} names {name!r}, and no such plugin is installed.{meant} "
            f"There is: {', '.join(known) or 'none'}.",
            setting=f"plugins.{setting}",
            plugin=name,
        )


# --- loading -----------------------------------------------------------------------------


def _loaded(
    found: _Found,
    manager: pluggy.PluginManager,
    only: Collection[str],
    block: Collection[str],
) -> Plugin:
    """Import one plugin and take note of its hooks, unless it is not wanted."""
    plugin = found.plugin
    if plugin.name in block:
        return replace(plugin, state=PluginState.BLOCKED, why="setting plugins.block names it")
    if only and plugin.name not in only:
        why = "setting plugins.only does not name it"
        return replace(plugin, state=PluginState.NOT_CHOSEN, why=why)
    try:
        brought = found.load()
        check_api_version(brought)
        manager.register(brought, name=plugin.name)
    except (Exception, SystemExit) as trouble:  # noqa: BLE001 - a stranger's code may raise anything
        return _broken(plugin, trouble)
    return plugin


def _broken(plugin: Plugin, trouble: BaseException) -> Plugin:
    words = " ".join(str(trouble).split())
    why = f"{type(trouble).__name__}: {words}" if words else type(trouble).__name__
    return replace(plugin, state=PluginState.BROKEN, why=why, providers=(), client_types=())


def safe_words(trouble: BaseException) -> str:
    """Say what broke without its own words, which may repeat a secret; but for imports."""
    if isinstance(trouble, ImportError | SyntaxError):
        return f"{type(trouble).__name__}: {trouble}"
    *_, last = traceback.extract_tb(trouble.__traceback__)
    return f"{type(trouble).__name__} in {last.name}, {Path(last.filename).name}:{last.lineno}"


def _refuse_unknown_hooks(manager: pluggy.PluginManager, loaded: Sequence[Plugin]) -> None:
    """Stop at a misspelt hook: it would never be called, and nobody would know."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as trouble:
        named = str(manager.get_name(trouble.plugin))
        plugin = next(p for p in loaded if p.name == named)
        hooks = [name for name in vars(hookspecs) if name.startswith("register_")]
        unknown = _unknown_hooks(manager, named, hooks)
        close = get_close_matches(unknown, hooks, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
    else:
        return
    raise SetupError(
        f"Plugin {plugin} has a hook {unknown!r}, which nobody calls.{meant} There is: "
        f"{', '.join(sorted(hooks))}. Rename it, or block the plugin by plugins.block.",
        plugin=plugin.name,
        hook=unknown,
    )


def _unknown_hooks(manager: pluggy.PluginManager, plugin: str, known: Collection[str]) -> str:
    callers = manager.get_hookcallers(manager.get_plugin(plugin)) or []
    return ", ".join(sorted(caller.name for caller in callers if caller.name not in known))


# --- asking ------------------------------------------------------------------------------


def _asked(plugin: Plugin, manager: pluggy.PluginManager) -> Plugin:
    """Call one plugin's hooks, each by itself, and check what they return."""
    if plugin.state is not PluginState.LOADED:
        return plugin
    callers = manager.get_hookcallers(manager.get_plugin(plugin.name)) or []
    if not callers:
        return replace(plugin, why="it has no hooks; is @hookimpl missing?")
    try:
        return replace(
            plugin,
            providers=_checked_providers(_results(manager, plugin.name, "register_providers")),
            client_types=_checked_client_types(
                _results(manager, plugin.name, "register_client_types")
            ),
        )
    except (Exception, SystemExit) as trouble:  # noqa: BLE001 - a stranger's code may raise anything
        return _broken(plugin, trouble)


def _results(manager: pluggy.PluginManager, plugin: str, hook: str) -> list[object]:
    caller = getattr(manager.hook, hook)
    return [
        item
        for implementation in caller.get_hookimpls()
        if implementation.plugin_name == plugin
        for item in implementation.function()
    ]


def _checked_providers(brought: Iterable[object]) -> tuple[ProviderPlugin, ...]:
    providers = []
    for each in brought:
        if not isinstance(each, ProviderPlugin):
            raise TypeError(f"register_providers returned a {type(each).__name__}")
        if not _NAME.fullmatch(each.name):
            raise ValueError(f"{each.name!r} is no name for a provider, such as 'acme_pay'")
        if each.terms.provider != each.name:
            raise ValueError(f"provider {each.name!r} calls itself {each.terms.provider!r}")
        providers.append(each)
    return tuple(providers)


def _checked_client_types(brought: Iterable[object]) -> tuple[ClientType, ...]:
    types = []
    for each in brought:
        if not isinstance(each, ClientType):
            raise TypeError(f"register_client_types returned a {type(each).__name__}")
        if not _NAME.fullmatch(each.code):
            raise ValueError(f"{each.code!r} is no code for a client type, such as 'kiosk'")
        types.append(each)
    return tuple(types)


def _refuse_two_claims(kind: str, claims: Iterable[tuple[str, Plugin]]) -> None:
    owners: dict[str, Plugin] = {}
    for name, plugin in claims:
        if name in owners:
            first = owners[name]
            raise SetupError(
                f"Two plugins bring a {kind} named {name!r}: {first} and {plugin}. "
                f"Block one of them by plugins.block (RETENDER_PLUGINS__BLOCK).",
                plugins=[first.name, plugin.name],
            )
        owners[name] = plugin
