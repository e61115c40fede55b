"""The cashier: pages apart from trades, and what a payer does with them."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.simulators.alipay.errors import Refused
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.terms import (
    APP_PAY,
    PAGE_PAY,
    PRECREATE,
    WAP_PAY,
    Terms,
)
from retender.simulators.alipay.trades import Buyer, Ledger, Trade
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.payer import ActResult, PayerAction

QR_LIFE = timedelta(hours=2)

# In these the trade is made by the password; in the others by saying who one is.
_MADE_BY_PASSWORD = {WAP_PAY, APP_PAY}


@dataclass(slots=True)
class Session:
    """One cashier that one payer has before them; no trade need exist."""

    token: str
    terms: Terms
    opened_at: datetime
    buyer: Buyer | None = None


@dataclass(slots=True)
class QrCode:
    """A QR code that precreate handed out."""

    token: str
    terms: Terms
    ends_at: datetime
    scanned: bool = False
    dead: bool = False


class Cashier:
    """Opens pages, knows who sits before them, and asks the ledger for the rest."""

    def __init__(self, ledger: Ledger, clock: SimulatorClock, switches: AlipaySwitches) -> None:
        """Begin with no page open."""
        self._ledger = ledger
        self._clock = clock
        self._switches = switches
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._codes: dict[str, QrCode] = {}
        self._first_opened: dict[str, datetime] = {}

    # --- QR codes ---

    def precreate(self, terms: Terms) -> QrCode:
        """
        Hand out a QR code for a number, the one there is or a new one.

        Raises:
            Refused: the number has a trade on other terms, or an earlier code
                that does not go with this request.

        """
        self._ledger.check(terms)
        number = terms.out_trade_no
        codes = [code for code in self._codes.values() if code.terms.out_trade_no == number]
        if codes and (earlier := self._earlier(codes[-1], terms)):
            return earlier
        code = QrCode(secrets.token_hex(10), terms, self._clock.now() + QR_LIFE)
        self._codes[code.token] = code
        return code

    def _earlier(self, code: QrCode, terms: Terms) -> QrCode | None:
        """Return the code to hand out once more, or None: make a new one."""
        way = self._switches.precreate_again
        same = not code.terms.differences(terms) - {"notify_url"}
        refused = way == "error" or not same
        if refused or (way == "same_qr_until_scanned" and code.scanned):
            raise Refused("ACQ.APPLY_PC_MERCHANT_CODE_ERROR", "this number has a QR code")
        alive = not code.dead and self._clock.now() < code.ends_at
        return code if alive and way != "new_qr" else None

    def code(self, token: str) -> QrCode:
        """
        Return a QR code that still works.

        Raises:
            Refused: there is none, or it is past its life.

        """
        code = self._codes.get(token)
        if code is None or code.dead or self._clock.now() >= code.ends_at:
            raise Refused("ACQ.QR_CODE_INVALID", "this QR code does not work (any more)")
        return code

    def end_codes(self, number: str) -> None:
        """Close was asked for a number without a trade: its code dies if the switch says so."""
        if self._switches.close_kills_unscanned_qr:
            for code in self._codes.values():
                if code.terms.out_trade_no == number and not code.scanned:
                    code.dead = True

    # --- sessions ---

    def open(self, terms: Terms) -> Session:
        """
        Show a cashier, as a browser or app does that was handed a page.

        Raises:
            Refused: the number is paid, closed, on other terms, or too late.

        """
        now = self._clock.now()
        trade = self._ledger.check(terms)
        first = self._first_opened.setdefault(terms.out_trade_no, now)
        restart = self._switches.reopening_restarts_timeout
        session = Session(secrets.token_urlsafe(16), terms, now if restart else first)
        if self.ends_at(session) <= now:
            raise Refused("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "the time to pay is over")
        if trade is not None and restart:
            self._ledger.restart_timeout(trade, terms)
        self._sessions[session.token] = session
        return session

    def session(self, token: str) -> Session | None:
        """Return an open cashier."""
        return self._sessions.get(token)

    def session_of(self, page: str, buyer: str, terms: Callable[[], Terms]) -> Session:
        """Return the cashier that this buyer has open on this page, or open it now."""
        token = self._tokens.get((page, buyer))
        if token is not None and token in self._sessions:
            return self._sessions[token]
        session = self.open(terms())
        self._tokens[page, buyer] = session.token
        if session.terms.method == PAGE_PAY and self._switches.opening_creates_trade:
            self.identify(session, Buyer(buyer))
        return session

    def ends_at(self, session: Session) -> datetime:
        """Return when this cashier stops working, trade or no trade."""
        terms = session.terms
        if terms.time_expire is not None or terms.method == PAGE_PAY:
            return terms.ends_at(session.opened_at)
        return session.opened_at + timedelta(days=15)

    def act(self, action: PayerAction, session: Session, buyer: Buyer) -> ActResult:
        """Take one step as this buyer; a refusal is what the page would show."""
        number = session.terms.out_trade_no
        try:
            message = self._step(action, session, buyer)
        except Refused as refusal:
            return ActResult(
                ok=False, code=refusal.sub_code, message=refusal.message, number=number
            )
        return ActResult(ok=True, message=message, number=number)

    def _step(self, action: PayerAction, session: Session, buyer: Buyer) -> str:
        match action:
            case PayerAction.LEAVE:
                self._sessions.pop(session.token, None)
                return "left"
            case PayerAction.SCAN | PayerAction.LOG_IN:
                self.identify(session, buyer)
                return "identified"
            case PayerAction.NOT_ENOUGH_BALANCE:
                self._claim(session, buyer)
                raise Refused("ACQ.BUYER_BALANCE_NOT_ENOUGH", "the balance is too low")
            case PayerAction.ENTER_PASSWORD | PayerAction.PAY:
                self._ledger.capture(self._claim(session, buyer))
                return "paid"

    def identify(self, session: Session, buyer: Buyer) -> None:
        """Scan or log in: makes the trade where that is what makes it."""
        if session.terms.method in _MADE_BY_PASSWORD:
            self._ledger.check(session.terms)
            session.buyer = buyer
        else:
            self._claim(session, buyer)

    def _claim(self, session: Session, buyer: Buyer) -> Trade:
        now = self._clock.now()
        self._ledger.check(session.terms)
        if self.ends_at(session) <= now:
            raise Refused("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "the time to pay is over")
        pc = session.terms.method == PAGE_PAY
        trade = self._ledger.claim(session.terms, buyer, session.opened_at if pc else now)
        session.buyer = buyer
        return trade

    def pay_waiting(self, action: PayerAction, trade: Trade, buyer: Buyer) -> ActResult:
        """Act on a trade that the merchant made itself, which has no page of its own."""
        return self.act(action, Session("", trade.terms, trade.created_at), buyer)

    def scan(self, code: QrCode) -> Terms:
        """Point a phone at a code; the code counts as scanned from then on."""
        code.scanned = True
        return code.terms

    def open_pages(self) -> list[Mapping[str, object]]:
        """Return what pages are open, for people."""
        return [
            {
                "number": session.terms.out_trade_no,
                "method": session.terms.method,
                "buyer": session.buyer.name if session.buyer else None,
                "ends_at": self.ends_at(session).isoformat(),
            }
            for session in self._sessions.values()
        ] + [
            {
                "number": code.terms.out_trade_no,
                "method": PRECREATE,
                "scanned": code.scanned,
                "ends_at": code.ends_at.isoformat(),
            }
            for code in self._codes.values()
            if not code.dead
        ]
