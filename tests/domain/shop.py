"""A shop with two providers, a clock that stands still, and every use case."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.adapters.time_budget import AsyncTimeBudget
from retender.domain.model.attempt import Attempt
from retender.domain.model.client_type import ClientType, Device
from retender.domain.model.deadline import ClockStanding, DeadlinePolicy
from retender.domain.model.errors import ProviderUnavailable, UnknownName
from retender.domain.model.event import Event
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.order_story import OrderStory
from retender.domain.model.page import PageKind
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.close_order import CloseOrder
from retender.domain.use_cases.escalate import Escalate, Patience
from retender.domain.use_cases.expire_orders import ExpireOrders
from retender.domain.use_cases.explain_order import ExplainOrder
from retender.domain.use_cases.find_due_work import FindDueWork
from retender.domain.use_cases.list_attention import ListAttention
from retender.domain.use_cases.list_attention_history import ListAttentionHistory
from retender.domain.use_cases.list_methods import ListMethods
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.place_order import PlaceOrder
from retender.domain.use_cases.recheck_attention import RecheckAttention
from retender.domain.use_cases.refund_payment import RefundPayment
from retender.domain.use_cases.resolve_attention import ResolveAttention
from retender.domain.use_cases.set_aside import SetAside
from retender.domain.use_cases.show_attention import ShowAttention
from retender.domain.use_cases.show_order import ShowOrder
from retender.domain.use_cases.show_page import ShowPage
from retender.domain.use_cases.take_notice import NoticeTaken, TakeNotice
from retender.ports.accounts import Account
from retender.ports.afterwards import Afterwards
from retender.ports.pay_policy import PayPolicy
from retender.ports.payment_provider import ClosePower, RawNotice
from retender.ports.time_budget import TimeBudget
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.tests.domain.gateway import Gateway
from retender.tests.domain.locks import OrderedWork

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
PRICE = Money(8880, "CNY")
_AMOUNT = re.compile(r"[0-9.]+ [A-Z]{3}")

_open_units: ContextVar[int] = ContextVar("open_units", default=0)


class Clock:
    """Stands still until told to move."""

    def __init__(self) -> None:
        self.now = START
        self.apart: dict[str, timedelta] = {}
        self.own = timedelta(0)

    def __call__(self) -> datetime:
        return self.now

    def difference(self, account: str | None = None) -> timedelta:
        return self.own if account is None else self.apart.get(account, timedelta(0))

    def is_wrong(self, account: str | None = None) -> bool:
        off = [self.own, self.difference(account)]
        return any(DeadlinePolicy().standing(each) is ClockStanding.TOO_FAR for each in off)

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class WatchedUnitOfWork:
    """
    Counts the transactions that are open, so that gateways can insist on none.

    And sees that each takes its locks in the one order that all take them in.
    """

    def __init__(self, inner: UnitOfWork) -> None:
        self.inner = inner

    @asynccontextmanager
    async def __call__(self, *, read_only: bool = False, once: bool = False) -> AsyncIterator[Work]:
        token = _open_units.set(_open_units.get() + 1)
        try:
            async with self.inner(read_only=read_only, once=once) as work:
                yield work if read_only else cast("Work", OrderedWork(work))
        finally:
            _open_units.reset(token)


class Accounts:
    """The accounts of a test, by name."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self.by_name = accounts

    def get(self, name: str) -> Account:
        if name not in self.by_name:
            raise UnknownName("account", name, self.by_name)
        return self.by_name[name]

    def all(self) -> list[Account]:
        return list(self.by_name.values())


class ClientTypes:
    """PC, H5, and one that can show nothing on offer."""

    known = (
        ClientType("pc", "PC", Device.SCREEN, (PageKind.FORM, PageKind.QR)),
        ClientType("h5", "H5", Device.PHONE, (PageKind.REDIRECT,)),
        ClientType("app", "App", Device.PHONE, (PageKind.APP_STRING,)),
    )

    def get(self, code: str) -> ClientType:
        for client in self.known:
            if client.code == code:
                return client
        raise UnknownName("client type", code, [client.code for client in self.known])

    def all(self) -> tuple[ClientType, ...]:
        return self.known

    def recognise(self, user_agent: str) -> ClientType | None:
        del user_agent
        return None


async def at_once(note: Callable[[], Awaitable[None]]) -> None:
    """Write a note before the answer, so that a test finds it."""
    await note()


@dataclass
class Shop:
    """Everything that a test of the core needs, and shorthands for what payers do."""

    policy: PayPolicy = field(default_factory=PayPolicy)
    clock: Clock = field(default_factory=Clock)
    told: list[Event] = field(default_factory=list)
    store: UnitOfWork = field(default_factory=MemoryUnitOfWork)
    refresh_within: timedelta = timedelta(seconds=60)
    open_within: timedelta | None = None
    left_alone: dict[str, datetime] = field(default_factory=dict)
    afterwards: Afterwards = at_once

    def __post_init__(self) -> None:
        numbers = count(1)
        self.new_id = lambda: f"ID{next(numbers):010d}"
        self.unit_of_work = WatchedUnitOfWork(self.store)
        idle = lambda: _open_units.get() == 0  # noqa: E731 - handed on, not named
        self.wechat = Gateway("wechat", self.clock, idle)
        self.alipay = Gateway("alipay", self.clock, idle, power=ClosePower.LAZY, validity=None)
        self.accounts = Accounts(
            {
                gateway.name: Account(
                    name=gateway.name,
                    title=gateway.name.title(),
                    provider=gateway,
                    credentials_epoch="1",
                    notify_url=f"https://shop.example/v1/notices/{gateway.name}",
                )
                for gateway in (self.wechat, self.alipay)
            }
        )
        self.client_types = ClientTypes()
        asking = (self.unit_of_work, self.accounts, self.clock, self.new_id)
        self.place_order = PlaceOrder(self.unit_of_work, self.clock, self.new_id)
        self.take_notice = TakeNotice(*asking)
        self.check_attempt = CheckAttempt(*asking)
        self.check_refund = CheckRefund(*asking)
        self.close_order = CloseOrder(*asking, self.time_budget)
        self.refund_payment = RefundPayment(*asking, self.time_budget)
        self.expire_orders = ExpireOrders(self.unit_of_work, self.clock, self.new_id)
        self.find_due_work = FindDueWork(self.unit_of_work, self.clock)
        self.list_attention_history = ListAttentionHistory(self.unit_of_work)
        self.explain_order = ExplainOrder(self.unit_of_work)
        self.show_order = ShowOrder(self.unit_of_work)
        self.announce_events = AnnounceEvents(
            self.unit_of_work, self._hear, self.clock, self.new_id
        )
        self.set_aside = SetAside(self.unit_of_work, self.clock, self.new_id)
        self.escalate = Escalate(self.unit_of_work, self.clock, self.new_id, Patience())
        self.list_attention = ListAttention(self.unit_of_work, self.clock)
        self.show_attention = ShowAttention(self.unit_of_work, self.clock)
        self.resolve_attention = ResolveAttention(self.unit_of_work, self.clock, self.new_id)
        self.recheck_attention = RecheckAttention(
            self.unit_of_work,
            self.clock,
            self.check_attempt,
            self.check_refund,
            self.announce_events,
        )

    async def _hear(self, event: Event) -> None:
        """Be told, and insist that an amount is never a text that must be taken apart."""
        sums = [each for each in event.data.values() if _AMOUNT.fullmatch(str(each))]
        assert not sums, f"{event.kind} tells {sums} as texts"
        self.told.append(event)

    def time_budget(self) -> TimeBudget:
        return AsyncTimeBudget(self.refresh_within)

    def time_to_ask(self) -> TimeBudget:
        return AsyncTimeBudget(self.open_within or self.policy.open_within)

    @property
    def pay_order(self) -> PayOrder:
        return PayOrder(
            self.unit_of_work,
            self.accounts,
            self.client_types,
            self.clock,
            self.new_id,
            self.policy,
            self.time_budget,
            self.time_to_ask,
            self.afterwards,
        )

    @property
    def list_methods(self) -> ListMethods:
        return ListMethods(
            self.unit_of_work,
            self.accounts,
            self.client_types,
            self.clock,
            self.policy,
            self.check_reach,
        )

    def check_reach(self, account: str) -> None:
        if account in self.left_alone:
            raise ProviderUnavailable("no answer", retry_at=self.left_alone[account].isoformat())

    @property
    def show_page(self) -> ShowPage:
        return ShowPage(self.unit_of_work, self.clock, self.policy, self.accounts)

    def configure(self, account: str, **changes: Any) -> None:
        """Change an account's configuration."""
        found = self.accounts.by_name[account]
        self.accounts.by_name[account] = replace(found, **changes)

    async def place(self, order_no: str = "A1", **changes: Any) -> Order:
        """Place an order for tea."""
        request: dict[str, Any] = {
            "order_no": order_no,
            "user_id": "ann",
            "subject": "Tea",
            "amount": PRICE,
        }
        return (await self.place_order(**{**request, **changes})).order

    async def pay(
        self, account: str = "wechat", client_type: str = "pc", order_no: str = "A1", **more: Any
    ) -> PageReady | AnswerPending:
        """Press "pay" as Ann."""
        request: dict[str, Any] = {"order_no": order_no, "user_id": "ann", "account": account}
        return await self.pay_order(**{**request, "client_type": client_type, **more})

    async def page(self, *args: str, **more: Any) -> PageReady:
        """Press "pay" and get a page."""
        answer = await self.pay(*args, **more)
        assert isinstance(answer, PageReady)
        return answer

    async def hear(self, account: str, raw: RawNotice) -> NoticeTaken:
        """Deliver a notice."""
        return await self.take_notice(account=account, raw=raw)

    async def story(self, order_no: str = "A1") -> OrderStory:
        """Look at everything about an order."""
        return await self.explain_order(order_no=order_no)

    async def states(self, order_no: str = "A1") -> tuple[str, list[str]]:
        """Return the order's state and its attempts' states."""
        story = await self.story(order_no)
        return str(story.order.state), [str(attempt.state) for attempt in story.attempts]

    async def attempt(self, idx: int = 1, order_no: str = "A1") -> Attempt:
        """Return the order's attempt of this index."""
        return (await self.story(order_no)).attempts[idx - 1]

    async def work_once(self) -> None:
        """Do what a worker does in one round."""
        await self.expire_orders()
        due = await self.find_due_work(limit=100)
        for attempt_id in due.attempt_ids:
            await self.check_attempt(attempt_id=attempt_id, held_until=due.held_until)
        for refund_no in due.refund_nos:
            await self.check_refund(refund_no=refund_no, held_until=due.held_until)
        await self.announce_events()
        await self.escalate(limit=100)

    async def settle_down(self, hours: float = 2, every: float = 30) -> None:
        """Let workers work until everything has ended."""
        end = self.clock.now + timedelta(hours=hours)
        while self.clock.now < end:
            await self.work_once()
            self.clock.pass_by(seconds=every)
        await self.work_once()
