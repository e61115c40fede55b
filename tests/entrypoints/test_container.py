"""The container builds everything, closes it again, and can be told to use other parts."""

import asyncio
import importlib
import inspect
import pkgutil
import sys
from datetime import timedelta
from email.utils import format_datetime
from types import ModuleType, SimpleNamespace

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.http.transport import HttpxTransport
from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.adapters.time_budget import AsyncTimeBudget
from retender.domain import use_cases
from retender.domain.model.client_type import ClientType, Device
from retender.domain.model.errors import (
    ProviderUnavailable,
    ProviderUncertain,
    SetupError,
    UnknownName,
)
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.domain.model.switch_policy import SwitchPolicy
from retender.entrypoints.accounts import secrets_of
from retender.entrypoints.container import Container, open_container
from retender.entrypoints.settings import Settings
from retender.entrypoints.worker import Worker
from retender.plugins.hookspecs import hookimpl
from retender.ports.payment_provider import RefundOrder
from retender.tests.contracts.transport import asking
from retender.tests.contracts.transport_servers import answering, serving
from retender.tests.entrypoints.shop import SECRET, START, Clock, open_shop, settings_in

pytestmark = pytest.mark.asyncio

KIOSK = ClientType("kiosk", "Kiosk", Device.SCREEN, (PageKind.QR,))


def modules() -> list[ModuleType]:
    found = pkgutil.iter_modules(use_cases.__path__, f"{use_cases.__name__}.")
    return [importlib.import_module(each.name) for each in found]


def use_case_classes() -> dict[str, type]:
    """What can be done from outside: a verb in a file of its name, called by keywords alone."""
    found = {}
    for module in modules():
        name = module.__name__.rpartition(".")[2]
        verb = getattr(module, "".join(word.capitalize() for word in name.split("_")), None)
        call = vars(verb).get("__call__") if inspect.isclass(verb) else None
        if verb is None or not inspect.iscoroutinefunction(call):
            continue
        arguments = list(inspect.signature(call).parameters.values())[1:]
        if all(argument.kind is argument.KEYWORD_ONLY for argument in arguments):
            found[name] = verb
    return found


async def test_the_search_finds_the_use_cases():
    """Otherwise the next test would hold of nothing."""
    assert {"place_order", "pay_order", "take_notice", "check_refund"} <= set(use_case_classes())
    assert len(use_case_classes()) >= 15


@pytest.mark.parametrize("name", use_case_classes())
async def test_every_use_case_is_built(shop, name):
    built = getattr(shop.container, name)()
    assert type(built) is use_case_classes()[name]


async def test_every_part_is_built(shop):
    for name, provider in shop.container.providers.items():
        assert provider() is not None, name
    assert isinstance(shop.container.worker(), Worker)


async def test_settings_reach_the_policy(tmp_path):
    pay = {
        "grace_seconds": -60,
        "cutoff_seconds": 60,
        "watch_seconds": 90,
        "page_strategy": "ask_provider",
        "switch_policy": "none",
        "strict_over": {"JPY": 7},
        "asking_seconds": 30,
        "refresh_seconds": 1.5,
        "pay_within_seconds": 90,
    }
    container = Container(settings=settings_in(tmp_path, pay=pay, worker={"lease_seconds": 99}))
    policy = container.policy()
    assert policy.deadlines.grace.total_seconds() == -60
    assert policy.deadlines.cutoff.total_seconds() == 60
    assert policy.deadlines.watch.total_seconds() == 90
    assert (policy.page_strategy, policy.switch_policy) == ("ask_provider", SwitchPolicy.NONE)
    assert (policy.strict_over["JPY"], policy.asking_for.total_seconds()) == (Money(7, "JPY"), 30)
    for repairing in (container.pay_order(), container.close_order(), container.refund_payment()):
        budget = repairing.budget()
        assert isinstance(budget, AsyncTimeBudget)
        assert budget._within.total_seconds() == 1.5
    assert container.place_order().pay_within.total_seconds() == 90
    assert container.find_due_work().lease.total_seconds() == 99


async def test_whatever_plugin_calls_the_guard_is_between(tmp_path):
    async def dead(_request):
        raise ProviderUncertain("no answer in time")

    transport = {"breaker_failures": 2, "breaker_seconds": 0.5, "max_connections": 7}
    container = Container(
        settings=settings_in(tmp_path, transport=transport),
        transports=lambda _: dead,
        random=lambda: 1.0,
        clock=lambda: START,
        page_key=bytes(32),
    )
    provider = container.accounts().get("sandbox").provider
    order = RefundOrder(
        number="R0000001",
        charge_number="C0000001",
        provider_trade_no=None,
        paid=Money(1, "CNY"),
        amount=Money(1, "CNY"),
        reason="x",
        notify_url="https://shop.example",
    )
    for problem in (ProviderUncertain, ProviderUncertain, ProviderUnavailable):
        with pytest.raises(problem):
            await provider.query_refund(order)
    circuit = container.guards().circuits["sandbox"]
    assert circuit.open_until == START + timedelta(milliseconds=500)
    with pytest.raises(ProviderUnavailable):
        container.list_methods().check_reach("sandbox")
    assert container.guards().circuits["other"].state == "closed"


async def test_an_account_that_is_in_no_settings_is_a_witness_of_its_own(tmp_path):
    """Its attempts outlive it, and an embedder may bring accounts of its own."""
    container = Container(settings=settings_in(tmp_path), clock=lambda: START, page_key=bytes(32))
    clocks = container.gateway_clocks()
    for account in ("sandbox", "nobody"):
        for _ in range(2):
            late = format_datetime(START + timedelta(hours=1), usegmt=True)
            clocks.of(account).learn(late, asked_at=START)
    assert clocks.is_wrong()


async def test_what_an_accounts_gateway_answers_tells_payers_of_its_clock(tmp_path, caplog):
    """From the wire to the use cases, and to the watch that the settings choose."""
    settings = settings_in(tmp_path, pay={"watch_seconds": 90})
    container = Container(settings=settings, clock=lambda: START, page_key=bytes(32))
    date = format_datetime(START + timedelta(seconds=100), usegmt=True)
    async with container.exits(), serving(answering(200, b"{}", f"Date: {date}")) as server:
        for _ in range(2):
            await container.transports()("sandbox")(asking(server.url))
    for asking_for in (container.pay_order(), container.list_methods()):
        assert asking_for.clock.difference("sandbox") == timedelta(seconds=100)
        assert asking_for.clock.difference("other") == timedelta(0)
    assert "over pay.watch_seconds; nobody begins to pay there" in caplog.text


async def test_memory_is_a_database_too():
    async with open_container(Settings(database_url="memory:")) as container:
        assert isinstance(container.unit_of_work(), MemoryUnitOfWork)
        await container.store().check()
        assert container.unit_of_work() is container.unit_of_work()


async def test_the_embedded_database_needs_no_set_up(tmp_path):
    settings = settings_in(tmp_path)
    async with open_container(settings) as container:
        assert isinstance(container.unit_of_work(), SqlUnitOfWork)
        await container.store().check()
    async with open_container(settings) as again:
        await again.store().check()


async def test_the_tables_are_left_alone_if_one_asks_for_that(tmp_path):
    async with open_container(settings_in(tmp_path), upgrade=False) as container:
        with pytest.raises(SetupError, match="db upgrade"):
            await container.store().check()


async def test_what_is_written_is_there_after_the_container_was_closed(shop_settings):
    async with open_shop(shop_settings) as shop:
        await shop.place()
    async with open_shop(shop_settings) as shop:
        assert (await shop.story())["order"]["order_no"] == "o-1"


async def _fail_while_open(settings: Settings) -> None:
    async with open_container(settings) as container:
        container.accounts()
        raise ZeroDivisionError


async def test_all_that_was_opened_is_closed_even_after_an_error(tmp_path, mocker):
    connections = mocker.spy(HttpxTransport, "aclose")
    database = mocker.spy(AsyncEngine, "dispose")
    settings = settings_in(tmp_path)
    async with open_container(settings):
        upgrading = database.call_count
    database.reset_mock()
    with pytest.raises(ZeroDivisionError):
        await _fail_while_open(settings)
    assert connections.call_count == len(settings.accounts)
    assert database.call_count == upgrading + 1


async def test_other_parts_stand_in_everywhere(tmp_path):
    clock = Clock()
    async with open_container(settings_in(tmp_path), clock=clock) as container:
        assert container.place_order().clock is clock
        assert container.show_page().clock is clock
        assert container.new_id()()[:10] == container.new_id()()[:10], "ids follow that clock"


async def test_without_settings_nothing_is_built():
    with pytest.raises(Exception, match="settings"):
        Container().place_order()


# --- accounts -----------------------------------------------------------------------------------


def account(**more: object) -> dict[str, object]:
    return {"provider": "sandbox", "secret": SECRET, **more}


async def accounts_of(folder, **accounts: object):
    async with open_shop(settings_in(folder, accounts=accounts)) as shop:
        return shop.container.accounts()


async def test_accounts_come_in_the_order_of_the_settings(tmp_path):
    accounts = await accounts_of(
        tmp_path, b=account(), a=account(title="A shop", switch_policy="strict")
    )
    b, a = accounts.all()
    assert (b.name, b.title, b.switch_policy) == ("b", "Sandbox", None)
    assert (a.name, a.title, a.switch_policy) == ("a", "A shop", SwitchPolicy.STRICT)
    assert b.notify_url == "http://127.0.0.1:8000/v1/notices/b"
    with pytest.raises(UnknownName, match="There is: a, b"):
        accounts.get("c")


async def test_an_account_that_is_switched_off_is_drained(tmp_path):
    accounts = await accounts_of(tmp_path, a=account(), b=account(enabled=False))
    assert {each.name: each.drained for each in accounts.all()} == {"a": False, "b": True}


async def test_new_credentials_retire_the_old_pages_and_tell_nothing(tmp_path):
    first = (await accounts_of(tmp_path, a=account())).get("a").credentials_epoch
    again = (await accounts_of(tmp_path, a=account(title="New"))).get("a").credentials_epoch
    rotated = (await accounts_of(tmp_path, a=account(secret=f"{SECRET}2"))).get("a")
    named = (await accounts_of(tmp_path, a=account(credentials_epoch="7"))).get("a")
    assert first == again, "a title is no credential"
    assert rotated.credentials_epoch != first
    assert named.credentials_epoch == "7"
    assert SECRET not in first
    other = settings_in(tmp_path, accounts={"a": account()}, page_key="aa" * 32)
    async with open_shop(other) as shop:
        elsewhere = shop.container.accounts().get("a").credentials_epoch
    assert elsewhere != first, "keyed, so that nobody can try secrets against it"


async def test_another_page_key_is_told_as_that_and_not_as_other_credentials(shop_settings):
    """On the command line, over HTTP: wherever the story of the order is."""
    async with open_shop(shop_settings) as shop:
        await shop.place()
        await shop.page()
    other = shop_settings.model_copy(update={"page_key": SecretStr("aa" * 32)})
    async with open_shop(other) as shop:
        await shop.page()
        story = (await shop.story())["story"]
    (line,) = [each for each in story if each["kind"] == "page.not_reused"]
    assert line["facts"]["earlier"] == [{"idx": 1, "misfits": ["page_key"]}]
    assert "page key changed" in line["why"]
    assert "credentials" not in line["why"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"provider": "sandbx"}, ["'a'", "'sandbx'", "Did you mean 'sandbox'?"]),
        ({"provider": "sandbox"}, ["accounts.a of sandbox lacks secret", "secret_file"]),
        (
            {"provider": "sandbox", "secrt": "x"},
            ["accounts.a.secrt is no setting of sandbox", "Did you mean 'secret'?"],
        ),
        ({"provider": "sandbox", "secret": "short"}, ["'a'", "'secret'", "openssl"]),
    ],
)
async def test_a_wrong_account_is_named_with_the_way_out(tmp_path, wrong, words):
    with pytest.raises(SetupError) as caught:
        await accounts_of(tmp_path, a=wrong)
    assert [word for word in words if word not in caught.value.message] == []
    assert "short" not in caught.value.message.replace("shorter", "")


async def test_plugins_are_chosen_blocked_and_handed_in_by_the_settings(tmp_path):
    settings = settings_in(tmp_path, plugins={"only": ["mine"]})
    brings = hookimpl(lambda: [KIOSK])
    mine = SimpleNamespace(RETENDER_PLUGIN_API=1, register_client_types=brings)
    async with open_container(settings, more_plugins={"mine": mine}) as container:
        assert [client.code for client in container.client_types().all()] == ["kiosk"]
    blocked = settings_in(tmp_path, plugins={"block": ["sandbox"]})
    async with open_container(blocked) as container:
        with pytest.raises(SetupError, match="blocked"):
            container.accounts()


async def test_what_no_log_may_show_is_known():
    settings = Settings.model_validate(
        {
            "database_url": "postgresql+psycopg://shop:p%40ssword1@db/pay",
            "page_key": "0f" * 32,
            "accounts": {"a": account(merchant="me")},
        }
    )
    container = Container(settings=settings)
    hidden = set(secrets_of(settings, container.plugins()))
    assert hidden == {"p%40ssword1", "p@ssword1", "0f" * 32, SECRET}
    assert "me" not in container.secrets()


# --- one place ----------------------------------------------------------------------------------


async def test_settings_alone_import_no_framework_of_the_rest():
    """A command that only reads settings should not wait for databases and servers."""
    script = (
        "import sys, retender.entrypoints.settings_file\n"
        "heavy = {'sqlalchemy', 'fastapi', 'dependency_injector', 'httpx', 'structlog'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    found, _ = await process.communicate()
    assert (process.returncode, found.strip()) == (0, b"[]")


async def test_the_example_of_the_docstring_is_true():
    clock = Clock()
    async with open_container(Settings(database_url="memory:"), clock=clock) as container:
        place_order = container.place_order()
        placed = await place_order(
            order_no="o-1", user_id="u", subject="Tea", amount=Money(1, "CNY")
        )
    assert placed.order.created_at == clock.now


@pytest.mark.parametrize(
    ("gateway", "local"),
    [
        *(("http://127.0.0.1:8002", True), ("http://[::1]:8002", True)),
        *(("http://localhost", True), ("https://api.example.com", False)),
    ],
)
async def test_a_gateway_on_loopback_is_local(tmp_path, gateway, local):
    account = {"provider": "sandbox", "secret": SECRET, "gateway": gateway}
    container = Container(settings=settings_in(tmp_path, accounts={"sandbox": account}))
    assert container.accounts().get("sandbox").gateway_is_local is local
