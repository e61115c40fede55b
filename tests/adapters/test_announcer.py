"""Everybody who listens hears every event, whatever becomes of the others."""

import logging
from datetime import UTC, datetime

import pytest

from retender.adapters.announcer import InProcessAnnouncer, log_event
from retender.domain.model.event import Event, EventKind

PAID = Event(
    event_id="E1",
    kind=EventKind.ORDER_PAID,
    subject="O1",
    order_no="shop-1",
    at=datetime(2026, 3, 14, tzinfo=UTC),
)

pytestmark = pytest.mark.asyncio


class Ear:
    def __init__(self, problem=None):
        self.heard = []
        self.problem = problem

    async def __call__(self, event):
        self.heard.append(event)
        if self.problem:
            raise self.problem


async def test_every_listener_hears_the_event():
    early, late = Ear(), Ear()
    announcer = InProcessAnnouncer(early)
    announcer.listen(late)
    await announcer(PAID)
    assert early.heard == late.heard == [PAID]


async def test_nobody_listening_is_no_error():
    await InProcessAnnouncer()(PAID)


async def test_a_listener_that_fails_keeps_the_event_from_nobody_and_is_told_on():
    deaf, lost, good = Ear(ValueError("deaf")), Ear(KeyError("lost")), Ear()
    with pytest.raises(ExceptionGroup, match="E1") as caught:
        await InProcessAnnouncer(deaf, lost, good)(PAID)
    assert good.heard == [PAID]
    assert caught.value.exceptions == (deaf.problem, lost.problem)


async def test_the_log_names_the_event_and_its_order(caplog):
    with caplog.at_level(logging.INFO):
        await InProcessAnnouncer(log_event)(PAID)
    (record,) = caplog.records
    assert record.getMessage() == "order.paid: order shop-1, subject O1, event E1"
