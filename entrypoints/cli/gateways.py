"""The simulated gateways that packages bring, made with fresh keys."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retender.ports.clock import Clock
    from retender.simulators.kit.delivery import Send
    from retender.simulators.kit.installed import RunnableSimulator


def new_simulator(
    provider: str, base_url: str, *, send: "Send", clock: "Clock | None" = None
) -> "RunnableSimulator":
    """
    Make a gateway's simulator with fresh keys; it takes a second or so.

    Raises:
        UnknownName: no installed package brings one of this provider.
        SetupError: it cannot be imported, or two packages bring one.

    """
    from retender.simulators.kit.installed import load_simulator

    make = load_simulator(provider)
    return make(base_url, send=send) if clock is None else make(base_url, send=send, clock=clock)
