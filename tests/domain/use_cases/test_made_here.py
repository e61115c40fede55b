"""A page that is made without a call knows no unknown outcome (protocol, revision 2, rule 12)."""

from datetime import timedelta

import pytest

from retender.domain.model.errors import (
    PayOrderFail,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
    StoreFull,
)
from retender.domain.model.page import Opened, RedirectPage
from retender.domain.model.pay_result import AnswerPending
from retender.domain.model.story_kind import StoryKind
from retender.tests.domain.told import facts, lines, whys

pytestmark = pytest.mark.asyncio


HOURS_2 = timedelta(hours=2)


@pytest.fixture(autouse=True)
def alipay(shop):
    """Let one account's pages be signed here."""
    shop.alipay.made_here = True
    return shop.alipay


async def test_the_attempt_is_there_with_its_page_or_not_at_all(shop):
    await shop.place()
    page = await shop.page("alipay")
    story = await shop.story()
    assert story.attempts == [page.attempt]
    assert (page.attempt.state, page.reused) == ("OPEN", False)
    assert page.attempt.good_page(shop.clock.now) == page.page
    assert [made.state for made in facts(story, StoryKind.ATTEMPT_MADE)] == ["OPEN"]
    assert not lines(story, StoryKind.ATTEMPT_CHANGED)
    kinds = [entry.kind for entry in story.entries]
    assert kinds[-2:] == [StoryKind.ATTEMPT_MADE, StoryKind.PAGE_HANDED_OUT]


async def test_the_page_is_what_the_plugin_made_of_the_charge_that_is_kept(shop, alipay):
    alipay.own_ids = True
    await shop.place()
    page = await shop.page("alipay")
    asked = alipay.pages[page.attempt.number]
    assert asked.way_back == shop.policy.page_of(page.attempt.attempt_id)
    assert page.attempt.reference == alipay.reference_of(page.attempt.number)
    assert page.page_until == min(page.attempt.charge.expires_at, shop.clock.now + HOURS_2)


async def test_who_comes_back_gets_the_same_page_and_nothing_is_made_anew(shop, alipay):
    await shop.place()
    first = await shop.page("alipay")
    again = await shop.page("alipay")
    assert (again.page, again.reused) == (first.page, True)
    assert alipay.calls == [f"open {first.attempt.number}"]


async def test_the_second_payment_leaves_the_earlier_page_first(shop):
    await shop.place()
    await shop.page("wechat")
    await shop.page("alipay")
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_a_store_that_fails_keeps_neither_and_pressing_again_works(shop, mocker):
    await shop.place()
    keep = mocker.patch(
        "retender.adapters.memory.attempts.MemoryAttempts.add", side_effect=StoreFull("no room")
    )
    with pytest.raises(StoreFull):
        await shop.pay("alipay")
    assert await shop.states() == ("NEW", [])
    mocker.stop(keep)
    await shop.page("alipay")


async def test_a_refusal_leaves_nothing_behind(shop, alipay):
    await shop.place()
    alipay.fail("open", ProviderRefused(Refusal.REJECTED, provider_code="NO_GOOD"))
    with pytest.raises(PayOrderFail) as refused:
        await shop.pay("alipay")
    assert refused.value.details["provider_code"] == "NO_GOOD"
    assert await shop.states() == ("NEW", [])


async def test_a_plugin_that_breaks_its_word_leaves_nothing_that_is_unknown(shop, alipay):
    """Whatever it sent, the payer saw nothing of it."""
    await shop.place()
    alipay.fail("open", ProviderUncertain("read time-out"))
    with pytest.raises(ProviderUnavailable, match="made no page: read time-out"):
        await shop.pay("alipay")
    assert await shop.states() == ("NEW", [])


async def test_a_page_that_ran_out_is_made_again_under_the_same_number(shop, alipay):
    alipay.validity = timedelta(minutes=5)
    await shop.place()
    first = await shop.page("alipay")
    shop.clock.pass_by(minutes=6)
    again = await shop.page("alipay")
    assert again.attempt.number == first.attempt.number
    assert again.page != first.page


async def test_it_can_be_paid_closed_and_found_out_like_any_other(shop, alipay):
    await shop.place()
    page = await shop.page("alipay")
    await shop.hear("alipay", alipay.pay(page.attempt.number))
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    await shop.place("A2")
    await shop.pay("alipay", order_no="A2")
    await shop.settle_down()
    assert await shop.states("A2") == ("CLOSED", ["CLOSED"])


async def test_what_is_refused_costs_nobody_the_page_that_works_and_is_told(shop, alipay):
    """It is made before any other page is closed: it takes no call."""
    await shop.place()
    first = await shop.page("wechat")
    alipay.fail("open", ProviderRefused(Refusal.REJECTED, provider_code="SUBJECT_TOO_LONG"))
    with pytest.raises(PayOrderFail):
        await shop.pay("alipay")
    assert shop.wechat.is_payable(first.attempt.number)
    assert any("SUBJECT_TOO_LONG" in why for why in whys(await shop.story()))


@pytest.mark.parametrize("made_here", [True, False])
@pytest.mark.parametrize("returned", [None, Opened(RedirectPage("https://pay.example/"))])
async def test_a_plugin_that_returns_something_else_shows_nothing(
    shop, alipay, mocker, made_here, returned
):
    """No page at all, or one of another kind than was negotiated."""
    alipay.made_here = made_here
    await shop.place()
    mocker.patch.object(alipay, "open", return_value=returned)
    if made_here:
        with pytest.raises(ProviderUnavailable, match="where a page of kind qr was asked for"):
            await shop.pay("alipay")
        assert await shop.states() == ("NEW", [])
    else:
        assert isinstance(await shop.pay("alipay"), AnswerPending)
        assert await shop.states() == ("NEW", ["CREATING"])
