"""Open a page by its plugin, and say the provider's no: what both ways to a page have in common."""

from dataclasses import replace

from retender.domain.model.attempt import Attempt, Charge
from retender.domain.model.errors import PayOrderFail, ProviderRefused, ProviderUncertain
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.ports.accounts import Account
from retender.ports.pay_policy import PayPolicy
from retender.ports.time_budget import TimeBudget


async def page_of(
    attempt: Attempt, account: Account, policy: PayPolicy, budget: TimeBudget
) -> Opened:
    """
    Have the account's plugin open an attempt, with our own page as the way back.

    Raises:
        ProviderError: as the plugin says; ProviderUncertain also, if it returned anything but
            a page of the kind that was negotiated: whatever was made for it is found out.

    """
    charge = replace(attempt.charge, way_back=policy.page_of(attempt.attempt_id))
    opened: Opened = await budget.answer(account.provider.open, charge)
    _check_opened(opened, charge)
    return opened


def _check_opened(opened: object, charge: Charge) -> None:
    """Insist on a page of the kind that was negotiated; a plugin may return anything."""
    page = opened.page if isinstance(opened, Opened) else None
    if page is None or page.kind is not charge.page_kind:
        got = type(opened).__name__ if page is None else f"a page of kind {page.kind}"
        message = f"The plugin returned {got} where a page of kind {charge.page_kind} was asked for"
        raise ProviderUncertain(message)


def words_of(refused: ProviderRefused) -> str:
    """Return the provider's own code and words."""
    return f"{refused.provider_code} {refused.provider_message}".rstrip()


def failed(order: Order, account: Account, refused: ProviderRefused) -> PayOrderFail:
    """Return the provider's no, its own code and words with it."""
    return PayOrderFail(
        f"{account.title} refused the payment: {words_of(refused)}.",
        order_no=order.order_no,
        provider_code=refused.provider_code,
        provider_message=refused.provider_message or None,
    )
