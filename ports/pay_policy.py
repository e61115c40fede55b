"""PayPolicy: how this deployment treats the second payment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.money import Money
from retender.domain.model.switch_policy import SwitchChoice, SwitchPolicy, SwitchReason
from retender.ports.accounts import Account
from retender.ports.payment_provider import ClosePower

STRICT_OVER: Mapping[str, Money] = {
    currency: Money.parse(amount, currency)
    for currency, amount in {
        "CNY": "1000",
        "HKD": "1000",
        "TWD": "5000",
        "JPY": "20000",
        "KRW": "200000",
        "USD": "150",
        "EUR": "150",
        "GBP": "120",
        "SGD": "200",
        "KWD": "50",
    }.items()
}
"""Sums that hurt when they are taken twice; what they are is a shop's own business."""


class PageStrategy(StrEnum):
    """Which page a returning payer gets."""

    STORED_PAGE = "stored_page"
    """The one that we keep, while it is good; then ask."""
    ASK_PROVIDER = "ask_provider"
    """Ask again, same number and instant; the provider decides which page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPolicy:
    """
    The settings of ``PayOrder``.

    Attributes:
        deadlines: how the remaining time is shared between payer and provider.
        page_strategy: what a returning payer gets.
        switch_policy: what must be true of the old page before a new one.
        strict_over: by currency; above it, ``adaptive`` is strict where it can be. In a
            currency that is not named it always is: what is much there, nobody has said.
        pages_at: the address of our own pages, to which an attempt's id is added; a browser
            comes back there where the payer's side names no other place. None: there are none.
        asking_for: how long one caller may be busy asking a provider for a page. Its calls
            together are cut off earlier, see ``open_within``.

    """

    deadlines: DeadlinePolicy = field(default_factory=DeadlinePolicy)
    page_strategy: PageStrategy = PageStrategy.STORED_PAGE
    switch_policy: SwitchPolicy = SwitchPolicy.ADAPTIVE
    strict_over: Mapping[str, Money] = field(default_factory=lambda: STRICT_OVER, hash=False)
    asking_for: timedelta = timedelta(seconds=15)
    pages_at: str | None = None

    def page_of(self, attempt_id: str) -> str | None:
        """Return the address of our own page of an attempt."""
        return None if self.pages_at is None else f"{self.pages_at}{attempt_id}"

    @property
    def open_within(self) -> timedelta:
        """
        Return the time that all calls of one ``open`` have together.

        The rest of the claim is for writing the answer down: an answer that comes after the
        claim has ended is another one's page by then.
        """
        return self.asking_for * 4 / 5

    @property
    def switch_policy_without_account(self) -> SwitchPolicy:
        """How to leave a page of an account that is configured no more: nobody can be asked."""
        if self.switch_policy is SwitchPolicy.ADAPTIVE:
            return SwitchPolicy.BEST_EFFORT
        return self.switch_policy

    def for_switch(self, account: Account, power: ClosePower, amount: Money) -> SwitchPolicy:
        """
        Decide how to leave a page of this account; never answers ``adaptive``.

        Strict costs nothing where a close is authoritative; where it is lazy it
        would leave the payer stuck, and where there is none only the automatic
        refund is left (protocol 1.4).
        """
        policy = account.switch_policy or self.switch_policy
        if policy is not SwitchPolicy.ADAPTIVE:
            return policy
        if power is ClosePower.NONE:
            return SwitchPolicy.NONE
        if power is ClosePower.AUTHORITATIVE and self._is_much(amount):
            return SwitchPolicy.STRICT
        return SwitchPolicy.BEST_EFFORT

    def choice_for_switch(self, account: Account, power: ClosePower, amount: Money) -> SwitchChoice:
        """Return what ``for_switch`` decides, and from what."""
        policy = self.for_switch(account, power, amount)
        if account.switch_policy not in {None, SwitchPolicy.ADAPTIVE}:
            return SwitchChoice(policy=policy, reason=SwitchReason.SET_FOR_ACCOUNT)
        if (account.switch_policy or self.switch_policy) is not SwitchPolicy.ADAPTIVE:
            return SwitchChoice(policy=policy, reason=SwitchReason.SET_FOR_ALL)
        if power is ClosePower.NONE:
            return SwitchChoice(policy=policy, reason=SwitchReason.CANNOT_CLOSE)
        if power is ClosePower.LAZY:
            return SwitchChoice(policy=policy, reason=SwitchReason.CLOSES_ONCE_USED)
        limit = self.strict_over.get(amount.currency)
        if limit is None:
            return SwitchChoice(policy=policy, reason=SwitchReason.NO_LIMIT, amount=amount)
        over = self._is_much(amount)
        reason = SwitchReason.OVER_LIMIT if over else SwitchReason.WITHIN_LIMIT
        return SwitchChoice(policy=policy, reason=reason, amount=amount, limit=limit)

    def _is_much(self, amount: Money) -> bool:
        limit = self.strict_over.get(amount.currency)
        return limit is None or amount.minor > limit.minor
