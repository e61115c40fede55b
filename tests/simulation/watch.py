"""The watch: who holds which page, which of them could be paid right now, and for how long."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from retender.domain.model.attempt import Attempt
from retender.domain.model.page import Page, PageKind
from retender.domain.model.switch_policy import SwitchPolicy
from retender.plugins.sandbox.ledger import TradeState as SandboxState
from retender.plugins.sandbox.terms import QR_VALIDITY
from retender.simulators.alipay.simulator import AlipaySimulator
from retender.simulators.alipay.trades import WAIT
from retender.simulators.sandbox.simulator import SandboxSimulator
from retender.simulators.wechat_pay.trades import TradeState
from retender.tests.simulation.held_page import HeldPage
from retender.tests.simulation.hosted.ledger import SessionState
from retender.tests.simulation.hosted.simulator import HostedSimulator

if TYPE_CHECKING:
    from retender.tests.simulation.gateways import Gateway
    from retender.tests.simulation.town import Town


@dataclass(slots=True)
class Watch:
    """
    Looks over the payers' shoulders, and into the gateways' books.

    Attributes:
        held: pages by order, as they were handed out.
        exposure: seconds for which an order had more than one page that could be paid.

    """

    town: "Town"
    held: dict[str, list[HeldPage]] = field(default_factory=lambda: defaultdict(list))
    exposure: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _seen_at: float = 0.0
    _exposed: set[str] = field(default_factory=set)
    _several: dict[str, list[HeldPage]] = field(default_factory=dict)

    def handed_out(self, order_no: str, attempt: Attempt, page: Page) -> None:
        """Note a page that a payer was shown."""
        held = self.held[order_no]
        held.append(HeldPage(attempt, page))
        unlike = {(page.account, page.number): page for page in held}
        if len(unlike) > 1:
            self._several[order_no] = list(unlike.values())
        self.look()

    def look(self) -> None:
        """Add up the time of double pages, and let ``strict`` have none."""
        now = self.town.loop.time()
        for order_no in self._exposed:
            self.exposure[order_no] += now - self._seen_at
        self._seen_at = now
        clocks = {name: gateway.clock.now() for name, gateway in self.town.gateways.items()}
        self._exposed = {
            order_no
            for order_no, pages in self._several.items()
            if self._can_be_paid_twice(pages, clocks)
        }
        if self._exposed and self.town.plan.policy is SwitchPolicy.STRICT:
            for order_no in sorted(self._exposed):
                self.town.bugs.append(f"{order_no}: two payable pages, and the policy is strict")

    def _can_be_paid_twice(self, pages: list[HeldPage], clocks: Mapping[str, datetime]) -> bool:
        gateways = self.town.gateways
        payable = (
            page
            for page in pages
            if can_be_paid(gateways[page.account], page, clocks[page.account])
        )
        return len(list(islice(payable, 2))) > 1


def can_be_paid(gateway: "Gateway", held: HeldPage, now: datetime) -> bool:
    """Look into a gateway's own books, at its own time."""
    charge, number = held.attempt.charge, held.number
    in_time = now < charge.expires_at
    if isinstance(gateway, AlipaySimulator):
        trade = gateway._ledger.find(number)
        return in_time if trade is None else trade.status == WAIT
    if isinstance(gateway, SandboxSimulator):
        made = gateway._gateway.ledger._trades.get(number)
        if made is not None:
            return in_time and made.state is SandboxState.OPEN
        code = charge.page_kind is PageKind.QR
        return in_time and code and now < charge.created_at + QR_VALIDITY
    if isinstance(gateway, HostedSimulator):
        session = gateway.session_on(held.page)
        return now < session.expires_at and session.state is SessionState.OPEN
    order = gateway._trades._trades.get(number)
    return order is not None and in_time and order.state(now) is TradeState.NOTPAY
