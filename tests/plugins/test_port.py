"""What crosses the provider's port speaks of something: an empty number is refused aloud."""

from datetime import UTC, datetime
from typing import Any

import pytest

from retender.domain.model.money import Money
from retender.ports.payment_provider import (
    BillLine,
    Capture,
    Notice,
    Receipt,
    ReceiptState,
    RefundReceipt,
    RefundReceiptState,
)

OPEN, DONE = ReceiptState.OPEN, RefundReceiptState.DONE
NOW = datetime(2026, 1, 15, tzinfo=UTC)
CNY = Money(100, "CNY")

RECEIPT = {"number": "P1", "reference": "theirs", "provider_trade_no": "T1", "state": OPEN}
REFUND = {"number": "R1", "charge_number": "P1", "provider_refund_no": "T2", "state": DONE}
LINE: dict[str, Any] = {
    "number": "P1",
    "refund_number": "R1",
    "provider_trade_no": "T1",
    "reference": "theirs",
    "amount": CNY,
    "at": NOW,
}


@pytest.mark.parametrize("number", ["", None])
def test_a_refund_receipt_without_a_number_is_refused(number):
    """It would be booked as another hand's, or dropped, under no name."""
    with pytest.raises(ValueError, match="the provider's own id if the refund was made elsewhere"):
        RefundReceipt(number=number, state=DONE, charge_number="P1", amount=CNY)


@pytest.mark.parametrize("key", ["", None])
def test_a_notice_without_a_key_is_refused(key):
    """The second of them would be taken for a repeat of the first."""
    with pytest.raises(ValueError, match="repeats are known by it"):
        Notice(event_key=key)


@pytest.mark.parametrize("number", ["", None])
def test_a_capture_without_a_number_is_refused(number):
    with pytest.raises(ValueError, match="the provider's number"):
        Capture(number, CNY)


@pytest.mark.parametrize(
    ("kind", "facts"), [(Receipt, RECEIPT), (RefundReceipt, REFUND), (BillLine, LINE)]
)
def test_every_number_is_there_or_none_and_never_empty(kind, facts):
    """An empty text is a name that everything without one would share."""
    kind(**facts)
    texts = [name for name, value in facts.items() if type(value) is str]
    assert len(texts) >= 3
    for name in texts:
        with pytest.raises(ValueError, match=r"is empty|bears the refund's number"):
            kind(**{**facts, name: ""})


def test_a_line_of_a_bill_that_names_nothing_is_refused():
    with pytest.raises(ValueError, match="names a number or a reference"):
        BillLine(**{**LINE, "number": None, "reference": None})
