"""Sentences: every fact has one in both languages, and the catalogue is what the code says."""

import ast
import re
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from retender.domain.model.attention import AttentionCode
from retender.domain.model.cause import Cause, Problem, Reason
from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.money import Money
from retender.domain.model.story import FACTS, OrderChanged, OrderPlaced
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.story_money import EvidenceMisfit, ProviderNotAsked
from retender.domain.model.switch_policy import SwitchReason
from retender.domain.model.transition import OrderState
from retender.entrypoints.words import causes, terms
from retender.entrypoints.words.catalogue import catalogue, language_of
from retender.entrypoints.words.language import Language
from retender.entrypoints.words.money_lines import money_line
from retender.entrypoints.words.phrase import phrase
from retender.entrypoints.words.speaker import Speaker
from retender.entrypoints.words.story_lines import line_of
from retender.tests.entrypoints.words.facts import AT, every_fact
from retender.tests.house.tree import ROOT

ENGLISH, CHINESE = Speaker(Language.ENGLISH), Speaker(Language.CHINESE)
CATALOGUE = ROOT / "entrypoints/words/zh.po"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def phrases_of_the_code():
    """Return the first argument of every call of ``phrase``; it is written out, not computed."""
    found = set()
    for path in (ROOT / "entrypoints").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "phrase":
                (text,) = node.args
                where = f"{path}:{node.lineno}"
                assert isinstance(text, ast.Constant), f"{where} computes its phrase"
                assert isinstance(text.value, str), where
                found.add(text.value)
                facts = {keyword.arg for keyword in node.keywords}
                assert placeholders(text.value) == facts, where
    return found


# --- the catalogue --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chinese():
    with CATALOGUE.open("rb") as opened:
        return read_po(opened, locale="zh", abort_invalid=True)


def test_no_sentence_is_missing_in_the_catalogue_and_none_is_stale(chinese):
    assert {message.id for message in chinese if message.id} == phrases_of_the_code()
    assert not chinese.obsolete


def test_every_sentence_is_translated_and_none_is_a_guess(chinese):
    assert [m.id for m in chinese if m.id and (m.fuzzy or not m.string)] == []


def test_a_translation_has_the_placeholders_of_its_sentence(chinese):
    told = {m.id: m.string for m in chinese if m.id}
    assert [m for m, text in told.items() if placeholders(m) != placeholders(text)] == []


def test_what_has_words_is_in_chinese(chinese):
    """A translation that is its English sentence was forgotten, unless there are no words in it."""
    same = [m.id for m in chinese if m.id and m.id == m.string]
    assert all(not re.sub(r"\{\w+\}|\W", "", text) for text in same), same


def test_the_catalogue_that_runs_is_the_one_that_was_read(chinese):
    assert catalogue(Language.CHINESE) == {m.id: m.string for m in chinese if m.id}
    assert catalogue(Language.ENGLISH) == {}, "its sentences are the keys"


# --- every fact has words -------------------------------------------------------------------


def test_every_kind_is_one_class_and_every_class_has_words():
    assert set(FACTS) == set(StoryKind)
    registered = [*line_of.registry, *money_line.registry]
    assert sorted(map(str, registered)) == sorted(map(str, [*FACTS.values(), object, object]))


@pytest.mark.parametrize("speaker", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_fact_is_said_with_its_reason(speaker):
    kinds = set()
    for fact in every_fact():
        what, why = speaker.line(fact)
        assert what, fact
        assert why, fact
        kinds.add(fact.kind)
    assert kinds == set(StoryKind)


def test_every_reason_has_words_of_its_own():
    said = {ENGLISH.text(causes.cause_in_words(Cause(reason=reason))) for reason in Reason}
    assert len(said) == len(Reason)
    assert set(causes._CHOICES) == set(SwitchReason)


def test_every_member_of_an_enumeration_with_terms_has_one():
    for names, words in terms._TERMS.items():
        assert set(words) == set(names), names


def test_states_and_codes_keep_their_names_in_every_language():
    expired = OrderChanged(
        before=OrderState.NEW,
        after=OrderState.EXPIRING,
        cause=Cause(reason=Reason.TIME_TO_PAY_OVER, until=AT),
    )
    assert CHINESE.line(expired) == (
        "订单 NEW -> EXPIRING",
        "向付款人显示的期限已于 2026-03-14 15:09:26 UTC 截止",
    )
    misfit, *_ = [
        fact
        for fact in every_fact()
        if isinstance(fact, EvidenceMisfit) and fact.attention is AttentionCode.FOREIGN
    ]
    assert CHINESE.line(misfit)[0] == "人工事项 EVIDENCE_FOREIGN"


def test_times_and_amounts_are_written_by_who_speaks():
    placed = OrderPlaced(amount=Money(500, "JPY"), pay_until=AT)
    assert ENGLISH.line(placed)[1] == "placed: 500 JPY until 2026-03-14 15:09:26 UTC"
    relative = Speaker(Language.ENGLISH, lambda at: f"+{at.minute} min")
    assert relative.line(placed)[1] == "placed: 500 JPY until +9 min"


def test_words_of_others_are_said_as_they_are():
    """A provider's words may hold what looks like a placeholder."""
    words = "{account} {0} {{x}}"
    assert ENGLISH.text(phrase("{by}: {words}", by="olga", words=words)) == f"olga: {words}"


def test_an_error_says_what_it_means_and_then_its_own_words():
    error = ProviderUncertain("read time-out")
    silent = ProviderNotAsked(
        account="alipay", problem=Problem(code=error.code, message=error.message)
    )
    assert ENGLISH.line(silent)[1] == "cannot be asked: read time-out"
    assert CHINESE.line(silent)[1] == "无法查询：答复丢失，支付机构可能已执行（read time-out）"
    unknown = ProviderNotAsked(account="a", problem=Problem(code="NEW", message="something"))
    assert CHINESE.line(unknown)[1] == "无法查询：something"


# --- which language -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("ZH-Hans-CN", "zh"),
        ("fr,de;q=0.9", "en"),
        ("fr,zh;q=0.1", "zh"),
        ("zh;q=0,en;q=0.1", "en"),
        ("zh;q=x", "en"),
        ("zh;level=1", "en"),
        (";;;,,", "en"),
        ("*", "en"),
        ("fr," * 5000 + "zh", "en"),
    ],
)
def test_a_reader_gets_the_language_that_is_preferred_among_ours(accepted, language):
    assert language_of(accepted) == language
