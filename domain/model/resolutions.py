"""Which ways there are to end an attention item, what each does, and why it may not be possible."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import FOLDED, STANDS, AttentionItem, Resolution
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.transition import RefundState


@dataclass(frozen=True, slots=True)
class Option:
    """
    One way to end an attention item.

    Attributes:
        resolution: how it would be called.
        does: what it says and changes, for people.
        why_not: what stands in the way; None if nothing does.

    """

    resolution: Resolution
    does: str
    why_not: str | None = None


def options_of(
    item: AttentionItem, *, attempt: Attempt | None, refund: Refund | None, now: datetime
) -> tuple[Option, ...]:
    """
    Return the ways to end an open attention item; none for one that has ended.

    No way declares an order paid: only a provider's receipt does, and a new look
    at the provider is always free.

    Args:
        item: what waits.
        attempt: what it is about, if it is about an attempt.
        refund: the same, if it is about a refund.
        now: what time it is.

    """
    return tuple(_options(item, attempt, refund, now)) if item.is_open else ()


def _options(
    item: AttentionItem, attempt: Attempt | None, refund: Refund | None, now: datetime
) -> Iterator[Option]:
    if attempt is not None:
        yield Option(
            Resolution.DEAD,
            "You say that it can take no money: the attempt is CLOSED, and its order may end. "
            "Should money come all the same, it is heard of and given back.",
            _why_not_dead(attempt, now),
        )
    if refund is not None:
        yield Option(
            Resolution.REFUNDED,
            "You say that the money went back, as the provider's own books show or as you gave it "
            "back by hand: the refund is DONE, and is not sent again.",
            "the refund is DONE already" if refund.state is RefundState.DONE else None,
        )
        yield Option(
            Resolution.RETRY,
            "It is sent again under the same number, so that nothing goes back twice.",
            _why_not_again(refund),
        )
    again = (
        " If it does not end, it is brought up again." if item.code in (*STANDS, *FOLDED) else ""
    )
    yield Option(Resolution.NOTED, f"You have seen it; nothing changes.{again}")


def _why_not_again(refund: Refund) -> str | None:
    if refund.cause is RefundCause.EXTERNAL:
        return "another hand made it, and nothing was sent under a number of ours"
    if refund.state is not RefundState.STUCK:
        return f"the refund is {refund.state}: the worker goes on with it"
    return None


def _why_not_dead(attempt: Attempt, now: datetime) -> str | None:
    if not attempt.is_live:
        return f"the attempt is {attempt.state}"
    if now < attempt.watch_until:
        until = attempt.watch_until.isoformat(timespec="seconds")
        return f"its page may take money until {until}"
    return None
