"""The sandbox gateway's books: trades, refunds, and the outcomes that amounts choose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from retender.plugins.sandbox.asks import Ask
from retender.plugins.sandbox.outcomes import PAID_BY_ITSELF, Outcome, outcome_of
from retender.plugins.sandbox.terms import TERMS
from retender.ports.clock import Clock

SLOW_REFUND = timedelta(minutes=1)


class Refused(Exception):
    """The gateway says no, with a code of ``codes``."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code
        self.message = message


class AnswerDropped(Exception):
    """What was asked is done, and the answer is to be lost on its way."""


class TradeState(StrEnum):
    """Where a trade stands."""

    OPEN = "OPEN"
    PAID = "PAID"
    CLOSED = "CLOSED"


class RefundState(StrEnum):
    """Where a refund stands."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(slots=True)
class Refund:
    """Money on its way back."""

    number: str
    minor: int
    state: RefundState
    done_at: datetime


@dataclass(slots=True)
class Trade:
    """One trade, from the moment that it exists."""

    ask: Ask
    trade_no: str
    state: TradeState = TradeState.OPEN
    buyer: str | None = None
    captured_minor: int = 0
    captured_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """What its amount chose."""
        return outcome_of(self.ask.minor)

    @property
    def refunded_minor(self) -> int:
        """All that went back, or is on its way."""
        return sum(r.minor for r in self.refunds.values() if r.state is not RefundState.FAILED)


Tell = Callable[[Trade, Refund | None], None]
"""Takes note that a trade was paid, or that a refund of it was done, to tell the merchant."""


class Ledger:
    """All trades of one merchant, kept in this object alone."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        """Begin with empty books."""
        self._clock = clock
        self._tell = tell
        self._trades: dict[str, Trade] = {}

    def all(self) -> list[Trade]:
        """Return every trade, in the order in which they came to be."""
        return list(self._trades.values())

    def find(self, number: str) -> Trade:
        """Return a trade as it stands now: what nobody paid in time is closed."""
        trade = self._trades.get(number)
        if trade is None:
            raise Refused("TRADE_UNKNOWN", "no trade bears this number")
        if trade.state is TradeState.OPEN and self._clock() >= trade.ask.expires_at:
            trade.state = TradeState.CLOSED
        self._finish_slow_refunds(trade)
        return trade

    def open(self, ask: Ask) -> Trade:
        """Make a trade, or return the one there is if it was asked for in the same words."""
        if ask.number in self._trades:
            trade = self.find(ask.number)
            if trade.ask != ask:
                raise Refused("NUMBER_USED", "this number was used with other parameters")
            _still_open(trade)
            return trade
        return self._new(ask)

    def _new(self, ask: Ask) -> Trade:
        outcome = outcome_of(ask.minor)
        if outcome is Outcome.REFUSED:
            raise Refused("DECLINED", "amounts that end like this are declined")
        if self._clock() >= ask.expires_at:
            raise Refused("TRADE_CLOSED", "the time to pay is over")
        trade = Trade(ask, f"SBX{ask.number}")
        self._trades[ask.number] = trade
        if outcome in PAID_BY_ITSELF:
            self._capture(trade)
        if outcome is Outcome.ANSWER_LOST:
            raise AnswerDropped
        return trade

    def begin(self, number: str, buyer: str) -> Trade:
        """Bind the trade to the buyer who came first."""
        trade = self.find(number)
        _still_open(trade)
        if trade.buyer not in {None, buyer}:
            raise Refused("TRADE_BUSY", "somebody else is paying this")
        trade.buyer = buyer
        return trade

    def pay(self, number: str, buyer: str) -> Trade:
        """Take the money."""
        trade = self.begin(number, buyer)
        self._capture(trade)
        return trade

    def close(self, number: str) -> Trade:
        """Close what is open; a trade that chose to is paid in that very moment."""
        trade = self.find(number)
        if trade.state is TradeState.OPEN:
            if trade.outcome is Outcome.PAID_ON_CLOSE:
                self._capture(trade)
            else:
                trade.state = TradeState.CLOSED
        return trade

    def refund(self, number: str, refund_number: str, minor: int) -> Refund:
        """Give back, once per number and never more than was taken."""
        trade = self.find(number)
        if (known := trade.refunds.get(refund_number)) is not None:
            if known.minor != minor:
                raise Refused("REFUND_CHANGED", "this number was used for another amount")
            return known
        now = self._clock()
        if trade.state is not TradeState.PAID or trade.captured_at is None:
            raise Refused("TRADE_UNPAID", "nothing was paid under this number")
        if TERMS.refunds.window and now > trade.captured_at + TERMS.refunds.window:
            raise Refused("REFUND_TOO_LATE", "the time to give back is over")
        if trade.refunded_minor + minor > trade.captured_minor:
            raise Refused("REFUND_TOO_MUCH", "this is more than was paid and not yet given back")
        refund = Refund(refund_number, minor, RefundState.PENDING, now)
        trade.refunds[refund_number] = refund
        if trade.outcome is Outcome.REFUND_STUCK:
            refund.state = RefundState.FAILED
        elif trade.outcome is Outcome.REFUND_SLOW:
            refund.done_at = now + SLOW_REFUND
        self._finish_slow_refunds(trade)
        return refund

    def find_refund(self, number: str, refund_number: str) -> Refund:
        """Return a refund as it stands now."""
        refund = self.find(number).refunds.get(refund_number)
        if refund is None:
            raise Refused("REFUND_UNKNOWN", "no refund bears this number")
        return refund

    def _capture(self, trade: Trade) -> None:
        short = trade.outcome is Outcome.PAID_SHORT
        trade.state = TradeState.PAID
        trade.captured_minor = trade.ask.minor - (1 if short else 0)
        trade.captured_at = self._clock()
        if trade.outcome is not Outcome.NO_NOTICE:
            self._tell(trade, None)

    def _finish_slow_refunds(self, trade: Trade) -> None:
        for refund in trade.refunds.values():
            if refund.state is RefundState.PENDING and self._clock() >= refund.done_at:
                refund.state = RefundState.DONE
                self._tell(trade, refund)


def _still_open(trade: Trade) -> None:
    if trade.state is TradeState.PAID:
        raise Refused("TRADE_PAID", "this was paid")
    if trade.state is TradeState.CLOSED:
        raise Refused("TRADE_CLOSED", "this can no longer be paid")
