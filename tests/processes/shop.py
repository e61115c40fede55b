"""A shop and its payers, over HTTP: they press again, and note each call in the history."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import httpx

from retender.tests.processes.linear import Call, Outcome, Seen

Json: TypeAlias = Mapping[str, Any]

USER = "user-7"
PATIENCE_SECONDS = 120.0
"""Whoever gets no answer for so long gives up, and the run fails."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_THERE_YET = frozenset({"PROVIDER_UNAVAILABLE", "STORE_BUSY"})


class NoAnswer(Exception):
    """The API did not answer for longer than anybody would wait."""


@dataclass(slots=True)
class History:
    """
    Every call in the order in which it ended; in memory for the checker, in a file for people.

    Attributes:
        calls: all of them.
        outcomes: how often which verb ended how.

    """

    file: Path
    calls: list[Call] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def note(self, call: Call) -> None:
        """Keep a call."""
        self.calls.append(call)
        self.outcomes[call.outcome] += 1

    def save(self) -> None:
        """Write the file: one JSON object a line, one line a call."""
        with self.file.open("w", encoding="utf-8") as out:
            for call in self.calls:
                out.write(json.dumps(asdict(call), default=sorted) + "\n")


class Shop:
    """
    Calls of the API, each repeated until it is answered.

    Whoever is not answered, or told to come again, comes again with the very
    same request, to the same server or to another.
    """

    def __init__(
        self, http: httpx.AsyncClient, servers: Sequence[str], history: History, speed: float
    ) -> None:
        self._http = http
        self._servers = servers
        self._history = history
        self._speed = speed

    async def place(
        self, order_no: str, amount_minor: int, chance: Random, lasts_seconds: int = 60
    ) -> Json:
        """Place an order, over a minute if not told otherwise: the shortest there is."""
        body = {
            "order_no": order_no,
            "user_id": USER,
            "subject": "Jasmine tea",
            "amount": {
                "amount": f"{amount_minor // 100}.{amount_minor % 100:02}",
                "currency": "CNY",
            },
            "pay_within_seconds": lasts_seconds,
        }
        return await self._answered("place", order_no, "/v1/orders", body, chance)

    async def pay(
        self, order_no: str, account: str, chance: Random, client_type: str = "pc"
    ) -> Json | None:
        """Get a page; None if the order does not want one any more."""
        body = {
            "user_id": USER,
            "account": account,
            "client_type": client_type,
            "payer": {"client_ip": "203.0.113.7"},
        }
        path = f"/v1/orders/{order_no}/pay"
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            answer = await self._answered("pay", order_no, path, body, chance)
            if answer.get("status") != "answer_pending":
                return answer if answer.get("status") == "page_ready" else None
            await asyncio.sleep(answer["retry_after_seconds"] / self._speed)
        raise NoAnswer(f"{order_no}: no page of {account}")

    async def close(self, order_no: str, chance: Random) -> Json:
        """Give the order up."""
        return await self._answered("close", order_no, f"/v1/orders/{order_no}/close", {}, chance)

    async def refund(
        self, order_no: str, refund_no: str, chance: Random, amount_minor: int | None = None
    ) -> Json:
        """Give back all that is left, or a part."""
        body: dict[str, object] = {"refund_no": refund_no}
        if amount_minor is not None:
            amount = f"{amount_minor // 100}.{amount_minor % 100:02}"
            body["amount"] = {"amount": amount, "currency": "CNY"}
        path = f"/v1/orders/{order_no}/refunds"
        return await self._answered("refund", order_no, path, body, chance, about=refund_no)

    async def show(self, order_no: str, chance: Random) -> Json:
        """Read the order's story."""
        return await self._answered(
            "show", order_no, f"/v1/orders/{order_no}?expand=refunds", None, chance
        )

    async def is_paid(self, order_no: str, chance: Random) -> bool:
        """Look until the order is paid, or will not be, or it takes too long."""
        for wait in (0.05, 0.2, 0.5, 1, 2, 4, 4):
            state = (await self.show(order_no, chance))["order"]["state"]
            if state != "NEW":
                return bool(state == "PAID")
            await asyncio.sleep(wait)
        return False

    async def act(self, gateway: str, action: str, order_no: str, page: Json) -> bool:
        """
        Do with a page what a payer would; tell whether it went through.

        Nobody kills a gateway, but a connection may end just when it is used
        again; a page is paid once, however often one presses.
        """
        body = {"action": action, "page": page["page"], "buyer": "alice"}
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            began, outcome = time.monotonic(), Outcome.UNKNOWN
            try:
                answer = (await self._http.post(f"{gateway}/_simulator/act", json=body)).json()
                outcome = Outcome.OK if answer["ok"] else Outcome.REFUSED
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            if action == "pay":
                self._history.note(Call(order_no, "act", began, time.monotonic(), outcome))
            if outcome is not Outcome.UNKNOWN:
                return outcome is Outcome.OK
        raise NoAnswer(f"{order_no}: the gateway does not answer")

    async def _answered(
        self,
        verb: str,
        order_no: str,
        path: str,
        body: Json | None,
        chance: Random,
        *,
        about: str = "",
    ) -> Json:
        """Repeat until answered; a refusal is an answer."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await self._once(path, body, chance)
            outcome = _outcome(verb, answer)
            seen = _seen(verb, answer.json()) if outcome is Outcome.OK else None  # type: ignore[union-attr]  # OK has an answer
            call = Call(order_no, verb, began, time.monotonic(), outcome, about, seen)
            self._history.note(call)
            if outcome in {Outcome.OK, Outcome.REFUSED}:
                assert isinstance(answer, httpx.Response)
                found: Json = answer.json()
                return found
            await asyncio.sleep(0.05 + 0.3 * chance.random())
        raise NoAnswer(f"{order_no}: no answer to {verb}")

    async def _once(
        self, path: str, body: Json | None, chance: Random
    ) -> httpx.Response | httpx.HTTPError:
        url = chance.choice(self._servers) + path
        try:
            if body is None:
                return await self._http.get(url)
            return await self._http.post(url, json=body)
        except httpx.HTTPError as trouble:
            return trouble


def _outcome(verb: str, answer: httpx.Response | httpx.HTTPError) -> Outcome:
    if isinstance(answer, _NOT_SENT):
        return Outcome.FAILED
    if isinstance(answer, httpx.HTTPError):
        return Outcome.UNKNOWN
    if answer.is_success:
        return Outcome.OK
    code = answer.json().get("code") if answer.content else ""
    if code in _NOT_THERE_YET:
        # A place is one transaction; what is more may have been done in part.
        return Outcome.FAILED if verb == "place" else Outcome.UNKNOWN
    return Outcome.REFUSED if answer.is_client_error else Outcome.UNKNOWN


def _seen(verb: str, answer: Json) -> Seen:
    """Read what an answer shows of the order."""
    match verb:
        case "pay":
            return Seen(attempts=frozenset({answer["attempt_id"]}))
        case "refund":
            return Seen(refunds={answer["refund_no"]: answer["state"]})
        case "show":
            winners = [each["attempt_id"] for each in answer["attempts"] if each["winner"]]
            return Seen(
                state=answer["order"]["state"],
                winner=winners[0] if winners else None,
                attempts=frozenset(each["attempt_id"] for each in answer["attempts"]),
                refunds={
                    each["refund_no"]: each["state"]
                    for each in answer["refunds"]
                    if each["cause"] == "shop"
                },
                whole=True,
            )
        case _:
            return Seen(state=answer["state"])
