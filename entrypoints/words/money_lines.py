"""What lines about answers, notices and refunds tell, and why."""

from functools import singledispatch

from retender.domain.model import story_money
from retender.domain.model.answers import ReceiptState, RefundReceiptState
from retender.domain.model.attention import AttentionCode
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import RefundCause
from retender.entrypoints.words.causes import cause_in_words
from retender.entrypoints.words.phrase import Line, only, phrase


@singledispatch
def money_line(fact: object) -> Line:
    """Return what a fact tells, and why."""
    message = f"a {type(fact).__name__} has no words"
    raise TypeError(message)


# --- what providers said of charges --------------------------------------------------------


@money_line.register
def _(fact: story_money.ProviderAnswered) -> Line:
    what = phrase(
        "{source} of {account}: {answer}",
        source=fact.source,
        account=fact.account,
        answer=fact.answer.state,
    )
    absent = fact.answer.state is ReceiptState.NOT_FOUND and fact.outcome is Outcome.NOTHING
    if absent and fact.clock_is_wrong:
        return what, phrase("proves nothing: our clock and others are too far apart")
    if absent:
        return what, phrase(
            "proves nothing: until {until} its page may still make the trade",
            until=fact.watch_until,
        )
    return what, only(fact.outcome)


@money_line.register
def _(fact: story_money.ProviderDidNotAnswer) -> Line:
    what = phrase(
        "{source} of {account}: no answer that proves anything",
        source=fact.source,
        account=fact.account,
    )
    return what, only(fact.problem)


@money_line.register
def _(fact: story_money.ProviderNotAsked) -> Line:
    return phrase("not checked"), phrase("cannot be asked: {problem}", problem=fact.problem)


@money_line.register
def _(fact: story_money.NoticeHeard) -> Line:
    return (
        phrase(
            "notice of {account}: {about}",
            account=fact.account,
            about=fact.about or fact.answer.state,
        ),
        phrase("signature good; {outcome}", outcome=fact.outcome),
    )


@money_line.register
def _(fact: story_money.EvidenceMisfit) -> Line:
    what = phrase("attention item {attention}", attention=fact.attention)
    return what, phrase("{source} of {account}", source=fact.source, account=fact.account)


# --- refunds -------------------------------------------------------------------------------


@money_line.register
def _(fact: story_money.RefundDecided) -> Line:
    what = phrase("refund {refund} of {amount} due", refund=fact.refund_no, amount=fact.amount)
    if fact.cause is RefundCause.SHOP:
        return what, phrase("the shop asked: {reason}", reason=fact.reason)
    return what, phrase("surplus: {cause}", cause=fact.cause)


@money_line.register
def _(fact: story_money.RefundChanged) -> Line:
    what = phrase(
        "refund {refund} {before} -> {after}",
        refund=fact.refund_no,
        before=fact.before,
        after=fact.after,
    )
    return what, cause_in_words(fact.cause)


_REFUND_MEANS = {
    RefundReceiptState.DONE: phrase("believed: the money went back"),
    RefundReceiptState.FAILED: phrase("believed: it will not go back by itself"),
    RefundReceiptState.PENDING: phrase("it is on its way"),
    RefundReceiptState.NOT_FOUND: phrase("nothing was moved under this number: it is sent again"),
}


@money_line.register
def _(fact: story_money.RefundAnswered) -> Line:
    what = phrase(
        "{source} of {refund}: {answer}",
        source=fact.source,
        refund=fact.refund_no,
        answer=fact.answer,
    )
    if fact.words is not None:
        return what, only(fact.words)
    if fact.answer is RefundReceiptState.NOT_FOUND and not fact.absence_proves:
        return what, phrase(
            "proves nothing yet: it may be on its way, and a repeat would go back as well"
        )
    return what, _REFUND_MEANS[fact.answer]


@money_line.register
def _(fact: story_money.RefundRefused) -> Line:
    what = phrase("{source} of {refund}: refused", source=fact.source, refund=fact.refund_no)
    return what, only(fact.problem)


@money_line.register
def _(fact: story_money.RefundNotAnswered) -> Line:
    what = phrase(
        "{source} of {refund}: no answer that proves anything",
        source=fact.source,
        refund=fact.refund_no,
    )
    return what, only(fact.problem)


@money_line.register
def _(fact: story_money.RefundMisfit) -> Line:
    what = phrase("attention item {attention}", attention=AttentionCode.AMOUNT_MISMATCH)
    said = fact.said or fact.answer
    if fact.ours is None:
        return what, phrase(
            "{source} of {refund}: {said}, and ours is nothing, since another hand gave it back",
            source=fact.source,
            refund=fact.refund_no,
            said=said,
        )
    return what, phrase(
        "{source} of {refund}: {said}, and ours is {ours}",
        source=fact.source,
        refund=fact.refund_no,
        said=said,
        ours=fact.ours,
    )


@money_line.register
def _(fact: story_money.RefundTold) -> Line:
    return (
        phrase("{event} {amount}", event=fact.event, amount=fact.amount),
        phrase("refund {refund}: {cause}", refund=fact.refund_no, cause=fact.cause),
    )
