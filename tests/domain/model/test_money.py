"""Money is exact: nothing is rounded, guessed or let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retender.domain.model.errors import AmountInvalid, CurrencyUnknown
from retender.domain.model.money import EXPONENTS, MINOR_MAX, Money

minors = st.integers(min_value=0, max_value=MINOR_MAX)
currencies = st.sampled_from(sorted(EXPONENTS))


@given(minors, currencies)
def test_what_is_printed_reads_back_as_the_same_money(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(money.decimal(), currency) == money


@pytest.mark.parametrize(
    ("minor", "currency", "printed"),
    [
        (8880, "CNY", "88.80"),
        (5, "CNY", "0.05"),
        (0, "CNY", "0.00"),
        (500, "JPY", "500"),
        (5, "KWD", "0.005"),
        (12345, "BHD", "12.345"),
        (12345, "CLF", "1.2345"),
        (MINOR_MAX, "CNY", "10000000000.00"),
    ],
)
def test_money_prints_with_the_digits_of_its_currency(minor, currency, printed):
    assert Money(minor, currency).decimal() == printed


def test_money_for_machines_has_digits_currency_and_minor_units():
    assert Money(500, "JPY").to_json() == {"amount": "500", "currency": "JPY", "minor": 500}


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("88.8", "CNY", 8880), ("88", "CNY", 8800), ("500", "JPY", 500), ("0.005", "KWD", 5)],
)
def test_missing_fraction_digits_are_filled_up(text, currency, minor):
    assert Money.parse(text, currency).minor == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("88.801", "CNY"),
        ("1.0", "JPY"),
        ("1.2345", "KWD"),
        ("-1", "CNY"),
        ("+1", "CNY"),
        (" 1", "CNY"),
        ("1 ", "CNY"),
        ("1\n", "CNY"),
        ("1,5", "CNY"),
        ("1e2", "CNY"),
        ("01", "CNY"),
        (".5", "CNY"),
        ("5.", "CNY"),
        ("", "CNY"),
        ("NaN", "CNY"),
        ("\u0661\u0662", "CNY"),
        ("10000000000.01", "CNY"),
        ("99999999999999999999", "CNY"),
        (12, "CNY"),
        (1.5, "CNY"),
        (None, "CNY"),
    ],
)
def test_what_is_no_exact_amount_is_refused(text, currency):
    with pytest.raises(AmountInvalid) as caught:
        Money.parse(text, currency)
    assert caught.value.code == "AMOUNT_INVALID"


@pytest.mark.parametrize("minor", [-1, MINOR_MAX + 1, 1.0, True, "1", None])
def test_what_is_no_count_of_minor_units_is_refused(minor):
    with pytest.raises(AmountInvalid):
        Money(minor, "CNY")


@pytest.mark.parametrize("currency", ["cny", "RMB", "", "XXX", None, "CNY "])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(CurrencyUnknown):
        Money(1, currency)


def test_money_of_one_currency_adds_and_takes_away():
    assert Money(5, "CNY") + Money(7, "CNY") == Money(12, "CNY")
    assert Money(7, "CNY") - Money(5, "CNY") == Money(2, "CNY")


def test_money_never_goes_below_nothing_nor_across_currencies():
    with pytest.raises(AmountInvalid):
        Money(5, "CNY") - Money(7, "CNY")
    with pytest.raises(AmountInvalid):
        Money(5, "CNY") + Money(7, "JPY")


def test_the_exponents_are_those_of_the_standard():
    by_exponent = {e: sorted(c for c in EXPONENTS if EXPONENTS[c] == e) for e in (0, 3, 4)}
    assert {"JPY", "KRW", "VND", "ISK", "UGX"} <= set(by_exponent[0])
    assert by_exponent[3] == ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
    assert by_exponent[4] == ["CLF", "UYW"]
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


def test_the_greatest_amount_is_a_million_million_minor_units():
    assert MINOR_MAX == 1_000_000_000_000
    assert Money(MINOR_MAX, "CNY").minor == MINOR_MAX
    with pytest.raises(AmountInvalid):
        Money(MINOR_MAX + 1, "CNY")


@pytest.mark.parametrize("code", [["CNY"], {}, None, 1])
def test_what_is_no_text_is_no_currency(code):
    with pytest.raises(CurrencyUnknown):
        Money(1, code)


@pytest.mark.parametrize("other", ["AED", "USD"])
def test_another_currency_is_refused_whichever_comes_first_in_the_alphabet(other):
    with pytest.raises(AmountInvalid, match="cannot reckon"):
        Money(2, "CNY") + Money(1, other)
    with pytest.raises(AmountInvalid, match="cannot reckon"):
        Money(2, "CNY") - Money(1, other)
