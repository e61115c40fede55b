"""PayOrder: hand the payer a page to pay with, the first time or again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from retender.domain.model.attempt import Attempt, next_check
from retender.domain.model.attempt_errors import (
    OwnClockOff,
    PaymentInQuestion,
    PayOrderContended,
    PayOrderInterrupted,
    TooManyAttempts,
)
from retender.domain.model.client_type import negotiate
from retender.domain.model.deadline import check_clock, check_in_time, check_own_clock, solve
from retender.domain.model.errors import (
    AccountDrained,
    InvalidInput,
    PayOrderFail,
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
    ProviderClockOff,
    RetenderError,
    StoreBusy,
    StoreError,
    StoreFull,
)
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.domain.model.payer import Payer
from retender.domain.model.story import StoryEntry
from retender.domain.model.story_pages import PayRefused
from retender.domain.model.transition import OrderState
from retender.domain.steps.ask_for_page import AskForPage, NumberRefused
from retender.domain.steps.attempt_bounds import check_room
from retender.domain.steps.in_question import account_in_question, refuse_in_question
from retender.domain.steps.leave_pages import LeavePages
from retender.domain.steps.made_here import with_page
from retender.domain.steps.new_attempt import tell_handed_out, tell_made, tell_why_new
from retender.domain.steps.pay_request import PayRequest
from retender.domain.steps.refresh_attempts import RefreshAttempts
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.take_back import TakeBackPage
from retender.domain.steps.tell import problem_of
from retender.ports.accounts import Accounts
from retender.ports.afterwards import Afterwards
from retender.ports.client_types import ClientTypes
from retender.ports.new_id import NewId
from retender.ports.pay_policy import PageStrategy, PayPolicy
from retender.ports.time_budget import NewTimeBudget, TimeBudget
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock

logger = logging.getLogger(__name__)

_TOLD = (
    AccountDrained,
    InvalidInput,
    OwnClockOff,
    PaymentInQuestion,
    PayOrderFail,
    PayOrderPayTimeout,
    PayOrderStateError,
    ProviderClockOff,
    TooManyAttempts,
)
"""Refusals that the story tells of here; others are told of where they arise."""

_NO_PAGE = "no new page is there, but an earlier one may be closed by now"

_ROUNDS = 4
"""How often a request starts over: somebody else was faster, or a number was spent."""


@dataclass(frozen=True, slots=True)
class PayOrder:
    """
    Hand the payer a page to pay with.

    There is no second use case for the second payment: coming back later, with
    another provider or from another client type, is calling this again. The
    same request gets the same page while it is good, or the provider is asked
    again under the same number; another request leaves the old attempt behind as
    the policy demands, and makes a new one beside it.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    client_types: ClientTypes
    clock: WatchedClock
    new_id: NewId
    policy: PayPolicy
    budget: NewTimeBudget
    time_to_ask: NewTimeBudget
    afterwards: Afterwards

    async def __call__(
        self,
        *,
        order_no: str,
        user_id: str,
        account: str,
        client_type: str,
        page_kind: str | None = None,
        instalments: int | None = None,
        payer: Payer | None = None,
    ) -> PageReady | AnswerPending:
        """
        Find or make the attempt that fits the request, and return its page.

        Args:
            order_no: the shop's number.
            user_id: who pays; another user's order does not exist for them.
            account: with which provider account.
            client_type: from where.
            page_kind: insist on a kind of page; default: the client's first choice.
            instalments: number of monthly rates, if the provider offers them.
            payer: what the payer's side supplies.

        Raises:
            InvalidInput: unknown name, nothing to show there, outside the terms.
            PayOrderNotExist: no such order of this user.
            AccountDrained: the account takes no new payments.
            PayOrderStateError: paid, closing or closed.
            PayOrderPayTimeout: too late, for the payer or for this provider.
            PayOrderFail: the provider said no; nothing moved.
            TooManyAttempts: too many pages may be paid already, or were begun within an hour.
            SwitchRefused: the earlier page may still be paid, and policy forbids a second.
            PaymentInQuestion: money was taken, and not as it was asked for; a human looks.
            ProviderUnavailable: surely not reached; may press again.
            OwnClockOff, ProviderClockOff: a new page would have no sure deadline.
            PayOrderContended: others press for the same order; may press again.
            PayOrderInterrupted: the store failed after an earlier page was left; may press again.
            StoreError: nothing was changed; may press again.

        """
        chosen = self.accounts.get(account)
        client = self.client_types.get(client_type)
        request = PayRequest(
            account=chosen,
            client=client,
            terms=negotiate(client, chosen.provider.terms.pages, page_kind),
            instalments=instalments,
            payer=payer or Payer(),
        )
        leave = self._leave_pages()
        for rounds in range(_ROUNDS):
            try:
                if answer := await self._round(order_no, user_id, request, leave):
                    return answer
            except NumberRefused as refused:
                # A new number may do. If none does, it is the provider's no, not a lack of turns.
                if rounds == _ROUNDS - 1:
                    raise refused.no from refused
            except (StoreBusy, StoreFull) as trouble:
                if rounds == 0:
                    raise
                raise PayOrderInterrupted(order_no, _NO_PAGE) from trouble
        raise PayOrderContended(order_no, _ROUNDS)

    async def _round(
        self, order_no: str, user_id: str, request: PayRequest, leave: LeavePages
    ) -> PageReady | AnswerPending | None:
        """Try once with what is known now; None: start over."""
        order, attempts, questioned = await self._load(order_no, user_id)
        try:
            self._admit(order, request)
            refuse_in_question(order, questioned)
            serving = self._serving(order, attempts, request)
            if serving is None and (
                ready := await self._taken_back(order, attempts, request, leave)
            ):
                return ready
            attempt, begun = serving, None
            if serving is None:
                attempt, begun = await self._make(order, attempts, request, leave)
        except _TOLD as refusal:
            await self._tell_refusal(order, request, refusal)
            raise
        if serving and (ready := self._stored(order, serving, request)):
            return ready
        if attempt is None:
            return None
        if serving is None and (made := PageReady.of(order, attempt, reused=False)):
            return made
        ask = AskForPage(self.unit_of_work, self.clock, self.new_id, self.policy, self.time_to_ask)
        return await ask(order, attempt, request.account, begun=begun)

    @retry_when_busy
    async def _load(
        self, order_no: str, user_id: str
    ) -> tuple[Order, Sequence[Attempt], str | None]:
        """Load the payer's order, its attempts, and whose word on it is in question."""
        async with self.unit_of_work(read_only=True, once=True) as work:
            found = await work.attempts.with_order(order_no)
        if found is None or found[0].user_id != user_id:
            raise PayOrderNotExist(order_no)
        order, attempts = found
        if not attempts:
            return order, attempts, None
        async with self.unit_of_work(read_only=True, once=True) as work:
            return order, attempts, await account_in_question(work, order)

    def _admit(self, order: Order, request: PayRequest) -> None:
        """Turn away who may not pay the order now, or not like this."""
        if order.state is not OrderState.NEW:
            raise PayOrderStateError(order.order_no, order.state)
        if not self.clock.is_wrong():  # else nobody knows who comes late; nothing new is begun
            check_in_time(order.shown_until, self.clock(), self.policy.deadlines)
        if request.account.drained:
            raise AccountDrained(request.account.name)
        request.check(order.amount)

    async def _tell_refusal(
        self, order: Order, request: PayRequest, refusal: RetenderError
    ) -> None:
        """Note in the story why a request is turned away."""
        refused = PayRefused(
            account=request.account.name,
            client_type=request.client.code,
            problem=problem_of(refusal),
        )
        line = StoryEntry(order_id=order.order_id, at=self.clock(), fact=refused)
        # The payer is owed the reason at once, and a line in the story is not worth a wait.
        await self.afterwards(partial(self._note, line, order.order_no))

    async def _note(self, line: StoryEntry, order_no: str) -> None:
        """Write a line about what changed nothing; it is not worth a failure."""
        try:
            await self._noted(line)
        except StoreError as trouble:
            logger.warning("order %s: not noted (%s): %s", order_no, trouble.code, line.fact)

    @retry_when_busy
    async def _noted(self, line: StoryEntry) -> None:
        async with self.unit_of_work() as work:
            await work.story.add(line)
            await work.commit()

    def _serving(
        self, order: Order, attempts: Sequence[Attempt], request: PayRequest
    ) -> Attempt | None:
        """Return the attempt that serves this very request already, if one does."""
        now = self.clock()
        return next((a for a in attempts if request.fits(a, order.amount, now)), None)

    def _stored(self, order: Order, attempt: Attempt, request: PayRequest) -> PageReady | None:
        """
        Hand the stored page out again while it is good: nothing is written and nobody waits.

        A provider that must not be asked twice under one number is not, whatever the strategy.
        """
        if request.terms.reopens and self.policy.page_strategy is not PageStrategy.STORED_PAGE:
            return None
        return PageReady.stored(order, attempt, self.clock())

    async def _taken_back(
        self, order: Order, attempts: Sequence[Attempt], request: PayRequest, leave: LeavePages
    ) -> PageReady | None:
        """Hand out a page that the payer left and that could not be closed, if it fits."""
        if request.terms.reopens and self.policy.page_strategy is not PageStrategy.STORED_PAGE:
            return None
        try:
            return await TakeBackPage(self.unit_of_work, self.clock, leave)(
                order, attempts, request
            )
        except (StoreBusy, StoreFull) as trouble:
            # There is one to come back to, so that its provider was asked, and others left.
            raise PayOrderInterrupted(order.order_no, _NO_PAGE) from trouble

    def _leave_pages(self) -> LeavePages:
        asking = (self.unit_of_work, self.accounts, self.clock)
        refresh = RefreshAttempts(*asking, self.new_id, self.budget())
        return LeavePages(*asking, self.policy, refresh)

    async def _make(
        self, order: Order, attempts: Sequence[Attempt], request: PayRequest, leave: LeavePages
    ) -> tuple[Attempt | None, TimeBudget | None]:
        """Leave the other pages, then write the new attempt down; None: start over."""
        # Solved before any page is closed: a provider that cannot take the
        # order any more must not cost the payer the page that works.
        self._solve(order, request)
        self._check_room(order, attempts, leave)
        made = await self._made_here(order, request) if request.terms.made_here else None
        try:
            await leave(order, attempts)
            return await self._written_down(order, attempts, request, leave, made)
        except (StoreBusy, StoreFull) as trouble:
            if not any(attempt.is_live for attempt in attempts):
                raise  # there was nothing to leave
            raise PayOrderInterrupted(order.order_no, _NO_PAGE) from trouble

    @retry_when_busy
    async def _written_down(
        self,
        order: Order,
        attempts: Sequence[Attempt],
        request: PayRequest,
        leave: LeavePages,
        made: Attempt | None,
    ) -> tuple[Attempt | None, TimeBudget | None]:
        """Return the attempt, and the time for its ``open``, which begins before its claim."""
        budget = self.time_to_ask()
        async with self.unit_of_work() as work:
            attempt = await self._write_down(work, order, request, leave, made)
            if attempt is not None:
                await tell_why_new(work, attempt, attempts, request)
                await work.commit()
        return attempt, budget

    def _check_room(self, order: Order, attempts: Sequence[Attempt], leave: LeavePages) -> None:
        """Turn away a page that would be one too many; what nobody can pay takes no room."""
        live = sum(other.is_live and not leave.is_harmless(other) for other in attempts)
        check_room(order, attempts, live, self.clock())

    def _solve(self, order: Order, request: PayRequest) -> None:
        account, deadlines = request.account, self.policy.deadlines
        check_own_clock(self.clock.difference(), deadlines)
        solve(order.shown_until, self.clock(), deadlines, account.provider.terms.expiry)
        check_clock(account.title, self.clock.difference(account.name), deadlines)

    async def _made_here(self, order: Order, request: PayRequest) -> Attempt:
        """Draw the attempt up with its page, before anything is written down."""
        budget, now = self.time_to_ask(), self.clock()
        attempt = self._drawn_up(order, request, now)
        return await with_page(attempt, order, request, policy=self.policy, budget=budget, now=now)

    def _drawn_up(self, order: Order, request: PayRequest, now: datetime) -> Attempt:
        """Return the attempt as if it were the order's first, and what is asked for."""
        terms = request.account.provider.terms.expiry
        deadline = solve(order.shown_until, now, self.policy.deadlines, terms)
        return Attempt(
            attempt_id=self.new_id(),
            order_id=order.order_id,
            idx=1,
            account=request.account.name,
            fingerprint=request.fingerprint_for(order.amount),
            charge=request.charge(order, self.new_id(), deadline, now),
            watch_until=deadline.watch,
        )

    async def _write_down(
        self, work: Work, order: Order, request: PayRequest, leave: LeavePages, made: Attempt | None
    ) -> Attempt | None:
        """
        Insert the attempt, before anybody is called; None if somebody was faster.

        The order row is locked first, and its state and deadline are checked in
        that very statement: what a racing request did is seen here.

        Raises:
            PayOrderStateError, PayOrderPayTimeout: it ended, or its time is over by now.

        """
        now = self.clock()
        if not await work.orders.hold_new(order.order_id, now):
            self._admit(await work.orders.by_id(order.order_id) or order, request)
            return None
        attempts = await work.attempts.of_order(order.order_id)
        if any(request.fits(other, order.amount, now) for other in attempts):
            return None
        if not await leave.retire(work, attempts, at=now, request=request, order=order):
            return None
        self._check_room(order, attempts, leave)
        attempt = made
        if attempt is None:
            # Whoever writes it down asks: its claim is written with it.
            until = now + self.policy.asking_for
            attempt = replace(self._drawn_up(order, request, now), asking_until=until)
        attempt = replace(attempt, idx=len(attempts) + 1)
        attempt = replace(attempt, next_check_at=next_check(attempt, now))
        if not await work.attempts.add(attempt):
            return None
        await tell_made(work, attempt, request)
        if attempt.page is not None and attempt.page_until is not None:
            opened = Opened(attempt.page, attempt.reference)
            await tell_handed_out(work, attempt, request.terms, opened, attempt.page_until, at=now)
        return attempt
