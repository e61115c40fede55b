"""
Every address of the server, said once.

The routes match these templates, and whoever hands an address out fills one in.
"""

from dataclasses import dataclass

ORDERS = "/v1/orders"
ORDER = ORDERS + "/{order_no}"
ORDER_STORY = ORDER + "/story"
ORDER_PAY = ORDER + "/pay"
ORDER_METHODS = ORDER + "/methods"
ORDER_CLOSE = ORDER + "/close"
ORDER_REFUNDS = ORDER + "/refunds"
REFUND = "/v1/refunds/{refund_no}"
ATTENTION = "/v1/attention"
ATTENTION_ITEM = ATTENTION + "/{attention_id}"

NOTICES = "/v1/notices/"
NOTICE = NOTICES + "{account}"
PAGES = "/pages/"
PAGE = PAGES + "{attempt_id}"

OPENAPI = "/openapi.json"
ALIVE = "/healthz"
READY = "/readyz"
METRICS = "/metrics"


@dataclass(frozen=True, slots=True)
class Addresses:
    """
    Addresses as the world knows them.

    Attributes:
        public_url: how the world reaches the server, without a slash at the end.

    """

    public_url: str

    @property
    def openapi(self) -> str:
        """Return where the API is described."""
        return f"{self.public_url}{OPENAPI}"

    @property
    def pages(self) -> str:
        """Return the beginning of every page's address; the attempt's id follows."""
        return f"{self.public_url}{PAGES}"

    def page(self, attempt_id: str) -> str:
        """Return where a browser finds an attempt's page."""
        return f"{self.public_url}{PAGE.format(attempt_id=attempt_id)}"

    def notice(self, account: str) -> str:
        """Return where an account's provider sends its notices."""
        return f"{self.public_url}{NOTICE.format(account=account)}"

    def order(self, order_no: str) -> str:
        """Return where an order is shown."""
        return f"{self.public_url}{ORDER.format(order_no=order_no)}"

    def refund(self, refund_no: str) -> str:
        """Return where a refund is shown."""
        return f"{self.public_url}{REFUND.format(refund_no=refund_no)}"
