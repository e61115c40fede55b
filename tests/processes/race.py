"""The race: many clients on one order, through two servers and two workers, and every page is paid."""

import asyncio
from random import Random

from retender.tests.processes.scene import Scene
from retender.tests.processes.shop import Shop

CROWD = 50
"""Clients on one order, at the most."""

_CROWD_EVERY = 50
"""So many orders have a few clients only, to one that has a crowd."""

_FEW = 4


async def race(shop: Shop, scene: Scene, chance: Random, order_no: str) -> None:
    """
    Place an order twice at once, press pay from everywhere, and pay every page that comes.

    Then the shop refunds what is left, from several desks, under one number.
    """
    clients = CROWD if int(order_no.rpartition("-")[2]) % _CROWD_EVERY == 0 else _FEW
    amount = chance.randint(100, 8_999)
    await asyncio.gather(*(shop.place(order_no, amount, chance) for _ in range(2)))
    accounts = [chance.choice(list(scene.gateways)) for _ in range(clients)]
    pages = await asyncio.gather(*(shop.pay(order_no, account, chance) for account in accounts))
    # One page of each attempt: the same one twice would be one payment.
    unlike = {page["attempt_id"]: (name, page) for name, page in zip(accounts, pages) if page}  # noqa: B905 -- gathered in order
    acts = [
        shop.act(scene.gateways[account], "pay", order_no, page)
        for account, page in unlike.values()
    ]
    looks = [shop.show(order_no, chance) for _ in range(2)]
    await asyncio.gather(*acts, *looks)
    if chance.random() < 0.1 and await shop.is_paid(order_no, chance):
        number = f"{order_no}-R1"
        await asyncio.gather(*(shop.refund(order_no, number, chance) for _ in range(3)))
