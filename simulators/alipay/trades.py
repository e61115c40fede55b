"""Trades: Alipay's side of the money, and the rules by which it moves."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from retender.plugins.alipay.beijing import beijing
from retender.simulators.alipay.errors import Refused
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.terms import PAGE_PAY, PRECREATE, Terms
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.payer import Book

WAIT = "WAIT_BUYER_PAY"
SUCCESS = "TRADE_SUCCESS"
FINISHED = "TRADE_FINISHED"
CLOSED = "TRADE_CLOSED"


@dataclass(frozen=True, slots=True)
class Buyer:
    """An Alipay user."""

    name: str

    @property
    def user_id(self) -> str:
        """Sixteen digits that begin with 2088, always the same for the same name."""
        digits = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8]) % 10**12
        return f"2088{digits:012d}"

    @property
    def logon_id(self) -> str:
        """The account's name as merchants see it."""
        return f"{self.name[:1]}***@buyer.example"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back under one ``out_request_no``."""

    out_request_no: str
    amount_minor: int
    at: datetime


@dataclass(slots=True)
class Trade:
    """One number that a payer has acted on."""

    trade_no: str
    terms: Terms
    buyer: Buyer
    created_at: datetime
    ends_at: datetime
    status: str = WAIT
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """The merchant's number."""
        return self.terms.out_trade_no

    @property
    def captured_minor(self) -> int:
        """What was taken."""
        return self.terms.amount_minor if self.paid_at else 0

    @property
    def refunded_minor(self) -> int:
        """What was given back so far."""
        return sum(refund.amount_minor for refund in self.refunds.values())


Tell = Callable[[Trade, Refund | None], None]
"""Queue a notice of what a trade has just become, by a refund or not."""


class Ledger:
    """All trades, and the only hands that change them."""

    def __init__(self, clock: SimulatorClock, switches: AlipaySwitches, tell: Tell) -> None:
        """Begin with no trade; ``tell`` hears of every change that the merchant is told."""
        self._clock = clock
        self._switches = switches
        self._tell = tell
        self._trades: dict[str, Trade] = {}
        self._counter = count(1)

    def all(self) -> list[Trade]:
        """Return every trade as of now, oldest first."""
        return [self._aged(trade) for trade in self._trades.values()]

    def find(self, number: str | None, trade_no: str | None = None) -> Trade | None:
        """Return the trade as of now; ``trade_no`` wins over the merchant's number."""
        if trade_no:
            found = [each for each in self._trades.values() if each.trade_no == trade_no]
            return self._aged(found[0]) if found else None
        trade = self._trades.get(number or "")
        return self._aged(trade) if trade else None

    def check(self, terms: Terms) -> Trade | None:
        """
        Say whether a request under this number can go on, and with which trade.

        Raises:
            Refused: paid, closed, or waiting on other terms.

        """
        trade = self.find(terms.out_trade_no)
        if trade is None:
            return None
        if trade.status in {SUCCESS, FINISHED}:
            raise Refused("ACQ.TRADE_HAS_SUCCESS", "the trade is paid")
        if trade.status == CLOSED:
            raise Refused("ACQ.TRADE_HAS_CLOSE", "the trade is closed")
        if clash := trade.terms.differences(terms) & set(self._switches.compared):
            only_instalments = clash == {"extend_params"}
            code = self._switches.instalment_clash_code
            raise Refused(
                code if only_instalments else "ACQ.CONTEXT_INCONSISTENT",
                f"the trade has another {', '.join(sorted(clash))}",
            )
        return trade

    def claim(self, terms: Terms, buyer: Buyer, started_at: datetime) -> Trade:
        """
        Make the trade of a number for this buyer, or find that it is already theirs.

        Raises:
            Refused: see ``check``; or the trade is another buyer's, or too late.

        """
        trade = self.check(terms)
        if trade is not None:
            if trade.buyer != buyer:
                raise Refused("ACQ.TRADE_BUYER_NOT_MATCH", "the trade is another buyer's")
            return trade
        now = self._clock.now()
        ends_at = terms.ends_at(started_at)
        if ends_at <= now:
            raise Refused("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "the time to pay is over")
        day = beijing(now).strftime("%Y%m%d")
        trade_no = f"{day}22001400{next(self._counter):012d}"
        trade = Trade(trade_no, terms, buyer, created_at=now, ends_at=ends_at)
        self._trades[terms.out_trade_no] = trade
        return trade

    def restart_timeout(self, trade: Trade, terms: Terms) -> None:
        """Begin a waiting PC trade's relative countdown anew: its cashier was opened again."""
        if terms.method == PAGE_PAY and terms.time_expire is None:
            trade.ends_at = terms.ends_at(self._clock.now())

    def capture(self, trade: Trade) -> None:
        """Take the money of a waiting trade."""
        trade.status = SUCCESS
        trade.paid_at = self._clock.now()
        self._tell(trade, None)

    def close(self, trade: Trade) -> None:
        """End a waiting trade unpaid."""
        self._end(trade, self._clock.now())

    def refund(self, trade: Trade, out_request_no: str, amount_minor: int) -> bool:
        """
        Give back; return whether money moved, which a repeat does not.

        Raises:
            Refused: too much, too soon, too late, or the number has another amount.

        """
        if earlier := trade.refunds.get(out_request_no):
            if earlier.amount_minor != amount_minor:
                raise Refused("ACQ.DISCORDANT_REPEAT_REQUEST", "the amount was another")
            return False
        self._check_refundable(trade, amount_minor)
        refund = Refund(out_request_no, amount_minor, self._clock.now())
        trade.refunds[out_request_no] = refund
        if trade.refunded_minor < trade.captured_minor:
            self._tell(trade, refund)
            return True
        trade.status = CLOSED
        trade.closed_at = refund.at
        if trade.terms.method in self._switches.notify_full_refund:
            self._tell(trade, refund)
        return True

    def books(self) -> Mapping[str, Book]:
        """Return the money of every trade that took some."""
        return {
            trade.number: Book(
                trade.number,
                trade.captured_minor,
                {each.out_request_no: each.amount_minor for each in trade.refunds.values()},
            )
            for trade in self._trades.values()
            if trade.paid_at
        }

    def _check_refundable(self, trade: Trade, amount_minor: int) -> None:
        if trade.status == FINISHED:
            raise Refused("ACQ.TRADE_HAS_FINISHED", "the time to refund is over")
        if trade.status == CLOSED and trade.paid_at:
            raise Refused("ACQ.TRADE_HAS_CLOSE", "everything was given back")
        if trade.status != SUCCESS:
            raise Refused("ACQ.TRADE_STATUS_ERROR", "the trade is not paid")
        if amount_minor > trade.captured_minor - trade.refunded_minor:
            raise Refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "more than is left")
        spacing = timedelta(seconds=self._switches.refund_spacing_seconds)
        latest = max((each.at for each in trade.refunds.values()), default=None)
        if latest is not None and self._clock.now() - latest < spacing:
            raise Refused(self._switches.refund_spacing_code, "too soon after the last refund")

    def _aged(self, trade: Trade) -> Trade:
        """Let time do to a trade what it has done by now."""
        now = self._clock.now()
        if trade.status == WAIT and now >= trade.ends_at:
            self._end(trade, trade.ends_at)
        window = timedelta(days=self._switches.refund_window_days)
        if trade.status == SUCCESS and trade.paid_at and now >= trade.paid_at + window:
            trade.status = FINISHED
        return trade

    def _end(self, trade: Trade, at: datetime) -> None:
        trade.status = CLOSED
        trade.closed_at = at
        if self._switches.notify_closed:
            self._tell(trade, None)


def rings_thrice(trade: Trade) -> bool:
    """Tell whether this trade's notices may be repeated three times at once."""
    return trade.terms.method == PRECREATE
