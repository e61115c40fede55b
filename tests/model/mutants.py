"""Mutants: deliberate errors in production's own pieces, and what each of them must break."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from retender.domain.model.switch_policy import SwitchPolicy
from retender.tests.model import mistakes_of_coming_back as coming_back
from retender.tests.model import mistakes_of_deciding as deciding
from retender.tests.model import mistakes_of_payment as payment
from retender.tests.model import mistakes_of_refund as refund
from retender.tests.model import mistakes_of_telling as telling
from retender.tests.model.configurations import (
    ANNOUNCERS,
    ANNOUNCERS_FAIL,
    BOTH_WORDS,
    COMING_BACK,
    GIVEN_UP,
    HUMAN_DEAD,
    HUMAN_REFUNDS,
    HUMAN_TIRED,
    LATE_PAYMENTS,
    NAPS,
    ONE_EAGER,
    ONE_LAZY,
    SHOP_REFUNDS,
    SHOP_REFUNDS_RACE,
    SLEEPERS,
    SURPLUS_BY_HAND,
    SURPLUS_REFUSED,
    TWO_SENDERS,
)
from retender.tests.model.explorer import Explorer, Report
from retender.tests.model.other_kind import (
    HOSTED_AGAIN,
    HOSTED_FORGETS,
    HOSTED_REFUNDS,
    HOSTED_SURPLUS,
    OTHER_HAND,
    OTHER_HAND_SURPLUS,
    TAKEN_TWICE,
    TAKEN_TWICE_NAMED,
)
from retender.tests.model.rules import NEVER, Rules

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """
    One deliberate error, the invariant that it breaks, and where it shows.

    Attributes:
        name: what is wrong, in words.
        breaks: see ``MEANING`` in ``invariants``.
        rules: a configuration in which it shows.
        plant: puts the mistake into production's code.
        simulated: its name among the simulation's mutants, if that leaves it to the model.

    """

    name: str
    breaks: str
    rules: Rules
    plant: Patch
    simulated: str = ""

    @property
    def is_in_the_code(self) -> bool:
        """Whether it is a mistake of ours, rather than a promise that the world breaks."""
        return self.plant is not payment.nothing


def hunt(mutant: Mutant) -> Report:
    """Explore with the error in place, until it has broken what it must break."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.plant(patch)
        return Explorer(mutant.rules).run(until=mutant.breaks)


ONE = replace(ONE_LAZY, hands=1)
ONE_QUIET = replace(ONE_EAGER, name="one attempt, eager, quiet", hands=1, cancels=())
TWO = Rules(name="two attempts", hands=1, losses=NEVER, deaths=NEVER)
TWO_NONE = replace(TWO, name="two attempts, none", policy=SwitchPolicy.NONE)
TWO_AT_ONCE = replace(TWO_NONE, name="two attempts, none, two hands", hands=2, janitor=False)
TWO_STRICT = replace(TWO, name="two attempts, strict", policy=SwitchPolicy.STRICT)
SURPLUS_QUIET = replace(TWO_NONE, name="surplus, not reached", unavailable=frozenset({"refund"}))
SURPLUS_SLOW = replace(TWO_NONE, name="surplus, slow", slow_refunds=True)
REFUSED_REPEAT = replace(
    ONE,
    name="one attempt, refused",
    deaths=NEVER,
    losses=frozenset({"open"}),
    refusals=frozenset({"open"}),
)
ONCE_HEARD = replace(
    ONE_QUIET,
    name="nobody looks, all is heard",
    deaths=frozenset({"notice"}),
    losses=NEVER,
    janitor=False,
    hears_all=True,
)
NAPS_SURPLUS = replace(TWO_NONE, name="naps, surplus", hands=2, presses=1, naps=1)


MUTANTS = (
    Mutant("no worker ever looks", "L2", replace(ONE_QUIET, janitor=False), payment.nothing),
    Mutant("not found is believed at once", "I6", ONE, payment.absence_is_believed),
    Mutant(
        "not found is believed at once, under strict", "S", TWO_STRICT, payment.absence_is_believed
    ),
    Mutant(
        "judged when the answer is read",
        "I2",
        ONE,
        payment.judged_when_the_answer_is_read,
        "late question",
    ),
    Mutant(
        "not found is believed, closed attempts are deaf",
        "I2",
        ONE,
        payment.absence_is_believed_and_closed_is_deaf,
    ),
    Mutant("winner by read, then write", "I7", TWO_AT_ONCE, payment.election_by_read_then_write),
    Mutant(
        "order closed at its deadline, attempts live",
        "I6",
        ONE_QUIET,
        payment.closed_at_the_deadline,
    ),
    Mutant("a time-out is a refusal", "I2", ONE_QUIET, payment.time_out_is_a_refusal),
    Mutant("a page is kept whatever happened", "T", TWO, payment.page_is_kept_whatever_happened),
    Mutant("a surplus counts as a success", "I1", TWO_NONE, payment.surplus_is_kept),
    Mutant("a surplus without a refund", "L2", TWO_NONE, refund.surplus_without_a_refund),
    Mutant(
        "a random refund number for each send",
        "I5",
        replace(TWO_NONE, losses=frozenset({"refund"})),
        refund.refund_number_is_random,
    ),
    Mutant("no answer to a close is closed", "I2", ONE, payment.no_answer_to_a_close_is_closed),
    Mutant("nothing to close is closed", "I2", TWO, payment.nothing_to_close_is_closed),
    Mutant("the row is written after the call", "I2", ONE_QUIET, payment.row_after_the_call),
    Mutant("a paid order is won again", "I1", TWO_NONE, payment.a_paid_order_is_won_again),
    Mutant(
        "clocks differ by more than the watch",
        "I2",
        replace(ONE, late_clocks=True),
        payment.nothing,
    ),
    Mutant(
        "a closed order is won all the same",
        "I8",
        LATE_PAYMENTS,
        payment.a_closed_order_is_won,
        "closed is not final",
    ),
    Mutant("closed attempts are deaf", "I2", LATE_PAYMENTS, payment.closed_attempts_are_deaf),
    Mutant(
        "a refused repeat is believed", "I6", REFUSED_REPEAT, payment.a_refused_repeat_is_believed
    ),
    Mutant("a second success is a surplus", "I4", ONE_QUIET, payment.a_second_success_is_a_surplus),
    Mutant("nobody says that it is paid", "I3", ONE_QUIET, payment.nobody_says_that_it_is_paid),
    Mutant("orders expire for ever", "L1", ONE_QUIET, payment.orders_expire_for_ever),
    Mutant(
        "no end for who is not looked at", "L3", replace(ONE_QUIET, janitor=False), payment.nothing
    ),
    Mutant("no first look is planned", "P", ONE_QUIET, payment.no_first_look_is_planned),
    Mutant("not reached is refused", "K", SURPLUS_QUIET, refund.not_reached_is_refused),
    Mutant("a refund is done when accepted", "I2", SURPLUS_SLOW, refund.accepted_is_done),
    Mutant(
        "a stuck refund is sent under another number",
        "I5",
        SURPLUS_BY_HAND,
        refund.stuck_is_sent_under_another_number,
    ),
    Mutant(
        "a refund given up is taken for refused",
        "I5",
        SHOP_REFUNDS,
        refund.given_up_is_taken_for_refused,
    ),
    Mutant(
        "earlier refunds do not count", "I5", SHOP_REFUNDS_RACE, refund.earlier_refunds_do_not_count
    ),
    Mutant(
        "nobody says that a refund is stuck",
        "L2",
        SURPLUS_REFUSED,
        refund.nobody_says_that_it_is_stuck,
    ),
    Mutant(
        "received, said before the commit",
        "I2",
        ONCE_HEARD,
        telling.said_received_before_the_commit,
    ),
    Mutant(
        "a notice noted in a transaction of its own",
        "I2",
        replace(ONCE_HEARD, name="nobody looks, all is heard once", inbox=True),
        telling.noted_in_a_transaction_of_its_own,
    ),
    Mutant("told before the commit", "A1", ANNOUNCERS, telling.told_before_the_commit),
    Mutant("noted as told before it is", "A2", ANNOUNCERS_FAIL, telling.noted_as_told_before_it_is),
    Mutant(
        "each telling has its own id", "A3", ANNOUNCERS_FAIL, telling.each_telling_has_its_own_id
    ),
    Mutant("events are not leased", "A4", ANNOUNCERS, telling.events_are_not_leased),
    Mutant("a late worker closes", "F", NAPS, telling.late_workers_close),
    Mutant("a late worker sends", "F", NAPS_SURPLUS, telling.late_workers_send),
    Mutant("a misfit that was noted pays", "O", HUMAN_DEAD, deciding.a_noted_misfit_pays),
    Mutant("called dead while it can be paid", "O", HUMAN_DEAD, deciding.dead_while_it_can_be_paid),
    Mutant(
        "called dead while it can be paid, under strict",
        "S",
        HUMAN_DEAD,
        deciding.dead_while_it_can_be_paid,
    ),
    Mutant(
        "refunded or retried beside another", "I5", HUMAN_REFUNDS, deciding.retried_beside_another
    ),
    Mutant(
        "retried under another number", "I5", HUMAN_TIRED, deciding.retried_under_another_number
    ),
    Mutant("what is done may be retried", "I5", HUMAN_TIRED, deciding.done_may_be_retried),
    Mutant(
        "refunded ends the call alone", "I5", HUMAN_TIRED, deciding.refunded_ends_the_call_alone
    ),
    Mutant(
        "absence after presence is believed", "I6", HOSTED_FORGETS, payment.absence_after_presence
    ),
    Mutant(
        "asked again whatever the terms say",
        "I1",
        HOSTED_AGAIN,
        payment.asked_again_whatever_the_terms_say,
    ),
    Mutant("a lost refund is sent again", "I5", HOSTED_SURPLUS, refund.a_lost_one_is_sent_again),
    Mutant(
        "a refund not found is believed at once",
        "I5",
        HOSTED_SURPLUS,
        refund.absence_is_believed_at_once,
        "absent early",
    ),
    Mutant(
        "not found of an earlier send counts", "I5", HOSTED_REFUNDS, refund.an_old_absence_counts
    ),
    Mutant("another hand is not heard", "E", OTHER_HAND, refund.another_hand_is_not_heard),
    Mutant("a refund that failed late stays done", "I1", OTHER_HAND_SURPLUS, refund.done_is_done),
    Mutant("what was overtaken is done", "E", OTHER_HAND, refund.what_was_overtaken_is_done),
    Mutant("a further capture is no news", "I2", TAKEN_TWICE, refund.further_captures_are_known),
    Mutant(
        "a further capture's refund names the payment",
        "I4",
        TAKEN_TWICE_NAMED,
        refund.a_further_one_names_the_payment,
    ),
    Mutant("taken back beside another", "B", TWO, coming_back.beside_another),
    Mutant(
        "taken back from an order that is over",
        "N",
        COMING_BACK,
        coming_back.from_an_order_that_is_over,
    ),
    Mutant("what was given up is won", "C", GIVEN_UP, payment.given_up_is_won),
    Mutant("what was given up is not given back", "I2", GIVEN_UP, payment.given_up_is_deaf),
    Mutant("the last word counts", "W", BOTH_WORDS, payment.the_last_word_counts),
    Mutant("a late no counts", "K", SLEEPERS, refund.a_late_no_counts),
    Mutant("sent by hand without a lease", "K", TWO_SENDERS, refund.sent_by_hand_without_a_lease),
    Mutant("nobody is called", "H", HUMAN_REFUNDS, deciding.nobody_is_called),
    Mutant("calls stand for ever", "H", HUMAN_REFUNDS, deciding.calls_stand_for_ever),
)
"""
Every mistake that can be said of one order.

Those that bear a name of the simulation's are found here alone: ``late question``
needs an exact order of several rare things, ``closed is not final`` a provider
that lies about closing, or clocks that are later than the watch, and ``absent early``
a refund that comes later than the question after it.
"""
