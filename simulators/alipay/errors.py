"""How the simulated gateway says no."""


class Refused(Exception):
    """A business failure: signed, code 40004 with a ``sub_code``; a page shows it to the payer."""

    def __init__(self, sub_code: str, message: str = "") -> None:
        """Name Alipay's code, complete with its prefix."""
        super().__init__(f"{sub_code} {message}".rstrip())
        self.sub_code = sub_code
        self.message = message or sub_code


class GatewayError(Exception):
    """
    An error of the gateway itself, before any business.

    Attributes:
        signed: whether the gateway knew by then who asks.

    """

    def __init__(
        self, code: str, msg: str, sub_code: str, message: str = "", *, signed: bool = False
    ) -> None:
        """Name both codes."""
        super().__init__(sub_code)
        self.code = code
        self.msg = msg
        self.sub_code = sub_code
        self.message = message or sub_code
        self.signed = signed


def missing(what: str, *, signed: bool = False) -> GatewayError:
    """Return the error for a parameter that is not there."""
    return GatewayError("40001", "Missing Required Arguments", f"isv.missing-{what}", signed=signed)


def invalid(what: str, message: str = "", *, signed: bool = False) -> GatewayError:
    """Return the error for a parameter that is not right."""
    return GatewayError("40002", "Invalid Arguments", f"isv.invalid-{what}", message, signed=signed)
