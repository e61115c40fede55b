"""What the routes are given: the use cases, asked of the container once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, cast

from fastapi import Depends, Request

from retender.domain.model.errors import InvalidInput
from retender.domain.use_cases.close_order import CloseOrder
from retender.domain.use_cases.list_attention import ListAttention
from retender.domain.use_cases.list_methods import ListMethods
from retender.domain.use_cases.pay_order import PayOrder
from retender.domain.use_cases.place_order import PlaceOrder
from retender.domain.use_cases.refund_payment import RefundPayment
from retender.domain.use_cases.show_attention import ShowAttention
from retender.domain.use_cases.show_order import ShowOrder
from retender.domain.use_cases.show_page import ShowPage
from retender.domain.use_cases.show_refund import ShowRefund
from retender.domain.use_cases.take_notice import TakeNotice
from retender.entrypoints.addresses import Addresses
from retender.ports.accounts import Accounts
from retender.ports.client_types import ClientTypes
from retender.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Everything that a route may call."""

    place_order: PlaceOrder
    pay_order: PayOrder
    take_notice: TakeNotice
    close_order: CloseOrder
    refund_payment: RefundPayment
    show_order: ShowOrder
    show_refund: ShowRefund
    show_page: ShowPage
    list_methods: ListMethods
    list_attention: ListAttention
    show_attention: ShowAttention
    accounts: Accounts
    client_types: ClientTypes
    clock: Clock
    random_text: Callable[[int], str]
    check_store: Callable[[], Awaitable[None]]
    clock_offsets: Callable[[], Mapping[str, timedelta]]
    left_alone: Callable[[], Mapping[str, bool]]
    addresses: Addresses

    def client_type(self, named: str | None, request: Request) -> str:
        """
        Return the code that was given, else the one of the browser that asks.

        Raises:
            InvalidInput: not given, and the user agent is nobody we know.

        """
        if named is not None:
            return named
        found = self.client_types.recognise(request.headers.get("user-agent", ""))
        if found is None:
            raise InvalidInput(
                "client_type is needed: the User-Agent tells none.",
                field="client_type",
                known=[client.code for client in self.client_types.all()],
            )
        return found.code


async def _cases(request: Request) -> Cases:  # not async, it would be called in a thread
    return cast("Cases", request.app.state.cases)


Given = Annotated[Cases, Depends(_cases)]
