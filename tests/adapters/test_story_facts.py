"""Facts as text: exact both ways for every class, and nothing is guessed of what is not ours."""

import json
from dataclasses import fields

import pytest

from retender.adapters.sql.facts import fact_of, facts_text
from retender.domain.model.cause import Cause, Problem, Reason, Source
from retender.domain.model.errors import InvalidInput
from retender.domain.model.money import Money
from retender.domain.model.story import FACTS, OrderChanged
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.story_money import Answer, ProviderNotAsked
from retender.domain.model.story_pages import EarlierAttempt
from retender.domain.model.switch_policy import SwitchChoice
from retender.domain.model.transition import OrderState
from retender.tests.entrypoints.words.facts import every_fact


def test_every_fact_is_read_back_as_it_was_written():
    kinds = set()
    for fact in every_fact():
        text = facts_text(fact)
        text.encode()  # or no database keeps it
        assert "\0" not in text
        back = fact_of(fact.kind, text)
        assert back == fact
        assert type(back) is type(fact)
        kinds.add(fact.kind)
    assert kinds == set(FACTS)


@pytest.mark.parametrize(
    ("odd", "kept"), [("a\ud800b", "a?b"), ("a\0b", "a\N{REPLACEMENT CHARACTER}b")]
)
def test_what_no_database_takes_is_replaced_and_nothing_else(odd, kept):
    """Nor could any answer bear it: half a character has no bytes."""
    told = ProviderNotAsked(account=odd, problem=Problem(code="X", message=odd, details={odd: odd}))
    assert fact_of(told.kind, facts_text(told)) == ProviderNotAsked(
        account=kept, problem=Problem(code="X", message=kept, details={kept: kept})
    )


def test_types_are_read_back_too():
    """An enumeration's member equals its text, so equal is not enough."""
    won = OrderChanged(
        before=OrderState.NEW,
        after=OrderState.PAID,
        cause=Cause(reason=Reason.TAKEN, source=Source.QUERY, amount=Money(1, "CNY")),
    )
    back = fact_of(won.kind, facts_text(won))
    assert isinstance(back, OrderChanged)
    assert type(back.before) is OrderState
    assert type(back.cause.source) is Source


def test_the_last_facts_are_not_kept_if_they_have_their_defaults():
    closed = OrderChanged(
        before=OrderState.EXPIRING,
        after=OrderState.CLOSED,
        cause=Cause(reason=Reason.NOTHING_LIVE),
    )
    assert facts_text(closed) == '["EXPIRING","CLOSED",["nothing_live"]]'


SHAPES = {
    "OrderPlaced": "amount pay_until",
    "OrderChanged": "before after cause",
    "AttemptMade": "idx state account client_type page_kind product number expires_at watch_until",
    "AttemptChanged": "before after cause",
    "TradeNumberNotKept": "provider_trade_no",
    "PageHandedOut": "account page_kind product page_until reference",
    "PageReused": "account page_kind page_until",
    "PageNotReused": "idx earlier",
    "PageAskedAgain": "account number because page_until",
    "PageTooLate": "account page_kind product page_until because reference",
    "PageLeft": "account page_kind choice payable_until",
    "PageLeftOpen": "account choice payable_until",
    "SwitchNotAllowed": "account choice payable_until",
    "PageNotGiven": "account number outcome problem refusal",
    "PayRefused": "account client_type problem",
    "ProviderAnswered": "account source asked_at answer outcome watch_until clock_is_wrong",
    "ProviderDidNotAnswer": "account source asked_at problem",
    "ProviderNotAsked": "account problem",
    "NoticeHeard": "account event_key answer outcome about",
    "EvidenceMisfit": "account source attention answer",
    "RefundDecided": "refund_no amount cause reason",
    "RefundChanged": "refund_no before after cause",
    "RefundAnswered": (
        "refund_no number source answer amount provider_refund_no absence_proves words"
    ),
    "RefundRefused": "refund_no source problem",
    "RefundNotAnswered": "refund_no source problem",
    "RefundMisfit": "refund_no number source answer said ours provider_refund_no",
    "RefundTold": "refund_no event amount cause problem",
    "AttentionOpened": "attention_id attention account about subject row key",
    "AttentionEnded": "attention_id attention resolution by words",
    "Cause": (
        "reason source account amount number until "
        "policy late_payment tries answer trade_nos by words"
    ),
    "Problem": "code message details",
    "Answer": "state number reference amount provider_trade_no captured_at foreign",
    "EarlierAttempt": "idx misfits",
    "SwitchChoice": "policy reason amount limit",
}
"""The facts of each class in the order in which they are kept. What is kept is read for years."""


def test_facts_are_only_ever_added_at_the_end_and_with_a_default():
    """Their order is how they are told apart: change a line here by adding to its end alone."""
    found = {}
    for made in (*FACTS.values(), Cause, Problem, Answer, EarlierAttempt, SwitchChoice):
        found[made.__name__] = " ".join(part.name for part in fields(made))
    assert found == SHAPES


def test_a_row_of_an_older_version_is_read_with_the_defaults_of_what_came_later():
    older = '["NEW","PAID",["taken","query"]]'
    assert fact_of(StoryKind.ORDER_CHANGED, older) == OrderChanged(
        before=OrderState.NEW,
        after=OrderState.PAID,
        cause=Cause(reason=Reason.TAKEN, source=Source.QUERY),
    )


AMOUNT, UNTIL = [8880, "CNY"], 1773500966535897


@pytest.mark.parametrize(
    "spoilt",
    [
        [None, UNTIL],
        ["88.80 CNY", UNTIL],
        [[8880], UNTIL],
        [[88.8, "CNY"], UNTIL],
        [[True, "CNY"], UNTIL],
        [[8880, "???"], UNTIL],
        [AMOUNT, "2026-03-14"],
        [AMOUNT, 10**18],
        [AMOUNT, 10**30],
        [AMOUNT, True],
        [AMOUNT, None],
        [UNTIL, AMOUNT],
        [AMOUNT],
        [AMOUNT, UNTIL, "more"],
    ],
)
def test_what_does_not_fit_its_class_is_refused(spoilt):
    assert (
        fact_of(StoryKind.ORDER_PLACED, json.dumps([AMOUNT, UNTIL])).kind is StoryKind.ORDER_PLACED
    )
    with pytest.raises((ValueError, TypeError, KeyError, InvalidInput)):
        fact_of(StoryKind.ORDER_PLACED, json.dumps(spoilt))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '"x"'])
def test_what_is_no_list_of_facts_is_refused(text):
    with pytest.raises((ValueError, TypeError)):
        fact_of(StoryKind.ORDER_PLACED, text)


@pytest.mark.parametrize("cause", [[], ["boredom"], ["taken", "rumour"], "taken", {}, None])
def test_a_cause_that_nobody_knows_is_refused(cause):
    with pytest.raises((ValueError, TypeError)):
        fact_of(StoryKind.ORDER_CHANGED, json.dumps(["NEW", "PAID", cause]))
