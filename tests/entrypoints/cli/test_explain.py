"""``retender explain``: the summary first, then the reasons, in words that fit the terminal."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import httpx
import pytest
from rich.console import Console

from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.money import Money
from retender.domain.model.order_story import OrderStory
from retender.entrypoints.cli.explanation import show_explanation
from retender.entrypoints.cli.story import show_story
from retender.entrypoints.words.language import Language
from retender.tests.domain.shop import Shop

# --- the command --------------------------------------------------------------------------


def test_a_paid_order_is_explained(shop):
    shop.paid("EX-1")
    done = shop("explain", "EX-1")
    assert done.exit_code == 0
    text = done.stdout
    assert "Order EX-1  PAID" in text
    assert text.index("#1 won: sandbox from pc") < text.index("order NEW\n".rstrip())
    assert "Evidence at +0:0" in text
    assert "88.80 CNY taken, 0.00 CNY given back, 88.80 CNY kept; 88.80 CNY was due." in text
    assert "Nothing is open any more." in text
    assert "the shop is told order.paid" in text


def test_machines_get_the_same_as_over_http(shop):
    shop.paid("EX-2")
    (address,) = re.findall(r'public_url = "(\S+)"', shop.file.read_text())
    answer = httpx.get(f"{address}/v1/orders/EX-2/story", trust_env=False)
    assert shop.json("explain", "EX-2") == answer.json()


def test_an_unknown_order_and_another_users_are_told_alike(shop):
    shop.place("EX-3")
    for words in (["EX-NONE"], ["EX-3", "--user", "somebody-else"]):
        done = shop("explain", *words)
        assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "PAY_ORDER_NOT_EXIST")
        told = shop.json("explain", *words, code=1)
        assert told["error"]["code"] == "PAY_ORDER_NOT_EXIST"
    assert shop("explain", "EX-3", "--user", "user-7").exit_code == 0


# --- the words ----------------------------------------------------------------------------


@dataclass
class Told:
    """What was shown, and how wide it was."""

    text: str
    widest: int


def shown(
    story: OrderStory,
    width: int = 100,
    language: Language = Language.ENGLISH,
    *,
    whole: bool = False,
) -> Told:
    console = Console(file=StringIO(), width=width, highlight=False)
    show = show_story if whole else show_explanation
    show(console, story, language)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO of above
    lines = text.splitlines()
    return Told(" ".join(text.split()), max(map(len, lines)))


async def tell_a_long_story() -> tuple[Shop, OrderStory]:
    """A request that comes back, a lost answer, a switch, two payments, a refusal."""
    shop = Shop()
    await shop.place()
    silent = ProviderUncertain("read time-out", provider_code="SYSTEM_ERROR")
    shop.alipay.fail("open", silent)
    await shop.pay("alipay", "pc")
    old = await shop.page("alipay", "pc")
    for _ in range(3):
        shop.clock.pass_by(minutes=1)
        await shop.check_attempt(attempt_id=old.attempt.attempt_id)
    new = await shop.page("wechat", "h5")
    await shop.hear("wechat", shop.wechat.pay(new.attempt.number))
    with pytest.raises(Exception, match="can no longer be paid"):
        await shop.pay("alipay", "pc")
    await shop.hear("alipay", shop.alipay.pay(old.attempt.number))
    return shop, await shop.story()


@pytest.fixture(scope="module")
def long_story() -> OrderStory:
    return asyncio.run(tell_a_long_story())[1]


@pytest.mark.parametrize(
    "words",
    [
        "#2 won: wechat from h5, under ID0000000005. Evidence at +3:00: notice of wechat: paid",
        "177.60 CNY taken, 0.00 CNY given back, 177.60 CNY kept; 88.80 CNY was due.",
        "88.80 CNY of #1 back, since another attempt had paid the order: RID0000000003 DUE.",
        "Still open: refund RID0000000003 is DUE; the worker looks next at +3:00 (2026-01-15 02:03",
        "pay request refused: alipay, pc (PAY_ORDER_STATE_ERROR)",
        "open at alipay: answer unknown; it is found out (PROVIDER_UNCERTAIN, SYSTEM_ERROR)",
        "alipay asked again under ID0000000003 same request, but no page of it is kept",
        "query of alipay: not found (3 times, last at +3:00) proves nothing: until +33:00",
        "policy best_effort: adaptive, and alipay can close such a page only once it was used",
        "attempt 2 is new: no earlier page serves this request #1: another account, another client",
        "the shop is told surplus.found",
    ],
)
def test_the_words_say_what_was_decided_and_why(long_story, words):
    assert words in shown(long_story).text


def test_the_summary_comes_first_then_the_order_then_each_attempt(long_story):
    text = shown(long_story).text
    parts = [
        "Summary",
        "The order",
        "#1 alipay from pc REFUNDING",
        "#2 wechat from h5 SUCCEEDED ★",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    for its in ("notice of alipay", "the shop is told surplus.found"):
        assert places[2] < text.index(its) < places[3], "what is an attempt's stands with it"
    assert places[1] < text.index("the shop is told order.paid") < places[2]


@pytest.mark.parametrize("width", [40, 60, 80, 110])
def test_nothing_is_wider_than_the_terminal(long_story, width):
    assert shown(long_story, width).widest <= width


def test_instants_are_told_as_times_since_the_placing(long_story):
    assert not re.search(r"\dT\d\d:", shown(long_story).text)


@pytest.mark.parametrize("whole", [False, True])
def test_it_is_told_in_chinese_too(long_story, whole):
    text = shown(long_story, language=Language.CHINESE, whole=whole).text
    for words in (
        "订单 A1 PAID",
        "收款 177.60 CNY，已退 0.00 CNY，留存 177.60 CNY",
        "拒绝支付请求：alipay，pc",
        "以单号 ID0000000003 再次请求 alipay",
        "不能作为依据：+33:00 之前，页面仍可能生成交易",
        "wechat 通知：paid",
    ):
        assert words in text
    left = shown(long_story, language=Language.CHINESE).text
    assert (
        "#2 支付成功：wechat（h5），单号 ID0000000005。 依据（+3:00）：wechat 通知"
        in left.replace("。依据", "。 依据")
    )


def test_words_of_others_are_not_taken_for_colours():
    async def tell() -> OrderStory:
        shop = Shop()
        await shop.place(subject="[red]Tea[/red]")
        shop.wechat.fail("open", ProviderUncertain("[bold]no[/nothing] answer"))
        await shop.pay()
        return await shop.story()

    text = shown(asyncio.run(tell())).text
    assert "[bold]no[/nothing] answer" in text
    assert "[red]Tea[/red]" in text


def test_an_order_that_ended_unpaid_and_a_stuck_refund_say_so():
    async def tell() -> tuple[OrderStory, OrderStory]:
        unpaid = Shop()
        await unpaid.place()
        await unpaid.page()
        await unpaid.settle_down(hours=1)
        stuck, _ = await tell_a_long_story()
        stuck.alipay.failing_refunds = True
        stuck.clock.pass_by(seconds=timedelta(minutes=1).total_seconds())
        await stuck.work_once()
        return await unpaid.story(), await stuck.story()

    unpaid, stuck = asyncio.run(tell())
    assert "Nobody paid it in time; it ended because of: deadline." in shown(unpaid).text
    text = shown(stuck).text
    assert "an operator must look" in text
    assert "NO_REFUNDS" in text


def test_an_order_that_was_given_up_was_not_too_late():
    async def tell() -> OrderStory:
        shop = Shop()
        await shop.place()
        await shop.close_order(order_no="A1")
        return await shop.story()

    assert "Nobody paid it; it ended because of: cancelled." in shown(asyncio.run(tell())).text


def test_money_that_was_taken_otherwise_than_asked_is_named_beside_the_sums():
    async def tell() -> OrderStory:
        shop = Shop()
        await shop.place()
        number = (await shop.page()).attempt.number
        shop.wechat.amount_lie = Money(8879, "CNY")
        await shop.hear("wechat", shop.wechat.pay(number))
        return await shop.story()

    text = " ".join(shown(asyncio.run(tell())).text.split())
    assert "In question: wechat says that it took 88.79 CNY under #1" in text
    assert "where 88.80 CNY was asked for; it is in no sum" in text
