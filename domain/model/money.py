"""Money: integer minor units of an ISO 4217 currency, parsed and printed exactly."""

import re
from dataclasses import dataclass

from retender.domain.model.errors import AmountInvalid, CurrencyUnknown

# Active ISO 4217 codes by the number of digits behind the point. The exponent is a
# fact of the standard, not of a locale: printing JPY with two digits is off by 100.
_CODES_BY_EXPONENT: dict[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN "
        "BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB "
        "EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS "
        "KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
        "MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
        "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS "
        "UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {
    code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()
}

MINOR_MAX = 10**12
"""The largest amount, in minor units, that anything here accepts (protocol 1.5)."""

_DECIMAL = re.compile(r"(?P<whole>0|[1-9][0-9]{0,12})(?:\.(?P<fraction>[0-9]{1,4}))?", re.ASCII)


def exponent_of(currency: str) -> int:
    """
    Return how many digits stand behind the point in amounts of this currency.

    Raises:
        CurrencyUnknown: the code is no active ISO 4217 code in capitals.

    """
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise CurrencyUnknown(currency) from None


@dataclass(frozen=True, slots=True)
class Money:
    """
    An amount that is owed, paid or given back; never negative, never a float.

    Attributes:
        minor: whole minor units (fen, cents), 0 to ``MINOR_MAX``.
        currency: ISO 4217 code in capitals.

    Raises:
        AmountInvalid: ``minor`` is no integer (a bool is none) or out of bounds.
        CurrencyUnknown: the currency is not in ISO 4217.

    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what could not be money: floats, booleans, negatives, giants."""
        if type(self.minor) is not int:
            raise AmountInvalid(self.minor, "an amount is a whole number of minor units")
        if not 0 <= self.minor <= MINOR_MAX:
            raise AmountInvalid(self.minor, f"an amount lies between 0 and {MINOR_MAX} minor units")
        exponent_of(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """
        Read a decimal string such as ``"88.80"`` exactly.

        Fewer fraction digits than the currency has are filled up, more are an
        error: nothing is rounded. Signs, spaces, separators and exponents are
        errors too.
        """
        exponent = exponent_of(currency)
        match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise AmountInvalid(text, "an amount reads like 12 or 12.34: digits and one point")
        fraction = match["fraction"] or ""
        if len(fraction) > exponent:
            raise AmountInvalid(text, f"{currency} has {exponent} digits behind the point")
        return cls(int(match["whole"] + fraction.ljust(exponent, "0")), currency)

    def decimal(self) -> str:
        """Print the amount with exactly the currency's digits; ``parse`` reads it back."""
        exponent = exponent_of(self.currency)
        digits = str(self.minor).rjust(exponent + 1, "0")
        return f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits

    def to_json(self) -> dict[str, str | int]:
        """Return it for machines, as all answers and events show an amount."""
        return {"amount": self.decimal(), "currency": self.currency, "minor": self.minor}

    def __str__(self) -> str:
        """Print for people: ``88.80 CNY``."""
        return f"{self.decimal()} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        """Add money of the same currency; another one is an error."""
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Take away money of the same currency; below zero is an error."""
        return Money(self.minor - self._minor_of(other), self.currency)

    def _minor_of(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise AmountInvalid(str(other), f"cannot reckon {other.currency} with {self.currency}")
        return other.minor
