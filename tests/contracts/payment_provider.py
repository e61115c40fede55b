"""PaymentProviderContract: what every provider promises, as tests for you to inherit."""

from retender.tests.contracts.kit import Contract
from retender.tests.contracts.provider.amounts import Amounts
from retender.tests.contracts.provider.closing import Closing
from retender.tests.contracts.provider.gateway import (
    ALICE,
    BOB,
    FORBIDDEN_PAGE,
    Booked,
    Fault,
    GatewayUnderTest,
    KnowsPayers,
    Operation,
)
from retender.tests.contracts.provider.names import Names
from retender.tests.contracts.provider.notices import Notices
from retender.tests.contracts.provider.opening import Opening
from retender.tests.contracts.provider.refunds import Refunds
from retender.tests.contracts.provider.scene import HOSTILE_TEXTS, Offer, ProviderScene
from retender.tests.contracts.provider.terms import TermsBehaviour
from retender.tests.contracts.provider.trouble import Trouble

__all__ = [
    "ALICE",
    "BOB",
    "FORBIDDEN_PAGE",
    "HOSTILE_TEXTS",
    "Booked",
    "Contract",
    "Fault",
    "GatewayUnderTest",
    "KnowsPayers",
    "Offer",
    "Operation",
    "PaymentProviderContract",
    "ProviderScene",
]


class PaymentProviderContract(
    TermsBehaviour, Opening, Amounts, Closing, Refunds, Notices, Names, Trouble
):
    """
    Inherit it, say what is under test, and give one fixture.

    ::

        class TestAcmePay(PaymentProviderContract):
            plugin = PLUGIN                          # your ProviderPlugin
            notice_window = timedelta(minutes=5)     # None, if notices sign no time

            @pytest.fixture
            def gateway(self) -> AcmeGateway:        # a GatewayUnderTest, fresh for each test
                return AcmeGateway()

    The terms in ``plugin`` decide what is promised: behaviours about pages are played once
    for each page and device, and where your terms say that something cannot be done, the
    same test proves that it is refused. Nothing is skipped.

    A gateway that you can only reach from outside serves as well, if you can look into its
    books. Most packages bring a simulator beside the plugin, as an entry point of the group
    ``retender.simulators`` (see ``retender.simulators.kit.installed``), and wire the provider's
    transport to its app; ``tests/plugins/sandbox/counter.py`` in our repository is a whole
    gateway under test.

    ``gateway`` is built anew for every test, a few hundred times: make keys once per module.
    The fixture may be synchronous or asynchronous. Behaviours run with pytest-asyncio, in
    strict or auto mode.

    A provider that cannot keep a promise replaces that test by one of what it does keep, and
    says so aloud in ``weaker``; replacing or removing one in silence is an error (see
    ``Contract``). Adding tests of your own is always fine.

    Attributes:
        plugin: what is under test.
        notice_window: how late, by the signed time, a notice is still believed.
        payer: what the payer's side supplies; give a form of openid that your gateway takes.
        other_payer: somebody else, in all that your pages are bound to.
        amount_minor: what most charges are for, if 8888 means something to your gateway.

    """
