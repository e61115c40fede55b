"""The sandbox keeps every promise of a payment provider, over the real transport."""

from datetime import timedelta

import pytest

from retender.plugins.sandbox.plugin import PLUGIN
from retender.tests.contracts.payment_provider import PaymentProviderContract
from retender.tests.plugins.sandbox.counter import Counter


class TestSandbox(PaymentProviderContract):
    """Nothing is weaker."""

    plugin = PLUGIN
    notice_window = timedelta(minutes=5)

    @pytest.fixture
    def gateway(self):
        return Counter()
