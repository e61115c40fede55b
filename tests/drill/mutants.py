"""
Mutants: the mistakes by name, each of which the simulation must catch.

A simulation that misses one proves less than it seems to.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from time import process_time

from retender.tests.drill import mistakes
from retender.tests.drill import mistakes_with_strangers as strangers
from retender.tests.drill.mistakes import Patch
from retender.tests.simulation.plan import make_plan
from retender.tests.simulation.seed import play

ORDERS = 10


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    One mistake.

    Attributes:
        name: in a word or two.
        mistake: what it does wrong.
        patches: makes the patches that switch it on.

    """

    name: str
    mistake: str
    patches: Callable[[], list[Patch]]

    @contextmanager
    def on(self) -> Iterator[None]:
        """Make the mistake from now on."""
        with ExitStack() as exits:
            for each in self.patches():
                exits.enter_context(each)
            yield


@dataclass(frozen=True, slots=True)
class Catch:
    """How a mutant was caught: after so many seeds and seconds, by this problem; or not."""

    name: str
    seeds: int
    seconds: float
    problem: str | None


def hunt(mutant: Mutant, *, most: int = 200, first: int = 0) -> Catch:
    """Play seed after seed with the mistake until something is not as promised."""
    began = process_time()
    with mutant.on():
        for tried in range(1, most + 1):
            problems = play(make_plan(first + tried - 1, orders=ORDERS)).problems
            if problems:
                return Catch(mutant.name, tried, process_time() - began, problems[0])
    return Catch(mutant.name, most, process_time() - began, None)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("no janitor", "nobody asks after attempts", mistakes.no_janitor),
    Mutant("janitor gives up", "an attempt is asked after five times", mistakes.janitor_gives_up),
    Mutant("absence is death", "'not found' is believed at any time", mistakes.absence_is_death),
    Mutant(
        "closed are deaf", "the same, and closed attempts take no money", mistakes.closed_are_deaf
    ),
    Mutant(
        "failed close",
        "a close without an answer counts as closed",
        mistakes.failed_close_is_closed,
    ),
    Mutant("unknown is no", "a time-out of open counts as refused", mistakes.unknown_is_refused),
    Mutant("amounts unchecked", "whatever was taken pays the order", mistakes.amounts_unchecked),
    Mutant("amounts cut off", "amounts go through a float", mistakes.amounts_through_a_float),
    Mutant("late word", "what was cancelled is paid all the same", mistakes.cancelled_is_paid),
    Mutant(
        "written after",
        "an attempt is written down after the call",
        mistakes.written_after_the_call,
    ),
    Mutant("relative expiry", "asking again moves the expiry", mistakes.expiry_is_relative),
    Mutant(
        "strict is a request",
        "strict goes on with a page that may live",
        mistakes.strict_is_a_choice,
    ),
    Mutant(
        "strict after close",
        "strict goes on after a close, whatever came of it",
        mistakes.strict_does_not_look_again,
    ),
    Mutant("last writer wins", "the last capture pays the order", mistakes.last_writer_wins),
    Mutant(
        "late evidence", "what pays an EXPIRING order goes back", mistakes.late_evidence_is_refunded
    ),
    Mutant(
        "closed at deadline",
        "an order is CLOSED when its time is up",
        mistakes.closed_at_the_deadline,
    ),
    Mutant(
        "closed with pages",
        "an EXPIRING order closes with live pages",
        mistakes.closed_with_live_pages,
    ),
    Mutant(
        "winner is surplus", "the winner's second notice refunds it", mistakes.winner_is_a_surplus
    ),
    Mutant("surplus swallowed", "a second capture is ignored", mistakes.surplus_is_swallowed),
    Mutant("surplus rolled back", "a second capture is an error", mistakes.surplus_is_rolled_back),
    Mutant("refund unwritten", "no refund is written down", mistakes.refund_is_not_written_down),
    Mutant(
        "refund number", "a refund's number changes with each try", mistakes.refund_number_changes
    ),
    Mutant("refund once", "a refund is tried once", mistakes.refund_is_tried_once),
    Mutant(
        "refund believed", "a refund without an answer is done", mistakes.unknown_refund_is_done
    ),
    Mutant("refunds unbounded", "earlier refunds are not counted", mistakes.refunds_without_bound),
    Mutant("told too early", "the shop hears before the commit", mistakes.told_before_the_commit),
    Mutant(
        "told is noted first", "an event is noted as told, then told", mistakes.noted_as_told_first
    ),
    Mutant("stranger believed", "a notice need not be signed", mistakes.stranger_is_believed),
    Mutant("told without claim", "two workers tell at once", mistakes.told_without_a_claim),
    Mutant(
        "telling unbounded",
        "a telling may outlast its lease",
        mistakes.telling_takes_its_time,
    ),
    Mutant("failed commit", "its transaction is left open", mistakes.failed_commit_is_an_end),
    Mutant("story forgotten", "an attempt's moves are not told", mistakes.story_is_forgotten),
    Mutant(
        "page asked again",
        "a second order is made for a good page",
        strangers.asked_for_a_page_again,
    ),
    Mutant(
        "orphan asked again",
        "a second order is made for a lost page",
        strangers.lost_pages_may_be_asked_for_again,
    ),
    Mutant("one trade", "two captures count as one", strangers.trades_are_all_the_same),
    Mutant(
        "further is known",
        "what was taken once more is ignored",
        strangers.further_captures_are_known,
    ),
    Mutant(
        "further for people",
        "what was taken once more stays",
        strangers.further_captures_are_left_to_people,
    ),
    Mutant(
        "further misnamed",
        "a further capture's refund names the payment",
        strangers.further_refunds_name_the_payment,
    ),
    Mutant(
        "refund sent blindly",
        "a lost refund is sent again unasked",
        strangers.refunds_are_sent_again_blindly,
    ),
    Mutant(
        "absence is an end",
        "'not found' ends a page that was there",
        strangers.absence_ends_what_was_there,
    ),
    Mutant(
        "reference forgotten", "the provider's id is not kept", strangers.references_are_forgotten
    ),
    Mutant(
        "console ignored", "another hand's refunds are not heard", strangers.consoles_are_ignored
    ),
    Mutant("total ignored", "what went back in all is not heard", strangers.totals_are_ignored),
    Mutant("total twice", "a refund in a total counts again", strangers.totals_count_once_more),
    Mutant(
        "refund came first",
        "a refund before its payment is dropped",
        strangers.refunds_before_payments_are_dropped,
    ),
    Mutant("done is done", "a refund that failed late stays done", strangers.done_is_done),
)
"""Each is caught within 200 seeds."""

ELSEWHERE: tuple[tuple[Mutant, str], ...] = (
    (
        Mutant("late question", "when the answer came counts", mistakes.late_question_counts),
        "needs an exact order of rare things: tests/model finds it",
    ),
    (
        Mutant("closed is not final", "a closed order is paid", mistakes.closed_orders_take_money),
        "harmless while every other rule holds: tests/model finds it",
    ),
    (
        Mutant("absent early", "a late refund is sent again", strangers.refunds_are_absent_at_once),
        "needs a request that comes later than the question: tests/model finds it",
    ),
    (
        Mutant("a part is all", "a surplus given back in part ends", strangers.a_part_is_all),
        "needs a console's refund of a surplus before ours: tests/domain finds it",
    ),
)
"""What the simulation cannot be relied on to see, and who does."""

ALL = (*MUTANTS, *(mutant for mutant, _ in ELSEWHERE))


def main(arguments: list[str]) -> int:
    """Hunt all mutants, or those that are named; 1 if one was missed."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--most", type=int, default=200, help="give up on one after so many seeds")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - {mutant.name for mutant in ALL}
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    hunted = [
        m for m in (ALL if given.names else MUTANTS) if m.name in given.names or not given.names
    ]
    missed = 0
    say(f"{'mutant':<22} {'seeds':>5} {'seconds':>8}  caught by")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        hunt_one = partial(hunt_by_name, most=given.most)
        for catch in pool.map(hunt_one, [mutant.name for mutant in hunted]):
            missed += catch.problem is None
            what = catch.problem or "MISSED"
            say(f"{catch.name:<22} {catch.seeds:>5} {catch.seconds:>8.1f}  {what[:100]}")
    if not given.names:
        for mutant, where in ELSEWHERE:
            say(f"{mutant.name:<22} {'-':>5} {'-':>8}  {where}")
    return 1 if missed else 0


def hunt_by_name(name: str, most: int) -> Catch:
    """Hunt one, in whichever process this is: a patch cannot be sent to another."""
    return hunt(next(mutant for mutant in ALL if mutant.name == name), most=most)


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
