"""The payer's phone: finds the order behind a page in hand, and acts on it."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from retender.plugins.wechat_pay.signing import client_text, is_signed
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    PageInHand,
    PageMaterial,
    PayerAction,
    in_hand,
)
from retender.simulators.wechat_pay.identity import Identity
from retender.simulators.wechat_pay.prepay_form import Product
from retender.simulators.wechat_pay.refusals import Refused
from retender.simulators.wechat_pay.trades import Ticket, Trade, Trades

CODE_URL = "weixin://wxpay/bizpayurl?pr="
H5_PATH = "/h5/cashier"

_CLIENT_SIGNATURE_LIFE = timedelta(hours=2)


def openid_of(buyer: str) -> str:
    """Return a payer's openid at the merchant, unless a page says another."""
    return "o" + hashlib.sha256(buyer.encode()).hexdigest()[:27]


@dataclass(slots=True)
class Phone:
    """
    Every payer's phone.

    Attributes:
        paid: is told of each payment, once.
        lock: makes every step whole, though payers and merchant come in by
            different threads.

    """

    trades: Trades
    identity: Identity
    base_url: str
    now: Callable[[], datetime]
    paid: Callable[[Trade], None]
    lock: threading.RLock
    _openids: dict[str, str] = field(default_factory=dict)

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        """Take one step; a refusal is what the phone would show."""
        wanted, held = PayerAction(action), in_hand(page)
        with self.lock:
            try:
                ticket = self.read(held)
            except Refused as refused:
                return ActResult(ok=False, code=refused.code, message=refused.message)
            number = ticket.trade.number
            openid = self._openid(buyer, ticket.trade)
            try:
                message = self._step(wanted, ticket, openid)
            except Refused as refused:
                return ActResult(
                    ok=False, code=refused.code, message=refused.message, number=number
                )
            finally:
                if openid in ticket.payers:
                    self._openids[buyer] = openid
        return ActResult(ok=True, message=message, number=number)

    def _step(self, action: PayerAction, ticket: Ticket, openid: str) -> str:
        now = self.now()
        match action:
            case PayerAction.LEAVE:
                return "left without paying"
            case PayerAction.SCAN | PayerAction.LOG_IN:
                self.trades.open_ticket(ticket, openid, now)
                return "opened"
            case PayerAction.NOT_ENOUGH_BALANCE:
                self.trades.open_ticket(ticket, openid, now)
                raise Refused("BALANCE_NOT_ENOUGH", "the balance is too low", status=400)
            case PayerAction.ENTER_PASSWORD | PayerAction.PAY:
                self.paid(self.trades.pay(ticket, openid, now))
                return "paid"

    def _openid(self, buyer: str, trade: Trade) -> str:
        """
        Return who this buyer is to the merchant.

        An order made for an openid opens inside that payer's own WeChat: the
        first buyer who opens it, and is nobody else yet, is that payer.
        """
        wanted = trade.form.openid
        if wanted is not None and wanted not in self._openids.values():
            return self._openids.get(buyer, wanted)
        return self._openids.get(buyer) or openid_of(buyer)

    # --- from a page to its order ---

    def read(self, held: PageInHand) -> Ticket:
        """
        Return the ticket behind what the payer holds.

        Raises:
            Refused: it is no page of this gateway, or its signature is wrong.

        """
        if isinstance(held, Mapping):
            return self._signed(held, ("appId", "timeStamp", "nonceStr", "package"), "paySign")
        if not isinstance(held, str):
            raise _no_page("a form")
        if held.startswith(CODE_URL):
            return self._ticket(held.removeprefix(CODE_URL), Product.NATIVE)
        if held.startswith(self.base_url + H5_PATH):
            return self._ticket(_query(held, "prepay_id"), Product.H5)
        if held.startswith(self.base_url + "/scan"):
            return self.read(_query(held, "code"))
        try:
            parameters = json.loads(held)
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            raise _no_page("this text")
        return self._signed(parameters, ("appId", "timeStamp", "nonceStr", "prepayId"), "sign")

    def _signed(
        self, parameters: Mapping[str, str], names: tuple[str, ...], signature: str
    ) -> Ticket:
        """Prove client-side parameters as the WeChat app does before it opens the cashier."""
        try:
            lines = [parameters[name] for name in names]
            proof, stamp = parameters[signature], int(parameters["timeStamp"])
        except (KeyError, ValueError):
            raise _no_page("incomplete parameters") from None
        merchant = self.identity.merchant_key.public_key()
        if not is_signed(client_text(*lines), proof, merchant):
            raise Refused("SIGN_ERROR", "the client-side signature is wrong")
        if abs(self.now().timestamp() - stamp) > _CLIENT_SIGNATURE_LIFE.total_seconds():
            raise Refused("SIGN_ERROR", "the client-side signature is too old")
        in_app = signature == "sign"
        if in_app and (parameters.get("partnerId"), parameters.get("package")) != (
            self.identity.mchid,
            "Sign=WXPay",
        ):
            raise _no_page("parameters of another merchant")
        product = Product.APP if in_app else Product.JSAPI
        ticket = self._ticket(lines[-1].removeprefix("prepay_id="), product)
        if ticket.trade.form.appid != lines[0]:
            raise Refused("APPID_MCHID_NOT_MATCH", "the order belongs to another appId")
        return ticket

    def _ticket(self, code: str, product: Product) -> Ticket:
        ticket = self.trades.ticket(code)
        if ticket is None or ticket.trade.form.product is not product:
            raise _no_page("this code")
        return ticket


def _no_page(what: str) -> Refused:
    return Refused("NO_SUCH_PAGE", f"{what} is no payment page of this gateway", status=404)


def _query(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]
