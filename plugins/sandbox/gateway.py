"""The sandbox's gateway: a transport in this process; the simulator puts it behind a server."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from retender.domain.model.errors import ProviderUncertain
from retender.plugins.sandbox.asks import Ask, ask_from_json, text_in, unpacked, whole_in
from retender.plugins.sandbox.ledger import (
    AnswerDropped,
    Ledger,
    Refund,
    Refused,
    Tell,
    Trade,
)
from retender.plugins.sandbox.wire import (
    MERCHANT_HEADER,
    decoded,
    encoded,
    is_signed,
    proves,
    signature_of,
    signed_headers,
)
from retender.ports.clock import Clock
from retender.ports.payment_provider import RawNotice
from retender.ports.transport import Request, Response

NOWHERE: Final = "https://sandbox.invalid"
MERCHANT: Final = "sandbox"
NOTICES_KEPT: Final = 1000

_OK: Final = 200
_NO: Final = 400


class SandboxGateway:
    """
    The other side of the wire for one merchant, with all its books in this object.

    It is a ``Transport``: a provider that is handed one in place of the network works in one
    process, without a server. Nobody can then be sent notices; they lie in ``notices`` as they
    would have come, for whoever wants to post them.

    Attributes:
        ledger: the books.
        notices: the last messages to the merchant, unless ``tell`` takes them.

    """

    def __init__(
        self,
        *,
        secret: str,
        clock: Clock,
        merchant: str = MERCHANT,
        base_url: str = NOWHERE,
        tell: Tell | None = None,
    ) -> None:
        """Begin with empty books."""
        self._secret = secret
        self._clock = clock
        self._merchant = merchant
        self.base_url = base_url.rstrip("/")
        self.notices: deque[RawNotice] = deque(maxlen=NOTICES_KEPT)
        self.ledger = Ledger(clock, tell or self._keep_notice)

    # --- the merchant's side ----------------------------------------------------------

    async def __call__(self, request: Request) -> Response:
        """Answer as if over the network; an answer that is to be lost is uncertain."""
        operation = urlsplit(request.url).path.rpartition("/")[2]
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            return self.answer(operation, headers, request.body)
        except AnswerDropped:
            summary = ProviderUncertain("The sandbox lost its answer on purpose.")
        raise summary

    def answer(self, operation: str, headers: Mapping[str, str], body: bytes) -> Response:
        """
        Prove the merchant, do what is asked, sign the answer.

        Raises:
            AnswerDropped: it is done, and the answer is to be lost.

        """
        try:
            said = self._prove(operation, headers, body)
            return self.signed(operation, {"code": "OK", **self._handlers[operation](said)})
        except Refused as no:
            return self.signed(operation, {"code": no.code, "message": no.message}, _NO)
        except (KeyError, ValueError) as trouble:
            message = {"code": "BAD_REQUEST", "message": str(trouble)}
            return self.signed(operation, message, _NO)

    def signed(self, operation: str, message: Mapping[str, object], status: int = _OK) -> Response:
        """Return an answer of the gateway."""
        body = encoded(message)
        headers = signed_headers(self._secret, f"answer {operation}", self._clock(), body)
        return Response(status, headers, body.encode())

    def _prove(
        self, operation: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, object]:
        text = body.decode()
        mine = headers.get(MERCHANT_HEADER) == self._merchant
        if not (mine and proves(self._secret, f"ask {operation}", headers, text)):
            raise Refused("NOT_SIGNED", "the request is not signed with the merchant's secret")
        return decoded(text)

    @property
    def _handlers(self) -> Mapping[str, Callable[[Mapping[str, object]], dict[str, object]]]:
        return {
            "open": self._open,
            "query": lambda said: trade_to_json(self.ledger.find(text_in(said, "number"))),
            "close": lambda said: trade_to_json(self.ledger.close(text_in(said, "number"))),
            "refund": self._refund,
            "query_refund": self._query_refund,
        }

    def _open(self, said: Mapping[str, object]) -> dict[str, object]:
        trade = self.ledger.open(ask_from_json(said))
        return {**trade_to_json(trade), "ticket": self.ticket(trade.ask.number)}

    def _refund(self, said: Mapping[str, object]) -> dict[str, object]:
        number, minor = text_in(said, "number"), whole_in(said, "minor")
        return refund_to_json(
            number, self.ledger.refund(number, text_in(said, "refund_number"), minor)
        )

    def _query_refund(self, said: Mapping[str, object]) -> dict[str, object]:
        number = text_in(said, "number")
        return refund_to_json(
            number, self.ledger.find_refund(number, text_in(said, "refund_number"))
        )

    # --- the payer's side -------------------------------------------------------------

    def ticket(self, number: str) -> str:
        """Return what every page of a trade bears: its number, and proof that we made it."""
        return f"{number}.{signature_of(self._secret, 'ticket', number)[:32]}"

    def admitted(self, ticket: str) -> str:
        """Return the number of a ticket that we made."""
        number, _, _ = ticket.partition(".")
        if ticket != self.ticket(number):
            raise Refused("PAGE_FORGED", "this is no page of ours")
        return number

    def scanned(self, letters: str, sign: str) -> Ask:
        """Make the trade of a code that is still good, or find it made."""
        if not is_signed(self._secret, sign, "scan", letters):
            raise Refused("PAGE_FORGED", "this is no code of ours")
        ask, until = unpacked(letters)
        if self._clock() >= until:
            raise Refused("PAGE_EXPIRED", "this code has run out")
        try:
            return self.ledger.open(ask).ask
        except AnswerDropped:
            # Between the payer and us no answer gets lost: the trade is there.
            return ask

    # --- what the merchant is told ------------------------------------------------------

    def notice(
        self,
        trade: Trade,
        refund: Refund | None,
        *,
        now: datetime,
        secret: str | None = None,
        alterations: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """Write and sign one message; with another's secret or other words, for forgers."""
        message = trade_to_json(trade)
        event = f"{trade.ask.number}.paid"
        if refund is not None:
            message = refund_to_json(trade.ask.number, refund)
            event = f"{refund.number}.{refund.state.lower()}"
        message |= {"event": event, "merchant": self._merchant, **(alterations or {})}
        body = encoded(message)
        headers = signed_headers(secret or self._secret, "notice", now, body)
        return headers, body.encode()

    def _keep_notice(self, trade: Trade, refund: Refund | None) -> None:
        now = self._clock()
        headers, body = self.notice(trade, refund, now=now)
        self.notices.append(RawNotice(headers=headers, body=body, received_at=now))


def trade_to_json(trade: Trade) -> dict[str, object]:
    """Return what the gateway tells of a trade."""
    told: dict[str, object] = {
        "number": trade.ask.number,
        "state": trade.state,
        "trade_no": trade.trade_no,
        "currency": trade.ask.currency,
    }
    if trade.captured_at is not None:
        told |= {"minor": trade.captured_minor, "captured_at": _whole(trade.captured_at)}
    return told


def refund_to_json(number: str, refund: Refund) -> dict[str, object]:
    """Return what the gateway tells of a refund."""
    return {
        "number": number,
        "refund_number": refund.number,
        "state": refund.state,
        "minor": refund.minor,
    }


def _whole(at: datetime) -> str:
    return (at - timedelta(microseconds=at.microsecond)).isoformat()
