"""The contract of stores leaves out no method of the port."""

import inspect

import pytest

from retender.ports import records
from retender.ports import unit_of_work as port
from retender.ports.attempts import Attempts
from retender.ports.backlog import Backlog
from retender.ports.orders import Orders
from retender.ports.refunds import Refunds
from retender.tests.contracts.store.deeds import DEEDS
from retender.tests.contracts.unit_of_work import UnitOfWorkContract

PARTS = {
    "orders": Orders,
    "attempts": Attempts,
    "refunds": Refunds,
    "inbox": records.Inbox,
    "attention": records.AttentionItems,
    "backlog": Backlog,
    "outbox": records.Outbox,
    "story": records.Story,
}
READ = {
    "orders.with_sums",
    "orders.get",
    "orders.by_id",
    "orders.open_under",
    "orders.past_deadline",
    "orders.expiring_without_live_attempts",
    "attempts.get",
    "attempts.by_number",
    "attempts.captures_of",
    "attempts.by_reference",
    "attempts.of_order",
    "attempts.with_order",
    "attempts.any_due",
    "refunds.get",
    "refunds.by_number",
    "refunds.of_order",
    "refunds.any_due",
    "outbox.any_due",
    "attention.get",
    "attention.all",
    "attention.open",
    "attention.open_of",
    "attention.open_about",
    "backlog.attempts",
    "backlog.refunds",
    "backlog.events",
    "backlog.over",
    "backlog.due",
    "backlog.size",
    "backlog.live_attempts",
    "backlog.overdue",
    "outbox.of_order",
    "story.of_order",
    "story.place",
}


def promised():
    return {
        f"{part}.{name}"
        for part, protocol in PARTS.items()
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def test_every_part_of_a_unit_of_work_is_known():
    assert set(PARTS) == {n for n, m in vars(port.Work).items() if isinstance(m, property)}


def test_every_method_either_reads_or_is_a_deed():
    """A new method of the port gets a deed, so that its rollback is tested too."""
    assert promised() == set(DEEDS) | READ
    assert not set(DEEDS) & READ


@pytest.mark.parametrize("method", sorted(promised()))
def test_every_method_is_called_by_the_contract(method):
    parts = inspect.getmro(UnitOfWorkContract)
    source = "".join(inspect.getsource(part) for part in parts if part is not object)
    assert f"work.{method}" in source or method in DEEDS


def test_a_store_cannot_drop_a_promise_without_a_word():
    with pytest.raises(TypeError, match="test_a_number_is_given_once"):
        type("TestLax", (UnitOfWorkContract,), {"test_a_number_is_given_once": None})


STRANGER = """
import pytest
from datetime import timedelta

from retender.adapters.memory.orders import MemoryOrders
from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.tests.contracts.store.samples import an_order
from retender.tests.contracts.unit_of_work import UnitOfWorkContract


@pytest.fixture(autouse=True)
def forget_numbers(monkeypatch):
    async def add(self, order):
        self.rows.orders[order.order_id] = order
        return True

    monkeypatch.setattr(MemoryOrders, "add", add)


class TestForgetful(UnitOfWorkContract):
    @pytest.fixture
    def unit_of_work(self):
        return MemoryUnitOfWork()
"""

SETTINGS = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


def test_a_stranger_sees_what_was_promised_and_what_came(pytester):
    """The kit's assertions show their values, in a project that knows nothing of ours."""
    pytester.makepyfile(STRANGER)
    pytester.makeini(SETTINGS)
    done = pytester.runpytest_subprocess("-k", "number_is_given_once or differ_in_case")
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(["*assert True is False*"])
