"""The kit sees what a provider calls by which name, and believes no term that is untrue."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.plugins.sandbox.terms import TERMS
from retender.ports.payment_provider import PayerNeed
from retender.tests.contracts.payment_provider import Offer, PaymentProviderContract
from retender.tests.plugins.sandbox.counter import Counter
from retender.tests.plugins.sandbox.oddities import (
    CAPTURES,
    NAMED_TRADES,
    OWN_IDS,
    ByTradeCounter,
    ConfusedCounter,
    InAppCounter,
    OneForAllCounter,
    OtherCounter,
    OwnIdsCounter,
    TwoTradeNosCounter,
    plugin_of,
)


class TestOwnIds(PaymentProviderContract):
    """A gateway that goes by ids of its own keeps every promise, and is never asked without one."""

    plugin = plugin_of(OWN_IDS)
    notice_window = timedelta(minutes=5)

    @pytest.fixture
    def gateway(self):
        return OwnIdsCounter(OWN_IDS)


def kit_of(terms):
    """Return the kit for these terms, to play one behaviour of it."""

    class Kit(PaymentProviderContract):
        plugin = plugin_of(terms)

    return Kit()


OFFER = Offer(TERMS.pages[0], min(TERMS.pages[0].devices))


@pytest.mark.asyncio
async def test_an_id_that_all_charges_share_is_found_out():
    kit = kit_of(OWN_IDS)
    await kit.test_no_two_charges_share_a_reference(OwnIdsCounter(OWN_IDS), OFFER)
    with pytest.raises(AssertionError):
        await kit.test_no_two_charges_share_a_reference(OneForAllCounter(OWN_IDS), OFFER)


@pytest.mark.asyncio
async def test_an_id_of_another_charge_beside_our_number_is_found_out():
    kit = kit_of(OWN_IDS)
    with pytest.raises(AssertionError):
        await kit.test_whatever_speaks_of_a_charge_names_it(ConfusedCounter(OWN_IDS), OFFER)


@pytest.mark.asyncio
async def test_a_page_that_payers_see_although_nobody_should_is_found_out():
    kit = kit_of(OWN_IDS)
    offer = Offer(OWN_IDS.pages[0], OFFER.device)
    await kit.test_a_page_that_nobody_saw_takes_no_money(OwnIdsCounter(OWN_IDS), offer)
    with pytest.raises(AssertionError):
        await kit.test_a_page_that_nobody_saw_takes_no_money(InAppCounter(OWN_IDS), offer)


@pytest.mark.asyncio
async def test_two_numbers_of_one_capture_are_found_out_where_each_means_money():
    one, two = Counter(), TwoTradeNosCounter(CAPTURES)
    test = kit_of(CAPTURES).test_a_payment_bears_one_trade_number_if_that_means_a_capture
    await test(one, OFFER)
    with pytest.raises(AssertionError):
        await test(two, OFFER)
    admits = kit_of(TERMS)
    await admits.test_a_payment_bears_one_trade_number_if_that_means_a_capture(two, OFFER)
    await admits.test_a_payment_is_told_by_a_notice(two, OFFER)


@pytest.mark.asyncio
async def test_a_refund_that_takes_another_trades_money_is_found_out():
    test = kit_of(NAMED_TRADES).test_a_refund_takes_the_money_of_the_trade_that_it_names
    await test(ByTradeCounter(NAMED_TRADES))
    with pytest.raises(AssertionError):
        await test(OtherCounter(NAMED_TRADES))


@pytest.mark.asyncio
async def test_a_page_that_is_bound_to_what_nobody_must_supply_is_found_out():
    page = replace(TERMS.pages[0], bound_to=frozenset({PayerNeed.EMAIL}))
    with pytest.raises(AssertionError):
        await kit_of(TERMS).test_a_page_is_bound_to_what_it_needs(Offer(page, OFFER.device))
