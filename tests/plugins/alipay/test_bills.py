"""Alipay's daily bill is read into lines, and nothing else is taken for one."""

import io
import zipfile
from datetime import date, timedelta

import pytest

from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.money import Money
from retender.plugins.alipay import bills
from retender.plugins.alipay.bills import MalformedBill, read_bill
from retender.tests.plugins.alipay.charges import NOON, charge, refund_of
from retender.tests.plugins.alipay.counter import Counter

TODAY = date(2026, 1, 15)
HEAD = "支付宝交易号,商户订单号,业务类型,商品名称,完成时间,订单金额（元）,退款批次号/请求号"


@pytest.fixture
def counter(keys):
    return Counter(keys)


def packed(*tables: str, encoding: str = "gbk") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, table in enumerate(tables):
            archive.writestr(f"{index}.csv", table.encode(encoding))
    return file.getvalue()


@pytest.mark.asyncio
async def test_yesterdays_payments_and_refunds_are_listed(counter):
    await counter.pay((await counter.provider.open(charge(subject='Tea "茶", two cups'))).page)
    await counter.provider.refund(refund_of(charge()))
    counter.advance(timedelta(days=1))
    payment, refund = await counter.provider.fetch_bill(TODAY)
    assert (payment.number, payment.refund_number) == (charge().number, None)
    assert (payment.amount, payment.at) == (Money(8888, "CNY"), NOON)
    assert (refund.number, refund.refund_number) == (charge().number, refund_of(charge()).number)
    assert refund.amount == Money(2000, "CNY")
    assert payment.provider_trade_no == refund.provider_trade_no
    assert [each.operation for each in counter.requests[-2:]] == ["fetch_bill", "download_bill"]


@pytest.mark.asyncio
async def test_a_day_without_business_and_a_day_that_is_not_over_are_told_apart(counter):
    with pytest.raises(ProviderRefused) as refused:
        await counter.provider.fetch_bill(TODAY)
    assert refused.value.refusal is Refusal.NOT_NOW
    with pytest.raises(ProviderRefused) as refused:
        await counter.provider.fetch_bill(TODAY - timedelta(days=1))
    assert refused.value.refusal is Refusal.REJECTED


@pytest.mark.asyncio
async def test_a_link_that_has_run_out_is_no_empty_bill(counter, monkeypatch):
    await counter.pay((await counter.provider.open(charge())).page)
    counter.advance(timedelta(days=1))
    monkeypatch.setattr(counter.simulator._bills, "fetch", lambda _: None)
    with pytest.raises(ProviderUncertain, match="404"):
        await counter.provider.fetch_bill(TODAY)
    monkeypatch.setattr(counter.simulator._bills, "fetch", lambda _: b"no zip")
    with pytest.raises(ProviderUncertain, match="cannot be read"):
        await counter.provider.fetch_bill(TODAY)


def test_remarks_summaries_and_other_business_are_left_out():
    table = (
        "#支付宝业务明细查询\r\n"
        f"{HEAD}\r\n"
        "2026X\t,T1\t,交易\t,a\t,2026-01-15 12:00:00\t,88.88\t,\t\r\n"
        "2026Y\t,T2\t,交易分账\t,b\t,2026-01-15 12:00:00\t,-1.00\t,\t\r\n"
        "2026X\t,T1\t,退款\t,a\t,2026-01-15 12:30:00\t,-88.88\t,\t\r\n"
        "#共3笔\r\n"
    )
    summary = "#汇总\r\n门店编号,交易订单总笔数\r\n合计,3\r\n"
    payment, refund = read_bill(packed(table, summary))
    assert (payment.number, payment.refund_number) == ("T1", None)
    assert (refund.refund_number, refund.amount) == ("T1", Money(8888, "CNY"))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"no zip",
        packed(f"{HEAD}\r\n2026X,T1,交易,a,2026-01-15 12:00:00,eighty,\r\n"),
        packed(f"{HEAD}\r\n2026X,T1,交易,a,some day,88.88,\r\n"),
        packed(f"{HEAD}\r\n2026X,T1,交易,😀,2026-01-15 12:00:00,1.00,\r\n", encoding="utf-8"),
        packed("商户订单号,订单金额（元）\r\nT1,1.00\r\n"),
    ],
    ids=["empty", "no zip", "amount", "time", "charset", "columns"],
)
def test_a_broken_bill_is_no_empty_bill(file):
    with pytest.raises(MalformedBill):
        read_bill(file)


def test_one_odd_character_hides_no_payment():
    """A payer's emoji, or half of a character that was cut off: the lines around it are read."""
    line = "2026X,T{},交易,{},2026-01-15 12:00:00,19.99,\r\n"
    for odd in ("😀".encode(), "龙".encode("gbk")[:1], b"\x80\xff"):
        before, _, after = f"{HEAD}\r\n{line.format(1, '?')}{line.format(2, 'tea')}".partition("?")
        table = before.encode("gbk") + odd + after.encode("gbk")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("0.csv", table)
        lines = read_bill(file.getvalue())
        assert [(each.number, each.amount) for each in lines] == [
            ("T1", Money(1999, "CNY")),
            ("T2", Money(1999, "CNY")),
        ]


def test_a_bill_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(bills, "LARGEST_TABLE", 1000)
    with pytest.raises(MalformedBill, match="too large"):
        read_bill(packed("#" * 1001))
