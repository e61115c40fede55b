"""The plugin host: discovery, choice, and what happens when a plugin is wrong."""

import sys
import textwrap
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from retender.domain.model.client_type import ClientType, Device
from retender.domain.model.errors import SetupError
from retender.domain.model.page import PageKind
from retender.plugins.hookspecs import (
    ProviderContext,
    ProviderPlugin,
    Secret,
    Setting,
    hookimpl,
)
from retender.plugins.host import PluginHost, PluginState, load_plugins
from retender.ports.payment_provider import PageTerms, ProviderTerms
from retender.ports.transport import Request, Response

CANARY = "canary-4f1e"


def terms(name: str) -> ProviderTerms:
    page = PageTerms(kind=PageKind.QR, devices=frozenset({Device.SCREEN}), product="code")
    return ProviderTerms(provider=name, title=name, pages=(page,), currencies=frozenset({"CNY"}))


def provider(name: str, **changes: object) -> ProviderPlugin:
    parts: dict[str, Any] = {
        "terms": terms(name),
        "settings": (),
        "build": lambda _: None,
        **changes,
    }
    return ProviderPlugin(name=name, title=name, **parts)


def bringing(*providers: object, client_types: tuple[object, ...] = ()) -> object:
    """Return a plugin that brings these."""

    class Brings:
        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_providers(self):
            return providers

        @hookimpl
        def register_client_types(self):
            return client_types

    return Brings()


def client_type(code: str) -> ClientType:
    return ClientType(code, code.title(), Device.SCREEN, (PageKind.QR,))


async def _no_transport(request: Request) -> Response:
    raise AssertionError(f"nothing is sent here: {request.operation}")


def context(account: str = "shop", **settings: str) -> ProviderContext:
    return ProviderContext(
        account=account,
        settings=settings,
        transport=_no_transport,
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        random_text=lambda length: "x" * length,
    )


def state_of(host: PluginHost, name: str) -> PluginState:
    return next(plugin.state for plugin in host.plugins if plugin.name == name)


def why(host: PluginHost, name: str) -> str:
    return next(plugin.why for plugin in host.plugins if plugin.name == name)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution: a module beside its metadata, on the path of this test alone."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(name: str, code: str, *, version: str = "1.2.3", entry: str = "") -> None:
        module = f"tmp_{name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[retender]\n{entry or name} = {module}\n")

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("tmp_"):
            del sys.modules[name]


# --- finding -------------------------------------------------------------------------------


def test_our_own_plugins_come_through_the_same_hooks():
    host = load_plugins()
    ours = {plugin.name: plugin for plugin in host.plugins if plugin.distribution == "retender"}
    assert {"client_types", "sandbox"} <= set(ours)
    assert "sandbox" in host.providers
    assert {"pc", "h5", "app"} <= {each.code for each in host.client_types}
    assert ours["sandbox"].version


def test_an_installed_distribution_is_found_by_its_entry_point(install):
    install(
        "kiosk",
        """
        from retender.domain.model.client_type import ClientType, Device
        from retender.domain.model.page import PageKind
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_client_types():
            return [ClientType("kiosk", "Kiosk", Device.SCREEN, (PageKind.QR,))]
        """,
    )
    host = load_plugins()
    found = next(plugin for plugin in host.plugins if plugin.name == "kiosk")
    assert (found.distribution, found.version) == ("tmp_kiosk", "1.2.3")
    assert (found.state, found.why) == (PluginState.LOADED, "")
    assert [each.code for each in found.client_types] == ["kiosk"]
    assert str(found) == "'kiosk' (from tmp_kiosk 1.2.3)"


def test_strangers_client_types_are_asked_before_ours(install):
    """They are the more particular: ours recognise every browser there is."""
    install(
        "zebra",
        """
        from retender.domain.model.client_type import ClientType, Device
        from retender.domain.model.page import PageKind
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_client_types():
            return [ClientType("zebra", "Zebra", Device.PHONE, (PageKind.REDIRECT,))]
        """,
    )
    host = load_plugins(plugins={"mine": bringing(client_types=(client_type("kiosk"),))})
    assert [each.code for each in host.client_types[:2]] == ["kiosk", "zebra"]
    assert host.client_types[-1].code == "app"


def test_a_plugin_may_be_handed_in():
    host = load_plugins(plugins={"mine": bringing(provider("acme"))})
    assert host.providers["acme"].title == "acme"
    assert str(host.plugins[0]) == "'mine' (handed in)"


def test_a_module_without_hooks_is_pointed_at():
    host = load_plugins(plugins={"idle": SimpleNamespace(RETENDER_PLUGIN_API=1)})
    assert why(host, "idle") == "it has no hooks; is @hookimpl missing?"


# --- choosing ------------------------------------------------------------------------------


def test_a_blocked_plugin_is_never_imported(install):
    install("evil", "raise RuntimeError('imported')")
    host = load_plugins(block=["evil"])
    assert state_of(host, "evil") is PluginState.BLOCKED
    assert "tmp_evil" not in sys.modules


def test_only_the_chosen_plugins_are_imported(install):
    install("evil", "raise RuntimeError('imported')")
    host = load_plugins(only=["client_types"])
    assert state_of(host, "evil") is PluginState.NOT_CHOSEN
    assert state_of(host, "client_types") is PluginState.LOADED
    assert host.providers == {}
    assert "tmp_evil" not in sys.modules


def test_blocking_wins_over_choosing():
    host = load_plugins(only=["sandbox", "client_types"], block=["sandbox"])
    assert state_of(host, "sandbox") is PluginState.BLOCKED


@pytest.mark.parametrize("setting", ["only", "block"])
def test_choosing_or_blocking_what_is_not_there_is_an_error(setting):
    """A misspelt block would let in what was to be kept out."""
    chosen: dict[str, Any] = {setting: ["sandboxx"]}
    with pytest.raises(SetupError) as error:
        load_plugins(**chosen)
    assert f"plugins.{setting} names 'sandboxx'" in error.value.message
    assert "Did you mean 'sandbox'?" in error.value.message
    assert error.value.code == "SETUP_ERROR"


# --- broken --------------------------------------------------------------------------------

BREAKS = {
    "at import": ("import nowhere_to_be_found", "ModuleNotFoundError: No module named"),
    "by its syntax": ("def broken(:", "SyntaxError: "),
    "by leaving": ("raise SystemExit(3)", "SystemExit: 3"),
    "in its hook": (
        """
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_providers():
            raise KeyError("not today")
        """,
        "KeyError: 'not today'",
    ),
    "by what it returns": (
        """
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_providers():
            return ["acme"]
        """,
        "TypeError: register_providers returned a str",
    ),
    "by returning nothing": (
        """
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_client_types():
            return None
        """,
        "TypeError: 'NoneType' object is not iterable",
    ),
    "by what its hook wants": (
        """
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_providers(settings):
            return []
        """,
        "PluginValidationError: Plugin 'shaky'",
    ),
}


@pytest.mark.parametrize(("code", "trouble"), BREAKS.values(), ids=list(BREAKS.keys()))
def test_a_broken_plugin_is_named_and_leaves_the_others_alone(install, code, trouble):
    install("shaky", code)
    host = load_plugins()
    assert state_of(host, "shaky") is PluginState.BROKEN
    assert why(host, "shaky").startswith(trouble)
    assert "sandbox" in host.providers


def test_a_broken_plugin_brings_nothing_at_all():
    """Half a plugin would be worse than none."""
    shaky = bringing(provider("acme"), client_types=(client_type("kiosk"), "pc"))
    host = load_plugins(plugins={"shaky": shaky})
    assert state_of(host, "shaky") is PluginState.BROKEN
    assert "acme" not in host.providers
    assert "kiosk" not in {each.code for each in host.client_types}


def test_a_broken_plugin_that_was_chosen_stops_the_start(install):
    install("shaky", "import nowhere_to_be_found")
    with pytest.raises(
        SetupError, match=r"'shaky' .* was chosen and is broken: ModuleNotFoundError"
    ):
        load_plugins(only=["shaky"])


@pytest.mark.parametrize(
    ("brought", "trouble"),
    [
        (provider("Acme Pay"), "'Acme Pay' is no name for a provider"),
        (provider("acme", terms=terms("other")), "provider 'acme' calls itself 'other'"),
    ],
)
def test_a_provider_that_names_itself_badly_breaks_its_plugin(brought, trouble):
    host = load_plugins(plugins={"shaky": bringing(brought)})
    assert trouble in why(host, "shaky")


def test_a_client_type_with_a_bad_code_breaks_its_plugin():
    host = load_plugins(plugins={"shaky": bringing(client_types=(client_type("Mini App"),))})
    assert "'Mini App' is no code for a client type" in why(host, "shaky")


VERSIONS = {
    "none": ("", "add RETENDER_PLUGIN_API = 1"),
    "a later one": ("RETENDER_PLUGIN_API = 2", "upgrade Retender"),
    "an earlier one": ("RETENDER_PLUGIN_API = 0", "upgrade the plugin"),
    "no number": ("RETENDER_PLUGIN_API = '1'", "upgrade the plugin"),
    "a truth": ("RETENDER_PLUGIN_API = True", "upgrade the plugin"),
}


@pytest.mark.parametrize(("says", "advice"), VERSIONS.values(), ids=list(VERSIONS))
def test_a_plugin_for_another_interface_is_not_loaded(install, says, advice):
    """It would fail later, in the middle of a payment."""
    code = """
    from retender.plugin import ClientType, Device, PageKind, hookimpl

    {says}

    @hookimpl
    def register_client_types():
        return [ClientType("kiosk", "Kiosk", Device.SCREEN, (PageKind.QR,))]
    """
    install("shaky", textwrap.dedent(code).format(says=says))
    host = load_plugins()
    assert state_of(host, "shaky") is PluginState.BROKEN
    assert advice in why(host, "shaky")
    assert "kiosk" not in {each.code for each in host.client_types}
    with pytest.raises(SetupError, match="was chosen and is broken"):
        load_plugins(only=["shaky"])


# --- what stops the start ------------------------------------------------------------------


def test_a_misspelt_hook_stops_the_start(install):
    """It would never be called, and the shop would wonder where its provider is."""
    install(
        "typo",
        """
        from retender.plugin import hookimpl

        RETENDER_PLUGIN_API = 1

        @hookimpl
        def register_provider():
            return []
        """,
    )
    with pytest.raises(SetupError) as error:
        load_plugins()
    assert "'typo' (from tmp_typo 1.2.3) has a hook 'register_provider'" in error.value.message
    assert "Did you mean 'register_providers'?" in error.value.message
    assert load_plugins(block=["typo"]).providers


def test_two_plugins_with_one_provider_name_are_both_named():
    plugins = {"one": bringing(provider("acme")), "two": bringing(provider("acme"))}
    with pytest.raises(SetupError) as error:
        load_plugins(plugins=plugins)
    assert "a provider named 'acme': 'one' (handed in) and 'two'" in error.value.message
    assert error.value.details["plugins"] == ["one", "two"]
    assert "acme" in load_plugins(plugins=plugins, block=["one"]).providers


def test_one_plugin_with_a_provider_name_twice_is_named():
    with pytest.raises(SetupError, match="a provider named 'acme'"):
        load_plugins(plugins={"one": bringing(provider("acme"), provider("acme"))})


def test_a_client_type_of_ours_cannot_be_taken_over():
    with pytest.raises(SetupError, match=r"a client type named 'pc': 'mine' .* and 'client_types'"):
        load_plugins(plugins={"mine": bringing(client_types=(client_type("pc"),))})


def test_two_distributions_with_one_plugin_name_are_both_named(install):
    install("first", "", entry="acme")
    install("second", "", entry="acme", version="2.0")
    with pytest.raises(SetupError) as error:
        load_plugins()
    assert "tmp_first 1.2.3" in error.value.message
    assert "tmp_second 2.0" in error.value.message


# --- building ------------------------------------------------------------------------------


def test_an_account_gets_its_provider_built():
    built = SimpleNamespace(terms=terms("acme"))
    host = load_plugins(plugins={"mine": bringing(provider("acme", build=lambda _: built))})
    assert host.build("acme", context()) is built


def test_an_account_of_an_unknown_provider_is_told_what_there_is():
    with pytest.raises(SetupError) as error:
        load_plugins().build("sandbx", context(account="till"))
    assert "Account 'till' wants provider 'sandbx'" in error.value.message
    assert "Did you mean 'sandbox'?" in error.value.message


def test_an_account_of_a_broken_plugin_is_told_why(install):
    install("acme", "import nowhere_to_be_found")
    with pytest.raises(SetupError, match=r"Plugin 'acme' .* is broken: ModuleNotFoundError"):
        load_plugins().build("acme", context())


def test_an_account_of_a_blocked_plugin_is_told_who_blocked_it():
    host = load_plugins(block=["sandbox"])
    with pytest.raises(SetupError, match=r"'sandbox' .* is blocked: setting plugins\.block names"):
        host.build("sandbox", context())


def test_an_unknown_provider_may_be_a_broken_plugins(install):
    install("shaky", "import nowhere_to_be_found")
    with pytest.raises(SetupError, match="Broken plugins, which might have brought it: 'shaky'"):
        load_plugins().build("acme_pay", context())


def test_a_plugin_that_breaks_only_when_used_is_named_then():
    def build(_: ProviderContext) -> object:
        import nowhere_to_be_found  # type: ignore[import-not-found]  # it is not  # noqa: PLC0415 - that is the point

        return nowhere_to_be_found

    host = load_plugins(plugins={"lazy": bringing(provider("acme", build=build))})
    with pytest.raises(SetupError) as error:
        host.build("acme", context(account="till"))
    assert "'acme' could not be built for account 'till'" in error.value.message
    assert "No module named 'nowhere_to_be_found'" in error.value.message
    assert "plugin 'lazy'" in error.value.message


def test_a_failed_build_never_repeats_a_setting():
    def build(context: ProviderContext) -> object:
        raise ValueError(f"what is {context.settings['key']}?")

    host = load_plugins(plugins={"lazy": bringing(provider("acme", build=build))})
    with pytest.raises(SetupError) as error:
        host.build("acme", context(key=Secret(CANARY)))
    assert "ValueError in build, test_host.py:" in error.value.message
    assert CANARY not in repr(error.value)
    assert error.value.__context__ is None


def test_a_plugins_own_setup_error_comes_through():
    def build(_: ProviderContext) -> object:
        raise SetupError("Setting 'key' is no PEM.")

    host = load_plugins(plugins={"mine": bringing(provider("acme", build=build))})
    with pytest.raises(SetupError, match="Setting 'key' is no PEM"):
        host.build("acme", context())


def test_a_provider_that_turns_out_to_be_another_is_refused():
    built = SimpleNamespace(terms=terms("other"))
    host = load_plugins(plugins={"mine": bringing(provider("acme", build=lambda _: built))})
    with pytest.raises(SetupError, match="calls itself 'other'"):
        host.build("acme", context())


def test_a_secret_does_not_show():
    settings = {"key": Secret(CANARY)}
    assert CANARY not in repr(settings)
    assert CANARY not in repr(context(**settings))
    assert f"{settings['key']}" == CANARY


def test_a_setting_is_required_and_open_unless_said_otherwise():
    setting = Setting(name="key", help="The key.")
    assert (setting.required, setting.secret, setting.default) == (True, False, None)
