"""The good day: the payer leaves, comes back another way, and the order is paid once."""

from datetime import timedelta

from retender.entrypoints.cli.demo.stage import Stage

ORDER = "DEMO-GOOD"
SUBJECT = "Jasmine tea, 2 tins"
AMOUNT, MINOR = "88.80", 8880


async def play(stage: Stage) -> None:
    """Tell the story, and check it against both books after each step."""
    stage.narrator.chapter(
        "The good day",
        "WeChat QR on a PC, the payer leaves, comes back on a phone with Alipay, and pays once.",
    )
    first = await _place_and_leave(stage)
    second = await _come_back(stage, first)
    await _pay(stage, first, second)


async def _place_and_leave(stage: Stage) -> str:
    """Place the order and show the QR code; return the first attempt's number."""
    narrator, shop = stage.narrator, stage.shop
    order = await shop.place(ORDER, SUBJECT, AMOUNT)
    narrator.say(f"The shop places order [bold]{ORDER}[/bold]: {SUBJECT}, {AMOUNT} CNY, 30 minutes")
    narrator.check("the order is NEW", truth=order["state"] == "NEW", seen=order["state"])
    methods = (await shop.methods(ORDER, "pc"))["methods"]
    listed = ", ".join(f"{each['title']} ({each['page_kind']})" for each in methods)
    narrator.say(f"The cashier lists what a PC can show: {listed}")
    usable = {each["account"] for each in methods if each["available"]}
    narrator.check("both providers can be chosen", truth=usable == {"alipay", "wechat"})

    ready = await shop.pay(ORDER, "wechat", "pc")
    narrator.say("The payer chooses WeChat Pay on the PC, and sees a QR code")
    narrator.qr(ready["page"]["content"])
    narrator.check("it is a QR page", truth=ready["page"]["kind"] == "qr")
    again = await shop.pay(ORDER, "wechat", "pc")
    same = again["reused"] and again["page"] == ready["page"]
    narrator.check("reloading shows the same code: nobody is asked again", truth=same)
    stage.pages[ORDER] = ready["page"]
    number: str = (await shop.story(ORDER))["attempts"][0]["number"]
    return number


async def _come_back(stage: Stage, first: str) -> str:
    """Switch to Alipay on a phone; return the second attempt's number."""
    narrator, shop = stage.narrator, stage.shop
    narrator.say("The payer leaves without scanning")
    stage.skip(timedelta(minutes=5))
    ready = await shop.pay(ORDER, "alipay", "h5")
    narrator.say("The payer comes back on the phone, and chooses Alipay")
    narrator.aside(ready["page_url"])
    story = await shop.story(ORDER)
    one, two = story["attempts"]
    trade = await stage.wechat.trade(first)
    refused = await stage.wechat.act("pay", stage.pages[ORDER])
    narrator.check(
        "the WeChat attempt was closed first, and WeChat Pay says so too",
        truth=one["state"] == "CLOSED" and trade == "CLOSED",
        seen=(one["state"], trade),
    )
    narrator.check(
        f"scanning the old code now is refused: {refused['message']}", truth=not refused["ok"]
    )
    narrator.check(
        "the second attempt stands beside the first, over nothing",
        truth=(one["account"], one["client_type"], two["account"], two["client_type"])
        == ("wechat", "pc", "alipay", "h5"),
    )
    shown = await stage.open_in_browser(ready["page"])
    narrator.check("in a browser, Alipay's cashier shows the amount", truth=AMOUNT in shown)
    stage.pages[ORDER] = ready["page"]
    number: str = two["number"]
    return number


async def _pay(stage: Stage, first: str, second: str) -> None:
    narrator, shop = stage.narrator, stage.shop
    stage.skip(timedelta(seconds=40), quietly=True)
    paid = await stage.alipay.act("pay", stage.pages[ORDER])
    narrator.say("The payer enters the password, and Alipay takes the money")
    narrator.check("Alipay took it", truth=paid["ok"], seen=paid["message"])
    story = await shop.story_when(ORDER, lambda it: it["order"]["state"] == "PAID")
    heard = await stage.alipay.heard_when_told(second)
    narrator.say("Alipay's signed notification arrives")
    narrator.check("it was verified and answered with success", truth=len(heard) == 1)
    state = story["order"]["state"]
    narrator.check("the order is PAID", truth=state == "PAID", seen=state)
    winners = [attempt["number"] for attempt in story["attempts"] if attempt["winner"]]
    narrator.check("by the second attempt", truth=winners == [second], seen=winners)
    events = [event["kind"] for event in story["events"]]
    narrator.check("the shop hears it once", truth=events == ["order.paid"], seen=events)
    alipay, wechat = await stage.alipay.book(second), await stage.wechat.book(first)
    taken = (alipay["captured_minor"], wechat["captured_minor"])
    back = (alipay["refunded_minor"], wechat["refunded_minor"])
    narrator.check(
        f"in the providers' books: {AMOUNT} at Alipay, nothing at WeChat Pay, nothing given back",
        truth=(taken, back) == ((MINOR, 0), (0, 0)),
        seen=(taken, back),
    )
