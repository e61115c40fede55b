"""The second payment: come back, switch, pay again, and the order is paid once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.errors import (
    NoCommonPage,
    NotOffered,
    PayOrderFail,
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
    UnknownName,
)
from retender.domain.model.money import Money
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.domain.model.payer import Payer
from retender.domain.model.payer_errors import PayerInputMissing
from retender.ports.pay_policy import PageStrategy
from retender.ports.payment_provider import AmountBounds, PayerNeed

pytestmark = pytest.mark.asyncio

UNREACHED = ProviderUnavailable("connection refused")
UNKNOWN = ProviderUncertain("read time-out")


def refused(refusal: Refusal) -> ProviderRefused:
    return ProviderRefused(refusal, provider_code="SOME_CODE", provider_message="some words")


# --- the first page, and coming back for it ---------------------------------------------


async def test_pressing_pay_hands_out_a_page_and_writes_it_down(shop):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    assert not ready.reused
    assert ready.pay_until == (await shop.story()).order.shown_until
    assert ready.attempt.charge.expires_at == ready.pay_until + timedelta(minutes=1)
    assert await shop.states() == ("NEW", ["OPEN"])


async def test_coming_back_shows_the_same_page_and_asks_nobody(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=5)
    second = await shop.page("wechat", "pc")
    assert second.reused
    assert second.page == first.page
    assert shop.wechat.calls == [f"open {first.attempt.number}"]


async def test_a_page_that_ran_out_is_asked_for_again_under_the_same_number(shop):
    shop.wechat.validity = timedelta(minutes=5)
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=5)
    second = await shop.page("wechat", "pc")
    assert not second.reused
    assert second.attempt.number == first.attempt.number
    assert second.attempt.charge == first.attempt.charge  # the instant is sent unchanged
    assert second.page != first.page
    assert await shop.states() == ("NEW", ["OPEN"])


async def test_a_page_is_good_to_its_last_second(shop):
    shop.wechat.validity = timedelta(minutes=5)
    await shop.place()
    await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=4, seconds=59)
    assert (await shop.page("wechat", "pc")).reused
    shop.clock.pass_by(seconds=1)
    assert not (await shop.page("wechat", "pc")).reused


async def test_with_ask_provider_the_provider_decides_which_page(shop):
    shop.policy = replace(shop.policy, page_strategy=PageStrategy.ASK_PROVIDER)
    await shop.place()
    first = await shop.page("wechat", "pc")
    second = await shop.page("wechat", "pc")
    assert second.attempt.number == first.attempt.number
    assert shop.wechat.calls == [f"open {first.attempt.number}"] * 2
    assert second.page != first.page


async def test_a_provider_that_takes_no_number_twice_gets_a_new_one(shop):
    shop.wechat.reopens = False
    shop.wechat.validity = timedelta(minutes=5)
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=6)
    second = await shop.page("wechat", "pc")
    assert second.attempt.number != first.attempt.number
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


# --- switching --------------------------------------------------------------------------


async def test_another_provider_from_another_client_is_recorded_beside_the_first(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=5)
    await shop.page("alipay", "h5")
    story = await shop.story()
    one, two = story.attempts
    assert (one.account, one.charge.client_type) == ("wechat", "pc")
    assert (two.account, two.charge.client_type) == ("alipay", "h5")
    assert one.charge == first.attempt.charge
    assert story.order.amount == one.charge.amount == two.charge.amount


async def test_the_second_page_ends_with_the_order_not_with_a_new_half_hour(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=20)
    second = await shop.page("alipay", "h5")
    assert second.attempt.charge.expires_at - shop.clock() == timedelta(minutes=11)


async def test_what_can_be_closed_is_closed_before_the_new_page_is_made(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    await shop.page("alipay", "h5")
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])
    assert not shop.wechat.is_payable(first.attempt.number)


async def test_another_client_type_of_the_same_provider_is_a_new_number(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    second = await shop.page("wechat", "h5")
    assert second.attempt.number != first.attempt.number
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_instalments_are_a_new_number(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    second = await shop.page("wechat", "pc", instalments=3)
    assert second.attempt.charge.instalments == 3
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_rotated_credentials_are_a_new_number(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.configure("wechat", credentials_epoch="2")
    assert (await shop.page("wechat", "pc")).attempt.number != first.attempt.number


async def test_going_back_to_the_first_provider_never_reuses_a_closed_number(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    await shop.page("alipay", "h5")
    third = await shop.page("wechat", "pc")
    assert third.attempt.number != first.attempt.number
    assert third.attempt.idx == 3


async def test_a_switch_that_the_new_provider_cannot_take_leaves_the_old_page_alone(shop):
    shop.alipay.shortest = timedelta(minutes=10)
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=25)
    with pytest.raises(PayOrderPayTimeout):
        await shop.pay("alipay", "h5")
    assert shop.wechat.is_payable(first.attempt.number)
    assert (await shop.page("wechat", "pc")).reused


async def test_the_old_page_found_paid_ends_the_switch_and_pays_the_order(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.wechat.pay(first.attempt.number)  # its notice is still on the way
    with pytest.raises(PayOrderStateError):
        await shop.pay("alipay", "h5")
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert not [call for call in shop.alipay.calls if call.startswith("open")]


# --- who may not pay --------------------------------------------------------------------


async def test_an_unknown_order_does_not_exist(shop):
    with pytest.raises(PayOrderNotExist) as caught:
        await shop.pay(order_no="NOPE")
    assert caught.value.code == "PAY_ORDER_NOT_EXIST"


async def test_another_users_order_does_not_exist_either_and_reads_the_same(shop):
    await shop.place("A1")
    with pytest.raises(PayOrderNotExist) as theirs:
        await shop.pay(user_id="bob")
    with pytest.raises(PayOrderNotExist) as nobodys:
        await shop.pay(order_no="A2", user_id="bob")
    assert str(theirs.value).replace("A1", "A2") == str(nobodys.value)


async def test_a_paid_order_is_in_the_wrong_state(shop):
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    with pytest.raises(PayOrderStateError) as caught:
        await shop.pay("alipay", "h5")
    assert caught.value.code == "PAY_ORDER_STATE_ERROR"
    assert caught.value.details["state"] == "PAID"


async def test_a_closed_order_is_in_the_wrong_state(shop):
    await shop.place()
    await shop.close_order(order_no="A1")
    with pytest.raises(PayOrderStateError):
        await shop.pay()
    assert await shop.states() == ("CLOSED", [])


@pytest.mark.parametrize(
    ("policy", "last_minute", "last_second"),
    [
        (DeadlinePolicy(grace=timedelta(minutes=1)), 29, 59),
        (DeadlinePolicy(grace=timedelta(0), cutoff=timedelta(minutes=1)), 29, 0),
        (DeadlinePolicy(grace=timedelta(minutes=-1), cutoff=timedelta(minutes=1)), 28, 0),
    ],
    ids=["30 shown and 31 sent", "refused in the last minute", "the source's own arithmetic"],
)
async def test_too_late_is_too_late_to_the_second(shop, policy, last_minute, last_second):
    shop.policy = replace(shop.policy, deadlines=policy)
    await shop.place("A1")
    await shop.place("A2")
    shop.clock.pass_by(minutes=last_minute, seconds=last_second)
    assert isinstance(await shop.pay(order_no="A1"), PageReady)
    shop.clock.pass_by(seconds=1)
    with pytest.raises(PayOrderPayTimeout) as caught:
        await shop.pay(order_no="A2")
    assert caught.value.code == "PAY_ORDER_PAY_TIMEOUT"
    assert await shop.states("A2") == ("NEW", [])


@pytest.mark.parametrize(
    ("asked", "error", "code"),
    [
        ({"account": "paypal"}, UnknownName, "ACCOUNT_UNKNOWN"),
        ({"client_type": "tv"}, UnknownName, "CLIENT_TYPE_UNKNOWN"),
        ({"client_type": "app"}, NoCommonPage, "NO_COMMON_PAGE"),
        ({"page_kind": "form"}, NoCommonPage, "NO_COMMON_PAGE"),
        ({"page_kind": "fax"}, UnknownName, "PAGE_KIND_UNKNOWN"),
        ({"instalments": 5}, NotOffered, "NOT_OFFERED"),
    ],
)
async def test_a_request_that_cannot_be_met_changes_nothing(shop, asked, error, code):
    await shop.place()
    with pytest.raises(error) as caught:
        await shop.pay(**asked)
    assert caught.value.code == code
    assert await shop.states() == ("NEW", [])


@pytest.mark.parametrize("amount", [Money(10_000_001, "CNY"), Money(100, "JPY")])
async def test_an_amount_outside_the_terms_is_not_offered(shop, amount):
    await shop.place(amount=amount)
    with pytest.raises(NotOffered):
        await shop.pay()
    assert shop.wechat.calls == []


async def test_the_bounds_of_one_currency_are_not_those_of_another(shop):
    shop.wechat.amounts = {"CNY": AmountBounds(100, 10_000), "JPY": AmountBounds(50, 500_000)}
    shop.wechat.amounts["KWD"] = AmountBounds()
    for number, (minor, currency, fits) in enumerate(
        [
            *((99, "CNY", False), (100, "CNY", True), (10_001, "CNY", False)),
            *(
                (99, "JPY", True),
                (49, "JPY", False),
                (10_001, "JPY", True),
                (500_001, "JPY", False),
            ),
            (1, "KWD", True),
        ]
    ):
        await shop.place(order_no=f"o-{number}", amount=Money(minor, currency))
        paying = shop.pay(order_no=f"o-{number}")
        if fits:
            await paying
            continue
        with pytest.raises(NotOffered, match=currency):
            await paying


async def test_a_page_that_needs_the_payers_openid_says_so(shop):
    shop.wechat.needs = frozenset({PayerNeed.OPENID})
    await shop.place()
    with pytest.raises(PayerInputMissing) as caught:
        await shop.pay()
    assert caught.value.details["missing"] == ["openid"]
    await shop.page("wechat", "pc", payer=Payer(openid="o1"))


async def test_another_payer_at_the_provider_is_a_new_number(shop):
    await shop.place()
    first = await shop.page("wechat", "pc", payer=Payer(openid="o1"))
    second = await shop.page("wechat", "pc", payer=Payer(openid="o2"))
    assert first.attempt.number != second.attempt.number


@pytest.mark.parametrize(
    "address",
    [
        *("", "here", "1.2.3", "999.1.1.1", "203.0.113.7 ", "127.1", "2130706433", "2001:db8::1%1"),
        "0.0.0.0",  # noqa: S104 - it is refused, nothing is bound to it
        *("0.1.2.3", "::", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"),
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"),
        *("169.254.1.1", "fe80::1", "100.64.0.1", "100.127.255.255", "::ffff:10.0.0.1"),
        *("224.0.0.1", "255.255.255.255", "ff02::1"),
    ],
)
async def test_an_address_that_cannot_be_the_payers_own_is_missing(shop, address):
    shop.wechat.needs = frozenset({PayerNeed.CLIENT_IP})
    await shop.place()
    with pytest.raises(PayerInputMissing) as caught:
        await shop.pay("wechat", "h5", payer=Payer(client_ip=address))
    assert caught.value.details["missing"] == ["client_ip"]
    assert not address or address not in caught.value.message, "an address is told to nobody"
    assert await shop.states() == ("NEW", [])
    assert shop.wechat.calls == []


@pytest.mark.parametrize(
    "address",
    [
        *("203.0.113.7", "198.51.100.1", "192.0.2.1", "2001:db8::1", "::ffff:203.0.113.7"),
        *("172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "8.8.8.8", "2400:3200::1"),
    ],
)
async def test_a_public_address_and_one_of_documentation_passes(shop, address):
    shop.wechat.needs = frozenset({PayerNeed.CLIENT_IP})
    await shop.place()
    ready = await shop.page("wechat", "h5", payer=Payer(client_ip=address))
    assert ready.attempt.charge.payer.client_ip == address


async def test_beside_a_simulator_payers_may_be_at_home(shop):
    shop.wechat.needs = frozenset({PayerNeed.CLIENT_IP})
    shop.configure("wechat", gateway_is_local=True)
    await shop.place()
    for address in ("127.0.0.1", "::1", "192.168.1.1", "fd00::1", "203.0.113.7"):
        await shop.page("wechat", "h5", payer=Payer(client_ip=address))
    for address in ("0.0.0.1", "here", "169.254.1.1", "100.64.0.1"):
        with pytest.raises(PayerInputMissing):
            await shop.pay("wechat", "h5", payer=Payer(client_ip=address))


@pytest.mark.parametrize(("bound_to", "another"), [({PayerNeed.CLIENT_IP}, True), (set(), False)])
async def test_another_address_is_another_attempt_where_the_page_is_bound_to_it(
    shop, bound_to, another
):
    shop.wechat.bound_to = frozenset(bound_to)
    await shop.place()
    first = await shop.page("wechat", "h5", payer=Payer(client_ip="203.0.113.7"))
    again = await shop.page("wechat", "h5", payer=Payer(client_ip="203.0.113.7"))
    moved = await shop.page("wechat", "h5", payer=Payer(client_ip="198.51.100.1"))
    assert again.attempt.attempt_id == first.attempt.attempt_id
    assert (moved.attempt.number != first.attempt.number) is another


async def test_a_page_that_no_payer_is_bound_to_serves_another_payer(shop):
    shop.wechat.bound_to = frozenset()
    await shop.place()
    first = await shop.page("wechat", "pc", payer=Payer(openid="o1"))
    second = await shop.page("wechat", "pc", payer=Payer(openid="o2"))
    assert second.attempt.number == first.attempt.number


# --- the provider says no, nothing, or too much ------------------------------------------


async def test_a_provider_that_says_no_fails_the_payment_with_its_own_words(shop):
    shop.wechat.fail("open", refused(Refusal.REJECTED))
    await shop.place()
    with pytest.raises(PayOrderFail) as caught:
        await shop.pay()
    assert caught.value.code == "PAY_ORDER_FAIL"
    assert caught.value.details["provider_code"] == "SOME_CODE"
    assert caught.value.details["provider_message"] == "some words"
    assert await shop.states() == ("NEW", ["CLOSED"])
    assert isinstance(await shop.pay("alipay", "h5"), PageReady)


async def test_a_refused_repeat_does_not_prove_that_the_first_did_nothing(shop):
    await shop.place()
    shop.wechat.fail("open", UNKNOWN, after_effect=True)
    shop.wechat.fail("open", refused(Refusal.REJECTED))
    shop.wechat.trouble["open"].insert(0, UNKNOWN)
    assert isinstance(await shop.pay(), AnswerPending)
    with pytest.raises(PayOrderFail):
        await shop.pay()
    assert await shop.states() == ("NEW", ["CREATING"])  # the worker goes on looking


async def test_an_unknown_answer_is_pending_and_never_a_failure(shop):
    shop.wechat.fail("open", UNKNOWN, after_effect=True)
    await shop.place()
    pending = await shop.pay()
    assert isinstance(pending, AnswerPending)
    assert pending.retry_after > timedelta(0)
    assert await shop.states() == ("NEW", ["CREATING"])


async def test_pressing_again_after_an_unknown_answer_asks_under_the_same_number(shop):
    shop.wechat.fail("open", UNKNOWN, after_effect=True)
    await shop.place()
    pending = await shop.pay()
    ready = await shop.page()
    assert ready.attempt.number == pending.attempt.number
    assert len(shop.wechat.trades) == 1


async def test_a_provider_that_was_not_reached_may_be_pressed_again(shop):
    shop.wechat.fail("open", UNREACHED)
    await shop.place()
    with pytest.raises(ProviderUnavailable):
        await shop.pay()
    assert isinstance(await shop.pay(), PageReady)
    assert await shop.states() == ("NEW", ["OPEN"])


async def test_a_busy_provider_may_be_pressed_again(shop):
    shop.wechat.fail("open", refused(Refusal.NOT_NOW))
    await shop.place()
    with pytest.raises(ProviderUnavailable):
        await shop.pay()
    assert isinstance(await shop.pay(), PageReady)


async def test_a_number_that_is_spent_is_retired_and_the_payer_gets_a_page_all_the_same(shop):
    shop.wechat.fail("open", refused(Refusal.NEW_NUMBER))
    await shop.place()
    ready = await shop.page()
    assert ready.attempt.idx == 2
    order, attempts = await shop.states()
    assert order == "NEW"
    assert attempts == ["CLOSING", "OPEN"]  # nothing is believed dead before its time


async def test_a_provider_that_spends_every_number_is_not_asked_for_ever(shop):
    shop.wechat.fail("open", *[refused(Refusal.NEW_NUMBER)] * 10)
    await shop.place()
    with pytest.raises(PayOrderFail) as no:
        await shop.pay()
    assert (no.value.code, no.value.details["provider_code"]) == ("PAY_ORDER_FAIL", "SOME_CODE")
    assert len(shop.wechat.trouble["open"]) == 6


async def its_time_ends(shop):
    shop.clock.pass_by(minutes=30)


async def it_is_given_up(shop):
    await shop.close_order(order_no="A1")


@pytest.mark.parametrize(
    ("event", "told"),
    [(its_time_ends, PayOrderPayTimeout), (it_is_given_up, PayOrderStateError)],
)
async def test_what_ends_the_order_in_the_last_round_is_told(shop, event, told):
    """And not that others press, as it is when four rounds came to nothing."""

    async def happen_in_the_end() -> None:
        if shop.wechat.trouble["open"]:
            shop.wechat.during("close", happen_in_the_end)
        else:
            await event(shop)

    shop.wechat.fail("open", *[refused(Refusal.NEW_NUMBER)] * 3)
    shop.wechat.during("close", happen_in_the_end)
    await shop.place()
    with pytest.raises(told):
        await shop.pay()


async def test_a_number_that_is_paid_already_pays_the_order(shop):
    await shop.place()
    shop.wechat.fail("open", UNKNOWN, after_effect=True)
    pending = await shop.pay()
    shop.wechat.pay(pending.attempt.number)
    shop.wechat.fail("open", refused(Refusal.ALREADY_PAID))
    with pytest.raises(PayOrderStateError):
        await shop.pay()
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_paid_already_but_not_provable_now_is_pending(shop):
    await shop.place()
    shop.wechat.fail("open", refused(Refusal.ALREADY_PAID))
    shop.wechat.fail("query", UNKNOWN)
    assert isinstance(await shop.pay(), AnswerPending)
    assert (await shop.states())[0] == "NEW"


# --- two at once ------------------------------------------------------------------------


async def test_a_double_click_asks_the_provider_once(shop):
    await shop.place()
    seen = []

    async def press_again() -> None:
        seen.append(await shop.pay())

    shop.wechat.during("open", press_again)
    ready = await shop.page()
    assert isinstance(seen[0], AnswerPending)
    assert seen[0].attempt.number == ready.attempt.number
    assert len(shop.wechat.calls) == 1


async def test_who_died_while_asking_does_not_lock_the_payer_out(shop):
    await shop.place()

    async def die() -> None:
        raise KeyboardInterrupt

    shop.wechat.during("open", die)
    with pytest.raises(KeyboardInterrupt):
        await shop.pay()
    assert isinstance(await shop.pay(), AnswerPending)
    shop.clock.pass_by(seconds=15)
    assert isinstance(await shop.pay(), PageReady)


async def test_a_page_that_comes_after_the_payer_switched_is_not_shown(shop):
    await shop.place()

    async def switch() -> None:
        await shop.page("alipay", "h5")

    shop.wechat.during("open", switch)
    with pytest.raises(PayOrderStateError):
        await shop.pay("wechat", "pc")
    order, attempts = await shop.states()
    assert (order, attempts) == ("NEW", ["CLOSING", "OPEN"])
    assert (await shop.attempt(1)).page is None
    await shop.settle_down(hours=0.1)
    assert (await shop.attempt(1)).state == "CLOSED"


async def test_a_page_that_comes_after_the_order_was_paid_is_not_shown(shop):
    await shop.place()
    first = await shop.page("alipay", "h5")
    shop.alipay.begin(first.attempt.number)

    async def pay_the_other() -> None:
        notice = shop.alipay.notice(first.attempt.number)
        shop.alipay.trades[first.attempt.number].state = type(
            shop.alipay.trades[first.attempt.number].state
        ).PAID
        await shop.hear("alipay", notice)

    shop.wechat.during("open", pay_the_other)
    with pytest.raises(PayOrderStateError):
        await shop.pay("wechat", "pc")
    order, attempts = await shop.states()
    assert order == "PAID"
    assert attempts == ["SUCCEEDED", "CLOSING"]


async def test_an_order_that_is_closed_while_its_old_page_is_left_gets_no_new_page(shop):
    await shop.place()
    await shop.page("wechat", "pc")

    async def the_shop_closes_it() -> None:
        await shop.close_order(order_no="A1")

    shop.wechat.during("close", the_shop_closes_it)
    with pytest.raises(PayOrderStateError):
        await shop.pay("alipay", "h5")
    assert await shop.states() == ("CLOSED", ["CLOSED"])


async def test_an_order_whose_time_ends_while_its_old_page_is_left_gets_no_new_page(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    shop.clock.pass_by(minutes=29, seconds=59)

    async def a_slow_answer() -> None:
        shop.clock.pass_by(seconds=5)

    shop.wechat.during("close", a_slow_answer)
    with pytest.raises(PayOrderPayTimeout):
        await shop.pay("alipay", "h5")
    assert await shop.states() == ("NEW", ["CLOSED"])
