"""The simulated gateways that plugins bring, as far as one has to know them to run them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

from retender.domain.model.errors import UnknownName

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from retender.plugins.simulator_kit.clock import SimulatorClock
    from retender.plugins.simulator_kit.delivery import Send
    from retender.plugins.simulator_kit.switches import Switches
    from retender.ports.clock import Clock


class RunnableSimulator(Protocol):
    """What a provider plugin's ``simulator`` makes, when called with an address."""

    @property
    def app(self) -> "ASGIApp":
        """The ASGI application: gateway, human pages, control API."""

    @property
    def clock(self) -> "SimulatorClock":
        """What time it is there."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What an account must be told to use it."""

    @property
    def switches(self) -> "Switches":
        """The unconfirmed facts."""


def new_simulator(
    provider: str, base_url: str, *, send: "Send", clock: "Clock | None" = None
) -> RunnableSimulator:
    """
    Make a gateway's simulator with fresh keys; it takes a second or so.

    Raises:
        UnknownName: there is no such provider, or it has none.

    """
    from retender.plugins.host import load_plugins

    providers = load_plugins().providers
    plugin = providers.get(provider)
    if plugin is None or plugin.simulator is None:
        able = [name for name, each in providers.items() if each.simulator is not None]
        raise UnknownName("simulator", provider, able)
    more = {} if clock is None else {"clock": clock}
    return cast("RunnableSimulator", plugin.simulator(base_url, send=send, **more))
