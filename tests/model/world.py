"""
World: one order, its payer, its shop, the providers, and everything that may happen next.

The handlers are production's use cases over the memory store; the rest is an
environment that can do more than a real one, so what holds here holds there:

* Time is four phases. Nothing compares times but with the three instants between
  them. Providers may take money until the watch ends, however wrong their clocks.
* Workers may look at anything at any moment; leases only keep two from looking at
  the same. That a next look is planned for all that is under way is an invariant.
* A payer may pay every trade that exists and every page that was made, shown or not.
* A notice comes any number of times or never. A handler may die at any step, any
  number of them.
* Questions that a command asks side by side are asked one after the other; that one
  is cut off is a lost answer.
* Transactions are serial: the contract of the stores and their races prove that.

A state is a core (store, time, providers' books, requests and news on their way)
and the places at which handlers stand. What may happen to a core is the same
whoever stands where, so it is worked out once for each core.

What is covered where, and what is left to the simulation, stands in ``configurations``.
"""

from collections.abc import Iterator
from dataclasses import replace

from retender.domain.model.refund import MOST_TRIES
from retender.domain.model.transition import UNDER_WAY, AttemptState, RefundState
from retender.ports.payment_provider import Receipt, ReceiptState
from retender.tests.model.decisions import (
    after_the_word,
    finished_by_hand,
    goes_too_far,
    what_is_handed_over,
)
from retender.tests.model.ground import (
    Core,
    Heard,
    Late,
    Move,
    Start,
    held_rows,
    leased,
    rows_by_number,
    without_leases,
)
from retender.tests.model.handlers import Handlers, Job, Place, Step
from retender.tests.model.happenings import (
    what_is_reversed,
    what_payers_do,
    what_providers_do,
)
from retender.tests.model.invariants import Change, off_the_table
from retender.tests.model.jobs import may_start, use_cases
from retender.tests.model.news import is_known, is_spent
from retender.tests.model.providers import (
    Outcome,
    carry_out,
    outcomes,
    put,
    whereabouts,
)
from retender.tests.model.requests import Begin, Call, ModelClock, Names
from retender.tests.model.rules import Rules
from retender.tests.model.state import Books, Ledger, Ledgers, Phase


class Model:
    """The moves of one configuration."""

    def __init__(self, rules: Rules) -> None:
        """Wire production's use cases to the model."""
        self.rules, self.faults = rules, rules.faults
        self.ledgers = Ledgers(
            inbox=rules.inbox,
            outbox=rules.announces,
            leases=rules.has_leases,
            attention=bool(rules.decides),
        )
        self.clock, names = ModelClock(), Names()
        jobs = use_cases(rules, self.clock, names)
        self.handlers = Handlers(
            self.ledgers,
            self.clock,
            names,
            lambda job: jobs[job.name](job.about),
            tuple(phase.later(naps) for phase in Phase for naps in range(rules.naps + 1)),
            leases=rules.has_leases,
        )
        self.cores: list[Core] = []
        self.core_ids: dict[Core, int] = {}
        self.first = self._id(Core(self.ledgers.first, Phase.IN_TIME))
        self._alone: dict[int, tuple[Move, ...]] = {}
        self._starts: dict[int, tuple[Start, ...]] = {}
        self._steps: dict[tuple[int, int], tuple[Move, ...]] = {}
        self._outcomes: dict[tuple[int, Books, Phase], tuple[Outcome, ...]] = {}
        self._late_calls: dict[Late, Call] = {}

    def place(self, rank: int) -> Place:
        """Return a place by its rank."""
        return self.handlers.found[rank - 1]

    def alone(self, core: int) -> tuple[Move, ...]:
        """Return what happens whoever stands where: time, payers, providers, late requests."""
        if core not in self._alone:
            self._alone[core] = tuple(self._elsewhere(core))
        return self._alone[core]

    def starts(self, core: int) -> tuple[Start, ...]:
        """Return what may begin now."""
        if core not in self._starts:
            self._starts[core] = tuple(self._begin(core))
        return self._starts[core]

    def steps(self, core: int, rank: int) -> tuple[Move, ...]:
        """Return what the handler at a place may do next, or what may be done to it."""
        if self.rules.hands == 1:  # nobody asks twice
            return tuple(self._go_on(core, rank))
        key = (core, rank)
        if key not in self._steps:
            self._steps[key] = tuple(self._go_on(core, rank))
        return self._steps[key]

    # --- cores -------------------------------------------------------------------------

    def _id(self, core: Core) -> int:
        found = self.core_ids.setdefault(core, len(self.cores))
        if found == len(self.cores):
            self.cores.append(core)
        return found

    def _tidied(self, core: Core) -> int:
        """Drop notices of what we know, and late requests that can have no effect ever."""
        if core.wire:
            core = core._replace(
                wire=frozenset(late for late in core.wire if not is_spent(late, core))
            )
        for till in core.books:
            if till.notices:
                notices = tuple(n for n in till.notices if not is_known(n, till, core, self.rules))
                if notices != till.notices:
                    books = put(core.books, till._replace(notices=notices))
                    core = core._replace(books=books)
        return self._id(core)

    # --- what nobody of ours does ------------------------------------------------------

    def _elsewhere(self, number: int) -> Iterator[Move]:
        core, rules = self.cores[number], self.rules
        are_held = any(row.leased_until for row in leased(core.ledger))
        # Without naps who holds a lease is done before it is over.
        if core.phase is not Phase.PAST_WATCH and (rules.naps or not are_held):
            later = Phase(core.phase + 1)
            after = self._tidied(core._replace(phase=later))
            yield Move("t", (f"{later.words} passes",), after)
        seen = {attempt.number for attempt in core.ledger.attempts if attempt.opened_at}
        for kind, words, books in (
            *what_payers_do(
                core.books,
                core.phase,
                seen,
                late=rules.late_clocks,
                lies=rules.lies,
                twice=rules.twice,
            ),
            *what_providers_do(
                core.books,
                hears_all=rules.hears_all,
                console=rules.console,
                reverses=rules.reverses,
            ),
            *(("s", *done) for done in finished_by_hand(core, rules)),
        ):
            yield Move(kind, (words,), self._tidied(core._replace(books=books)))
        for late in sorted(core.wire):
            call = self._late_calls[late]
            books = carry_out(call, core.books, core.phase).books
            words = f"{call.verb} of {call.what.number} arrives late, nobody waits for the answer"
            arrived = core._replace(books=books, wire=core.wire - {late})
            yield Move("s", (words,), self._tidied(arrived))
        if rules.tires:
            yield from self._tire(core)
        if core.naps < rules.naps and are_held:
            after = self._tidied(core._replace(naps=core.naps + 1))
            yield Move("t", ("leases run out, whoever holds them",), after)

    def _tire(self, core: Core) -> Iterator[Move]:
        for refund in core.ledger.refunds:
            if refund.state in UNDER_WAY and refund.tries < MOST_TRIES:
                rows = core.ledger.thaw()
                rows.refunds[refund.refund_no] = replace(refund, tries=MOST_TRIES)
                ledger = self.ledgers.freeze(rows, core.ledger.events)
                words = f"{refund.number} was tried for days"
                yield Move("f", (words,), self._tidied(core._replace(ledger=ledger)))

    # --- what handlers do --------------------------------------------------------------

    def _begin(self, number: int) -> Iterator[Start]:
        core, rules = self.cores[number], self.rules
        asking = core.ledger.asking
        if asking:
            rows = core.ledger.thaw()
            for attempt in asking:
                rows.attempts[attempt.attempt_id] = replace(attempt, asking_until=None)
            ledger = self.ledgers.freeze(rows, core.ledger.events)
            after = self._tidied(core._replace(ledger=ledger))
            # Whoever asks ends before its claim does; only the dead leave one behind.
            yield Start(Job("pay", ""), 0, Move("t", ("the claim to ask runs out",), after))
        yield from self._end_leases(core)
        yield from self._be_sure(core)
        for words, books in what_is_reversed(core.books) if rules.reverses else ():
            # Nobody asks at that moment: which of two answers is older cannot be told.
            after = self._tidied(core._replace(books=books))
            yield Start(Job("", ""), -1, Move("f", (words,), after))
        for words, handed_over in what_is_handed_over(core, rules):
            # It is looked at once nobody is at it any more.
            yield Start(Job("", ""), -1, Move("s", (words,), self._tidied(handed_over)))
        for kind, words, job, beside in may_start(
            rules, core.ledger, core.phase, core.books, core.now
        ):
            step = self.handlers.start(job, core.now, core.ledger)
            for move in self._done(number, kind, (words,), job, step):
                yield Start(job, beside, move)

    def _be_sure(self, core: Core) -> Iterator[Start]:
        """Let so much time pass that what was sent has arrived by now, or never will."""
        for refund in core.ledger.refunds:
            on_its_way = any(number == refund.number for _, _, number in core.wire)
            if refund.sent_at is None or on_its_way:
                continue
            rows = core.ledger.thaw()
            rows.refunds[refund.refund_no] = replace(refund, sent_at=None)
            ledger = self.ledgers.freeze(rows, core.ledger.events)
            words = f"{refund.number} would have arrived by now"
            after = self._tidied(core._replace(ledger=ledger))
            # Whoever is about to send it ends before that.
            yield Start(Job("", ""), -1, Move("t", (words,), after))

    def _end_leases(self, core: Core) -> Iterator[Start]:
        """
        End leases that nobody alive holds: workers, those who send refunds, tellers of events.

        Refunds are sent by several kinds of handlers; so those end when nobody is at anything.
        """
        for name, rows in held_rows(core.ledger).items():
            if not any(row.leased_until is not None for row in rows):
                continue
            ledger = self.ledgers.freeze(without_leases(core.ledger, name), core.ledger.events)
            after = self._tidied(core._replace(ledger=ledger))
            several = any(refund.leased_until for refund in core.ledger.refunds)
            job, beside = (Job("", ""), -1) if name == "work" and several else (Job(name, ""), 0)
            yield Start(job, beside, Move("t", (f"leases to {name} run out",), after))

    def _go_on(self, number: int, rank: int) -> Iterator[Move]:
        core, place = self.cores[number], self.place(rank)
        if place.job.name in self.rules.deaths:
            yield Move("f", (f"{place.job.name} {place.job.about} DIES",), number)
        if isinstance(place.request, Begin):
            step = self.handlers.go_on(place, core.now, core.ledger)
            late = self._acts_late(core, place, step.ledger)
            if late and not step.bug:
                step = step._replace(bug="F")
            yield from self._done(number, "s", (place.where, ", transaction"), place.job, step)
        elif place.request.verb == "tell":
            yield from self._tell(number, place, place.request)
        elif place.request.verb == "acknowledge":  # only a mistake says it before it is done
            step = self.handlers.go_on(place, core.now, core.ledger)
            rank = 0 if step.place is None else step.place.rank
            yield Move("s", ("we say so",), self._received(number, place.job), rank, step.bug)
        else:
            yield from self._called(number, place, place.request)

    def _acts_late(self, core: Core, place: Place, after: Ledger) -> bool:
        """Tell whether a worker sends or closes what it does not hold, or not any more."""
        token = place.held_until
        if token is None or after is core.ledger:
            return False
        before = rows_by_number(core.ledger)
        acts = {AttemptState.CLOSING, RefundState.SENT}
        for number, row in rows_by_number(after).items():
            old = before.get(number)
            if old is not None and row.state is not old.state and row.state in acts:
                return old.leased_until != token  # over, but nobody else's, is good enough
        return False

    def _done(
        self, number: int, kind: str, words: tuple[object, ...], job: Job, step: Step
    ) -> Iterator[Move]:
        """Tell what a transaction did, and what follows if it was a handler's last step."""
        core, place = self.cores[number], step.place
        rank = 0 if place is None else place.rank
        if len(step.ledger.attempts) > self.rules.attempts:
            yield Move("f", (*words, ": no time for it"), number)
            return
        bug = step.bug
        after = number
        if step.ledger is not core.ledger:
            bug = bug or off_the_table(core.ledger, step.ledger)
            changed = core._replace(ledger=step.ledger)
            if job.name == "decide":
                bug = bug or goes_too_far(core, step.ledger)
                changed = after_the_word(changed, job)
            after = self._tidied(changed)
            words = (*words, Change(core.ledger, step.ledger))
        if job.name == "notice" and place is None and self.rules.hears_all and not bug:
            if "notice" in self.rules.deaths:
                yield Move("f", (*words, ", and nobody says so: it DIES"), after)
            words = (*words, ", and we say so")
            after = self._received(after, job)
        yield Move(kind, words, after, rank, bug)

    def _received(self, number: int, job: Job) -> int:
        """Let the provider hear that its notice was received: it does not come again."""
        core = self.cores[number]
        account, _, notice = job.about.partition("/")
        for till in core.books:
            if till.account == account and notice in till.notices:
                rest = tuple(other for other in till.notices if other != notice)
                books = put(core.books, till._replace(notices=rest))
                return self._tidied(core._replace(books=books))
        return number

    def _tell(self, number: int, place: Place, call: Call) -> Iterator[Move]:
        """The shop hears of an event and says so, or its answer is lost, or it does not hear."""
        core = self.cores[number]
        told = Heard(call.what.kind, call.what.subject, call.what.event_id)
        again = told._replace(again=True)
        heard = core.heard - {told} | {again if told in core.heard else told}
        after = self._tidied(core._replace(heard=heard if again not in core.heard else core.heard))
        words = f"the shop is told {told.kind} of {told.subject}"
        replies: list[tuple[str, str, int, object]] = [("s", "", after, None)]
        if "tell" in self.rules.losses:
            replies += [
                ("f", ", its answer is lost", after, ConnectionError()),
                ("f", ", it does not hear", number, ConnectionError()),
            ]
        for kind, more, at, reply in replies:
            step = self.handlers.go_on(place, core.now, core.ledger, reply)
            rank = 0 if step.place is None else step.place.rank
            yield Move(kind, (words, more), at, rank, step.bug)

    def _called(self, number: int, place: Place, call: Call) -> Iterator[Move]:
        """A call leads to whatever it may lead to."""
        core = self.cores[number]
        key = (place.rank, core.books, core.phase)
        if key not in self._outcomes:
            self._outcomes[key] = tuple(outcomes(call, core.books, core.phase, self.faults))
        for outcome in self._outcomes[key]:
            if outcome.late is not None and len(core.wire) >= self.rules.late:
                continue
            words: tuple[object, ...] = (
                f"{call.verb} {call.what.number} at {call.account}: {outcome.words}",
            )
            ledger = core.ledger
            step = self.handlers.go_on(place, core.now, ledger, outcome.reply)
            same = outcome.books == core.books
            if same and step.place is not None and self._is_stable(outcome.reply, core):
                # Waiting with it is the same as asking later: settle it at once.
                assert isinstance(step.place.request, Begin)
                step = self.handlers.go_on(step.place, core.now, ledger)
                words += (Change(ledger, step.ledger),)
            bug = step.bug
            if step.ledger is not ledger:
                bug = bug or off_the_table(ledger, step.ledger)
            wire = core.wire
            if outcome.late is not None:
                late = (call.verb, whereabouts(call), call.what.number)
                self._late_calls[late] = call
                wire |= {late}
            rank = 0 if step.place is None else step.place.rank
            if same and step.ledger is ledger and wire is core.wire:
                yield Move(outcome.kind, words, number, rank, bug)
            else:
                after = core._replace(ledger=step.ledger, books=outcome.books, wire=wire)
                yield Move(outcome.kind, words, self._tidied(after), rank, bug)

    def _is_stable(self, reply: object, core: Core) -> bool:
        """Tell whether a provider will answer the same for ever, whatever happens."""
        if not isinstance(reply, Receipt):
            return False
        if reply.state is ReceiptState.NOT_FOUND:
            return core.phase is Phase.PAST_WATCH and not self.rules.late_clocks
        if reply.state is ReceiptState.CLOSED:
            return not self.rules.lies
        return reply.state is ReceiptState.PAID and not self.rules.console
