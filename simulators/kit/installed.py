"""
The installed simulators: each is an entry point, named as its provider.

A package brings one by an entry point of the group ``retender.simulators``. It names a
``MakeSimulator``. Providers know nothing of it: only who wants to play the gateway loads it.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Protocol, cast

from retender.domain.model.errors import SetupError, UnknownName

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from retender.ports.clock import Clock
    from retender.simulators.kit.clock import SimulatorClock
    from retender.simulators.kit.delivery import Send
    from retender.simulators.kit.switches import Switches

GROUP = "retender.simulators"
"""The entry point group."""


class RunnableSimulator(Protocol):
    """A simulator, as far as one has to know it to serve it."""

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


class MakeSimulator(Protocol):
    """What the entry point names: it makes a simulator with fresh keys and empty books."""

    def __call__(self, base_url: str, *, send: "Send", clock: "Clock" = ...) -> RunnableSimulator:
        """
        Make a simulator that will be served at ``base_url``.

        Args:
            base_url: where it will be reached.
            send: how to post notices to the shop.
            clock: the time that its own clock follows; the real one if unsaid.

        """


def installed_simulators() -> list[str]:
    """Return the names of the providers that have a simulator; nothing is imported."""
    return sorted(entry_points(group=GROUP).names)


def load_simulator(provider: str) -> MakeSimulator:
    """
    Import a provider's simulator.

    Raises:
        UnknownName: no installed package brings one.
        SetupError: two packages bring one, or it cannot be imported; names the packages.

    """
    found = list(entry_points(group=GROUP, name=provider))
    if not found:
        raise UnknownName("simulator", provider, installed_simulators())
    if len(found) > 1:
        packages = [_package(point) for point in found]
        raise SetupError(
            f"Two packages bring a simulator of {provider!r}: {' and '.join(packages)}. "
            f"Uninstall one of them.",
            packages=packages,
        )
    try:
        return cast("MakeSimulator", found[0].load())
    except (Exception, SystemExit) as trouble:
        package = _package(found[0])
        raise SetupError(
            f"The simulator of {provider!r}, from {package}, cannot be imported: "
            f"{type(trouble).__name__}: {trouble}.",
            packages=[package],
        ) from trouble


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
