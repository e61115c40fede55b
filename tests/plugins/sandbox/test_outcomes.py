"""The amounts that choose their outcome, one by one, with a server and without."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.client_type import Device
from retender.domain.model.errors import (
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.plugins.sandbox.gateway import SandboxGateway
from retender.plugins.sandbox.outcomes import OUTCOMES, Outcome, outcome_of
from retender.plugins.sandbox.plugin import PLUGIN
from retender.plugins.sandbox.provider import Sandbox
from retender.ports.payment_provider import ReceiptState, RefundReceiptState
from retender.simulators.sandbox.pages import number_on
from retender.tests.contracts.payment_provider import ProviderScene
from retender.tests.plugins.sandbox.counter import Counter, context

pytestmark = pytest.mark.asyncio

MINUTE = timedelta(minutes=1)


class Scene(ProviderScene):
    plugin = PLUGIN


SCENE = Scene()


class Embedded:
    """The sandbox without a server, as a shop's own tests would use it."""

    def __init__(self) -> None:
        counter = Counter()
        self.now, self.advance = counter.now, counter.advance
        self.provider = PLUGIN.build(context({"secret": "s" * 16}, clock=self.now))
        assert isinstance(self.provider, Sandbox)
        assert isinstance(self.provider.transport, SandboxGateway)
        self.gateway = self.provider.transport

    async def notices(self):
        return list(self.gateway.notices)

    async def pay(self, page):
        self.gateway.ledger.pay(number_on(self.gateway, page), "alice")


@pytest.fixture(params=[Counter, Embedded], ids=["with a server", "in this process"])
def shop(request):
    return request.param()


def a_charge(shop, minor, kind=PageKind.FORM):
    device = Device.SCREEN if kind in {PageKind.FORM, PageKind.QR} else Device.PHONE
    charge = SCENE.charge(shop, minor=minor)
    return replace(charge, page_kind=kind, device=device)


async def told(shop, charge):
    """What notices say of the charge."""
    read = [await shop.provider.parse_notice(raw) for raw in await shop.notices()]
    return [n.receipt.amount for n in read if n.receipt and n.receipt.number == charge.number]


async def test_the_table_is_about_the_last_four_digits():
    assert outcome_of(9001) is outcome_of(19_001) is outcome_of(1_239_001) is Outcome.PAID_AT_ONCE
    assert outcome_of(90_010) is outcome_of(1) is Outcome.PAYER_DECIDES
    assert set(OUTCOMES.values()) == set(Outcome) - {Outcome.PAYER_DECIDES}


async def test_any_other_amount_waits_for_the_payer(shop):
    charge = a_charge(shop, 8800)
    page = (await shop.provider.open(charge)).page
    assert (await shop.provider.query(charge)).state is ReceiptState.OPEN
    await shop.pay(page)
    assert (await shop.provider.query(charge)).amount == charge.amount
    assert await told(shop, charge) == [charge.amount]


@pytest.mark.parametrize(
    "kind", [PageKind.FORM, PageKind.REDIRECT, PageKind.APP_STRING, PageKind.JSAPI]
)
async def test_9001_is_paid_at_once_and_told(shop, kind):
    charge = a_charge(shop, 9001, kind)
    await shop.provider.open(charge)
    assert (await shop.provider.query(charge)).state is ReceiptState.PAID
    assert await told(shop, charge) == [charge.amount]


async def test_9002_is_refused_for_good(shop):
    with pytest.raises(ProviderRefused) as refused:
        await shop.provider.open(a_charge(shop, 9002))
    assert (refused.value.refusal, refused.value.provider_code) == (Refusal.REJECTED, "DECLINED")


async def test_9003_loses_the_first_answer_after_the_deed(shop):
    charge = a_charge(shop, 9003)
    with pytest.raises(ProviderUncertain):
        await shop.provider.open(charge)
    assert (await shop.provider.query(charge)).state is ReceiptState.OPEN
    await shop.pay((await shop.provider.open(charge)).page)
    assert (await shop.provider.query(charge)).state is ReceiptState.PAID


async def test_9004_is_never_reached(shop):
    charge = a_charge(shop, 9004)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await shop.provider.open(charge)
    assert (await shop.provider.query(charge)).state is ReceiptState.NOT_FOUND


async def test_9005_is_paid_in_the_moment_of_closing(shop):
    charge = a_charge(shop, 9005)
    await shop.provider.open(charge)
    assert (await shop.provider.query(charge)).state is ReceiptState.OPEN
    closed = await shop.provider.close(charge)
    assert (closed.state, closed.amount) == (ReceiptState.PAID, charge.amount)
    assert await told(shop, charge) == [charge.amount]


async def test_9006_is_paid_and_cannot_be_given_back(shop):
    charge = a_charge(shop, 9006)
    await shop.pay((await shop.provider.open(charge)).page)
    refund = await shop.provider.refund(SCENE.refund_order(charge))
    assert (refund.state, refund.problem) == (
        RefundReceiptState.FAILED,
        "refunds of such an amount fail",
    )


async def test_9007_is_paid_at_once_and_nobody_tells(shop):
    charge = a_charge(shop, 9007)
    await shop.provider.open(charge)
    assert (await shop.provider.query(charge)).state is ReceiptState.PAID
    assert await told(shop, charge) == []


async def test_9008_is_given_back_in_a_minute(shop):
    charge = a_charge(shop, 9008)
    await shop.pay((await shop.provider.open(charge)).page)
    order = SCENE.refund_order(charge)
    assert (await shop.provider.refund(order)).state is RefundReceiptState.PENDING
    shop.advance(MINUTE)
    assert (await shop.provider.query_refund(order)).state is RefundReceiptState.DONE


async def test_9009_is_paid_one_short(shop):
    charge = a_charge(shop, 9009)
    await shop.provider.open(charge)
    assert (await shop.provider.query(charge)).amount == Money(9008, "CNY")
    assert await told(shop, charge) == [Money(9008, "CNY")]


async def test_a_code_plays_its_outcome_when_it_is_scanned(shop):
    charge = a_charge(shop, 9001, PageKind.QR)
    page = (await shop.provider.open(charge)).page
    assert (await shop.provider.query(charge)).state is ReceiptState.NOT_FOUND
    number_on(shop.gateway, page)
    assert (await shop.provider.query(charge)).state is ReceiptState.PAID
