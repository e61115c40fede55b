"""The hosted gateway behind a wire, with a payer's side, faults, and notices by its own ids."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retender.plugins.sandbox.wire import decoded, encoded, instant, proves, signed_headers
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.delivery import (
    Dressing,
    Forgery,
    NoticeDelivery,
    PendingNotice,
    RenderedNotice,
)
from retender.simulators.kit.faults import FaultGuard, Faults
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    Book,
    PageMaterial,
    PayerAction,
    in_hand,
)
from retender.tests.simulation.hosted.ledger import GivenBack, Ledger, Refused, Session
from retender.tests.simulation.hosted.provider import GATEWAY, HEARD
from retender.tests.simulation.hosted.terms import NAME, TERMS

CONSOLE: Final = "console "
"""Begins the names of refunds in the book that somebody made at the gateway's own console."""

FORGOTTEN: Final = "x-forgotten"
"""A request with this header meets a gateway that knows nothing of what it knew before."""

NEVER_LOST: Final = "never lost"
"""
What no question of ours would bring up: a second capture of what is settled, another hand's
refund, a refund that failed after it was done. Were its notice lost, only bills could tell of it.
"""

WITHOUT_END = (timedelta(hours=1),) * 500


class HostedSimulator:
    """See ``Ledger`` for what it does that others do not."""

    brand: Final = NAME

    def __init__(self, clock: Callable[[], datetime], secret: str, salt: int) -> None:
        """Begin with an empty book."""
        self.clock = SimulatorClock(clock)
        self.faults = Faults()
        self.delivery = NoticeDelivery(
            self.clock, TERMS.notice_retries, lambda *said: said == (HEARD.status, HEARD.body)
        )
        self.ledger = Ledger(self.clock.now, salt)
        self._secret = secret
        self._guard = FaultGuard(
            self.faults,
            rate_limited=lambda operation: self._said(operation, {"code": "TOO_OFTEN"}),
            provider_error=lambda operation, _: self._said(operation, {"code": "TROUBLE"}),
        )
        self.app = Starlette(routes=[Route("/v1/{operation}", self._answer, methods=["POST"])])

    @property
    def settings(self) -> dict[str, str]:
        """Return ready settings of an account."""
        return {"secret": self._secret}

    # --- the payer's and the shop's side ---

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        """Do with a page what a payer would; ``buyer`` is all the same to it."""
        del buyer
        session = self.session_on(page)
        if PayerAction(action) is not PayerAction.PAY:
            return ActResult(ok=True, number=session.number)
        try:
            taken = self.ledger.pay(session.reference)
        except Refused as no:
            return ActResult(ok=False, code=no.code, number=session.number)
        for each in taken:
            self._tell(session, each.trade_no, "payment" if len(taken) == 1 else NEVER_LOST)
        return ActResult(ok=True, number=session.number)

    def session_on(self, page: PageMaterial) -> Session:
        """Return the session that a page is of."""
        return self.ledger.find(str(in_hand(page)).rpartition("/")[2])

    def refund_by_hand(self, page: PageMaterial, minor: int) -> str | None:
        """Give back at the console, as a shop's people do; return its id, or None: refused."""
        session = self.session_on(page)
        try:
            refund = self.ledger.refund(session.reference, None, None, minor)
        except Refused:
            return None
        self._tell_of_refund(session, refund)
        return refund.refund_id

    def books(self) -> Mapping[str, Book]:
        """Return all money captured and given back, by our number."""
        now = self.clock.now()
        books: dict[str, Book] = {}
        for number in dict.fromkeys(session.number for session in self.ledger if session.taken):
            its = [session for session in self.ledger if session.number == number]
            taken = [each for session in its for each in session.taken]
            given_back = [refund for session in its for refund in session.given_back]
            stays = [refund for refund in given_back if refund.state(now) != "FAILED"]
            books[number] = Book(
                number=number,
                captured_minor=sum(each.minor for each in taken),
                captures={each.trade_no: each.minor for each in taken},
                refunds={name: refund.minor for name, refund in _named(stays)},
                undone=frozenset(
                    refund.number or f"{CONSOLE}{refund.refund_id}"
                    for refund in given_back
                    if refund.fails_at is not None
                ),
            )
        return books

    # --- the merchant's side ---

    async def _answer(self, request: Request) -> Response:
        operation, body = request.path_params["operation"], (await request.body()).decode()
        headers = dict(request.headers)

        async def handle() -> Response:
            if not proves(self._secret, f"ask {operation}", headers, body):
                return self._said(operation, {"code": "NOT_SIGNED"})
            try:
                said = self._done(operation, decoded(body), forgets=FORGOTTEN in headers)
            except Refused as no:
                return self._said(operation, {"code": no.code})
            return self._said(operation, {"code": "OK", **said})

        return await self._guard(operation, handle)

    def _done(
        self, operation: str, said: Mapping[str, Any], *, forgets: bool
    ) -> Mapping[str, object]:
        if operation == "open":
            until = instant(said["expires_at"])
            session = self.ledger.open(said["number"], said["minor"], said["notify_url"], until)
            return {"session": session.reference, "url": f"{GATEWAY}/checkout/{session.reference}"}
        if forgets:
            raise Refused("SESSION_UNKNOWN")
        reference = str(said["session"])
        if operation in {"query", "close"}:
            find = self.ledger.find if operation == "query" else self.ledger.close
            return self._session(find(reference))
        if operation == "refund":
            trade_no = said["trade_no"]
            refund = self.ledger.refund(reference, said["number"], trade_no, said["minor"])
            self._tell_of_refund(self.ledger.find(reference), refund)
            return self._refund(refund)
        found = self.ledger.refunds_of(reference, said["number"])
        return {"refunds": [self._refund(each) for each in found]}

    def _session(self, session: Session, about: str | None = None) -> dict[str, object]:
        now, taken = self.clock.now(), session.taken
        done = [refund.minor for refund in session.given_back if refund.state(now) == "DONE"]
        return {
            "session": session.reference,
            "state": session.state,
            "about": about or (taken[0].trade_no if taken else None),
            "at": taken[0].at.replace(microsecond=0).isoformat() if taken else None,
            "taken": [{"trade_no": each.trade_no, "minor": each.minor} for each in taken],
            "given_back": sum(done),
        }

    def _refund(self, refund: GivenBack) -> dict[str, object]:
        return {
            "refund_id": refund.refund_id,
            "number": refund.number,
            "minor": refund.minor,
            "state": refund.state(self.clock.now()),
        }

    def _said(self, operation: str, message: Mapping[str, object]) -> Response:
        body = encoded(message)
        headers = signed_headers(self._secret, f"answer {operation}", self.clock.now(), body)
        return Response(body, 200, headers)

    # --- what the merchant is told ---

    def _tell(self, session: Session, trade_no: str, kind: str) -> None:
        """Tell of one capture as a notice of old does: it lists no others."""

        def say() -> dict[str, object]:
            told = self._session(session, trade_no)
            told["taken"] = [t for t in told["taken"] if t["trade_no"] == trade_no]  # type: ignore[attr-defined]  # a list of ours
            return {**told, "event": f"{trade_no}.paid"}

        self._queue(session, kind, say)

    def _tell_of_refund(self, session: Session, refund: GivenBack) -> None:
        """Tell when it is done, and again if it fails after that."""

        def say() -> dict[str, object]:
            told = self._refund(refund)
            event = f"{refund.refund_id}.{told['state']}"
            return {"event": event, "number": session.number, "refund": told}

        moments = [("refund" if refund.number else NEVER_LOST, refund.done_at)]
        if refund.fails_at is not None:
            moments.append((NEVER_LOST, refund.fails_at))
        for kind, at in moments:
            notice = self._queue(session, kind, say)
            notice.due_at = max(notice.due_at, at + timedelta(seconds=1))

    def _queue(
        self, session: Session, kind: str, say: Callable[[], Mapping[str, object]]
    ) -> PendingNotice:
        ladder = (*TERMS.notice_retries, *WITHOUT_END) if kind is NEVER_LOST else None
        return self.delivery.queue(
            session.reference, kind, session.notify_url, self._render(say), ladder=ladder
        )

    def _render(self, say: Callable[[], Mapping[str, object]]) -> Callable[..., RenderedNotice]:
        def render(dressing: Dressing) -> RenderedNotice:
            body = encoded(say())
            stranger = dressing.forgery is Forgery.STRANGER_KEY
            secret = "a stranger's secret" if stranger else self._secret
            headers = signed_headers(secret, "notice", dressing.now, body)
            if dressing.forgery is Forgery.FLIPPED_BYTE:
                body = f"{body[:-2]} }}"
            return RenderedNotice(headers, body.encode())

        return render

    def lie_about(self, session: Session, dressing: Dressing) -> tuple[str, RenderedNotice]:
        """Write what it would tell if this session had been paid, dressed as told."""
        taken = [{"trade_no": "t_lie", "minor": session.minor}]
        told = {**self._session(session), "state": "PAID", "about": "t_lie", "taken": taken}
        told |= {"at": dressing.now.replace(microsecond=0).isoformat(), "event": "t_lie.paid"}
        return session.notify_url, self._render(lambda: told)(dressing)


def _named(refunds: list[GivenBack]) -> list[tuple[str, GivenBack]]:
    """Name refunds by our numbers; one that was made twice shows as two."""
    named: dict[str, GivenBack] = {}
    for refund in refunds:
        name = refund.number or f"{CONSOLE}{refund.refund_id}"
        named[name if name not in named else f"{name}, again as {refund.refund_id}"] = refund
    return list(named.items())
