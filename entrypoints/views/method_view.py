"""What callers see of the ways to pay: the lines of a cashier."""

from datetime import datetime
from typing import Self

from pydantic import Field

from retender.domain.use_cases.list_methods import Method
from retender.entrypoints.views.view import View


class MethodView(View):
    """One line of a cashier."""

    account: str = Field(description="what to say when paying", examples=["alipay"])
    title: str = Field(examples=["Alipay"])
    provider: str = Field(examples=["alipay"])
    page_kind: str | None = Field(examples=["redirect"])
    needs: list[str] = Field(description="what `payer` must hold", examples=[["client_ip"]])
    instalments: list[int]
    available: bool = Field(examples=[True])
    why_not: str | None = Field(description="the code of what stands in the way")
    because: str | None = Field(None, description="the same in words")
    retry_at: datetime | None = Field(
        None, description="from when on it may be available again, where that is known"
    )

    @classmethod
    def of(cls, method: Method) -> Self:
        """Show it."""
        return cls(
            account=method.account,
            title=method.title,
            provider=method.provider,
            page_kind=method.page_kind,
            needs=list(method.needs),
            instalments=list(method.instalments),
            available=method.available,
            why_not=method.why_not,
            because=method.because,
            retry_at=method.retry_at,
        )


class MethodsView(View):
    """What this client type can pay the order with, now."""

    client_type: str = Field(examples=["h5"])
    methods: list[MethodView]
