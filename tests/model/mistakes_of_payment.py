"""Mistakes in how payments are opened, found out, elected and ended."""

from dataclasses import replace
from typing import Any

import pytest

from retender.adapters.memory.attempts import MemoryAttempts
from retender.adapters.memory.orders import MemoryOrders
from retender.domain.model import transition as transition_module
from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Source
from retender.domain.model.errors import ProviderError, ProviderRefused, Refusal
from retender.domain.model.order import LatePayment
from retender.domain.model.outcome import Outcome
from retender.domain.model.transition import (
    CAPTURED,
    ENDING,
    AttemptEvent,
    AttemptState,
    OrderEvent,
    OrderState,
    transition,
)
from retender.domain.steps import captured as captured_module
from retender.domain.steps import end_order, inquire
from retender.domain.steps.ask_for_page import AskForPage
from retender.domain.steps.leave_pages import LeavePages
from retender.domain.use_cases import expire_orders, pay_order
from retender.domain.use_cases.close_order import CloseOrder
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.take_notice import TakeNotice
from retender.ports.payment_provider import Receipt, ReceiptState
from retender.tests.contracts.store.samples import CAUSE
from retender.tests.model import providers
from retender.tests.model.providers import ModelProvider
from retender.tests.model.state import ORDER_NO


def nothing(patch: pytest.MonkeyPatch) -> None:
    """Change no code: the error is in the configuration."""


def absence_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Attempt, "proves_absence", lambda *_: True)


def judged_when_the_answer_is_read(patch: pytest.MonkeyPatch) -> None:
    from_receipt = captured_module.apply_receipt

    async def late(*args: Any, **more: Any) -> Outcome:
        return await from_receipt(*args, **{**more, "asked_at": more["at"]})

    patch.setattr(inquire, "apply_receipt", late)


def closed_attempts_are_deaf(patch: pytest.MonkeyPatch) -> None:
    deaf = (*CAPTURED, AttemptState.CLOSED)
    patch.setattr(captured_module, "CAPTURED", deaf)


def absence_is_believed_and_closed_is_deaf(patch: pytest.MonkeyPatch) -> None:
    absence_is_believed(patch)
    closed_attempts_are_deaf(patch)


def election_by_read_then_write(patch: pytest.MonkeyPatch) -> None:
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
                    source=Source.NOTICE,
                    at=self.clock(),
                    new_id=self.new_id,
                )
            await work.commit()

    patch.setattr(TakeNotice, "__call__", hear)


def closed_at_the_deadline(patch: pytest.MonkeyPatch) -> None:
    async def end(work: Any, order: Any, *, at: Any, new_id: Any) -> bool:
        del new_id
        return await work.orders.move(order.order_id, OrderEvent.NOTHING_LIVE, at=at, cause=CAUSE)

    async def all_expiring(self: MemoryOrders, limit: int) -> list[Any]:
        del limit
        return [o for o in self.rows.orders.values() if o.state in ENDING]

    patch.setattr(end_order, "end_if_nothing_live", end)
    patch.setattr(expire_orders, "end_if_nothing_live", end)
    patch.setattr(MemoryOrders, "expiring_without_live_attempts", all_expiring)


def time_out_is_a_refusal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(providers, "LOST", ProviderRefused(Refusal.REJECTED, provider_code="TIME_OUT"))


def page_is_kept_whatever_happened(patch: pytest.MonkeyPatch) -> None:
    async def keep(
        self: MemoryAttempts, attempt_id: str, opened: Any, until: Any, at: Any, *, asked_until: Any
    ) -> bool:
        del asked_until
        attempt = self.rows.attempts[attempt_id]
        kept = replace(attempt, state=AttemptState.OPEN, page=opened.page, page_until=until)
        self.rows.attempts[attempt_id] = replace(
            kept, next_check_at=until, opened_at=at, asking_until=None
        )
        return True

    patch.setattr(MemoryAttempts, "keep_page", keep)


def surplus_is_kept(patch: pytest.MonkeyPatch) -> None:
    async def swallow(self: Any) -> Outcome:
        await self._move(AttemptEvent.WON)
        return Outcome.KNOWN

    patch.setattr(captured_module._Capture, "give_back", swallow)
    patch.setattr(MemoryAttempts, "_refuse_second_winner", lambda *_: None)


def no_answer_to_a_close_is_closed(patch: pytest.MonkeyPatch) -> None:
    close = ModelProvider.close

    async def hopeful(self: ModelProvider, charge: Any) -> Receipt:
        try:
            return await close(self, charge)
        except ProviderError:
            return Receipt(number=charge.number, state=ReceiptState.CLOSED)

    patch.setattr(ModelProvider, "close", hopeful)


def nothing_to_close_is_closed(patch: pytest.MonkeyPatch) -> None:
    close = ModelProvider.close

    async def hopeful(self: ModelProvider, charge: Any) -> Receipt:
        receipt = await close(self, charge)
        if receipt.state is ReceiptState.NOT_FOUND:
            return replace(receipt, state=ReceiptState.CLOSED)
        return receipt

    patch.setattr(ModelProvider, "close", hopeful)


def row_after_the_call(patch: pytest.MonkeyPatch) -> None:
    keep = AskForPage._keep

    async def unwritten(
        self: PayOrder, order: Any, attempts: Any, request: Any, leave: LeavePages
    ) -> Any:
        del attempts
        async with self.unit_of_work() as work:
            attempt = await self._write_down(work, order, request, leave, None)
        return attempt, self.time_to_ask()

    async def late(self: AskForPage, asking: Any, opened: Any) -> Any:
        async with self.unit_of_work() as work:
            await work.attempts.add(asking.attempt)
            await work.commit()
        return await keep(self, asking, opened)

    patch.setattr(PayOrder, "_make", unwritten)
    patch.setattr(AskForPage, "_keep", late)


def a_paid_order_is_won_again(patch: pytest.MonkeyPatch) -> None:
    row = transition(OrderEvent.CAPTURED)
    loose = replace(row, sources=(*row.sources, OrderState.PAID))
    patch.setitem(transition_module._BY_EVENT, OrderEvent.CAPTURED, loose)
    patch.setattr(MemoryAttempts, "_refuse_second_winner", lambda *_: None)


def a_closed_order_is_won(patch: pytest.MonkeyPatch) -> None:
    row = transition(OrderEvent.CAPTURED)
    loose = replace(row, sources=(*row.sources, OrderState.CLOSED))
    patch.setitem(transition_module._BY_EVENT, OrderEvent.CAPTURED, loose)


def a_refused_repeat_is_believed(patch: pytest.MonkeyPatch) -> None:
    refused = AskForPage._refused

    async def gullible(self: AskForPage, asking: Any, no: Any) -> Any:
        return await refused(self, replace(asking, first=True), no)

    patch.setattr(AskForPage, "_refused", gullible)


def a_second_success_is_a_surplus(patch: pytest.MonkeyPatch) -> None:
    row = transition(AttemptEvent.SURPLUS)
    loose = replace(row, sources=(*row.sources, AttemptState.SUCCEEDED))
    patch.setitem(transition_module._BY_EVENT, AttemptEvent.SURPLUS, loose)
    patch.setattr(captured_module, "CAPTURED", ())


def nobody_says_that_it_is_paid(patch: pytest.MonkeyPatch) -> None:
    async def silent(self: Any) -> Outcome:
        await self._move(AttemptEvent.WON)
        return Outcome.WON

    patch.setattr(captured_module._Capture, "win", silent)


def orders_expire_for_ever(patch: pytest.MonkeyPatch) -> None:
    async def none(*_: Any) -> list[Any]:
        return []

    patch.setattr(MemoryOrders, "expiring_without_live_attempts", none)


def no_first_look_is_planned(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pay_order, "next_check", lambda *_: None)


def absence_after_presence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(captured_module, "_must_be_there", lambda *_: False)


def given_up_is_won(patch: pytest.MonkeyPatch) -> None:
    row = transition(OrderEvent.CAPTURED)
    loose = replace(row, sources=(*row.sources, OrderState.CANCELLING))
    patch.setitem(transition_module._BY_EVENT, OrderEvent.CAPTURED, loose)


def given_up_is_deaf(patch: pytest.MonkeyPatch) -> None:
    give_back = captured_module._Capture.give_back

    async def deaf(self: Any) -> Outcome:
        order = await self.work.orders.by_id(self.attempt.order_id)
        if order.late_payment is LatePayment.REFUND:
            return Outcome.NOTHING
        return await give_back(self)

    patch.setattr(captured_module._Capture, "give_back", deaf)


def the_last_word_counts(patch: pytest.MonkeyPatch) -> None:
    async def admitted(_: Any, work: Any, order_no: str, *__: Any) -> Any:
        return replace(await work.orders.get(order_no), late_payment=None)

    row = transition(OrderEvent.GIVEN_UP)
    loose = replace(row, sources=(*row.sources, OrderState.CANCELLING))
    patch.setitem(transition_module._BY_EVENT, OrderEvent.GIVEN_UP, loose)
    patch.setattr(CloseOrder, "_admitted", admitted)


def asked_again_whatever_the_terms_say(patch: pytest.MonkeyPatch) -> None:
    def nothing_is_stored(*_: Any) -> None:
        """Hand out no page that the provider did not just make."""

    patch.setattr(PayOrder, "_stored", nothing_is_stored)
