"""Mistakes in how money is given back."""

from dataclasses import replace
from typing import Any

import pytest

from retender.adapters.memory.refunds import MemoryRefunds
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import Refund
from retender.domain.model.transition import AttemptEvent, RefundEvent, RefundState
from retender.domain.steps import captured as captured_module
from retender.domain.steps import external_refund, further_capture, settle_refund
from retender.domain.use_cases import check_refund, refund_payment, take_notice
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.refund_payment import RefundPayment
from retender.ports.payment_provider import RefundReceiptState
from retender.tests.contracts.store.samples import CAUSE
from retender.tests.model import providers
from retender.tests.model.providers import RANDOM, REFUSED
from retender.tests.model.state import Fate


def surplus_without_a_refund(patch: pytest.MonkeyPatch) -> None:
    async def forget(self: Any) -> Outcome:
        await self._move(AttemptEvent.SURPLUS)
        return Outcome.SURPLUS

    patch.setattr(captured_module._Capture, "give_back", forget)


def refund_number_is_random(patch: pytest.MonkeyPatch) -> None:
    load = CheckRefund._load

    async def dice(self: CheckRefund, refund_no: str) -> Any:
        refund, order, account = await load(self, refund_no)
        return refund, replace(order, number=RANDOM), account

    patch.setattr(CheckRefund, "_load", dice)


def a_late_no_counts(patch: pytest.MonkeyPatch) -> None:
    move = MemoryRefunds.move

    async def whoever_says_so(self: Any, refund_no: str, event: Any, **more: Any) -> bool:
        if event is RefundEvent.FAILED and (refund := await self.get(refund_no)):
            more["held_until"] = refund.leased_until
        return await move(self, refund_no, event, **more)

    patch.setattr(MemoryRefunds, "move", whoever_says_so)


def sent_by_hand_without_a_lease(patch: pytest.MonkeyPatch) -> None:
    move = MemoryRefunds.move

    async def held_by_nobody(self: Any, refund_no: str, event: Any, **more: Any) -> bool:
        return await move(self, refund_no, event, **more | {"hold_until": None})

    patch.setattr(MemoryRefunds, "move", held_by_nobody)


def not_reached_is_refused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(providers, "UNAVAILABLE", REFUSED)


def accepted_is_done(patch: pytest.MonkeyPatch) -> None:
    meaning = {**providers._SAID_OF, Fate.PENDING: RefundReceiptState.DONE}
    patch.setattr(providers, "_SAID_OF", meaning)

    original = providers._refunded

    def hasty(call: Any, books: Any, fate: Any) -> Any:
        outcome = original(call, books, fate)
        receipt: Any = outcome.reply
        if outcome.kind == "s":
            return outcome._replace(reply=replace(receipt, state=RefundReceiptState.DONE))
        return outcome

    patch.setattr(providers, "_refunded", hasty)


def stuck_is_sent_under_another_number(patch: pytest.MonkeyPatch) -> None:
    ask = CheckRefund._ask

    async def again(
        self: CheckRefund, refund: Refund, order: Any, account: Any, held_until: Any
    ) -> Any:
        if refund.state is RefundState.STUCK:
            await account.provider.refund(replace(order, number=f"N{order.number}"))
        return await ask(self, refund, order, account, held_until)

    patch.setattr(CheckRefund, "_ask", again)


def given_up_is_taken_for_refused(patch: pytest.MonkeyPatch) -> None:
    ended = property(lambda refund: refund.state is not RefundState.STUCK)
    patch.setattr(Refund, "may_have_moved", ended)

    async def trust(*_: Any) -> None:
        """Ask nobody: the answer would show that it was not refused."""

    patch.setattr(RefundPayment, "_refresh_refused", trust)


def earlier_refunds_do_not_count(patch: pytest.MonkeyPatch) -> None:
    how_much = refund_payment._how_much
    patch.setattr(refund_payment, "_how_much", lambda order, _, amount: how_much(order, (), amount))


def nobody_says_that_it_is_stuck(patch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        """Tell nobody."""

    patch.setattr(settle_refund, "announce_refund", silent)


def a_lost_one_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    look_again = CheckRefund._look_again

    async def hasty(
        self: CheckRefund, refund: Refund, problem: Any, held_until: Any, **more: Any
    ) -> None:
        if more:  # its answer was lost, rather than the one to a question about it
            await self._again(refund, CAUSE, problem, held_until)
        else:
            await look_again(self, refund, problem, held_until)

    patch.setattr(CheckRefund, "_look_again", hasty)


def absence_is_believed_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Refund, "proves_absence", lambda *_: True)


def an_old_absence_counts(patch: pytest.MonkeyPatch) -> None:
    try_absent = settle_refund._try_what_is_absent

    async def of_whatever_send(work: Any, refund: Refund, *args: Any, **more: Any) -> None:
        found = await work.refunds.get(refund.refund_no)
        await try_absent(work, replace(refund, sent_at=found.sent_at), *args, **more)

    patch.setattr(settle_refund, "_try_what_is_absent", of_whatever_send)


def another_hand_is_not_heard(patch: pytest.MonkeyPatch) -> None:
    async def ignored(*_: Any, **__: Any) -> None:
        """Write nothing down."""

    patch.setattr(take_notice, "hear_of_one", ignored)


def done_is_done(patch: pytest.MonkeyPatch) -> None:
    async def ignored(*_: Any, **__: Any) -> None:
        """Doubt nothing."""

    patch.setattr(settle_refund, "_doubt", ignored)


def what_was_overtaken_is_done(patch: pytest.MonkeyPatch) -> None:
    async def counted(work: Any, refund: Refund, **more: Any) -> bool:
        return await settle_refund.confirm_refund(work, refund, cause=CAUSE, **more)

    patch.setattr(check_refund, "overtake", counted)
    patch.setattr(external_refund, "overtake", counted)


def further_captures_are_known(patch: pytest.MonkeyPatch) -> None:
    async def known(*_: Any, **__: Any) -> Outcome:
        return Outcome.KNOWN

    patch.setattr(captured_module, "known_already", known)


def a_further_one_names_the_payment(patch: pytest.MonkeyPatch) -> None:
    give_back = further_capture._give_back

    async def of_the_payment(work: Any, attempt: Any, capture: Any, **more: Any) -> bool:
        attempt = await work.attempts.get(attempt.attempt_id)
        named = replace(capture, provider_trade_no=attempt.provider_trade_no)
        return await give_back(work, attempt, named, **more)

    patch.setattr(further_capture, "_give_back", of_the_payment)
