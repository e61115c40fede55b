"""The sandbox as a plugin: what an operator is told."""

import pytest

from retender.domain.model.errors import SetupError
from retender.plugins.host import load_plugins
from retender.plugins.sandbox.gateway import NOWHERE
from retender.plugins.sandbox.plugin import PLUGIN
from retender.plugins.sandbox.provider import Sandbox
from retender.simulators.sandbox.simulator import create_simulator
from retender.tests.plugins.sandbox.counter import context

SECRET = "0123456789abcdef"


def told(**settings):
    """What an account of these settings is built from."""
    return context(settings)


def base_url(provider):
    assert isinstance(provider, Sandbox)
    return provider.base_url


def test_it_comes_through_the_host():
    built = load_plugins().build("sandbox", told(secret=SECRET))
    assert built.terms.provider == "sandbox"


def test_a_short_secret_is_refused_without_repeating_it():
    with pytest.raises(SetupError) as error:
        PLUGIN.build(told(secret="hunter2"))
    assert "'till'" in error.value.message
    assert "'secret' is shorter than 16 characters" in error.value.message
    assert "openssl rand" in error.value.message
    assert "hunter2" not in repr(error.value)


def test_a_gateway_that_is_no_address_is_refused():
    with pytest.raises(SetupError, match="'gateway' must be an address"):
        PLUGIN.build(told(secret=SECRET, gateway="localhost:9003"))


def test_without_a_gateway_everything_stays_in_this_process():
    assert base_url(PLUGIN.build(told(secret=SECRET))) == NOWHERE


def test_a_simulators_settings_fit_the_plugin():
    made = create_simulator("http://127.0.0.1:9003")
    assert set(made.settings) == {setting.name for setting in PLUGIN.settings}
    assert base_url(PLUGIN.build(told(**made.settings))) == "http://127.0.0.1:9003"
