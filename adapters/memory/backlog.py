"""What has not come to its end, in memory."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from retender.adapters.memory.attempts import MemoryAttempts
from retender.adapters.memory.orders import MemoryOrders
from retender.adapters.memory.records import MemoryOutbox
from retender.adapters.memory.refunds import MemoryRefunds
from retender.adapters.memory.rows import Rows
from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import STANDS, About, AttentionCode, AttentionItem
from retender.domain.model.backlog import (
    OPEN_ATTEMPTS,
    OPEN_ORDERS,
    OPEN_REFUNDS,
    BacklogSize,
    Due,
    Overdue,
    Waiting,
    WorkKind,
)
from retender.domain.model.event import Event
from retender.domain.model.lease import is_free
from retender.domain.model.refund import Refund
from retender.domain.model.transition import OrderState


@dataclass(frozen=True, slots=True)
class MemoryBacklog:
    """Implements ``Backlog``."""

    rows: Rows

    async def attempts(
        self, watched_until: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Attempt]:
        """Return those whose watch ended first, first."""
        quiet = self._quiet(About.ATTEMPT, AttentionCode.UNKNOWN_TOO_LONG, quiet_since)
        absent = {
            item.subject
            for item in self.rows.attention.values()
            if item.is_open and item.code is AttentionCode.ABSENT
        }
        found = [
            attempt
            for attempt in self.rows.attempts.values()
            if attempt.is_live
            and attempt.watch_until <= watched_until
            and attempt.attempt_id not in quiet
            and attempt.account not in absent
        ]
        return sorted(found, key=lambda a: (a.watch_until, a.attempt_id))[:limit]

    async def refunds(
        self, code: AttentionCode, made_by: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Refund]:
        """Return the oldest first."""
        quiet = self._quiet(About.REFUND, code, quiet_since)
        found = [
            refund
            for refund in self.rows.refunds.values()
            if refund.state in STANDS[code]
            and refund.created_at <= made_by
            and refund.refund_no not in quiet
        ]
        return sorted(found, key=lambda r: (r.created_at, r.refund_no))[:limit]

    async def events(self, made_by: datetime, quiet_since: datetime, limit: int) -> Sequence[Event]:
        """Return them in the order of writing."""
        quiet = self._quiet(About.EVENT, AttentionCode.UNTOLD_TOO_LONG, quiet_since)
        found = (e for e in self._untold() if e.at <= made_by and e.event_id not in quiet)
        return list(islice(found, limit))

    async def over(self, limit: int, attention_id: str | None = None) -> Sequence[AttentionItem]:
        """Return them in the order of writing."""
        found = (
            item
            for item in self.rows.attention.values()
            if item.is_open
            and item.code in STANDS
            and attention_id in {None, item.attention_id}
            and not self._stands(item)
        )
        return list(islice(found, limit))

    async def live_attempts(self) -> Mapping[str, int]:
        """Count them all."""
        return Counter(a.account for a in self.rows.attempts.values() if a.is_live)

    async def size(self) -> BacklogSize:
        """Count everything."""
        waiting: dict[AttentionCode, Waiting] = {}
        for item in self.rows.attention.values():
            if item.is_open:
                before = waiting.get(item.code, Waiting(0, item.at))
                since = min(before.since, item.at)
                waiting[item.code] = Waiting(before.count + 1, since)
        orders = Counter(order.state for order in self.rows.orders.values())
        attempts = Counter(attempt.state for attempt in self.rows.attempts.values())
        refunds = Counter(refund.state for refund in self.rows.refunds.values())
        looks = [a.next_check_at for a in self.rows.attempts.values() if a.next_check_at]
        tries = [r.next_try_at for r in self.rows.refunds.values() if r.next_try_at]
        return BacklogSize(
            waiting=waiting,
            orders={state: orders[state] for state in OPEN_ORDERS if orders[state]},
            attempts={state: attempts[state] for state in OPEN_ATTEMPTS if attempts[state]},
            refunds={state: refunds[state] for state in OPEN_REFUNDS if refunds[state]},
            untold=sum(1 for _ in self._untold()),
            due_since=min([*looks, *tries], default=None),
        )

    async def due(self, now: datetime, accounts: Sequence[str]) -> Due:
        """Ask each for one."""
        orders = MemoryOrders(self.rows)
        late = await orders.past_deadline(now, 1)
        dead = await orders.expiring_without_live_attempts(1)
        attempts, refunds = MemoryAttempts(self.rows), MemoryRefunds(self.rows)
        return Due(
            orders=bool(late or dead),
            events=await MemoryOutbox(self.rows).any_due(now),
            accounts=frozenset(
                [
                    name
                    for name in accounts
                    if await attempts.any_due(now, account=name)
                    or await refunds.any_due(now, account=name)
                ]
            ),
        )

    async def overdue(self, by: datetime, now: datetime) -> Mapping[WorkKind, Overdue]:
        """Look at everything."""
        orders, events = self.rows.orders.values(), self.rows.events.values()
        attempts, refunds = self.rows.attempts.values(), self.rows.refunds.values()
        aside = self.rows.aside()
        due: dict[WorkKind, list[datetime | None]] = {
            WorkKind.ORDERS: [
                o.shown_until
                for o in orders
                if o.state is OrderState.NEW and o.order_id not in aside
            ],
            WorkKind.ATTEMPTS: [a.next_check_at for a in attempts if is_free(a.leased_until, now)],
            WorkKind.REFUNDS: [r.next_try_at for r in refunds if is_free(r.leased_until, now)],
            WorkKind.EVENTS: [
                row.next_try_at or row.untold.event.at
                for row in events
                if row.sent_at is None and is_free(row.leased_until, now)
            ],
        }
        late = {kind: [at for at in times if at and at <= by] for kind, times in due.items()}
        return {kind: Overdue(len(times), min(times)) for kind, times in late.items() if times}

    def _untold(self) -> Iterator[Event]:
        return (row.untold.event for row in self.rows.events.values() if row.sent_at is None)

    def _quiet(self, about: About, code: AttentionCode, since: datetime) -> set[str | None]:
        waiting = {code, AttentionCode.ROW_UNREADABLE}
        return {
            one.subject
            for one in self.rows.attention.values()
            if one.about is about
            and (one.code in waiting if one.ending is None else one.ending.at > since)
        }

    def _stands(self, item: AttentionItem) -> bool:
        """Tell whether an escalation's subject is where it was; one that is gone is."""
        subject = item.subject or ""
        if item.about is About.EVENT:
            row = self.rows.events.get(subject)
            return row is None or row.sent_at is None
        found: Attempt | Refund | None = self.rows.attempts.get(subject)
        if item.about is About.REFUND:
            found = self.rows.refunds.get(subject)
        return found is None or found.state in STANDS[item.code]
