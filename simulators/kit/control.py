"""The JSON control API of a simulator: what tests and the demo turn from outside."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.delivery import (
    Delivery,
    NoticeDelivery,
    NoticeDials,
    PendingNotice,
)
from retender.simulators.kit.faults import ANY_OPERATION, Faults
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    Book,
    PageMaterial,
    PayerAction,
)
from retender.simulators.kit.switches import Switches, describe, turn

PREFIX = "/_simulator"

_DIAL_TYPES: Mapping[str, tuple[type, ...]] = {
    "hold": (bool,),
    "drop": (int,),
    "duplicate": (int,),
    "delay_seconds": (int, float),
    "reorder": (bool,),
    "forge": (str,),
    "alter": (dict,),
}


class ControlledSimulator(Protocol):
    """
    What every brand's simulator is to those who drive it.

    The control API is a thin dress over this: a Python test holding the
    simulator calls the same methods and turns the same dials directly, the
    demo sends JSON. Nothing here goes through the brand's own protocol, so
    nothing here needs a signature.
    """

    @property
    def brand(self) -> str:
        """The plugin's name, such as ``alipay``."""

    @property
    def clock(self) -> SimulatorClock:
        """The provider's time; move it to let pages expire and retries come due."""

    @property
    def faults(self) -> Faults:
        """What goes wrong with the next calls, by the brand's operation names."""

    @property
    def delivery(self) -> NoticeDelivery:
        """The notices on their way to the merchant and how they fare."""

    @property
    def switches(self) -> Switches:
        """The unconfirmed facts, as attributes that can be set either way."""

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        """
        Do with ``page`` what a payer named ``buyer`` would.

        A page is addressed by what was handed to the payer and by nothing
        else, so a page that the gateway would refuse is refused here too: the
        result then says so in the brand's own code. Repeating a step is
        harmless: one cannot pay a page twice.
        """

    def books(self) -> Mapping[str, Book]:
        """Return all money captured and refunded, by the merchant's number."""

    def state(self) -> Mapping[str, object]:
        """Return what the gateway knows, as JSON values, for people and tests."""


class BadControlError(ValueError):
    """A control request that makes no sense."""


def control_routes(simulator: ControlledSimulator) -> list[Route]:
    """Return the routes under ``/_simulator`` that drive ``simulator``."""
    panel = _Panel(simulator)
    table: list[tuple[str, str, _Handler]] = [
        ("GET", "state", panel.show_state),
        ("GET", "books", panel.show_books),
        ("POST", "clock", panel.turn_clock),
        ("GET", "faults", panel.show_faults),
        ("POST", "faults", panel.set_fault),
        ("DELETE", "faults", panel.clear_faults),
        ("GET", "notices", panel.show_notices),
        ("POST", "notices", panel.turn_notices),
        ("GET", "switches", panel.show_switches),
        ("POST", "switches", panel.turn_switches),
        ("POST", "act", panel.act),
    ]
    return [
        Route(f"{PREFIX}/{name}", _answering(handler), methods=[method])
        for method, name, handler in table
    ]


_Handler = Callable[[Mapping[str, Any]], Mapping[str, object]]


def _answering(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(handler(await _json_object(request)))
        except ValueError as trouble:
            error = {"code": "BAD_CONTROL", "message": str(trouble)}
            return JSONResponse({"error": error}, status_code=400)

    return answer


async def _json_object(request: Request) -> Mapping[str, Any]:
    body = await request.body()
    if not body:
        return {}
    wanted = json.loads(body)
    if not isinstance(wanted, dict):
        raise BadControlError("the body must be a JSON object")
    return wanted


class _Panel:
    """The handlers; each takes the JSON object sent and returns the one to answer."""

    def __init__(self, simulator: ControlledSimulator) -> None:
        self._simulator = simulator

    def show_state(self, _: Mapping[str, Any]) -> Mapping[str, object]:
        simulator = self._simulator
        now = simulator.clock.now().isoformat()
        return {"brand": simulator.brand, "now": now, **simulator.state()}

    def show_books(self, _: Mapping[str, Any]) -> Mapping[str, object]:
        return {
            number: {
                "captured_minor": book.captured_minor,
                "refunded_minor": book.refunded_minor,
                "refunds": dict(book.refunds),
                "currency": book.currency,
            }
            for number, book in self._simulator.books().items()
        }

    def turn_clock(self, wanted: Mapping[str, Any]) -> Mapping[str, object]:
        clock = self._simulator.clock
        _only(wanted, {"advance_seconds", "freeze_at", "freeze", "reset"})
        if wanted.get("reset"):
            clock.reset()
        if wanted.get("freeze"):
            clock.freeze()
        if (at := wanted.get("freeze_at")) is not None:
            clock.freeze(datetime.fromisoformat(_typed("freeze_at", at, str)))
        if (seconds := wanted.get("advance_seconds")) is not None:
            clock.advance(timedelta(seconds=_typed("advance_seconds", seconds, int, float)))
        return {"now": clock.now().isoformat()}

    def show_faults(self, _: Mapping[str, Any]) -> Mapping[str, object]:
        waiting = self._simulator.faults.waiting()
        return {"faults": [{**asdict(fault), "times": left} for fault, left in waiting]}

    def set_fault(self, wanted: Mapping[str, Any]) -> Mapping[str, object]:
        _only(wanted, {"kind", "operation", "times", "seconds", "code"})
        times = wanted.get("times", 1)
        self._simulator.faults.set(
            _typed("kind", wanted.get("kind"), str),
            _typed("operation", wanted.get("operation", ANY_OPERATION), str),
            times=None if times is None else _typed("times", times, int),
            seconds=_typed("seconds", wanted.get("seconds", 0), int, float),
            code=wanted.get("code"),
        )
        return self.show_faults({})

    def clear_faults(self, _: Mapping[str, Any]) -> Mapping[str, object]:
        self._simulator.faults.clear()
        return self.show_faults({})

    def show_notices(self, _: Mapping[str, Any]) -> Mapping[str, object]:
        delivery = self._simulator.delivery
        return {
            "dials": asdict(delivery.dials),
            "pending": [_pending_row(notice) for notice in delivery.pending()],
            "history": [_history_row(row) for row in delivery.history],
        }

    def turn_notices(self, wanted: Mapping[str, Any]) -> Mapping[str, object]:
        _only(wanted, {each.name for each in fields(NoticeDials)})
        changes = {name: _typed(name, value, *_DIAL_TYPES[name]) for name, value in wanted.items()}
        return {"dials": asdict(self._simulator.delivery.turn(**changes))}

    def show_switches(self, _: Mapping[str, Any]) -> Mapping[str, object]:
        return describe(self._simulator.switches)

    def turn_switches(self, wanted: Mapping[str, Any]) -> Mapping[str, object]:
        turn(self._simulator.switches, wanted)
        return self.show_switches({})

    def act(self, wanted: Mapping[str, Any]) -> Mapping[str, object]:
        _only(wanted, {"action", "page", "buyer"})
        action = PayerAction(_typed("action", wanted.get("action"), str))
        page = _typed("page", wanted.get("page"), str, dict)
        buyer = _typed("buyer", wanted.get("buyer", DEFAULT_BUYER), str)
        return asdict(self._simulator.act(action, page, buyer=buyer))


def _only(wanted: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(wanted) - known):
        raise BadControlError(f"unknown {', '.join(unknown)}; there are {', '.join(sorted(known))}")


def _typed(name: str, value: Any, *types: type) -> Any:  # noqa: ANN401 -- JSON in, checked JSON out
    if type(value) not in types:
        expected = " or ".join(each.__name__ for each in types)
        raise BadControlError(f"{name} must be {expected}, got {value!r}")
    return value


def _pending_row(notice: PendingNotice) -> Mapping[str, object]:
    return {
        "notice_id": notice.notice_id,
        "reference": notice.reference,
        "kind": notice.kind,
        "url": notice.url,
        "due_at": notice.due_at.isoformat(),
        "tries": notice.tries,
    }


def _history_row(delivery: Delivery) -> Mapping[str, object]:
    return {
        "notice_id": delivery.notice_id,
        "reference": delivery.reference,
        "kind": delivery.kind,
        "url": delivery.url,
        "attempt": delivery.attempt,
        "sent_at": delivery.sent_at.isoformat(),
        "headers": dict(delivery.notice.headers),
        "body": delivery.notice.body.decode("utf-8", "replace"),
        "fate": delivery.fate,
        "status": delivery.status,
        "answer": delivery.answer.decode("utf-8", "replace"),
        "accepted": delivery.accepted,
    }
