"""The kit takes refunds as the core does, whatever the terms say of repeating, and of ids."""

import pytest

from retender.domain.model.errors import ProviderRefused
from retender.tests.contracts.payment_provider import PaymentProviderContract
from retender.tests.contracts.provider.refunds import Refunds
from retender.tests.contracts.provider.trouble import Trouble
from retender.tests.plugins.sandbox.oddities import (
    BY_ID,
    ONCE_ONLY,
    REPEATABLE,
    ByIdCounter,
    EachSendCounter,
    ForgetfulCounter,
    plugin_of,
)

# The gateway itself may refuse to give back more than was paid.
FOUND_OUT = (AssertionError, ProviderRefused)


class TestRefundsThatMayNotBeRepeated(Refunds, Trouble):
    """The gateway gives back each time it is told to; the terms say so, so nobody repeats."""

    plugin = plugin_of(ONCE_ONLY)

    @pytest.fixture
    def gateway(self):
        return EachSendCounter(ONCE_ONLY)


class TestRefundsThatHaveIds(Refunds, Trouble):
    """The gateway finds a refund by its own id alone; the terms say so, and nobody asks else."""

    plugin = plugin_of(BY_ID)

    @pytest.fixture
    def gateway(self):
        return ByIdCounter(BY_ID)


class Claims(PaymentProviderContract):
    """Says that the same number twice gives back once."""

    plugin = plugin_of(REPEATABLE)


class Admits(PaymentProviderContract):
    """Says that it does not."""

    plugin = plugin_of(ONCE_ONLY)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "test",
    [
        "test_the_same_refund_twice_gives_back_once",
        "test_the_same_refund_twice_at_once_gives_back_once",
        "test_one_refund_number_never_gives_back_two_amounts",
    ],
)
async def test_who_claims_it_and_gives_back_twice_is_found_out(test):
    with pytest.raises(FOUND_OUT):
        await getattr(Claims(), test)(EachSendCounter(REPEATABLE))
    await getattr(Admits(), test)(EachSendCounter(ONCE_ONLY))


@pytest.mark.asyncio
async def test_who_does_not_tell_the_truth_when_asked_is_found_out():
    """Once the answer was lost, asking is all there is."""
    with pytest.raises(AssertionError):
        await Admits().test_a_lost_refund_is_found_by_asking(ForgetfulCounter(ONCE_ONLY))


@pytest.mark.asyncio
async def test_who_finds_nothing_by_our_number_and_claims_to_is_found_out():
    with pytest.raises(AssertionError):
        await Claims().test_a_lost_refund_is_found_by_asking(ForgetfulCounter(REPEATABLE))
    with pytest.raises(AssertionError, match="never asks without the id"):
        await Claims().test_a_lost_refund_is_found_by_asking(ByIdCounter(REPEATABLE))
