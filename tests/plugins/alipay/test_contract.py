"""Alipay keeps every promise of the kit: in key mode, by certificates, and in any weather."""

import pytest

from retender.plugins.alipay.plugin import PLUGIN
from retender.simulators.alipay.switches import AlipaySwitches
from retender.tests.contracts.payment_provider import PaymentProviderContract
from retender.tests.contracts.provider.scene import HOSTILE_TEXTS
from retender.tests.plugins.alipay.counter import Counter

TWINS = str.maketrans({"/": "\uff0f", "=": "\uff1d", "&": "\uff06"})


class AlipayContract(PaymentProviderContract):
    """The one promise that Alipay does not let anybody keep, and what is kept instead."""

    plugin = PLUGIN
    weaker = {  # noqa: RUF012  # as the kit shows it
        "test_the_payer_reads_the_subject_as_the_shop_wrote_it": (
            "Alipay forbids '/', '=' and '&' in a subject; the payer reads their full-width twins"
        ),
    }

    @pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
    async def test_the_payer_reads_the_subject_as_the_shop_wrote_it(self, gateway, offer, text):
        charge = self.charge(gateway, offer, subject=text)
        assert await gateway.pay((await gateway.provider.open(charge)).page)
        booked = await gateway.booked(charge.number)
        assert (booked.subject, booked.captured) == (text.translate(TWINS), charge.amount.minor)


class TestAlipay(AlipayContract):
    """Key mode, every doubtful fact as we think it is."""

    @pytest.fixture
    def gateway(self, keys):
        return Counter(keys)


class TestAlipayByCertificate(AlipayContract):
    """
    Certificate mode, every doubtful fact the other way.

    So nothing that the plugin does rests on one of them. Only the timestamp's age is left
    alone: if Alipay looked at it, no stored page could live (``test_provider`` shows that
    asking anew would help).
    """

    @pytest.fixture
    def gateway(self, keys):
        return Counter(keys, switches_turned(), certified=True)


def switches_turned(**others):
    """Return all switches that nobody could confirm, away from their defaults."""
    turned = {
        "compared": ("total_amount", "subject"),
        "instalment_clash_code": "TRADE_PAYINFO_INCONSISTENT",
        "precreate_again": "new_qr",
        "opening_creates_trade": True,
        "reopening_restarts_timeout": False,
        "immediate_retries": True,
        "notify_closed": True,
        "notify_full_refund": PLUGIN_METHODS,
        "empty_values_in_notices": "signed",
        "cert_sn_in_notices": False,
        "gateway_errors_signed": False,
        "sign_comes_first": True,
        "h5_product_codes": ("QUICK_WAP_WAY",),
        "pc_return_parameters": False,
        "refund_spacing_seconds": 0,
        "repeated_refund_says_n": False,
        "refund_window_days": 90,
    }
    return AlipaySwitches(**{**turned, **others})


PLUGIN_METHODS = tuple(sorted({page.product for page in PLUGIN.terms.pages}))
