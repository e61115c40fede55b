"""Mistakes that only a provider of the other kind brings to light; see ``mistakes``."""

from dataclasses import replace
from unittest.mock import patch

from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import Refund
from retender.domain.steps import captured, external_refund, further_capture, settle_refund
from retender.domain.steps.ask_for_page import AskForPage
from retender.domain.use_cases import take_notice
from retender.domain.use_cases.take_notice import TakeNotice
from retender.ports.payment_provider import ProviderTerms
from retender.tests.drill.mistakes import Patch
from retender.tests.simulation.hosted import provider
from retender.tests.simulation.hosted.terms import TERMS


def _believed(terms: ProviderTerms) -> list[Patch]:
    """Let the core believe other terms than the gateway's own."""
    return [patch.object(provider, "TERMS", terms)]


def asked_for_a_page_again() -> list[Patch]:
    pages = tuple(replace(page, reopens=True) for page in TERMS.pages)
    return _believed(replace(TERMS, pages=pages))


def lost_pages_may_be_asked_for_again() -> list[Patch]:
    pages = tuple(replace(page, reopens=True, orphan_payable=True) for page in TERMS.pages)
    return _believed(replace(TERMS, pages=pages))


def trades_are_all_the_same() -> list[Patch]:
    return _believed(replace(TERMS, trade_no_is_capture=False))


def further_captures_are_left_to_people() -> list[Patch]:
    return _believed(replace(TERMS, refunds=replace(TERMS.refunds, names_trade=False)))


def refunds_are_sent_again_blindly() -> list[Patch]:
    return _believed(replace(TERMS, refunds=replace(TERMS.refunds, repeatable=True)))


def refunds_are_absent_at_once() -> list[Patch]:
    return [patch.object(Refund, "proves_absence", lambda _self, _asked_at: True)]


def absence_ends_what_was_there() -> list[Patch]:
    return [patch.object(captured, "_must_be_there", lambda _attempt, _terms: False)]


def references_are_forgotten() -> list[Patch]:
    keep = AskForPage._keep

    async def without(self, asking, opened):
        return await keep(self, asking, replace(opened, reference=None))

    return [patch.object(AskForPage, "_keep", without)]


def consoles_are_ignored() -> list[Patch]:
    async def ignored(*_args, **_more):
        return None

    return [
        patch.object(take_notice, "hear_of_one", ignored),
        patch.object(take_notice, "hear_of_total", ignored),
    ]


def totals_are_ignored() -> list[Patch]:
    async def ignored(*_args, **_more):
        return None

    return [patch.object(take_notice, "hear_of_total", ignored)]


def totals_count_once_more() -> list[Patch]:
    return [patch.object(external_refund, "_is_of_total", lambda _refund: False)]


def refunds_before_payments_are_dropped() -> list[Patch]:
    async def paid_only(self, work, account, receipt, now):
        attempt = await work.attempts.by_number(account, receipt.charge_number or "")
        if attempt is not None and attempt.is_live:
            return None
        return await hear(self, work, account, receipt, now)

    hear = TakeNotice._hear_of_stranger
    return [patch.object(TakeNotice, "_hear_of_stranger", paid_only)]


def done_is_done() -> list[Patch]:
    async def ignored(*_args, **_more):
        return None

    return [patch.object(settle_refund, "_doubt", ignored)]


def a_part_is_all() -> list[Patch]:
    def overtaken(refund, left):
        return refund.amount.minor > left

    return [patch.object(external_refund, "_is_overtaken", overtaken)]


def further_captures_are_known() -> list[Patch]:
    async def known(*_args, **_more):
        return Outcome.KNOWN

    return [patch.object(captured, "known_already", known)]


def further_refunds_name_the_payment() -> list[Patch]:
    give_back = further_capture._give_back

    async def of_the_payment(work, attempt, capture, *, at, new_id):
        named = replace(capture, provider_trade_no=attempt.provider_trade_no)
        return await give_back(work, attempt, named, at=at, new_id=new_id)

    return [patch.object(further_capture, "_give_back", of_the_payment)]
