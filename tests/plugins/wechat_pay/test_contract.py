"""WeChat Pay keeps every promise of the kit: by public key, by certificates, and between."""

from datetime import timedelta

import pytest

from retender.plugins.wechat_pay.plugin import PLUGIN
from retender.plugins.wechat_pay.simulator.switches import WechatPaySwitches
from retender.tests.contracts.payment_provider import PaymentProviderContract
from retender.tests.plugins.wechat_pay.counter import Counter


class TestWechatPay(PaymentProviderContract):
    """The mode of new merchants: one public key."""

    plugin = PLUGIN
    notice_window = timedelta(minutes=5)

    @pytest.fixture
    def gateway(self, identity):
        return Counter(identity)


class TestWechatPayByCertificate(PaymentProviderContract):
    """
    The mode of old merchants: platform certificates, downloaded.

    Every doubtful fact is switched the other way as well, so that nothing which
    the plugin does rests on one of them.
    """

    plugin = PLUGIN
    notice_window = timedelta(minutes=5)

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
