"""What each line of a story tells, and why: in phrases, one function for each class of facts."""

from functools import singledispatch

from retender.domain.model import story, story_pages
from retender.domain.model.attention import AttentionCode, Resolution
from retender.entrypoints.words.causes import cause_in_words, choice_in_words
from retender.entrypoints.words.money_lines import money_line
from retender.entrypoints.words.phrase import Line, Several, only, phrase


@singledispatch
def line_of(fact: object) -> Line:
    """Return what a fact tells, and why."""
    return money_line(fact)


# --- the order -----------------------------------------------------------------------------


@line_of.register
def _(fact: story.OrderPlaced) -> Line:
    return (
        phrase("order NEW"),
        phrase("placed: {amount} until {until}", amount=fact.amount, until=fact.pay_until),
    )


@line_of.register
def _(fact: story.OrderChanged) -> Line:
    what = phrase("order {before} -> {after}", before=fact.before, after=fact.after)
    return what, cause_in_words(fact.cause)


# --- attempts and their pages --------------------------------------------------------------


@line_of.register
def _(fact: story_pages.AttemptMade) -> Line:
    return (
        phrase(
            "attempt {idx} {state}: {account}, {client_type}",
            idx=fact.idx,
            state=fact.state,
            account=fact.account,
            client_type=fact.client_type,
        ),
        phrase(
            "{product} under {number}, until {until} at the provider",
            product=fact.product,
            number=fact.number,
            until=fact.expires_at,
        ),
    )


@line_of.register
def _(fact: story_pages.AttemptChanged) -> Line:
    what = phrase("attempt {before} -> {after}", before=fact.before, after=fact.after)
    return what, cause_in_words(fact.cause)


@line_of.register
def _(fact: story_pages.TradeNumberNotKept) -> Line:
    what = phrase("provider's number {number} not kept", number=fact.provider_trade_no)
    return what, phrase("another attempt of this account bears it")


@line_of.register
def _(fact: story_pages.PageHandedOut) -> Line:
    return (
        phrase("{kind} page of {account} handed out", kind=fact.page_kind, account=fact.account),
        phrase("{product}, works until {until}", product=fact.product, until=fact.page_until),
    )


@line_of.register
def _(fact: story_pages.PageReused) -> Line:
    what = phrase(
        "stored {kind} page of {account} handed out again",
        kind=fact.page_kind,
        account=fact.account,
    )
    return what, phrase(
        "the payer comes back to it, and it could not be closed; it works until {until}",
        until=fact.page_until,
    )


@line_of.register
def _(fact: story_pages.PageNotReused) -> Line:
    comma = phrase(", ")
    reasons = tuple(
        phrase(
            "#{idx}: {misfits}",
            idx=each.idx,
            misfits=Several(tuple(only(m) for m in each.misfits), comma),
        )
        for each in fact.earlier
    )
    return (
        phrase("attempt {idx} is new: no earlier page serves this request", idx=fact.idx),
        only(Several(reasons, phrase("; "))),
    )


_AGAIN = {
    story_pages.AskAgainReason.PAGE_KEY: phrase(
        "same request, but its stored page does not open: the page key changed"
    ),
    story_pages.AskAgainReason.NO_PAGE: phrase("same request, but no page of it is kept"),
    story_pages.AskAgainReason.STRATEGY: phrase(
        "same request, but the provider decides which page (ask_provider)"
    ),
}


@line_of.register
def _(fact: story_pages.PageAskedAgain) -> Line:
    what = phrase("{account} asked again under {number}", account=fact.account, number=fact.number)
    ran_out = phrase("same request, but its page ran out at {until}", until=fact.page_until)
    return what, _AGAIN.get(fact.because, ran_out)


@line_of.register
def _(fact: story_pages.PageTooLate) -> Line:
    what = phrase(
        "{kind} page of {account} came too late and is not shown",
        kind=fact.page_kind,
        account=fact.account,
    )
    if fact.because is story_pages.LateReason.LEFT_BEHIND:
        return what, phrase("the attempt was left behind while the provider answered")
    return what, phrase(
        "another request asks under this number by now, or the reference is another's"
    )


@line_of.register
def _(fact: story_pages.PageLeft) -> Line:
    return (
        phrase("{kind} page of {account} left behind", kind=fact.page_kind, account=fact.account),
        phrase(
            "policy {policy}: {because}",
            policy=fact.choice.policy,
            because=choice_in_words(fact.choice, fact.account),
        ),
    )


@line_of.register
def _(fact: story_pages.PageLeftOpen) -> Line:
    return (
        phrase("left open"),
        phrase(
            "policy {policy} ({because}): a surplus would be refunded",
            policy=fact.choice.policy,
            because=choice_in_words(fact.choice, fact.account),
        ),
    )


@line_of.register
def _(fact: story_pages.SwitchNotAllowed) -> Line:
    return (
        phrase("switch refused"),
        phrase(
            "policy {policy} ({because}): may still be paid until {until}",
            policy=fact.choice.policy,
            because=choice_in_words(fact.choice, fact.account),
            until=fact.payable_until,
        ),
    )


@line_of.register
def _(fact: story_pages.PageNotGiven) -> Line:
    what = {
        story_pages.NotGiven.NOT_REACHED: phrase(
            "open at {account}: not reached; nothing was sent", account=fact.account
        ),
        story_pages.NotGiven.UNKNOWN: phrase(
            "open at {account}: answer unknown; it is found out", account=fact.account
        ),
        story_pages.NotGiven.REFUSED: phrase(
            "open at {account}: refused ({refusal})", account=fact.account, refusal=fact.refusal
        ),
    }
    return what[fact.outcome], only(fact.problem)


@line_of.register
def _(fact: story_pages.PayRefused) -> Line:
    what = phrase(
        "pay request refused: {account}, {client_type}",
        account=fact.account,
        client_type=fact.client_type,
    )
    return what, only(fact.problem)


# --- what waits for a human ----------------------------------------------------------------

_OPENED = {
    AttentionCode.UNKNOWN_NUMBER: phrase("evidence of a number that is not ours"),
    AttentionCode.UNKNOWN_REFUND: phrase("evidence of a refund that is not ours"),
    AttentionCode.AMOUNT_MISMATCH: phrase("evidence of another amount than ours"),
    AttentionCode.FOREIGN: phrase("evidence of somebody else's money"),
    AttentionCode.FURTHER_CAPTURE: phrase("money was taken once more under a number that was paid"),
    AttentionCode.ABSENT: phrase(
        "not found, although its page was handed out, so it must be there"
    ),
    AttentionCode.UNKNOWN_TOO_LONG: phrase("unknown for too long whether it was paid"),
    AttentionCode.REFUND_TOO_LONG: phrase("the refund is under way for too long"),
    AttentionCode.REFUND_STUCK: phrase("the refund was refused for good, or its tries ran out"),
    AttentionCode.UNTOLD_TOO_LONG: phrase("the shop has not heard of an event for too long"),
    AttentionCode.ACCOUNT_GONE: phrase(
        "its account is configured no more, and nobody can be asked"
    ),
}


@line_of.register
def _(fact: story.AttentionOpened) -> Line:
    what = phrase("attention item {attention}", attention=fact.attention)
    unreadable = phrase("the {row} {key} cannot be read", row=fact.row, key=fact.key)
    return what, _OPENED.get(fact.attention, unreadable)


_SETTLED = {
    AttentionCode.UNKNOWN_TOO_LONG: phrase("it is known at last what became of the attempt"),
    AttentionCode.REFUND_TOO_LONG: phrase("the refund is under way no more"),
    AttentionCode.REFUND_STUCK: phrase("the refund is stuck no more"),
    AttentionCode.UNTOLD_TOO_LONG: phrase("the shop has heard of it at last"),
    AttentionCode.ABSENT: phrase("the account knows its trades again"),
}


@line_of.register
def _(fact: story.AttentionEnded) -> Line:
    what = phrase(
        "attention item {attention} ended: {resolution}",
        attention=fact.attention,
        resolution=fact.resolution,
    )
    if fact.resolution is Resolution.SETTLED:
        return what, _SETTLED.get(fact.attention, phrase("it came to its end by itself"))
    return what, phrase("{by}: {words}", by=fact.by, words=fact.words)
