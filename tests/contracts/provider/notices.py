"""Behaviours of a provider: proving who sent a notice, and reading it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import NoticeProblem, NoticeRejected, ProviderError
from retender.ports.payment_provider import Notice, RawNotice, ReceiptState
from retender.tests.contracts.provider.gateway import GatewayUnderTest
from retender.tests.contracts.provider.scene import (
    Offer,
    ProviderScene,
    assert_silent,
)
from retender.tests.contracts.telltales import logged, told

JUNK = {
    "empty": b"",
    "blank": b" \r\n",
    "nothing": b"null",
    "list": b"[]",
    "object": b"{}",
    "word": b"success",
    "not UTF-8": b"\xff\xfe\x00sign=\xc3\x28",
    "deep": b"[" * 100_000,
    "deep object": b'{"resource":' * 50_000,
    "huge number": b'{"amount":' + b"9" * 100_000 + b"}",
    "bare form": b"sign=&sign_type=RSA2&trade_status=TRADE_SUCCESS",
    "many fields": b"&".join(b"f%d=1" % number for number in range(20_000)),
    "markup": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>',
    "a megabyte": b"x" * 1_048_576,
}


class Notices(ProviderScene):
    """A notice is believed when its sender is proven; whatever else it is, it is rejected."""

    async def _genuine(self, gateway: GatewayUnderTest) -> RawNotice:
        await self.paid(gateway)
        return (await gateway.notices())[-1]

    async def _same_or_rejected(
        self, gateway: GatewayUnderTest, raw: RawNotice, genuine: Notice
    ) -> None:
        try:
            believed = await gateway.provider.parse_notice(raw)
        except (NoticeRejected, ProviderError):
            return
        # Some bytes say nothing: a change of them may pass, if what is read is the same.
        assert believed == genuine

    # --- believed -------------------------------------------------------------------

    async def test_a_payment_is_told_by_a_notice(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """It says what a query says: amount, ours, and when."""
        charge = await self.paid(gateway, offer)
        notices = await self.paid_notices(gateway, charge.number)
        assert [n.receipt.state for n in notices if n.receipt] == [ReceiptState.PAID]
        asked = await self.merchant(gateway).query(charge)
        told_us = notices[0].receipt
        assert told_us is not None
        assert (told_us.amount, told_us.foreign) == (charge.amount, None)
        assert told_us.captured_at == asked.captured_at

    async def test_no_payment_is_told_before_the_payer_pays(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Opened, begun, closed: none of it is money."""
        charge = self.charge(gateway, offer)
        await gateway.begin(await self.merchant(gateway).open(charge))
        await self.merchant(gateway).close(charge)
        read = [await gateway.provider.parse_notice(raw) for raw in await gateway.notices()]
        assert not [n for n in read if n.receipt and n.receipt.state is ReceiptState.PAID]

    async def test_a_repeated_notice_has_the_same_event_key(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Repeats are known by it, in every process."""
        raw = await self._genuine(gateway)
        first = await gateway.provider.parse_notice(raw)
        assert first.event_key
        assert await gateway.provider.parse_notice(raw) == first
        assert await gateway.another_provider().parse_notice(raw) == first

    async def test_different_payments_have_different_event_keys(
        self, gateway: GatewayUnderTest
    ) -> None:
        """The second payment must not be taken for a repeat of the first."""
        charges = [await self.paid(gateway) for _ in range(3)]
        keys = [
            notice.event_key
            for charge in charges
            for notice in await self.paid_notices(gateway, charge.number)
        ]
        assert len(keys) == len(set(keys)) == 3

    async def test_a_refund_is_never_told_as_a_second_payment(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Some gateways repeat the payment's words when a part went back."""
        charge = await self.paid(gateway, minor=5_000)
        payment = (await self.paid_notices(gateway, charge.number))[0]
        before = len(await gateway.notices())
        part = 2_000 if self.terms.refunds.partial else 5_000
        await self.refunded(gateway, self.refund_order(charge, part))
        for raw in (await gateway.notices())[before:]:
            notice = await gateway.provider.parse_notice(raw)
            assert notice.event_key != payment.event_key
            assert notice.refund is not None
            assert notice.receipt is None or notice.receipt.amount == charge.amount

    async def test_a_notice_of_another_merchants_money_says_so(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Well signed and not ours: an attention item, never a payment."""
        gateway.speak_for_another()
        notice = await gateway.provider.parse_notice(await self._genuine(gateway))
        assert notice.receipt is not None
        assert notice.receipt.foreign

    # --- not believed ---------------------------------------------------------------

    async def test_no_byte_of_a_notice_can_be_changed(self, gateway: GatewayUnderTest) -> None:
        """Every byte, two ways: rejected, or it said nothing."""
        raw = await self._genuine(gateway)
        genuine = await gateway.provider.parse_notice(raw)
        for body in _flipped(raw.body):
            await self._same_or_rejected(gateway, replace(raw, body=body), genuine)

    async def test_no_header_of_a_notice_can_be_changed(self, gateway: GatewayUnderTest) -> None:
        """Changed, emptied or taken away: rejected, or it said nothing."""
        raw = await self._genuine(gateway)
        genuine = await gateway.provider.parse_notice(raw)
        for name, value in raw.headers.items():
            others = [v.decode("latin-1") for v in _flipped(value.encode("latin-1"))]
            for changed in ["", value + "0", value[:-1], *others[:40]]:
                headers = {**raw.headers, name: changed}
                await self._same_or_rejected(gateway, replace(raw, headers=headers), genuine)
            fewer = {n: v for n, v in raw.headers.items() if n != name}
            await self._same_or_rejected(gateway, replace(raw, headers=fewer), genuine)

    async def test_an_unsigned_notice_is_rejected(self, gateway: GatewayUnderTest) -> None:
        """Anyone can write one."""
        raw = gateway.unsigned(await self._genuine(gateway))
        with pytest.raises(NoticeRejected):
            await gateway.provider.parse_notice(raw)

    async def test_a_strangers_signature_is_rejected(self, gateway: GatewayUnderTest) -> None:
        """Right in every way, but for the key."""
        gateway.forge_notices()
        with pytest.raises(NoticeRejected) as rejected:
            await gateway.provider.parse_notice(await self._genuine(gateway))
        assert rejected.value.problem in {
            NoticeProblem.SIGNATURE_WRONG,
            NoticeProblem.UNKNOWN_KEY,
        }

    async def test_a_late_notice_is_believed_as_long_as_its_window_says(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Where a time is signed, an old message is a replay; elsewhere it is just late."""
        raw = await self._genuine(gateway)
        genuine = await gateway.provider.parse_notice(raw)
        window = self.notice_window
        just = (window or timedelta(days=1)) - timedelta(seconds=5)
        gateway.advance(just)
        in_time = replace(raw, received_at=raw.received_at + just)
        assert await gateway.provider.parse_notice(in_time) == genuine
        if window is not None:
            gateway.advance(timedelta(seconds=10))
            late = replace(raw, received_at=in_time.received_at + timedelta(seconds=10))
            with pytest.raises(NoticeRejected) as rejected:
                await gateway.provider.parse_notice(late)
            assert rejected.value.problem is NoticeProblem.STALE

    async def test_a_notice_from_the_future_is_a_replay_too(
        self, gateway: GatewayUnderTest
    ) -> None:
        """A signed time far ahead of ours proves no freshness."""
        raw = await self._genuine(gateway)
        if self.notice_window is None:
            assert (await gateway.provider.parse_notice(raw)).receipt
            return
        early = self.notice_window + timedelta(seconds=10)
        gateway.advance(-early)
        with pytest.raises(NoticeRejected):
            await gateway.provider.parse_notice(replace(raw, received_at=raw.received_at - early))

    async def test_a_truncated_notice_is_rejected(self, gateway: GatewayUnderTest) -> None:
        """Cut anywhere."""
        raw = await self._genuine(gateway)
        for length in sorted({1, 2, len(raw.body) // 2, len(raw.body) - 2, len(raw.body) - 1}):
            with pytest.raises(NoticeRejected):
                await gateway.provider.parse_notice(replace(raw, body=raw.body[:length]))

    async def test_a_lengthened_notice_is_rejected(self, gateway: GatewayUnderTest) -> None:
        """What is hung on behind a signed message is not part of it."""
        raw = await self._genuine(gateway)
        for tail in (b"&total_amount=99999.00", b"{}", b"\x00", b"\xff"):
            with pytest.raises(NoticeRejected):
                await gateway.provider.parse_notice(replace(raw, body=raw.body + tail))

    @pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
    async def test_junk_is_rejected(self, gateway: GatewayUnderTest, junk: bytes) -> None:
        """Under genuine headers or none, and without another kind of error."""
        raw = await self._genuine(gateway)
        for headers in (raw.headers, {}):
            with pytest.raises(NoticeRejected):
                await gateway.provider.parse_notice(replace(raw, headers=headers, body=junk))

    async def test_rejecting_tells_no_secret(
        self, gateway: GatewayUnderTest, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither in the error nor in the log, which a forger could provoke."""
        caplog.set_level("DEBUG")
        raw = await self._genuine(gateway)
        with pytest.raises(NoticeRejected) as rejected:
            await gateway.provider.parse_notice(replace(raw, body=raw.body[:-1]))
        assert_silent(gateway, told(rejected.value), logged(caplog))

    # --- answered -------------------------------------------------------------------

    async def test_a_believed_notice_is_acknowledged_in_the_gateways_form(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Then it stops sending."""
        assert gateway.hears(gateway.provider.acknowledge(None))

    @pytest.mark.parametrize("problem", list(NoticeProblem))
    async def test_a_rejected_notice_is_not_acknowledged(
        self, gateway: GatewayUnderTest, problem: NoticeProblem
    ) -> None:
        """An honest sender sends again."""
        rejected = NoticeRejected(problem, "Not believed.")
        assert not gateway.hears(gateway.provider.acknowledge(rejected))

    async def test_notices_are_signed_if_the_terms_say_so(self, gateway: GatewayUnderTest) -> None:
        """Taking the signature away must change something."""
        assert self.terms.notices_signed
        raw = await self._genuine(gateway)
        bare = gateway.unsigned(raw)
        assert (dict(bare.headers), bare.body) != (dict(raw.headers), raw.body)


def _flipped(body: bytes) -> Iterator[bytes]:
    """Yield the body with each of its bytes changed, in two ways."""
    for index in range(len(body)):
        for mask in (0x01, 0x80):
            yield body[:index] + bytes([body[index] ^ mask]) + body[index + 1 :]
