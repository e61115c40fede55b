"""The bad day: both pages are paid, and the money that is too much goes back by itself."""

from datetime import timedelta

from retender.entrypoints.cli.demo.shop import Json
from retender.entrypoints.cli.demo.stage import Stage

ORDER = "DEMO-BAD"
SUBJECT = "茉莉花茶 & a teapot"
AMOUNT, MINOR = "128.00", 12800


async def play(stage: Stage) -> None:
    """Tell the story, and check it against both books after each step."""
    stage.narrator.chapter(
        "The bad day",
        "An Alipay page that was never scanned cannot be closed; the payer pays WeChat, then both.",
    )
    first = await _open_a_page(stage)
    second = await _switch_and_pay(stage)
    await _pay_the_old_page_too(stage, first, second)
    await stage.show_story(ORDER)


async def _open_a_page(stage: Stage) -> str:
    """Open the Alipay page and leave it; return the first attempt's number."""
    narrator, shop = stage.narrator, stage.shop
    await shop.place(ORDER, SUBJECT, AMOUNT)
    narrator.say(f"The shop places order [bold]{ORDER}[/bold]: {SUBJECT}, {AMOUNT} CNY, 30 minutes")
    ready = await shop.pay(ORDER, "alipay", "pc")
    narrator.say("The payer opens Alipay on the PC, looks at the cashier, and scans nothing")
    narrator.check("it is a form that the browser posts", truth=ready["page"]["kind"] == "form")
    shown = await stage.open_in_browser(ready["page"])
    narrator.check("Alipay's cashier shows the amount", truth=AMOUNT in shown)
    number: str = (await shop.story(ORDER))["attempts"][0]["number"]
    trade = await stage.alipay.trade(number)
    narrator.check("Alipay knows no trade yet: it makes one at the scan", truth=trade is None)
    stage.pages["old"] = ready["page"]
    return number


async def _switch_and_pay(stage: Stage) -> str:
    """Pay with WeChat instead; return the second attempt's number."""
    narrator, shop = stage.narrator, stage.shop
    stage.skip(timedelta(minutes=2))
    ready = await shop.pay(ORDER, "wechat", "pc")
    narrator.say(
        "The payer switches to WeChat Pay; the old page can be neither closed nor believed"
    )
    one, two = (await shop.story(ORDER))["attempts"]
    narrator.check(
        "the Alipay attempt is CLOSING: left, and watched until it is proven dead",
        truth=one["state"] == "CLOSING",
        seen=one["state"],
    )
    narrator.qr(ready["page"]["content"])
    paid = await stage.wechat.act("pay", ready["page"])
    narrator.say("The payer scans and pays")
    narrator.check("WeChat Pay took it", truth=paid["ok"], seen=paid["message"])
    story = await shop.story_when(ORDER, lambda it: it["order"]["state"] == "PAID")
    heard = await stage.wechat.heard_when_told(two["number"])
    narrator.check("the encrypted, signed notification was believed", truth=len(heard) == 1)
    state = story["order"]["state"]
    narrator.check("the order is PAID", truth=state == "PAID", seen=state)
    number: str = two["number"]
    return number


async def _pay_the_old_page_too(stage: Stage, first: str, second: str) -> None:
    narrator, shop = stage.narrator, stage.shop
    stage.skip(timedelta(minutes=1))
    paid = await stage.alipay.act("pay", stage.pages["old"])
    narrator.say("The old Alipay page is still open in another tab, and the payer pays that too")
    narrator.check("Alipay takes the money: nobody could prevent it", truth=paid["ok"])
    story = await shop.story_when(ORDER, _is_given_back)
    narrator.say("The surplus is recognised, and given back without anybody asking")
    (surplus,) = story["surpluses"] or [None]
    state = surplus and (surplus["cause"], surplus["refund_state"])
    narrator.check(
        "it is a surplus, and refunded", truth=state == ("duplicate", "DONE"), seen=state
    )
    events = sorted(event["kind"] for event in story["events"])
    told = ["order.paid", "surplus.found", "surplus.refunded"]
    narrator.check(
        "the shop hears of one payment, and of the surplus", truth=events == told, seen=events
    )
    alipay, wechat = await stage.alipay.book(first), await stage.wechat.book(second)
    narrator.check(
        f"in Alipay's book: {AMOUNT} taken, {AMOUNT} given back, once",
        truth=(alipay["captured_minor"], list(alipay["refunds"].values())) == (MINOR, [MINOR]),
        seen=alipay,
    )
    narrator.check(
        f"in WeChat Pay's book: {AMOUNT} taken, nothing given back",
        truth=(wechat["captured_minor"], wechat["refunded_minor"]) == (MINOR, 0),
        seen=wechat,
    )
    (one, two) = story["attempts"]
    narrator.check(
        "the order keeps the payment that won",
        truth=two["winner"] and one["state"] == "REFUNDED",
        seen=(one["state"], two["state"]),
    )


def _is_given_back(story: Json) -> bool:
    return any(event["kind"] == "surplus.refunded" for event in story["events"])
