"""The race: many clients on one order, two servers, two workers, and every page is paid."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

from retender.tests.processes.scene import Scene
from retender.tests.processes.shop import Shop

CROWD = 50
"""Clients on one order, at the most."""

RACE_TRACK: Mapping[str, Any] = {
    # Every page stays open: no provider decides the race, only our database.
    "accounts": ("sandbox", "alipay"),
    "switch_policy": "none",
    "lease_seconds": 60,
}
"""How to set the scene for it."""

_CROWD_EVERY = 100
"""Of so many orders one has a crowd; the others have two clients, each with another provider."""


async def race(shop: Shop, scene: Scene, chance: Random, order_no: str) -> None:
    """
    Press pay from everywhere at once, then pay every page that comes, at once.

    Now and then several desks of the shop refund what is left, under one number.
    """
    crowd = int(order_no.rpartition("-")[2]) % _CROWD_EVERY == 1
    # Nobody shall win by being late.
    await shop.place(order_no, chance.randint(100, 8_999), chance, lasts_seconds=3600)
    ways = list(scene.gateways) * (CROWD // len(scene.gateways) if crowd else 1)
    pages = await asyncio.gather(*(shop.pay(order_no, way, chance) for way in ways))
    # The same page paid again would be one payment: each attempt's is paid once.
    unlike = {
        page["attempt_id"]: (way, page) for way, page in zip(ways, pages, strict=True) if page
    }
    await asyncio.gather(
        *(shop.act(scene.gateways[way], "pay", order_no, page) for way, page in unlike.values())
    )
    if crowd:
        await asyncio.gather(*(shop.show(order_no, chance) for _ in range(CROWD)))
    if chance.random() < 0.05 and await shop.is_paid(order_no, chance):
        number = f"{order_no}-R1"
        await asyncio.gather(*(shop.refund(order_no, number, chance) for _ in range(3)))
