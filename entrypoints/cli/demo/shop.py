"""The shop and the payer of the demo: they know HTTP, and nothing of the inside."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from retender.entrypoints import addresses

Json: TypeAlias = Mapping[str, Any]

_PATIENCE_SECONDS = 15.0
_LOOK_EVERY = 0.05

USER = "user-7"


class UnexpectedAnswer(Exception):
    """An answer that the story has no use for."""


@dataclass(frozen=True, slots=True)
class Shop:
    """
    A shop's server, on our HTTP API.

    Attributes:
        http: a client whose addresses begin with the server's.

    """

    http: httpx.AsyncClient

    async def place(self, order_no: str, subject: str, amount: str) -> Json:
        """Place an order over 30 minutes."""
        body = {
            "order_no": order_no,
            "user_id": USER,
            "subject": subject,
            "amount": {"amount": amount, "currency": "CNY"},
            "pay_within_seconds": 1800,
        }
        return await _json(self.http.post(addresses.ORDERS, json=body))

    async def methods(self, order_no: str, client_type: str) -> Json:
        """List what can be paid with."""
        query = {"user_id": USER, "client_type": client_type}
        path = addresses.ORDER_METHODS.format(order_no=order_no)
        return await _json(self.http.get(path, params=query))

    async def pay(self, order_no: str, account: str, client_type: str) -> Json:
        """Ask for a page; an answer that is not known yet is asked for again."""
        body = {
            "user_id": USER,
            "account": account,
            "client_type": client_type,
            "payer": {"client_ip": "203.0.113.7"},
        }
        path = addresses.ORDER_PAY.format(order_no=order_no)
        while True:
            answer = await _json(self.http.post(path, json=body))
            if answer["status"] == "page_ready":
                return answer
            await asyncio.sleep(answer["retry_after_seconds"])

    async def story(self, order_no: str) -> Json:
        """Return an order with its attempts, its surpluses, and what the shop is told."""
        path = addresses.ORDER.format(order_no=order_no)
        return await _json(self.http.get(path, params={"expand": "surpluses,events"}))

    async def story_when(self, order_no: str, so: Callable[[Json], bool]) -> Json:
        """Return the story as soon as something is so, or at the end of our patience."""
        until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            story = await self.story(order_no)
            if so(story) or asyncio.get_running_loop().time() > until:
                return story
            await asyncio.sleep(_LOOK_EVERY)


@dataclass(frozen=True, slots=True)
class Gateway:
    """
    A simulated provider, by the controls that its real model lacks.

    Attributes:
        http: a client whose addresses begin with the simulator's.

    """

    http: httpx.AsyncClient

    async def turn(self, **switches: object) -> None:
        """Turn switches."""
        await _json(self.http.post("/_simulator/switches", json=switches))

    async def act(self, action: str, page: Json) -> Json:
        """Do with a page what a payer would; ``ok`` says whether it went through."""
        body = {"action": action, "page": page, "buyer": "alice"}
        return await _json(self.http.post("/_simulator/act", json=body))

    async def trade(self, number: str) -> str | None:
        """Return the state of the trade under a number, in the provider's words, if it has one."""
        state = await _json(self.http.get("/_simulator/state"))
        rows = state.get("trades") or state.get("orders") or []
        found = next((row for row in rows if row["number"] == number), None)
        return found and (found.get("status") or found.get("state"))

    async def book(self, number: str) -> Json:
        """Return what moved under a number, in minor units; nothing, if it is unknown."""
        nothing = {"captured_minor": 0, "refunded_minor": 0, "refunds": {}}
        books = await _json(self.http.get("/_simulator/books"))
        found: Json = books.get(number, nothing)
        return found

    async def heard(self, number: str) -> list[Json]:
        """Return the deliveries of notices about a number that we accepted."""
        notices = await _json(self.http.get("/_simulator/notices"))
        return [row for row in notices["history"] if row["reference"] == number and row["accepted"]]

    async def heard_when_told(self, number: str) -> list[Json]:
        """Return them as soon as there is one, or at the end of our patience."""
        until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            heard = await self.heard(number)
            if heard or asyncio.get_running_loop().time() > until:
                return heard
            await asyncio.sleep(_LOOK_EVERY)


async def open_in_browser(http: httpx.AsyncClient, page: Json) -> str:
    """Open a form or link as a browser does, follow it to the cashier, return what it shows."""
    if page["kind"] == "form":
        fields = dict(page["fields"])
        answer = await http.post(page["action"], data=fields, follow_redirects=True)
    else:
        answer = await http.get(page["url"], follow_redirects=True)
    return answer.text


async def _json(asked: Awaitable[httpx.Response]) -> Json:
    answer = await asked
    if not answer.is_success:
        message = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
        raise UnexpectedAnswer(f"{message} {answer.text[:500]}")
    found: Json = answer.json()
    return found
