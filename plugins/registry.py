"""ClientTypeRegistry: the client types that plugins brought, for the core to ask."""

import logging
from collections.abc import Iterable, Sequence

from retender.domain.model.client_type import ClientType
from retender.domain.model.errors import UnknownName

log = logging.getLogger(__name__)


class ClientTypeRegistry:
    """Implements ``ClientTypes`` with what a plugin host holds."""

    def __init__(self, client_types: Iterable[ClientType]) -> None:
        """Keep them, in the order in which they are asked whether they recognise somebody."""
        self._types = {client_type.code: client_type for client_type in client_types}

    def get(self, code: str) -> ClientType:
        """Return one, or raise ``UnknownName`` with all the codes there are."""
        try:
            return self._types[code]
        except KeyError:
            raise UnknownName("client type", code, self._types) from None

    def all(self) -> Sequence[ClientType]:
        """Return all, in order."""
        return tuple(self._types.values())

    def recognise(self, user_agent: str) -> ClientType | None:
        """Return the first that recognises the user agent, or None."""
        for client_type in self._types.values():
            try:
                if client_type.recognise(user_agent):
                    return client_type
            except Exception as trouble:  # noqa: BLE001 - a stranger's code may raise anything
                # No reason to turn a payer away: the next one may know better.
                log.warning("client type %s broke: %s", client_type.code, type(trouble).__name__)
        return None
