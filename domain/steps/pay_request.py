"""PayRequest: what one pay request wants, checked against what the provider offers."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.address import why_no_payers_address
from retender.domain.model.attempt import Attempt, Charge, fingerprint
from retender.domain.model.client_type import ClientType
from retender.domain.model.deadline import Deadline
from retender.domain.model.errors import NotOffered
from retender.domain.model.misfit import Misfit
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.payer import Payer
from retender.domain.model.payer_errors import PayerInputMissing
from retender.ports.accounts import Account
from retender.ports.payment_provider import PageTerms, PayerNeed, ProviderTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRequest:
    """
    All that one pay request wants, with the names looked up.

    Attributes:
        account: with which provider account.
        client: from where.
        terms: the negotiated page.
        instalments: number of monthly rates, or None.
        payer: what the payer's side supplies.

    """

    account: Account
    client: ClientType
    terms: PageTerms
    instalments: int | None
    payer: Payer

    def check(self, amount: Money) -> None:
        """
        Compare the request with the provider's published terms.

        Raises:
            NotOffered: currency, amount or instalments.
            PayerInputMissing: the page needs more of the payer's side, or an address
                that can be the payer's own.

        """
        check_offered(amount, self.account.provider.terms, self.instalments)
        needs = self.terms.needs
        missing = [need for need in needs if not getattr(self.payer, need)]
        if missing:
            raise PayerInputMissing(missing, self.terms.kind)
        if PayerNeed.CLIENT_IP in needs and self.payer.client_ip:
            local = self.account.gateway_is_local
            why = why_no_payers_address(self.payer.client_ip, gateway_is_local=local)
            if why is not None:
                own = f"the payer's own address, not {why}"
                raise PayerInputMissing([PayerNeed.CLIENT_IP], self.terms.kind, own)

    def fingerprint_for(self, amount: Money) -> str:
        """Return what must agree for an earlier attempt's page to serve this request."""
        return fingerprint(
            account=self.account.name,
            credentials_epoch=self.account.credentials_epoch,
            client_type=self.client.code,
            page_kind=self.terms.kind,
            amount=amount,
            instalments=self.instalments,
            bound=_bound(self.terms, self.payer),
        )

    def fits(self, attempt: Attempt, amount: Money, now: datetime) -> bool:
        """
        Tell whether an attempt may serve again: same request, payable, in time, reopenable.

        Without reopening, an attempt serves only as long as its stored page works.
        """
        return (
            attempt.is_payable
            and attempt.fingerprint == self.fingerprint_for(amount)
            and not self._payer_misfits(attempt)
            and now < attempt.charge.expires_at
            and (self.terms.reopens or attempt.good_page(now) is not None)
        )

    def fits_left(self, attempt: Attempt, amount: Money, now: datetime) -> bool:
        """Tell whether it is a page of this very request that the payer left, and that is kept."""
        return (
            attempt.left_page(now) is not None
            and attempt.fingerprint == self.fingerprint_for(amount)
            and not self._payer_misfits(attempt)
            and now < attempt.charge.expires_at
        )

    def misfits(self, attempt: Attempt, amount: Money, now: datetime) -> tuple[Misfit, ...]:
        """Say why an attempt may not serve again; nothing exactly if ``fits``."""
        charge, same_account = attempt.charge, attempt.account == self.account.name
        same_client = charge.client_type == self.client.code
        # As it was made, but with the credentials of today.
        today = fingerprint(
            account=attempt.account,
            credentials_epoch=self.account.credentials_epoch,
            client_type=charge.client_type,
            page_kind=charge.page_kind,
            amount=charge.amount,
            instalments=charge.instalments,
            bound=self._bound_as_made(charge),
        )
        # Who paid there is erased with the page; then nothing can be said of it.
        told = attempt.is_live or not self._bound_as_made(charge)
        good = attempt.good_page(now) is not None
        found = {
            Misfit.ACCOUNT: not same_account,
            _changed(attempt): same_account and told and attempt.fingerprint != today,
            Misfit.CLIENT_TYPE: not same_client,
            # Another account or client type gets what it gets: that is no request of its own.
            Misfit.PAGE_KIND: same_account and same_client and charge.page_kind != self.terms.kind,
            Misfit.AMOUNT: charge.amount != amount,
            Misfit.INSTALMENTS: charge.instalments != self.instalments,
            **dict.fromkeys(self._payer_misfits(attempt), True),
            Misfit.NOT_PAYABLE: not attempt.is_payable,
            Misfit.TIME_OVER: now >= charge.expires_at,
            Misfit.PAGE_RAN_OUT: attempt.is_payable and not self.terms.reopens and not good,
        }
        return tuple(misfit for misfit, so in found.items() if so)

    def _payer_misfits(self, attempt: Attempt) -> list[Misfit]:
        """
        Return what of the payer is another than the page is bound to, or is not kept for it.

        Where the page key was changed it does not open: then it can be sent again no more.
        """
        if not attempt.is_live:
            return []
        then, bound = attempt.charge.payer, self.terms.bound_to
        other = {need for need in bound if getattr(then, need) != getattr(self.payer, need)}
        lost = {need for need in self.terms.needs if getattr(then, need) is None}
        if attempt.undecryptable and other | lost:
            return [Misfit.PAGE_KEY]
        return [Misfit(need) for need in sorted(other | lost)]

    def _bound_as_made(self, charge: Charge) -> dict[str, str | None]:
        """Return what the charge's own page is bound to, if this account makes such pages."""
        try:
            return _bound(self.account.provider.terms.page_for(charge), charge.payer)
        except LookupError:
            return {}

    def charge(self, order: Order, number: str, deadline: Deadline, now: datetime) -> Charge:
        """Return what to ask of the provider, with nothing left to decide."""
        return Charge(
            number=number,
            order_no=order.order_no,
            amount=order.amount,
            subject=order.subject,
            client_type=self.client.code,
            device=self.client.device,
            page_kind=self.terms.kind,
            created_at=now,
            expires_at=deadline.upstream,
            notify_url=self.account.notify_url,
            payer=self.payer,
            instalments=self.instalments,
        )


def _changed(attempt: Attempt) -> Misfit:
    """
    Tell new credentials from a new page key, which names all credentials anew.

    What is sealed of the attempt opens only under the key of its time.
    """
    if attempt.undecryptable:
        return Misfit.PAGE_KEY
    opens = attempt.page is not None or attempt.charge.payer != Payer()
    return Misfit.CREDENTIALS if opens else Misfit.CREDENTIALS_OR_PAGE_KEY


def _bound(terms: PageTerms, payer: Payer) -> dict[str, str | None]:
    """Return what a page on these terms is bound to."""
    return {str(need): getattr(payer, need) for need in terms.bound_to}


def check_offered(amount: Money, terms: ProviderTerms, instalments: int | None = None) -> None:
    """
    Compare an amount with a provider's terms.

    Raises:
        NotOffered: says what is offered instead.

    """
    if amount.currency not in terms.currencies:
        offers = ", ".join(sorted(terms.currencies))
        message = f"{terms.title} takes {offers}, not {amount.currency}."
        raise NotOffered(message, field="currency")
    bounds = terms.bounds(amount.currency)
    if not bounds.smallest <= amount.minor <= bounds.largest:
        least, most = (Money(n, amount.currency) for n in (bounds.smallest, bounds.largest))
        message = f"{terms.title} takes {least} to {most}, not {amount}."
        raise NotOffered(message, field="amount")
    if instalments is not None and instalments not in terms.instalments:
        offers = ", ".join(str(number) for number in terms.instalments) or "none"
        message = f"{terms.title} offers these instalments: {offers}."
        raise NotOffered(message, field="instalments")
