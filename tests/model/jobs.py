"""Jobs: production's use cases, wired to the model, and which of them make sense when."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from retender.domain.model.attention import AttentionCode
from retender.domain.model.event import Event
from retender.domain.model.lease import is_free
from retender.domain.model.money import Money
from retender.domain.model.order import LatePayment
from retender.domain.model.transition import ENDING, LIVE, UNDER_WAY, OrderState, RefundState
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.close_order import CloseOrder
from retender.domain.use_cases.escalate import Escalate, Patience
from retender.domain.use_cases.expire_orders import ExpireOrders
from retender.domain.use_cases.find_due_work import FindDueWork
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.refund_payment import RefundPayment
from retender.domain.use_cases.resolve_attention import ResolveAttention
from retender.domain.use_cases.take_notice import NoticeTaken, TakeNotice
from retender.ports.accounts import Account
from retender.ports.pay_policy import PageStrategy, PayPolicy
from retender.ports.payment_provider import RawNotice
from retender.tests.domain.shop import Accounts, ClientTypes
from retender.tests.model.decisions import decide, is_well_called, may_decide
from retender.tests.model.handlers import Job
from retender.tests.model.providers import MISFIT, ModelProvider
from retender.tests.model.requests import (
    Call,
    ModelClock,
    ModelUnitOfWork,
    Names,
    Suspend,
    no_time_limit,
)
from retender.tests.model.rules import Rules
from retender.tests.model.state import (
    HOSTED,
    LEASE,
    ORDER_NO,
    PAYER,
    START,
    Books,
    Ledger,
    Phase,
    Waits,
)


def use_cases(rules: Rules, clock: ModelClock, names: Names) -> dict[str, Callable[[str], Any]]:
    """Return the use cases by the name of a job, each to be called with what it is about."""
    unit_of_work = ModelUnitOfWork()
    accounts = Accounts({name: _account(name, rules) for name in rules.accounts})
    policy = PayPolicy(
        switch_policy=rules.policy,
        strict_over={"CNY": Money(rules.strict_over, "CNY")},
        page_strategy=PageStrategy.ASK_PROVIDER if rules.asks_again else PageStrategy.STORED_PAGE,
    )
    asking = (unit_of_work, accounts, clock, names)
    check_refund = CheckRefund(*asking, lease=LEASE)
    pay = PayOrder(
        unit_of_work,
        accounts,
        ClientTypes(),
        clock,
        names,
        policy,
        no_time_limit,
        no_time_limit,
        _at_once,
    )
    return {
        "pay": lambda account: pay(
            order_no=ORDER_NO, user_id=PAYER, account=account, client_type="pc"
        ),
        "work": lambda _: _work_off(
            FindDueWork(unit_of_work, clock, LEASE), CheckAttempt(*asking), check_refund
        ),
        "check": lambda attempt_id: CheckAttempt(*asking)(attempt_id=attempt_id),
        "refund": lambda refund_no: check_refund(refund_no=refund_no),
        "shop refund": lambda no: RefundPayment(*asking, no_time_limit, LEASE)(
            order_no=ORDER_NO, refund_no=no
        ),
        "expire": lambda _: ExpireOrders(unit_of_work, clock, names)(),
        "cancel": lambda word: CloseOrder(*asking, no_time_limit)(
            order_no=ORDER_NO, late_payment=LatePayment(word)
        ),
        "notice": partial(_hear, TakeNotice(*asking)),
        "escalate": lambda _: Escalate(unit_of_work, clock, names, _NO_PATIENCE)(),
        "decide": partial(decide, ResolveAttention(unit_of_work, clock, names)),
        "announce": lambda _: AnnounceEvents(unit_of_work, tell_shop, clock, names, LEASE)(),
    }


async def _at_once(note: Callable[[], Awaitable[None]]) -> None:
    await note()


def may_start(
    rules: Rules, ledger: Ledger, phase: Phase, books: Books, now: datetime
) -> Iterator[tuple[str, str, Job, int]]:
    """
    Yield the jobs that make sense now; any other would end at once and change nothing.

    Each comes with who begins it, in words, and beside how many of the same it may
    run: leases keep workers apart, nothing keeps people and notices apart.
    """
    state = ledger.order.state
    if state is OrderState.NEW and phase is Phase.IN_TIME:
        for account in rules.accounts:
            yield "u", f"the payer presses {account}", Job("pay", account), rules.presses - 1
    yield from _give_up(rules, ledger)
    for till in books:
        for notice in till.notices:
            words = f"a notice says {notice}"
            yield "s", words, Job("notice", f"{till.account}/{notice}"), int(rules.inbox)
    if state is OrderState.PAID:
        known = {refund.refund_no for refund in ledger.refunds}
        for number in rules.shop_refunds:
            if number not in known:
                words = f"the shop asks for its refund {number}"
                yield "u", words, Job("shop refund", number), 0
    yield from _work(rules, ledger, phase, now)
    if rules.decides:
        yield from _call_humans(rules, ledger, phase, books)


def _give_up(rules: Rules, ledger: Ledger) -> Iterator[tuple[str, str, Job, int]]:
    """Yield the words with which the shop may give the order up; two may do so at once."""
    order = ledger.order
    if order.state in {OrderState.NEW, OrderState.EXPIRING} and order.late_payment is None:
        for word in rules.cancels:
            words = f"the shop gives the order up, to {word} what comes"
            yield "u", words, Job("cancel", word), len(rules.cancels) - 1


def _work(
    rules: Rules, ledger: Ledger, phase: Phase, now: datetime
) -> Iterator[tuple[str, str, Job, int]]:
    """Yield what workers and operators may take up."""
    live = [attempt for attempt in ledger.attempts if attempt.state in LIVE]
    if rules.naps:
        due = [a.leased_until for a in live]
        due += [r.leased_until for r in ledger.refunds if r.state in UNDER_WAY]
        if any(is_free(leased_until, now) for leased_until in due):
            yield "s", "a worker looks for work", Job("work", ""), 1
    elif rules.janitor:
        for attempt in live:
            job = Job("check", attempt.attempt_id)
            yield "s", f"a worker checks {attempt.number}", job, 0
    for refund in ledger.refunds:
        job = Job("refund", refund.refund_no)
        if refund.state in UNDER_WAY and not rules.naps:
            yield "s", f"a worker takes up {refund.number}", job, 0
        elif refund.state is RefundState.STUCK and rules.operator:
            yield "s", f"an operator asks after {refund.number}", job, 0
    state = ledger.order.state
    late = state is OrderState.NEW and phase > Phase.IN_TIME
    if late or (state in ENDING and not live):
        yield "s", "a worker expires orders", Job("expire", ""), 0
    if any(not told.sent and is_free(told.leased_until, now) for told in ledger.outbox):
        yield "s", "a worker announces", Job("announce", ""), 1


def _call_humans(
    rules: Rules, ledger: Ledger, phase: Phase, books: Books
) -> Iterator[tuple[str, str, Job, int]]:
    """Yield what humans are called for, and what they may say of it."""
    for attempt in ledger.attempts if rules.misfits else ():
        if Waits(AttentionCode.AMOUNT_MISMATCH, attempt.attempt_id) not in ledger.waiting:
            words = f"a notice says {attempt.number}, another amount"
            yield "f", words, Job("notice", f"{attempt.account}/{attempt.number}:{MISFIT}"), 0
    for words, job in may_decide(rules, ledger, books):
        yield "u", words, job, 0
    if not is_well_called(ledger, phase):
        yield "s", "a worker calls a human, or takes calls back", Job("escalate", ""), 0


_NO_PATIENCE = Patience(attempts=timedelta(0), refunds=timedelta(0), events=timedelta(0))


async def tell_shop(event: Event) -> None:
    """Implement ``Announcer``: the explorer decides what the shop hears."""
    await Suspend(Call("tell", "", event))


async def _work_off(
    find_due_work: FindDueWork, check_attempt: CheckAttempt, check_refund: CheckRefund
) -> None:
    """Do what a worker does in one round: claim what is due, then one after the other."""
    due = await find_due_work()
    for attempt_id in due.attempt_ids:
        await check_attempt(attempt_id=attempt_id, held_until=due.held_until)
    for refund_no in due.refund_nos:
        await check_refund(refund_no=refund_no, held_until=due.held_until)


def _account(name: str, rules: Rules) -> Account:
    return Account(
        name=name,
        title=name.title(),
        provider=ModelProvider(name, names_trade=rules.names_trade and name == HOSTED),
        credentials_epoch="1",
        notify_url=f"https://shop.example/v1/notices/{name}",
    )


async def _hear(take_notice: TakeNotice, about: str) -> NoticeTaken:
    account, _, notice = about.partition("/")
    raw = RawNotice(headers={}, body=notice.encode(), received_at=START)
    return await take_notice(account=account, raw=raw)
