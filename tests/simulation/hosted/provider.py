"""The hosted provider as a stranger would write its plugin: it translates, and keeps nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import (
    NoticeProblem,
    NoticeRejected,
    ProviderRefused,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.money import Money
from retender.domain.model.page import Opened, RedirectPage
from retender.plugins.hookspecs import ProviderContext, ProviderPlugin, Setting, hookimpl
from retender.plugins.sandbox.wire import decoded, encoded, instant, proves, signed_headers
from retender.ports.clock import Clock
from retender.ports.payment_provider import (
    Acknowledgement,
    BillLine,
    Capture,
    Notice,
    PaymentProvider,
    ProviderTerms,
    RawNotice,
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.ports.transport import Request, Transport
from retender.tests.simulation.hosted.terms import NAME, TERMS

RETENDER_PLUGIN_API = 1

GATEWAY = "https://hosted.test"
HEARD = Acknowledgement(200, b"ok")

_STATES = {"OPEN": ReceiptState.OPEN, "PAID": ReceiptState.PAID, "CLOSED": ReceiptState.CLOSED}
_REFUND_STATES = {
    "PENDING": RefundReceiptState.PENDING,
    "DONE": RefundReceiptState.DONE,
    "FAILED": RefundReceiptState.FAILED,
}
_MEANING = {
    "SESSION_UNKNOWN": Refusal.NOT_NOW,  # it forgets now and then
    "NOTHING_TAKEN": Refusal.REJECTED,
    "TOO_MUCH": Refusal.REJECTED,
    "TOO_OFTEN": Refusal.NOT_NOW,
}


@dataclass(frozen=True, slots=True)
class Hosted:
    """Speaks to the gateway in JSON that both sides sign."""

    secret: str = field(repr=False)
    transport: Transport = field(repr=False)
    clock: Clock = field(repr=False)

    @property
    def terms(self) -> ProviderTerms:
        """What it offers."""
        return TERMS

    async def open(self, charge: Charge) -> Opened:
        """Make a session; its id and its address are in the answer, and nowhere else."""
        said = await self._ask(
            "open",
            {
                "number": charge.number,
                "minor": charge.amount.minor,
                "notify_url": charge.notify_url,
                "expires_at": charge.expires_at.isoformat(),
            },
        )
        return Opened(RedirectPage(str(said["url"])), reference=str(said["session"]))

    async def query(self, charge: Charge) -> Receipt:
        """Ask by the session's id."""
        return await self._session("query", charge)

    async def close(self, charge: Charge) -> Receipt:
        """Close by the session's id."""
        return await self._session("close", charge)

    async def _session(self, operation: str, charge: Charge) -> Receipt:
        try:
            said = await self._ask(operation, {"session": charge.reference})
        except ProviderRefused as no:
            if no.provider_code != "SESSION_UNKNOWN":
                raise
            return Receipt(
                number=None, reference=charge.reference or "none", state=ReceiptState.NOT_FOUND
            )
        return receipt_of(said)

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """Give back of the trade that the order names."""
        said = await self._ask(
            "refund",
            {
                "session": order.reference,
                "number": order.number,
                "trade_no": order.provider_trade_no,
                "minor": order.amount.minor,
            },
        )
        return _refund_of(said, order.number)

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask after every refund of our number; a session that is not known says nothing of it."""
        message = {"session": order.reference, "number": order.number}
        try:
            said = await self._ask("query_refund", message)
        except ProviderRefused as no:
            if no.provider_code != "SESSION_UNKNOWN":
                raise
            message_ = "The gateway does not know the session, and so nothing of its refunds."
            raise ProviderUncertain(message_, operation="query_refund") from no
        if not said["refunds"]:
            return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)
        return _refund_of(said["refunds"][0], order.number)

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """Prove who sent it, then read it: it names the session, and never our number of it."""
        body = raw.body.decode("utf-8", "replace")
        if not proves(self.secret, "notice", raw.headers, body):
            problem = NoticeProblem.SIGNATURE_WRONG
            raise NoticeRejected(problem, "The notice is not signed with our secret.")
        said: Mapping[str, Any] = decoded(body)
        if "refund" not in said:
            return Notice(event_key=said["event"], receipt=receipt_of(said), about="paid")
        refund = said["refund"]
        its = _refund_of(refund, refund["number"] or refund["refund_id"], said["number"])
        return Notice(event_key=said["event"], refund=its, about="refund")

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say "ok", or "again"."""
        return HEARD if problem is None else Acknowledgement(400, b"again")

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Say that there are no bills."""
        raise ProviderRefused(
            Refusal.REJECTED, provider_code="NO_BILLS", provider_message=f"not of {day} either"
        )

    async def _ask(self, operation: str, message: Mapping[str, object]) -> Mapping[str, Any]:
        body = encoded(message)
        headers = signed_headers(self.secret, f"ask {operation}", self.clock(), body)
        answer = await self.transport(
            Request(
                operation=operation,
                method="POST",
                url=f"{GATEWAY}/v1/{operation}",
                headers=headers,
                body=body.encode(),
            )
        )
        text = answer.body.decode("utf-8", "replace")
        if not proves(self.secret, f"answer {operation}", answer.headers, text):
            raise ProviderUncertain("The answer is not signed.", operation=operation)
        said: Mapping[str, Any] = decoded(text)
        code = str(said["code"])
        if code == "OK":
            return said
        if code not in _MEANING:
            raise ProviderUncertain("The gateway is not itself.", operation=operation)
        raise ProviderRefused(_MEANING[code], provider_code=code)


def receipt_of(said: Mapping[str, Any]) -> Receipt:
    """Read what is said of a session."""
    state = _STATES[said["state"]]
    captures = tuple(Capture(t["trade_no"], Money(t["minor"], "CNY")) for t in said["taken"])
    about = next((c for c in captures if c.provider_trade_no == said["about"]), None)
    return Receipt(
        number=None,
        reference=said["session"],
        state=state,
        amount=None if about is None else about.amount,
        provider_trade_no=said["about"],
        captured_at=instant(said["at"]) if said["at"] else None,
        refunded=Money(said["given_back"], "CNY"),
        captures=captures,
    )


def _refund_of(
    said: Mapping[str, Any], number: str, charge_number: str | None = None
) -> RefundReceipt:
    return RefundReceipt(
        number=number,
        state=_REFUND_STATES[said["state"]],
        amount=Money(said["minor"], "CNY"),
        provider_refund_no=said["refund_id"],
        problem="the payer's bank sent it back" if said["state"] == "FAILED" else None,
        charge_number=charge_number,
    )


def build(context: ProviderContext) -> PaymentProvider:
    """Build an account's provider."""
    return Hosted(context.settings["secret"], context.transport, context.clock)


@hookimpl
def register_providers() -> Sequence[ProviderPlugin]:
    """Bring it."""
    setting = Setting(name="secret", help="What both sides sign with.", secret=True)
    return [
        ProviderPlugin(name=NAME, title="Hosted", terms=TERMS, settings=(setting,), build=build)
    ]
