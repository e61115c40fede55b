"""Texts and numbers from outside: what passes, and what is refused with which code."""

import pytest

from retender.domain.model.errors import NumberInvalid, TextInvalid
from retender.domain.model.text import (
    check_number,
    check_provider_number,
    check_text,
    check_user,
)


@pytest.mark.parametrize(
    "subject", ["Tea", "龙井茶 250克", "🍵🫖", "& + = % < > \" ' / \\ ; #", "é", "a" * 120]
)
def test_a_subject_may_hold_any_text_that_people_write(subject):
    assert check_text("subject", subject, 120) == subject


@pytest.mark.parametrize(
    "subject",
    ["", "   ", "a" * 121, "a\nb", "a\x00b", "\x1b[31m", "a\u2028b", "a\u202eb", "\ud800", 5, None],
)
def test_a_subject_that_could_break_something_is_refused(subject):
    with pytest.raises(TextInvalid) as caught:
        check_text("subject", subject, 120)
    assert caught.value.code == "TEXT_INVALID"
    assert caught.value.details["field"] == "subject"


@pytest.mark.parametrize("number", ["A", "2026-11.23_7", "x" * 64])
def test_a_shops_number_may_be_letters_digits_and_three_marks(number):
    assert check_number("order_no", number) == number


@pytest.mark.parametrize("number", ["", "x" * 65, "a b", "a/b", "ä", "a\n", "\u0661", 7, None])
def test_any_other_number_is_refused(number):
    with pytest.raises(NumberInvalid) as caught:
        check_number("order_no", number)
    assert caught.value.code == "NUMBER_INVALID"


@pytest.mark.parametrize("user", ["", "a b", "ü", "x" * 129, "a\x7f", None])
def test_a_user_is_printable_ascii(user):
    with pytest.raises(NumberInvalid):
        check_user("user_id", user)
    assert check_user("user_id", "auth0|u-7") == "auth0|u-7"


@pytest.mark.parametrize("number", ["A" * 7, "A" * 33, "ABC-DEFG", "ABCDEFG_"])
def test_a_provider_side_number_suits_every_provider(number):
    with pytest.raises(NumberInvalid):
        check_provider_number(number)
    assert check_provider_number("A" * 8) == "A" * 8
