"""Outcome: what a provider's word changed."""

from enum import StrEnum


class Outcome(StrEnum):
    """What a receipt changed."""

    WON = "won"
    """It paid the order."""
    SURPLUS = "surplus"
    """It is money above what is due; its refund is written down."""
    KNOWN = "known"
    """We knew it already."""
    DEAD = "dead"
    """The attempt can take no money any more."""
    CONTRADICTED = "contradicted"
    """It says that what must be there is not: a human must look at the account."""
    NOTHING = "nothing"
    """It proves nothing yet."""
    ATTENTION = "attention"
    """It fits nothing; a human must look."""
