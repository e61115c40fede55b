"""The sandbox's human pages: a list of trades, and one where a person can pay or leave."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from retender.domain.model.money import Money
from retender.domain.model.page import FormPage
from retender.plugins.sandbox.gateway import SandboxGateway
from retender.plugins.sandbox.ledger import Refused
from retender.plugins.sandbox.outcomes import OUTCOMES
from retender.simulators.kit.pages import HumanPages
from retender.simulators.kit.payer import ActResult, FilledForm, PageMaterial, in_hand

_REFUSED: Final = 400
_FORM_MAX_BYTES: Final = 65_536

_PAY = """{% extends "layout.html" %}
{% block content %}<div class="card">
<h1>{{ trade.ask.subject }}</h1>
<div class="amount">{{ amount }}</div>
<p class="dim">{{ trade.ask.number }}<br>to be paid by {{ trade.ask.expires_at }}</p>
{% if result %}<p class="notice {{ 'good' if result.ok else 'bad' }}">
{{ result.code }} {{ result.message }}</p>{% endif %}
<p class="notice">{{ trade.state }}: {{ trade.outcome }}</p>
{% if trade.state == "OPEN" %}<form method="post" action="pay">
<input type="hidden" name="ticket" value="{{ ticket }}">
<label>Who pays<input name="buyer" value="alice"></label>
<button class="main" name="action" value="pay">Pay</button>
<button name="action" value="not_enough_balance">Try with too little</button>
</form>{% endif %}
</div>{% endblock %}"""

_LIST = """{% extends "layout.html" %}
{% block content %}<div class="card">
<h1>Trades</h1>
<table><tr><th>Number</th><th>Amount</th><th>State</th></tr>
{% for trade, amount, ticket in rows %}<tr>
<td><a href="pay?ticket={{ ticket }}">{{ trade.ask.number }}</a></td>
<td>{{ amount }}</td><td>{{ trade.state }}</td></tr>{% endfor %}</table>
<h1>Amounts that choose their outcome</h1>
<table>{% for digits, outcome in outcomes %}<tr><td>...{{ digits }}</td><td>{{ outcome }}</td></tr>
{% endfor %}</table>
</div>{% endblock %}"""

_NO = """{% extends "layout.html" %}
{% block content %}<div class="card"><p class="notice bad">{{ message }}</p></div>{% endblock %}"""

Act = Callable[..., ActResult]
"""``SandboxSimulator.act``."""


def number_on(gateway: SandboxGateway, page: PageMaterial) -> str:
    """
    Read a page as the gateway does when it is opened; scanning a code makes its trade.

    Raises:
        Refused: it is no page of this gateway, or it has run out.

    """
    held = in_hand(page)
    if isinstance(held, FilledForm):
        return gateway.admitted(held.fields.get("ticket", ""))
    if isinstance(held, Mapping):
        return gateway.admitted(held.get("ticket", ""))
    address = urlsplit(held)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    if address.path.endswith("/scan"):
        return gateway.scanned(query.get("ask", ""), query.get("sign", "")).number
    return gateway.admitted(query.get("ticket", ""))


def cashier_routes(gateway: SandboxGateway, act: Act) -> list[Route]:
    """Return the pages that a person's browser meets."""
    cashier = _Cashier(gateway, act)
    return [
        Route("/", cashier.show_list),
        Route("/scan", cashier.show_page),
        Route("/pay", cashier.show_page, methods=["GET"]),
        Route("/pay", cashier.take_form, methods=["POST"]),
    ]


class _Cashier:
    """The handlers of the human pages."""

    def __init__(self, gateway: SandboxGateway, act: Act) -> None:
        self._gateway = gateway
        self._act = act
        templates = {"pay.html": _PAY, "list.html": _LIST, "no.html": _NO}
        self._pages = HumanPages("Sandbox", "#4f46e5", templates)

    async def show_list(self, _: Request) -> Response:
        rows = [
            (
                trade,
                Money(trade.ask.minor, trade.ask.currency),
                self._gateway.ticket(trade.ask.number),
            )
            for trade in reversed(self._gateway.ledger.all())
        ]
        return HTMLResponse(
            self._pages.render("list.html", title="Trades", rows=rows, outcomes=OUTCOMES.items())
        )

    async def show_page(self, request: Request) -> Response:
        """Show the trade of a link that was followed, or of a code that was scanned."""
        try:
            return self._trade_page(number_on(self._gateway, str(request.url)), None)
        except (Refused, ValueError) as no:
            return self._no(no)

    async def take_form(self, request: Request) -> Response:
        """Show the trade of a form that a shop's page posted, or do what a person pressed."""
        body = await request.body()
        if len(body) > _FORM_MAX_BYTES:
            return self._no(ValueError("a form so long is not one of ours"))
        fields = dict(parse_qsl(body.decode("utf-8", "replace")))
        page = FormPage("pay", (("ticket", fields.get("ticket", "")),))
        try:
            number = number_on(self._gateway, page)
            result = None
            if action := fields.get("action"):
                result = self._act(action, page, buyer=fields.get("buyer") or "alice")
            return self._trade_page(number, result)
        except (Refused, ValueError) as no:
            return self._no(no)

    def _trade_page(self, number: str, result: ActResult | None) -> Response:
        trade = self._gateway.ledger.find(number)
        return HTMLResponse(
            self._pages.render(
                "pay.html",
                title="Pay",
                trade=trade,
                amount=Money(trade.ask.minor, trade.ask.currency),
                ticket=self._gateway.ticket(number),
                result=result,
            )
        )

    def _no(self, trouble: Exception) -> Response:
        html = self._pages.render("no.html", title="No", message=str(trouble))
        return HTMLResponse(html, status_code=_REFUSED)
