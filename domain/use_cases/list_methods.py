"""ListMethods: what this client can pay this order with now, for a cashier."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.client_type import ClientType, negotiate
from retender.domain.model.deadline import check_clock, check_in_time, check_own_clock, solve
from retender.domain.model.errors import (
    AccountDrained,
    NoCommonPage,
    PayOrderNotExist,
    PayOrderStateError,
    RetenderError,
)
from retender.domain.model.order import Order
from retender.domain.model.transition import OrderState
from retender.domain.steps.pay_request import check_offered
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.accounts import Account, Accounts
from retender.ports.client_types import ClientTypes
from retender.ports.pay_policy import PayPolicy
from retender.ports.reach import CheckReach
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """
    One line of a cashier.

    Attributes:
        account: what to say when paying.
        title: what to show.
        provider: the brand.
        page_kind: what the payer would get; None if nothing shows there.
        needs: what the payer's side must supply.
        instalments: numbers of monthly rates on offer.
        available: whether it can be chosen now.
        why_not: the code of what stands in the way, if not.
        because: the same in words.
        retry_at: from when on it may be available again, where that is known.

    """

    account: str
    title: str
    provider: str
    page_kind: str | None = None
    needs: tuple[str, ...] = ()
    instalments: tuple[int, ...] = ()
    available: bool = True
    why_not: str | None = None
    because: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListMethods:
    """List every account, and say of each why it can or cannot be used; asks nobody."""

    unit_of_work: UnitOfWork
    accounts: Accounts
    client_types: ClientTypes
    clock: WatchedClock
    policy: PayPolicy
    check_reach: CheckReach

    async def __call__(
        self, *, order_no: str, user_id: str, client_type: str
    ) -> tuple[Method, ...]:
        """
        Return the methods in the order of the configuration.

        Raises:
            PayOrderNotExist: no such order of this user.
            PayOrderStateError: paid, closing or closed.
            PayOrderPayTimeout: too late for any of them.
            UnknownName: no such client type.

        """
        client = self.client_types.get(client_type)
        order = await self._order(order_no)
        if order is None or order.user_id != user_id:
            raise PayOrderNotExist(order_no)
        if order.state is not OrderState.NEW:
            raise PayOrderStateError(order_no, order.state)
        now = self.clock()
        if not self.clock.is_wrong():  # else each method says so
            check_in_time(order.shown_until, now, self.policy.deadlines)
        return tuple(self._method(account, client, order, now) for account in self.accounts.all())

    @retry_when_busy
    async def _order(self, order_no: str) -> Order | None:
        async with self.unit_of_work(read_only=True, once=True) as work:
            return await work.orders.get(order_no)

    def _method(self, account: Account, client: ClientType, order: Order, now: datetime) -> Method:
        terms = account.provider.terms
        try:
            page = negotiate(client, terms.pages)
        except NoCommonPage as problem:
            return Method(
                account=account.name,
                title=account.title,
                provider=terms.provider,
                available=False,
                why_not=problem.code,
                because=problem.message,
            )
        no: RetenderError | None = None
        try:
            if account.drained:
                raise AccountDrained(account.name)
            check_offered(order.amount, terms)
            check_own_clock(self.clock.difference(), self.policy.deadlines)
            solve(order.shown_until, now, self.policy.deadlines, terms.expiry)
            check_clock(account.title, self.clock.difference(account.name), self.policy.deadlines)
            self.check_reach(account.name)
        except RetenderError as problem:
            no = problem
        return Method(
            account=account.name,
            title=account.title,
            provider=terms.provider,
            page_kind=page.kind,
            needs=tuple(sorted(page.needs)),
            instalments=terms.instalments,
            available=no is None,
            why_not=None if no is None else no.code,
            because=None if no is None else no.message,
            retry_at=None if no is None else _retry_at(no),
        )


def _retry_at(no: RetenderError) -> datetime | None:
    at = no.details.get("retry_at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None
