"""The people: payers who come and go and press and pay, and a shop that meddles."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from retender.domain.model.attempt_errors import PayOrderContended
from retender.domain.model.errors import RetenderError, StoreBusy
from retender.domain.model.money import Money
from retender.domain.model.order import LatePayment
from retender.domain.model.pay_result import PageReady
from retender.domain.model.payer import Payer
from retender.simulators.kit.payer import PayerAction
from retender.tests.simulation.consoles import give_back_by_hand
from retender.tests.simulation.held_page import HeldPage
from retender.tests.simulation.processes import Unreachable
from retender.tests.simulation.script import Move, OrderPlan

if TYPE_CHECKING:
    from retender.entrypoints.container import Container
    from retender.tests.simulation.town import Town

T = TypeVar("T")

_PLACING_TRIES = 60


class Life:
    """
    One order, its payer and its shop.

    Attributes:
        paid: when each number was paid, in seconds.
        placed_at: a moment at which the order was surely not placed yet.
        words: what was said of late payments by those who asked that the order be closed.

    """

    def __init__(self, town: "Town", plan: OrderPlan) -> None:
        """Begin with nothing done."""
        self.town = town
        self.plan = plan
        self.paid: dict[str, float] = {}
        self.placed_at = 0.0
        self.words: set[LatePayment] = set()
        self.refunds = 0
        self._asked = 0
        self._unanswered = 0

    @property
    def actor(self) -> str:
        """Whose chance it is."""
        return f"order {self.plan.order_no}"

    @property
    def pages(self) -> list[HeldPage]:
        """The pages in the payer's hands, as they came."""
        return self.town.watch.held[self.plan.order_no]

    async def live(self) -> None:
        """Place the order, then make every move at its time, whatever became of the others."""
        await asyncio.sleep(self.plan.begins)
        self.placed_at = self.town.loop.time()
        if not await self._place_until_placed():
            return
        began = self.town.loop.time()
        moves = []
        for move in self.plan.moves:
            await asyncio.sleep(max(0.0, began + move.at - self.town.loop.time()))
            moves.append(self.town.spawn(self._make(move), actor=self.actor))
        for task in moves:
            await task

    async def _place_until_placed(self) -> bool:
        for _ in range(_PLACING_TRIES):
            if await self._place():
                return True
            await asyncio.sleep(5)
        return False

    async def _make(self, move: Move) -> None:
        """Make one move; what is refused is refused."""
        verbs = {
            "press": self._press,
            "leave": self._leave,
            "scan": self._scan,
            "pay_last": self._pay_last,
            "pay_any": self._pay_any,
            "pay_all": self._pay_all,
            "close": self._close,
            "cancel": self._close,
            "refund": self._refund,
            "refund_part": self._refund,
            "console": self._console,
        }
        if move.verb == "place":
            await self._place()
        else:
            await verbs[move.verb](move)

    async def _ask(self, what: str, call: Callable[["Container"], Awaitable[T]]) -> T | None:
        """Ask the server as a client would; None if it said no or nothing."""
        began, alone = self.town.loop.time(), not self._unanswered
        self._asked += 1
        self._unanswered += 1
        mine = self._asked
        try:
            answer = await self.town.processes["server"].ask(call)
        except Unreachable:
            self.town.log(f"{what}: no answer")
            return None  # it may be at work on it still
        except (StoreBusy, PayOrderContended) as busy:
            self.town.log(f"{what}: {busy.code}")
            if alone and mine == self._asked and self.town.calm.has_held_since(began):
                message = f"{self.plan.order_no}: {what}: {busy.message}"
                self.town.bugs.append(f"{message}, and nobody else was there")
        except RetenderError as no:
            self.town.log(f"{what}: {no.code}")
        else:
            self._unanswered -= 1
            return answer
        self._unanswered -= 1
        return None

    async def _place(self) -> bool:
        placed = await self._ask(
            "place",
            lambda container: container.place_order()(
                order_no=self.plan.order_no,
                user_id="ann",
                subject="Tea",
                amount=Money(self.plan.minor, "CNY"),
            ),
        )
        if placed is not None:
            self.town.log(f"placed, {placed.order.amount}")
        return placed is not None

    async def _press(self, move: Move) -> None:
        what = f"press {move.account} {move.client}"
        client, _, kind = move.client.partition("/")
        ready = await self._ask(
            what,
            lambda container: container.pay_order()(
                order_no=self.plan.order_no,
                user_id="ann",
                account=move.account,
                client_type=client,
                page_kind=kind or None,
                payer=Payer(
                    openid="oAnn0000000000000000000000000",
                    client_ip="203.0.113.9",
                    return_url="https://shop.example.com/thanks",
                ),
            ),
        )
        if isinstance(ready, PageReady):
            again = "again" if ready.reused else "new"
            self.town.log(f"{what}: page {ready.attempt.number} {again}")
            self.town.watch.handed_out(self.plan.order_no, ready.attempt, ready.page)
        elif ready is not None:
            self.town.log(f"{what}: answer pending")

    async def _leave(self, _move: Move) -> None:
        self._act(PayerAction.LEAVE, self.pages[-1:])

    async def _scan(self, move: Move) -> None:
        self._act(PayerAction.SCAN, self._some(move))

    async def _pay_last(self, _move: Move) -> None:
        self._act(PayerAction.PAY, self.pages[-1:])

    async def _pay_any(self, move: Move) -> None:
        self._act(PayerAction.PAY, self._some(move))

    async def _pay_all(self, _move: Move) -> None:
        self._act(PayerAction.PAY, list(self.pages))

    def _some(self, move: Move) -> list[HeldPage]:
        return [self.pages[int(move.luck * len(self.pages))]] if self.pages else []

    def _act(self, action: PayerAction, pages: list[HeldPage]) -> None:
        """Act on pages; whether anything comes of it the gateway decides."""
        for held in pages:
            done = self.town.gateways[held.account].act(action, held.page, buyer="ann")
            self.town.log(f"{action} {held.account} {held.number}: {done.code}")
            if done.ok and action is PayerAction.PAY:
                self.paid.setdefault(held.number, self.town.loop.time())
                if self.town.clock() > held.attempt.watch_until:
                    what = f"{held.number} was paid, and nobody watches it any more"
                    self.town.bugs.append(f"{self.plan.order_no}: {what}")
            self.town.look()

    async def _close(self, move: Move) -> None:
        user = "ann" if move.verb == "cancel" else None
        word = LatePayment.ACCEPT if move.luck < 0.5 else LatePayment.REFUND
        self.words.add(word)
        order = await self._ask(
            move.verb,
            lambda container: container.close_order()(
                order_no=self.plan.order_no, user_id=user, late_payment=word
            ),
        )
        if order is not None:
            self.town.log(f"{move.verb}: {order.state}")

    async def _console(self, move: Move) -> None:
        """Give back at the gateway's own console, all of a payment or half of it."""
        for held in self.pages:
            minor = self.plan.minor if move.luck < 0.5 else max(1, self.plan.minor // 2)
            done = give_back_by_hand(self.town.gateways[held.account], held, minor)
            self.town.log(f"console of {held.account}: {minor} of {held.number}: {done}")

    async def _refund(self, move: Move) -> None:
        """Refund, all or part; half of the shops send the same request twice at once."""
        self.refunds += 1
        refund_no = f"{self.plan.order_no}-R{self.refunds}"
        part = max(1, int(self.plan.minor * move.luck / 2))
        amount = Money(part, "CNY") if move.verb == "refund_part" else None

        async def once() -> None:
            refund = await self._ask(
                f"refund {refund_no}",
                lambda container: container.refund_payment()(
                    order_no=self.plan.order_no, refund_no=refund_no, amount=amount
                ),
            )
            if refund is not None:
                self.town.log(f"refund {refund_no} {refund.amount}: {refund.state}")

        await asyncio.gather(*(once() for _ in range(2 if move.luck < 0.5 else 1)))
