"""How the simulated gateway says no: a status, a code, and no signature."""

from collections.abc import Mapping

STATUS: Mapping[str, int] = {
    "APPID_MCHID_NOT_MATCH": 400,
    "INVALID_REQUEST": 400,
    "MCH_NOT_EXISTS": 400,
    "NO_STATEMENT_EXIST": 400,
    "ORDER_CLOSED": 400,
    "ORDER_PAID": 400,
    "ORDERPAID": 400,
    "PARAM_ERROR": 400,
    "STATEMENT_CREATING": 400,
    "SIGN_ERROR": 401,
    "NOT_ENOUGH": 403,
    "NO_AUTH": 403,
    "OUT_TRADE_NO_USED": 403,
    "RULE_LIMIT": 403,
    "TRADE_ERROR": 403,
    "TRADE_OVERDUE": 403,
    "USER_ACCOUNT_ABNORMAL": 403,
    "ORDERNOTEXIST": 404,
    "ORDER_NOT_EXIST": 404,
    "RESOURCE_NOT_EXISTS": 404,
    "FREQUENCY_LIMITED": 429,
    "RATELIMIT_EXCEEDED": 429,
    "SYSTEM_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}
"""The HTTP status that each code comes with."""


class Refused(Exception):
    """
    A request that the gateway refuses.

    Attributes:
        code: WeChat Pay's own.
        status: the HTTP status that goes with it.
        message: for people; nobody may branch on it.
        reason: the number at the end of ``Request-ID``, if one is known.
        detail: which field is wrong, for PARAM_ERROR.

    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        reason: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Take the status from the table unless it is said."""
        super().__init__(f"{code} {message}".rstrip())
        self.code = code
        self.message = message or code
        self.status = STATUS[code] if status is None else status
        self.reason = reason
        self.detail = detail

    def body(self) -> dict[str, object]:
        """Return the JSON object to answer."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            body["detail"] = dict(self.detail)
        return body


def wrong_field(field: str, value: object, issue: str, *, reason: str | None = None) -> Refused:
    """Return the refusal of one field of a body."""
    detail = {"field": field, "value": value, "issue": issue, "location": "body"}
    return Refused("PARAM_ERROR", f"{field}: {issue}", reason=reason, detail=detail)
