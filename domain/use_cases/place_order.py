"""PlaceOrder: write down what is owed, once per shop's number."""

from dataclasses import dataclass
from datetime import timedelta

from retender.domain.model.errors import IdempotencyConflict, InvalidInput, OpenOrderExists
from retender.domain.model.event import StoryEntry
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Placed:
    """The order, and whether this call made it."""

    order: Order
    created: bool


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """
    Place an order; placing it again with the same parameters returns it.

    Attributes:
        pay_within: how long the payer has, unless the shop says otherwise.

    """

    unit_of_work: UnitOfWork
    clock: Clock
    new_id: NewId
    pay_within: timedelta = timedelta(minutes=30)

    async def __call__(
        self,
        *,
        order_no: str,
        user_id: str,
        subject: str,
        amount: Money,
        key: str | None = None,
        pay_within: timedelta | None = None,
    ) -> Placed:
        """
        Place the order.

        Args:
            order_no: the shop's number; the call is idempotent on it.
            user_id: who may see and pay it.
            subject: what the payer reads.
            amount: what is due; more than nothing.
            key: if given, the payer has at most one open order under it.
            pay_within: 1 minute to 30 days.

        Raises:
            InvalidInput: something cannot be meant.
            IdempotencyConflict: the number exists with other parameters; names them.
            OpenOrderExists: the payer has an open order under the key; names it.

        """
        within = self.pay_within if pay_within is None else pay_within
        if not SHORTEST <= within <= LONGEST:
            message = "pay_within must lie between 1 minute and 30 days."
            raise InvalidInput(message, field="pay_within")
        now = self.clock()
        order = Order(
            order_id=self.new_id(),
            order_no=order_no,
            user_id=user_id,
            subject=subject,
            amount=amount,
            key=key,
            created_at=now,
            shown_until=now + within,
        )
        async with self.unit_of_work() as work:
            if await work.orders.add(order):
                why = f"placed: {amount} until {order.shown_until.isoformat()}"
                entry = StoryEntry(order_id=order.order_id, at=now, what="order NEW", why=why)
                await work.story.add(entry)
                await work.commit()
                return Placed(order, created=True)
        # Not taken: the number exists, or the payer has an open order under the key.
        async with self.unit_of_work(read_only=True) as work:
            existing = await work.orders.get(order_no)
            rival = await work.orders.open_under(user_id, key) if key is not None else None
        if existing is None and rival is None:  # the rival closed in between: once more
            return await self(
                order_no=order_no,
                user_id=user_id,
                subject=subject,
                amount=amount,
                key=key,
                pay_within=pay_within,
            )
        if existing is None and rival is not None:
            raise OpenOrderExists(rival.order_no, str(key))
        return Placed(_same(existing, order), created=False)


def _same(existing: Order | None, wanted: Order) -> Order:
    """Return the existing order if the shop would not notice a difference."""
    if existing is None:
        message = "the order vanished; orders never do"
        raise LookupError(message)
    if fields := existing.differs_from(wanted):
        raise IdempotencyConflict("Order", wanted.order_no, fields)
    return existing
