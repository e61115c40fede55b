"""What Alipay tells by itself: proven first, read afterwards, never mistaken for something else."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from retender.domain.model.errors import NoticeProblem, NoticeRejected, ProviderUncertain
from retender.domain.model.money import Money
from retender.plugins.alipay.credentials import Credentials
from retender.plugins.alipay.notices import prove, read_notice
from retender.plugins.alipay.signing import notice_texts, sign
from retender.plugins.alipay.terms import TERMS
from retender.ports.payment_provider import RawNotice, ReceiptState, RefundReceiptState
from retender.simulators.alipay.notices import LADDER
from retender.simulators.alipay.switches import AlipaySwitches
from retender.tests.plugins.alipay.charges import NOON, PHONE, charge, refund_of
from retender.tests.plugins.alipay.counter import Counter
from retender.tests.plugins.alipay.vector_keys import ALIPAY, MERCHANT, PLATFORM

pytestmark = pytest.mark.asyncio


@pytest.fixture
def counter(keys):
    return Counter(keys)


def state_of(notice):
    return notice.receipt and notice.receipt.state


def signed(keys, charset="utf-8", **fields):
    """Return a notice with these fields, signed by Alipay."""
    facts = {
        "app_id": "2026000000000001",
        "charset": charset,
        "notify_id": "N1",
        "notify_type": "trade_status_sync",
        "out_trade_no": charge().number,
        "seller_id": "2088000000000001",
        "total_amount": "88.88",
        "trade_no": "2026X",
        "trade_status": "TRADE_SUCCESS",
        **fields,
    }
    facts = {name: value for name, value in facts.items() if value is not None}
    text = next(iter(notice_texts(facts)))
    facts |= {"sign": sign(text, keys.alipay.key, charset), "sign_type": "RSA2"}
    body = urlencode(facts, encoding=charset).encode()
    return RawNotice(headers={}, body=body, received_at=NOON)


@pytest.mark.parametrize("charset", ["gbk", "gb2312", "gb18030", "GBK", "utf-8"])
async def test_notices_are_read_in_every_charset_of_alipays(counter, keys, charset):
    """The signature is over the bytes, so that no character may come back as other ones."""
    raw = signed(keys, charset=charset, subject="龙井 1 斤")
    assert (await counter.provider.parse_notice(raw)).receipt.state is ReceiptState.PAID


@pytest.mark.parametrize("charset", ["gbk", "gb2312", "gb18030"])
async def test_the_simulator_tells_in_the_charset_of_its_switch(keys, charset):
    switched = Counter(
        keys, switches=AlipaySwitches(notice_charset=charset, answer_charset=charset)
    )
    asked = charge(subject="龙井")
    assert await switched.pay((await switched.provider.open(asked)).page)
    (raw,) = await switched.notices()
    assert f"charset={charset}".encode() in raw.body
    assert "龙井" not in raw.body.decode("ascii")
    assert state_of(await switched.provider.parse_notice(raw)) is ReceiptState.PAID
    assert (await switched.provider.query(asked)).state is ReceiptState.PAID
    # A no comes with Chinese words.
    unknown = await switched.provider.query(charge(number="01J0000000000000000000UNKN"))
    assert unknown.state is ReceiptState.NOT_FOUND


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("is_named", [True, False])
async def test_a_notice_may_name_its_certificate_and_sign_that_or_not(
    fresh_keys, is_named, is_signed
):
    """Recorded ones do not name it; then every certificate that is configured is tried."""
    switches = AlipaySwitches(cert_sn_in_notices=is_named, cert_sn_is_signed=is_signed)
    switched = Counter(fresh_keys, certified=True, switches=switches)
    assert await switched.pay((await switched.provider.open(charge())).page)
    before = fresh_keys.alipay
    (raw,) = await switched.notices()
    assert (b"alipay_cert_sn" in raw.body) is is_named
    # Configured beside a newer one, which comes first.
    fresh_keys.roll()
    switched.settings |= {"alipay_cert": fresh_keys.alipay_certificates}
    assert before.pem in switched.settings["alipay_cert"]
    notice = await switched.another_provider().parse_notice(raw)
    assert state_of(notice) is ReceiptState.PAID


async def test_the_worked_example_is_believed():
    """A notice that another SDK believes as well."""
    credentials = Credentials(
        app_id="2026000000000001", private_key=MERCHANT, alipay_key=PLATFORM.public_key()
    )
    fields = prove(urlencode(ALIPAY["notify_params"]).encode(), credentials)
    notice = read_notice(fields, app_id=fields["app_id"], seller_id=fields["seller_id"])
    assert notice is not None
    assert notice.receipt is not None
    assert (notice.receipt.number, notice.receipt.amount) == (
        "T20260115000001A1",
        Money(8888, "CNY"),
    )


async def test_every_try_of_one_notice_is_the_same_event(counter):
    await counter.pay((await counter.provider.open(charge())).page)
    keys_seen = set()

    async def deaf(_url, headers, body):
        raw = RawNotice(headers=headers, body=body, received_at=counter.now())
        keys_seen.add((await counter.provider.parse_notice(raw)).event_key)
        return 200, b"failure"

    for gap in (timedelta(0), *LADDER):
        counter.advance(gap)
        assert len(await counter.simulator.delivery.deliver_due(deaf)) == 1
    assert len(keys_seen) == 1
    assert TERMS.notice_retries == LADDER


async def test_a_notice_that_says_something_else_is_another_event(counter, keys):
    said = [
        {},
        {"total_amount": "0.01"},
        {"trade_status": "TRADE_FINISHED"},
        {"notify_id": "N2"},
        {"seller_id": "2088000000000666"},
        {"body": "total_amount=88.88"},
    ]
    notices = [await counter.provider.parse_notice(signed(keys, **each)) for each in said]
    assert len({notice.event_key for notice in notices}) == len(said)


async def test_empty_values_may_come_and_go_without_being_another_event(counter, keys):
    plain = await counter.provider.parse_notice(signed(keys))
    assert await counter.provider.parse_notice(signed(keys, voucher_detail_list="")) == plain
    raw = signed(keys)
    hung_on = replace(raw, body=raw.body + b"&voucher_detail_list=")
    assert await counter.provider.parse_notice(hung_on) == plain


@pytest.mark.parametrize("way", ["signed", "unsigned"])
async def test_both_ways_of_signing_empty_values_are_believed(keys, way):
    counter = Counter(keys, AlipaySwitches(empty_values_in_notices=way))
    await counter.pay((await counter.provider.open(charge())).page)
    [raw] = await counter.notices()
    assert b"voucher_detail_list=&" in raw.body
    assert (await counter.provider.parse_notice(raw)).receipt


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, ReceiptState.PAID),
        ({"trade_status": "TRADE_FINISHED"}, ReceiptState.PAID),
        ({"trade_status": "WAIT_BUYER_PAY"}, ReceiptState.OPEN),
        ({"trade_status": "TRADE_CLOSED"}, ReceiptState.CLOSED),
        (
            {"trade_status": "TRADE_CLOSED", "gmt_payment": "2026-01-15 12:00:00"},
            ReceiptState.PAID,
        ),
    ],
)
async def test_a_trades_state_is_read(counter, keys, fields, state):
    receipt = (await counter.provider.parse_notice(signed(keys, **fields))).receipt
    assert receipt.state is state
    assert receipt.amount == (Money(8888, "CNY") if state is ReceiptState.PAID else None)


async def test_an_unknown_state_is_quarantined_and_asked_for_again(counter, keys):
    with pytest.raises(ProviderUncertain, match="TRADE_PENDING"):
        await counter.provider.parse_notice(signed(keys, trade_status="TRADE_PENDING"))
    assert counter.provider.unknown == {"trade_status TRADE_PENDING": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"app_id": "2026000000000666"},
        {"seller_id": "2088000000000666"},
        {"app_id": None},
    ],
)
async def test_another_apps_or_sellers_money_is_foreign(counter, keys, fields):
    receipt = (await counter.provider.parse_notice(signed(keys, **fields))).receipt
    assert next(iter(fields)) in receipt.foreign


@pytest.mark.parametrize("seller", [None, ""], ids=["absent", "empty"])
async def test_a_seller_that_is_not_named_contradicts_nothing(counter, keys, seller):
    receipt = (await counter.provider.parse_notice(signed(keys, seller_id=seller))).receipt
    assert receipt.foreign is None


async def test_another_amount_is_told_as_it_stands(counter, keys):
    """Whether it fits is not for a provider to say."""
    receipt = (await counter.provider.parse_notice(signed(keys, total_amount="0.01"))).receipt
    assert receipt.amount == Money(1, "CNY")


@pytest.mark.parametrize(
    "fields",
    [
        {"out_trade_no": None},
        {"total_amount": None},
        {"total_amount": "eighty"},
        {"total_amount": "88.888"},
        {"gmt_payment": "yesterday"},
        {"charset": "klingon"},
    ],
)
async def test_a_signed_notice_that_cannot_be_read(counter, keys, fields):
    charset = fields.pop("charset", None)
    raw = signed(keys, **fields)
    if charset:
        raw = replace(raw, body=raw.body.replace(b"charset=utf-8", b"charset=klingon"))
    with pytest.raises(NoticeRejected) as rejected:
        await counter.provider.parse_notice(raw)
    assert rejected.value.problem is NoticeProblem.MALFORMED


@pytest.mark.parametrize(
    ("twist", "problem"),
    [
        (lambda body: body.replace(b"sign_type=RSA2", b""), NoticeProblem.MALFORMED),
        (lambda body: body.replace(b"&sign_type=RSA2", b""), NoticeProblem.SIGNATURE_WRONG),
        (lambda body: body.replace(b"RSA2", b"RSA"), NoticeProblem.SIGNATURE_WRONG),
        (lambda body: body.replace(b"88.88", b"88.89"), NoticeProblem.SIGNATURE_WRONG),
        (lambda body: body + b"&total_amount=88.88", NoticeProblem.MALFORMED),
        (lambda body: body + b"&more=1", NoticeProblem.SIGNATURE_WRONG),
        (lambda body: body + "&名=1".encode(), NoticeProblem.NOT_TEXT),
        (lambda body: body.replace(b"2026X", b"%ff%fe"), NoticeProblem.NOT_TEXT),
        (lambda body: body + b"&a=1" * 300, NoticeProblem.MALFORMED),
        (lambda body: body.partition(b"&sign=")[0], NoticeProblem.UNSIGNED),
    ],
)
async def test_a_twisted_notice_is_rejected_with_its_reason(counter, keys, twist, problem):
    raw = signed(keys)
    with pytest.raises(NoticeRejected) as rejected:
        await counter.provider.parse_notice(replace(raw, body=twist(raw.body)))
    assert rejected.value.problem is problem


async def test_a_gbk_notice_is_read_in_gbk(counter, keys):
    raw = signed(keys, charset="gbk", subject="龙井茶")
    assert b"%C1%FA%BE%AE%B2%E8" in raw.body
    assert (await counter.provider.parse_notice(raw)).receipt.state is ReceiptState.PAID


async def test_a_notice_about_something_else_is_believed_and_says_nothing(counter, keys):
    raw = signed(keys, trade_status=None, notify_type="contract_changed")
    notice = await counter.provider.parse_notice(raw)
    assert (notice.receipt, notice.refund, notice.about) == (None, None, "contract_changed")


async def test_a_refund_is_told_beside_the_payment(counter):
    paid = charge(**PHONE)
    await counter.pay((await counter.provider.open(paid)).page)
    part, rest = refund_of(paid), refund_of(paid, number="R2026", amount=Money(6888, "CNY"))
    await counter.provider.refund(part)
    counter.advance(timedelta(seconds=3))
    await counter.provider.refund(rest)
    first, second, third = [
        await counter.provider.parse_notice(raw) for raw in await counter.notices()
    ]
    assert first.refund is None
    for notice, order in [(second, part), (third, rest)]:
        assert (notice.refund.number, notice.refund.state) == (
            order.number,
            RefundReceiptState.DONE,
        )
        assert notice.refund.amount is None
        assert notice.receipt.state is ReceiptState.PAID
        assert notice.receipt.amount == paid.amount
    assert [notice.about for notice in (first, second, third)] == [
        "TRADE_SUCCESS",
        "TRADE_SUCCESS",
        "TRADE_CLOSED",
    ]


async def test_a_refund_without_a_number_bears_the_trades(counter, keys):
    raw = signed(keys, gmt_refund="2026-01-15 12:00:00.000", refund_fee="88.88")
    notice = await counter.provider.parse_notice(raw)
    assert notice.refund.number == charge().number


async def test_a_certificate_that_nobody_configured_proves_nothing(fresh_keys):
    switches = AlipaySwitches(cert_sn_in_notices=True)
    counter = Counter(fresh_keys, certified=True, switches=switches)
    assert await counter.pay((await counter.provider.open(charge())).page)
    fresh_keys.roll()
    [raw] = await counter.notices()
    with pytest.raises(NoticeRejected) as rejected:
        await counter.provider.parse_notice(raw)
    assert rejected.value.problem is NoticeProblem.UNKNOWN_KEY
    counter.settings |= {"alipay_cert": fresh_keys.alipay_certificates}
    assert (await counter.another_provider().parse_notice(raw)).receipt
    named = dict(parse_qsl(raw.body.decode()))["alipay_cert_sn"]
    another = raw.body.replace(named.encode(), b"0" * 32)
    with pytest.raises(NoticeRejected):
        await counter.another_provider().parse_notice(replace(raw, body=another))


async def test_all_that_was_given_back_so_far_is_told(counter, keys):
    """By whoever: the console's refunds are in it, and a notice without one says nothing."""
    told = await counter.provider.parse_notice(signed(keys, refund_fee="0.29"))
    assert told.receipt.refunded == Money(29, "CNY")
    silent = await counter.provider.parse_notice(signed(keys))
    assert silent.receipt.refunded is None
