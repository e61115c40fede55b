"""Errors about what the payer's side supplies; they never repeat it."""

from collections.abc import Iterable

from retender.domain.model.errors import InvalidInput


class PayerInputMissing(InvalidInput):
    """The chosen page needs something of the payer's side that was not given, or is not it."""

    code = "PAYER_INPUT_MISSING"

    def __init__(self, needs: Iterable[str], page_kind: str, why: str | None = None) -> None:
        """List what is missing for which page, and why what was given is not it."""
        missing = sorted(needs)
        because = f"; {why}" if why else ""
        super().__init__(
            f"A {page_kind} page of this provider needs {', '.join(missing)}{because}.",
            missing=missing,
        )


class PayerInputInvalid(InvalidInput):
    """What the payer's side supplied does not have its form; the value is not repeated."""

    code = "PAYER_INPUT_INVALID"

    def __init__(self, name: str, rule: str) -> None:
        """Name the field and the rule."""
        super().__init__(f"payer.{name} {rule}.", field=f"payer.{name}")
