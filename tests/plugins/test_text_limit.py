"""A text is cut where a gateway's patience ends, and never inside a character."""

import pytest

from retender.plugins.text_limit import TextLimit, Unit


@pytest.mark.parametrize(
    ("limit", "text", "cut"),
    [
        (TextLimit(5), "茶茶茶茶茶茶", "茶茶茶茶茶"),
        (TextLimit(5), "tea", "tea"),
        (TextLimit(6, Unit.BYTES), "茶茶茶", "茶茶"),
        (TextLimit(7, Unit.BYTES), "茶茶茶", "茶茶"),
        (TextLimit(7, Unit.BYTES), "茶a茶b", "茶a茶"),
        (TextLimit(9, Unit.BYTES), "茶🍵🍵", "茶🍵"),
        (TextLimit(3, Unit.BYTES), "🍵", ""),
    ],
)
def test_a_longer_text_is_cut_between_characters(limit, text, cut):
    assert limit.cut(text) == cut
    assert limit.fits(cut)
    assert limit.fits(text) is (text == cut)
