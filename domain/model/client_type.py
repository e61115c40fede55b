"""Client types: where a payer sits, and the negotiation of a page that shows there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from retender.domain.model.errors import NoCommonPage, UnknownName
from retender.domain.model.page import PageKind


class Device(StrEnum):
    """Where the page is shown: the same kind of page may be another product there."""

    SCREEN = "screen"
    """A screen apart from the payer's phone: PC, TV, kiosk. It can be scanned."""
    PHONE = "phone"
    """The phone itself, where the wallet app lives."""


def _never(_user_agent: str) -> bool:
    """Recognise nothing: the client type must be named."""
    return False


@dataclass(frozen=True, slots=True)
class ClientType:
    """
    A place to pay from, contributed by a plugin.

    Attributes:
        code: the name in the API, ``[a-z][a-z0-9_]*``.
        title: the name for people.
        device: what the page is shown on.
        page_kinds: what it can show, the best first.
        recognise: whether a user agent is one of these; the first that says yes wins.

    """

    code: str
    title: str
    device: Device
    page_kinds: tuple[PageKind, ...]
    recognise: Callable[[str], bool] = field(default=_never, compare=False)


class OffersPage(Protocol):
    """As much of a provider's page terms as the negotiation looks at."""

    @property
    def kind(self) -> PageKind:
        """The kind of page."""

    @property
    def devices(self) -> frozenset[Device]:
        """Where it may be shown."""


OfferT = TypeVar("OfferT", bound=OffersPage)


def negotiate(client: ClientType, offers: Iterable[OfferT], wanted: str | None = None) -> OfferT:
    """
    Choose the page: the client's first preference that the provider offers there.

    Provider x client type needs no matrix of classes; a new client type works
    with every provider that offers something it can show.

    Args:
        client: says what it can show, the best first.
        offers: the provider's page terms.
        wanted: a page kind that the caller insists on.

    Raises:
        UnknownName: ``wanted`` is no page kind at all.
        NoCommonPage: nothing fits, or not the wanted one.

    """
    if wanted is not None and wanted not in set(PageKind):
        raise UnknownName("page kind", wanted, [str(kind) for kind in PageKind])
    here = {offer.kind: offer for offer in offers if client.device in offer.devices}
    for kind in client.page_kinds:
        if kind in here and wanted in (None, kind):
            return here[kind]
    shows = [str(kind) for kind in client.page_kinds]
    raise NoCommonPage(client.code, shows, [str(kind) for kind in here], wanted)
