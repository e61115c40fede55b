"""PlaceOrder: write down what is owed, once per shop's number."""

from dataclasses import dataclass
from datetime import timedelta

from retender.domain.model.errors import IdempotencyConflict, InvalidInput, OpenOrderExists
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.story import OrderPlaced, StoryEntry
from retender.domain.steps.retry_when_busy import retry_when_busy
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
        while not await self._is_added(order):
            # The number exists, or the payer has an open order under the key. If
            # neither is so any more, that order ended in between: once more.
            if existing := await self._in_the_way(order):
                return Placed(existing, created=False)
        return Placed(order, created=True)

    @retry_when_busy
    async def _is_added(self, order: Order) -> bool:
        async with self.unit_of_work() as work:
            if not await work.orders.add(order):
                return False
            placed = OrderPlaced(amount=order.amount, pay_until=order.shown_until)
            line = StoryEntry(order_id=order.order_id, at=order.created_at, fact=placed)
            await work.story.add(line)
            await work.commit()
        return True

    async def _in_the_way(self, order: Order) -> Order | None:
        """Return the order that this call may stand for, or raise for one that it may not."""
        async with self.unit_of_work(read_only=True) as work:
            existing = await work.orders.get(order.order_no)
            rival = await work.orders.open_under(order.user_id, order.key) if order.key else None
        if existing is not None:
            if fields := existing.differs_from(order):
                raise IdempotencyConflict("Order", order.order_no, fields)
            return existing
        if rival is not None:
            raise OpenOrderExists(rival.order_no, str(order.key))
        return None
