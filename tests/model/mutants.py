"""Mutants: deliberate errors in production's own pieces, and what each of them must break."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from retender.adapters.memory.attempts import MemoryAttempts
from retender.adapters.memory.orders import MemoryOrders
from retender.domain.model import transition as transition_module
from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import ProviderError, ProviderRefused, Refusal
from retender.domain.model.transition import (
    CAPTURED,
    AttemptEvent,
    AttemptState,
    OrderEvent,
    OrderState,
    transition,
)
from retender.domain.use_cases import captured as captured_module
from retender.domain.use_cases import end_order, expire_orders, find_out
from retender.domain.use_cases.ask_for_page import AskForPage
from retender.domain.use_cases.captured import Outcome
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.leave_pages import LeavePages
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.take_notice import TakeNotice
from retender.ports.accounts import SwitchPolicy
from retender.ports.payment_provider import Receipt, ReceiptState
from retender.tests.model import world
from retender.tests.model.configurations import NEVER, ONE_EAGER, ONE_LAZY
from retender.tests.model.explorer import Explorer, Report
from retender.tests.model.providers import RANDOM, ModelProvider
from retender.tests.model.state import ORDER_NO
from retender.tests.model.world import Rules

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """One deliberate error, the invariant that it breaks, and where it shows."""

    name: str
    breaks: str
    rules: Rules
    plant: Patch


def hunt(mutant: Mutant) -> Report:
    """Explore with the error in place, until it has broken what it must break."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.plant(patch)
        return Explorer(mutant.rules).run(until=mutant.breaks)


ONE = replace(ONE_LAZY, hands=1)
ONE_QUIET = replace(ONE_EAGER, name="one attempt, eager, quiet", hands=1, cancels=False)
TWO = Rules(name="two attempts", hands=1, losses=NEVER, deaths=NEVER)
TWO_NONE = replace(TWO, name="two attempts, none", policy=SwitchPolicy.NONE)
TWO_AT_ONCE = replace(TWO_NONE, name="two attempts, none, two hands", hands=2, janitor=False)
TWO_STRICT = replace(TWO, name="two attempts, strict", policy=SwitchPolicy.STRICT)


def _nothing(patch: pytest.MonkeyPatch) -> None:
    """Change no code: the error is in the configuration."""


def _absence_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Attempt, "proves_absence", lambda *_: True)


def _judged_when_the_answer_is_read(patch: pytest.MonkeyPatch) -> None:
    from_receipt = captured_module.weigh

    async def late(*args: Any, **more: Any) -> Outcome:
        return await from_receipt(*args, **{**more, "asked_at": more["at"]})

    patch.setattr(find_out, "weigh", late)


def _closed_attempts_are_deaf(patch: pytest.MonkeyPatch) -> None:
    deaf = (*CAPTURED, AttemptState.CLOSED)
    patch.setattr(captured_module, "CAPTURED", deaf)


def _absence_is_believed_and_closed_is_deaf(patch: pytest.MonkeyPatch) -> None:
    _absence_is_believed(patch)
    _closed_attempts_are_deaf(patch)


def _election_by_read_then_write(patch: pytest.MonkeyPatch) -> None:
    async def hear(self: TakeNotice, *, account: str, raw: Any) -> None:
        number = raw.body.decode()
        async with self.unit_of_work(read_only=True) as work:
            order = await work.orders.get(ORDER_NO)
        async with self.unit_of_work() as work:
            attempt = await work.attempts.by_number(account, number)
            assert order is not None
            assert attempt is not None
            if order.state in (OrderState.NEW, OrderState.EXPIRING):
                won = replace(order, state=OrderState.PAID, winner=attempt.attempt_id)
                rows: Any = work.orders
                rows.rows.orders[order.order_id] = won
                paid = replace(attempt, state=AttemptState.SUCCEEDED, next_check_at=None)
                rows.rows.attempts[attempt.attempt_id] = paid
            else:
                notice = (await self.accounts.get(account).provider.parse_notice(raw)).receipt
                assert notice is not None
                await captured_module.captured(
                    work,
                    account=account,
                    receipt=notice,
                    source="notice",
                    at=self.clock(),
                    new_id=self.new_id,
                )
            await work.commit()

    patch.setattr(TakeNotice, "__call__", hear)


def _closed_at_the_deadline(patch: pytest.MonkeyPatch) -> None:
    async def end(work: Any, order: Any, *, at: Any, new_id: Any) -> bool:
        del new_id
        return await work.orders.move(order.order_id, OrderEvent.NOTHING_LIVE, at=at, why="late")

    async def all_expiring(self: MemoryOrders, limit: int) -> list[Any]:
        del limit
        return [o for o in self.rows.orders.values() if o.state is OrderState.EXPIRING]

    patch.setattr(end_order, "end_if_nothing_live", end)
    patch.setattr(expire_orders, "end_if_nothing_live", end)
    patch.setattr(MemoryOrders, "expiring_without_live_attempts", all_expiring)


def _time_out_is_a_refusal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(world, "LOST", ProviderRefused(Refusal.REJECTED, provider_code="TIME_OUT"))


def _page_is_kept_whatever_happened(patch: pytest.MonkeyPatch) -> None:
    async def keep(self: MemoryAttempts, attempt_id: str, page: Any, until: Any, at: Any) -> bool:
        del at
        attempt = self.rows.attempts[attempt_id]
        opened = replace(attempt, state=AttemptState.OPEN, page=page, page_until=until)
        self.rows.attempts[attempt_id] = replace(opened, next_check_at=until, asking_until=None)
        return True

    patch.setattr(MemoryAttempts, "keep_page", keep)


def _surplus_is_kept(patch: pytest.MonkeyPatch) -> None:
    async def swallow(self: Any) -> Outcome:
        await self._move(AttemptEvent.WON)
        return Outcome.KNOWN

    patch.setattr(captured_module._Capture, "give_back", swallow)
    patch.setattr(MemoryAttempts, "_refuse_second_winner", lambda *_: None)


def _surplus_without_a_refund(patch: pytest.MonkeyPatch) -> None:
    async def forget(self: Any) -> Outcome:
        await self._move(AttemptEvent.SURPLUS)
        return Outcome.SURPLUS

    patch.setattr(captured_module._Capture, "give_back", forget)


def _refund_number_is_random(patch: pytest.MonkeyPatch) -> None:
    load = CheckRefund._load

    async def dice(self: CheckRefund, refund_no: str) -> Any:
        refund, order, account = await load(self, refund_no)
        return refund, replace(order, number=RANDOM), account

    patch.setattr(CheckRefund, "_load", dice)


def _no_answer_to_a_close_is_closed(patch: pytest.MonkeyPatch) -> None:
    close = ModelProvider.close

    async def hopeful(self: ModelProvider, charge: Any) -> Receipt:
        try:
            return await close(self, charge)
        except ProviderError:
            return Receipt(number=charge.number, state=ReceiptState.CLOSED)

    patch.setattr(ModelProvider, "close", hopeful)


def _nothing_to_close_is_closed(patch: pytest.MonkeyPatch) -> None:
    close = ModelProvider.close

    async def hopeful(self: ModelProvider, charge: Any) -> Receipt:
        receipt = await close(self, charge)
        if receipt.state is ReceiptState.NOT_FOUND:
            return replace(receipt, state=ReceiptState.CLOSED)
        return receipt

    patch.setattr(ModelProvider, "close", hopeful)


def _row_after_the_call(patch: pytest.MonkeyPatch) -> None:
    keep = AskForPage._keep

    async def unwritten(
        self: PayOrder, order: Any, attempts: Any, wish: Any, leave: LeavePages
    ) -> Any:
        del attempts
        async with self.unit_of_work() as work:
            return await self._write_down(work, order, wish, leave)

    async def always(*_: Any, **__: Any) -> bool:
        return True

    async def late(self: AskForPage, order: Any, attempt: Any, account: Any, page: Any) -> Any:
        async with self.unit_of_work() as work:
            await work.attempts.add(attempt)
            await work.commit()
        return await keep(self, order, attempt, account, page)

    patch.setattr(PayOrder, "_make", unwritten)
    patch.setattr(AskForPage, "_claim", always)
    patch.setattr(AskForPage, "_keep", late)


def _a_paid_order_is_won_again(patch: pytest.MonkeyPatch) -> None:
    row = transition(OrderEvent.CAPTURED)
    loose = replace(row, sources=(*row.sources, OrderState.PAID))
    patch.setitem(transition_module._BY_EVENT, OrderEvent.CAPTURED, loose)
    patch.setattr(MemoryAttempts, "_refuse_second_winner", lambda *_: None)


MUTANTS = (
    Mutant("no worker ever looks", "L2", replace(ONE_QUIET, janitor=False), _nothing),
    Mutant("not found is believed at once", "I6", ONE, _absence_is_believed),
    Mutant("not found is believed at once, under strict", "S", TWO_STRICT, _absence_is_believed),
    Mutant("judged when the answer is read", "I2", ONE, _judged_when_the_answer_is_read),
    Mutant(
        "not found is believed, closed attempts are deaf",
        "I2",
        ONE,
        _absence_is_believed_and_closed_is_deaf,
    ),
    Mutant("winner by read, then write", "I7", TWO_AT_ONCE, _election_by_read_then_write),
    Mutant("order closed at its deadline, attempts live", "I6", ONE_QUIET, _closed_at_the_deadline),
    Mutant("a time-out is a refusal", "I2", ONE_QUIET, _time_out_is_a_refusal),
    Mutant("a page is kept whatever happened", "T", TWO, _page_is_kept_whatever_happened),
    Mutant("a surplus counts as a success", "I1", TWO_NONE, _surplus_is_kept),
    Mutant("a surplus without a refund", "L2", TWO_NONE, _surplus_without_a_refund),
    Mutant(
        "a random refund number for each send",
        "I5",
        replace(TWO_NONE, losses=frozenset({"refund"})),
        _refund_number_is_random,
    ),
    Mutant("no answer to a close is closed", "I2", ONE, _no_answer_to_a_close_is_closed),
    Mutant("nothing to close is closed", "I2", TWO, _nothing_to_close_is_closed),
    Mutant("the row is written after the call", "I2", ONE_QUIET, _row_after_the_call),
    Mutant("a paid order is won again", "I1", TWO_NONE, _a_paid_order_is_won_again),
    Mutant("clocks differ by more than the watch", "I2", replace(ONE, late_clocks=True), _nothing),
)
