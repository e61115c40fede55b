"""News: what is on its way, and can change nothing any more, whatever happens."""

from retender.domain.model.transition import CAPTURED, RefundState
from retender.tests.model.ground import Core, Late
from retender.tests.model.providers import find, takes_money
from retender.tests.model.rules import Rules
from retender.tests.model.state import Fate, Till, Trade


def is_known(notice: str, till: Till, core: Core, rules: Rules) -> bool:
    """Tell whether a notice would change nothing, now or ever."""
    if rules.hears_all:  # it matters whether we said "received"
        return False
    if (till.account, notice) in core.ledger.inbox:
        return True
    number, _, fate = notice.partition(":")
    if not fate:
        attempt = core.ledger.attempt_of(till.ours)
        if attempt is None or attempt.state not in CAPTURED:
            return False
        known = [attempt.provider_trade_no]
        known += [capture.provider_trade_no for capture in core.ledger.captures]
        return till.trade_no in known
    final = {RefundState.DONE} if fate == Fate.DONE else {RefundState.STUCK}
    if not rules.reverses:
        final.add(RefundState.DONE)
    names = ((r.number, r.provider_refund_no, r.state) for r in core.ledger.refunds)
    return any(number in its[:2] and its[2] in final for its in names)


def is_spent(late: Late, core: Core) -> bool:
    """Tell whether a request that is still on its way would find nothing to do."""
    verb, _, number = late
    till = find(core.books, number)
    if verb == "open":
        return till is not None or not takes_money(core.phase)
    return till is not None and till.state in {Trade.PAID, Trade.CLOSED}
