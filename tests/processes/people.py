"""People: what becomes of one order, drawn by lot."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random

from retender.tests.processes.shop import Json, Shop

_STRICT_AMOUNT = 150_000
"""Above ``pay.strict_over``: a second page only once the first is dead."""

_LARGEST = 8_999
"""Above it there are amounts that the sandbox pays, or spoils, by itself."""

RESTLESS: Mapping[str, int] = {
    "switches": 25,
    "wanders": 20,
    "closes": 20,
    "gives_back": 15,
    "gives_back_at_once": 15,
    "two_tabs": 5,
}
"""The same where rare steps are to be passed often."""

_WATCHED = 0.2
"""Of so many orders somebody reads the story all the time, from either server."""

LIVES: Mapping[str, int] = {
    "pays": 64,
    "switches": 14,
    "gives_back": 8,
    "closes": 6,
    "two_tabs": 4,
    "abandons": 4,
}
"""How many of a hundred orders go which way."""


@dataclass(frozen=True, slots=True)
class Life:
    """One order's people."""

    shop: Shop
    gateways: Mapping[str, str]
    chance: Random
    order_no: str
    amount_minor: int

    async def pays(self) -> None:
        """Pay, and sometimes look whether it came through."""
        account = self._account()
        if page := await self.shop.pay(self.order_no, account, self.chance):
            await self._act(account, page)
        if self.chance.random() < 0.3:
            await self.shop.show(self.order_no, self.chance)

    async def switches(self) -> None:
        """Leave the first page for another provider's, then pay one of them, or both."""
        first, second = self.chance.sample(list(self.gateways), 2)
        one = await self.shop.pay(self.order_no, first, self.chance)
        if one and self.chance.random() < 0.5:
            await self._act(first, one, "scan")
        two = await self.shop.pay(self.order_no, second, self.chance)
        pages = [(first, one), (second, two)]
        self.chance.shuffle(pages)
        if self.chance.random() < 0.3:
            pages = pages[:1]
        await asyncio.gather(*(self._act(account, page) for account, page in pages if page))
        await self.shop.show(self.order_no, self.chance)

    async def wanders(self) -> None:
        """Look at one provider's page after the other, then pay the last one, or give it all up."""
        last = None
        for account in self.chance.sample(list(self.gateways), len(self.gateways)):
            if page := await self.shop.pay(self.order_no, account, self.chance):
                await self._act(account, page, "scan")
                last = account, page
        if last and self.chance.random() < 0.5:
            await self._act(*last)
        else:
            await self.shop.close(self.order_no, self.chance)

    async def gives_back(self) -> None:
        """Pay, then the shop gives back all or a part, and asks for it twice."""
        await self.pays()
        if not await self.shop.is_paid(self.order_no, self.chance):
            return
        part = self.amount_minor // 3 if self.chance.random() < 0.5 else None
        number = f"{self.order_no}-R1"
        await asyncio.gather(
            self.shop.refund(self.order_no, number, self.chance, part),
            self.shop.refund(self.order_no, number, self.chance, part),
        )
        await self.shop.show(self.order_no, self.chance)

    async def gives_back_at_once(self) -> None:
        """Pay, and the shop gives back before anybody may have told it that this was paid."""
        account = self._account()
        page = await self.shop.pay(self.order_no, account, self.chance)
        if page and await self._act(account, page):
            await self.shop.refund(self.order_no, f"{self.order_no}-R1", self.chance)

    async def closes(self) -> None:
        """Give the order up, some while somebody pays at that very moment."""
        account = self._account()
        page = await self.shop.pay(self.order_no, account, self.chance)
        acts: list[Awaitable[object]] = [self.shop.close(self.order_no, self.chance)]
        if page and self.chance.random() < 0.6:
            acts.append(self._act(account, page))
        await asyncio.gather(*acts)
        await self.shop.show(self.order_no, self.chance)

    async def two_tabs(self) -> None:
        """Press pay in several tabs at once, then pay every page that came."""
        requests = [self._account() for _ in range(3)]
        pages = await asyncio.gather(
            *(self.shop.pay(self.order_no, account, self.chance) for account in requests)
        )
        await asyncio.gather(
            *(
                self._act(request, page)
                for request, page in zip(requests, pages, strict=True)
                if page
            )
        )
        await self.shop.show(self.order_no, self.chance)

    async def abandons(self) -> None:
        """Look at a page, and never pay it."""
        account = self._account()
        page = await self.shop.pay(self.order_no, account, self.chance)
        if page and self.chance.random() < 0.5:
            await self._act(account, page, "scan")

    async def is_watched(self) -> None:
        """Look at the order again and again, while the others do what they do."""
        for _ in range(6):
            await self.shop.show(self.order_no, self.chance)
            await asyncio.sleep(self.chance.uniform(0, 0.5))

    def _account(self) -> str:
        return self.chance.choice(list(self.gateways))

    async def _act(self, account: str, page: Json, action: str = "pay") -> bool:
        return await self.shop.act(self.gateways[account], action, self.order_no, page)


def chance_of(seed: object) -> Random:
    """Return dice that fall the same way for the same seed."""
    return Random(str(seed))  # noqa: S311 -- what people do is no secret


async def live(
    shop: Shop,
    gateways: Mapping[str, str],
    chance: Random,
    order_no: str,
    lives: Mapping[str, int] = LIVES,
) -> None:
    """Place an order, and live its life."""
    amount = _STRICT_AMOUNT if chance.random() < 0.1 else chance.randint(3, _LARGEST)
    await shop.place(order_no, amount, chance)
    life = Life(shop, gateways, chance, order_no, amount)
    (name,) = chance.choices(list(lives), list(lives.values()))
    go: Callable[[], Awaitable[None]] = getattr(life, name)
    watching = life.is_watched() if chance.random() < _WATCHED else asyncio.sleep(0)
    await asyncio.gather(go(), watching)
