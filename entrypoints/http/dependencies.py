"""What the routes are given: the use cases and what stands beside them, asked for once."""

from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Header, Request, Response

from retender.domain.model.errors import InvalidInput
from retender.entrypoints.addresses import Addresses
from retender.entrypoints.words.catalogue import language_of
from retender.entrypoints.words.language import Language

if TYPE_CHECKING:
    from retender.entrypoints.container import Container


class Dependencies:
    """
    Everything that a route may call.

    All of it is made here, so that what is wrong with the set-up ends the start of the
    server, and not a request. Each type is what the container says it is.
    """

    def __init__(self, container: "Container") -> None:
        """Ask the container for everything, once."""
        self.place_order = container.place_order()
        self.pay_order = container.pay_order()
        self.take_notice = container.take_notice()
        self.close_order = container.close_order()
        self.refund_payment = container.refund_payment()
        self.show_order = container.show_order()
        self.explain_order = container.explain_order()
        self.show_refund = container.show_refund()
        self.show_page = container.show_page()
        self.list_methods = container.list_methods()
        self.list_attention = container.list_attention()
        self.show_attention = container.show_attention()
        self.accounts = container.accounts()
        self.client_types = container.client_types()
        self.clock = container.clock()
        self.random_text = container.random_text()
        self.store = container.store()
        self.guards = container.guards()
        self.gateway_clocks = container.gateway_clocks()
        self.addresses = Addresses(container.settings().public_url)

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


async def _dependencies(request: Request) -> Dependencies:
    # Not async, it would be called in a thread.
    return cast("Dependencies", request.app.state.dependencies)


async def _language(
    response: Response,
    accepted: Annotated[
        str | None,
        Header(alias="Accept-Language", description="in which language sentences are: `en`, `zh`"),
    ] = None,
) -> Language:
    """Choose the language of an answer's sentences, and say which it is."""
    language = language_of(accepted)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return language


Reading = Annotated[Language, Depends(_language)]
"""The type of a route's parameter that is the language of whoever reads its answer."""

Injected = Annotated[Dependencies, Depends(_dependencies)]
"""The type of a route's parameter that is given them."""
