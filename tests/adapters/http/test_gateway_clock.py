"""What a gateway's answers prove of its clock, and what they do not."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from retender.adapters.http.gateway_clock import (
    FORGOTTEN_AFTER,
    PROBED_AFTER,
    GatewayClock,
    Measurement,
)
from retender.adapters.http.transport import HttpxTransport
from retender.adapters.watched_clock import GatewayClocks
from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.errors import StoreBusy
from retender.tests.contracts.transport import asking
from retender.tests.contracts.transport_servers import answering, serving

NOON = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
NOTHING = timedelta(0)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class Ours:
    """Our clock, which stands still until told to move."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def ours():
    return Ours()


@pytest.fixture
def theirs(ours):
    return GatewayClock("alipay", clock=ours, deadlines=DeadlinePolicy(watch=seconds(120)))


def answer(ours: Ours, theirs: GatewayClock, ahead: float, took: float = 0.1) -> None:
    """Let an answer come in from a gateway whose clock is so many seconds ahead."""
    asked_at = ours.now
    ours.now += seconds(took)
    said = asked_at + seconds(took / 2 + ahead)
    theirs.learn(format_datetime(said.replace(microsecond=0), usegmt=True), asked_at=asked_at)


def measured(said: datetime, took: float) -> Measurement:
    return Measurement.of(said, asked_at=NOON, answered_at=NOON + seconds(took))


# --- one answer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "took", "sure"),
    [
        (seconds(0), 0.1, 0),
        (seconds(-1), 0.1, 0),  # cut to the second before
        (seconds(-2), 0.1, 0),  # and looked at a second ago
        (seconds(-3), 0.1, -1),
        (seconds(1), 0.1, 0.9),
        (seconds(300), 0.1, 299.9),
        (seconds(-300), 0.1, -298),
        (seconds(130), 20, 110),  # said at the end of what took so long, perhaps
        (seconds(-130), 20, -128),  # or at its beginning
        (seconds(8), 10, 0),
    ],
)
def test_only_what_no_delay_explains_is_sure(said, took, sure):
    assert measured(NOON + said, took).sure == seconds(sure)


def test_the_true_difference_is_always_between_the_bounds():
    """Whenever the gateway looked at its clock, and wherever in a second that was."""
    for ahead in (-200.4, -1.0, 0.0, 0.7, 3.3, 121.9):
        for took in (0.0, 0.3, 9.0):
            for share in (0, 0.5, 1):
                for renewed_ago in (0, 0.99):
                    looked = NOON + seconds(took * share + ahead - renewed_ago)
                    found = measured(looked.replace(microsecond=0), took)
                    assert found.least <= seconds(ahead) <= found.most
                    assert found.most - found.least == seconds(took + 2)


# --- the last few --------------------------------------------------------------------------


def test_of_a_gateway_that_never_answered_nothing_is_known(theirs):
    assert (theirs.difference, theirs.offset, theirs.last) == (NOTHING, None, None)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Jan 2026 12:00:00 GMT"])
def test_an_answer_without_a_date_says_nothing(ours, theirs, date):
    theirs.learn(date, asked_at=ours.now)
    assert (theirs.difference, theirs.offset, theirs.last) == (NOTHING, None, None)


@pytest.mark.parametrize("ahead", [600, -600])
def test_one_answer_alone_proves_nothing_and_a_second_one_does(ours, theirs, ahead):
    answer(ours, theirs, ahead)
    assert theirs.difference == NOTHING
    answer(ours, theirs, ahead)
    assert abs(theirs.difference - seconds(ahead)) < seconds(3)


@pytest.mark.parametrize("before", range(3))
def test_one_false_answer_is_outvoted(ours, theirs, before):
    """A proxy may answer in the gateway's place, with any Date."""
    for place in range(3):
        answer(ours, theirs, 90_000 if place == before else 0)
        assert theirs.difference == NOTHING


@pytest.mark.parametrize("before", range(3))
def test_one_slow_answer_hides_nothing(ours, theirs, before):
    for place in range(3):
        answer(ours, theirs, 200, took=400 if place == before else 0.1)
    assert abs(theirs.difference - seconds(200)) < seconds(3)


def test_slow_answers_alone_prove_nothing(ours, theirs):
    for _ in range(3):
        answer(ours, theirs, 3, took=9)
    assert theirs.difference == NOTHING


def test_two_that_disagree_prove_nothing(ours, theirs):
    answer(ours, theirs, 600)
    answer(ours, theirs, -600)
    assert theirs.difference == NOTHING


def test_a_clock_that_was_set_right_is_believed_after_two_answers(ours, theirs):
    for _ in range(5):
        answer(ours, theirs, 600)
    answer(ours, theirs, 0)
    assert theirs.difference > seconds(590)
    answer(ours, theirs, 0)
    assert theirs.difference == NOTHING


def test_what_was_measured_grows_old(ours, theirs):
    """Else a gateway that is left alone for its clock could never come back."""
    for _ in range(3):
        answer(ours, theirs, 600)
    ours.now += FORGOTTEN_AFTER - seconds(1)
    assert theirs.difference > seconds(590)
    ours.now += seconds(1)
    assert theirs.difference == NOTHING


def test_our_own_clock_set_back_makes_it_old_too(ours, theirs):
    for _ in range(3):
        answer(ours, theirs, 600)
    ours.now -= timedelta(hours=1)
    assert theirs.difference == NOTHING


# --- asking again --------------------------------------------------------------------------


async def settled():
    """Let tasks that wait for nothing come to their end."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_a_gateway_that_was_too_far_off_is_asked_again_soon(ours, theirs):
    """Two answers make it right again, long before what was measured is forgotten."""
    probes = []

    async def probe():
        probes.append(ours.now)
        answer(ours, theirs, 0)

    for _ in range(3):
        answer(ours, theirs, 600)
    theirs.probe = probe
    ours.now += PROBED_AFTER - seconds(1)
    theirs.probe_if_off()
    await settled()
    assert probes == []
    ours.now += seconds(1)
    theirs.probe_if_off()
    theirs.probe_if_off()
    await settled()
    assert (len(probes), theirs.difference) == (2, NOTHING)
    ours.now += PROBED_AFTER
    theirs.probe_if_off()
    await settled()
    assert len(probes) == 2, "nobody asks a gateway whose clock is right"


@pytest.mark.asyncio
async def test_one_that_cannot_be_asked_is_asked_again_later(ours, theirs, caplog):
    caplog.set_level(logging.INFO)
    probes = []

    async def probe():
        probes.append(ours.now)
        message = "not reached"
        raise ConnectionError(message)

    for _ in range(3):
        answer(ours, theirs, 600)
    theirs.probe = probe
    for _ in range(2):
        ours.now += PROBED_AFTER
        theirs.probe_if_off()
        await settled()
    assert len(probes) == 2
    assert "asked for its time in vain: not reached" in caplog.text


@pytest.mark.asyncio
async def test_a_transport_asks_for_the_time_and_nothing_else(ours):
    clocks = GatewayClocks(clock=ours, deadlines=DeadlinePolicy(watch=seconds(120)))
    async with (
        HttpxTransport(clock=ours, gateway_clock=clocks.of("alipay")) as transport,
        serving(answering(200, b"", "Date: Thu, 15 Jan 2026 12:05:00 GMT")) as server,
    ):
        for _ in range(3):
            await transport(asking(server.url, "/gateway.do?sign=secret"))
        ours.now += timedelta(minutes=5)
        assert clocks.difference("alipay") > seconds(120), "not waited for"
        probing = clocks.of("alipay")._probing
        assert probing is not None
        await probing
        assert clocks.difference("alipay") == NOTHING
        asked = [each.line for each in server.received[3:]]
    assert asked == ["HEAD / HTTP/1.1"] * 2


# --- the alarm -----------------------------------------------------------------------------


def test_it_is_told_once_when_it_becomes_worse_or_better(ours, theirs, caplog):
    caplog.set_level(logging.INFO)
    for ahead in (0, 0, 0, 70, 70, 70, -200, -200, -200, 0, 0, 0):
        answer(ours, theirs, ahead)
    told = [(record.levelname, record.message.rpartition(": ")[2]) for record in caplog.records]
    assert told == [
        ("WARNING", "over half of what pay.watch_seconds allows; set the clocks"),
        ("WARNING", "over pay.watch_seconds; nobody begins to pay there"),
        ("INFO", "that is well"),
    ]
    assert caplog.records[0].message.startswith("the clock of alipay's gateway is +")


# --- every account its own -----------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_transport_teaches_its_own_accounts_clock(ours):
    clocks = GatewayClocks(clock=ours, deadlines=DeadlinePolicy())
    far = "Date: Thu, 15 Jan 2026 12:05:00 GMT"
    async with (
        HttpxTransport(clock=ours, gateway_clock=clocks.of("alipay")) as transport,
        serving(answering(200, b"{}", far)) as server,
    ):
        for _ in range(2):
            await transport(asking(server.url))
    assert clocks.difference("alipay") == timedelta(minutes=5)
    assert clocks.difference("wechat_pay") == NOTHING
    assert clocks.offsets() == {"alipay": timedelta(minutes=5, milliseconds=500)}


# --- our own clock -------------------------------------------------------------------------


def say(clocks: GatewayClocks, account: str, ahead: float) -> None:
    """Let two answers come from an account's gateway, whose clock is so far ahead."""
    for _ in range(2):
        asked_at = clocks()
        said = format_datetime(asked_at + seconds(ahead), usegmt=True)
        clocks.of(account).learn(said, asked_at=asked_at)


def watching(ours: Ours, **more: Any) -> GatewayClocks:
    deadlines = DeadlinePolicy(watch=seconds(120))
    provider_of = lambda account: account.partition("-")[0]  # noqa: E731 - handed on
    return GatewayClocks(clock=ours, deadlines=deadlines, provider_of=provider_of, **more)


def test_two_providers_that_agree_say_that_our_clock_is_wrong(ours, caplog):
    caplog.set_level(logging.INFO)
    clocks = watching(ours)
    say(clocks, "alipay-1", -300)
    assert (clocks.is_wrong(), clocks.is_wrong("alipay-1")) == (False, True)
    say(clocks, "wechat", -301)
    assert clocks.is_wrong()
    assert clocks.is_wrong("stripe"), "of whose clock nothing is known"
    assert clocks.difference() == clocks.difference("alipay-1")
    assert clocks() == ours.now
    say(clocks, "wechat", 0)
    assert not clocks.is_wrong()
    told = [record.message for record in caplog.records if record.message.startswith("our own")]
    assert told == [
        (
            "our own clock is +298 s from those of others, who agree: nothing is begun and "
            "nothing ends until it is set"
        ),
        "our own clock is right again, by the word of others",
    ]


def test_two_accounts_of_one_provider_are_one_witness(ours):
    clocks = watching(ours)
    say(clocks, "alipay-1", -300)
    say(clocks, "alipay-2", -300)
    assert not clocks.is_wrong()


def test_of_two_accounts_of_one_provider_the_one_nearest_to_ours_counts(ours):
    clocks = watching(ours)
    for account, ahead in (("alipay-1", -300), ("alipay-2", 0), ("wechat", -300)):
        say(clocks, account, ahead)
    assert not clocks.is_wrong()


def test_what_was_said_too_long_ago_is_no_witness(ours):
    clocks = watching(ours)
    say(clocks, "alipay", -300)
    say(clocks, "wechat", -300)
    ours.now += FORGOTTEN_AFTER
    assert not clocks.is_wrong()


@pytest.mark.asyncio
async def test_a_database_on_another_host_is_a_witness_and_is_asked_now_and_then(ours):
    asked = []

    async def time_of_database() -> datetime:
        asked.append(ours.now)
        return ours.now - seconds(300)

    clocks = watching(ours, database_time=time_of_database)
    say(clocks, "alipay", -300)
    assert not clocks.is_wrong(), "it was not waited for"
    await settled()
    assert clocks.is_wrong()
    assert clocks.difference() == -seconds(298), "what says least: a Date is cut to seconds"
    assert len(asked) == 2
    ours.now += PROBED_AFTER
    clocks.is_wrong()
    await settled()
    assert len(asked) == 4


def test_one_answer_that_is_dated_too_far_off_is_enough_to_doubt_what_it_says(ours):
    """After a jump of our clock the first one that tells of it may say "not found"."""
    clocks = watching(ours)
    for _ in range(3):
        answer(ours, clocks.of("alipay"), 0)
    ours.now += timedelta(hours=2)
    answer(ours, clocks.of("alipay"), -7200)
    assert clocks.is_wrong("alipay")
    assert clocks.difference("alipay") == NOTHING, "to refuse a payer takes two"


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Wed, 01 Jan 5000 00:00:00 GMT"])
def test_a_date_at_the_end_of_time_is_none(ours, theirs, date):
    theirs.learn(date, asked_at=ours.now)
    assert theirs.last is None


@pytest.mark.asyncio
async def test_a_clock_that_was_set_back_is_asked_about_soon_and_a_dead_one_not_at_every_look(ours):
    asked = []

    async def in_vain() -> datetime:
        asked.append(ours.now)
        raise StoreBusy("no connection")

    clocks = watching(ours, database_time=in_vain)
    for _ in range(50):
        clocks.is_wrong()
        await settled()
    assert len(asked) == 1
    ours.now -= timedelta(minutes=10)
    clocks.is_wrong()
    await settled()
    assert len(asked) == 2
