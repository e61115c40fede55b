"""An account that is set up wrongly does not start, and is told what to mend."""

import subprocess
import sys

import pytest

from retender.domain.model.errors import SetupError
from retender.plugins.alipay.configuration import configure
from retender.plugins.alipay.plugin import PLUGIN, register_providers
from retender.plugins.hookspecs import ProviderContext, Secret
from retender.simulators.alipay.simulator import create_simulator
from retender.tests.plugins.alipay.counter import BASE, Counter


@pytest.fixture
def settings(keys):
    return dict(Counter(keys).settings)


@pytest.fixture
def certified(keys):
    return dict(Counter(keys, certified=True).settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"private_key": "nonsense"}, "private_key"),
        ({"alipay_public_key": "nonsense"}, "alipay_public_key"),
        ({"alipay_public_key": ""}, "key mode"),
        ({"app_cert": "a certificate"}, "certificate mode"),
        ({"gateway": "http://openapi.alipay.com/gateway.do"}, "https"),
        ({"gateway": "openapi.alipay.com"}, "https"),
        ({"gateway": "https://openapi.alipay.com/gateway.do?a=1"}, "query"),
        ({"instalments": "three"}, "3,6,12"),
        ({"instalments": "1"}, "3,6,12"),
        ({"hb_fq_seller_percent": "50"}, "hb_fq_seller_percent"),
    ],
)
def test_a_wrong_setting_is_named(settings, change, words):
    with pytest.raises(SetupError, match=words):
        configure(settings | change)


@pytest.mark.parametrize("name", ["app_cert", "alipay_cert", "alipay_root_cert"])
def test_certificate_mode_needs_all_three_and_each_must_be_one(certified, name):
    with pytest.raises(SetupError, match="certificate mode"):
        configure(certified | {name: ""})
    with pytest.raises(SetupError, match=name):
        configure(certified | {name: "nonsense"})


def test_the_apps_certificate_is_of_the_apps_key(certified):
    with pytest.raises(SetupError, match="not of private_key"):
        configure(certified | {"app_cert": certified["alipay_cert"]})


def test_the_real_gateway_and_a_loopback_one_are_fine(settings):
    default = {each.name: each.default for each in PLUGIN.settings}["gateway"]
    for gateway in (default, "http://127.0.0.1:8001/gateway.do", "http://[::1]:1/gateway.do"):
        assert configure(settings | {"gateway": gateway}).gateway == gateway


def test_instalments_are_offered_as_far_as_they_are_contracted(settings):
    assert configure(settings | {"instalments": ""}).instalments == ()
    assert configure(settings | {"instalments": " 3, 6 ,3"}).instalments == (3, 6)


def test_the_hook_brings_alipay_and_builds_it(keys, settings):
    [plugin] = register_providers()

    async def nowhere(request):
        raise AssertionError(request)

    context = ProviderContext(
        account="alipay",
        settings=settings | {"private_key": Secret(settings["private_key"])},
        transport=nowhere,
        clock=Counter(keys).now,
        random_text=str,
    )
    provider = plugin.build(context)
    assert provider.terms.provider == plugin.name == "alipay"
    assert repr(provider) == "Alipay(app_id='2026000000000001')"


def test_the_simulator_gives_settings_that_the_plugin_takes(keys):
    simulator = create_simulator(BASE, keys=keys)
    names = {each.name for each in PLUGIN.settings}
    required = {each.name for each in PLUGIN.settings if each.required}
    assert required <= set(simulator.settings) <= names


def test_naming_the_plugin_costs_no_cryptography():
    """``retender --help`` must not wait for it."""
    code = (
        "import sys, retender.plugins.alipay.plugin; "
        "print([m for m in ('cryptography', 'httpx', 'starlette', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
