"""WeChat Pay keeps every promise of the kit: by public key, by certificates, and between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.plugins.wechat_pay.plugin import PLUGIN
from retender.ports.payment_provider import PayerNeed, ReceiptState
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.contracts.payment_provider import Fault, Operation, PaymentProviderContract
from retender.tests.contracts.provider.scene import Offer, nothing_moved
from retender.tests.plugins.wechat_pay.counter import Counter


class WechatPayContract(PaymentProviderContract):
    """The one promise that WeChat Pay does not let anybody keep, and what is true instead."""

    plugin = PLUGIN
    notice_window = timedelta(minutes=5)
    weaker = {  # noqa: RUF012  # as the kit shows it
        "test_a_page_of_another_charge_is_not_handed_out": (
            "an order's answer names nothing; whatever is paid on its page is told under the "
            "number that it was made for"
        ),
    }

    async def test_a_page_of_another_charge_is_not_handed_out(self, gateway, offer):
        another, charge = self.charge(gateway, offer), self.charge(gateway, offer)
        await self.merchant(gateway).open(another)
        gateway.set_fault(Fault.ANOTHERS_ANSWER, Operation.OPEN)
        assert await gateway.pay(await self.merchant(gateway).open(charge))
        assert nothing_moved(await gateway.booked(charge.number))
        assert (await self.merchant(gateway).query(charge)).state is not ReceiptState.PAID
        told = await self.paid_notices(gateway, another.number)
        assert [n.receipt.amount for n in told if n.receipt] == [another.amount]


class TestWechatPay(WechatPayContract):
    """The mode of new merchants: one public key."""

    @pytest.fixture
    def gateway(self, identity):
        return Counter(identity)


class TestWechatPayByCertificate(WechatPayContract):
    """
    The mode of old merchants: platform certificates, downloaded.

    Every doubtful fact is switched the other way as well, so that nothing which
    the plugin does rests on one of them.
    """

    @pytest.fixture
    def gateway(self, identity):
        return Counter(identity, switches_turned("certificate"))


def switches_turned(trust):
    """Return all switches that nobody could confirm, away from their defaults."""
    return WechatPaySwitches(
        trust=trust,
        native_expiry_cap_days=15,
        duplicate_dialect="INVALID_REQUEST",
        numeric_reasons=False,
        tolerate_other_client_ip=True,
        paid_reorder_code="ORDERPAID",
        close_paid_code="TRADE_ERROR",
        not_exist_code="ORDERNOTEXIST",
        rate_limit_code="RATELIMIT_EXCEEDED",
        bill_hash_of="compressed",
        old_prepay_id_usable=False,
        refund_spacing_seconds=0,
        refund_mismatch_status=403,
        refund_processing_seconds=0,
    )


class ForTheSamePayer:
    """Orders every page for one openid, whoever comes."""

    def __init__(self, inner, payer):
        self.inner, self.payer = inner, payer

    def __getattr__(self, name):
        return getattr(self.inner, name)

    async def open(self, charge):
        return await self.inner.open(replace(charge, payer=self.payer))


@pytest.mark.asyncio
async def test_pages_that_are_all_one_payers_are_found_out(identity):
    kit = WechatPayContract()
    page = next(page for page in PLUGIN.terms.pages if PayerNeed.OPENID in page.bound_to)
    offer = Offer(page, min(page.devices))
    await kit.test_a_bound_page_is_its_own_payers(Counter(identity), offer)
    counter = Counter(identity)
    counter.provider = ForTheSamePayer(counter.provider, kit.payer)
    with pytest.raises(AssertionError):
        await kit.test_a_bound_page_is_its_own_payers(counter, offer)
