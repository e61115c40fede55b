"""The pages that a human sees: cashier, QR code, pasted order string, list of trades."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from retender.plugins.alipay.beijing import beijing_text
from retender.plugins.alipay.signing import sign
from retender.simulators.alipay.cashier import Cashier, Session
from retender.simulators.alipay.errors import GatewayError, Refused
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.operations import yuan
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.terms import PAGE_PAY, PRECREATE, WAP_PAY, Terms
from retender.simulators.alipay.trades import SUCCESS, Buyer, Ledger, Trade
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.pages import HumanPages
from retender.simulators.kit.payer import DEFAULT_BUYER, ActResult, PayerAction

TEMPLATES: Final = {
    "cashier.html": """{% extends "layout.html" %}
{% block content %}
<section class="card">
  <h1>{{ terms.subject }}</h1>
  <div class="amount">&yen; {{ amount }}</div>
  <div class="dim">Order {{ terms.out_trade_no }}
    {%- if terms.instalments %} &middot; {{ terms.instalments }} instalments{% endif %}</div>
  <div class="dim">Pay before {{ ends_at }}
    {%- if seconds_left > 0 %} &middot; <span id="left" data-seconds="{{ seconds_left }}">
      {{- "%d:%02d" % (seconds_left // 60, seconds_left % 60) }}</span> left{% endif %}</div>
  {% if result %}
  <div class="notice {{ 'good' if result.ok else 'bad' }}">
    {{ result.message }}{% if not result.ok %} <small>({{ result.code }})</small>{% endif %}
  </div>
  {% endif %}
  {% if status %}<div class="notice">The trade is {{ status }}.</div>{% endif %}
  {% if not paid %}
  <form method="post" action="/cashier/{{ token }}">
    <label>You are <input name="buyer" value="{{ buyer }}" maxlength="40"></label>
    <button name="action" value="scan">Scan with the app</button>
    <button name="action" value="log_in">Log in on this page</button>
    <button class="main" name="action" value="enter_password">Enter password and pay</button>
    <button name="action" value="not_enough_balance">Try to pay, balance too low</button>
    <button name="action" value="leave">Leave without paying</button>
  </form>
  {% elif return_to %}
  <p><a href="{{ return_to }}">Return to the shop</a></p>
  {% endif %}
</section>
{% endblock %}
{% block script %}
<script>
  const left = document.getElementById("left");
  if (left) setInterval(() => {
    const seconds = Math.max(0, left.dataset.seconds - 1);
    left.dataset.seconds = seconds;
    left.textContent = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  }, 1000);
</script>
{% endblock %}""",
    "message.html": """{% extends "layout.html" %}
{% block content %}
<section class="card">
  <h1>{{ title }}</h1>
  <div class="notice {{ 'bad' if bad else '' }}">{{ message }} <small>({{ code }})</small></div>
  <p><a href="/">All trades</a></p>
</section>
{% endblock %}""",
    "trades.html": """{% extends "layout.html" %}
{% block content %}
<section class="card">
  <h1>Trades</h1>
  {% if trades %}
  <table><tr><th>Number</th><th>Subject</th><th>Yuan</th><th>State</th></tr>
  {% for trade in trades %}<tr><td>{{ trade.number }}</td><td>{{ trade.terms.subject }}</td>
  <td>{{ yuan(trade.terms.amount_minor) }}</td><td>{{ trade.status }}</td></tr>{% endfor %}
  </table>
  {% else %}<p class="dim">Nobody has acted on a page yet.</p>{% endif %}
  <form method="get" action="/app">
    <label>An app's order string <input name="order" placeholder="app_id=...&amp;sign=..."></label>
    <button class="main">Open it as the app would</button>
  </form>
</section>
{% endblock %}""",
}


class CashierPages:
    """Shows sessions of the cashier and lets a human act on them."""

    def __init__(
        self,
        *,
        cashier: Cashier,
        ledger: Ledger,
        clock: SimulatorClock,
        switches: AlipaySwitches,
        keys: KeyRing,
        app_id: str,
    ) -> None:
        """Work on the same cashier as everybody else."""
        self._cashier = cashier
        self._ledger = ledger
        self._clock = clock
        self._switches = switches
        self._keys = keys
        self._app_id = app_id
        self._human = HumanPages("Alipay", "#1677ff", TEMPLATES)

    def routes(self, read_order: Callable[[str], Terms]) -> list[Route]:
        """Return the routes of the human pages; ``read_order`` proves an app's order string."""

        async def app_order(request: Request) -> Response:
            try:
                return self.opened(read_order(request.query_params.get("order", "")))
            except (GatewayError, Refused) as trouble:
                return self.error(trouble)

        return [
            Route("/", self._trades),
            Route("/app", app_order),
            Route("/qr/{token}", self._scanned),
            Route("/cashier/{token}", self._shown, methods=["GET"]),
            Route("/cashier/{token}", self._acted, methods=["POST"]),
        ]

    def opened(self, terms: Terms) -> Response:
        """Answer the browser that follows a payment page."""
        try:
            session = self._cashier.open(terms)
        except Refused as trouble:
            return self.error(trouble)
        return self._show(session, None)

    def error(self, trouble: GatewayError | Refused) -> Response:
        """Tell the human what is wrong, in GBK as the real one does; the merchant never hears."""
        html = self._human.render(
            "message.html",
            title="This payment cannot go on",
            message=trouble.message,
            code=trouble.sub_code,
            bad=True,
            charset="gbk",
        )
        content = html.encode("gbk", "xmlcharrefreplace")
        return Response(content, headers={"content-type": "text/html;charset=GBK"})

    async def _trades(self, _: Request) -> Response:
        html = self._human.render(
            "trades.html", title="Trades", trades=self._ledger.all(), yuan=yuan
        )
        return HTMLResponse(html)

    async def _scanned(self, request: Request) -> Response:
        try:
            code = self._cashier.code(request.path_params["token"])
            return self.opened(self._cashier.scan(code))
        except Refused as trouble:
            return self.error(trouble)

    async def _shown(self, request: Request) -> Response:
        session = self._cashier.session(request.path_params["token"])
        return self._gone() if session is None else self._show(session, None)

    async def _acted(self, request: Request) -> Response:
        session = self._cashier.session(request.path_params["token"])
        if session is None:
            return self._gone()
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        action, buyer = form.get("action", ""), form.get("buyer", DEFAULT_BUYER)
        if action not in set(PayerAction):
            return self._gone()
        result = self._cashier.act(PayerAction(action), session, Buyer(buyer))
        if action == PayerAction.LEAVE:
            return self._left(session)
        return self._show(session, result)

    def _show(self, session: Session, result: ActResult | None) -> Response:
        terms = session.terms
        trade = self._ledger.find(terms.out_trade_no)
        ends_at = trade.ends_at if trade else self._cashier.ends_at(session)
        html = self._human.render(
            "cashier.html",
            title="Pay",
            token=session.token,
            terms=terms,
            amount=yuan(terms.amount_minor),
            ends_at=beijing_text(ends_at),
            seconds_left=max(0, int((ends_at - self._clock.now()).total_seconds())),
            buyer=session.buyer.name if session.buyer else DEFAULT_BUYER,
            result=result,
            status=trade.status if trade else None,
            paid=trade is not None and trade.paid_at is not None,
            return_to=self.return_address(trade) if trade else None,
        )
        return HTMLResponse(html)

    def return_address(self, trade: Trade) -> str | None:
        """Return where the browser goes after paying: for show, never proof of payment."""
        url, method = trade.terms.return_url, trade.terms.method
        if url is None or trade.status != SUCCESS or method == PRECREATE:
            return None
        if method == PAGE_PAY and not self._switches.pc_return_parameters:
            return url
        fields = {
            "app_id": self._app_id,
            "charset": "utf-8",
            "method": f"{method}.return",
            "out_trade_no": trade.number,
            "seller_id": trade.terms.seller_id,
            "sign_type": "RSA2",
            "timestamp": beijing_text(self._clock.now()),
            "total_amount": yuan(trade.terms.amount_minor),
            "trade_no": trade.trade_no,
            "version": "1.0",
        }
        signed = {name: value for name, value in fields.items() if name != "sign_type"}
        text = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
        fields["sign"] = sign(text, self._keys.alipay.key)
        return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"

    def _left(self, session: Session) -> Response:
        quit_url = session.terms.quit_url
        if session.terms.method == WAP_PAY and quit_url:
            return RedirectResponse(quit_url, status_code=303)
        return self._message("You left", "Nothing was paid", "LEFT")

    def _gone(self) -> Response:
        return self._message("This page is closed", "Open it again from the shop", "GONE")

    def _message(self, title: str, message: str, code: str) -> Response:
        html = self._human.render(
            "message.html", title=title, message=message, code=code, bad=False
        )
        return HTMLResponse(html)
