"""What OpenAPI shows of good answers; a test reads each back through its view."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from retender.domain.model.answers import ReceiptState
from retender.domain.model.money import Money
from retender.domain.model.outcome import Outcome
from retender.domain.model.page import PageKind
from retender.domain.model.story import OrderPlaced, StoryEntry
from retender.domain.model.story_money import Answer, NoticeHeard
from retender.domain.model.story_pages import PageReused
from retender.entrypoints.addresses import Addresses
from retender.entrypoints.views.explanation_view import LineView
from retender.entrypoints.views.order_view import StoryView
from retender.entrypoints.words.speaker import Speaker

_AMOUNT = {"amount": "88.80", "currency": "CNY", "minor": 8880}
_ATTEMPT_ID = "01K4YQ7Z0V6M3T9E2B5C8D1F4G"
_NUMBER = "01K4YQ7Z0WXA8H2J5N6P7R3S4T"
_ORDER_NO = "20260701-0042"
_PAGE_URL = Addresses("https://pay.example.com").page(_ATTEMPT_ID)

_PLACED_AT = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
_PAGE_UNTIL = _PLACED_AT + timedelta(minutes=31)

_PLACED = StoryEntry(
    order_id="01K4YQ7Z0TM5N7P9R1S3T5V7W9",
    at=_PLACED_AT,
    fact=OrderPlaced(amount=Money(8880, "CNY"), pay_until=_PLACED_AT + timedelta(minutes=30)),
)
_REUSED = replace(
    _PLACED,
    attempt_id=_ATTEMPT_ID,
    at=_PLACED_AT + timedelta(minutes=2),
    fact=PageReused(
        account="wechat_pay",
        page_kind=PageKind.QR,
        page_until=_PAGE_UNTIL,
    ),
)
_WON = replace(
    _REUSED,
    at=_PLACED_AT + timedelta(minutes=4, seconds=12),
    fact=NoticeHeard(
        account="wechat_pay",
        event_key="5f1c0a5e-8c6d-5f63-9b0e-1d2f3a4b5c6d",
        answer=Answer(
            state=ReceiptState.PAID,
            number=_NUMBER,
            amount=Money(8880, "CNY"),
            provider_trade_no="4200000000202607010000000001",
            captured_at=_PLACED_AT + timedelta(minutes=4, seconds=11),
        ),
        outcome=Outcome.WON,
        about="TRANSACTION.SUCCESS",
    ),
)


def _line(seq: int, entry: StoryEntry) -> dict[str, Any]:
    """Return a line of a story as it is answered."""
    return LineView.of(seq, entry, _PLACED_AT, Speaker()).model_dump(mode="json")


ORDER: dict[str, Any] = {
    "order_no": _ORDER_NO,
    "user_id": "user-7",
    "subject": "Jasmine tea, 2 tins",
    "amount": _AMOUNT,
    "state": "NEW",
    "key": None,
    "created_at": "2026-07-01T08:00:00Z",
    "pay_until": "2026-07-01T08:30:00Z",
    "end_reason": None,
    "late_payment": None,
}

CLOSED_ORDER: dict[str, Any] = {
    **ORDER,
    "state": "CLOSED",
    "end_reason": "cancelled",
    "late_payment": "refund",
}

PAGE_READY: dict[str, Any] = {
    "status": "page_ready",
    "order_no": _ORDER_NO,
    "attempt_id": _ATTEMPT_ID,
    "account": "wechat_pay",
    "client_type": "pc",
    "page": {"kind": "qr", "content": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"},
    "page_url": _PAGE_URL,
    "page_until": "2026-07-01T08:31:00Z",
    "pay_until": "2026-07-01T08:30:00Z",
    "reused": False,
}

ANSWER_PENDING: dict[str, Any] = {
    "status": "answer_pending",
    "order_no": _ORDER_NO,
    "attempt_id": _ATTEMPT_ID,
    "account": "wechat_pay",
    "client_type": "pc",
    "retry_after_seconds": 2,
    "page_url": _PAGE_URL,
}

METHODS: dict[str, Any] = {
    "client_type": "h5",
    "methods": [
        {
            "account": "alipay",
            "title": "Alipay",
            "provider": "alipay",
            "page_kind": "redirect",
            "needs": [],
            "instalments": [3, 6, 12],
            "available": True,
            "why_not": None,
            "because": None,
            "retry_at": None,
        },
        {
            "account": "wechat_pay",
            "title": "WeChat Pay",
            "provider": "wechat_pay",
            "page_kind": "redirect",
            "needs": ["client_ip"],
            "instalments": [],
            "available": False,
            "why_not": "PROVIDER_UNAVAILABLE",
            "because": "wechat_pay did not answer 5 times in a row; nothing was sent, and it is "
            "tried again at 2026-07-01T08:05:09+00:00.",
            "retry_at": "2026-07-01T08:05:09Z",
        },
    ],
}

REFUND: dict[str, Any] = {
    "refund_no": "R-20260701-0042-1",
    "number": "F01K4YR3C5D7E9F1G2H3J4K5M6N",
    "attempt_id": _ATTEMPT_ID,
    "amount": {"amount": "8.80", "currency": "CNY", "minor": 880},
    "cause": "shop",
    "reason": "One tin broke",
    "state": "DONE",
    "created_at": "2026-07-02T09:00:00Z",
    "tries": 1,
    "next_try_at": None,
    "provider_refund_no": "50300901",
    "problem": None,
}

REFUND_DUE: dict[str, Any] = {
    **REFUND,
    "state": "SENT",
    "next_try_at": "2026-07-02T09:00:10Z",
    "provider_refund_no": None,
}

_NOTHING = {"amount": "0.00", "currency": "CNY", "minor": 0}

SHOWN_ORDER: dict[str, Any] = {
    "order": {**ORDER, "state": "PAID"},
    "sums": {"taken": _AMOUNT, "given_back": _NOTHING, "going_back": _NOTHING, "kept": _AMOUNT},
    "attempts": [
        {
            "attempt_id": _ATTEMPT_ID,
            "idx": 1,
            "account": "wechat_pay",
            "client_type": "pc",
            "page_kind": "qr",
            "instalments": None,
            "number": _NUMBER,
            "amount": _AMOUNT,
            "state": "SUCCEEDED",
            "winner": True,
            "created_at": "2026-07-01T08:00:03Z",
            "expires_at": "2026-07-01T08:31:00Z",
            "captured_at": "2026-07-01T08:04:11Z",
            "provider_trade_no": "4200000000202607010000000001",
        }
    ],
}

EXPANDED_ORDER: dict[str, Any] = {
    **SHOWN_ORDER,
    "refunds": [],
    "surpluses": [],
    "events": [
        {
            "event_id": "01K4YQJ8M2N4P6R8T1V3W5X7Y9",
            "kind": "order.paid",
            "at": "2026-07-01T08:04:12Z",
            "data": {
                "account": "wechat_pay",
                "amount": _AMOUNT,
                "client_type": "pc",
                "number": _NUMBER,
            },
        }
    ],
    "story": [StoryView.of(_PLACED, Speaker()).model_dump(mode="json")],
}

EXPLANATION: dict[str, Any] = {
    "order": SHOWN_ORDER["order"],
    "summary": {
        "state": "PAID",
        "winner": _ATTEMPT_ID,
        "evidence": _line(5, _WON),
        "due": _AMOUNT,
        "taken": _AMOUNT,
        "given_back": _NOTHING,
        "going_back": _NOTHING,
        "kept": _AMOUNT,
        "open": [],
    },
    "lines": [_line(1, _PLACED)],
    "attempts": [
        {
            "attempt": SHOWN_ORDER["attempts"][0],
            "page_until": None,
            "watch_until": "2026-07-01T08:33:00Z",
            "looks": 0,
            "next_look_at": None,
            "lines": [_line(4, _REUSED), _line(5, _WON)],
        }
    ],
    "refunds": [],
    "events": EXPANDED_ORDER["events"],
    "attention": [],
}

ATTENTION_ITEM: dict[str, Any] = {
    "attention_id": "01K4YTZ0Q8R6S4T2V0W8X6Y4Z2",
    "code": "UNKNOWN_TOO_LONG",
    "account": "wechat_pay",
    "number": _NUMBER,
    "at": "2026-07-01T09:33:04Z",
    "source": "unknown for more than 1:00:00 after its watch",
    "data": {
        "state": "CLOSING",
        "amount": "88.80 CNY",
        "watch_until": "2026-07-01T08:33:00+00:00",
        "looks": "14",
    },
    "about": "attempt",
    "subject": _ATTEMPT_ID,
    "order_no": _ORDER_NO,
    "ending": None,
}

ATTENTION: dict[str, Any] = {
    "at": "2026-07-01T09:40:00Z",
    "count": 1,
    "waiting": [{"code": "UNKNOWN_TOO_LONG", "count": 1, "since": "2026-07-01T09:33:04Z"}],
    "items": [ATTENTION_ITEM],
}

ATTENTION_CASE: dict[str, Any] = {
    "item": ATTENTION_ITEM,
    "options": [
        {
            "resolution": "dead",
            "does": "You say that it can take no money: the attempt is CLOSED, and its order may "
            "end. Should money come all the same, it is heard of and given back.",
            "why_not": None,
        },
        {
            "resolution": "noted",
            "does": "You have seen it; nothing changes. If it does not end, it is brought up "
            "again.",
            "why_not": None,
        },
    ],
    "order": None,
}
