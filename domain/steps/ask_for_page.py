"""AskForPage: call the provider for one attempt's page, and keep what it answers."""

import logging
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import (
    PayOrderFail,
    PayOrderStateError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
    StoreError,
)
from retender.domain.model.named import named_attempt
from retender.domain.model.operators import for_operators
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.domain.model.story_pages import (
    AskAgainReason,
    LateReason,
    NotGiven,
    PageAskedAgain,
    PageNotGiven,
    PageTooLate,
)
from retender.domain.model.transition import AttemptEvent, AttemptState, OrderState
from retender.domain.steps.inquire import Inquire
from retender.domain.steps.new_attempt import tell_handed_out
from retender.domain.steps.open_page import failed, page_of, words_of
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.tell import problem_of, tell
from retender.ports.accounts import Account
from retender.ports.new_id import NewId
from retender.ports.pay_policy import PayPolicy
from retender.ports.payment_provider import PageTerms
from retender.ports.time_budget import NewTimeBudget, TimeBudget
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock

logger = logging.getLogger(__name__)

_SOON = timedelta(seconds=2)


class NumberRefused(Exception):
    """
    The provider takes no payment under this number; under a new one it may.

    Attributes:
        no: what to say if none is taken.

    """

    def __init__(self, no: PayOrderFail) -> None:
        """Keep the provider's words."""
        super().__init__(no.message)
        self.no = no


@dataclass(frozen=True, slots=True)
class AskForPage:
    """
    Ask under the attempt's own number, with no transaction open.

    One caller asks at a time: two answers for one number could come back in
    either order, and the provider may have killed the page that we would keep.
    The claim to ask is a fencing token. All calls of one ``open`` end before it does, and
    only the call that still holds it keeps its page and shows it (protocol, revision 2).

    Attributes:
        time_to_ask: gives one ``open`` its time; shorter than ``policy.asking_for``.

    """

    unit_of_work: UnitOfWork
    clock: WatchedClock
    new_id: NewId
    policy: PayPolicy
    time_to_ask: NewTimeBudget

    async def __call__(
        self, order: Order, attempt: Attempt, account: Account, *, begun: TimeBudget | None
    ) -> PageReady | AnswerPending:
        """
        Return the page, or that the answer is unknown.

        Args:
            order: what is paid.
            attempt: payable, written down.
            account: its account.
            begun: of an attempt that this very request wrote down, with its claim to ask, the
                time for ``open``, which began before the claim. Nobody can have asked under
                its number before; only then is a refusal proof that no trade exists under it.

        Raises:
            PayOrderFail: the provider said no.
            NumberRefused: it said so of this number; the attempt is left behind.
            PayOrderStateError: the order was paid or closed meanwhile.
            ProviderUnavailable: surely not reached, or told to come later.
            StoreError: only while nothing of this request is written down.

        """
        with named_attempt(attempt):
            return await self._ask(order, attempt, account, begun)

    async def _ask(
        self, order: Order, attempt: Attempt, account: Account, begun: TimeBudget | None
    ) -> PageReady | AnswerPending:
        pending = AnswerPending(order=order, attempt=attempt, retry_after=_SOON)
        is_written = begun is not None
        budget = begun or self.time_to_ask()  # from here on, so that it ends before the claim
        try:
            asked_until = attempt.asking_until if begun else await self._claim(attempt)
            if asked_until is None:
                return pending
            is_written = True
            asking = _Asking(order, attempt, account, asked_until, first=begun is not None)
            return await self._asked(asking, budget)
        except StoreError as trouble:
            if not is_written:
                raise
            # "Nothing was changed" is true no more; that the answer is not known, is.
            logger.warning(
                "order %s, attempt %s, account %s: %s %s",
                order.order_no,
                attempt.number,
                account.name,
                trouble.code,
                for_operators(trouble),
            )
            return pending

    async def _asked(self, asking: "_Asking", budget: TimeBudget) -> PageReady | AnswerPending:
        """Call the provider, and write down what it answers."""
        try:
            opened = await page_of(asking.attempt, asking.account, self.policy, budget)
        except ProviderRefused as refused:
            return await self._refused(asking, refused)
        except ProviderUnavailable as unavailable:
            await self._release(asking, NotGiven.NOT_REACHED, unavailable)
            raise
        except ProviderUncertain as uncertain:
            await self._left_uncertain(asking, uncertain)
            return asking.pending
        return await self._keep(asking, opened)

    @retry_when_busy
    async def _claim(self, attempt: Attempt) -> datetime | None:
        """Become the one who asks again, and return until when: the token that keeps the page."""
        async with self.unit_of_work() as work:
            now = self.clock()
            until = now + self.policy.asking_for
            claimed = await work.attempts.claim_asking(attempt.attempt_id, now, until)
            if claimed:
                again = PageAskedAgain(
                    account=attempt.account,
                    number=attempt.number,
                    because=_why_again(attempt, now),
                    page_until=attempt.page_until,
                )
                await tell(work, attempt, again, at=now)
            await work.commit()
        return until if claimed else None

    @retry_when_busy
    async def _release(self, asking: "_Asking", outcome: NotGiven, why: ProviderError) -> None:
        async with self.unit_of_work() as work:
            await self._released(work, asking, outcome, why)
            await work.commit()

    async def _released(
        self, work: Work, asking: "_Asking", outcome: NotGiven, why: ProviderError
    ) -> None:
        attempt = asking.attempt
        await work.attempts.release_asking(attempt.attempt_id, asked_until=asking.until)
        not_given = PageNotGiven(
            account=attempt.account,
            number=attempt.number,
            outcome=outcome,
            problem=problem_of(why),
            refusal=why.refusal if isinstance(why, ProviderRefused) else None,
        )
        await tell(work, attempt, not_given, at=self.clock())

    @retry_when_busy
    async def _left_uncertain(self, asking: "_Asking", why: ProviderUncertain) -> None:
        """
        Let the number be found out; leave it behind if nobody can ever see its page.

        A page that is known only from the answer can be paid by nobody once that is lost:
        to wait for it would lock the payer out for nothing, so a new number takes its place.
        """
        attempt = asking.attempt
        async with self.unit_of_work() as work:
            await self._released(work, asking, NotGiven.UNKNOWN, why)
            now = self.clock()
            found = await work.attempts.get(attempt.attempt_id) or attempt
            if found.opened_at is None and not asking.terms.orphan_payable:
                await work.attempts.move(
                    attempt.attempt_id,
                    AttemptEvent.CLOSE_WANTED,
                    at=now,
                    cause=Cause(reason=Reason.PAGE_LOST),
                    next_check_at=now,
                )
            await work.commit()

    @retry_when_busy
    async def _keep(self, asking: "_Asking", opened: Opened) -> PageReady | AnswerPending:
        """Keep the page if the attempt is payable and ours to ask for; else nobody sees it."""
        order, attempt, page = asking.order, asking.attempt, opened.page
        async with self.unit_of_work() as work:
            now, place = self.clock(), work.story.place()
            until = asking.terms.page_until(attempt.charge.expires_at, now)
            kept = await work.attempts.keep_page(
                attempt.attempt_id, opened, until, now, asked_until=asking.until
            )
            if not kept and opened.reference is not None:
                # The page is shown to nobody, but what was made must be found again.
                await work.attempts.fill_in(attempt.attempt_id, reference=opened.reference)
            if kept:  # then it is as we know it, with its page
                attempt = asking.with_page(opened, until, now)
            else:
                attempt = await work.attempts.get(attempt.attempt_id) or attempt
                order = await work.orders.by_id(order.order_id) or order
            await self._tell_kept(work, asking, opened, until, kept=kept, left=attempt, place=place)
            await work.commit()
        if not kept and attempt.is_payable:
            return AnswerPending(order=order, attempt=attempt, retry_after=_SOON)
        if not kept:
            state = "being paid another way" if order.state is OrderState.NEW else str(order.state)
            raise PayOrderStateError(order.order_no, state, "this page is not needed any more")
        return PageReady(
            order=order,
            attempt=attempt,
            page=page,
            page_until=until,
            pay_until=order.shown_until,
            reused=False,
        )

    async def _tell_kept(
        self,
        work: Work,
        asking: "_Asking",
        opened: Opened,
        until: datetime,
        *,
        kept: bool,
        left: Attempt,
        place: int,
    ) -> None:
        """Say what became of the page, and why."""
        at = self.clock()
        if kept:
            its = (asking.attempt, asking.terms, opened, until)
            await tell_handed_out(work, *its, at=at, place=place)
            return
        too_late = PageTooLate(
            account=asking.attempt.account,
            page_kind=opened.page.kind,
            product=asking.terms.product,
            page_until=until,
            because=LateReason.OTHER_ASKS if left.is_payable else LateReason.LEFT_BEHIND,
            reference=opened.reference,
        )
        await tell(work, asking.attempt, too_late, at=at)

    async def _refused(self, asking: "_Asking", refused: ProviderRefused) -> AnswerPending:
        order, attempt, account = asking.order, asking.attempt, asking.account
        words = words_of(refused)
        await self._release(asking, NotGiven.REFUSED, refused)
        match refused.refusal:
            case Refusal.NOT_NOW:
                message = f"{account.title} is busy: {words}; press again."
                raise ProviderUnavailable(message, provider_code=refused.provider_code)
            case Refusal.ALREADY_PAID:
                inquire = Inquire(self.unit_of_work, self.clock, self.new_id)
                await inquire.ask(account.provider, attempt)
                await self._stop_if_paid(order)
                return asking.pending
            case Refusal.NEW_NUMBER:
                await self._move(attempt, AttemptEvent.CLOSE_WANTED, words)
                raise NumberRefused(failed(order, account, refused)) from refused
            case Refusal.REJECTED:
                if asking.first:
                    await self._move(attempt, AttemptEvent.REFUSED, words)
                raise failed(order, account, refused) from refused

    @retry_when_busy
    async def _move(self, attempt: Attempt, event: AttemptEvent, words: str) -> None:
        async with self.unit_of_work() as work:
            now = self.clock()
            await work.attempts.move(
                attempt.attempt_id,
                event,
                at=now,
                cause=Cause(reason=Reason.REFUSED, words=words),
                next_check_at=now if event is AttemptEvent.CLOSE_WANTED else None,
            )
            await work.commit()

    async def _stop_if_paid(self, order: Order) -> None:
        async with self.unit_of_work(read_only=True) as work:
            found = await work.orders.by_id(order.order_id)
        if found is not None and found.state is OrderState.PAID:
            raise PayOrderStateError(order.order_no, "PAID", "the earlier page was paid")


@dataclass(frozen=True, slots=True)
class _Asking:
    """
    One call of ``open``, with what it is for.

    Attributes:
        until: the end of the claim, and its token.
        first: nobody can have asked under this number before.

    """

    order: Order
    attempt: Attempt
    account: Account
    until: datetime
    _: KW_ONLY
    first: bool

    @property
    def terms(self) -> PageTerms:
        """The page's terms."""
        return self.account.provider.terms.page_for(self.attempt.charge)

    def with_page(self, opened: Opened, until: datetime, now: datetime) -> Attempt:
        """Return the attempt as the store has it once the page is kept."""
        charge = self.attempt.charge
        return replace(
            self.attempt,
            state=AttemptState.OPEN,
            charge=replace(charge, reference=opened.reference or charge.reference),
            page=opened.page,
            page_until=until,
            opened_at=self.attempt.opened_at or now,
            asking_until=None,
        )

    @property
    def pending(self) -> AnswerPending:
        """The answer while nothing is known."""
        return AnswerPending(order=self.order, attempt=self.attempt, retry_after=_SOON)


def _why_again(attempt: Attempt, now: datetime) -> AskAgainReason:
    """Return why the stored page is not simply handed out."""
    if attempt.undecryptable:
        return AskAgainReason.PAGE_KEY
    if attempt.page is None or attempt.page_until is None:
        return AskAgainReason.NO_PAGE
    if attempt.page_until <= now:
        return AskAgainReason.PAGE_RAN_OUT
    return AskAgainReason.STRATEGY
