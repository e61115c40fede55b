"""Settings that reach nothing promise what is not so: each one's value is seen where it acts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from retender.adapters.http.transport import HttpxTransport
from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.domain.model.money import Money
from retender.entrypoints.cli.main import app
from retender.entrypoints.container import Container
from retender.entrypoints.http.app import create_app
from retender.entrypoints.settings import Settings
from retender.tests.entrypoints.shop import PAGE_KEY, settings_in


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def _transport(container: Container) -> Any:
    made = container.transports()("sandbox")
    assert isinstance(made, HttpxTransport)
    return made._limits


def _bounds(container: Container) -> Any:
    (bounded,) = [
        each for each in create_app(container).user_middleware if "most_notice" in each.kwargs
    ]
    return bounded.kwargs


def _url(container: Container) -> str:
    store = container.store().unit_of_work
    assert isinstance(store, SqlUnitOfWork)
    return str(store._engine.url.database)


@dataclass(frozen=True)
class Seen:
    """A value unlike the default, and the places at which it is seen."""

    value: object
    places: Callable[[Container], list[object]]
    as_seen: object


def _leases(container: Container) -> list[object]:
    return [
        container.find_due_work().lease,
        container.refund_payment().lease,
        container.check_refund().lease,
        container.announce_events().lease,
        container.worker()._check_refund.lease,
        container.worker()._announce_events.lease,
    ]


def _budgets(container: Container) -> list[object]:
    return [
        repairing.budget.args[0]  # type: ignore[attr-defined]  # a partial of the real one
        for repairing in (
            container.pay_order(),
            container.close_order(),
            container.refund_payment(),
        )
    ]


SEEN: dict[str, Seen] = {
    "public_url": Seen(
        "https://pay.example.org",
        lambda c: [c.policy().pages_at, c.accounts().get("sandbox").notify_url.split("v1")[0]],
        None,
    ),
    "pay.pay_within_seconds": Seen(90, lambda c: [c.place_order().pay_within], seconds(90)),
    "pay.page_strategy": Seen(
        "ask_provider", lambda c: [c.pay_order().policy.page_strategy], "ask_provider"
    ),
    "pay.switch_policy": Seen("none", lambda c: [c.pay_order().policy.switch_policy], "none"),
    "pay.strict_over": Seen(
        {"JPY": "7"}, lambda c: [c.pay_order().policy.strict_over["JPY"]], Money(7, "JPY")
    ),
    "pay.grace_seconds": Seen(61, lambda c: [c.pay_order().policy.deadlines.grace], seconds(61)),
    "pay.cutoff_seconds": Seen(7, lambda c: [c.pay_order().policy.deadlines.cutoff], seconds(7)),
    "pay.watch_seconds": Seen(
        121,
        lambda c: [c.pay_order().policy.deadlines.watch, c.gateway_clocks()._deadlines.watch],
        seconds(121),
    ),
    "pay.asking_seconds": Seen(30, lambda c: [c.pay_order().policy.asking_for], seconds(30)),
    "pay.refresh_seconds": Seen(1.5, _budgets, seconds(1.5)),
    "worker.interval_seconds": Seen(7, lambda c: [c.worker()._interval], seconds(7)),
    "worker.batch": Seen(3, lambda c: [c.worker()._batch], 3),
    "worker.lease_seconds": Seen(99, _leases, seconds(99)),
    "worker.stop_seconds": Seen(3, lambda c: [c.worker()._stop_within], seconds(3)),
    "attention.unknown_seconds": Seen(61, lambda c: [c.escalate().patience.attempts], seconds(61)),
    "attention.refund_seconds": Seen(62, lambda c: [c.escalate().patience.refunds], seconds(62)),
    "attention.untold_seconds": Seen(63, lambda c: [c.escalate().patience.events], seconds(63)),
    "plugins.only": Seen(("sandbox",), lambda c: [tuple(c.plugins().providers)], ("sandbox",)),
    "plugins.block": Seen(
        ("alipay",), lambda c: ["alipay" in c.plugins().providers], as_seen=False
    ),
    "transport.connect_seconds": Seen(
        2, lambda c: [_transport(c).connect_within, c.guards()._limits.wait_within], seconds(2)
    ),
    "transport.read_seconds": Seen(3, lambda c: [_transport(c).read_within], seconds(3)),
    "transport.total_seconds": Seen(12, lambda c: [_transport(c).answer_within], seconds(12)),
    "transport.max_connections": Seen(
        7, lambda c: [_transport(c).connections_max, c.guards()._limits.calls_max], 7
    ),
    "transport.max_bytes": Seen(70_000, lambda c: [_transport(c).body_max_bytes], 70_000),
    "transport.breaker_failures": Seen(2, lambda c: [c.guards()._limits.failures], 2),
    "transport.breaker_seconds": Seen(4, lambda c: [c.guards()._limits.cool_off], seconds(4)),
    "transport.breaker_max_seconds": Seen(
        77, lambda c: [c.guards()._limits.cool_off_max], seconds(77)
    ),
    "http.max_body_bytes": Seen(70_001, lambda c: [_bounds(c)["most"]], 70_001),
    "http.max_notice_bytes": Seen(70_002, lambda c: [_bounds(c)["most_notice"]], 70_002),
    "database_url": Seen("sqlite:////tmp/other.db", lambda c: [_url(c)], "/tmp/other.db"),  # noqa: S108 - never opened
    "page_key": Seen("11" * 32, lambda c: [c.page_key()], bytes.fromhex("11" * 32)),
}

ELSEWHERE = {
    "http.host": "tests/entrypoints/test_settings_reach.py",
    "http.port": "tests/entrypoints/test_settings_reach.py",
    "log.level": "tests/entrypoints/test_logs.py",
    "log.format": "tests/entrypoints/test_logs.py",
    "page_key_file": "tests/entrypoints/test_settings_reach.py",
    "accounts": "tests/entrypoints/test_container.py",
}
"""Where the container has no part in it, and which tests see it act."""


def leaves(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def test_every_setting_is_seen_somewhere():
    """A new one gets a place at which it is seen, or a test that sees it act."""
    assert set(leaves(Settings)) == set(SEEN) | set(ELSEWHERE)
    here = Path(__file__).parents[2]
    for name, test in ELSEWHERE.items():
        assert name.rpartition(".")[2] in (here / test).read_text(), f"{test} has no {name}"


def nested(path: str, value: object) -> dict[str, object]:
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("path", SEEN)
def test_its_value_is_seen_where_it_acts(path, tmp_path):
    seen = SEEN[path]
    container = Container(settings=settings_in(tmp_path, **nested(path, seen.value)))
    found = seen.places(container)
    assert found
    if path == "public_url":
        assert found == [f"{seen.value}/pages/", f"{seen.value}/"]
    else:
        assert found == [seen.as_seen] * len(found)


@pytest.mark.parametrize("path", [path for path in SEEN if path != "page_key"])
def test_its_value_is_not_the_default(path, tmp_path):
    """Else it would be seen where nothing carries it."""
    seen = SEEN[path]
    usual = seen.places(Container(settings=settings_in(tmp_path)))
    assert seen.as_seen not in usual or path == "public_url"


def test_the_key_of_pages_may_come_from_a_file(tmp_path):
    file = tmp_path / "page-key"
    file.write_text("22" * 32)
    settings = settings_in(tmp_path, page_key=None, page_key_file=str(file))
    assert Container(settings=settings).page_key() == bytes.fromhex("22" * 32)


def test_the_server_listens_where_the_settings_say(tmp_path, mocker):
    listen = mocker.patch("retender.entrypoints.listening.listen", side_effect=OSError)
    file = tmp_path / "retender.toml"
    file.write_text(
        f'database_url = "sqlite:///{tmp_path}/a.db"\n[http]\nhost = "127.0.0.2"\nport = 8099\n'
    )
    CliRunner().invoke(app, ["--config", str(file), "serve"])
    assert listen.call_args.args == ("127.0.0.2", 8099)


def test_the_key_of_pages_is_not_the_samples():
    assert SEEN["page_key"].value != PAGE_KEY
