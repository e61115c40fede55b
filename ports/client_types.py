"""ClientTypes: the places to pay from that plugins contributed."""

from collections.abc import Sequence
from typing import Protocol

from retender.domain.model.client_type import ClientType


class ClientTypes(Protocol):
    """All client types of this deployment."""

    def get(self, code: str) -> ClientType:
        """Return one, or raise ``UnknownName`` with all the codes there are."""

    def all(self) -> Sequence[ClientType]:
        """Return all, in the order of their registration."""

    def recognise(self, user_agent: str) -> ClientType | None:
        """Return the first that recognises the user agent, or None."""
