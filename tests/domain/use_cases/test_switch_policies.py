"""How the old page is left: strict, best effort, none, and the one that chooses among them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import PayOrderStateError, ProviderUncertain, SwitchRefused
from retender.domain.model.money import Money
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.payment_provider import ClosePower

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")


def use(shop, policy: SwitchPolicy, **more: object) -> None:
    shop.policy = replace(shop.policy, switch_policy=policy, **more)


# --- strict -----------------------------------------------------------------------------


async def test_strict_goes_on_when_the_old_page_is_dead_for_sure(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    first = await shop.page("wechat", "pc")
    await shop.page("alipay", "h5")
    assert not shop.wechat.is_payable(first.attempt.number)
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_strict_refuses_while_an_unscanned_page_may_still_be_paid(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    first = await shop.page("alipay", "pc")
    shop.clock.pass_by(minutes=10)
    with pytest.raises(SwitchRefused) as caught:
        await shop.pay("wechat", "pc")
    assert caught.value.code == "PAY_ORDER_SWITCH_REFUSED"
    # Expiry 31 min, grace 2 min: dead for sure 23 minutes from now.
    assert caught.value.details["remaining_seconds"] == 23 * 60
    assert caught.value.until == first.attempt.watch_until


async def test_strict_leaves_the_payer_the_page_that_it_could_not_close(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    first = await shop.page("alipay", "pc")
    with pytest.raises(SwitchRefused):
        await shop.pay("wechat", "pc")
    again = await shop.page("alipay", "pc")
    assert again.reused
    assert again.page == first.page
    assert not [call for call in shop.alipay.calls if call.startswith("close")]


async def test_strict_closes_a_lazy_page_once_the_payer_has_acted_on_it(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    first = await shop.page("alipay", "pc")
    shop.alipay.begin(first.attempt.number)
    await shop.page("wechat", "pc")
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_strict_never_takes_a_time_out_for_death(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    await shop.page("wechat", "pc")
    shop.wechat.fail("query", UNKNOWN)
    with pytest.raises(SwitchRefused):
        await shop.pay("alipay", "h5")
    shop.wechat.fail("close", UNKNOWN)
    shop.wechat.trouble["query"] = []
    shop.wechat.trouble_after["query"] = []
    shop.wechat.fail("query", UNKNOWN, after_effect=True)
    with pytest.raises(SwitchRefused):
        await shop.pay("alipay", "h5")
    assert "OPEN" not in (await shop.states())[1][1:]


async def test_strict_confirms_a_close_whose_answer_was_lost(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    await shop.page("wechat", "pc")
    shop.wechat.fail("close", UNKNOWN, after_effect=True)
    await shop.page("alipay", "h5")
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_strict_keeps_to_one_payable_page_even_when_two_windows_switch_at_once(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    await shop.page("wechat", "pc")

    async def other_window() -> None:
        await shop.page("wechat", "h5")

    shop.wechat.during("query", other_window)
    await shop.page("alipay", "h5")
    payable = [n for n in shop.wechat.pages if shop.wechat.is_payable(n)]
    payable += [n for n in shop.alipay.pages if shop.alipay.is_payable(n)]
    assert len(payable) == 1


# --- best effort ------------------------------------------------------------------------


async def test_best_effort_goes_on_past_a_page_that_cannot_be_closed_and_watches_it(shop):
    use(shop, SwitchPolicy.BEST_EFFORT)
    await shop.place()
    first = await shop.page("alipay", "pc")
    await shop.page("wechat", "pc")
    assert await shop.states() == ("NEW", ["CLOSING", "OPEN"])
    assert shop.alipay.is_payable(first.attempt.number)
    assert (await shop.attempt(1)).next_check_at is not None


async def test_best_effort_goes_on_when_the_old_provider_does_not_answer(shop):
    use(shop, SwitchPolicy.BEST_EFFORT)
    await shop.place()
    await shop.page("wechat", "pc")
    shop.wechat.fail("query", UNKNOWN, UNKNOWN)
    shop.wechat.fail("close", UNKNOWN)
    await shop.page("alipay", "h5")
    assert await shop.states() == ("NEW", ["CLOSING", "OPEN"])


async def test_best_effort_stops_when_the_close_finds_the_money(shop):
    use(shop, SwitchPolicy.BEST_EFFORT)
    await shop.place()
    first = await shop.page("wechat", "pc")

    async def payer_is_faster() -> None:
        shop.wechat.pay(first.attempt.number)

    shop.wechat.during("close", payer_is_faster)
    with pytest.raises(PayOrderStateError):
        await shop.pay("alipay", "h5")
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_the_wish_to_close_is_written_down_before_the_provider_is_asked_to(shop):
    use(shop, SwitchPolicy.BEST_EFFORT)
    await shop.place()
    await shop.page("wechat", "pc")
    seen = []

    async def look() -> None:
        seen.append((await shop.attempt(1)).state)

    shop.wechat.during("close", look)
    await shop.page("alipay", "h5")
    assert seen == ["CLOSING"]


# --- none -------------------------------------------------------------------------------


async def test_none_leaves_the_first_page_open_and_gives_a_second_payment_back(shop):
    use(shop, SwitchPolicy.NONE)
    await shop.place()
    first = await shop.page("wechat", "pc")
    second = await shop.page("alipay", "h5")
    assert await shop.states() == ("NEW", ["OPEN", "OPEN"])
    assert (await shop.page("wechat", "pc")).reused
    one = shop.wechat.pay(first.attempt.number)
    two = shop.alipay.pay(second.attempt.number)
    await shop.hear("alipay", two)
    await shop.hear("wechat", one)
    await shop.settle_down()
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])
    assert shop.wechat.kept() == {first.attempt.number: 0}
    assert shop.alipay.kept() == {second.attempt.number: 8880}


# --- adaptive, and overrides ------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "minor", "expected"),
    [
        (ClosePower.AUTHORITATIVE, 100_001, SwitchPolicy.STRICT),
        (ClosePower.AUTHORITATIVE, 100_000, SwitchPolicy.BEST_EFFORT),
        (ClosePower.LAZY, 100_001, SwitchPolicy.BEST_EFFORT),
        (ClosePower.NONE, 100_001, SwitchPolicy.NONE),
        (ClosePower.NONE, 1, SwitchPolicy.NONE),
    ],
)
async def test_adaptive_is_strict_only_where_it_costs_the_payer_nothing(
    shop, power, minor, expected
):
    account = shop.accounts.get("wechat")
    assert shop.policy.for_switch(account, power, Money(minor, "CNY")) is expected


@pytest.mark.parametrize(
    ("limit", "above"),
    [
        *(("1000.00 CNY", "1000.01"), ("20000 JPY", "20001"), ("50.000 KWD", "50.001")),
        *(("150.00 USD", "150.01"), ("0 UYW", "0.0001"), ("0 ISK", "1")),
    ],
)
async def test_what_is_much_depends_on_the_currency(shop, limit, above):
    """100,000 minor units are 1,000 CNY, 100,000 JPY and 100 KWD; where no limit is, all is."""
    account, power = shop.accounts.get("wechat"), ClosePower.AUTHORITATIVE
    amount, currency = limit.split()
    for text, expected in ((amount, SwitchPolicy.BEST_EFFORT), (above, SwitchPolicy.STRICT)):
        money = Money.parse(text, currency)
        if money.minor:
            assert shop.policy.for_switch(account, power, money) is expected
            choice = shop.policy.choice_for_switch(account, power, money)
            assert (choice.policy, choice.amount) == (expected, money)
            assert (choice.limit is None) == (choice.reason == "no_limit")


async def test_adaptive_refuses_a_large_switch_that_it_cannot_make_safe(shop):
    use(shop, SwitchPolicy.ADAPTIVE, strict_over={"CNY": Money(5000, "CNY")})
    await shop.place()
    await shop.page("wechat", "pc")
    shop.wechat.fail("query", UNKNOWN)
    with pytest.raises(SwitchRefused):
        await shop.pay("alipay", "h5")


async def test_a_provider_without_close_is_left_open_whatever_the_amount(shop):
    shop.wechat.power = ClosePower.NONE
    await shop.place()
    await shop.page("wechat", "pc")
    await shop.page("alipay", "h5")
    assert await shop.states() == ("NEW", ["OPEN", "OPEN"])
    assert not [call for call in shop.wechat.calls if call.startswith("close")]


async def test_an_account_may_have_a_policy_of_its_own(shop):
    use(shop, SwitchPolicy.NONE)
    shop.configure("alipay", switch_policy=SwitchPolicy.STRICT)
    await shop.place()
    await shop.page("alipay", "pc")
    with pytest.raises(SwitchRefused):
        await shop.pay("wechat", "pc")


async def test_a_page_of_an_account_that_is_gone_is_watched_and_the_payer_goes_on(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    del shop.accounts.by_name["wechat"]
    await shop.page("alipay", "h5")
    assert await shop.states() == ("NEW", ["CLOSING", "OPEN"])


async def test_under_strict_a_page_of_an_account_that_is_gone_blocks(shop):
    use(shop, SwitchPolicy.STRICT)
    await shop.place()
    await shop.page("wechat", "pc")
    del shop.accounts.by_name["wechat"]
    with pytest.raises(SwitchRefused):
        await shop.pay("alipay", "h5")


async def test_the_refusal_lifts_when_the_old_page_is_surely_dead(shop):
    use(shop, SwitchPolicy.STRICT)
    shop.policy = replace(
        shop.policy, deadlines=replace(shop.policy.deadlines, watch=timedelta(minutes=2))
    )
    shop.alipay.validity = timedelta(minutes=1)
    await shop.place(pay_within=timedelta(hours=2))
    first = await shop.page("alipay", "pc")
    shop.alipay.begin(first.attempt.number)
    await shop.page("wechat", "pc")
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])
