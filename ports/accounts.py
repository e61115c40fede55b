"""Accounts: the configured credentials of payment providers, by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.payment_provider import PaymentProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    One configured set of credentials; several may use one plugin.

    Attributes:
        name: what callers say, and where notices go.
        title: for people, on a cashier.
        provider: the plugin's object, built with this account's credentials.
        credentials_epoch: changes when the credentials do, so pages signed with
            old ones are not handed out again.
        notify_url: where the provider sends this account's notices.
        drained: takes no new attempts and shows no stored pages; it is heard, asked, closed
            and refunded as ever. Only one that is not configured at all is gone.
        switch_policy: overrides the deployment's, or None.
        gateway_is_local: whether its gateway is on loopback, as simulators are; then so
            may payers be.

    """

    name: str
    title: str
    provider: PaymentProvider = field(repr=False)
    credentials_epoch: str
    notify_url: str
    switch_policy: SwitchPolicy | None = None
    drained: bool = False
    gateway_is_local: bool = False


class Accounts(Protocol):
    """All accounts of this deployment."""

    def get(self, name: str) -> Account:
        """Return one, or raise ``UnknownName`` with all the names there are."""

    def all(self) -> Sequence[Account]:
        """Return all, in the order of the configuration."""
