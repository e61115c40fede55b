"""The story says why: why a page serves again or not, how it was left, who was believed."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from retender.domain.model.cause import Cause
from retender.domain.model.client_type import negotiate
from retender.domain.model.errors import (
    NotOffered,
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
    ProviderRefused,
    ProviderUncertain,
    Refusal,
    RetenderError,
    StoreBusy,
    SwitchRefused,
)
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.domain.model.payer import Payer
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.story_pages import NotGiven
from retender.domain.model.switch_policy import SwitchPolicy, SwitchReason
from retender.domain.model.transition import AttemptState
from retender.domain.steps.pay_request import PayRequest
from retender.entrypoints.words.terms import term_of
from retender.ports.pay_policy import PageStrategy
from retender.ports.payment_provider import ClosePower, PayerNeed
from retender.tests.domain import told
from retender.tests.domain.shop import PRICE, Shop

pytestmark = pytest.mark.asyncio

SILENT = ProviderUncertain("read time-out", provider_code="SYSTEM_ERROR")


async def lines(shop: Shop, kind: StoryKind):
    """Return what the story says of one kind."""
    return told.lines(await shop.story(), kind)


async def only(shop: Shop, kind: StoryKind):
    (line,) = await lines(shop, kind)
    return line


# --- why a page serves again, or not ------------------------------------------------------


async def test_a_page_that_serves_again_leaves_no_line(shop):
    """Nothing was decided and nothing changed; coming back costs the store two questions."""
    await shop.place()
    await shop.page()
    before = (await shop.story()).entries
    assert await lines(shop, StoryKind.PAGE_NOT_REUSED) == [], "the first has nothing before it"
    assert (await shop.page()).reused
    assert (await shop.story()).entries == before


async def test_a_page_that_was_left_and_serves_again_says_until_when(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    await shop.page("wechat", "pc")
    again = await shop.page("alipay", "pc")
    line = await only(shop, StoryKind.PAGE_REUSED)
    assert line.fact.page_until == again.page_until
    assert line.attempt_id == again.attempt.attempt_id


async def test_a_new_attempt_says_of_each_earlier_one_why_it_does_not_serve(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    await shop.page("alipay", "h5")
    third = await shop.page("wechat", "pc")
    _, line = await lines(shop, StoryKind.PAGE_NOT_REUSED)
    assert line.attempt_id == third.attempt.attempt_id
    assert [(each.idx, each.misfits) for each in line.fact.earlier] == [
        (1, ("not_payable",)),
        (2, ("account", "client_type")),
    ]
    _, why = told.words(line)
    assert why == "#1: no longer payable; #2: another account, another client type"


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("client_type", {"client_type": "h5"}),
        ("instalments", {"instalments": 3}),
        ("openid", {"payer": Payer(openid="ann-at-wechat")}),
        ("client_ip", {"payer": Payer(client_ip="203.0.113.99")}),
    ],
)
async def test_a_request_that_differs_is_told_by_what_differs(shop, reason, change):
    shop.wechat.bound_to = frozenset({PayerNeed.OPENID, PayerNeed.CLIENT_IP})
    await shop.place()
    await shop.page("wechat")
    await shop.page("wechat", **change)
    line = await only(shop, StoryKind.PAGE_NOT_REUSED)
    assert line.fact.earlier[0].misfits == (reason,)
    assert "ann-at-wechat" not in f"{line}", "who the payer is at the provider is not told"
    assert "203.0.113.99" not in f"{line}", "nor from where the payer comes"


async def test_a_payer_who_is_not_known_any_more_needs_a_new_attempt(shop):
    """With another page key nothing of the payer opens, and nothing can be sent again."""
    shop.wechat.needs = frozenset({PayerNeed.EMAIL})
    payer = Payer(email="ann@example.com")
    await shop.place()
    first = (await shop.page(payer=payer)).attempt
    assert (await shop.page(payer=Payer(email="bob@example.com"))).attempt.number == first.number
    rows = shop.store._rows.attempts
    kept = rows[first.attempt_id]
    charge = replace(kept.charge, payer=Payer())
    rows[first.attempt_id] = replace(kept, charge=charge, page=None, undecryptable=True)
    second = (await shop.page(payer=payer)).attempt
    assert second.number != first.number
    line = await only(shop, StoryKind.PAGE_NOT_REUSED)
    assert line.fact.earlier[0].misfits == ("page_key",)


async def test_who_the_payer_was_is_erased_and_no_longer_told_as_a_reason(shop):
    shop.wechat.bound_to = frozenset({PayerNeed.CLIENT_IP})
    await shop.place()
    here, there = Payer(client_ip="203.0.113.7"), Payer(client_ip="198.51.100.1")
    left = (await shop.page(payer=here)).attempt
    await shop.page(payer=there)
    await shop.page(payer=here)
    line = (await lines(shop, StoryKind.PAGE_NOT_REUSED))[-1]
    assert line.fact.earlier[0].misfits == ("not_payable",)
    async with shop.unit_of_work(read_only=True) as work:
        attempt = await work.attempts.get(left.attempt_id)
    assert attempt.charge.payer == Payer()


async def test_changed_credentials_are_told_as_such(shop):
    await shop.place()
    await shop.page()
    shop.configure("wechat", credentials_epoch="2")
    await shop.page()
    line = await only(shop, StoryKind.PAGE_NOT_REUSED)
    assert line.fact.earlier[0].misfits == ("credentials",)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"undecryptable": True, "page": None}, "page_key"),
        ({"page": None}, "credentials_or_page_key"),
    ],
)
async def test_a_changed_page_key_is_not_told_as_changed_credentials(shop, found, reason):
    """It names the account anew, too; what of the attempt opens, or does not, tells them apart."""
    await shop.place()
    made = (await shop.page()).attempt
    account, client = shop.accounts.get("wechat"), shop.client_types.get("pc")
    request = PayRequest(
        account=replace(account, credentials_epoch="2"),
        client=client,
        terms=negotiate(client, account.provider.terms.pages),
        instalments=None,
        payer=Payer(),
    )
    (misfit,) = request.misfits(replace(made, **found), PRICE, shop.clock())
    assert misfit == reason
    term = term_of(misfit)
    assert term is not None
    assert "page key" in term.msgid


async def test_a_page_that_ran_out_and_cannot_be_made_again_is_told(shop):
    shop.wechat.reopens, shop.wechat.validity = False, timedelta(minutes=5)
    await shop.place()
    await shop.page()
    shop.clock.pass_by(minutes=6)
    await shop.page()
    line = await only(shop, StoryKind.PAGE_NOT_REUSED)
    assert line.fact.earlier[0].misfits == ("page_ran_out",)


async def test_an_attempt_whose_time_at_the_provider_is_over_is_told(shop):
    """A provider takes a week at most, and the order is open for ten days."""
    await shop.place(pay_within=timedelta(days=10))
    await shop.page()
    shop.clock.pass_by(days=8)
    await shop.page()
    line = await only(shop, StoryKind.PAGE_NOT_REUSED)
    assert line.fact.earlier[0].misfits == ("time_over",)


async def test_the_reasons_are_those_that_decide(shop):
    """Whatever may differ: there is a reason exactly if the attempt does not serve."""
    shop.wechat.validity = timedelta(minutes=5)
    await shop.place()
    made = (await shop.page()).attempt
    account, client = shop.accounts.get("wechat"), shop.client_types.get("pc")
    terms = negotiate(client, account.provider.terms.pages)
    start, seen = shop.clock(), set()
    for wechat, code, instalments, openid, reopens, state, amount, kind, minutes in product(
        (account, replace(account, credentials_epoch="2"), shop.accounts.get("alipay")),
        ("pc", "h5"),
        (None, 3),
        (None, "o1"),
        (True, False),
        (AttemptState.OPEN, AttemptState.CLOSED),
        (PRICE, PRICE + PRICE),
        (PageKind.QR, PageKind.FORM),
        (1, 6, 40),
    ):
        request = PayRequest(
            account=wechat,
            client=replace(client, code=code),
            terms=replace(terms, reopens=reopens, kind=kind),
            instalments=instalments,
            payer=Payer(openid=openid),
        )
        attempt, now = replace(made, state=state), start + timedelta(minutes=minutes)
        misfits = request.misfits(attempt, amount, now)
        assert request.fits(attempt, amount, now) is (misfits == ()), misfits
        seen |= set(misfits)
        assert all(term_of(misfit) for misfit in misfits)
    assert len(seen) == 10, "each reason was the case somewhere"


async def test_asking_again_says_why_the_stored_page_is_not_enough(shop):
    shop.wechat.validity = timedelta(minutes=5)
    await shop.place()
    shop.wechat.fail("open", SILENT)
    await shop.pay()
    await shop.page()
    shop.clock.pass_by(minutes=6)
    await shop.page()
    shop.policy = replace(shop.policy, page_strategy=PageStrategy.ASK_PROVIDER)
    await shop.page()
    because = [e.fact.because for e in await lines(shop, StoryKind.PAGE_ASKED_AGAIN)]
    assert because == ["no_page", "page_ran_out", "strategy"]


async def test_asking_again_says_that_a_page_does_not_open_for_the_page_key(shop):
    """An epoch that the operator chose follows no key, so the attempt itself serves on."""
    await shop.place()
    made = (await shop.page()).attempt
    rows = shop.store._rows.attempts
    rows[made.attempt_id] = replace(rows[made.attempt_id], page=None, undecryptable=True)
    assert (await shop.page()).attempt.number == made.number
    line = await only(shop, StoryKind.PAGE_ASKED_AGAIN)
    assert line.fact.because == "page_key"


async def test_a_page_that_was_not_given_carries_the_providers_own_code(shop):
    await shop.place()
    shop.wechat.fail("open", SILENT)
    await shop.pay()
    line = await only(shop, StoryKind.PAGE_NOT_GIVEN)
    assert line.fact.problem.code == "PROVIDER_UNCERTAIN"
    assert line.fact.problem.details["provider_code"] == "SYSTEM_ERROR"
    assert line.fact.outcome is NotGiven.UNKNOWN


# --- how the old page was left, and why so ------------------------------------------------


@pytest.mark.parametrize(
    ("power", "over", "policy", "why"),
    [
        (ClosePower.NONE, 100_000, "none", "cannot close"),
        (ClosePower.LAZY, 1, "best_effort", "only once it was used"),
        (ClosePower.AUTHORITATIVE, 100_000, "best_effort", "88.80 CNY is not over 1000.00 CNY"),
        (ClosePower.AUTHORITATIVE, 8879, "strict", "88.80 CNY is over 88.79 CNY"),
    ],
)
async def test_leaving_a_page_says_which_policy_and_from_what_it_follows(
    shop, power, over, policy, why
):
    shop.policy = replace(shop.policy, strict_over={"CNY": Money(over, "CNY")})
    shop.wechat.power = power
    await shop.place()
    left = await shop.page("wechat")
    shop.wechat.begin(left.attempt.number)
    await shop.page("alipay")
    none = policy == SwitchPolicy.NONE
    line = await only(shop, StoryKind.PAGE_LEFT_OPEN if none else StoryKind.PAGE_LEFT)
    assert line.fact.choice.policy == policy
    assert why in told.words(line)[1]


async def test_a_policy_that_was_chosen_says_where(shop):
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.BEST_EFFORT)
    shop.configure("alipay", switch_policy=SwitchPolicy.NONE)
    await shop.place()
    await shop.page("wechat")
    await shop.page("alipay")
    await shop.page("wechat")
    assert "set for all accounts" in told.words(await only(shop, StoryKind.PAGE_LEFT))[1]
    left_open = await only(shop, StoryKind.PAGE_LEFT_OPEN)
    assert "set for alipay" in told.words(left_open)[1]
    assert left_open.fact.choice.reason is SwitchReason.SET_FOR_ACCOUNT


async def test_a_page_of_an_account_that_is_gone_says_that_nobody_can_be_asked(shop):
    await shop.place()
    await shop.page("wechat")
    del shop.accounts.by_name["wechat"]
    await shop.page("alipay")
    line = await only(shop, StoryKind.PAGE_LEFT)
    assert "wechat is configured no more" in told.words(line)[1]


async def test_a_refused_switch_says_until_when_the_page_may_be_paid(shop):
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.STRICT)
    await shop.place()
    first = await shop.page("alipay")
    with pytest.raises(SwitchRefused):
        await shop.pay("wechat")
    line = await only(shop, StoryKind.SWITCH_REFUSED)
    assert line.fact.payable_until == first.attempt.watch_until
    assert line.fact.choice.policy == "strict"


# --- requests that were turned away -------------------------------------------------------


async def refused(shop: Shop, error: type[RetenderError], **request: Any):
    """Press pay, be turned away, and return the line that says so."""
    with pytest.raises(error):
        await shop.pay(**request)
    return await only(shop, StoryKind.PAY_REFUSED)


async def test_who_comes_too_late_finds_it_in_the_story(shop):
    await shop.place()
    shop.clock.pass_by(minutes=31)
    line = await refused(shop, PayOrderPayTimeout)
    assert line.fact.problem.code == "PAY_ORDER_PAY_TIMEOUT"
    assert (line.fact.account, line.fact.client_type) == ("wechat", "pc")
    assert line.at == shop.clock()


async def test_a_provider_that_takes_no_such_short_time_is_told_and_the_old_page_stays(shop):
    shop.alipay.shortest = timedelta(minutes=10)
    await shop.place()
    await shop.page("wechat")
    shop.clock.pass_by(minutes=25)
    line = await refused(shop, PayOrderPayTimeout, account="alipay")
    assert line.fact.problem.details["reason"] == "provider_minimum"
    assert await shop.states() == ("NEW", ["OPEN"])


async def test_what_a_provider_does_not_offer_is_told(shop):
    await shop.place()
    line = await refused(shop, NotOffered, instalments=5)
    problem = line.fact.problem
    assert (problem.code, problem.details["field"]) == ("NOT_OFFERED", "instalments")


async def test_who_presses_pay_on_a_paid_order_finds_it_in_the_story(shop):
    await shop.place()
    page = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    line = await refused(shop, PayOrderStateError, account="alipay")
    assert line.fact.problem.details["state"] == "PAID"


async def test_a_switch_that_finds_the_old_page_paid_is_told(shop):
    await shop.place()
    page = await shop.page("wechat")
    shop.wechat.pay(page.attempt.number)
    line = await refused(shop, PayOrderStateError, account="alipay")
    assert "the earlier page was paid" in line.fact.problem.message


async def test_strangers_leave_no_trace_in_a_story(shop):
    await shop.place()
    with pytest.raises(PayOrderNotExist):
        await shop.pay(user_id="bob")
    assert await lines(shop, StoryKind.PAY_REFUSED) == []


async def test_a_busy_store_does_not_hide_the_reason_from_the_payer(shop, caplog):
    await shop.place()
    shop.clock.pass_by(minutes=31)
    inner = shop.unit_of_work

    @asynccontextmanager
    async def busy_for_writers(*, read_only: bool = False, once: bool = False):
        del once
        if not read_only:
            message = "locked"
            raise StoreBusy(message)
        async with inner(read_only=True) as work:
            yield work

    shop.unit_of_work = busy_for_writers
    with pytest.raises(PayOrderPayTimeout):
        await shop.pay()
    assert "PayRefused(account='wechat'" in caplog.text


# --- what providers said, and what came of it ---------------------------------------------


async def test_every_answer_is_told_with_what_it_proves(shop):
    await shop.place()
    page = await shop.page("alipay")
    attempt_id, number = page.attempt.attempt_id, page.attempt.number
    await shop.check_attempt(attempt_id=attempt_id)
    shop.alipay.begin(number)
    await shop.check_attempt(attempt_id=attempt_id)
    shop.alipay.fail("query", SILENT)
    await shop.check_attempt(attempt_id=attempt_id)
    shop.alipay.pay(number)
    await shop.check_attempt(attempt_id=attempt_id)
    answers = await lines(shop, StoryKind.ANSWER)
    said = [(e.fact.source, e.fact.answer.state, e.fact.outcome) for e in answers]
    assert said == [
        ("query", "not found", "nothing"),
        ("query", "open", "nothing"),
        ("query", "paid", "won"),
    ]
    until = page.attempt.watch_until.isoformat()
    assert until in told.words(answers[0])[1], "why absence proves nothing"
    assert answers[2].fact.answer.amount == PRICE
    assert answers[2].fact.answer.provider_trade_no == f"T{number}"
    silence = await only(shop, StoryKind.NO_ANSWER)
    assert silence.fact.problem.details["provider_code"] == "SYSTEM_ERROR"


async def test_a_notice_that_wins_is_told_as_evidence(shop):
    await shop.place()
    page = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    line = await only(shop, StoryKind.NOTICE)
    assert (line.fact.answer.state, line.fact.outcome) == ("paid", "won")
    assert line.fact.event_key == f"paid-{page.attempt.number}"


async def test_a_word_that_fits_nothing_is_told_with_what_was_claimed(shop):
    await shop.place()
    page = await shop.page()
    shop.wechat.amount_lie = PRICE + PRICE
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    line = await only(shop, StoryKind.MISFIT)
    assert line.fact.attention == "EVIDENCE_AMOUNT_MISMATCH"
    assert (line.fact.answer.amount, line.fact.source) == (PRICE + PRICE, "notice")


async def test_a_surplus_tells_its_refund_from_the_cause_to_the_end(shop):
    await shop.place()
    old = await shop.page("alipay")
    new = await shop.page("wechat")
    await shop.hear("wechat", shop.wechat.pay(new.attempt.number))
    shop.alipay.fail("refund", SILENT)
    await shop.hear("alipay", shop.alipay.pay(old.attempt.number))
    await shop.settle_down(hours=1)
    due = await only(shop, StoryKind.REFUND_DUE)
    assert (due.fact.cause, due.fact.amount) == ("duplicate", PRICE)
    silence = await only(shop, StoryKind.REFUND_NO_ANSWER)
    assert silence.fact.problem.details["provider_code"] == "SYSTEM_ERROR"
    answer = await only(shop, StoryKind.REFUND_ANSWER)
    assert (answer.fact.refund_no, answer.fact.answer) == (due.fact.refund_no, "done")
    assert (await only(shop, StoryKind.REFUND_TOLD)).fact.event == "surplus.refunded"


async def test_a_refund_that_cannot_be_sent_is_told_with_the_providers_no(shop):
    await shop.place()
    page = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    no = ProviderRefused(Refusal.REJECTED, provider_code="NO_MONEY", provider_message="Empty")
    shop.wechat.fail("refund", no)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    answer = (await only(shop, StoryKind.REFUND_REFUSED)).fact
    assert (answer.problem.details["provider_code"], answer.source) == ("NO_MONEY", "refund")
    assert (await only(shop, StoryKind.REFUND_TOLD)).fact.event == "refund.stuck"


async def test_a_refund_that_nobody_answers_for_is_told(shop):
    await shop.place()
    page = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1")
    shop.wechat.fail("query_refund", SILENT)
    await shop.check_refund(refund_no="R1")
    assert (await only(shop, StoryKind.REFUND_ANSWER)).fact.answer == "pending"
    assert (await only(shop, StoryKind.REFUND_NO_ANSWER)).fact.source == "refund query"


# --- causes and effects ---------------------------------------------------------------------


async def test_every_word_of_a_provider_stands_before_what_it_changed(shop):
    """Paid twice, refused, given back: whoever reads from the top learns why before what."""
    await shop.place()
    old = await shop.page("alipay")
    new = await shop.page("wechat")
    await shop.hear("wechat", shop.wechat.pay(new.attempt.number))
    shop.alipay.pay(old.attempt.number)
    await shop.check_attempt(attempt_id=old.attempt.attempt_id)
    await shop.settle_down(hours=1)
    entries = (await shop.story()).entries
    words = {
        "notice": StoryKind.NOTICE,
        "query": StoryKind.ANSWER,
        "refund": StoryKind.REFUND_ANSWER,
    }
    checked = 0
    for place, entry in enumerate(entries):
        cause = getattr(entry.fact, "cause", None)
        if isinstance(cause, Cause) and cause.source is not None:
            causes = [e.kind for e in entries[:place] if e.at == entry.at]
            assert words[cause.source] in causes, entry
            checked += 1
    assert checked == 5, "an order, two captures, a refund and the surplus that it gives back"
