"""Mistakes in what a human's word may do, and in whom a human is called for."""

from dataclasses import replace
from typing import Any

import pytest

from retender.domain.model import resolutions
from retender.domain.model import transition as transition_module
from retender.domain.model.attention import Resolution
from retender.domain.model.resolutions import options_of
from retender.domain.model.transition import RefundEvent, RefundState, transition
from retender.domain.steps import settle_refund
from retender.domain.steps.captured import captured
from retender.domain.use_cases import escalate, resolve_attention
from retender.domain.use_cases.resolve_attention import ResolveAttention
from retender.ports.payment_provider import Receipt, ReceiptState


def a_noted_misfit_pays(patch: pytest.MonkeyPatch) -> None:
    carry_out = ResolveAttention._carry_out

    async def gullible(self: ResolveAttention, work: Any, item: Any, ending: Any) -> None:
        await carry_out(self, work, item, ending)
        attempt = await work.attempts.get(item.subject)
        if ending.resolution is Resolution.NOTED and attempt is not None:
            paid = Receipt(
                number=attempt.number, state=ReceiptState.PAID, amount=attempt.charge.amount
            )
            more: Any = {"source": "human", "at": ending.at, "new_id": self.new_id}
            await captured(work, account=attempt.account, receipt=paid, **more)

    patch.setattr(ResolveAttention, "_carry_out", gullible)


def dead_while_it_can_be_paid(patch: pytest.MonkeyPatch) -> None:
    def only_if_it_is_over(attempt: Any, now: Any) -> str | None:
        del now
        return None if attempt.is_live else "it is over"

    patch.setattr(resolutions, "_why_not_dead", only_if_it_is_over)


def retried_beside_another(patch: pytest.MonkeyPatch) -> None:
    async def there_is_room(*_: Any) -> None:
        """Look at no other refund."""

    patch.setattr(resolve_attention, "_check_room", there_is_room)


def retried_under_another_number(patch: pytest.MonkeyPatch) -> None:
    send_again = resolve_attention._send_again

    async def renumbered(work: Any, refund: Any, **more: Any) -> bool:
        again = await send_again(work, refund, **more)
        rows = work.refunds.rows.refunds
        known = rows[refund.refund_no]
        rows[refund.refund_no] = replace(known, number=f"N{known.number}"[:20])
        return again

    patch.setattr(resolve_attention, "_send_again", renumbered)


def done_may_be_retried(patch: pytest.MonkeyPatch) -> None:
    row = transition(RefundEvent.RETRIED)
    loose = replace(row, sources=(*row.sources, RefundState.DONE))
    patch.setitem(transition_module._BY_EVENT, RefundEvent.RETRIED, loose)

    def all_of_them(*args: Any, **more: Any) -> Any:
        return tuple(replace(option, why_not=None) for option in options_of(*args, **more))

    patch.setattr(resolve_attention, "options_of", all_of_them)


def refunded_ends_the_call_alone(patch: pytest.MonkeyPatch) -> None:
    async def noted(*_: Any, **__: Any) -> bool:
        return True

    patch.setattr(resolve_attention, "confirm_refund", noted)


def nobody_is_called(patch: pytest.MonkeyPatch) -> None:
    async def in_vain(*_: Any) -> bool:
        return False

    patch.setattr(settle_refund, "open_attention", in_vain)
    patch.setattr(escalate, "open_attention", in_vain)


def calls_stand_for_ever(patch: pytest.MonkeyPatch) -> None:
    async def left(*_: Any) -> bool:
        return False

    patch.setattr(escalate, "settle_if_over", left)
