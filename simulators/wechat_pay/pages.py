"""The pages that a human sees: the scanned code, the H5 cashier, the list of orders."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from retender.domain.model.money import Money
from retender.plugins.wechat_pay.beijing import to_text
from retender.simulators.kit.pages import HumanPages
from retender.simulators.kit.payer import DEFAULT_BUYER, ActResult, PayerAction
from retender.simulators.wechat_pay.phone import H5_PATH, Phone
from retender.simulators.wechat_pay.prepay_form import Product
from retender.simulators.wechat_pay.refusals import Refused
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.simulators.wechat_pay.trades import Ticket, TradeState

TEMPLATES: Final = {
    "order.html": """{% extends "layout.html" %}
{% block content %}
<section class="card">
  <h1>{{ form.description }}</h1>
  <div class="amount">&yen;{{ amount }}</div>
  <div class="dim">{{ form.product.trade_type }} &middot; order {{ form.number }}</div>
  <div class="dim">Pay before {{ ends_at }}</div>
  {% if result %}
  <div class="notice {{ 'good' if result.ok else 'bad' }}">
    {{ result.message }}{% if not result.ok %} <small>({{ result.code }})</small>{% endif %}
  </div>
  {% endif %}
  {% if state != "NOTPAY" %}<div class="notice">The order is {{ state }}.</div>{% endif %}
  {% if state == "NOTPAY" %}
  <form method="post">
    <label>You are <input name="buyer" value="{{ buyer }}" maxlength="40"></label>
    <button name="action" value="scan">Open it on this phone</button>
    <button class="main" name="action" value="enter_password">Enter password and pay</button>
    <button name="action" value="not_enough_balance">Try to pay, balance too low</button>
    <button name="action" value="leave">Leave without paying</button>
  </form>
  {% endif %}
  {% if return_to %}<p><a href="{{ return_to }}">Return to the shop</a></p>{% endif %}
</section>
{% endblock %}
{% block footer %}<a href="/">All orders</a>{% endblock %}""",
    "message.html": """{% extends "layout.html" %}
{% block content %}
<section class="card">
  <h1>{{ title }}</h1>
  <div class="notice bad">{{ message }} <small>({{ code }})</small></div>
</section>
{% endblock %}
{% block footer %}<a href="/">All orders</a>{% endblock %}""",
    "orders.html": """{% extends "layout.html" %}
{% block content %}
<section class="card">
  <h1>Orders</h1>
  {% if orders %}
  <table><tr><th>Number</th><th>Subject</th><th>Yuan</th><th>State</th></tr>
  {% for order in orders %}<tr><td>{{ order.number }}</td><td>{{ order.description }}</td>
  <td>{{ order.amount }}</td><td>{{ order.state }}</td></tr>{% endfor %}</table>
  {% else %}<p class="dim">Nothing was ordered yet.</p>{% endif %}
  <form method="get" action="/scan">
    <label>Scan a code, or paste an app's signed text
      <input name="code" placeholder="weixin://wxpay/bizpayurl?pr=..."></label>
    <button class="main">Open it on the phone</button>
  </form>
</section>
{% endblock %}""",
}


class PhonePages:
    """
    Shows a payer's phone in a browser.

    A ``code_url`` is no web address, so ``/scan?code=...`` plays the camera.
    """

    def __init__(self, phone: Phone, switches: WechatPaySwitches) -> None:
        """Act by the same phone as tests do."""
        self._phone = phone
        self._switches = switches
        self._human = HumanPages("WeChat Pay", "#07c160", TEMPLATES)

    def routes(self) -> list[Route]:
        """Return the routes of the human pages."""
        return [
            Route("/", self._orders),
            Route("/scan", self._scanned, methods=["GET", "POST"]),
            Route(H5_PATH, self._cashier, methods=["GET", "POST"]),
        ]

    async def _orders(self, _: Request) -> Response:
        now = self._phone.now()
        orders = [
            {
                "number": trade.number,
                "description": trade.form.description,
                "amount": Money(trade.form.total, trade.form.currency).decimal(),
                "state": trade.state(now),
            }
            for trade in self._phone.trades
        ]
        return HTMLResponse(self._human.render("orders.html", title="Orders", orders=orders))

    async def _scanned(self, request: Request) -> Response:
        return await self._show(request, request.query_params.get("code", ""))

    async def _cashier(self, request: Request) -> Response:
        if self._switches.require_h5_referer and not request.headers.get("referer"):
            return self._message("NO_REFERER", "商家参数格式有误: open this from the shop's page")
        # The browser's own idea of host and scheme does not matter.
        url = f"{self._phone.base_url}{H5_PATH}?{request.url.query}"
        return await self._show(request, url)

    async def _show(self, request: Request, page: str) -> Response:
        try:
            ticket = self._phone.read(page)
        except Refused as refused:
            return self._message(refused.code, refused.message)
        result: ActResult | None = None
        buyer = DEFAULT_BUYER
        if request.method == "POST":
            pressed = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            buyer = pressed.get("buyer") or DEFAULT_BUYER
            action = pressed.get("action", "")
            if action not in set(PayerAction):
                return self._message("NO_SUCH_ACTION", "this button does not exist")
            result = self._phone.act(action, page, buyer=buyer)
            return_to = self._return_to(request, ticket)
            if action == PayerAction.LEAVE and return_to:
                return RedirectResponse(return_to, status_code=303)
        return self._order(request, ticket, buyer, result)

    def _order(
        self, request: Request, ticket: Ticket, buyer: str, result: ActResult | None
    ) -> Response:
        trade = ticket.trade
        state = trade.state(self._phone.now())
        html = self._human.render(
            "order.html",
            title="Pay",
            form=trade.form,
            amount=Money(trade.form.total, trade.form.currency).decimal(),
            ends_at=to_text(trade.form.ends_at),
            state=state,
            buyer=buyer,
            result=result,
            return_to=self._return_to(request, ticket) if state is not TradeState.NOTPAY else None,
        )
        return HTMLResponse(html)

    def _return_to(self, request: Request, ticket: Ticket) -> str | None:
        """Return where an H5 payer goes next: only ``redirect_url`` may be appended to a link."""
        if ticket.trade.form.product is not Product.H5:
            return None
        url = request.query_params.get("redirect_url", "")
        return url if url.startswith(("https://", "http://")) else None

    def _message(self, code: str, message: str) -> Response:
        html = self._human.render(
            "message.html", title="This payment cannot go on", message=message, code=code
        )
        return HTMLResponse(html)
