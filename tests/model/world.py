"""
World: one order, its payer, two providers, and everything that may happen next.

The handlers are production's use cases over the memory store; the rest is an
environment that can do more than a real one, so what holds here holds there:

* Time is four phases. Nothing compares times but with the three instants between
  them. Providers may take money until the watch ends, however wrong their clocks.
* Workers may look at anything at any moment; leases only keep two from looking at
  the same. That a next look is planned for all that is under way is an invariant.
* A payer may pay every trade that exists and every page that was made, shown or not.
* A notice comes any number of times or never; the inbox, which only saves work, is
  blind here. A handler may die at any step, any number of them.
* Questions that a command asks side by side are asked one after the other; that one
  is cut off is a lost answer.
* Transactions are serial: the contract of the stores and their races prove that.

Left out: amounts that differ, refunds of the shop's, refunds that are refused for
good, the announcer, accounts that vanish from the configuration, other orders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from retender.domain.model.transition import CAPTURED, LIVE, OrderState, RefundState
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.close_order import CloseOrder
from retender.domain.use_cases.expire_orders import ExpireOrders
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.policy import PayPolicy
from retender.domain.use_cases.take_notice import TakeNotice
from retender.ports.accounts import Account, SwitchPolicy
from retender.ports.payment_provider import RawNotice, Receipt, ReceiptState
from retender.tests.domain.shop import Accounts, ClientTypes
from retender.tests.model.handlers import (
    Begin,
    Call,
    Handlers,
    Job,
    ModelClock,
    ModelUnitOfWork,
    Names,
    Place,
    Step,
    no_time_limit,
)
from retender.tests.model.invariants import difference, off_the_table, said
from retender.tests.model.providers import (
    EAGER,
    LAZY,
    LOST,
    ModelProvider,
    carry_out,
    find,
    put,
    takes_money,
    what_payers_do,
)
from retender.tests.model.state import ORDER_NO, PAYER, START, Books, Ledger, Ledgers, Phase, Trade


@dataclass(frozen=True, kw_only=True)
class Rules:
    """
    One configuration: what is explored, and how far.

    Attributes:
        policy: the deployment's switch policy.
        strict_over: above it, ``adaptive`` is strict where it can be.
        attempts: a press that would make one more goes unanswered.
        hands: how many handlers are in the middle of something at one time.
        deaths: which handlers may die at every step; a crash is all of them dying at once.
        losses: which calls get lost, before or after their effect, or act later.
        late: how many requests may still be on their way after their sender gave up.
        cancels: the payer may give the order up.
        accounts: the providers.
        janitor: workers look at attempts.
        late_clocks: providers' clocks may be late by more than the watch.

    """

    name: str
    policy: SwitchPolicy = SwitchPolicy.BEST_EFFORT
    strict_over: int = 10**9
    attempts: int = 2
    hands: int = 2
    deaths: frozenset[str] = frozenset({"pay", "cancel", "check", "refund", "expire", "notice"})
    losses: frozenset[str] = frozenset({"open", "query", "close", "refund", "query_refund"})
    late: int = 1
    cancels: bool = False
    accounts: tuple[str, ...] = (EAGER, LAZY)
    janitor: bool = True
    late_clocks: bool = False

    @property
    def always_strict(self) -> bool:
        """Whether no second payable page may ever be handed out."""
        return self.policy is SwitchPolicy.STRICT


class World(NamedTuple):
    """One state; equal worlds have equal futures."""

    ledger: Ledger
    phase: Phase
    books: Books
    hands: tuple[Place, ...]
    wire: frozenset[tuple[str, str]]
    """Requests whose sender gave up, and that may arrive yet."""


class Move(NamedTuple):
    """One step: who takes it (u payer, f fault, s system, t time), in words, the world after."""

    kind: str
    words: str
    after: World
    bug: str | None = None


class Model:
    """The moves of one configuration."""

    def __init__(self, rules: Rules) -> None:
        """Wire production's use cases to the model."""
        self.rules = rules
        self.ledgers = Ledgers()
        self.clock, names = ModelClock(), Names()
        unit_of_work = ModelUnitOfWork()
        self.accounts = Accounts({name: _account(name) for name in rules.accounts})
        policy = PayPolicy(switch_policy=rules.policy, strict_over=rules.strict_over)
        asking = (unit_of_work, self.accounts, self.clock, names)
        pay = PayOrder(
            unit_of_work, self.accounts, ClientTypes(), self.clock, names, policy, no_time_limit
        )
        self.use_cases: dict[str, Any] = {
            "pay": lambda account: pay(
                order_no=ORDER_NO, user_id=PAYER, account=account, client_type="pc"
            ),
            "check": lambda attempt_id: CheckAttempt(*asking)(attempt_id=attempt_id),
            "refund": lambda refund_no: CheckRefund(*asking)(refund_no=refund_no),
            "expire": lambda _: ExpireOrders(unit_of_work, self.clock, names)(),
            "cancel": lambda _: CloseOrder(*asking, no_time_limit)(order_no=ORDER_NO),
            "notice": partial(_hear, TakeNotice(*asking)),
        }
        self.handlers = Handlers(
            self.ledgers, self.clock, names, lambda job: self.use_cases[job.name](job.about)
        )
        self.order_of_places: dict[Place, int] = {}
        self.first = World(self.ledgers.first, Phase.IN_TIME, (), (), frozenset())
        self._late_calls: dict[tuple[str, str], Call] = {}
        self._released: dict[Ledger, Ledger] = {}
        self._starts: dict[tuple[Ledger, Phase, Books], list[tuple[str, str, Job]]] = {}

    def moves(self, world: World) -> Iterator[Move]:
        """Yield everything that may happen next, without what can make no difference any more."""
        for move in self._moves(world):
            after = move.after
            if after.books is world.books and after.ledger is world.ledger and not after.wire:
                yield move
            else:
                yield Move(move.kind, move.words, self._tidy(after), move.bug)

    def _tidy(self, world: World) -> World:
        """Drop notices of what we know, and late requests that can have no effect ever."""
        if world.wire:
            dead = {late for late in world.wire if self._is_spent(late, world)}
            world = world._replace(wire=world.wire - dead)
        for till in world.books:
            if till.noticed:
                attempt = world.ledger.attempt_of(till.number)
                if attempt is not None and attempt.state in CAPTURED:
                    books = put(world.books, till._replace(noticed=False))
                    world = world._replace(books=books)
        return world

    def _is_spent(self, late: tuple[str, str], world: World) -> bool:
        """Tell whether a request that is still on its way would find nothing to do."""
        verb, number = late
        till = find(world.books, number)
        if verb == "open":
            return till is not None or not takes_money(world.phase)
        return till is not None and till.state in {Trade.PAID, Trade.CLOSED}

    def _moves(self, world: World) -> Iterator[Move]:
        yield from self._time(world)
        yield from self._elsewhere(world)
        key = (world.ledger, world.phase, world.books)
        if key not in self._starts:
            self._starts[key] = list(self._may_start(*key))
        for kind, words, job in self._starts[key]:
            yield from self._start(world, kind, words, job)
        for index, place in enumerate(world.hands):
            if index and place is world.hands[index - 1]:
                continue
            others = (*world.hands[:index], *world.hands[index + 1 :])
            if place.job.name in self.rules.deaths:
                after = World(world.ledger, world.phase, world.books, others, world.wire)
                yield Move("f", f"{place.job.name} {place.job.about} DIES", after)
            if isinstance(place.wish, Begin):
                step = self.handlers.go_on(place, world.phase, world.ledger)
                yield self._done(world, others, "s", f"{place.where}, transaction", step)
            else:
                yield from self._called(world, others, place, place.wish)

    # --- what nobody of ours does ------------------------------------------------------

    def _time(self, world: World) -> Iterator[Move]:
        if world.phase is not Phase.PAST_WATCH:
            later = Phase(world.phase + 1)
            yield Move("t", f"{later.words} passes", world._replace(phase=later))
        asking = world.ledger.asking
        if asking and not any(place.job.name == "pay" for place in world.hands):
            ledger = self._nobody_asks(world.ledger)
            yield Move("t", "the claim to ask runs out", world._replace(ledger=ledger))

    def _nobody_asks(self, ledger: Ledger) -> Ledger:
        if ledger not in self._released:
            rows = ledger.thaw()
            for attempt in ledger.asking:
                rows.attempts[attempt.attempt_id] = replace(attempt, asking_until=None)
            self._released[ledger] = self.ledgers.freeze(rows, ledger.events)
        return self._released[ledger]

    def _elsewhere(self, world: World) -> Iterator[Move]:
        for kind, words, books in what_payers_do(
            world.books, world.phase, late=self.rules.late_clocks
        ):
            yield Move(kind, words, world._replace(books=books))
        for late in world.wire:
            call = self._late_calls[late]
            books = carry_out(call, world.books, world.phase).books
            wire = world.wire - {late}
            words = f"{call.verb} of {call.what.number} arrives late, nobody waits for the answer"
            yield Move("s", words, world._replace(books=books, wire=wire))

    # --- what handlers do --------------------------------------------------------------

    def _may_start(
        self, ledger: Ledger, phase: Phase, books: Books
    ) -> Iterator[tuple[str, str, Job]]:
        """Say which jobs make sense now; any other would end at once and change nothing."""
        state = ledger.order.state
        if state is OrderState.NEW and phase is Phase.IN_TIME:
            for account in self.rules.accounts:
                yield "u", f"the payer presses {account}", Job("pay", account)
        if state is OrderState.NEW and self.rules.cancels:
            yield "u", "the payer gives the order up", Job("cancel", "")
        for till in books:
            if till.noticed:
                job = Job("notice", f"{till.account}/{till.number}")
                yield "s", f"a notice says {till.number} was paid", job
        yield from self._work(ledger, phase)

    def _work(self, ledger: Ledger, phase: Phase) -> Iterator[tuple[str, str, Job]]:
        """Say what workers may take up."""
        live = [attempt for attempt in ledger.attempts if attempt.state in LIVE]
        if self.rules.janitor:
            for attempt in live:
                yield "s", f"a worker checks {attempt.number}", Job("check", attempt.attempt_id)
        for refund in ledger.refunds:
            if refund.state in {RefundState.DUE, RefundState.SENT}:
                yield "s", f"a worker takes up {refund.number}", Job("refund", refund.refund_no)
        state = ledger.order.state
        late = state is OrderState.NEW and phase > Phase.IN_TIME
        if late or (state is OrderState.EXPIRING and not live):
            yield "s", "a worker expires orders", Job("expire", "")

    def _start(self, world: World, kind: str, words: str, job: Job) -> Iterator[Move]:
        running = sum(place.job == job for place in world.hands)
        if running > (job.name == "pay"):  # leases; only a payer presses twice at once
            return
        step = self.handlers.start(job, world.phase, world.ledger)
        if step.place is not None and len(world.hands) >= self.rules.hands:
            return
        yield self._done(world, world.hands, kind, words, step)

    def _done(
        self, world: World, others: tuple[Place, ...], kind: str, words: str, step: Step
    ) -> Move:
        """Tell what a handler's step did."""
        if len(step.ledger.attempts) > self.rules.attempts:
            return Move("f", f"{words}: no time for it", world._replace(hands=others))
        hands = self._with(others, step.place)
        after = World(step.ledger, world.phase, world.books, hands, world.wire)
        if step.ledger is world.ledger and step.bug is None:
            return Move(kind, words, after)
        told = difference(world.ledger, step.ledger)
        return Move(
            kind, f"{words}{told}", after, step.bug or off_the_table(world.ledger, step.ledger)
        )

    def _called(
        self, world: World, others: tuple[Place, ...], place: Place, call: Call
    ) -> Iterator[Move]:
        """A call arrives, or its answer does not, or it does not arrive."""
        words = f"{call.verb} {call.what.number} at {call.account}"
        effect = carry_out(call, world.books, world.phase)

        def answered(kind: str, words: str, reply: object, books: Books, *late: Call) -> Move:
            step = self.handlers.go_on(place, world.phase, world.ledger, reply)
            if books is world.books and step.place is not None and self._is_stable(reply, world):
                # Waiting with it is the same as asking later: settle it at once.
                assert isinstance(step.place.wish, Begin)
                step = self.handlers.go_on(step.place, world.phase, world.ledger)
                words += difference(world.ledger, step.ledger)
            wire = world.wire
            for request in late:
                self._late_calls[request.verb, request.what.number] = request
                wire |= {(request.verb, request.what.number)}
            hands = self._with(others, step.place)
            after = World(step.ledger, world.phase, books, hands, wire)
            bug = step.bug
            if step.ledger is not world.ledger:
                bug = bug or off_the_table(world.ledger, step.ledger)
            return Move(kind, words, after, bug)

        yield answered("s", f"{words}: {said(effect.reply)}", effect.reply, effect.books)
        if call.verb not in self.rules.losses:
            return
        yield answered("f", f"{words}: lost", LOST, world.books)
        if call.verb in {"open", "close", "refund"}:
            if effect.books != world.books:
                yield answered("f", f"{words}: done, answer lost", LOST, effect.books)
            if call.verb != "refund" and len(world.wire) < self.rules.late:
                yield answered("f", f"{words}: given up, still on its way", LOST, world.books, call)

    def _is_stable(self, reply: object, world: World) -> bool:
        """Tell whether a provider will answer the same for ever, whatever happens."""
        if not isinstance(reply, Receipt):
            return False
        if reply.state is ReceiptState.NOT_FOUND:
            return world.phase is Phase.PAST_WATCH and not self.rules.late_clocks
        return reply.state in {ReceiptState.PAID, ReceiptState.CLOSED}

    def _with(self, others: tuple[Place, ...], place: Place | None) -> tuple[Place, ...]:
        if place is None:
            return others
        ranks = self.order_of_places
        ranks.setdefault(place, len(ranks))
        return tuple(sorted((*others, place), key=ranks.__getitem__))


def _account(name: str) -> Account:
    return Account(
        name=name,
        title=name.title(),
        provider=ModelProvider(name),
        credentials_epoch="1",
        notify_url=f"https://shop.example/v1/notices/{name}",
    )


async def _hear(take_notice: TakeNotice, about: str) -> None:
    account, number = about.split("/")
    raw = RawNotice(headers={}, body=number.encode(), received_at=START)
    await take_notice(account=account, raw=raw)
