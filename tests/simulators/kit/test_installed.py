"""A simulator is found by its entry point, by its provider's name, and loaded only then."""

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest

from retender.domain.model.errors import SetupError, UnknownName
from retender.simulators.alipay.simulator import create_simulator as simulate_alipay
from retender.simulators.kit.installed import installed_simulators, load_simulator
from retender.simulators.kit.sending import HttpSender
from retender.simulators.sandbox.simulator import create_simulator as simulate_sandbox
from retender.simulators.wechat_pay.simulator import create_simulator as simulate_wechat_pay

OURS = {
    "alipay": simulate_alipay,
    "sandbox": simulate_sandbox,
    "wechat_pay": simulate_wechat_pay,
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution that brings a simulator, on the path of this test alone."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(package: str, provider: str, code: str) -> None:
        (tmp_path / f"tmp_{package}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        info = tmp_path / f"{package}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2.3\n")
        (info / "entry_points.txt").write_text(
            f"[retender.simulators]\n{provider} = tmp_{package}:make\n"
        )

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("tmp_"):
            del sys.modules[name]


@pytest.mark.parametrize("provider", OURS)
def test_ours_are_found_as_a_strangers_are(provider):
    assert provider in installed_simulators()
    loaded: object = load_simulator(provider)
    assert loaded is OURS[provider]


def test_a_stranger_brings_one_by_an_entry_point_alone(install):
    install("acme", "acme_pay", "def make(base_url, **options): return base_url, options")
    assert "acme_pay" in installed_simulators()
    sender = HttpSender()
    made: object = load_simulator("acme_pay")("http://127.0.0.1:9", send=sender)
    assert made == ("http://127.0.0.1:9", {"send": sender})
    asyncio.run(sender.aclose())


def test_listing_them_imports_none(install):
    install("acme", "acme_pay", "raise AssertionError('only to play the gateway')")
    assert {"acme_pay", *OURS} <= set(installed_simulators())


def test_an_unknown_one_is_guessed_at():
    with pytest.raises(UnknownName, match=r"Did you mean 'alipay'.*sandbox, wechat_pay") as error:
        load_simulator("alipai")
    assert error.value.code == "SIMULATOR_UNKNOWN"


def test_one_that_cannot_be_imported_is_named_with_its_package(install):
    install("acme", "acme_pay", "import nothing_of_that_name")
    with pytest.raises(SetupError, match=r"acme 1\.2\.3, .*No module named 'nothing_of_that_name'"):
        load_simulator("acme_pay")


def test_two_of_one_provider_are_both_named(install):
    install("acme", "sandbox", "def make(base_url, **options): ...")
    with pytest.raises(SetupError, match="Uninstall one of them") as error:
        load_simulator("sandbox")
    assert "acme 1.2.3" in error.value.message
    assert "retender" in error.value.message


def test_loading_every_plugin_loads_no_simulator():
    code = (
        "import sys; from retender.plugins.host import load_plugins; load_plugins();"
        "print([name for name in sys.modules if name.startswith('retender.simulators')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
