"""
Mistakes: deliberate errors in the protocol, each a set of patches of production code.

They are switched on for one run, from here alone; what ships knows nothing of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql import attempts as attempts_in_sql
from retender.adapters.sql import orders as orders_in_sql
from retender.adapters.sql.attempts import SqlAttempts
from retender.adapters.sql.leases import among
from retender.adapters.sql.orders import SqlOrders
from retender.adapters.sql.records import SqlOutbox
from retender.adapters.sql.refunds import SqlRefunds
from retender.adapters.sql.tables import attempts, orders, outbox
from retender.domain.model import transition as table
from retender.domain.model.attempt import Attempt, next_check
from retender.domain.model.errors import StoreBusy
from retender.domain.model.money import Money
from retender.domain.model.outcome import Outcome
from retender.domain.model.switch_policy import SwitchPolicy
from retender.domain.model.transition import AttemptEvent, AttemptState, OrderEvent, OrderState
from retender.domain.steps import captured, inquire, settle_refund
from retender.domain.steps.ask_for_page import AskForPage
from retender.domain.steps.inquire import Inquire
from retender.domain.steps.leave_pages import LeavePages
from retender.domain.use_cases import (
    announce_events,
    check_attempt,
    check_refund,
    close_order,
    expire_orders,
    refund_payment,
)
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.find_due_work import FindDueWork
from retender.domain.use_cases.pay_order import PayOrder
from retender.plugins.alipay import notices as alipay_notices
from retender.plugins.sandbox import provider as sandbox_provider
from retender.plugins.wechat_pay import signing as wechat_signing
from retender.ports.payment_provider import RefundReceipt, RefundReceiptState
from retender.tests.contracts.store.samples import CAUSE
from retender.tests.simulation.town import Town

Patch = Any  # what ``unittest.mock.patch`` returns has no name of its own

NEVER = timedelta(days=3650)

_ATTEMPT_GONE = "the mutant took the attempt away"


@contextmanager
def _row(event: OrderEvent | AttemptEvent, **changes: object) -> Iterator[None]:
    """Change one row of the transition table, and the statement that was built of it."""
    row = replace(table.transition(event), **changes)  # type: ignore[arg-type]  # by name
    if isinstance(event, OrderEvent):
        moves: dict[Any, Any] = orders_in_sql._MOVE
        move = orders_in_sql._HOLD.where(among(orders.c.state, row.sources))
    else:
        moves = attempts_in_sql._MOVE
        move = attempts_in_sql._CHANGE.where(among(attempts.c.state, row.sources))
    with patch.dict(table._BY_EVENT, {event: row}), patch.dict(moves, {event: move}):
        yield


# --- asking and believing ---


def no_janitor() -> list[Patch]:
    find = FindDueWork.__call__

    async def no_attempts(self, **limits):
        return replace(await find(self, **limits), attempt_ids=())

    return [patch.object(FindDueWork, "__call__", no_attempts)]


def janitor_gives_up() -> list[Patch]:
    plan = next_check

    def until_tired(attempt, now):
        return now + NEVER if attempt.checks > 4 else plan(attempt, now)

    return [patch.object(check_attempt, "next_check", until_tired)]


def absence_is_death() -> list[Patch]:
    return [patch.object(Attempt, "proves_absence", lambda _self, _asked_at: True)]


def closed_are_deaf() -> list[Patch]:
    deaf = (*table.CAPTURED, AttemptState.CLOSED)
    return [*absence_is_death(), patch.object(captured, "CAPTURED", deaf)]


def failed_close_is_closed() -> list[Patch]:
    ask = Inquire._settled

    async def trusting(self, provider, attempt, verb):
        receipt = await ask(self, provider, attempt, verb)
        if receipt is None and verb == "close":
            async with self.unit_of_work() as work:
                await work.attempts.move(
                    attempt.attempt_id, AttemptEvent.PROVEN_DEAD, at=self.clock(), cause=CAUSE
                )
                await work.commit()
        return receipt

    return [patch.object(Inquire, "_settled", trusting)]


def unknown_is_refused() -> list[Patch]:
    left = AskForPage._left_uncertain

    async def as_refusal(self, asking, why):
        await left(self, asking, why)
        await self._move(asking.attempt, AttemptEvent.REFUSED, "mutant")

    return [patch.object(AskForPage, "_left_uncertain", as_refusal)]


def late_question_counts() -> list[Patch]:
    apply_receipt = captured.apply_receipt

    async def by_the_answer(work, attempt, receipt, *, asked_at, at, **more):
        del asked_at
        return await apply_receipt(work, attempt, receipt, asked_at=at, at=at, **more)

    return [patch.object(inquire, "apply_receipt", by_the_answer)]


def amounts_unchecked() -> list[Patch]:
    return [patch.object(captured, "_misfit", lambda _attempt, _receipt: None)]


# --- asking for pages ---


def amounts_through_a_float() -> list[Patch]:
    def parse(text: str, currency: str) -> Money:
        return Money(int(float(text) * 100), currency)

    return [patch.object(Money, "parse", parse)]


def cancelled_is_paid() -> list[Patch]:
    sources = (OrderState.NEW, OrderState.EXPIRING, OrderState.CANCELLING)
    return [_row(OrderEvent.CAPTURED, sources=sources)]


def written_after_the_call() -> list[Patch]:
    async def make(self, order, attempts, request, leave):
        self._solve(order, request)
        await leave(order, attempts)
        async with self.unit_of_work() as work:
            attempt = await self._write_down(work, order, request, leave, None)  # and not committed
        if attempt is None:
            return None, None
        await request.account.provider.open(attempt.charge)
        async with self.unit_of_work() as work:
            kept = await work.orders.hold_new(order.order_id, self.clock())
            kept = kept and await work.attempts.add(attempt)
            await work.commit()
        return (attempt, self.time_to_ask()) if kept else (None, None)

    return [patch.object(PayOrder, "_make", make)]


def expiry_is_relative() -> list[Patch]:
    ask = AskForPage.__call__

    async def anew(self, order, attempt, account, *, begun):
        charge = attempt.charge
        if begun is None:
            lasts = charge.expires_at - charge.created_at
            expires_at = (self.clock() + lasts).replace(microsecond=0)
            charge = replace(charge, expires_at=expires_at)
        return await ask(self, order, replace(attempt, charge=charge), account, begun=begun)

    return [patch.object(AskForPage, "__call__", anew)]


def strict_is_a_choice() -> list[Patch]:
    return [patch.object(LeavePages, "policy_for", lambda _self, _a: SwitchPolicy.BEST_EFFORT)]


def strict_does_not_look_again() -> list[Patch]:
    """Ask for a close and go on, whatever came of it."""
    strictly = LeavePages.policy_for

    def policy_for(self, attempt):
        closing = attempt.state is AttemptState.CLOSING
        return SwitchPolicy.BEST_EFFORT if closing else strictly(self, attempt)

    return [patch.object(LeavePages, "policy_for", policy_for)]


# --- electing and ending ---


def last_writer_wins() -> list[Patch]:
    return [
        _row(OrderEvent.CAPTURED, sources=(OrderState.NEW, OrderState.EXPIRING, OrderState.PAID))
    ]


def closed_orders_take_money() -> list[Patch]:
    every = (OrderState.NEW, OrderState.EXPIRING, OrderState.CLOSED)
    return [_row(OrderEvent.CAPTURED, sources=every)]


def late_evidence_is_refunded() -> list[Patch]:
    return [_row(OrderEvent.CAPTURED, sources=(OrderState.NEW,))]


def closed_at_the_deadline() -> list[Patch]:
    return [_row(OrderEvent.DEADLINE_PASSED, target=OrderState.CLOSED)]


def closed_with_live_pages() -> list[Patch]:
    async def end(work, order, *, at, **_):
        return await work.orders.move(order.order_id, OrderEvent.NOTHING_LIVE, at=at, cause=CAUSE)

    async def all_expiring(self, limit):
        ids = select(orders.c.order_id).where(orders.c.state == OrderState.EXPIRING).limit(limit)
        return [await self.by_id(order_id) for (order_id,) in await self.connection.execute(ids)]

    return [
        patch.object(expire_orders, "end_if_nothing_live", end),
        patch.object(close_order, "end_if_nothing_live", end),
        patch.object(SqlOrders, "expiring_without_live_attempts", all_expiring),
    ]


def winner_is_a_surplus() -> list[Patch]:
    row = table.transition(AttemptEvent.SURPLUS)
    return [
        patch.object(captured, "CAPTURED", ()),
        _row(AttemptEvent.SURPLUS, sources=(*row.sources, AttemptState.SUCCEEDED)),
    ]


# --- giving back ---


def surplus_is_swallowed() -> list[Patch]:
    async def ignore(_self):
        return Outcome.KNOWN

    return [patch.object(captured._Capture, "give_back", ignore)]


def surplus_is_rolled_back() -> list[Patch]:
    async def refuse(_self):
        raise StoreBusy(_ATTEMPT_GONE)

    return [patch.object(captured._Capture, "give_back", refuse)]


def refund_is_not_written_down() -> list[Patch]:
    add = SqlRefunds.add

    async def forget(self, refund):
        return True if refund.is_automatic else await add(self, refund)

    return [patch.object(SqlRefunds, "add", forget)]


def refund_number_changes() -> list[Patch]:
    load = CheckRefund._load

    async def renumbered(self, refund_no):
        refund, order, account = await load(self, refund_no)
        number = f"{order.number}{refund.tries or ''}"
        return refund, replace(order, number=number), account

    return [patch.object(CheckRefund, "_load", renumbered)]


def refund_is_tried_once() -> list[Patch]:
    def never(_refund, now):
        return now + NEVER

    return [
        patch.object(check_refund, "next_try", never),
        patch.object(settle_refund, "next_try", never),
    ]


def unknown_refund_is_done() -> list[Patch]:
    async def again(self, refund, _why, _problem, held_until):
        done = RefundReceipt(
            number=refund.number, state=RefundReceiptState.DONE, amount=refund.amount
        )
        await self._settle(refund, done, "mutant", held_until)

    return [patch.object(CheckRefund, "_again", again)]


def refunds_without_bound() -> list[Patch]:
    how_much = refund_payment._how_much

    def all_of_it(order, _earlier, amount):
        return how_much(order, [], amount)

    return [patch.object(refund_payment, "_how_much", all_of_it)]


def stranger_is_believed() -> list[Patch]:
    """Take any signature of a notice for the gateway's."""
    return [
        patch.object(alipay_notices, "is_signed", lambda *_, **__: True),
        patch.object(wechat_signing, "is_signed", lambda *_, **__: True),
        patch.object(sandbox_provider, "proves", lambda *_, **__: True),
    ]


# --- telling ---


def told_before_the_commit() -> list[Patch]:
    add = SqlOutbox.add

    async def blurt(self, event):
        added = await add(self, event)
        town = Town.latest
        if added and town is not None:
            with suppress(ConnectionError):
                await town.shop.hears(event)
        return added

    return [patch.object(SqlOutbox, "add", blurt)]


def noted_as_told_first() -> list[Patch]:
    async def call(self, *, limit=100):
        async with self.unit_of_work() as work:
            now = self.clock()
            batch = await work.outbox.claim_due(now, now + self.lease, limit)
            for untold in batch:
                await work.outbox.mark_sent(untold.event.event_id, now, held_until=now + self.lease)
            await work.commit()
        for untold in batch:
            await self.announcer(untold.event)
        return len(batch)

    return [patch.object(AnnounceEvents, "__call__", call)]


def story_is_forgotten() -> list[Patch]:
    async def silence(*_, **__):
        return None

    return [patch.object(SqlAttempts, "_tell", silence)]


def told_without_a_claim() -> list[Patch]:
    claim = SqlOutbox.claim_due

    async def everything(self, now, until, limit):
        statement = update(outbox).where(outbox.c.sent_at.is_(None)).values(leased_until=None)
        await self.connection.execute(statement)
        return await claim(self, now, until, limit)

    async def something(_self, _now):
        return True

    return [
        patch.object(SqlOutbox, "claim_due", everything),
        patch.object(SqlOutbox, "any_due", something),
    ]


def telling_takes_its_time() -> list[Patch]:
    unbounded = SimpleNamespace(timeout=lambda _seconds: nullcontext())
    return [patch.object(announce_events, "asyncio", unbounded)]


# --- the store ---


def failed_commit_is_an_end() -> list[Patch]:
    async def nothing(_self, _trouble=None):
        return None

    return [patch.object(AsyncConnection, "invalidate", nothing)]
